/* Element-wise operators: functions of one value, with scalar columns beside it (round, clamp), of times (date
 * functions, timestamp). They work in the tile that their operand filled, in place. */
#include "query/each.h"
#include "query/histogram_sum.h"
#include "query/histogram_value.h"
#include "query/kernel.h"
#include "query/plan.h"

#include <math.h>
#include <string.h>

enum { PARAMS_MAX = 2 };

struct elementwise;

/* Works on a row with the values of the parameters at each step, or, where they are constant, on a whole tile. */
typedef void row_kernel(double *values, uint64_t *present, size_t count, double a, double b);

struct elementwise {
    struct stage stage;
    struct stage *child;
    void (*each)(double *values, const uint64_t *present, size_t count);
    double (*date)(int64_t seconds);
    row_kernel *with_params;
    bool is_negation;                 /* of histograms, too; all others drop them */
    struct stage *params[PARAMS_MAX]; /* NULL: its default */
    double defaults[PARAMS_MAX];
    struct column columns[PARAMS_MAX];
};

static bool open_elementwise(struct stage *stage, struct query *query)
{
    struct elementwise *e = (struct elementwise *)stage;

    if (!stage_open(e->child, query)) return false;
    for (size_t i = 0; i < PARAMS_MAX; i++) {
        e->columns[i] = (struct column){&e->defaults[i], true};
        if (e->params[i] && !stage_column(e->params[i], query, &e->columns[i])) return false;
    }
    stage->shape = e->child->shape;
    stage->row_ns = e->child->row_ns + 2.0 * stage->grid.steps;
    stage->has_messages = e->child->has_messages;
    shape_drop_names(&stage->shape, query);
    return true;
}

/* Parameters that change from step to step: one element at a time. */
static void fill_varying(const struct elementwise *e, struct tile *out)
{
    size_t steps = e->stage.grid.steps;

    for (size_t row = 0; row < out->rows; row++) {
        for (size_t s = 0; s < steps; s++) {
            size_t at = row * out->stride + s;
            uint64_t bit = bits_get(out->present, at);
            double a = e->columns[0].values[e->columns[0].is_constant ? 0 : s];
            double b = e->columns[1].values[e->columns[1].is_constant ? 0 : s];
            e->with_params(&out->values[at], &bit, 1, a, b);
            if (!bit) bits_clear(out->present, at);
        }
    }
}

static void negate_histograms(struct task *task, struct tile *tile)
{
    struct histogram_sum sum = {0};

    bits_each(i, tile->histograms, tile_elements(tile))
    {
        histogram_sum_set(&sum, tile->cells[i]);
        histogram_sum_multiply(&sum, -1);
        tile->cells[i] = histogram_sum_take(&sum, &task->cells);
    }
    histogram_sum_release(&sum);
}

static bool fill_elementwise(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                             struct tile *out)
{
    const struct elementwise *e = (const struct elementwise *)stage;
    size_t elements = tile_elements(out);

    if (!stage_fill(e->child, task, rows, count, out)) return false;
    if (e->is_negation && out->histograms) {
        negate_histograms(task, out);
    } else {
        tile_drop_histograms(out);
    }
    if (e->each) {
        e->each(out->values, out->present, elements);
    } else if (e->date) {
        bits_each(i, out->present, elements)
        {
            double x = out->values[i];
            out->values[i] = e->date(x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN);
        }
    } else if (e->columns[0].is_constant && e->columns[1].is_constant) {
        e->with_params(out->values, out->present, elements, e->columns[0].values[0], e->columns[1].values[0]);
    } else {
        fill_varying(e, out);
    }
    return true;
}

static const struct stage_class elementwise_class = {"elementwise", open_elementwise, fill_elementwise};

static struct elementwise *new_elementwise(struct plan *plan, const struct node *node, struct stage *child)
{
    struct elementwise *e = plan_new(plan, &elementwise_class, node, sizeof *e);

    e->child = child;
    return e;
}

struct stage *plan_each(struct plan *plan, const struct node *call)
{
    struct elementwise *e = new_elementwise(plan, call, plan_node(plan, call->call.args[0]));

    e->each = call->call.function->how.each;
    return plan_dropped(plan, &e->stage, DUPLICATES_STEP);
}

/* Plus changes nothing, also of the name. Of a scalar nothing but the sign is changed. */
struct stage *plan_unary(struct plan *plan, const struct node *node)
{
    struct stage *child = plan_node(plan, node->unary.expr);

