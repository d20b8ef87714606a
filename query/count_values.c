/* count_values: makes its rows from data, one for each group and value, so everything happens in open. */
#include "query/groups.h"
#include "query/histogram_value.h"
#include "query/plan.h"
#include "query/quote.h"
#include "storage/base/number.h"

#include <stdlib.h>

struct count_values {
    struct stage stage;
    struct stage *child;
    const struct aggregate *node;
    str label; /* that gets the value */
    /* after open */
    struct tile result;
};

/* The rows to be: group, value as text. */
struct tally {
    struct query *query;
    struct groups groups;
    struct keys rows;
    uint32_t label;     /* id of the label that gets the value */
    bool label_is_lost; /* `without` takes it away again */
};

/* Groups go by the labels other than the one that will be overwritten. */
static bool group_rows(struct count_values *c, struct query *query, struct tally *tally)
{
    const struct aggregate *node = c->node;
    str *names = arena_array(&query->arena, str, node->grouping_count + 1);
    struct label_choice choice;
    size_t count = 0;

    for (size_t i = 0; i < node->grouping_count; i++) {
        bool is_label = str_equal(node->grouping[i], c->label);
        if (is_label) tally->label_is_lost = node->without;
        if (!is_label) names[count++] = node->grouping[i];
    }
    if (node->without) names[count++] = c->label;
    label_choice_make(&choice, query, names, count, !node->without);
    /* `without` takes the name, too, but not one that a value is written to. */
    tally->label = snapshot_intern(query->snapshot, c->label);
    if (node->without && tally->label == query->ids.name) tally->label_is_lost = true;
    return groups_make(&tally->groups, &c->child->shape, query, &choice);
}

static uint32_t value_id(struct query *query, double value, const struct histogram *h)
{
    char text[NUMBER_TEXT_MAX];

    if (h) return snapshot_intern(query->snapshot, histogram_text(h, &query->arena));
    return snapshot_intern(query->snapshot, str_make(text, number_format(value, NUMBER_FIXED, text)));
}

/* The result row of a value in a row of the operand. */
static uint32_t row_of(struct tally *tally, uint32_t row, double value, const struct histogram *h)
{
    uint32_t words[] = {tally->groups.of_row[row], tally->label_is_lost ? 0 : value_id(tally->query, value, h)};

    return keys_add(&tally->rows, words, 2);
}

static bool make_shape(struct count_values *c, struct tally *tally)
{
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    uint32_t word_count;
    bool done = true;

    for (uint32_t row = 0; row < keys_count(&tally->rows) && done; row++) {
        const uint32_t *words = keys_words(&tally->rows, row, &word_count);
        done = shape_pairs(&tally->groups.shape, tally->query, words[0], &pairs);
        pairs_set(&pairs, tally->query, tally->label, words[1]);
        shape_builder_add(&builder, pairs.data, pairs.count);
    }
    vec_release(&pairs);
    shape_builder_finish(&builder, tally->query, &c->stage.shape);
    c->stage.shape.is_distinct = true;
    return done;
}

/* Calls each() for all values of the operand, row after row. */
static bool count_all(struct count_values *c, struct tally *tally, const struct tile *tile)
{
    size_t steps = c->stage.grid.steps;
    uint32_t *rows = memory_alloc(tile_elements(tile) * sizeof *rows);
    bool done = true;

    for (uint32_t row = 0; row < tile->rows && done; row++) {
        done = row % 1024 || query_may_go_on(tally->query);
        for (size_t at = row * tile->stride; at < row * tile->stride + steps; at++) {
            const struct histogram *h = tile_histogram(tile, at);
            if (h || bits_get(tile->present, at)) rows[at] = row_of(tally, row, h ? 0 : tile->values[at], h);
        }
    }
    done = done && make_shape(c, tally) && stage_result(&c->stage, tally->query, c->stage.shape.count, &c->result);
    for (uint32_t row = 0; row < tile->rows && done; row++) {
        for (size_t s = 0; s < steps; s++) {
            size_t at = row * tile->stride + s;
            if (!bits_get(tile->present, at) && !tile_histogram(tile, at)) continue;
            size_t to = rows[at] * c->result.stride + s;
            c->result.values[to] = bits_get(c->result.present, to) ? c->result.values[to] + 1 : 1;
            bits_set(c->result.present, to);
        }
    }
    free(rows);
    return done;
}

static bool open_count_values(struct stage *stage, struct query *query)
{
    struct count_values *c = (struct count_values *)stage;
    struct tally tally = {.query = query};
    struct tile tile;

    if (c->label.len == 0 || !str_is_utf8(c->label)) {
        str quoted = quote_text(c->label, &query->arena);
        return query_fail(query, (struct error_key){.order = stage->order}, "invalid label name %.*s", STR_ARG(quoted));
    }
    stage->row_ns = stage->grid.steps;
    if (!stage_materialise(c->child, query, &tile) || !group_rows(c, query, &tally)) return false;
    if (!query_has_room(query, tile_elements(&tile) * sizeof(uint32_t))) return false;
    keys_init(&tally.rows, &query->account);
    bool done = count_all(c, &tally, &tile);
    keys_release(&tally.rows);
    return done;
}

static bool fill_count_values(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                              struct tile *out)
{
    for (uint32_t i = 0; i < count; i++)
        tile_copy_row(out, i, &((struct count_values *)stage)->result, rows[i], &task->cells);
    return true;
}

static const struct stage_class count_values_class = {"count_values", open_count_values, fill_count_values};

struct stage *plan_count_values(struct plan *plan, const struct node *node)
{
    struct stage *child = plan_node(plan, node->aggregate.expr);
    struct count_values *c = plan_new(plan, &count_values_class, node, sizeof *c);

    c->child = child;
    c->node = &node->aggregate;
    c->label = ast_unwrap(node->aggregate.param)->string;
    return &c->stage;
}
