/* Writing a block; see block_build.h. */
#include "tsdb/block_build.h"

#include "storage/dictionary.h"
#include "storage/postings.h"
#include "tsdb/block_exemplars.h"
#include "tsdb/block_runs.h"
#include "tsdb/series_page.h"

#include <assert.h>

struct build {
    const struct build_source *source;
    struct block_writer *file;
    struct block_info *info;
    struct writer scratch, entries;
    vec(uint32_t) ends;
};

/* What is used anew for each series. */
struct series_work {
    struct series_data data, packed;
    struct writer extent;
};

/* Ends of entries, then the entries. */
static void flush_entries(struct build *build, struct page_list_writer *pages, bool compress)
{
    if (build->ends.count == 0) return;
    vec_each (end, &build->ends) writer_u32(&build->scratch, *end);
    writer_bytes(&build->scratch, build->entries.data, build->entries.count);
    page_list_add(pages, block_writer_page(build->file, build->scratch.data, build->scratch.count, compress));
    build->ends.count = build->entries.count = build->scratch.count = 0;
}

static void widen(struct block_info *info, const struct series_data *data)
{
    int64_t first = data->chunks.data[0].min_ms, last = vec_last(&data->chunks)->max_ms;

    if (first < info->min_ms) info->min_ms = first;
    if (last > info->max_ms) info->max_ms = last;
    info->samples += data->samples;
    vec_each (chunk, &data->chunks) info->rich_samples += chunk->codec == CHUNK_RICH ? chunk->samples : 0;
}

static void add_series(struct build *build, uint32_t ordinal, size_t bytes, struct series_page_writer *page)
{
    const struct build_source *source = build->source;
    const uint32_t *ranks;
    uint32_t list = source->labels(source->context, ordinal, &ranks), count;
    const uint32_t *names = source->list(source->context, list, &count);

    series_page_add(page, source->fingerprint(source->context, ordinal), list, names, ranks, count, bytes);
}

/* Writes a page of series, and the time columns that have come together: between them data lies without a gap. */
static void flush_series(struct build *build, struct series_page_writer *page, uint64_t base, struct block_runs *runs,
                         struct page_list_writer *pages)
{
    if (page->fingerprints.count == 0) return;
    build->scratch.count = 0;
    series_page_write(page, base, &build->scratch);
    page_list_add(pages, block_writer_page(build->file, build->scratch.data, build->scratch.count, true));
    build->scratch.count = 0;
    block_runs_flush(runs);
}

/* Packs and writes the data of one series. */
static status write_data(struct build *build, uint32_t ordinal, struct block_runs *runs, struct series_work *work)
{
    const struct build_source *source = build->source;

    series_data_clear(&work->data);
    work->extent.count = 0;
    TRY(source->data(source->context, ordinal, &work->data));
    assert(work->data.chunks.count > 0);
    TRY(block_runs_pack(runs, &work->data, &work->packed));
    uint64_t offset = block_writer_bytes(build->file);
    size_t header =
        series_data_write(&work->packed, source->fingerprint(source->context, ordinal), offset, &work->extent);
    block_writer_raw(build->file, work->extent.data, work->extent.count);
    block_runs_placed(runs, &work->packed, offset + header);
    widen(build->info, &work->packed);
    return ok();
}

/* Data and table of all series. Entries of a page wait until it is full, so data and pages alternate in the file. */
static status write_series(struct build *build)
{
    struct page_list_writer pages = {0};
    struct block_runs *runs = block_runs_new(build->file, &build->info->secret);
    struct series_work work = {0};
    struct series_page_writer page = {0};
    uint64_t base = block_writer_bytes(build->file);

    build->info->series = build->source->series_count;
    status s = block_runs_learn(runs, build->source);
    for (uint32_t ordinal = 0; ordinal < build->source->series_count && !failed(s); ordinal++) {
        if (page.fingerprints.count == SERIES_PAGE_SLOTS) {
            flush_series(build, &page, base, runs, &pages);
            base = block_writer_bytes(build->file);
        }
        s = write_data(build, ordinal, runs, &work);
        if (!failed(s)) add_series(build, ordinal, work.extent.count, &page);
    }
    flush_series(build, &page, base, runs, &pages);
    if (!failed(s)) block_runs_finish(runs, build->info);
    block_runs_free(runs);
    build->info->series_pages = page_list_finish(&pages, build->file);
    series_data_release(&work.data);
    series_data_release(&work.packed);
    writer_release(&work.extent);
    series_page_writer_release(&page);
    return s;
}

/* The series that have one name: all, and grouped by value: those of value v are ordinals[starts[v]] …
 * ordinals[starts[v + 1] - 1]. */
struct grouped {
    uint32_t *all, *ordinals, *starts;
    uint32_t count;
};

/* Where a name stands in each list, or UINT32_MAX. */
static void find_in_lists(const struct build_source *source, uint32_t name, uint32_t *places)
{
    for (uint32_t list = 0; list < source->list_count; list++) {
        uint32_t count;
        const uint32_t *names = source->list(source->context, list, &count);
        places[list] = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            if (names[i] == name) places[list] = i;
        }
    }
}

