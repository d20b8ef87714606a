/* histogram_quantile, histogram_quantiles and histogram_fraction: on native histograms, and on classic ones, which are
 * a series for each bucket, told apart by the label `le`.
 *
 * Groups of buckets are known from the shape, and so is their order. A native histogram has the row of the classic one
 * with its labels. Buckets whose label is no number are looked at only to warn about them.
 */
#include "query/bucket_quantile.h"
#include "query/groups.h"
#include "query/histogram_value.h"
#include "query/plan.h"
#include "storage/base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS_MAX = 10 };

enum kind { QUANTILE, QUANTILES, FRACTION };

struct buckets {
    struct stage stage;
    struct stage *child;
    enum kind kind;
    struct stage *params[PARAMS_MAX];
    size_t param_count;
    str quantile_label;
    /* after open */
    struct column columns[PARAMS_MAX];
    double *bounds;       /* of each row of the child; NaN: its label is no number */
    uint32_t *bucket_ids; /* the label */
    uint32_t *name_ids;   /* metric, for annotations; 0 where it is not told */
    struct groups groups; /* each in the order of bounds, rows without one last */
    str *names;           /* metric of each group, for annotations; NULL: none */
    /* QUANTILES: row i of the result is group i / label_count, label i % label_count */
    uint32_t *labels; /* values of the quantile label */
    uint32_t label_count;
    uint32_t *param_labels; /* by parameter and step: index in labels */
};

/* The argument whose position annotations about the vector have. */
static const struct node *vector_arg(const struct buckets *b)
{
    static const size_t index[] = {[QUANTILE] = 1, [QUANTILES] = 0, [FRACTION] = 2};

    return ast_unwrap(b->stage.node->call.args[index[b->kind]]);
}

static const struct node *param_arg(const struct buckets *b, size_t param)
{
    return ast_unwrap(b->stage.node->call.args[b->kind == QUANTILES ? param + 2 : param]);
}

static double param_at(const struct buckets *b, size_t param, size_t step)
{
    return b->columns[param].values[b->columns[param].is_constant ? 0 : step];
}

static bool open_params(struct buckets *b, struct query *query)
{
    for (size_t p = 0; p < b->param_count; p++) {
        if (!stage_column(b->params[p], query, &b->columns[p])) return false;
        size_t steps = b->columns[p].is_constant ? 1 : b->stage.grid.steps;
        for (size_t s = 0; s < steps && b->kind != FRACTION; s++) {
            double q = b->columns[p].values[s];
            if (!(q >= 0 && q <= 1)) annotate_quantile(&query->annotations, b->stage.node, param_arg(b, p), q);
        }
    }
    return true;
}

/* Reads the bounds of all rows; NaN where there is none, which only a native histogram may do without. */
static bool read_bounds(struct buckets *b, struct query *query)
{
    const struct shape *shape = &b->child->shape;

    b->bounds = arena_array(&query->arena, double, shape->count);
    b->bucket_ids = arena_array(&query->arena, uint32_t, shape->count);
    b->name_ids = arena_zarray(&query->arena, uint32_t, shape->count);
    if (!shape_column(shape, query, STR("le"), b->bucket_ids)) return false;
    for (uint32_t row = 0; row < shape->count; row++) {
        uint32_t id = b->bucket_ids[row];
        if (!id || !str_to_double(snapshot_string(query->snapshot, id), &b->bounds[row])) b->bounds[row] = NAN;
    }
    return !query_has(query, FEATURE_DELAYED_NAME_REMOVAL) || shape_column(shape, query, METRIC_NAME, b->name_ids);
}

