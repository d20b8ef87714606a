/* topk, bottomk, limitk: a few elements of each group at each step.
 *
 * The operand is looked at as a whole in open, by all threads; a heap for each group and step keeps the best, the worst
 * of them on top. Of equal values the earlier row is better, so the order in which tiles come does not matter. Only
 * rows that were chosen at some step are in the result: on a grid of one step best first, group after group, else in
 * the operand's order.
 */
#include "query/groups.h"
#include "query/plan.h"
#include "storage/base/number.h"

#include <math.h>
#include <string.h>

struct entry {
    double value;
    const struct histogram *histogram; /* only limitk chooses them */
    uint32_t row;
};

struct rank {
    struct stage stage;
    struct stage *child, *param;
    const struct aggregate *node;
    /* after open */
    struct tile result;

    /* in open */
    struct groups groups;
    struct column limits;
    struct entry *entries; /* heaps of a group: `room` entries for each step */
    size_t *first;         /* of each group in entries */
    uint32_t *room, *sizes;
    pthread_mutex_t mutex;
};

static bool is_worse(const struct rank *rank, const struct entry *a, const struct entry *b)
{
    if (rank->node->op != AGGREGATE_LIMITK) {
        bool wants_great = rank->node->op == AGGREGATE_TOPK;
        if (isnan(a->value) != isnan(b->value)) return isnan(a->value);
        if (a->value != b->value && !isnan(a->value)) return (a->value < b->value) == wants_great;
    }
    return a->row > b->row;
}

static void sift_down(const struct rank *rank, struct entry *heap, uint32_t size, uint32_t at)
{
    for (;;) {
        uint32_t worst = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < size; child++) {
            if (is_worse(rank, &heap[child], &heap[worst])) worst = child;
        }
        if (worst == at) return;
        struct entry moved = heap[at];
        heap[at] = heap[worst];
        heap[worst] = moved;
        at = worst;
    }
}

static void sift_up(const struct rank *rank, struct entry *heap, uint32_t at)
{
    while (at > 0 && is_worse(rank, &heap[at], &heap[(at - 1) / 2])) {
        struct entry moved = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = moved;
        at = (at - 1) / 2;
    }
}

/* How many elements a step may have. */
static uint32_t limit_at(const struct rank *rank, size_t step, uint32_t most)
{
    double limit = rank->limits.values[rank->limits.is_constant ? 0 : step];

    return limit < 1 ? 0 : limit >= most ? most : (uint32_t)limit;
}

static void offer(const struct rank *rank, struct entry *heap, uint32_t *size, uint32_t limit, struct entry entry)
{
    if (*size < limit) {
        heap[*size] = entry;
        sift_up(rank, heap, (*size)++);
    } else if (limit > 0 && is_worse(rank, &heap[0], &entry)) {
        heap[0] = entry;
        sift_down(rank, heap, limit, 0);
    }
}

static bool offer_piece(void *context, struct task *task, const struct piece *piece)
{
    struct rank *rank = context;
    size_t steps = rank->stage.grid.steps;
    bool takes_histograms = rank->node->op == AGGREGATE_LIMITK;

    if (piece->tile.histograms && !takes_histograms && bits_any(piece->tile.histograms, tile_words(&piece->tile)))
        annotate_ignored_in_group(&task->query->annotations, rank->stage.node, rank->node->op);
    pthread_mutex_lock(&rank->mutex);
    for (uint32_t i = 0; i < piece->count; i++) {
        uint32_t row = piece->rows[i], group = rank->groups.of_row[row], room = rank->room[group];
        struct entry *heaps = rank->entries + rank->first[group];
        for (size_t s = 0; s < steps; s++) {
            size_t at = i * piece->tile.stride + s;
            const struct histogram *h = takes_histograms ? tile_histogram(&piece->tile, at) : NULL;
            if (!h && !bits_get(piece->tile.present, at)) continue;
            if (h) h = histogram_copy(h, &task->kept);
            offer(rank, heaps + s * room, &rank->sizes[group * steps + s], limit_at(rank, s, room),
                  (struct entry){h ? 0 : piece->tile.values[at], h, row});
        }
    }
    pthread_mutex_unlock(&rank->mutex);
    return true;
}

/* Largest and smallest limit, NaN if any is. */
static void find_bounds(const struct rank *rank, double *least, double *greatest)
{
    size_t steps = rank->limits.is_constant ? 1 : rank->stage.grid.steps;

    *least = *greatest = rank->limits.values[0];
    for (size_t s = 1; s < steps; s++) {
        double limit = rank->limits.values[s];
        if (isnan(limit) || limit < *least) *least = limit;
        if (isnan(limit) || limit > *greatest) *greatest = limit;
        if (isnan(limit)) return;
    }
}

static bool fail_limit(const struct rank *rank, struct query *query, double limit, const char *direction)
{
    char text[NUMBER_TEXT_MAX + 1];

    text[number_format(limit, NUMBER_SHORT, text)] = 0;
    return query_fail(query, (struct error_key){.order = rank->stage.order}, "Scalar value %s %s int64", text,
                      direction);
}

/* Limits must be numbers that fit 64 bits; *greatest is the largest. */
static bool check_limits(const struct rank *rank, struct query *query, double *greatest)
{
    double least;

    find_bounds(rank, &least, greatest);
    if (*greatest < 1) return true;
    if (isnan(*greatest))
        return query_fail(query, (struct error_key){.order = rank->stage.order}, "Parameter value is NaN");
    if (least <= -0x1p63) return fail_limit(rank, query, least, "underflows");
    if (*greatest >= 0x1p63 - 1024) return fail_limit(rank, query, *greatest, "overflows");
    return true;
}

