/* Merging blocks; see merge.h.
 *
 * Names, values and lists of the blocks get common ranks first, in the order of their texts. That keeps the order of
 * each block's series, so one walk over all series tables side by side meets equal series together. The walk lays down,
 * for each series with samples in the range, its ranks and its place in each block; names and values that none of them
 * uses drop out then, and the writer's questions are looks into these arrays.
 */
#include "tsdb/merge.h"

#include "storage/base/map.h"
#include "tsdb/block_build.h"
#include "tsdb/block_exemplars.h"
#include "tsdb/hidden.h"

#include <assert.h>

#define ABSENT UINT32_MAX

enum {
    SERIES_BYTES = 60, /* fingerprint, place of its ranks, its turn among the postings of each name */
    LABEL_BYTES = 4,   /* a rank */
    VALUE_BYTES = 100, /* its text in two blocks and in the result, its rank in each, its postings */
    SAMPLED_SERIES = 1 << 14
};

/* One of the blocks, and where the walk stands in it. */
struct input {
    struct block *block;
    const struct block_tables *tables;
    uint32_t *names;   /* rank of each of its names */
    uint32_t **values; /* by its names: rank of each of its values */
    uint32_t *lists;   /* id of each of its lists */
    struct block_cursor cursor;
    uint32_t ordinal;
    struct block_series series; /* at `ordinal`, with the ranks of its values */
    uint32_t metric;            /* rank of its metric name */
    struct hidden hidden;       /* what is purged */
};

struct name_list {
    const uint32_t *names; /* ranks, rising */
    uint32_t count;
};

struct merge {
    const struct merge_request *request;
    struct input *inputs;
    vec(str) names;         /* by rank */
    str **values;           /* by name, by rank */
    uint32_t *value_counts; /* by name */
    vec(struct name_list) lists;
    struct map list_map;
    uint32_t metric_name; /* rank of __name__ */

    /* series of the result */
    uint32_t series_count, written;
    vec(uint32_t) ranks;  /* of each series its list, then the ranks of its values */
    vec(uint64_t) starts; /* where those of a series begin */
    vec(hash128) fingerprints;
    vec(uint32_t) places; /* its ordinal in each block, or ABSENT */

    struct block_cursor *cursors; /* of the blocks, for their samples */
    struct column_buffer buffer;
    struct arena arena;
};

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* Sorts and drops repeats; returns what is left. */
static size_t sort_unique(str *texts, size_t count)
{
    size_t kept = 0;

    if (count) qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_equal(texts[kept - 1], texts[i])) texts[kept++] = texts[i];
    }
    return kept;
}

static uint32_t rank_of(const str *texts, size_t count, str text)
{
    const str *found = bsearch(&text, texts, count, sizeof *texts, compare_texts);
    return found ? (uint32_t)(found - texts) : ABSENT;
}

static void rank_names(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->request->count; i++) {
        const struct block_tables *tables = merge->inputs[i].tables;
        for (uint32_t name = 0; name < tables->name_count; name++) vec_push(&merge->names, tables->names[name].text);
    }
    merge->names.count = sort_unique(merge->names.data, merge->names.count);
    for (uint32_t i = 0; i < merge->request->count; i++) {
        struct input *input = &merge->inputs[i];
        input->names = arena_array(&merge->arena, uint32_t, input->tables->name_count);
        input->values = arena_zarray(&merge->arena, uint32_t *, input->tables->name_count);
        for (uint32_t name = 0; name < input->tables->name_count; name++)
            input->names[name] = rank_of(merge->names.data, merge->names.count, input->tables->names[name].text);
    }
    merge->metric_name = rank_of(merge->names.data, merge->names.count, METRIC_NAME);
}

/* The sorted values of a name in one block, as a scan of the dictionary gives them. */
struct value_texts {
    vec(str) texts;
    struct arena arena;
};

static bool take_value(void *context, uint32_t value, str text)
{
    struct value_texts *out = context;

    (void)value;
    vec_push(&out->texts, arena_copy_str(&out->arena, text));
    return true;
}