static int compare_bounds(const void *left, const void *right, void *context)
{
    const struct buckets *b = context;
    uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
    double a = b->bounds[x], c = b->bounds[y];

    if (isnan(a) != isnan(c)) return isnan(a) ? 1 : -1;
    if (a != c && !isnan(a)) return a < c ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Groups the rows by all labels but the bucket's. */
static bool group_buckets(struct buckets *b, struct query *query)
{
    struct label_choice choice = {.names = &query->ids.bucket, .count = 1, .keep_name = true};

    if (!read_bounds(b, query) || !groups_make(&b->groups, &b->child->shape, query, &choice)) return false;
    uint32_t *rows = arena_array(&query->arena, uint32_t, b->child->shape.count);
    if (b->child->shape.count) memcpy(rows, b->groups.rows, b->child->shape.count * sizeof *rows);
    for (uint32_t g = 0; g < b->groups.shape.count; g++)
        qsort_r(rows + b->groups.first[g], groups_size(&b->groups, g), sizeof *rows, compare_bounds, b);
    b->groups.rows = rows;
    return true;
}

static bool find_names(struct buckets *b, struct query *query)
{
    uint32_t count = b->groups.shape.count;
    uint32_t *ids = arena_array(&query->arena, uint32_t, count);

    if (!query_has(query, FEATURE_DELAYED_NAME_REMOVAL)) return true;
    if (!shape_column(&b->groups.shape, query, METRIC_NAME, ids)) return false;
    b->names = arena_array(&query->arena, str, count);
    for (uint32_t g = 0; g < count; g++) b->names[g] = snapshot_string(query->snapshot, ids[g]);
    return true;
}

/* 0.5, 1.0, NaN, 1e+06: as OpenMetrics writes numbers. */
static str print_quantile(double q, char *text)
{
    size_t len = number_format(q, NUMBER_SHORT, text);
    bool has_mark = !isfinite(q) || memchr(text, '.', len) || memchr(text, 'e', len);

    if (!has_mark) memcpy(text + len, ".0", 2);
    return str_make(text, has_mark ? len : len + 2);
}

/* The values of the quantile label over all parameters and steps. */
static void find_labels(struct buckets *b, struct query *query)
{
    size_t steps = b->stage.grid.steps;
    struct keys seen;

    keys_init(&seen, &query->account);
    b->param_labels = arena_array(&query->arena, uint32_t, b->param_count * steps);
    for (size_t i = 0; i < b->param_count * steps; i++) {
        char text[NUMBER_TEXT_MAX + 2];
        size_t step = i % steps;
        if (step > 0 && b->columns[i / steps].is_constant) {
            b->param_labels[i] = b->param_labels[i - 1];
            continue;
        }
        uint32_t id = snapshot_intern(query->snapshot, print_quantile(param_at(b, i / steps, step), text));
        b->param_labels[i] = keys_add(&seen, &id, 1);
    }
    b->label_count = keys_count(&seen);
    b->labels = arena_array(&query->arena, uint32_t, b->label_count);
    if (b->label_count) memcpy(b->labels, seen.words.data, b->label_count * sizeof *b->labels);
    keys_release(&seen);
}

/* Each group with each value of the quantile label. */
static bool label_groups(struct buckets *b, struct query *query)
{
    uint32_t label_id = snapshot_intern(query->snapshot, b->quantile_label);
    const struct shape *groups = &b->groups.shape;
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    bool done = true;

    for (uint32_t g = 0; g < groups->count; g++) {
        for (uint32_t l = 0; l < b->label_count && done; l++) {
            done = shape_pairs(groups, query, g, &pairs);
            pairs_set(&pairs, query, label_id, b->labels[l]);
            shape_builder_add(&builder, pairs.data, pairs.count);
        }
    }
    vec_release(&pairs);
    shape_builder_finish(&builder, query, &b->stage.shape);
    return done;
}

static bool open_buckets(struct stage *stage, struct query *query)
{
    struct buckets *b = (struct buckets *)stage;

    if (b->kind == QUANTILES) {
        if (!stage_open(b->child, query) || !open_params(b, query)) return false;
    } else if (!open_params(b, query) || !stage_open(b->child, query)) {
        return false;
    }
    if (!group_buckets(b, query) || !find_names(b, query)) return false;
    stage->shape = b->groups.shape;
    b->label_count = 1;
    if (b->kind == QUANTILES) {
        find_labels(b, query);
        if (!label_groups(b, query)) return false;
    }
    shape_drop_names(&stage->shape, query);
    double rows_per_group = b->groups.shape.count ? (double)b->child->shape.count / b->groups.shape.count : 0;
    stage->row_ns = rows_per_group * (b->child->row_ns + 10.0 * stage->grid.steps);
    stage->has_messages = true;
    stage->may_fail = b->kind == QUANTILES;
    return true;
}

/* What a group has at a step: classic buckets, a native histogram, or, which is too much, both. Samples of a bucket
 * without bound are told. */
static size_t collect(const struct buckets *b, struct query *query, const struct tile *tile, const uint32_t *rows,
                      size_t step, struct bucket *out, const struct histogram **native)
{
    size_t found = 0;

    *native = NULL;
    for (size_t i = 0; i < tile->rows; i++) {
        size_t at = i * tile->stride + step;
        const struct histogram *h = tile_histogram(tile, at);
        if (h) {
            *native = h;
        } else if (!bits_get(tile->present, at)) {
            continue;
        } else if (isnan(b->bounds[rows[i]])) {
            annotate_bucket(&query->annotations, vector_arg(b),
                            snapshot_string(query->snapshot, b->bucket_ids[rows[i]]),
                            snapshot_string(query->snapshot, b->name_ids[rows[i]]));
        } else {
            out[found++] = (struct bucket){b->bounds[rows[i]], tile->values[at]};
        }
    }
    return found;
}

static double native_value(const struct buckets *b, struct query *query, const struct histogram *h, size_t param,
                           size_t step, str metric)
{
    enum nan_note note = NAN_NONE;
    double value;

    if (b->kind == FRACTION) {
        value = histogram_fraction(h, param_at(b, 0, step), param_at(b, 1, step), &note);
    } else {
        value = histogram_quantile(h, param_at(b, param, step), &note);
    }
    if (note != NAN_NONE)
        annotate_metric(&query->annotations, vector_arg(b),
                        b->kind == FRACTION  ? NOTE_FRACTION_NAN
                        : note == NAN_RESULT ? NOTE_QUANTILE_NAN
                                             : NOTE_QUANTILE_SKEWED,
                        metric, 1);
    return value;
}

static void note_damage(const struct buckets *b, const struct bucket_damage *damage, size_t step,
                        struct bucket_repair *repair)
{
    int64_t time = grid_time(&b->stage.grid, step);

    if (!damage->is_found) return;
    if (repair->count++ == 0) {
        *repair = (struct bucket_repair){damage->lowest, damage->highest, damage->difference, time, time, 1};
        return;
    }
    repair->lowest = fmin(repair->lowest, damage->lowest);
    repair->highest = fmax(repair->highest, damage->highest);
    repair->difference = fmax(repair->difference, damage->difference);
    repair->last_ms = time;
}

/* Which quantile a row of the result is at a step: a parameter, or -1 if none has that label now. */
static int find_param(const struct buckets *b, uint32_t row_label, size_t step, bool *is_ambiguous)
{
    int found = -1;

    if (b->kind != QUANTILES) return 0;
    for (size_t p = 0; p < b->param_count; p++) {
        if (b->param_labels[p * b->stage.grid.steps + step] != row_label) continue;
        if (found >= 0) *is_ambiguous = true;
        found = (int)p;
    }
    return found;
}

/* One row of the result, from the tile of its group's buckets. */
static bool fill_row(const struct buckets *b, struct task *task, uint32_t row, const struct tile *tile,
                     struct tile *out, size_t to)
{
    uint32_t group = row / b->label_count;
    const uint32_t *rows = b->groups.rows + b->groups.first[group];
    struct bucket *buckets = scratch_array(&task->scratch, struct bucket, tile->rows);
    struct bucket_repair repair = {0};
    struct bucket_damage damage = {0};
    bool is_ambiguous = false;
    str metric = b->names ? b->names[group] : STR("");

    for (size_t s = 0; s < b->stage.grid.steps; s++) {
        const struct histogram *native = NULL;
        int param = find_param(b, row % b->label_count, s, &is_ambiguous);
        size_t count = param < 0 ? 0 : collect(b, task->query, tile, rows, s, buckets, &native);
        size_t at = to * out->stride + s;
        if (count && native) {
            annotate_metric(&task->query->annotations, vector_arg(b), NOTE_CLASSIC_AND_NATIVE, metric, 1);
            continue;
        }
        if (count == 0 && !native) continue;
        if (is_ambiguous)
            return query_fail(task->query, (struct error_key){b->stage.order, (uint32_t)s, row},
                              "vector cannot contain metrics with the same labelset");
        if (native) {
            out->values[at] = native_value(b, task->query, native, (size_t)param, s, metric);
        } else if (b->kind == FRACTION) {
            out->values[at] = bucket_fraction(buckets, count, param_at(b, 0, s), param_at(b, 1, s));
        } else {
            out->values[at] = bucket_quantile(buckets, count, param_at(b, (size_t)param, s), &damage);
            note_damage(b, &damage, s, &repair);
        }
        bits_set(out->present, at);
    }
    if (repair.count) annotate_repair(&task->query->annotations, vector_arg(b), metric, &repair);
    return true;
}

/* Neighbouring rows of one group share the tile of its buckets. */
static bool fill_buckets(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct buckets *b = (const struct buckets *)stage;
    bool done = true;

    for (uint32_t i = 0; i < count && done;) {
        struct scratch_mark mark = scratch_mark(&task->scratch);
        uint32_t group = rows[i] / b->label_count, size = groups_size(&b->groups, group);
        struct tile tile = tile_make(&task->scratch, &stage->grid, size);
        done = stage_fill(b->child, task, b->groups.rows + b->groups.first[group], size, &tile);
        for (; i < count && rows[i] / b->label_count == group && done; i++)
            done = fill_row(b, task, rows[i], &tile, out, i);
        scratch_rewind(&task->scratch, mark);
    }
    return done;
}

static const struct stage_class buckets_class = {"buckets", open_buckets, fill_buckets};

static struct stage *new_buckets(struct plan *plan, const struct node *call, enum kind kind, size_t first_param,
                                 size_t param_count, size_t vector)
{
    struct stage *params[PARAMS_MAX] = {NULL};
    struct stage *child = NULL;
    bool outer = plan->without_buckets;

    plan->without_buckets = false;
    if (vector < first_param) child = plan_node(plan, call->call.args[vector]);
    for (size_t p = 0; p < param_count; p++) params[p] = plan_node(plan, call->call.args[first_param + p]);
    if (!child) child = plan_node(plan, call->call.args[vector]);
    plan->without_buckets = outer;
    struct buckets *b = plan_new(plan, &buckets_class, call, sizeof *b);
    b->child = child;
    b->kind = kind;
    b->param_count = param_count;
    memcpy(b->params, params, sizeof params);
    if (kind == QUANTILES) b->quantile_label = ast_unwrap(call->call.args[1])->string;
    return plan_dropped(plan, &b->stage, DUPLICATES_STEP);
}

struct stage *plan_histogram_quantile(struct plan *plan, const struct node *call)
{
    return new_buckets(plan, call, QUANTILE, 0, 1, 1);
}

struct stage *plan_histogram_fraction(struct plan *plan, const struct node *call)
{
    return new_buckets(plan, call, FRACTION, 0, 2, 2);
}

struct stage *plan_histogram_quantiles(struct plan *plan, const struct node *call)
{
    return new_buckets(plan, call, QUANTILES, 2, call->call.arg_count - 2, 0);
}
