/* Vector matching as it is defined: step by step over the elements that are there.
 *
 * Both sides are materialised. Labels of results are made once for each pair of rows that meets; results with equal
 * labels are one row. Errors name the first step at which they occur.
 */
#include "query/element.h"
#include "query/match.h"

#include <string.h>

/* A point of the result. */
struct point {
    uint32_t row, step;
    struct element element;
};

/* Two rows that have met. */
struct meeting {
    uint32_t row;  /* of the result */
    uint32_t take; /* signature and row */
};

struct steps {
    struct match *match;
    struct query *query;
    struct tile many, one;
    struct task *task; /* for what is computed of histograms */
    uint32_t step;
    /* the last note of the step and what it is about */
    enum element_note note;
    struct element note_left, note_right;

    /* by signature, at the current step */
    uint32_t *one_at; /* row of the one side, or MATCH_NONE */
    uint8_t *is_matched;

    /* what is known of pairs of rows (keys: the two rows), results (their labels) and takes (signature, result) */
    struct keys pairs, results, takes;
    vec(struct meeting) meetings;
    vec(uint32_t) result_steps; /* step + 1 of each result's newest point */
    vec(uint32_t) take_steps;   /* step + 1 at which a signature last had a result */
    vec(struct point) points;
};

static struct error_key key_of(const struct steps *m, uint32_t row)
{
    return (struct error_key){m->match->stage.order, m->step, row};
}

static bool fail_duplicate(struct steps *m, uint32_t row, uint32_t other)
{
    struct match *match = m->match;
    struct pairs group = {0};
    str a, b;

    label_choice_pairs(&match->choice, &match->keys, match->one_keys[row], &group);
    str group_text = pairs_text(&group, m->query);
    vec_release(&group);
    if (!shape_text(&match->one->shape, m->query, row, &a) || !shape_text(&match->one->shape, m->query, other, &b))
        return false;
    bool in_order = str_compare(a, b) <= 0;
    str first = in_order ? a : b, second = in_order ? b : a;
    return query_fail(m->query, key_of(m, row),
                      "found duplicate series for the match group %.*s on the %s hand-side of the operation: [%.*s, "
                      "%.*s];many-to-many matching not allowed: matching labels must be unique on one side",
                      STR_ARG(group_text), match_is_swapped(match) ? "left" : "right", STR_ARG(first), STR_ARG(second));
}

static bool has_element(const struct tile *tile, size_t at)
{
    return bits_get(tile->present, at) || tile_histogram(tile, at);
}

static struct element element_at(const struct tile *tile, size_t at)
{
    return (struct element){tile->values[at], tile_histogram(tile, at)};
}

/* Notes which row of the one side each signature has at this step. */
static bool index_one_side(struct steps *m)
{
    const struct match *match = m->match;

    memset(m->one_at, 0xFF, keys_count(&match->keys) * sizeof *m->one_at);
    for (uint32_t row = 0; row < m->one.rows; row++) {
        if (!has_element(&m->one, row * m->one.stride + m->step)) continue;
        uint32_t *at = &m->one_at[match->one_keys[row]];
        if (*at != MATCH_NONE) return fail_duplicate(m, row, *at);
        *at = row;
    }
    return true;
}

/* A pair that meets for the first time: its labels tell which result it makes. */
static bool add_meeting(struct steps *m, uint32_t many_row, uint32_t one_row, uint32_t signature)
{
    struct pairs pairs = {0};
    struct meeting meeting;

    if (!match_result_labels(m->match, m->query, many_row, one_row, &pairs)) {
        vec_release(&pairs);
        return false;
    }
    meeting.row = keys_add(&m->results, (const uint32_t *)pairs.data, (uint32_t)(2 * pairs.count));
    vec_release(&pairs);
    if (meeting.row == m->result_steps.count) vec_push(&m->result_steps, 0);
    uint32_t take[] = {signature, meeting.row};
    meeting.take = keys_add(&m->takes, take, 2);
    if (meeting.take == m->take_steps.count) vec_push(&m->take_steps, 0);
    vec_push(&m->meetings, meeting);
    return true;
}

/* Second results of a signature: one-to-one allows none, groups only such with other labels. */
static bool take_signature(struct steps *m, uint32_t signature, uint32_t take, uint32_t row)
{
    bool was_matched = m->is_matched[signature];

    m->is_matched[signature] = 1;
    if (m->match->matching->cardinality == ONE_TO_ONE)
        return !was_matched || query_fail(m->query, key_of(m, row),
                                          "multiple matches for labels: many-to-one matching must be explicit "
                                          "(group_left/group_right)");
    if (m->take_steps.data[take] == m->step + 1)
        return query_fail(m->query, key_of(m, row),
                          "multiple matches for labels: grouping labels must ensure unique matches");
    m->take_steps.data[take] = m->step + 1;
    return true;
}

/* The operation on two elements, in written order; false if nothing is kept of it. */
static bool compute(struct steps *m, struct element many, struct element one, struct element *out,
                    enum element_note *note)
{
    const struct match *match = m->match;
    struct element left = match_is_swapped(match) ? one : many, right = match_is_swapped(match) ? many : one;
    bool is_kept = element_operate(match->kind, left, right, m->task, out, note);

    if (*note != ELEMENT_FINE) {
        m->note = *note;
        m->note_left = left;
        m->note_right = right;
    }
    if (!match->returns_bool || *note == ELEMENT_TYPES) return is_kept;
    *out = (struct element){is_kept, NULL};
    return true;
}