/* Walks the sorted values of all blocks side by side; each text gets the next rank. */
static void join_values(struct merge *merge, uint32_t name, const uint32_t *own, struct value_texts *texts)
{
    uint32_t blocks = merge->request->count, rank = 0;
    size_t total = 0;
    uint32_t *at = arena_zarray(&texts[0].arena, uint32_t, blocks);

    for (uint32_t i = 0; i < blocks; i++) total += texts[i].texts.count;
    str *ranked = arena_array(&texts[0].arena, str, total);
    for (;;) {
        const str *least = NULL;
        for (uint32_t i = 0; i < blocks; i++) {
            if (at[i] == texts[i].texts.count) continue;
            const str *text = &texts[i].texts.data[at[i]];
            if (!least || str_compare(*text, *least) < 0) least = text;
        }
        if (!least) break;
        ranked[rank] = arena_copy_str(&merge->arena, *least);
        for (uint32_t i = 0; i < blocks; i++) {
            if (at[i] < texts[i].texts.count && str_equal(texts[i].texts.data[at[i]], ranked[rank]))
                merge->inputs[i].values[own[i]][at[i]++] = rank;
        }
        rank++;
    }
    merge->values[name] = arena_array(&merge->arena, str, rank);
    memcpy(merge->values[name], ranked, rank * sizeof *ranked);
    merge->value_counts[name] = rank;
}

static status rank_values(struct merge *merge, uint32_t name)
{
    uint32_t blocks = merge->request->count;
    struct value_texts *texts = memory_zalloc(blocks * sizeof *texts);
    uint32_t *own = memory_alloc(blocks * sizeof *own); /* id of the name in each block */
    status s = ok();

    for (uint32_t i = 0; i < blocks && !failed(s); i++) {
        struct input *input = &merge->inputs[i];
        arena_init(&texts[i].arena, NULL);
        own[i] = block_find_name(input->tables, merge->names.data[name]);
        if (own[i] == ABSENT) continue;
        const struct block_name_entry *entry = &input->tables->names[own[i]];
        s = block_each_value(input->block, entry, take_value, &texts[i]);
        input->values[own[i]] = arena_array(&merge->arena, uint32_t, texts[i].texts.count);
    }
    if (!failed(s)) join_values(merge, name, own, texts);
    for (uint32_t i = 0; i < blocks; i++) {
        vec_release(&texts[i].texts);
        arena_release(&texts[i].arena);
    }
    free(texts);
    free(own);
    return s;
}

static status rank_all_values(struct merge *merge)
{
    merge->values = arena_zarray(&merge->arena, str *, merge->names.count);
    merge->value_counts = arena_zarray(&merge->arena, uint32_t, merge->names.count);
    for (uint32_t name = 0; name < merge->names.count; name++) TRY(rank_values(merge, name));
    return ok();
}

/* The id of a list of names; a new one if no block before had it. */
static uint32_t list_id(struct merge *merge, const uint32_t *names, uint32_t count)
{
    uint64_t hash = hash_bytes(names, count * sizeof *names);
    struct map_cursor c;

    for (uint32_t id = map_find(&merge->list_map, hash, &c); id != MAP_NONE; id = map_next(&merge->list_map, &c)) {
        const struct name_list *list = &merge->lists.data[id];
        if (list->count == count && memcmp(list->names, names, count * sizeof *names) == 0) return id;
    }
    map_add(&merge->list_map, hash, (uint32_t)merge->lists.count);
    vec_push(&merge->lists, (struct name_list){names, count});
    return (uint32_t)merge->lists.count - 1;
}

static void join_lists(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->request->count; i++) {
        struct input *input = &merge->inputs[i];
        input->lists = arena_array(&merge->arena, uint32_t, input->tables->list_count);
        for (uint32_t list = 0; list < input->tables->list_count; list++) {
            uint32_t count = input->tables->list_counts[list];
            uint32_t *names = arena_array(&merge->arena, uint32_t, count);
            for (uint32_t k = 0; k < count; k++) names[k] = input->names[input->tables->lists[list][k]];
            input->lists[list] = list_id(merge, names, count);
        }
    }
}

