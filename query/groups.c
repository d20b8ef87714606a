/* Groups of rows; see groups.h. */
#include "query/groups.h"

#include <string.h>

void rows_by_key(struct query *query, const uint32_t *keys, uint32_t count, uint32_t key_count, const uint32_t **first,
                 const uint32_t **rows)
{
    uint32_t *ends = arena_zarray(&query->arena, uint32_t, key_count + 1);
    uint32_t *list = arena_array(&query->arena, uint32_t, count);

    for (uint32_t row = 0; row < count; row++) ends[keys[row] + 1]++;
    for (uint32_t key = 0; key < key_count; key++) ends[key + 1] += ends[key];
    for (uint32_t row = 0; row < count; row++) list[ends[keys[row]]++] = row;
    memmove(ends + 1, ends, key_count * sizeof *ends);
    ends[0] = 0;
    *first = ends;
    *rows = list;
}

static bool keeps_name(const struct label_choice *choice, const struct query *query)
{
    for (uint32_t i = 0; i < choice->count && choice->keep; i++) {
        if (choice->names[i] == query->ids.name) return true;
    }
    return choice->keep_name;
}

/* A group is marked if any of its rows is. */
static void mark_groups(struct groups *groups, const struct shape *from, struct query *query)
{
    groups->shape.all_marked = from->all_marked;
    if (from->all_marked || !from->marked) return;
    uint64_t *marked = arena_zarray(&query->arena, uint64_t, bits_words(groups->shape.count));
    bits_each(row, from->marked, from->count) bits_set(marked, groups->of_row[row]);
    groups->shape.marked = marked;
}

bool groups_make(struct groups *out, const struct shape *shape, struct query *query, const struct label_choice *choice)
{
    uint32_t *of_row = arena_array(&query->arena, uint32_t, shape->count);
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    struct keys keys;

    keys_init(&keys, &query->account);
    bool done = shape_keys(shape, query, choice, &keys, of_row);
    for (uint32_t key = 0; key < keys_count(&keys) && done; key++) {
        label_choice_pairs(choice, &keys, key, &pairs);
        shape_builder_add(&builder, pairs.data, pairs.count);
    }
    shape_builder_finish(&builder, query, &out->shape);
    out->shape.is_distinct = true;
    out->shape.is_distinct_unnamed = !keeps_name(choice, query);
    vec_release(&pairs);
    keys_release(&keys);
    if (!done) return false;
    out->of_row = of_row;
    rows_by_key(query, of_row, shape->count, out->shape.count, &out->first, &out->rows);
    mark_groups(out, shape, query);
    return true;
}
