/* What is in a data folder; see inspect.h. */
#include "tsdb/inspect.h"

#include "storage/base/map.h"
#include "storage/page_cache.h"
#include "tsdb/db_internal.h"
#include "tsdb/head_file.h"

#include <stdio.h>

enum { INSPECT_CACHE_BYTES = 32 << 20 };

#define IN_MANY UINT32_MAX

/* A distinct series: its identity, and the only source that has it so far, or IN_MANY. */
struct seen {
    hash128 fingerprint;
    uint32_t source;
};

struct pair {
    uint32_t label; /* index of the name */
    str value;
    uint64_t series;
    uint64_t samples, bytes; /* of metric names */
};

struct inspector {
    struct fs *fs;
    void (*finding)(void *context, str sentence);
    void *context;
    struct inspection *out;
    struct page_cache *cache;
    struct arena arena; /* of texts */
    vec(struct inspect_source) sources;
    vec(struct seen) seen;
    struct map seen_by_hash;
    vec(struct inspect_label) labels;
    vec(struct pair) pairs;
    struct map pairs_by_hash;
    struct column_buffer buffer;
};

static void pass_on(void *context, str sentence)
{
    struct inspector *inspector = context;

    inspector->out->findings++;
    inspector->finding(inspector->context, sentence);
}

static void find(struct inspector *inspector, const char *folder, uint32_t number, status s)
{
    char sentence[STATUS_TEXT_BYTES + 64];
    int len = snprintf(sentence, sizeof sentence, "%s/%08u:%llu: %s", folder, number, (unsigned long long)s.at, s.text);

    pass_on(inspector, str_make(sentence, (size_t)len));
}

static uint32_t find_label(struct inspector *inspector, str name)
{
    for (uint32_t i = 0; i < inspector->labels.count; i++) {
        if (str_equal(inspector->labels.data[i].name, name)) return i;
    }
    vec_push(&inspector->labels, (struct inspect_label){.name = arena_copy_str(&inspector->arena, name)});
    return (uint32_t)inspector->labels.count - 1;
}

static uint32_t find_pair(struct inspector *inspector, uint32_t name, str value)
{
    uint64_t hash = hash_mix(hash_bytes(value.data, value.len), name);
    struct map_cursor cursor;
    uint32_t id = map_find(&inspector->pairs_by_hash, hash, &cursor);

    for (; id != MAP_NONE; id = map_next(&inspector->pairs_by_hash, &cursor)) {
        const struct pair *pair = &inspector->pairs.data[id];
        if (pair->label == name && str_equal(pair->value, value)) return id;
    }
    id = (uint32_t)inspector->pairs.count;
    vec_push(&inspector->pairs, (struct pair){.label = name, .value = arena_copy_str(&inspector->arena, value)});
    map_add(&inspector->pairs_by_hash, hash, id);
    inspector->labels.data[name].values++;
    inspector->labels.data[name].text_bytes += value.len;
    return id;
}

/* Notes that the source being read has a series; whether no source before had it. */
static bool note_series(struct inspector *inspector, hash128 fingerprint)
{
    uint32_t source = (uint32_t)inspector->sources.count - 1;
    struct map_cursor cursor;
    uint32_t id = map_find(&inspector->seen_by_hash, fingerprint.low, &cursor);

    while (id != MAP_NONE && !hash128_equal(inspector->seen.data[id].fingerprint, fingerprint))
        id = map_next(&inspector->seen_by_hash, &cursor);
    if (id == MAP_NONE) {
        map_add(&inspector->seen_by_hash, fingerprint.low, (uint32_t)inspector->seen.count);
        vec_push(&inspector->seen, (struct seen){fingerprint, source});
        return true;
    }
    if (inspector->seen.data[id].source != source) inspector->seen.data[id].source = IN_MANY;
    return false;
}

static void count_pair(struct inspector *inspector, uint32_t pair)
{
    inspector->pairs.data[pair].series++;
    inspector->labels.data[inspector->pairs.data[pair].label].series++;
}

/* The pairs of a block, by name and rank of the value. */
struct block_pairs {
    uint32_t **ids;
    struct inspector *inspector;
    uint32_t label, name;
};