static status malformed(const struct input *input)
{
    return status_make(STATUS_CORRUPT, "block %u: an entry of the series table names a value that does not exist",
                       block_get_info(input->block)->number);
}

/* Reads the series at the input's ordinal, if there is one, and puts common ranks in the place of its own. */
static status load_series(struct merge *merge, struct input *input)
{
    struct block_series *series = &input->series;

    if (input->ordinal == block_get_info(input->block)->series) return ok();
    TRY(block_series(input->block, &input->cursor, input->ordinal, series));
    const uint32_t *names = input->tables->lists[series->list];
    input->metric = 0;
    for (uint32_t k = 0; k < series->count; k++) {
        if (series->values[k] >= input->tables->names[names[k]].values.count) return malformed(input);
        series->values[k] = input->values[names[k]][series->values[k]];
        if (input->names[names[k]] == merge->metric_name) input->metric = series->values[k];
    }
    series->list = input->lists[series->list];
    return ok();
}

/* The order of series in a block. */
static int compare_series(const struct merge *merge, const struct input *a, const struct input *b)
{
    const struct name_list *x = &merge->lists.data[a->series.list], *y = &merge->lists.data[b->series.list];

    if (a->metric != b->metric) return a->metric < b->metric ? -1 : 1;
    for (uint32_t k = 0; k < x->count && k < y->count; k++) {
        if (x->names[k] != y->names[k]) return x->names[k] < y->names[k] ? -1 : 1;
        if (a->series.values[k] != b->series.values[k]) return a->series.values[k] < b->series.values[k] ? -1 : 1;
    }
    return (x->count > y->count) - (x->count < y->count);
}

/* Whether all samples of the block are in the range. */
static bool is_inside(const struct merge *merge, const struct input *input)
{
    const struct block_info *info = block_get_info(input->block);
    return info->min_ms >= merge->request->from_ms && info->max_ms <= merge->request->to_ms;
}

/* Appends the samples of a series in the range that stay. */
static status read_input(struct merge *merge, const struct input *input, struct block_cursor *cursor, uint32_t ordinal)
{
    size_t first = merge->buffer.times.count;

    TRY(block_read(input->block, cursor, ordinal, merge->request->from_ms, merge->request->to_ms, &merge->buffer));
    if (input->hidden.count) hidden_apply(&input->hidden, ordinal, &merge->buffer, first);
    return ok();
}

static status has_samples(struct merge *merge, struct input *input, bool *out)
{
    *out = true;
    if (is_inside(merge, input) && !hidden_touches(&input->hidden, input->ordinal)) return ok();
    columns_clear(&merge->buffer);
    TRY(read_input(merge, input, &input->cursor, input->ordinal));
    *out = merge->buffer.times.count > 0;
    return ok();
}

/* Adds the series that `least` and maybe others stand at, and moves them on. */
static status take_series(struct merge *merge, const struct input *least)
{
    uint32_t blocks = merge->request->count;
    size_t first = merge->places.count;
    struct input key = {.series = least->series, .metric = least->metric}; /* outlives the move of `least` */
    const struct block_series *series = &key.series;
    bool any = false;

    for (uint32_t i = 0; i < blocks; i++) {
        struct input *input = &merge->inputs[i];
        vec_push(&merge->places, ABSENT);
        if (input->ordinal == block_get_info(input->block)->series || compare_series(merge, input, &key) != 0) continue;
        bool has;
        TRY(has_samples(merge, input, &has));
        if (has) merge->places.data[first + i] = input->ordinal;
        any = any || has;
        input->ordinal++;
        TRY(load_series(merge, input));
    }
    if (!any) {
        merge->places.count = first;
        return ok();
    }
    merge->series_count++;
    vec_push(&merge->starts, merge->ranks.count);
    vec_push(&merge->fingerprints, series->fingerprint);
    vec_push(&merge->ranks, series->list);
    for (uint32_t k = 0; k < series->count; k++) vec_push(&merge->ranks, series->values[k]);
    return ok();
}