    if (node->unary.op == OP_ADD) return child;
    struct elementwise *e = new_elementwise(plan, node, child);
    e->each = each_negate;
    e->is_negation = true;
    return plan_dropped(plan, &e->stage, DUPLICATES_STEP);
}

/* Dividing by the inverse gives rounder results. */
KERNEL static void round_to(double *values, uint64_t *present, size_t count, double nearest, double unused)
{
    double inverse = 1 / nearest;

    (void)present;
    (void)unused;
    for (size_t i = 0; i < count; i++) values[i] = floor(values[i] * inverse + 0.5) / inverse;
}

struct stage *plan_round(struct plan *plan, const struct node *call)
{
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct stage *nearest = call->call.arg_count > 1 ? plan_node(plan, call->call.args[1]) : NULL;
    struct elementwise *e = new_elementwise(plan, call, child);

    e->with_params = round_to;
    e->params[0] = nearest;
    e->defaults[0] = 1;
    return plan_dropped(plan, &e->stage, DUPLICATES_STEP);
}

/* Nothing at all between limits that leave no room. */
KERNEL static void clamp(double *values, uint64_t *present, size_t count, double low, double high)
{
    if (high < low) {
        for (size_t w = 0; w < bits_words(count); w++) present[w] = 0;
        return;
    }
    for (size_t i = 0; i < count; i++) values[i] = larger_of(low, smaller_of(high, values[i]));
}

static struct stage *new_clamp(struct plan *plan, const struct node *call, const struct node *low,
                               const struct node *high)
{
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct stage *params[] = {low ? plan_node(plan, low) : NULL, high ? plan_node(plan, high) : NULL};
    struct elementwise *e = new_elementwise(plan, call, child);

    e->with_params = clamp;
    e->params[0] = params[0];
    e->params[1] = params[1];
    e->defaults[0] = -INFINITY;
    e->defaults[1] = INFINITY;
    return plan_dropped(plan, &e->stage, DUPLICATES_STEP);
}

struct stage *plan_clamp(struct plan *plan, const struct node *call)
{
    return new_clamp(plan, call, call->call.args[1], call->call.args[2]);
}

struct stage *plan_clamp_min(struct plan *plan, const struct node *call)
{
    return new_clamp(plan, call, call->call.args[1], NULL);
}

struct stage *plan_clamp_max(struct plan *plan, const struct node *call)
{
    return new_clamp(plan, call, NULL, call->call.args[1]);
}

/* Without an argument: of the time of evaluation, truncated to seconds. */
struct stage *plan_date(struct plan *plan, const struct node *call)
{
    bool has_operand = call->call.arg_count > 0;
    struct stage *child = has_operand ? plan_node(plan, call->call.args[0]) : plan_time(plan, call);
    struct elementwise *e = new_elementwise(plan, call, child);

    e->date = call->call.function->how.date;
    return plan_dropped(plan, &e->stage, DUPLICATES_STEP);
}

/* timestamp() of anything but a selector: the time of evaluation wherever there is a value. */
struct stamped {
    struct stage stage;
    struct stage *child;
};

static bool open_stamped(struct stage *stage, struct query *query)
{
    struct stamped *stamped = (struct stamped *)stage;

    if (!stage_open(stamped->child, query)) return false;
    stage->shape = stamped->child->shape;
    stage->row_ns = stamped->child->row_ns + stage->grid.steps;
    stage->has_messages = stamped->child->has_messages;
    shape_drop_names(&stage->shape, query);
    return true;
}

static bool fill_stamped(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    if (!stage_fill(((struct stamped *)stage)->child, task, rows, count, out)) return false;
    for (size_t row = 0; row < count; row++) {
        for (size_t s = 0; s < stage->grid.steps; s++)
            tile_values(out, row)[s] = (double)grid_time(&stage->grid, s) / 1000;
    }
    for (size_t w = 0; w < tile_words(out) && out->histograms; w++) out->present[w] |= out->histograms[w];
    tile_drop_histograms(out);
    return true;
}

static const struct stage_class stamped_class = {"timestamp", open_stamped, fill_stamped};

/* A selector whose values already are times only loses its name. */
static bool fill_unnamed(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    return stage_fill(((struct stamped *)stage)->child, task, rows, count, out);
}

static const struct stage_class unnamed_class = {"timestamp of a selector", open_stamped, fill_unnamed};

static struct stage *new_stamped(struct plan *plan, const struct node *call, const struct stage_class *class,
                                 struct stage *child)
{
    struct stamped *stamped = plan_new(plan, class, call, sizeof *stamped);

