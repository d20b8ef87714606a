/* and, or, unless: elements by whether the other side has one of the same signature at the step. Values, labels and
 * marks stay as they are. */
#include "query/plan.h"

#include <string.h>

struct set {
    struct stage stage;
    struct stage *left, *right;
    const struct matching *matching;
    enum operator_kind kind;
    /* after open */
    uint32_t *left_keys, *right_keys; /* signature of each row */
    uint64_t *presence;               /* by signature: steps at which the other side has any value; `words` each */
    size_t words;
    uint32_t left_count; /* `or`: rows from here on are those of the right side */
};

/* Collects presence by signature from tiles of one side. */
struct collection {
    struct set *set;
    const uint32_t *keys;
    pthread_mutex_t mutex;
};

static bool collect_presence(void *context, struct task *task, const struct piece *piece)
{
    struct collection *c = context;
    size_t words = c->set->words;

    (void)task;
    pthread_mutex_lock(&c->mutex);
    for (uint32_t row = 0; row < piece->count; row++) {
        uint64_t *to = c->set->presence + c->keys[piece->rows[row]] * words;
        if (piece->tile.stride == 1) {
            to[0] |= tile_row_any(&piece->tile, row);
        } else {
            const uint64_t *from = tile_present(&piece->tile, row);
            for (size_t w = 0; w < words; w++) to[w] |= from[w];
            if (!piece->tile.histograms) continue;
            from = piece->tile.histograms + row * words;
            for (size_t w = 0; w < words; w++) to[w] |= from[w];
        }
    }
    pthread_mutex_unlock(&c->mutex);
    return true;
}

/* Which rows of the filtering side matter: those with a signature of the filtered one, or all if they may have
 * something to say. */
static uint32_t pick_rows(struct query *query, const struct stage *side, const uint32_t *keys,
                          const uint32_t *other_keys, uint32_t other_count, uint32_t key_count, uint32_t **out)
{
    uint32_t *rows = arena_array(&query->arena, uint32_t, side->shape.count), count = 0;
    uint8_t *wanted = memory_zalloc(key_count);

    for (uint32_t i = 0; i < other_count; i++) wanted[other_keys[i]] = 1;
    for (uint32_t i = 0; i < side->shape.count; i++) {
        if (side->has_messages || wanted[keys[i]]) rows[count++] = i;
    }
    free(wanted);
    *out = rows;
    return count;
}

static bool find_presence(struct set *set, struct query *query, uint32_t key_count)
{
    bool is_or = set->kind == OP_OR; /* there the left side filters the right one */
    struct stage *filter = is_or ? set->left : set->right, *filtered = is_or ? set->right : set->left;
    struct collection c = {.set = set, .keys = is_or ? set->left_keys : set->right_keys};
    uint32_t *rows;

    set->words = bits_words(set->stage.grid.steps);
    set->presence = arena_zarray(&query->arena, uint64_t, key_count * set->words);
    uint32_t count = pick_rows(query, filter, c.keys, is_or ? set->right_keys : set->left_keys, filtered->shape.count,
                               key_count, &rows);
    pthread_mutex_init(&c.mutex, NULL);
    bool done = stage_visit(filter, query, rows, count, collect_presence, &c);
    pthread_mutex_destroy(&c.mutex);
    return done;
}

/* The rows of both sides, one after the other. */
static bool join_shapes(struct set *set, struct query *query)
{
    const struct shape *sides[] = {&set->left->shape, &set->right->shape};
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    bool done = true, has_marks = false;
    uint64_t *marked = arena_zarray(&query->arena, uint64_t, bits_words(sides[0]->count + sides[1]->count));
    uint32_t at = 0;

    for (size_t side = 0; side < 2; side++) {
        for (uint32_t row = 0; row < sides[side]->count && done; row++, at++) {
            done = (row % 4096 || query_may_go_on(query)) && shape_pairs(sides[side], query, row, &pairs);
            shape_builder_add(&builder, pairs.data, pairs.count);
            if (!shape_is_marked(sides[side], row)) continue;
            bits_set(marked, at);
            has_marks = true;
        }
    }
    vec_release(&pairs);
    shape_builder_finish(&builder, query, &set->stage.shape);
    if (has_marks) set->stage.shape.marked = marked;
    return done;
}