static bool is_stopped(const struct merge *merge)
{
    return merge->request->stop && atomic_load(merge->request->stop);
}

uint64_t merge_series_most(struct block *const *blocks, uint32_t count)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < count; i++) all += block_get_info(blocks[i])->series;
    return all;
}

static status walk(struct merge *merge)
{
    uint32_t blocks = merge->request->count;

    uint64_t most =
        merge_series_most(merge->request->blocks, blocks); /* room for all: what is not used is not resident */

    vec_reserve(&merge->starts, most);
    vec_reserve(&merge->fingerprints, most);
    vec_reserve(&merge->places, most * blocks);
    for (uint32_t i = 0; i < blocks; i++) TRY(load_series(merge, &merge->inputs[i]));
    for (;;) {
        const struct input *least = NULL;
        for (uint32_t i = 0; i < blocks; i++) {
            const struct input *input = &merge->inputs[i];
            if (input->ordinal == block_get_info(input->block)->series) continue;
            if (!least || compare_series(merge, input, least) < 0) least = input;
        }
        if (!least) return ok();
        if (is_stopped(merge)) return status_make(STATUS_CANCELED, "the merge was stopped");
        TRY(take_series(merge, least));
    }
}

/* Gives new ranks to what is used, in the old order: marks become ranks. */
static uint32_t renumber(uint32_t *marks, uint32_t count)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < count; i++) marks[i] = marks[i] ? used++ : ABSENT;
    return used;
}

/* Drops the names and values that no series of the result has. */
static void drop_unused(struct merge *merge)
{
    uint32_t names = (uint32_t)merge->names.count;
    uint32_t **value_ranks = arena_array(&merge->arena, uint32_t *, names);
    uint32_t *name_ranks = arena_zarray(&merge->arena, uint32_t, names);

    for (uint32_t name = 0; name < names; name++)
        value_ranks[name] = arena_zarray(&merge->arena, uint32_t, merge->value_counts[name]);
    for (uint32_t i = 0; i < merge->series_count; i++) {
        const uint32_t *ranks = merge->ranks.data + merge->starts.data[i];
        const struct name_list *list = &merge->lists.data[ranks[0]];
        for (uint32_t k = 0; k < list->count; k++)
            name_ranks[list->names[k]] = value_ranks[list->names[k]][ranks[1 + k]] = 1;
    }
    for (uint32_t name = 0; name < names; name++) {
        uint32_t count = merge->value_counts[name];
        merge->value_counts[name] = renumber(value_ranks[name], count);
        for (uint32_t v = 0; v < count; v++) {
            if (value_ranks[name][v] != ABSENT) merge->values[name][value_ranks[name][v]] = merge->values[name][v];
        }
    }
    for (uint32_t i = 0; i < merge->series_count; i++) {
        uint32_t *ranks = merge->ranks.data + merge->starts.data[i];
        const struct name_list *list = &merge->lists.data[ranks[0]];
        for (uint32_t k = 0; k < list->count; k++) ranks[1 + k] = value_ranks[list->names[k]][ranks[1 + k]];
    }
    merge->names.count = renumber(name_ranks, names);
    for (uint32_t name = 0; name < names; name++) {
        uint32_t rank = name_ranks[name];
        if (rank == ABSENT) continue;
        merge->names.data[rank] = merge->names.data[name];
        merge->values[rank] = merge->values[name];
        merge->value_counts[rank] = merge->value_counts[name];
    }
    vec_each (list, &merge->lists) {
        uint32_t *ranks = arena_array(&merge->arena, uint32_t, list->count), k;
        for (k = 0; k < list->count && name_ranks[list->names[k]] != ABSENT; k++) ranks[k] = name_ranks[list->names[k]];
        *list = (struct name_list){ranks, k == list->count ? k : 0}; /* one with a lost name has no series */
    }
}

