/* Scalars: numbers, time(), pi(), scalar(); and vector(), which makes a vector of one. A scalar is a row without labels
 * that has a value at every step. */
#include "query/plan.h"

#include <math.h>
#include <string.h>

struct constant {
    struct operator op;
    double value;
};

static bool open_scalar(struct operator* op, struct query *query)
{
    (void)query;
    shape_of_nothing(&op->shape);
    op->row_ns = op->grid.steps;
    return true;
}

static bool fill_constant(struct operator* op, struct task *task, const uint32_t *rows, uint32_t count,
                          struct tile *out)
{
    (void)task;
    (void)rows;
    for (uint32_t row = 0; row < count; row++) {
        for (size_t s = 0; s < op->grid.steps; s++) tile_values(out, row)[s] = ((struct constant *)op)->value;
        bits_fill(out->present, op->grid.steps);
    }
    return true;
}

static const struct operator_class constant_class = {"number", open_scalar, fill_constant};

struct operator* plan_number(struct plan *plan, const struct node *node, double value)
{
    struct constant *constant = plan_new(plan, &constant_class, node, sizeof *constant);

    constant->value = value;
    return &constant->op;
}

struct operator* plan_pi(struct plan *plan, const struct node *call)
{
    return plan_number(plan, call, M_PI);
}

static bool fill_time(struct operator* op, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    (void)task;
    (void)rows;
    (void)count;
    for (size_t s = 0; s < op->grid.steps; s++) out->values[s] = (double)grid_time(&op->grid, s) / 1000;
    bits_fill(out->present, op->grid.steps);
    return true;
}

static const struct operator_class time_class = {"time", open_scalar, fill_time};

struct operator* plan_time(struct plan *plan, const struct node *call)
{
    return plan_new(plan, &time_class, call, sizeof(struct operator));
}

/* scalar(): all rows are looked at in open. */
struct scalar {
    struct operator op;
    struct operator* child;
    double *values;
};

/* What pieces of rows found, by step: no value, one, or several. */
struct found {
    pthread_mutex_t mutex;
    const struct operator* op;
    double *values;
    uint8_t *counts;
};

static bool count_values(void *context, struct task *task, const struct piece *piece)
{
    struct found *found = context;

    (void)task;
    pthread_mutex_lock(&found->mutex);
    for (uint32_t row = 0; row < piece->count; row++) {
        for (size_t s = 0; s < found->op->grid.steps; s++) {
            size_t at = row * piece->tile.stride + s;
            if (!bits_get(piece->tile.present, at)) continue;
            if (found->counts[s] < 2) found->counts[s]++;
            found->values[s] = piece->tile.values[at];
        }
    }
    pthread_mutex_unlock(&found->mutex);
    return true;
}

static bool open_single(struct operator* op, struct query *query)
{
    struct scalar *scalar = (struct scalar *)op;
    size_t steps = op->grid.steps;
    struct found found = {.op = op};

    if (!operator_open(scalar->child, query)) return false;
    open_scalar(op, query);
    scalar->values = found.values = arena_array(&query->arena, double, steps);
    found.counts = arena_zarray(&query->arena, uint8_t, steps);
    pthread_mutex_init(&found.mutex, NULL);
    bool done = operator_visit(scalar->child, query, NULL, scalar->child->shape.count, count_values, &found);
    pthread_mutex_destroy(&found.mutex);
    for (size_t s = 0; s < steps; s++) {
        if (found.counts[s] != 1) scalar->values[s] = NAN;
    }
    return done;
}

static bool fill_single(struct operator* op, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    (void)task;
    (void)rows;
    (void)count;
    memcpy(out->values, ((struct scalar *)op)->values, op->grid.steps * sizeof(double));
    bits_fill(out->present, op->grid.steps);
    return true;
}

static const struct operator_class single_class = {"scalar", open_single, fill_single};

struct operator* plan_scalar(struct plan *plan, const struct node *call)
{
    struct operator* child = plan_node(plan, call->call.args[0]);
    struct scalar *scalar = plan_new(plan, &single_class, call, sizeof *scalar);

    scalar->child = child;
    return &scalar->op;
}

/* A scalar's row is already a vector's. */
struct operator* plan_vector(struct plan *plan, const struct node *call)
{
    return plan_node(plan, call->call.args[0]);
}
