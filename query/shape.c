/* Rows and their labels; see shape.h. */
#include "query/shape.h"

#include "query/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 4096 }; /* between two looks at the clock */

void shape_of_selection(struct shape *out, struct selection *selection, bool has_one_name)
{
    *out = (struct shape){.count = selection_count(selection),
                          .selection = selection,
                          .is_distinct = true,
                          .is_distinct_unnamed = has_one_name};
}

void shape_of_nothing(struct shape *out)
{
    static const uint32_t first[2];

    *out = (struct shape){.count = 1, .first = first, .is_distinct = true, .is_distinct_unnamed = true};
}

/* Whether a label is one of those that go with the name. */
static bool is_metadata(const struct query *query, uint32_t name)
{
    return name == query->ids.name || name == query->ids.type || name == query->ids.unit;
}

static uint32_t table_value(const struct shape *shape, uint32_t row, uint32_t name)
{
    for (uint32_t i = shape->first[row]; i < shape->first[row + 1]; i++) {
        if (shape->pairs[i].name == name) return shape->pairs[i].value;
    }
    return 0;
}

static bool selection_column(const struct shape *shape, struct query *query, str name, uint32_t *ids)
{
    uint32_t rows[CHUNK_ROWS];

    for (uint32_t at = 0; at < shape->count; at += CHUNK_ROWS) {
        uint32_t count = shape->count - at < CHUNK_ROWS ? shape->count - at : CHUNK_ROWS;
        if (!query_may_go_on(query)) return false;
        for (uint32_t i = 0; i < count; i++) rows[i] = shape->index ? shape->index[at + i] : at + i;
        status s = selection_label_ids(shape->selection, rows, count, name, ids + at);
        if (failed(s)) return query_fail_storage(query, s);
    }
    return true;
}

bool shape_column(const struct shape *shape, struct query *query, str name, uint32_t *ids)
{
    uint32_t id = snapshot_intern(query->snapshot, name);

    if (shape->names_dropped && is_metadata(query, id)) {
        memset(ids, 0, shape->count * sizeof *ids);
        return true;
    }
    if (shape->selection) return selection_column(shape, query, name, ids);
    for (uint32_t i = 0; i < shape->count; i++) ids[i] = table_value(shape, shape->index ? shape->index[i] : i, id);
    return true;
}

bool shape_pairs(const struct shape *shape, struct query *query, uint32_t row, struct pairs *out)
{
    uint32_t at = shape->index ? shape->index[row] : row;

    assert(row < shape->count);
    out->count = 0;
    if (shape->selection) {
        vec_reserve(out, LABELS_MAX);
        status s = selection_label_pairs(shape->selection, at, out->data, &out->count);
        if (failed(s)) return query_fail_storage(query, s);
    } else {
        uint32_t count = shape->first[at + 1] - shape->first[at];
        vec_reserve(out, count);
        if (count) memcpy(out->data, shape->pairs + shape->first[at], count * sizeof *out->data);
        out->count = count;
    }
    if (shape->names_dropped) pairs_drop_names(out, query);
    return true;
}

bool shape_text(const struct shape *shape, struct query *query, uint32_t row, str *out)
{
    struct pairs pairs = {0};
    bool done = shape_pairs(shape, query, row, &pairs);

    if (done) *out = pairs_text(&pairs, query);
    vec_release(&pairs);
    return done;
}

void shape_drop_names(struct shape *shape, const struct query *query)
{
    if (query_has(query, FEATURE_DELAYED_NAME_REMOVAL)) {
        shape->all_marked = true;
    } else if (!shape->names_dropped) {
        shape->names_dropped = true;
        shape->is_distinct = false;
    }
}

static str id_text(const struct query *query, uint32_t id)
{
    return snapshot_string(query->snapshot, id);
}

