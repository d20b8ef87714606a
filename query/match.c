/* Operators between two vectors.
 *
 * Rows find their partners by signature, in the shape. Where signatures are unique on the one side (for one-to-one on
 * both) and results can not coincide, rows are simply paired: partners may be absent at any step, but never change. All
 * else, and matching with fill modifiers, goes the exact way.
 */
#include "query/match.h"

#include "query/arithmetic.h"
#include "query/element.h"

#include <string.h>

static bool find_signatures(struct match *match, struct query *query)
{
    const struct matching *m = match->matching;

    label_choice_make(&match->choice, query, m->labels, m->label_count, m->on);
    match->many_keys = arena_array(&query->arena, uint32_t, match->many->shape.count);
    match->one_keys = arena_array(&query->arena, uint32_t, match->one->shape.count);
    match->include = arena_array(&query->arena, uint32_t, m->include_count);
    for (size_t i = 0; i < m->include_count; i++) match->include[i] = snapshot_intern(query->snapshot, m->include[i]);
    return shape_keys(&match->many->shape, query, &match->choice, &match->keys, match->many_keys) &&
           shape_keys(&match->one->shape, query, &match->choice, &match->keys, match->one_keys);
}

static bool loses_names(const struct match *match, const struct query *query)
{
    if (operator_is_comparison(match->kind))
        return match->returns_bool && !query_has(query, FEATURE_DELAYED_NAME_REMOVAL);
    return match->kind != OP_TRIM_UPPER && match->kind != OP_TRIM_LOWER;
}

static bool is_match_label(const struct match *match, uint32_t name)
{
    for (uint32_t i = 0; i < match->choice.count; i++) {
        if (match->choice.names[i] == name) return true;
    }
    return false;
}

/* One-to-one results keep the labels of on(…), or lose those of ignoring(…). */
static void keep_match_labels(const struct match *match, struct pairs *pairs)
{
    size_t kept = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        if (is_match_label(match, pairs->data[i].name) == match->choice.keep) pairs->data[kept++] = pairs->data[i];
    }
    pairs->count = kept;
}

static uint32_t value_in(const struct pairs *pairs, uint32_t name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (pairs->data[i].name == name) return pairs->data[i].value;
    }
    return 0;
}

/* A row's labels, or those of a partner made up for the row of the other side. */
static bool side_labels(struct match *match, struct query *query, bool is_many, uint32_t row, uint32_t key,
                        struct pairs *out)
{
    if (row != MATCH_NONE) return shape_pairs(is_many ? &match->many->shape : &match->one->shape, query, row, out);
    label_choice_pairs(&match->choice, &match->keys, key, out);
    return true;
}

bool match_result_labels(struct match *match, struct query *query, uint32_t many_row, uint32_t one_row,
                         struct pairs *out)
{
    uint32_t key = many_row != MATCH_NONE ? match->many_keys[many_row] : match->one_keys[one_row];
    struct pairs partner = {0};
    bool done = side_labels(match, query, true, many_row, key, out);

    if (done && loses_names(match, query)) pairs_drop_names(out, query);
    if (match->matching->cardinality == ONE_TO_ONE) keep_match_labels(match, out);
    if (done && match->matching->include_count) {
        done = side_labels(match, query, false, one_row, key, &partner);
        for (size_t i = 0; i < match->matching->include_count && done; i++)
            pairs_set(out, query, match->include[i], value_in(&partner, match->include[i]));
    }
    vec_release(&partner);
    return done;
}

/* The row of each signature, MATCH_NONE where there is none; false if one has several. */
static bool index_rows(const uint32_t *row_keys, uint32_t count, uint32_t *rows, uint32_t key_count)
{
    for (uint32_t key = 0; key < key_count; key++) rows[key] = MATCH_NONE;
    for (uint32_t row = 0; row < count; row++) {
        if (rows[row_keys[row]] != MATCH_NONE) return false;
        rows[row_keys[row]] = row;
    }
    return true;
}

struct pairing {
    vec(uint32_t) many, one; /* partners */
    vec(uint32_t) many_alone;
    vec(uint32_t) one_alone;
    uint32_t *one_row; /* by signature */
    uint32_t *many_row;
};

static void release_pairing(struct pairing *p)
{
    vec_release(&p->many);
    vec_release(&p->one);
    vec_release(&p->many_alone);
    vec_release(&p->one_alone);
    free(p->one_row);
    free(p->many_row);
}