    stamped->child = child;
    return plan_dropped(plan, &stamped->stage, DUPLICATES_STEP);
}

/* Nothing, whatever the operand holds. */
static bool open_empty(struct stage *stage, struct query *query)
{
    struct stage *child = ((struct stamped *)stage)->child;

    if (!stage_open(child, query)) return false;
    shape_of_nothing(&stage->shape);
    stage->shape.count = 0;
    return !child->has_messages || stage_drain(child, query, NULL, child->shape.count);
}

static const struct stage_class empty_class = {"empty", open_empty, NULL};

static struct stage *plan_empty(struct plan *plan, const struct node *call)
{
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct stamped *empty = plan_new(plan, &empty_class, call, sizeof *empty);

    empty->child = child;
    return &empty->stage;
}

/* Numbers of native histograms; floats are ignored. */
struct measured {
    struct stage stage;
    struct stage *child;
    double (*measure)(const struct histogram *h);
};

static double count_of(const struct histogram *h)
{
    return h->count;
}

static double sum_of(const struct histogram *h)
{
    return h->sum;
}

static double mean_of(const struct histogram *h)
{
    return h->sum / h->count;
}

static double deviation_of(const struct histogram *h)
{
    return sqrt(histogram_variance(h));
}

static bool open_measured(struct stage *stage, struct query *query)
{
    struct measured *m = (struct measured *)stage;

    if (!stage_open(m->child, query)) return false;
    stage->shape = m->child->shape;
    stage->row_ns = m->child->row_ns + 50.0 * stage->grid.steps;
    stage->has_messages = m->child->has_messages;
    shape_drop_names(&stage->shape, query);
    return true;
}

static bool fill_measured(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                          struct tile *out)
{
    const struct measured *m = (const struct measured *)stage;

    if (!stage_fill(m->child, task, rows, count, out)) return false;
    memset(out->present, 0, tile_words(out) * sizeof *out->present);
    if (!out->histograms) return true;
    bits_each(i, out->histograms, tile_elements(out)) out->values[i] = m->measure(out->cells[i]);
    memcpy(out->present, out->histograms, tile_words(out) * sizeof *out->present);
    tile_drop_histograms(out);
    return true;
}

static const struct stage_class measured_class = {"number of histograms", open_measured, fill_measured};

static struct stage *new_measured(struct plan *plan, const struct node *call, bool needs_buckets,
                                  double (*measure)(const struct histogram *h))
{
    bool outer = plan->without_buckets;

    if (!needs_buckets) plan->without_buckets = true;
    struct stage *child = plan_node(plan, call->call.args[0]);
    plan->without_buckets = outer;
    struct measured *m = plan_new(plan, &measured_class, call, sizeof *m);
    m->child = child;
    m->measure = measure;
    return plan_dropped(plan, &m->stage, DUPLICATES_STEP);
}

struct stage *plan_histogram_count(struct plan *plan, const struct node *call)
{
    return new_measured(plan, call, false, count_of);
}

struct stage *plan_histogram_sum(struct plan *plan, const struct node *call)
{
    return new_measured(plan, call, false, sum_of);
}

struct stage *plan_histogram_avg(struct plan *plan, const struct node *call)
{
    return new_measured(plan, call, false, mean_of);
}

struct stage *plan_histogram_stdvar(struct plan *plan, const struct node *call)
{
    return new_measured(plan, call, true, histogram_variance);
}

struct stage *plan_histogram_stddev(struct plan *plan, const struct node *call)
{
    return new_measured(plan, call, true, deviation_of);
}

/* Of a selector where start times are enabled. */
struct stage *plan_start_timestamp(struct plan *plan, const struct node *call)
{
    const struct node *arg = ast_unwrap(call->call.args[0]);

    if (!query_has(plan->query, FEATURE_START_TIMESTAMPS) || arg->kind != NODE_SELECTOR) return plan_empty(plan, call);
    return new_stamped(plan, call, &unnamed_class, plan_selector(plan, arg, SELECT_START_TIMES));
}

struct stage *plan_timestamp(struct plan *plan, const struct node *call)
{
    const struct node *arg = ast_unwrap(call->call.args[0]);

    if (arg->kind == NODE_SELECTOR)
        return new_stamped(plan, call, &unnamed_class, plan_selector(plan, arg, SELECT_TIMES));
    return new_stamped(plan, call, &stamped_class, plan_node(plan, arg));
}
