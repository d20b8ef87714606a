/* info(): adds labels of info series (target_info by default) to the series that share their `instance` and `job`.
 *
 * Which info series matter depends on the operand's labels, so they are selected in open, on the same snapshot, and
 * both sides are joined step by step: the newest info sample of a kind counts, and labels may change from step to step.
 */
#include "query/duration_value.h"
#include "query/plan.h"

#include <math.h>
#include <string.h>

enum { IDENTIFYING = 2 };

static const str identifying[IDENTIFYING] = {{"instance", 8}, {"job", 3}};

struct info {
    struct stage stage;
    struct stage *child;
    const struct selector *selector; /* of the second argument; NULL if there is none */
    struct time_modifier time;       /* of the operand's first selector: info series are looked at there */
    struct tile result;
};

/* Info series that stand for the same thing: a name, and the identifying labels. */
struct signature_ids {
    uint32_t name, identity[IDENTIFYING];
};

struct joining {
    struct info *info;
    struct query *query;
    uint32_t step;
    const struct matcher *name_matchers, *data_matchers;
    size_t name_matcher_count, data_matcher_count;

    struct tile base;
    uint8_t *is_ignored; /* rows of the operand that are info series themselves */
    uint32_t *base_ids[IDENTIFYING];

    struct stage *series; /* info series; values are the times of their samples */
    struct tile times;
    uint32_t *names, *info_ids[IDENTIFYING];
    struct keys kinds; /* names of info series */
    struct keys signatures;
    uint32_t *row_signatures; /* of info rows */
    uint32_t *newest;         /* by signature: row of the info series at this step, or NONE */

    struct keys meetings, results; /* a row with its info rows; labels */
    vec(uint32_t) meeting_rows;    /* result row of each meeting; NONE: dropped */
    vec(uint32_t) result_base;     /* a base row of each result */
    vec(uint32_t) points;          /* result row, step, base row */
    vec(uint32_t) result_steps;    /* step + 1 of the newest point */
};

#define NONE UINT32_MAX

/* Matchers of the second argument, apart: of the name, and of the labels to add. Names that are only excluded are else
 * those of info metrics. */
static bool sort_matchers(struct joining *j)
{
    const struct selector *selector = j->info->selector;
    size_t count = selector ? selector->matcher_count : 0;
    struct matcher *names = arena_zarray(&j->query->arena, struct matcher, count + 1);
    struct matcher *data = arena_zarray(&j->query->arena, struct matcher, count);
    bool has_positive = false;

    for (size_t i = 0; i < count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        if (!str_equal(matcher->name, METRIC_NAME)) {
            data[j->data_matcher_count++] = *matcher;
            continue;
        }
        has_positive |= matcher->type == MATCH_EQUAL || matcher->type == MATCH_REGEX;
        names[j->name_matcher_count++] = *matcher;
    }
    j->name_matchers = names;
    j->data_matchers = data;
    if (has_positive) return true;
    status s = j->name_matcher_count ? matcher_compile(MATCH_REGEX, METRIC_NAME, STR(".+_info"),
                                                       &names[j->name_matcher_count], &j->query->arena)
                                     : matcher_compile(MATCH_EQUAL, METRIC_NAME, STR("target_info"),
                                                       &names[j->name_matcher_count], &j->query->arena);
    j->name_matcher_count++;
    return !failed(s) || query_fail_storage(j->query, s);
}

static bool matches_name(const struct joining *j, str name)
{
    for (size_t i = 0; i < j->name_matcher_count; i++) {
        if (!matcher_matches(&j->name_matchers[i], name)) return false;
    }
    return true;
}

static bool read_identity(const struct shape *shape, struct query *query, uint32_t **ids)
{
    for (size_t l = 0; l < IDENTIFYING; l++) {
        ids[l] = arena_array(&query->arena, uint32_t, shape->count);
        if (!shape_column(shape, query, identifying[l], ids[l])) return false;
    }
    return true;
}

static bool read_base(struct joining *j)
{
    const struct shape *shape = &j->info->child->shape;
    struct query *query = j->query;
    uint32_t *names;

    if (!stage_materialise(j->info->child, query, &j->base)) return false;
    names = arena_array(&query->arena, uint32_t, shape->count);
    j->is_ignored = arena_zarray(&query->arena, uint8_t, shape->count);
    if (!shape_column(shape, query, METRIC_NAME, names) || !read_identity(shape, query, j->base_ids)) return false;
    for (uint32_t row = 0; row < shape->count; row++)
        j->is_ignored[row] = matches_name(j, snapshot_string(query->snapshot, names[row]));
    return true;
}