/* Two elements meet; a row may be MATCH_NONE for one made up. */
static bool meet(struct steps *m, uint32_t many_row, uint32_t one_row, uint32_t signature, struct element many,
                 struct element one)
{
    uint32_t rows[] = {many_row, one_row};
    uint32_t row = many_row == MATCH_NONE ? one_row : many_row;
    struct element result;
    enum element_note note;
    bool is_kept = compute(m, many, one, &result, &note);

    if (!is_kept && note != ELEMENT_FINE) return true; /* what does not go together does not count as matched */
    uint32_t pair = keys_add(&m->pairs, rows, 2);
    if (pair == m->meetings.count && !add_meeting(m, many_row, one_row, signature)) return false;
    struct meeting meeting = m->meetings.data[pair];
    if (!take_signature(m, signature, meeting.take, row)) return false;
    if (!is_kept) return true;
    if (m->result_steps.data[meeting.row] == m->step + 1)
        return query_fail(m->query, key_of(m, row), "vector cannot contain metrics with the same labelset");
    m->result_steps.data[meeting.row] = m->step + 1;
    vec_push(&m->points, (struct point){meeting.row, m->step, result});
    return true;
}

static bool has_values(const struct tile *tile, uint32_t step)
{
    for (uint32_t row = 0; row < tile->rows; row++) {
        if (has_element(tile, row * tile->stride + step)) return true;
    }
    return false;
}

/* Elements of the many side find their partner, or get one made up: fill_right is for the one side, fill_left for the
 * many side, also where group_right has swapped them. */
static bool match_many_side(struct steps *m)
{
    const struct matching *matching = m->match->matching;

    for (uint32_t row = 0; row < m->many.rows; row++) {
        size_t at = row * m->many.stride + m->step;
        uint32_t signature = m->match->many_keys[row];
        if (!has_element(&m->many, at)) continue;
        uint32_t partner = m->one_at[signature];
        if (partner == MATCH_NONE && !matching->has_fill_right) continue;
        struct element one = {matching->fill_right, NULL};
        if (partner != MATCH_NONE) one = element_at(&m->one, partner * m->one.stride + m->step);
        if (!meet(m, row, partner, signature, element_at(&m->many, at), one)) return false;
    }
    return true;
}

static bool fill_one_side(struct steps *m)
{
    const struct matching *matching = m->match->matching;

    for (uint32_t row = 0; row < m->one.rows && matching->has_fill_left; row++) {
        size_t at = row * m->one.stride + m->step;
        uint32_t signature = m->match->one_keys[row];
        struct element many = {matching->fill_left, NULL};
        if (!has_element(&m->one, at) || m->is_matched[signature]) continue;
        if (!meet(m, MATCH_NONE, row, signature, many, element_at(&m->one, at))) return false;
    }
    return true;
}

static bool match_step(struct steps *m)
{
    const struct matching *matching = m->match->matching;
    bool has_many = has_values(&m->many, m->step), has_one = has_values(&m->one, m->step);
    bool has_fill = matching->has_fill_left || matching->has_fill_right;

    if (!has_many && !has_one) return true;
    if ((!has_many || !has_one) && !has_fill) return true;
    memset(m->is_matched, 0, keys_count(&m->match->keys));
    m->note = ELEMENT_FINE;
    bool done = index_one_side(m) && match_many_side(m) && fill_one_side(m);
    element_annotate(m->query, m->match->stage.node, m->match->kind, m->note, m->note_left, m->note_right);
    return done;
}

static bool keep_result(struct steps *m)
{
    struct match *match = m->match;
    struct shape_builder builder = {0};
    struct tile *result = &match->result;

    for (uint32_t row = 0; row < keys_count(&m->results); row++) {
        uint32_t count;
        const uint32_t *words = keys_words(&m->results, row, &count);
        shape_builder_add(&builder, (const struct label_id *)words, count / 2);
    }
    shape_builder_finish(&builder, m->query, &match->stage.shape);
    match->stage.shape.is_distinct = true;
    if (!stage_result(&match->stage, m->query, match->stage.shape.count, result)) return false;
    vec_each (point, &m->points) {
        size_t at = point->row * result->stride + point->step;
        const struct histogram *h = point->element.histogram;
        if (h) h = histogram_copy(h, &m->query->arena);
        stage_set_result(result, m->query, at, point->element.value, h);
    }
    query_hold(m->query, m->points.count);
    match->is_done = true;
    return true;
}

static void release(struct steps *m)
{
    keys_release(&m->pairs);
    keys_release(&m->results);
    keys_release(&m->takes);
    vec_release(&m->meetings);
    vec_release(&m->result_steps);
    vec_release(&m->take_steps);
    vec_release(&m->points);
}

bool match_by_steps(struct match *match, struct query *query)
{
    struct steps m = {.match = match, .query = query};

    if (!stage_materialise_rows(match->left, query, NULL, match->left->shape.count,
                                match_is_swapped(match) ? &m.one : &m.many) ||
        !stage_materialise_rows(match->right, query, NULL, match->right->shape.count,
                                match_is_swapped(match) ? &m.many : &m.one))
        return false;
    keys_init(&m.pairs, &query->account);
    keys_init(&m.results, &query->account);
    keys_init(&m.takes, &query->account);
    m.one_at = arena_array(&query->arena, uint32_t, keys_count(&match->keys));
    m.is_matched = arena_array(&query->arena, uint8_t, keys_count(&match->keys));
    bool done = true;
    m.task = task_take(query);
    struct scratch_mark mark = scratch_mark(&m.task->cells);
    for (; m.step < match->stage.grid.steps && done; m.step++) done = query_may_go_on(query) && match_step(&m);
    if (done) done = keep_result(&m);
    scratch_rewind(&m.task->cells, mark);
    task_give(m.task);
    release(&m);
    return done;
}