/* A counting sort: ordinals come out rising within each value. */
static void group(const struct build_source *source, uint32_t name, const uint32_t *places, struct grouped *out)
{
    uint32_t values = source->value_count(source->context, name), *chosen, total = 0;
    const uint32_t *ranks;

    out->starts = memory_zalloc(((size_t)values + 2) * sizeof *out->starts);
    out->all = memory_alloc(((size_t)source->series_count + 1) * sizeof *out->all);
    chosen = memory_alloc(((size_t)source->series_count + 1) * sizeof *chosen);
    for (uint32_t i = 0; i < source->series_count; i++) {
        uint32_t place = places[source->labels(source->context, i, &ranks)];
        if (place == UINT32_MAX) continue;
        out->all[total] = i;
        chosen[total++] = ranks[place];
        out->starts[ranks[place] + 2]++;
    }
    for (uint32_t v = 2; v < values + 2; v++) out->starts[v] += out->starts[v - 1];
    out->ordinals = memory_alloc(((size_t)total + 1) * sizeof *out->ordinals);
    for (uint32_t i = 0; i < total; i++) out->ordinals[out->starts[chosen[i] + 1]++] = out->all[i];
    out->count = total;
    free(chosen);
}

static void grouped_release(struct grouped *grouped)
{
    free(grouped->all);
    free(grouped->ordinals);
    free(grouped->starts);
}

static struct page_ref write_presence(struct build *build, const struct grouped *grouped)
{
    build->scratch.count = 0;
    postings_encode(grouped->all, grouped->count, &build->scratch);
    struct page_ref ref = block_writer_page(build->file, build->scratch.data, build->scratch.count, false);
    build->scratch.count = 0;
    return ref;
}

static struct page_list write_postings(struct build *build, const struct grouped *grouped, uint32_t values)
{
    struct page_list_writer pages = {0};
    struct writer set = {0};

    for (uint32_t v = 0; v < values; v++) {
        if (v % BLOCK_SETS_PER_PAGE == 0) flush_entries(build, &pages, true);
        set.count = 0;
        postings_encode(grouped->ordinals + grouped->starts[v], grouped->starts[v + 1] - grouped->starts[v], &set);
        if (set.count > BLOCK_SET_BYTES_INLINE) {
            struct page_ref ref = block_writer_page(build->file, set.data, set.count, false);
            writer_u8(&build->entries, BLOCK_SET_ELSEWHERE);
            writer_varint(&build->entries, ref.offset);
            writer_varint(&build->entries, ref.bytes);
        } else {
            writer_bytes(&build->entries, set.data, set.count);
        }
        vec_push(&build->ends, (uint32_t)build->entries.count);
    }
    flush_entries(build, &pages, true);
    writer_release(&set);
    return page_list_finish(&pages, build->file);
}

static struct dictionary write_dictionary(struct build *build, uint32_t name, uint32_t values)
{
    struct dictionary_writer writer;

    dictionary_writer_init(&writer, build->file);
    for (uint32_t v = 0; v < values; v++)
        dictionary_writer_add(&writer, build->source->value(build->source->context, name, v));
    return dictionary_writer_finish(&writer);
}

static void write_names(struct build *build)
{
    const struct build_source *source = build->source;
    uint32_t *places = memory_alloc(((size_t)source->list_count + 1) * sizeof *places);
    struct writer table = {0};

    writer_varint(&table, source->name_count);
    for (uint32_t name = 0; name < source->name_count; name++) {
        uint32_t values = source->value_count(source->context, name);
        struct grouped grouped;
        find_in_lists(source, name, places);
        group(source, name, places, &grouped);
        struct dictionary dictionary = write_dictionary(build, name, values);
        struct page_list postings = write_postings(build, &grouped, values);
        struct page_ref presence = write_presence(build, &grouped);
        writer_str(&table, source->name(source->context, name));
        dictionary_encode(&dictionary, &table);
        page_list_encode(&postings, &table);
        writer_varint(&table, presence.offset);
        writer_varint(&table, presence.bytes);
        grouped_release(&grouped);
    }
    build->info->names = block_writer_page(build->file, table.data, table.count, true);
    writer_release(&table);
    free(places);
}

static void write_lists(struct build *build)
{
    struct writer table = {0};

    writer_varint(&table, build->source->list_count);
    for (uint32_t list = 0; list < build->source->list_count; list++) {
        uint32_t count;
        const uint32_t *names = build->source->list(build->source->context, list, &count);
        writer_varint(&table, count);
        for (uint32_t i = 0; i < count; i++) writer_varint(&table, names[i]);
    }
    build->info->lists = block_writer_page(build->file, table.data, table.count, true);
    writer_release(&table);
}

status block_build(struct fs *fs, const struct build_source *source, struct block_info *info)
{
    struct build build = {.source = source, .info = info};
    char name[BLOCK_NAME_BYTES];

    info->min_ms = INT64_MAX;
    info->max_ms = INT64_MIN;
    info->samples = info->rich_samples = 0;
    info->metadata = (struct page_ref){0, 0};
    info->exemplar_pages = (struct page_list){{0, 0}, 0};
    block_name(name, info->number);
    TRY(fs_make_folder(fs, "block"));
    TRY(block_writer_open(fs, name, info->number, &build.file));
    status s = write_series(&build);
    if (failed(s)) {
        block_writer_abandon(build.file);
    } else {
        write_names(&build);
        write_lists(&build);
        if (source->metadata.len)
            info->metadata = block_writer_page(build.file, source->metadata.data, source->metadata.len, true);
        if (source->exemplars) block_exemplars_write(build.file, source->exemplars, info);
        build.scratch.count = 0;
        block_info_encode(info, &build.scratch);
        s = block_writer_finish(build.file, build.scratch.data, build.scratch.count);
        if (!failed(s) && failed(s = fs_sync_folder(fs, "block"))) (void)fs_unlink(fs, name);
    }
    writer_release(&build.scratch);
    writer_release(&build.entries);
    vec_release(&build.ends);
    return s;
}