static int compare_strings(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* A matcher for the values of an identifying label that occur in the operand; false if there are none. */
static bool match_values(const struct joining *j, size_t label_index, struct matcher *out)
{
    struct keys seen;
    uint32_t count;

    keys_init(&seen, &j->query->account);
    for (uint32_t row = 0; row < j->base.rows; row++) {
        uint32_t id = j->base_ids[label_index][row];
        if (id && !j->is_ignored[row] && tile_row_any(&j->base, row)) keys_add(&seen, &id, 1);
    }
    str *values = arena_array(&j->query->arena, str, keys_count(&seen));
    for (uint32_t i = 0; i < keys_count(&seen); i++)
        values[i] = snapshot_string(j->query->snapshot, *keys_words(&seen, i, &count));
    qsort(values, keys_count(&seen), sizeof *values, compare_strings);
    *out = (struct matcher){.type = MATCH_REGEX,
                            .name = identifying[label_index],
                            .set = values,
                            .set_count = keys_count(&seen)};
    keys_release(&seen);
    return out->set_count > 0;
}

/* Selects info series and reads the times of their samples. Without any identifying label there are none. */
static bool read_info_series(struct joining *j)
{
    struct query *query = j->query;
    struct node *node = arena_zalloc(&query->arena, sizeof *node);
    struct plan plan = {.query = query, .grid = j->info->stage.grid, .next_order = j->info->stage.order};
    struct selector *selector = &node->selector;
    size_t count = 0;

    *node = (struct node){.kind = NODE_SELECTOR, .type = VALUE_VECTOR};
    selector->time = j->info->time;
    selector->matchers =
        arena_array(&query->arena, struct matcher, IDENTIFYING + j->data_matcher_count + j->name_matcher_count);
    for (size_t l = 0; l < IDENTIFYING; l++) count += match_values(j, l, &selector->matchers[count]);
    if (count == 0) return true;
    for (size_t i = 0; i < j->data_matcher_count; i++) selector->matchers[count++] = j->data_matchers[i];
    for (size_t i = 0; i < j->name_matcher_count; i++) selector->matchers[count++] = j->name_matchers[i];
    selector->matcher_count = count;
    j->series = plan_selector(&plan, node, SELECT_FLOAT_TIMES);
    if (!stage_materialise(j->series, query, &j->times)) return false;
    if (j->times.histograms)
        return query_fail(query, (struct error_key){.order = j->info->stage.order}, "info sample should be float");
    j->names = arena_array(&query->arena, uint32_t, j->series->shape.count);
    return shape_column(&j->series->shape, query, METRIC_NAME, j->names) &&
           read_identity(&j->series->shape, query, j->info_ids);
}

static uint32_t signature_of(struct joining *j, uint32_t name, uint32_t *const *ids, uint32_t row)
{
    uint32_t words[1 + IDENTIFYING] = {name};

    for (size_t l = 0; l < IDENTIFYING; l++) words[1 + l] = ids[l][row];
    return keys_add(&j->signatures, words, 1 + IDENTIFYING);
}

static void index_info_series(struct joining *j)
{
    j->row_signatures = arena_array(&j->query->arena, uint32_t, j->times.rows);
    for (uint32_t row = 0; row < j->times.rows; row++) {
        keys_add(&j->kinds, &j->names[row], 1);
        j->row_signatures[row] = signature_of(j, j->names[row], j->info_ids, row);
    }
    /* Those of the operand's rows are added, so that there is room for all. */
    for (uint32_t row = 0; row < j->base.rows; row++) {
        for (uint32_t kind = 0; kind < keys_count(&j->kinds); kind++)
            signature_of(j, j->kinds.words.data[kind], j->base_ids, row);
    }
    j->newest = arena_array(&j->query->arena, uint32_t, keys_count(&j->signatures));
}

static struct error_key key_of(const struct joining *j, uint32_t row)
{
    return (struct error_key){j->info->stage.order, j->step, row};
}

static long long time_of(const struct joining *j, uint32_t row)
{
    return llround(j->times.values[row * j->times.stride + j->step] * 1000);
}

/* The newest sample of each signature at this step. */
static bool find_newest(struct joining *j)
{
    memset(j->newest, 0xFF, keys_count(&j->signatures) * sizeof *j->newest);
    for (uint32_t row = 0; row < j->times.rows; row++) {
        if (!bits_get(j->times.present, row * j->times.stride + j->step)) continue;
        uint32_t *best = &j->newest[j->row_signatures[row]];
        if (*best == NONE || time_of(j, *best) < time_of(j, row)) {
            *best = row;
        } else if (time_of(j, *best) == time_of(j, row)) {
            str old, new;
            if (!shape_text(&j->series->shape, j->query, *best, &old) ||
                !shape_text(&j->series->shape, j->query, row, &new))
                return false;
            return query_fail(j->query, key_of(j, row),
                              "found duplicate series for info metric: existing %.*s @ %lld, new %.*s @ %lld",
                              STR_ARG(old), time_of(j, *best), STR_ARG(new), time_of(j, row));
        }
    }
    return true;
}

static uint32_t value_in(const struct pairs *pairs, uint32_t name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (pairs->data[i].name == name) return pairs->data[i].value;
    }
    return 0;
}