static bool add_value(void *context, uint32_t value, str text)
{
    struct block_pairs *pairs = context;

    pairs->ids[pairs->name][value] = find_pair(pairs->inspector, pairs->label, text);
    return true;
}

static status read_pairs(struct block *block, const struct block_tables *tables, struct block_pairs *pairs,
                         struct arena *arena)
{
    pairs->ids = arena_array(arena, uint32_t *, tables->name_count);
    for (uint32_t name = 0; name < tables->name_count; name++) {
        pairs->ids[name] = arena_zarray(arena, uint32_t, tables->names[name].values.count);
        pairs->name = name;
        pairs->label = find_label(pairs->inspector, tables->names[name].text);
        TRY(block_each_value(block, &tables->names[name], add_value, pairs));
    }
    return ok();
}

struct series_sums {
    struct inspection *out;
    uint64_t samples, stored;
};

static void add_chunk(void *context, const struct block_chunk *chunk)
{
    struct series_sums *sums = context;
    struct inspect_codec *codec = &sums->out->codecs[chunk->form];

    codec->chunks++;
    codec->shared_chunks += chunk->is_shared;
    codec->samples += chunk->samples;
    codec->bytes += chunk->is_shared ? 0 : chunk->bytes;
    sums->samples += chunk->samples;
    sums->stored += chunk->is_shared ? 0 : chunk->bytes;
}

static status read_series(struct inspector *inspector, struct block *block, const struct block_series *series,
                          const struct block_pairs *pairs, struct series_sums *sums)
{
    const struct block_tables *tables;
    uint64_t samples_before = sums->samples;

    TRY(block_tables(block, &tables));
    bool is_new = note_series(inspector, series->fingerprint);
    status s = block_each_chunk(block, series, &inspector->buffer, add_chunk, sums);
    for (uint32_t i = 0; i < series->count; i++) {
        uint32_t name = tables->lists[series->list][i];
        if (series->values[i] >= tables->names[name].values.count)
            return status_make(STATUS_CORRUPT, "a series has an unknown value");
        uint32_t pair = pairs->ids[name][series->values[i]];
        if (is_new) count_pair(inspector, pair);
        if (!str_equal(tables->names[name].text, METRIC_NAME)) continue;
        inspector->pairs.data[pair].samples += sums->samples - samples_before;
        inspector->pairs.data[pair].bytes += series->bytes;
    }
    return s;
}

/* All series of a block; one that can not be read is told and passed over. */
static status read_block_series(struct inspector *inspector, struct block *block, const struct block_pairs *pairs,
                                uint64_t *extents, struct series_sums *sums)
{
    const struct block_info *info = block_get_info(block);
    struct block_cursor cursor = {0};
    status s = ok();

    for (uint32_t ordinal = 0; ordinal < info->series && !failed(s); ordinal++) {
        struct block_series series;
        s = block_series(block, &cursor, ordinal, &series);
        if (!failed(s)) *extents += series.bytes;
        if (!failed(s)) s = read_series(inspector, block, &series, pairs, sums);
        if (!failed(s) || s.code == STATUS_IO) continue;
        find(inspector, "block", info->number, s);
        s = ok();
    }
    block_cursor_release(&cursor);
    return s;
}

static status inspect_open_block(struct inspector *inspector, struct block *block)
{
    const struct block_info *info = block_get_info(block);
    struct block_pairs pairs = {.inspector = inspector};
    struct series_sums sums = {.out = inspector->out};
    struct inspection *out = inspector->out;
    const struct block_tables *tables;
    uint64_t parts[BLOCK_PART_COUNT], extents = 0;
    struct arena arena = {0};

    vec_push(&inspector->sources, (struct inspect_source){.number = info->number,
                                                          .head_first = info->head_first,
                                                          .head_last = info->head_last,
                                                          .min_ms = info->min_ms,
                                                          .max_ms = info->max_ms,
                                                          .series = info->series,
                                                          .samples = info->samples,
                                                          .bytes = block_bytes(block)});
    out->block_series += info->series;
    out->block_samples += info->samples;
    out->block_bytes += block_bytes(block);
    status s = block_tables(block, &tables);
    if (!failed(s)) s = read_pairs(block, tables, &pairs, &arena);
    if (!failed(s)) s = read_block_series(inspector, block, &pairs, &extents, &sums);
    if (!failed(s)) s = block_measure(block, extents, sums.stored, parts);
    for (int i = 0; !failed(s) && i < BLOCK_PART_COUNT; i++) out->parts[i] += parts[i];
    arena_release(&arena);
    return s;
}