/* Pairs rows; false if the shape alone does not decide who belongs to whom. */
static bool pair_rows(const struct match *match, struct pairing *p)
{
    uint32_t key_count = keys_count(&match->keys);
    uint32_t many_count = match->many->shape.count, one_count = match->one->shape.count;
    uint8_t *has_many;

    if (match->matching->has_fill_left || match->matching->has_fill_right) return false;
    p->one_row = memory_alloc(key_count * sizeof(uint32_t));
    if (!index_rows(match->one_keys, one_count, p->one_row, key_count)) return false;
    if (match->matching->cardinality == ONE_TO_ONE) {
        p->many_row = memory_alloc(key_count * sizeof(uint32_t));
        if (!index_rows(match->many_keys, many_count, p->many_row, key_count)) return false;
    }
    has_many = memory_zalloc(key_count);
    for (uint32_t row = 0; row < many_count; row++) {
        uint32_t partner = p->one_row[match->many_keys[row]];
        has_many[match->many_keys[row]] = 1;
        if (partner == MATCH_NONE) {
            vec_push(&p->many_alone, row);
        } else {
            vec_push(&p->many, row);
            vec_push(&p->one, partner);
        }
    }
    for (uint32_t row = 0; row < one_count; row++) {
        if (!has_many[match->one_keys[row]]) vec_push(&p->one_alone, row);
    }
    free(has_many);
    return true;
}

/* The labels of all pairs; *is_distinct tells whether they all differ. */
static bool make_shape(struct match *match, struct query *query, const struct pairing *p, bool *is_distinct)
{
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    struct keys seen;
    bool done = true;

    keys_init(&seen, &query->account);
    for (uint32_t i = 0; i < p->many.count && done; i++) {
        done = (i % 4096 || query_may_go_on(query)) &&
               match_result_labels(match, query, p->many.data[i], p->one.data[i], &pairs);
        shape_builder_add(&builder, pairs.data, pairs.count);
        keys_add(&seen, (const uint32_t *)pairs.data, (uint32_t)(2 * pairs.count));
    }
    *is_distinct = keys_count(&seen) == p->many.count;
    shape_builder_finish(&builder, query, &match->stage.shape);
    match->stage.shape.is_distinct = true;
    vec_release(&pairs);
    keys_release(&seen);
    return done;
}

static const uint32_t *keep_rows(struct query *query, const uint32_t *rows, size_t count)
{
    uint32_t *kept = arena_array(&query->arena, uint32_t, count);

    if (count) memcpy(kept, rows, count * sizeof *kept);
    return kept;
}

/* Rows without partner are evaluated too if that can raise an error or an annotation. */
static bool prepare_pairs(struct match *match, struct query *query, const struct pairing *p)
{
    size_t count = p->many.count;

    match->many_rows = keep_rows(query, p->many.data, count);
    match->one_rows = keep_rows(query, p->one.data, count);
    if (match->many->has_messages &&
        !stage_drain(match->many, query, p->many_alone.data, (uint32_t)p->many_alone.count))
        return false;
    match->one_is_ready = match->matching->cardinality != ONE_TO_ONE;
    if (match->one_is_ready)
        return stage_materialise_rows(match->one, query, NULL, match->one->shape.count, &match->one_tile);
    return !match->one->has_messages || stage_drain(match->one, query, p->one_alone.data, (uint32_t)p->one_alone.count);
}

/* With both sides open: pairs rows, or computes the result the exact way. */
static bool match_sides(struct match *match, struct query *query)
{
    struct pairing pairing = {0};
    bool is_distinct = false, done = find_signatures(match, query);

    if (done && pair_rows(match, &pairing)) done = make_shape(match, query, &pairing, &is_distinct);
    if (done) done = is_distinct ? prepare_pairs(match, query, &pairing) : match_by_steps(match, query);
    release_pairing(&pairing);
    return done;
}

static bool open_match(struct stage *stage, struct query *query)
{
    struct match *match = (struct match *)stage;

    match->many = match_is_swapped(match) ? match->right : match->left;
    match->one = match_is_swapped(match) ? match->left : match->right;
    if (!stage_open(match->left, query) || !stage_open(match->right, query)) return false;
    keys_init(&match->keys, &query->account);
    bool done = match_sides(match, query);
    keys_release(&match->keys);
    stage->shape.all_marked = match->returns_bool && query_has(query, FEATURE_DELAYED_NAME_REMOVAL);
    bool is_trim = match->kind == OP_TRIM_LOWER || match->kind == OP_TRIM_UPPER;
    stage->has_messages = !match->is_done && (match->left->has_messages || match->right->has_messages || is_trim ||
                                              snapshot_is_rich(query->snapshot));
    stage->row_ns = match->is_done ? stage->grid.steps : match->left->row_ns + match->right->row_ns;
    return done;
}