static str source_name(void *context, uint32_t name)
{
    return ((struct merge *)context)->names.data[name];
}

static uint32_t source_value_count(void *context, uint32_t name)
{
    return ((struct merge *)context)->value_counts[name];
}

static str source_value(void *context, uint32_t name, uint32_t value)
{
    return ((struct merge *)context)->values[name][value];
}

static const uint32_t *source_list(void *context, uint32_t list, uint32_t *count)
{
    const struct name_list *found = &((struct merge *)context)->lists.data[list];

    *count = found->count;
    return found->names;
}

/* Asked for when a series is written, unlike its data, of which samples are taken before. */
static hash128 source_fingerprint(void *context, uint32_t ordinal)
{
    struct merge *merge = context;

    if (ordinal == merge->written) {
        merge->written++;
        if (merge->request->progress)
            merge->request->progress(merge->request->context, merge->written, merge->series_count);
    }
    return merge->fingerprints.data[ordinal];
}

static uint32_t source_labels(void *context, uint32_t ordinal, const uint32_t **values)
{
    const struct merge *merge = context;
    const uint32_t *ranks = merge->ranks.data + merge->starts.data[ordinal];

    *values = ranks + 1;
    return ranks[0];
}

static status source_data(void *context, uint32_t ordinal, struct series_data *out)
{
    struct merge *merge = context;
    struct column_buffer *buffer = &merge->buffer;
    const struct merge_request *request = merge->request;
    const uint32_t *places = merge->places.data + (size_t)ordinal * request->count;

    if (is_stopped(merge)) return status_make(STATUS_CANCELED, "the merge was stopped");
    columns_clear(buffer);
    for (uint32_t i = 0; i < request->count; i++) {
        size_t first = buffer->times.count;
        if (places[i] == ABSENT) continue;
        TRY(read_input(merge, &merge->inputs[i], &merge->cursors[i], places[i]));
        columns_join(buffer, first);
    }
    series_data_encode_columns(out, buffer, 0);
    return ok();
}

static bool is_any_series(void *context, labels set)
{
    (void)context;
    (void)set;
    return true;
}

/* Exemplars of all blocks, the latest first, as far as the budget goes. */
static status collect_exemplars(struct merge *merge, exemplar_list *out)
{
    const struct merge_request *request = merge->request;
    uint64_t bytes = 0;

    for (uint32_t i = request->count; i-- > 0 && bytes <= request->exemplar_bytes_max;) {
        size_t first = out->count;
        TRY(block_exemplars(request->blocks[i], request->exemplars_from_ms, request->exemplars_to_ms, is_any_series,
                            NULL, &merge->arena, out));
        for (; first < out->count; first++) {
            const struct exemplar_series *series = &out->data[first];
            for (size_t k = 0; k < series->count; k++)
                bytes += sizeof(struct exemplar) + series->exemplars[k].labels.len;
        }
    }
    exemplars_join(out, &merge->arena);
    return ok();
}

static status build(struct fs *fs, struct merge *merge, struct block_info *info)
{
    const struct merge_request *request = merge->request;
    exemplar_list exemplars = {0};
    struct build_source source = {.context = merge,
                                  .series_count = merge->series_count,
                                  .name_count = (uint32_t)merge->names.count,
                                  .list_count = (uint32_t)merge->lists.count,
                                  .name = source_name,
                                  .value_count = source_value_count,
                                  .value = source_value,
                                  .list = source_list,
                                  .fingerprint = source_fingerprint,
                                  .labels = source_labels,
                                  .data = source_data,
                                  .metadata = request->metadata,
                                  .exemplars = &exemplars};

    info->head_first = block_get_info(request->blocks[0])->head_first;
    info->head_last = info->head_first;
    for (uint32_t i = 0; i < request->count; i++) {
        const struct block_info *of = block_get_info(request->blocks[i]);
        if (of->head_first < info->head_first) info->head_first = of->head_first;
        if (of->head_last > info->head_last) info->head_last = of->head_last;
    }
    status s = collect_exemplars(merge, &exemplars);
    if (!failed(s)) s = block_build(fs, &source, info);
    vec_release(&exemplars);
    return s;
}