static status inspect_block(struct inspector *inspector, uint32_t number)
{
    struct block *block;
    status s = block_open(inspector->fs, number, inspector->cache, &block);

    if (!failed(s)) {
        s = inspect_open_block(inspector, block);
        block_unref(block);
    }
    if (!failed(s) || s.code == STATUS_IO || s.code == STATUS_UNAVAILABLE) return s;
    find(inspector, "block", number, s);
    return ok();
}

static status inspect_head(struct inspector *inspector, const struct state *state, const struct state_head *entry)
{
    struct head_file head;
    struct registry *registry;

    TRY(head_file_read(inspector->fs, state, entry, pass_on, inspector, &head));
    registry = head.registry;
    vec_push(&inspector->sources, (struct inspect_source){.is_head = true,
                                                          .number = entry->number,
                                                          .head_first = entry->number,
                                                          .head_last = entry->number,
                                                          .min_ms = head.min_ms,
                                                          .max_ms = head.max_ms,
                                                          .bytes = head.log_bytes});
    for (uint32_t id = 0; id < head.samples.count; id++) {
        if (head.samples.data[id] == 0) continue;
        vec_last(&inspector->sources)->series++;
        vec_last(&inspector->sources)->samples += head.samples.data[id];
        if (!note_series(inspector, registry_fingerprint(registry, id))) continue;
        struct series_labels series = registry_labels(registry, id);
        for (uint32_t i = 0; i < series.count; i++) {
            uint32_t name = find_label(inspector, registry_name(registry, series.names[i]));
            str value = registry_value(registry, series.names[i], series.values[i]);
            count_pair(inspector, find_pair(inspector, name, value));
        }
    }
    head_file_release(&head);
    return ok();
}

static int compare_pairs(const void *a, const void *b)
{
    const struct inspect_pair *x = a, *y = b;

    if (x->series != y->series) return x->series > y->series ? -1 : 1;
    int order = str_compare(x->name, y->name);
    return order ? order : str_compare(x->value, y->value);
}

static int compare_labels(const void *a, const void *b)
{
    const struct inspect_label *x = a, *y = b;

    if (x->values != y->values) return x->values > y->values ? -1 : 1;
    return str_compare(x->name, y->name);
}