void pairs_set(struct pairs *pairs, const struct query *query, uint32_t name, uint32_t value)
{
    size_t i = 0;

    while (i < pairs->count && pairs->data[i].name != name) i++;
    if (i < pairs->count) {
        pairs->data[i].value = value;
        if (value) return;
        memmove(pairs->data + i, pairs->data + i + 1, (--pairs->count - i) * sizeof *pairs->data);
        return;
    }
    if (!value) return;
    vec_reserve(pairs, 1);
    for (i = pairs->count; i > 0 && str_compare(id_text(query, pairs->data[i - 1].name), id_text(query, name)) > 0; i--)
        pairs->data[i] = pairs->data[i - 1];
    pairs->data[i] = (struct label_id){name, value};
    pairs->count++;
}

void pairs_drop_names(struct pairs *pairs, const struct query *query)
{
    size_t kept = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        if (!is_metadata(query, pairs->data[i].name)) pairs->data[kept++] = pairs->data[i];
    }
    pairs->count = kept;
}

str pairs_text(const struct pairs *pairs, struct query *query)
{
    label *list = arena_array(&query->arena, label, pairs->count);

    for (size_t i = 0; i < pairs->count; i++)
        list[i] = (label){id_text(query, pairs->data[i].name), id_text(query, pairs->data[i].value)};
    return labels_print(list, pairs->count, &query->arena);
}

int pairs_compare(const struct query *query, const struct label_id *a, size_t a_count, const struct label_id *b,
                  size_t b_count)
{
    size_t count = a_count < b_count ? a_count : b_count;

    for (size_t i = 0; i < count; i++) {
        int order = a[i].name == b[i].name ? 0 : str_compare(id_text(query, a[i].name), id_text(query, b[i].name));
        if (order == 0 && a[i].value != b[i].value)
            order = str_compare(id_text(query, a[i].value), id_text(query, b[i].value));
        if (order) return order;
    }
    return (a_count > b_count) - (a_count < b_count);
}

void shape_builder_add(struct shape_builder *builder, const struct label_id *pairs, size_t count)
{
    vec_push(&builder->first, (uint32_t)builder->pairs.count);
    vec_reserve(&builder->pairs, count);
    if (count) memcpy(builder->pairs.data + builder->pairs.count, pairs, count * sizeof *pairs);
    builder->pairs.count += count;
}

void shape_builder_finish(struct shape_builder *builder, struct query *query, struct shape *out)
{
    uint32_t count = (uint32_t)builder->first.count;
    struct label_id *pairs = arena_array(&query->arena, struct label_id, builder->pairs.count);
    uint32_t *first = arena_array(&query->arena, uint32_t, count + 1);

    if (builder->pairs.count) memcpy(pairs, builder->pairs.data, builder->pairs.count * sizeof *pairs);
    if (count) memcpy(first, builder->first.data, count * sizeof *first);
    first[count] = (uint32_t)builder->pairs.count;
    *out = (struct shape){.count = count, .pairs = pairs, .first = first};
    shape_builder_release(builder);
}

void shape_builder_release(struct shape_builder *builder)
{
    vec_release(&builder->pairs);
    vec_release(&builder->first);
}

void shape_pick(struct shape *out, const struct shape *shape, struct query *query, const uint32_t *rows, uint32_t count)
{
    struct shape picked = *shape;

    picked.count = count;
    picked.index = rows;
    if (shape->index) {
        uint32_t *index = arena_array(&query->arena, uint32_t, count);
        for (uint32_t i = 0; i < count; i++) index[i] = shape->index[rows[i]];
        picked.index = index;
    }
    if (shape->marked) {
        uint64_t *marked = arena_zarray(&query->arena, uint64_t, bits_words(count));
        for (uint32_t i = 0; i < count; i++) {
            if (bits_get(shape->marked, rows[i])) bits_set(marked, i);
        }
        picked.marked = marked;
    }
    *out = picked;
}

