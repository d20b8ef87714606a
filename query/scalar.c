/* Scalars: numbers, time(), pi(), scalar(); and vector(), which makes a vector of one. A scalar is a row without labels
 * that has a value at every step. */
#include "query/kernel.h"
#include "query/plan.h"

#include <math.h>
#include <string.h>

struct constant {
    struct stage stage;
    double value;
};

static bool open_scalar(struct stage *stage, struct query *query)
{
    (void)query;
    shape_of_nothing(&stage->shape);
    stage->row_ns = stage->grid.steps;
    return true;
}

static bool fill_constant(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                          struct tile *out)
{
    (void)task;
    (void)rows;
    for (uint32_t row = 0; row < count; row++) {
        for (size_t s = 0; s < stage->grid.steps; s++) tile_values(out, row)[s] = ((struct constant *)stage)->value;
        bits_fill(out->present, stage->grid.steps);
    }
    return true;
}

static const struct stage_class constant_class = {"number", open_scalar, fill_constant};

struct stage *plan_number(struct plan *plan, const struct node *node, double value)
{
    struct constant *constant = plan_new(plan, &constant_class, node, sizeof *constant);

    constant->value = value;
    return &constant->stage;
}

struct stage *plan_pi(struct plan *plan, const struct node *call)
{
    return plan_number(plan, call, M_PI);
}

static bool fill_time(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    (void)task;
    (void)rows;
    (void)count;
    for (size_t s = 0; s < stage->grid.steps; s++) out->values[s] = (double)grid_time(&stage->grid, s) / 1000;
    bits_fill(out->present, stage->grid.steps);
    return true;
}

static const struct stage_class time_class = {"time", open_scalar, fill_time};

struct stage *plan_time(struct plan *plan, const struct node *call)
{
    return plan_new(plan, &time_class, call, sizeof(struct stage));
}

/* scalar(): all rows are looked at in open. */
struct scalar {
    struct stage stage;
    struct stage *child;
    double *values;
};

/* What pieces of rows found, by step: no value, one, or several. */
struct found {
    pthread_mutex_t mutex;
    const struct stage *stage;
    double *values;
    uint8_t *counts;
};

static bool count_values(void *context, struct task *task, const struct piece *piece)
{
    struct found *found = context;

    (void)task;
    pthread_mutex_lock(&found->mutex);
    for (uint32_t row = 0; row < piece->count; row++) {
        for (size_t s = 0; s < found->stage->grid.steps; s++) {
            size_t at = row * piece->tile.stride + s;
            if (!bits_get(piece->tile.present, at)) continue;
            if (found->counts[s] < 2) found->counts[s]++;
            found->values[s] = piece->tile.values[at];
        }
    }
    pthread_mutex_unlock(&found->mutex);
    return true;
}

static bool open_single(struct stage *stage, struct query *query)
{
    struct scalar *scalar = (struct scalar *)stage;
    size_t steps = stage->grid.steps;
    struct found found = {.stage = stage};

    if (!stage_open(scalar->child, query)) return false;
    open_scalar(stage, query);
    scalar->values = found.values = arena_array(&query->arena, double, steps);
    found.counts = arena_zarray(&query->arena, uint8_t, steps);
    pthread_mutex_init(&found.mutex, NULL);
    bool done = stage_visit(scalar->child, query, NULL, scalar->child->shape.count, count_values, &found);
    pthread_mutex_destroy(&found.mutex);
    for (size_t s = 0; s < steps; s++) {
        if (found.counts[s] != 1) scalar->values[s] = NAN;
    }
    return done;
}

static bool fill_single(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    (void)task;
    (void)rows;
    (void)count;
    memcpy(out->values, ((struct scalar *)stage)->values, stage->grid.steps * sizeof(double));
    bits_fill(out->present, stage->grid.steps);
    return true;
}

static const struct stage_class single_class = {"scalar", open_single, fill_single};

struct stage *plan_scalar(struct plan *plan, const struct node *call)
{
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct scalar *scalar = plan_new(plan, &single_class, call, sizeof *scalar);

    scalar->child = child;
    return &scalar->stage;
}

/* min_of and max_of */
struct extreme {
    struct stage stage;
    struct stage *sides[2];
    struct column columns[2];
    bool wants_greater;
};

static bool open_extreme(struct stage *stage, struct query *query)
{
    struct extreme *extreme = (struct extreme *)stage;

    open_scalar(stage, query);
    return stage_column(extreme->sides[0], query, &extreme->columns[0]) &&
           stage_column(extreme->sides[1], query, &extreme->columns[1]);
}

static bool fill_extreme(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct extreme *extreme = (const struct extreme *)stage;

    (void)task;
    (void)rows;
    (void)count;
    for (size_t s = 0; s < stage->grid.steps; s++) {
        double a = extreme->columns[0].values[s], b = extreme->columns[1].values[s];
        out->values[s] = extreme->wants_greater ? larger_of(a, b) : smaller_of(a, b);
    }
    bits_fill(out->present, stage->grid.steps);
    return true;
}

static const struct stage_class extreme_class = {"min_of or max_of", open_extreme, fill_extreme};

static struct stage *new_extreme(struct plan *plan, const struct node *call, bool wants_greater)
{
    struct stage *first = plan_node(plan, call->call.args[0]), *second = plan_node(plan, call->call.args[1]);
    struct extreme *extreme = plan_new(plan, &extreme_class, call, sizeof *extreme);

    extreme->sides[0] = first;
    extreme->sides[1] = second;
    extreme->wants_greater = wants_greater;
    return &extreme->stage;
}

struct stage *plan_min_of(struct plan *plan, const struct node *call)
{
    return new_extreme(plan, call, false);
}

struct stage *plan_max_of(struct plan *plan, const struct node *call)
{
    return new_extreme(plan, call, true);
}

/* A scalar's row is already a vector's. */
struct stage *plan_vector(struct plan *plan, const struct node *call)
{
    return plan_node(plan, call->call.args[0]);
}
