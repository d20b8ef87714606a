/* The exemplars of a block; see block_exemplars.h. */
#include "tsdb/block_exemplars.h"

#include "tsdb/block_internal.h"

enum { PAGE_BYTES = 16 << 10, ENTRY_EXEMPLARS_MAX = 64 };

static void write_entry(const struct exemplar_series *series, size_t first, size_t count, struct writer *page)
{
    struct writer spelled = {0};

    labels_write(series->pairs, series->pair_count, &spelled);
    writer_str(page, str_make((const char *)spelled.data, spelled.count));
    writer_varint(page, count);
    for (size_t i = first; i < first + count; i++) {
        const struct exemplar *exemplar = &series->exemplars[i];
        writer_signed(page, exemplar->time_ms);
        writer_u64(page, double_bits(exemplar->value));
        writer_str(page, exemplar->labels);
    }
    writer_release(&spelled);
}

static void widen(struct block_info *info, const struct exemplar_series *series)
{
    for (size_t i = 0; i < series->count; i++) {
        int64_t time_ms = series->exemplars[i].time_ms;
        if (time_ms < info->exemplar_min_ms) info->exemplar_min_ms = time_ms;
        if (time_ms > info->exemplar_max_ms) info->exemplar_max_ms = time_ms;
    }
}

static void flush(struct writer *page, struct page_list_writer *pages, struct block_writer *file)
{
    if (page->count) page_list_add(pages, block_writer_page(file, page->data, page->count, true));
    page->count = 0;
}

void block_exemplars_write(struct block_writer *file, const exemplar_list *list, struct block_info *info)
{
    struct page_list_writer pages = {0};
    struct writer page = {0};

    info->exemplar_min_ms = INT64_MAX;
    info->exemplar_max_ms = INT64_MIN;
    vec_each (series, list) {
        for (size_t first = 0; first < series->count; first += ENTRY_EXEMPLARS_MAX) {
            size_t left = series->count - first;
            write_entry(series, first, left < ENTRY_EXEMPLARS_MAX ? left : ENTRY_EXEMPLARS_MAX, &page);
            if (page.count >= PAGE_BYTES) flush(&page, &pages, file);
        }
        widen(info, series);
    }
    flush(&page, &pages, file);
    info->exemplar_pages = page_list_finish(&pages, file);
    writer_release(&page);
}

struct wish {
    int64_t from_ms, to_ms;
    exemplar_filter *wanted;
    void *context;
    struct arena *arena;
};

static void copy_labels(str text, struct arena *arena, struct exemplar_series *out)
{
    label pair;
    size_t count = 0;

    for (str rest = text; labels_next(&rest, &pair);) count++;
    label *pairs = arena_array(arena, label, count);
    for (str rest = text; out->pair_count < count && labels_next(&rest, &pairs[out->pair_count]);) out->pair_count++;
    out->pairs = pairs;
}

/* Reads one entry, and copies what is wanted of it. */
static void read_entry(struct reader *in, const struct wish *wish, exemplar_list *out)
{
    str series = reader_str(in);
    uint64_t count = reader_varint(in);

    if (reader_failed(in) || count > ENTRY_EXEMPLARS_MAX) {
        in->failed = true;
        return;
    }
    bool is_wanted = wish->wanted(wish->context, (labels){series});
    struct exemplar_series copy = {0};
    struct exemplar *kept = is_wanted ? arena_array(wish->arena, struct exemplar, count) : NULL;
    for (uint64_t i = 0; i < count; i++) {
        struct exemplar exemplar = {.time_ms = reader_signed(in)};
        exemplar.value = double_from_bits(reader_u64(in));
        exemplar.labels = reader_str(in);
        if (reader_failed(in)) return;
        if (!is_wanted || exemplar.time_ms < wish->from_ms || exemplar.time_ms > wish->to_ms) continue;
        exemplar.labels = arena_copy_str(wish->arena, exemplar.labels);
        kept[copy.count++] = exemplar;
    }
    if (copy.count == 0) return;
    copy.exemplars = kept;
    copy_labels(arena_copy_str(wish->arena, series), wish->arena, &copy);
    vec_push(out, copy);
}

status block_exemplars(struct block *block, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted, void *context,
                       struct arena *arena, exemplar_list *out)
{
    const struct page_list *pages = &block->info.exemplar_pages;
    struct wish wish = {from_ms, to_ms, wanted, context, arena};

    if (pages->pages == 0 || block->info.exemplar_max_ms < from_ms || block->info.exemplar_min_ms > to_ms) return ok();
    for (uint32_t i = 0; i < pages->pages; i++) {
        const struct page *page;
        TRY(page_list_page(block->file, pages, i, &page));
        struct reader in = reader_make(page->data, page->bytes);
        while (reader_left(&in) > 0 && !reader_failed(&in)) read_entry(&in, &wish, out);
        page_release(page);
        if (reader_failed(&in))
            return block_note(block, status_make(STATUS_CORRUPT, "%s: a page of exemplars is malformed",
                                                 block_file_name(block->file)));
    }
    return ok();
}
