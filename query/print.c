/* Syntax trees as text: ast_print and ast_pretty (query/ast.h).
 *
 * The canonical text is that of Prometheus. It differs in the few places where Prometheus' own text, read again, would
 * be an error or another expression; the comments here name them.
 *
 * The pretty text breaks a node over several lines if its canonical text is longer than a line. Whether it is, is found
 * by printing it until the line is full, so the work for a node does not depend on how much is below it.
 */
#include "query/ast.h"
#include "query/duration.h"
#include "query/functions.h"
#include "query/quote.h"
#include "storage/base/number.h"
#include "tsdb/labels.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

enum { LINE_BYTES_MAX = 100 };

struct printer {
    struct writer out;
    size_t limit;                         /* of bytes; nothing is printed beyond it, or not much */
    bool skip_indent;                     /* the next one, after a sign */
    const struct time_modifier *followed; /* what it modifies is printed before an operator that offsets know too */
};

static bool is_full(const struct printer *printer)
{
    return printer->out.count >= printer->limit;
}

static void put(struct printer *printer, str text)
{
    if (is_full(printer)) return;
    text = str_part(text, 0, printer->limit - printer->out.count);
    writer_bytes(&printer->out, text.data, text.len);
}

static void put_quoted(struct printer *printer, str text)
{
    if (text.len < printer->limit) {
        quote_write(text, &printer->out);
    } else {
        put(printer, text);
    }
}

static void put_number(struct printer *printer, double value, enum number_form form)
{
    char text[NUMBER_TEXT_MAX];

    put(printer, str_make(text, number_format(value, form, text)));
}

/* A label name where the grammar takes names. `without` and the words for numbers are the only identifiers it refuses
 * there (Prometheus prints them bare). */
static void put_label(struct printer *printer, str name)
{
    bool refused = str_equal_ignore_case(name, STR("without")) || str_equal_ignore_case(name, STR("inf")) ||
                   str_equal_ignore_case(name, STR("nan"));

    if (labels_is_label_name(name) && !refused) {
        put(printer, name);
    } else {
        put_quoted(printer, name);
    }
}

/* " by (a, b)" and the like. */
static void put_labels(struct printer *printer, str word, const str *names, size_t count)
{
    put(printer, STR(" "));
    put(printer, word);
    put(printer, STR(" ("));
    for (size_t i = 0; i < count && !is_full(printer); i++) {
        if (i) put(printer, STR(", "));
        put_label(printer, names[i]);
    }
    put(printer, STR(")"));
}

static void put_node(struct printer *printer, const struct node *node);

static void put_number_node(struct printer *printer, const struct node *node)
{
    double value = node->number.value;

    if (node->number.is_duration) {
        duration_write((int64_t)round(value * 1000), &printer->out);
    } else {
        put_number(printer, value, NUMBER_FIXED);
    }
}

static bool is_operation(const struct node *node)
{
    return node->kind == NODE_DURATION && node->duration.left && node->duration.op < OP_STEP;
}

static void put_duration_operation(struct printer *printer, const struct duration *duration)
{
    /* Bare, a negative number would lose its sign to the whole power. */
    bool negative_base =
        duration->op == OP_POW && duration->left->kind == NODE_NUMBER && signbit(duration->left->number.value);

    if (negative_base) put(printer, STR("("));
    put_node(printer, duration->left);
    if (negative_base) put(printer, STR(")"));
    put(printer, STR(" "));
    put(printer, operator_text(duration->op));
    put(printer, STR(" "));
    put_node(printer, duration->right);
}

static void put_duration(struct printer *printer, const struct node *node)
{
    const struct duration *duration = &node->duration;

    if (duration->wrapped) put(printer, STR("("));
    if (is_operation(node)) {
        put_duration_operation(printer, duration);
    } else {
        put(printer, operator_text(duration->op));
        if (duration->op >= OP_STEP) put(printer, STR("("));
        if (duration->left) {
            put_node(printer, duration->left);
            put(printer, STR(", "));
        }
        if (duration->right) put_node(printer, duration->right);
        if (duration->op >= OP_STEP) put(printer, STR(")"));
    }
    if (duration->wrapped) put(printer, STR(")"));
}

static void put_range(struct printer *printer, int64_t ms, const struct node *expr)
{
    if (expr) {
        put_node(printer, expr);
    } else {
        duration_write(ms, &printer->out);
    }
}

