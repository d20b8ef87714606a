/* Binary operators on single elements; see element.h. */
#include "query/element.h"

#include "query/arithmetic.h"
#include "query/histogram_sum.h"
#include "query/histogram_value.h"

#include <string.h>

static bool scale(struct element histogram, double factor, bool divides, struct task *task, struct element *out)
{
    struct histogram_sum sum = {0};

    histogram_sum_set(&sum, histogram.histogram);
    if (divides) {
        histogram_sum_divide(&sum, factor);
    } else {
        histogram_sum_multiply(&sum, factor);
    }
    *out = (struct element){0, histogram_sum_take(&sum, &task->cells)};
    histogram_sum_release(&sum);
    return true;
}

/* A collision of counter resets also takes the element away. */
static bool add(struct element left, struct element right, bool subtracts, struct task *task, struct element *out,
                enum element_note *note)
{
    struct histogram_sum sum = {0};

    histogram_sum_set(&sum, left.histogram);
    unsigned notes = histogram_sum_add(&sum, right.histogram, subtracts ? -1 : 1, false);
    if (subtracts) sum.hint = HISTOGRAM_GAUGE;
    if (notes & HISTOGRAM_RECONCILED) *note = ELEMENT_RECONCILED;
    if (notes & HISTOGRAM_COLLISION) *note = ELEMENT_COLLISION;
    if (notes & HISTOGRAM_INCOMPATIBLE) *note = ELEMENT_LAYOUT;
    bool is_kept = !(notes & (HISTOGRAM_INCOMPATIBLE | HISTOGRAM_COLLISION));
    if (is_kept) *out = (struct element){0, histogram_sum_take(&sum, &task->cells)};
    histogram_sum_release(&sum);
    return is_kept;
}

bool element_operate(enum operator_kind op, struct element left, struct element right, struct task *task,
                     struct element *out, enum element_note *note)
{
    *note = ELEMENT_FINE;
    *out = left;
    if (left.histogram && right.histogram) {
        switch (op) {
        case OP_ADD:
        case OP_SUB: return add(left, right, op == OP_SUB, task, out, note);
        case OP_EQL: return histogram_equal(left.histogram, right.histogram);
        case OP_NEQ: return !histogram_equal(left.histogram, right.histogram);
        default: break;
        }
    } else if (left.histogram) {
        switch (op) {
        case OP_MUL:
        case OP_DIV: return scale(left, right.value, op == OP_DIV, task, out);
        case OP_TRIM_UPPER:
        case OP_TRIM_LOWER:
            out->histogram = histogram_trim(left.histogram, right.value, op == OP_TRIM_UPPER, &task->cells);
            return true;
        default: break;
        }
    } else if (right.histogram) {
        if (op == OP_MUL) return scale(right, left.value, false, task, out);
    } else if (op != OP_TRIM_UPPER && op != OP_TRIM_LOWER) {
        double result = arithmetic_one(op, left.value, right.value);
        if (operator_is_comparison(op)) return result != 0;
        out->value = result;
        return true;
    }
    *note = ELEMENT_TYPES;
    return false;
}

void element_annotate(struct query *query, const struct node *node, enum operator_kind op, enum element_note note,
                      struct element left, struct element right)
{
    const char *what = op == OP_SUB ? "subtraction" : "addition";

    switch (note) {
    case ELEMENT_TYPES:
        annotate_operand_types(&query->annotations, node, op, left.histogram != NULL, right.histogram != NULL);
        return;
    case ELEMENT_LAYOUT: annotate_layout(&query->annotations, node, op); return;
    case ELEMENT_COLLISION: annotate_collision(&query->annotations, node, what); return;
    case ELEMENT_RECONCILED: annotate_reconciled(&query->annotations, node, what); return;
    case ELEMENT_FINE: return;
    }
}

/* Puts the result of an operation into its place. */
static void put(const struct element_operands *operands, struct task *task, struct tile *out, size_t at, bool is_kept,
                enum element_note note, struct element result)
{
    bits_clear(out->present, at);
    if (out->histograms) bits_clear(out->histograms, at);
    if (operands->returns_bool && note != ELEMENT_TYPES) {
        result = (struct element){is_kept, NULL};
        is_kept = true;
    }
    if (!is_kept) return;
    if (result.histogram) {
        tile_set_histogram(out, at, result.histogram, &task->cells);
    } else {
        out->values[at] = result.value;
        bits_set(out->present, at);
    }
}

static bool is_trim(enum operator_kind op)
{
    return op == OP_TRIM_UPPER || op == OP_TRIM_LOWER;
}

void element_operate_tile(const struct element_operands *operands, struct task *task, struct tile *out, size_t steps,
                          uint64_t *done)
{
    const struct tile *other = operands->other;

    for (size_t row = 0; row < out->rows; row++) {
        for (size_t s = 0; s < steps; s++) {
            size_t at = row * out->stride + s;
            struct element mine = {out->values[at], tile_histogram(out, at)}, its = {0}, result;
            bool is_there = mine.histogram || bits_get(out->present, at);
            if (other) {
                its = (struct element){other->values[at], tile_histogram(other, at)};
                if (!its.histogram && !bits_get(other->present, at)) is_there = false;
            } else {
                its.value = operands->values[operands->value_is_constant ? 0 : s];
            }
            if (!is_there) {
                bits_clear(out->present, at);
                if (out->histograms) bits_clear(out->histograms, at);
                continue;
            }
            if (!mine.histogram && !its.histogram && !is_trim(operands->op)) continue;
            struct element left = operands->tile_is_right ? its : mine, right = operands->tile_is_right ? mine : its;
            enum element_note note;
            bool is_kept = element_operate(operands->op, left, right, task, &result, &note);
            /* Compared with a number, it is the vector's element that stays. */
            if (!other && operator_is_comparison(operands->op)) result = mine;
            if (note != ELEMENT_FINE) element_annotate(task->query, operands->node, operands->op, note, left, right);
            put(operands, task, out, at, is_kept, note, result);
            bits_set(done, at);
        }
    }
}