static int compare_strings(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

void label_choice_make(struct label_choice *out, struct query *query, const str *names, size_t count, bool keep)
{
    str *sorted = arena_array(&query->arena, str, count);
    uint32_t *ids = arena_array(&query->arena, uint32_t, count);
    uint32_t kept = 0;

    if (count) memcpy(sorted, names, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_strings);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = snapshot_intern(query->snapshot, sorted[i]);
        if (kept == 0 || ids[kept - 1] != id) ids[kept++] = id;
    }
    *out = (struct label_choice){.names = ids, .count = kept, .keep = keep};
}

/* Keys of kept labels: one column of value ids each. */
static bool keep_keys(const struct shape *shape, struct query *query, const struct label_choice *choice,
                      struct keys *keys, uint32_t *ids)
{
    size_t width = choice->count;
    uint32_t *columns = memory_alloc(width * shape->count * sizeof *columns);
    uint32_t *words = memory_alloc(width * sizeof *words);
    bool done = true;

    for (size_t c = 0; c < width && done; c++)
        done = shape_column(shape, query, id_text(query, choice->names[c]), columns + c * shape->count);
    for (uint32_t row = 0; row < shape->count && done; row++) {
        for (size_t c = 0; c < width; c++) words[c] = columns[c * shape->count + row];
        ids[row] = keys_add(keys, words, (uint32_t)width);
    }
    free(words);
    free(columns);
    return done;
}

static bool is_chosen(const struct label_choice *choice, uint32_t name)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        if (choice->names[i] == name) return true;
    }
    return false;
}

/* Keys of what is left: the other pairs themselves. */
static bool leave_keys(const struct shape *shape, struct query *query, const struct label_choice *choice,
                       struct keys *keys, uint32_t *ids)
{
    struct pairs pairs = {0};
    bool done = true;

    for (uint32_t row = 0; row < shape->count && done; row++) {
        if (row % CHUNK_ROWS == 0 && !query_may_go_on(query)) done = false;
        if (!done || !(done = shape_pairs(shape, query, row, &pairs))) break;
        size_t kept = 0;
        for (size_t i = 0; i < pairs.count; i++) {
            uint32_t name = pairs.data[i].name;
            bool is_left_out = (name == query->ids.name && !choice->keep_name) || is_chosen(choice, name);
            if (!is_left_out) pairs.data[kept++] = pairs.data[i];
        }
        ids[row] = keys_add(keys, (const uint32_t *)pairs.data, (uint32_t)(2 * kept));
    }
    vec_release(&pairs);
    return done;
}

bool shape_keys(const struct shape *shape, struct query *query, const struct label_choice *choice, struct keys *keys,
                uint32_t *ids)
{
    if (choice->keep) return keep_keys(shape, query, choice, keys, ids);
    return leave_keys(shape, query, choice, keys, ids);
}

void label_choice_pairs(const struct label_choice *choice, const struct keys *keys, uint32_t key, struct pairs *out)
{
    uint32_t count;
    const uint32_t *words = keys_words(keys, key, &count);

    out->count = 0;
    if (!choice->keep) {
        for (uint32_t i = 0; i + 1 < count; i += 2) vec_push(out, (struct label_id){words[i], words[i + 1]});
        return;
    }
    assert(count == choice->count);
    for (uint32_t i = 0; i < count; i++) {
        if (words[i]) vec_push(out, (struct label_id){choice->names[i], words[i]});
    }
}

bool shape_label_keys(const struct shape *shape, struct query *query, bool cleaned, struct keys *keys, uint32_t *ids)
{
    struct pairs pairs = {0};
    bool done = true;

    for (uint32_t row = 0; row < shape->count && done; row++) {
        if (row % CHUNK_ROWS == 0 && !query_may_go_on(query)) done = false;
        if (!done || !(done = shape_pairs(shape, query, row, &pairs))) break;
        if (cleaned && shape_is_marked(shape, row)) pairs_drop_names(&pairs, query);
        ids[row] = keys_add(keys, (const uint32_t *)pairs.data, (uint32_t)(2 * pairs.count));
    }
    vec_release(&pairs);
    return done;
}