/* Whether a label may be added: all may if the selector names none. */
static bool is_wanted(const struct joining *j, uint32_t name)
{
    if (name == j->query->ids.name) return false;
    if (j->data_matcher_count == 0) return true;
    for (size_t i = 0; i < j->data_matcher_count; i++) {
        if (str_equal(j->data_matchers[i].name, snapshot_string(j->query->snapshot, name))) return true;
    }
    return false;
}

/* Adds one info series' labels to those that others have added; they must agree. The operand's own labels stay. */
static bool add_labels(struct joining *j, uint32_t info_row, uint32_t base_row, const struct pairs *base,
                       struct pairs *added)
{
    struct pairs pairs = {0};
    bool done = shape_pairs(&j->series->shape, j->query, info_row, &pairs);

    for (size_t i = 0; i < pairs.count && done; i++) {
        struct label_id pair = pairs.data[i];
        if (!is_wanted(j, pair.name)) continue;
        uint32_t other = value_in(added, pair.name);
        if (other && other != pair.value) {
            done = query_fail(j->query, key_of(j, base_row), "conflicting label: %.*s",
                              STR_ARG(snapshot_string(j->query->snapshot, pair.name)));
        } else if (!value_in(base, pair.name)) {
            pairs_set(added, j->query, pair.name, pair.value);
        }
    }
    vec_release(&pairs);
    return done;
}

/* Without info series a row passes only if the selector's matchers are content with labels that are missing. */
static bool passes_alone(const struct joining *j)
{
    for (size_t i = 0; i < j->data_matcher_count; i++) {
        if (!matcher_matches_empty(&j->data_matchers[i])) return false;
    }
    return true;
}

/* The result row for a base row and its info rows; NONE if it is dropped. */
static bool make_result(struct joining *j, uint32_t base_row, const uint32_t *info_rows, uint32_t kinds, uint32_t *out)
{
    struct pairs base = {0}, added = {0};
    bool has_info = false, done = shape_pairs(&j->info->child->shape, j->query, base_row, &base);

    for (uint32_t k = 0; k < kinds && done; k++) {
        if (info_rows[k] == NONE) continue;
        has_info = true;
        done = add_labels(j, info_rows[k], base_row, &base, &added);
    }
    for (size_t i = 0; i < added.count && done; i++)
        pairs_set(&base, j->query, added.data[i].name, added.data[i].value);
    if (!has_info && !j->is_ignored[base_row] && !passes_alone(j)) {
        *out = NONE;
    } else if (done) {
        *out = keys_add(&j->results, (const uint32_t *)base.data, (uint32_t)(2 * base.count));
        if (*out == j->result_base.count) {
            vec_push(&j->result_base, base_row);
            vec_push(&j->result_steps, 0);
        }
    }
    vec_release(&added);
    vec_release(&base);
    return done;
}

static bool join_row(struct joining *j, uint32_t row, uint32_t *words)
{
    uint32_t kinds = keys_count(&j->kinds), result;

    words[0] = row;
    for (uint32_t k = 0; k < kinds; k++) {
        uint32_t signature = signature_of(j, j->kinds.words.data[k], j->base_ids, row);
        words[1 + k] = j->is_ignored[row] ? NONE : j->newest[signature];
    }
    uint32_t meeting = keys_add(&j->meetings, words, 1 + kinds);
    if (meeting == j->meeting_rows.count) {
        if (!make_result(j, row, words + 1, kinds, &result)) return false;
        vec_push(&j->meeting_rows, result);
    }
    result = j->meeting_rows.data[meeting];
    if (result == NONE) return true;
    if (j->result_steps.data[result] == j->step + 1)
        return query_fail(j->query, key_of(j, row), "vector cannot contain metrics with the same labelset");
    j->result_steps.data[result] = j->step + 1;
    vec_push(&j->points, result);
    vec_push(&j->points, j->step);
    vec_push(&j->points, row);
    return true;
}