static int compare_metrics(const void *a, const void *b)
{
    const struct inspect_metric *x = a, *y = b;

    if (x->series != y->series) return x->series > y->series ? -1 : 1;
    return str_compare(x->name, y->name);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void finish_labels(struct inspector *inspector, size_t limit, struct arena *arena)
{
    struct inspection *out = inspector->out;

    out->label_total = inspector->labels.count;
    if (out->label_total) qsort(inspector->labels.data, out->label_total, sizeof(struct inspect_label), compare_labels);
    out->label_count = least(out->label_total, limit);
    out->labels = arena_array(arena, struct inspect_label, out->label_count);
    for (size_t i = 0; i < out->label_count; i++) {
        out->labels[i] = inspector->labels.data[i];
        out->labels[i].name = arena_copy_str(arena, out->labels[i].name);
    }
}

/* Lists of pairs and of metrics. */
static void finish_pairs(struct inspector *inspector, size_t limit, struct arena *arena)
{
    struct inspection *out = inspector->out;
    struct arena scratch = {0};
    struct inspect_pair *pairs = arena_array(&scratch, struct inspect_pair, inspector->pairs.count);
    struct inspect_metric *metrics = arena_array(&scratch, struct inspect_metric, inspector->pairs.count);

    for (size_t i = 0; i < inspector->pairs.count; i++) {
        const struct pair *pair = &inspector->pairs.data[i];
        str name = inspector->labels.data[pair->label].name;
        if (pair->series) pairs[out->pair_total++] = (struct inspect_pair){name, pair->value, pair->series};
        if (pair->series && str_equal(name, METRIC_NAME))
            metrics[out->metric_total++] =
                (struct inspect_metric){pair->value, pair->series, pair->samples, pair->bytes};
    }
    qsort(pairs, out->pair_total, sizeof *pairs, compare_pairs);
    qsort(metrics, out->metric_total, sizeof *metrics, compare_metrics);
    out->pair_count = least(out->pair_total, limit);
    out->metric_count = least(out->metric_total, limit);
    out->pairs = arena_array(arena, struct inspect_pair, out->pair_count);
    out->metrics = arena_array(arena, struct inspect_metric, out->metric_count);
    for (size_t i = 0; i < out->pair_count; i++)
        out->pairs[i] = (struct inspect_pair){arena_copy_str(arena, pairs[i].name),
                                              arena_copy_str(arena, pairs[i].value), pairs[i].series};
    for (size_t i = 0; i < out->metric_count; i++) {
        out->metrics[i] = metrics[i];
        out->metrics[i].name = arena_copy_str(arena, metrics[i].name);
    }
    arena_release(&scratch);
}

static void finish(struct inspector *inspector, size_t limit, struct arena *arena)
{
    struct inspection *out = inspector->out;

    out->series = inspector->seen.count;
    vec_each (seen, &inspector->seen) {
        if (seen->source == IN_MANY) continue;
        inspector->sources.data[seen->source].series_only_here++;
        out->series_in_one++;
    }
    out->source_count = inspector->sources.count;
    out->sources = arena_array(arena, struct inspect_source, out->source_count);
    for (size_t i = 0; i < out->source_count; i++) out->sources[i] = inspector->sources.data[i];
    finish_pairs(inspector, limit, arena); /* before the labels are sorted: pairs have their indexes */
    finish_labels(inspector, limit, arena);
}

static status folder_bytes(struct fs *fs, const char *folder, uint64_t *bytes)
{
    struct arena arena = {0};
    size_t count = 0;
    str *names;

    status s = fs_list(fs, folder, &arena, &names, &count);
    for (size_t i = 0; i < count && !failed(s); i++) {
        struct file *file;
        uint64_t size = 0;
        s = fs_open(fs, arena_format(&arena, "%s/%.*s", folder, STR_ARG(names[i])).data, FS_READ, &file);
        if (s.code == STATUS_NOT_FOUND) { /* it went meanwhile */
            s = ok();
            continue;
        }
        if (failed(s)) break;
        s = file_size(file, &size);
        file_close(file);
        *bytes += size;
    }
    arena_release(&arena);
    return s;
}

static void release(struct inspector *inspector)
{
    page_cache_free(inspector->cache);
    arena_release(&inspector->arena);
    vec_release(&inspector->sources);
    vec_release(&inspector->seen);
    map_release(&inspector->seen_by_hash);
    vec_release(&inspector->labels);
    vec_release(&inspector->pairs);
    map_release(&inspector->pairs_by_hash);
    column_buffer_release(&inspector->buffer);
}

status inspect_directory(struct fs *fs, size_t limit, void (*finding)(void *context, str sentence), void *context,
                         struct inspection *out, struct arena *arena)
{
    struct inspector inspector = {.fs = fs, .finding = finding, .context = context, .out = out};
    struct state state;

    *out = (struct inspection){0};
    status s = state_load(fs, &state);
    if (s.code == STATUS_NOT_FOUND) return status_make(STATUS_NOT_FOUND, "there is no data: the file state is missing");
    TRY(s);
    inspector.cache = page_cache_new(INSPECT_CACHE_BYTES);
    vec_each (block, &state.blocks) {
        if (!failed(s)) s = inspect_block(&inspector, block->number);
    }
    vec_each (head, &state.heads) {
        if (!failed(s)) s = inspect_head(&inspector, &state, head);
    }
    if (!failed(s)) s = folder_bytes(fs, "wal", &out->wal_bytes);
    if (!failed(s)) s = folder_bytes(fs, "registry", &out->registry_bytes);
    if (!failed(s)) finish(&inspector, limit, arena);
    release(&inspector);
    state_release(&state);
    return s;
}