static bool open_set(struct stage *stage, struct query *query)
{
    struct set *set = (struct set *)stage;
    struct label_choice choice;
    struct keys keys;

    if (!stage_open(set->left, query) || !stage_open(set->right, query)) return false;
    set->left_count = set->left->shape.count;
    set->left_keys = arena_array(&query->arena, uint32_t, set->left_count);
    set->right_keys = arena_array(&query->arena, uint32_t, set->right->shape.count);
    label_choice_make(&choice, query, set->matching->labels, set->matching->label_count, set->matching->on);
    keys_init(&keys, &query->account);
    bool done = shape_keys(&set->left->shape, query, &choice, &keys, set->left_keys) &&
                shape_keys(&set->right->shape, query, &choice, &keys, set->right_keys) &&
                find_presence(set, query, keys_count(&keys));
    keys_release(&keys);
    if (!done) return false;
    stage->has_messages = set->left->has_messages || (set->kind == OP_OR && set->right->has_messages);
    stage->row_ns = set->left->row_ns + stage->grid.steps;
    if (set->kind == OP_OR) return join_shapes(set, query);
    stage->shape = set->left->shape;
    return true;
}

/* Takes away the steps at which the row's signature is (or is not) on the other side. */
static void mask_row(const struct set *set, struct tile *tile, size_t row, uint32_t key, bool keeps_common)
{
    const uint64_t *presence = set->presence + key * set->words;

    if (tile->stride == 1) {
        if ((presence[0] != 0) == keeps_common) return;
        bits_clear(tile->present, row);
        if (tile->histograms) bits_clear(tile->histograms, row);
        return;
    }
    uint64_t *present = tile_present(tile, row);
    for (size_t w = 0; w < set->words; w++) present[w] &= keeps_common ? presence[w] : ~presence[w];
    uint64_t *histograms = tile->histograms ? tile->histograms + row * set->words : NULL;
    for (size_t w = 0; w < set->words && histograms; w++) histograms[w] &= keeps_common ? presence[w] : ~presence[w];
}

static bool fill_filtered(const struct set *set, struct task *task, const uint32_t *rows, uint32_t count,
                          struct tile *out)
{
    if (!stage_fill(set->left, task, rows, count, out)) return false;
    for (uint32_t i = 0; i < count; i++) mask_row(set, out, i, set->left_keys[rows[i]], set->kind == OP_AND);
    return true;
}

/* Fills the rows of one side of an `or` and puts them where they belong. */
static bool fill_side(const struct set *set, struct task *task, bool is_right, const uint32_t *rows, uint32_t count,
                      struct tile *out)
{
    uint32_t *side_rows = scratch_array(&task->scratch, uint32_t, count);
    uint32_t side_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        if ((rows[i] >= set->left_count) == is_right)
            side_rows[side_count++] = rows[i] - (is_right ? set->left_count : 0);
    }
    if (side_count == 0) return true;
    struct tile side = tile_make(&task->scratch, &set->stage.grid, side_count);
    if (!stage_fill(is_right ? set->right : set->left, task, side_rows, side_count, &side)) return false;
    for (uint32_t i = 0, at = 0; i < count; i++) {
        if ((rows[i] >= set->left_count) != is_right) continue;
        if (is_right) mask_row(set, &side, at, set->right_keys[side_rows[at]], false);
        tile_copy_row(out, i, &side, at++, &task->cells);
    }
    return true;
}

static bool fill_set(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct set *set = (const struct set *)stage;

    if (set->kind != OP_OR) return fill_filtered(set, task, rows, count, out);
    return fill_side(set, task, false, rows, count, out) && fill_side(set, task, true, rows, count, out);
}

static const struct stage_class set_class = {"set", open_set, fill_set};

struct stage *plan_set(struct plan *plan, const struct node *node)
{
    struct stage *left = plan_node(plan, node->binary.left), *right = plan_node(plan, node->binary.right);
    struct set *set = plan_new(plan, &set_class, node, sizeof *set);

    set->left = left;
    set->right = right;
    set->matching = node->binary.matching;
    set->kind = node->binary.op;
    /* Both sides of an `or` may have the same series, at different steps. */
    return set->kind == OP_OR ? plan_merge(plan, &set->stage, DUPLICATES_STEP) : &set->stage;
}