/* Combines partners' floats into `out`, which holds the many side; `one` is in the order of the rows. */
static void combine_floats(const struct match *match, struct scratch *scratch, const struct tile *one, struct tile *out)
{
    struct operand many = {out->values, false}, other = {one->values, false};
    struct operand left = match_is_swapped(match) ? other : many, right = match_is_swapped(match) ? many : other;
    size_t count = tile_elements(out), words = tile_words(out);

    for (size_t w = 0; w < words; w++) out->present[w] &= one->present[w];
    if (!operator_is_comparison(match->kind)) {
        arithmetic_compute(match->kind, left, right, out->present, out->values, count);
    } else if (match->returns_bool) {
        uint64_t *holds = scratch_array(scratch, uint64_t, words);
        memcpy(holds, out->present, words * sizeof *holds);
        arithmetic_filter(match->kind, left, right, holds, count);
        for (size_t i = 0; i < count; i++) out->values[i] = (double)bits_get(holds, i);
    } else {
        arithmetic_filter(match->kind, left, right, out->present, count);
        if (match_is_swapped(match)) memcpy(out->values, one->values, count * sizeof *out->values);
    }
}

/* Combines partners where either is a histogram, then the rest. */
static void combine(const struct match *match, struct task *task, const struct tile *one, struct tile *out)
{
    bool is_trim = match->kind == OP_TRIM_UPPER || match->kind == OP_TRIM_LOWER;
    size_t words = tile_words(out), elements = tile_elements(out);

    if (!out->histograms && !one->histograms && !is_trim) {
        combine_floats(match, &task->scratch, one, out);
        return;
    }
    struct element_operands operands = {.node = match->stage.node,
                                        .op = match->kind,
                                        .returns_bool = match->returns_bool,
                                        .tile_is_right = match_is_swapped(match),
                                        .other = one};
    uint64_t *results = scratch_array(&task->scratch, uint64_t, words);
    double *made = scratch_array(&task->scratch, double, elements);
    memset(results, 0, words * sizeof *results);
    element_operate_tile(&operands, task, out, match->stage.grid.steps, results);
    for (size_t w = 0; w < words; w++) {
        uint64_t kept = results[w] & out->present[w];
        out->present[w] &= ~results[w];
        results[w] = kept;
    }
    bits_each(i, results, elements) made[i] = out->values[i];
    if (!is_trim) combine_floats(match, &task->scratch, one, out);
    bits_each(i, results, elements)
    {
        out->values[i] = made[i];
        bits_set(out->present, i);
    }
}

static bool fill_pairs(struct match *match, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    uint32_t *many = scratch_array(&task->scratch, uint32_t, count);
    uint32_t *one = scratch_array(&task->scratch, uint32_t, count);
    struct tile partners = tile_make(&task->scratch, &match->stage.grid, count);

    for (uint32_t i = 0; i < count; i++) {
        many[i] = match->many_rows[rows[i]];
        one[i] = match->one_rows[rows[i]];
    }
    if (!stage_fill(match->many, task, many, count, out)) return false;
    if (match->one_is_ready) {
        for (uint32_t i = 0; i < count; i++) tile_copy_row(&partners, i, &match->one_tile, one[i], &task->cells);
    } else if (!stage_fill(match->one, task, one, count, &partners)) {
        return false;
    }
    combine(match, task, &partners, out);
    return true;
}

static bool fill_match(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    struct match *match = (struct match *)stage;

    if (!match->is_done) return fill_pairs(match, task, rows, count, out);
    for (uint32_t i = 0; i < count; i++) tile_copy_row(out, i, &match->result, rows[i], &task->cells);
    return true;
}

static const struct stage_class match_class = {"match", open_match, fill_match};

struct stage *plan_match(struct plan *plan, const struct node *node)
{
    struct stage *left = plan_node(plan, node->binary.left), *right = plan_node(plan, node->binary.right);
    struct match *match = plan_new(plan, &match_class, node, sizeof *match);

    match->left = left;
    match->right = right;
    match->matching = node->binary.matching;
    match->kind = node->binary.op;
    match->returns_bool = node->binary.return_bool;
    return &match->stage;
}