static void put_offset(struct printer *printer, const struct time_modifier *time)
{
    const struct node *expr = time->offset_expr;

    if (expr) {
        put(printer, STR(" offset "));
        /* An operator behind a parenthesis would belong to the offset; a sign in front of it ends the offset there. */
        if (printer->followed == time && expr->duration.wrapped) put(printer, STR("+"));
        put_node(printer, expr);
    } else if (time->offset_ms) {
        put(printer, STR(" offset "));
        duration_write(time->offset_ms, &printer->out);
    }
}

static void put_at(struct printer *printer, const struct time_modifier *time)
{
    char text[40];
    uint64_t ms = time->at_ms < 0 ? 0 - (uint64_t)time->at_ms : (uint64_t)time->at_ms;

    switch (time->at) {
    case AT_NONE: break;
    case AT_START: put(printer, STR(" @ start()")); break;
    case AT_END: put(printer, STR(" @ end()")); break;
    case AT_TIME:
        snprintf(text, sizeof text, " @ %s%llu.%03llu", time->at_ms < 0 ? "-" : "", (unsigned long long)ms / 1000,
                 (unsigned long long)ms % 1000);
        put(printer, str_from(text));
        break;
    }
}

static str matcher_text(const struct matcher *matcher, struct arena *arena)
{
    str name = labels_is_label_name(matcher->name) ? matcher->name : quote_text(matcher->name, arena);

    return arena_format(arena, "%.*s%.*s%.*s", STR_ARG(name), STR_ARG(matcher_operator(matcher->type)),
                        STR_ARG(quote_text(matcher->value, arena)));
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* In the order of their texts. */
static void put_matchers(struct printer *printer, const struct matcher *matchers, size_t count)
{
    struct arena arena;
    size_t made = 0, bytes = 0;

    arena_init(&arena, NULL);
    str *texts = arena_array(&arena, str, count);
    for (; made < count && bytes < printer->limit; made++) {
        texts[made] = matcher_text(&matchers[made], &arena);
        bytes += texts[made].len;
    }
    if (made) qsort(texts, made, sizeof *texts, compare_texts);
    put(printer, STR("{"));
    for (size_t i = 0; i < made; i++) {
        if (i) put(printer, STR(","));
        put(printer, texts[i]);
    }
    put(printer, STR("}"));
    arena_release(&arena);
}

static void put_series(struct printer *printer, const struct selector *selector)
{
    size_t count = selector->matcher_count - (selector->name.len > 0); /* without the one made from the name */

    put(printer, selector->name);
    if (count || selector->name.len == 0) put_matchers(printer, selector->matchers, count);
}

static void put_smoothing(struct printer *printer, const struct selector *selector)
{
    if (selector->anchored) put(printer, STR(" anchored"));
    if (selector->smoothed) put(printer, STR(" smoothed"));
}

static void put_selector(struct printer *printer, const struct selector *selector)
{
    put_series(printer, selector);
    put_at(printer, &selector->time);
    put_smoothing(printer, selector);
    put_offset(printer, &selector->time);
}

static void put_range_selector(struct printer *printer, const struct range *range)
{
    const struct selector *selector = &range->selector->selector;

    put_series(printer, selector);
    put(printer, STR("["));
    put_range(printer, range->range_ms, range->range_expr);
    put(printer, STR("]"));
    put_smoothing(printer, selector);
    put_at(printer, &selector->time);
    put_offset(printer, &selector->time);
}

/* All of a subquery but its expression. */
static void put_subquery_suffix(struct printer *printer, const struct subquery *subquery)
{
    put(printer, STR("["));
    put_range(printer, subquery->range_ms, subquery->range_expr);
    put(printer, STR(":"));
    if (subquery->step_ms || subquery->step_expr) put_range(printer, subquery->step_ms, subquery->step_expr);
    put(printer, STR("]"));
    put_at(printer, &subquery->time);
    put_offset(printer, &subquery->time);
}

/* "sum by (job) "; without grouping the parenthesis follows directly. */
static void put_aggregate_head(struct printer *printer, const struct aggregate *aggregate)
{
    put(printer, aggregate_text(aggregate->op));
    if (!aggregate->without && aggregate->grouping_count == 0) return;
    put_labels(printer, aggregate->without ? STR("without") : STR("by"), aggregate->grouping,
               aggregate->grouping_count);
    put(printer, STR(" "));
}

static void put_fill(struct printer *printer, str word, double value)
{
    put(printer, word);
    put(printer, STR(" ("));
    put_number(printer, value, NUMBER_GENERAL);
    put(printer, STR(")"));
}

static void put_matching(struct printer *printer, const struct matching *matching)
{
    bool groups = matching->cardinality == MANY_TO_ONE || matching->cardinality == ONE_TO_MANY;

    if (matching->label_count || matching->on || groups)
        put_labels(printer, matching->on ? STR("on") : STR("ignoring"), matching->labels, matching->label_count);
    if (groups)
        put_labels(printer, matching->cardinality == MANY_TO_ONE ? STR("group_left") : STR("group_right"),
                   matching->include, matching->include_count);
    if (matching->has_fill_left && matching->has_fill_right && matching->fill_left == matching->fill_right) {
        put_fill(printer, STR(" fill"), matching->fill_left);
        return;
    }
    if (matching->has_fill_left) put_fill(printer, STR(" fill_left"), matching->fill_left);
    if (matching->has_fill_right) put_fill(printer, STR(" fill_right"), matching->fill_right);
}

/* "== bool on (job)", all of a binary expression but its operands. */
static void put_operator(struct printer *printer, const struct binary *binary)
{
    put(printer, operator_text(binary->op));
    if (binary->return_bool) put(printer, STR(" bool"));
    if (binary->matching) put_matching(printer, binary->matching);
}

static void indent(struct printer *printer, size_t level)
{
    if (printer->skip_indent) level = 0;
    printer->skip_indent = false;
    for (size_t i = 0; i < level; i++) put(printer, STR("  "));
}

/* The time modifier of the selector or subquery that an expression ends with, or NULL. */
static const struct time_modifier *time_at_end(const struct node *node)
{
    while (node->kind == NODE_BINARY || node->kind == NODE_UNARY)
        node = node->kind == NODE_BINARY ? node->binary.right : node->unary.expr;
    switch (node->kind) {
    case NODE_SELECTOR: return &node->selector.time;
    case NODE_RANGE: return &node->range.selector->selector.time;
    case NODE_SUBQUERY: return &node->subquery.time;
    default: return NULL;
    }
}

/* Prints the left operand by put_operand(printer, left, level). */
static void put_left(struct printer *printer, const struct binary *binary, size_t level,
                     void (*put_operand)(struct printer *printer, const struct node *node, size_t level))
{
    const struct time_modifier *followed = printer->followed;
    const struct node *left = binary->left;
    /* A plus before the base would be the sign of the whole power. */
    bool infinite_base = binary->op == OP_POW && left->kind == NODE_NUMBER && isinf(left->number.value);

    if (binary->op <= OP_POW) printer->followed = time_at_end(left);
    if (infinite_base) {
        indent(printer, level);
        put(printer, STR("Inf"));
    } else {
        put_operand(printer, left, level);
    }
    printer->followed = followed;
}

static void put_flat(struct printer *printer, const struct node *node, size_t level)
{
    indent(printer, level);
    put_node(printer, node);
}

static void put_binary(struct printer *printer, const struct binary *binary)
{
    put_left(printer, binary, 0, put_flat);
    put(printer, STR(" "));
    put_operator(printer, binary);
    put(printer, STR(" "));
    put_node(printer, binary->right);
}

static void put_call(struct printer *printer, const struct call *call)
{
    put(printer, str_from(call->function->name));
    put(printer, STR("("));
    for (size_t i = 0; i < call->arg_count && !is_full(printer); i++) {
        if (i) put(printer, STR(", "));
        put_node(printer, call->args[i]);
    }
    put(printer, STR(")"));
}

static void put_aggregate(struct printer *printer, const struct aggregate *aggregate)
{
    put_aggregate_head(printer, aggregate);
    put(printer, STR("("));
    if (aggregate->param) {
        put_node(printer, aggregate->param);
        put(printer, STR(", "));
    }
    put_node(printer, aggregate->expr);
    put(printer, STR(")"));
}

static void put_node(struct printer *printer, const struct node *node)
{
    if (is_full(printer)) return;
    switch (node->kind) {
    case NODE_NUMBER: put_number_node(printer, node); break;
    case NODE_STRING: put_quoted(printer, node->string); break;
    case NODE_SELECTOR: put_selector(printer, &node->selector); break;
    case NODE_RANGE: put_range_selector(printer, &node->range); break;
    case NODE_SUBQUERY:
        put_node(printer, node->subquery.expr);
        put_subquery_suffix(printer, &node->subquery);
        break;
    case NODE_CALL: put_call(printer, &node->call); break;
    case NODE_AGGREGATE: put_aggregate(printer, &node->aggregate); break;
    case NODE_BINARY: put_binary(printer, &node->binary); break;
    case NODE_UNARY:
        put(printer, operator_text(node->unary.op));
        put_node(printer, node->unary.expr);
        break;
    case NODE_PAREN:
        put(printer, STR("("));
        put_node(printer, node->paren);
        put(printer, STR(")"));
        break;
    case NODE_DURATION: put_duration(printer, node); break;
    }
}

static str finish(struct printer *printer, struct arena *arena)
{
    str text = arena_copy_str(arena, str_make((const char *)printer->out.data, printer->out.count));

    writer_release(&printer->out);
    return text;
}

str ast_print(const struct node *node, struct arena *arena)
{
    struct printer printer = {.limit = SIZE_MAX};

    put_node(&printer, node);
    return finish(&printer, arena);
}

static bool fits_line(const struct node *node)
{
    struct printer printer = {.limit = LINE_BYTES_MAX + 1};

    put_node(&printer, node);
    bool fits = printer.out.count <= LINE_BYTES_MAX;
    writer_release(&printer.out);
    return fits;
}

static void pretty_node(struct printer *printer, const struct node *node, size_t level);

/* An operand on lines of its own between parentheses. */
static void pretty_inside(struct printer *printer, const struct node *const *operands, size_t count, size_t level)
{
    put(printer, STR("(\n"));
    for (size_t i = 0; i < count; i++) {
        if (i) put(printer, STR(",\n"));
        pretty_node(printer, operands[i], level + 1);
    }
    put(printer, STR("\n"));
    indent(printer, level);
    put(printer, STR(")"));
}

static void pretty_binary(struct printer *printer, const struct binary *binary, size_t level)
{
    put_left(printer, binary, level + 1, pretty_node);
    put(printer, STR("\n"));
    indent(printer, level);
    put_operator(printer, binary);
    put(printer, STR("\n"));
    pretty_node(printer, binary->right, level + 1);
}

/* The operand follows the sign on its line. */
static void pretty_unary(struct printer *printer, const struct unary *unary, size_t level)
{
    indent(printer, level);
    put(printer, operator_text(unary->op));
    printer->skip_indent = true;
    pretty_node(printer, unary->expr, level);
    printer->skip_indent = false;
}

static void pretty_split(struct printer *printer, const struct node *node, size_t level)
{
    switch (node->kind) {
    case NODE_CALL:
        indent(printer, level);
        put(printer, str_from(node->call.function->name));
        pretty_inside(printer, (const struct node *const *)node->call.args, node->call.arg_count, level);
        break;
    case NODE_AGGREGATE: {
        const struct aggregate *aggregate = &node->aggregate;
        const struct node *operands[] = {aggregate->param, aggregate->expr};
        indent(printer, level);
        put_aggregate_head(printer, aggregate);
        pretty_inside(printer, aggregate->param ? operands : operands + 1, aggregate->param ? 2 : 1, level);
        break;
    }
    case NODE_PAREN:
        indent(printer, level);
        pretty_inside(printer, (const struct node *const *)&node->paren, 1, level);
        break;
    case NODE_SUBQUERY:
        pretty_node(printer, node->subquery.expr, level);
        put_subquery_suffix(printer, &node->subquery);
        break;
    case NODE_BINARY: pretty_binary(printer, &node->binary, level); break;
    default: put_flat(printer, node, level);
    }
}

static void pretty_node(struct printer *printer, const struct node *node, size_t level)
{
    if (node->kind == NODE_UNARY) {
        pretty_unary(printer, &node->unary, level);
    } else if (fits_line(node)) {
        if (node->kind != NODE_SUBQUERY) indent(printer, level); /* as Prometheus does */
        put_node(printer, node);
    } else {
        pretty_split(printer, node, level);
    }
}

str ast_pretty(const struct node *node, struct arena *arena)
{
    struct printer printer = {.limit = SIZE_MAX};

    pretty_node(&printer, node, 0);
    return finish(&printer, arena);
}