static bool make_heaps(struct rank *rank, struct query *query, double greatest)
{
    uint32_t group_count = rank->groups.shape.count;
    size_t steps = rank->stage.grid.steps, total = 0;

    rank->first = arena_array(&query->arena, size_t, group_count);
    rank->room = arena_array(&query->arena, uint32_t, group_count);
    rank->sizes = arena_zarray(&query->arena, uint32_t, group_count * steps);
    for (uint32_t group = 0; group < group_count; group++) {
        uint32_t size = groups_size(&rank->groups, group);
        rank->room[group] = greatest < size ? (uint32_t)greatest : size;
        rank->first[group] = total;
        total += rank->room[group] * steps;
    }
    if (!query_has_room(query, total * sizeof(struct entry))) return false;
    rank->entries = arena_array(&query->arena, struct entry, total);
    return true;
}

/* On one step: the heaps emptied worst first, so that the best ends up in front. */
static uint32_t list_best_first(const struct rank *rank, struct entry *out)
{
    uint32_t count = 0;

    for (uint32_t group = 0; group < rank->groups.shape.count; group++) {
        struct entry *heap = rank->entries + rank->first[group];
        uint32_t size = rank->sizes[group];
        for (uint32_t left = size; left > 0; left--) {
            out[count + left - 1] = heap[0];
            heap[0] = heap[left - 1];
            sift_down(rank, heap, left - 1, 0);
        }
        count += size;
    }
    return count;
}

static bool keep_one_step(struct rank *rank, struct query *query)
{
    uint32_t most = rank->child->shape.count;
    uint32_t *rows = arena_array(&query->arena, uint32_t, most);
    struct entry *entries = memory_alloc(most * sizeof *entries);
    uint32_t count = list_best_first(rank, entries);
    bool done = stage_result(&rank->stage, query, count, &rank->result);

    for (uint32_t i = 0; i < count && done; i++) {
        rows[i] = entries[i].row;
        stage_set_result(&rank->result, query, i, entries[i].value, entries[i].histogram);
    }
    free(entries);
    shape_pick(&rank->stage.shape, &rank->child->shape, query, rows, count);
    return done;
}

static bool keep_steps(struct rank *rank, struct query *query)
{
    uint32_t *index = memory_alloc(rank->child->shape.count * sizeof *index); /* row of the result */
    uint32_t *rows = arena_array(&query->arena, uint32_t, rank->child->shape.count), count = 0;
    size_t steps = rank->stage.grid.steps;

    memset(index, 0xFF, rank->child->shape.count * sizeof *index);
    for (uint32_t g = 0; g < rank->groups.shape.count; g++) {
        for (size_t i = 0; i < steps * rank->room[g]; i++) {
            if (i % rank->room[g] < rank->sizes[g * steps + i / rank->room[g]])
                index[rank->entries[rank->first[g] + i].row] = 0;
        }
    }
    for (uint32_t row = 0; row < rank->child->shape.count; row++) {
        if (index[row] == UINT32_MAX) continue;
        index[row] = count;
        rows[count++] = row;
    }
    bool done = stage_result(&rank->stage, query, count, &rank->result);
    for (uint32_t g = 0; g < rank->groups.shape.count && done; g++) {
        for (size_t i = 0; i < steps * rank->room[g]; i++) {
            size_t step = i / rank->room[g];
            const struct entry *entry = &rank->entries[rank->first[g] + i];
            if (i % rank->room[g] >= rank->sizes[g * steps + step]) continue;
            size_t at = index[entry->row] * rank->result.stride + step;
            stage_set_result(&rank->result, query, at, entry->value, entry->histogram);
        }
    }
    free(index);
    shape_pick(&rank->stage.shape, &rank->child->shape, query, rows, count);
    return done;
}

static bool choose(struct rank *rank, struct query *query, double greatest)
{
    struct label_choice choice;
    const struct aggregate *node = rank->node;

    label_choice_make(&choice, query, node->grouping, node->grouping_count, !node->without);
    if (!groups_make(&rank->groups, &rank->child->shape, query, &choice)) return false;
    if (!make_heaps(rank, query, greatest)) return false;
    pthread_mutex_init(&rank->mutex, NULL);
    bool done = stage_visit(rank->child, query, NULL, rank->child->shape.count, offer_piece, rank);
    pthread_mutex_destroy(&rank->mutex);
    if (!done) return false;
    done = rank->stage.grid.steps == 1 ? keep_one_step(rank, query) : keep_steps(rank, query);
    if (done) query_hold(query, tile_weight(&rank->result));
    return done;
}

static bool open_rank(struct stage *stage, struct query *query)
{
    struct rank *rank = (struct rank *)stage;
    double greatest;

    if (!stage_column(rank->param, query, &rank->limits) || !stage_open(rank->child, query)) return false;
    stage->row_ns = stage->grid.steps;
    if (!check_limits(rank, query, &greatest)) return false;
    if (greatest >= 1) return choose(rank, query, greatest);
    shape_pick(&stage->shape, &rank->child->shape, query, NULL, 0);
    return !rank->child->has_messages || stage_drain(rank->child, query, NULL, rank->child->shape.count);
}

static bool fill_rank(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    for (uint32_t i = 0; i < count; i++) tile_copy_row(out, i, &((struct rank *)stage)->result, rows[i], &task->cells);
    return true;
}

static const struct stage_class rank_class = {"rank", open_rank, fill_rank};

struct stage *plan_rank(struct plan *plan, const struct node *node)
{
    struct stage *param = plan_node(plan, node->aggregate.param), *child = plan_node(plan, node->aggregate.expr);
    struct rank *rank = plan_new(plan, &rank_class, node, sizeof *rank);

    rank->param = param;
    rank->child = child;
    rank->node = &node->aggregate;
    return &rank->stage;
}