static bool join_steps(struct joining *j)
{
    uint32_t *words = arena_array(&j->query->arena, uint32_t, 1 + keys_count(&j->kinds));

    for (j->step = 0; j->step < j->info->stage.grid.steps; j->step++) {
        if (!query_may_go_on(j->query) || !find_newest(j)) return false;
        for (uint32_t row = 0; row < j->base.rows; row++) {
            size_t at = row * j->base.stride + j->step;
            bool is_there = bits_get(j->base.present, at) || tile_histogram(&j->base, at);
            if (is_there && !join_row(j, row, words)) return false;
        }
    }
    return true;
}

static bool keep_result(struct joining *j)
{
    const struct shape *from = &j->info->child->shape;
    struct shape *shape = &j->info->stage.shape;
    struct tile *result = &j->info->result;
    struct shape_builder builder = {0};
    uint32_t count;

    for (uint32_t row = 0; row < keys_count(&j->results); row++) {
        const uint32_t *words = keys_words(&j->results, row, &count);
        shape_builder_add(&builder, (const struct label_id *)words, count / 2);
    }
    shape_builder_finish(&builder, j->query, shape);
    shape->is_distinct = true;
    uint64_t *marked = arena_zarray(&j->query->arena, uint64_t, bits_words(shape->count));
    for (uint32_t row = 0; row < shape->count; row++) {
        if (shape_is_marked(from, j->result_base.data[row])) bits_set(marked, row);
    }
    if (from->all_marked || from->marked) shape->marked = marked;
    if (!stage_result(&j->info->stage, j->query, shape->count, result)) return false;
    for (size_t i = 0; i + 2 < j->points.count; i += 3) {
        const uint32_t *point = j->points.data + i;
        size_t at = point[0] * result->stride + point[1];
        size_t source = point[2] * j->base.stride + point[1];
        stage_set_result(result, j->query, at, j->base.values[source], tile_histogram(&j->base, source));
    }
    query_hold(j->query, j->points.count / 3);
    return true;
}

static void release(struct joining *j)
{
    keys_release(&j->kinds);
    keys_release(&j->signatures);
    keys_release(&j->meetings);
    keys_release(&j->results);
    vec_release(&j->meeting_rows);
    vec_release(&j->result_base);
    vec_release(&j->points);
    vec_release(&j->result_steps);
}

static bool open_info(struct stage *stage, struct query *query)
{
    struct joining j = {.info = (struct info *)stage, .query = query};

    keys_init(&j.kinds, &query->account);
    keys_init(&j.signatures, &query->account);
    keys_init(&j.meetings, &query->account);
    keys_init(&j.results, &query->account);
    bool done = sort_matchers(&j) && read_base(&j) && read_info_series(&j);
    if (done) {
        index_info_series(&j);
        done = join_steps(&j) && keep_result(&j);
    }
    release(&j);
    stage->row_ns = stage->grid.steps;
    return done;
}

static bool fill_info(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    for (uint32_t i = 0; i < count; i++) tile_copy_row(out, i, &((struct info *)stage)->result, rows[i], &task->cells);
    return true;
}

static const struct stage_class info_class = {"info", open_info, fill_info};

/* Where in time the first selector of an expression looks, subqueries around it included; false if there is none. */
static bool find_time(const struct query *query, const struct node *node, struct time_modifier *out)
{
    const struct time_modifier *time = NULL;

    switch (node->kind) {
    case NODE_SELECTOR: time = &node->selector.time; break;
    case NODE_RANGE: return find_time(query, node->range.selector, out);
    case NODE_SUBQUERY:
        if (!find_time(query, node->subquery.expr, out)) return false;
        time = &node->subquery.time;
        break;
    case NODE_PAREN: return find_time(query, node->paren, out);
    case NODE_UNARY: return find_time(query, node->unary.expr, out);
    case NODE_AGGREGATE: return find_time(query, node->aggregate.expr, out);
    case NODE_BINARY: return find_time(query, node->binary.left, out) || find_time(query, node->binary.right, out);
    case NODE_CALL:
        for (size_t i = 0; i < node->call.arg_count; i++) {
            if (find_time(query, node->call.args[i], out)) return true;
        }
        return false;
    default: return false;
    }
    if (out->at != AT_NONE) return true;
    out->offset_ms += duration_value(query, time->offset_ms, time->offset_expr);
    out->at = time->at;
    out->at_ms = time->at_ms;
    return true;
}

struct stage *plan_info(struct plan *plan, const struct node *call)
{
    const struct node *selector = call->call.arg_count > 1 ? ast_unwrap(call->call.args[1]) : NULL;
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct info *info = plan_new(plan, &info_class, call, sizeof *info);

    info->child = child;
    info->selector = selector ? &selector->selector : NULL;
    find_time(plan->query, call->call.args[0], &info->time);
    return &info->stage;
}