static status open_input(struct merge *merge, struct block *block, struct input *out)
{
    const struct block_info *info = block_get_info(block);
    struct hidden_source source = {info->head_first, info->min_ms, info->max_ms, block_index(block), info->series};

    out->block = block;
    TRY(block_tables(block, &out->tables));
    return hidden_find(merge->request->tombstones, &source, true, &merge->arena, &out->hidden);
}

static status prepare(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->request->count; i++)
        TRY(open_input(merge, merge->request->blocks[i], &merge->inputs[i]));
    rank_names(merge);
    TRY(rank_all_values(merge));
    join_lists(merge);
    return walk(merge);
}

typedef vec(uint64_t) hash_list;

/* Low halves of a block's fingerprints, those that are zero under the mask. */
static status sample_fingerprints(struct block *block, uint64_t mask, hash_list *out)
{
    struct block_cursor cursor = {0};
    status s = ok();

    for (uint32_t i = 0; i < block_get_info(block)->series && !failed(s); i++) {
        hash128 fingerprint = {0};
        s = block_fingerprint(block, &cursor, i, &fingerprint);
        if (!failed(s) && (fingerprint.low & mask) == 0) vec_push(out, fingerprint.low);
    }
    block_cursor_release(&cursor);
    return s;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t merge_series(struct block *const *blocks, uint32_t count)
{
    uint64_t all = merge_series_most(blocks, count), part = 1, distinct = 0;
    hash_list hashes = {0};
    status s = ok();

    while (all / part > SAMPLED_SERIES) part *= 2;
    for (uint32_t i = 0; i < count && !failed(s); i++) s = sample_fingerprints(blocks[i], part - 1, &hashes);
    if (hashes.count) qsort(hashes.data, hashes.count, sizeof *hashes.data, compare_hashes);
    for (size_t i = 0; i < hashes.count; i++) distinct += i == 0 || hashes.data[i] != hashes.data[i - 1];
    vec_release(&hashes);
    return failed(s) || distinct * part > all ? all : distinct * part;
}

uint64_t merge_memory(struct block *const *blocks, uint32_t count, uint64_t series)
{
    uint64_t all = merge_series_most(blocks, count), label_count = 0, values = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct block_tables *tables;
        if (failed(block_tables(blocks[i], &tables))) continue; /* the merge will tell */
        for (uint32_t k = 0; k < tables->name_count; k++) values += tables->names[k].values.count;
        for (uint32_t k = 0; k < tables->list_count; k++)
            if (tables->list_counts[k] > label_count) label_count = tables->list_counts[k];
    }
    uint64_t each = SERIES_BYTES + LABEL_BYTES * (1 + label_count + count);
    return series * each + (uint64_t)((double)values * VALUE_BYTES * (double)series / (double)(all ? all : 1));
}

status merge_blocks(struct fs *fs, const struct merge_request *request, struct block_info *info)
{
    struct merge merge = {.request = request};

    assert(request->count > 0);
    arena_init(&merge.arena, NULL);
    merge.inputs = arena_zarray(&merge.arena, struct input, request->count);
    merge.cursors = arena_zarray(&merge.arena, struct block_cursor, request->count);
    info->samples = 0;
    status s = prepare(&merge);
    if (!failed(s) && merge.series_count > 0) {
        drop_unused(&merge);
        s = build(fs, &merge, info);
    }
    for (uint32_t i = 0; i < request->count; i++) {
        block_cursor_release(&merge.inputs[i].cursor);
        block_cursor_release(&merge.cursors[i]);
    }
    vec_release(&merge.names);
    vec_release(&merge.lists);
    map_release(&merge.list_map);
    vec_release(&merge.ranks);
    vec_release(&merge.starts);
    vec_release(&merge.fingerprints);
    vec_release(&merge.places);
    column_buffer_release(&merge.buffer);
    arena_release(&merge.arena);
    return s;
}
