/* varve dump block and varve dump chunk: what is in a block's file.
 *
 *     block/00000012: block 12 of heads 7 to 11, …
 *     series 0 up{job="a"}, 120 bytes at 64
 *         packed, 360 samples from 1000 to 360000, 84 bytes at 77
 */
#include "http/main/dump.h"
#include "query/histogram_value.h"
#include "storage/base/number.h"
#include "storage/page_cache.h"
#include "tsdb/block_measure.h"

#include <inttypes.h>
#include <stdio.h>

enum { DUMP_CACHE_BYTES = 32 << 20 };

struct listing {
    struct block *block;
    struct page_cache *cache;
    struct block_cursor cursor;
    struct column_buffer buffer;
    struct writer text;
    struct arena arena; /* of one series */
    size_t findings;
};

static void close_block(struct listing *listing)
{
    block_cursor_release(&listing->cursor);
    block_unref(listing->block);
    page_cache_free(listing->cache);
    column_buffer_release(&listing->buffer);
    writer_release(&listing->text);
    arena_release(&listing->arena);
}

static status open_block(const struct dump_file *file, struct listing *out)
{
    char name[BLOCK_NAME_BYTES];
    str number = file->name;
    uint64_t value = 0;

    *out = (struct listing){0};
    (void)str_cut(&number, '/');
    bool is_number = str_to_uint64(number, &value) && value <= UINT32_MAX;
    block_name(name, (uint32_t)value);
    if (!is_number || !str_equal(file->name, str_from(name)))
        return status_make(STATUS_INVALID, "%s: a block is called block/NUMBER, with eight digits", file->path);
    out->cache = page_cache_new(DUMP_CACHE_BYTES);
    return block_open(file->fs, (uint32_t)value, out->cache, &out->block);
}

static void print_info(const struct listing *listing)
{
    const struct block_info *info = block_get_info(listing->block);

    printf("block %" PRIu32 " of heads %" PRIu32 " to %" PRIu32 ", made at %" PRId64 "\n", info->number,
           info->head_first, info->head_last, info->created_ms);
    printf("samples %" PRIu64 " from %" PRId64 " to %" PRId64 ", of which %" PRIu64 " rich; series %" PRIu32
           "; time columns %" PRIu32 "; bytes %" PRIu64 "\n",
           info->samples, info->min_ms, info->max_ms, info->rich_samples, info->series, info->columns,
           block_bytes(listing->block));
}

static void print_metadata(void *context, uint8_t type, str metric, str help, str unit)
{
    (void)context;
    printf("metadata %.*s type %u unit \"%.*s\" help \"%.*s\"\n", STR_ARG(metric), type, STR_ARG(unit), STR_ARG(help));
}

/* Names and how many values each has. */
static status print_names(const struct listing *listing)
{
    const struct block_tables *tables;

    TRY(block_tables(listing->block, &tables));
    for (uint32_t i = 0; i < tables->name_count; i++)
        printf("label %.*s, %" PRIu32 " values\n", STR_ARG(tables->names[i].text), tables->names[i].values.count);
    return ok();
}

static status print_labels(struct listing *listing, const struct block_series *series)
{
    const struct block_tables *tables;
    label pairs[LABELS_MAX];

    TRY(block_tables(listing->block, &tables));
    for (uint32_t i = 0; i < series->count; i++) {
        const struct block_name_entry *name = &tables->names[tables->lists[series->list][i]];
        if (series->values[i] >= name->values.count)
            return status_make(STATUS_CORRUPT, "a series has an unknown value of label \"%.*s\"", STR_ARG(name->text));
        TRY(block_value(listing->block, name, series->values[i], &listing->text));
        str value = str_make((const char *)listing->text.data, listing->text.count);
        pairs[i] = (label){name->text, arena_copy_str(&listing->arena, value)};
    }
    printf("%.*s", STR_ARG(labels_print(pairs, series->count, &listing->arena)));
    return ok();
}

static void print_chunk(void *context, const struct block_chunk *chunk)
{
    (void)context;
    printf("    %s, %" PRIu32 " samples from %" PRId64 " to %" PRId64 ", %" PRIu64 " bytes at %" PRIu64 "%s\n",
           chunk_form_names[chunk->form], chunk->samples, chunk->min_ms, chunk->max_ms, chunk->bytes, chunk->offset,
           chunk->is_shared ? ", shared" : "");
}

static status print_series(struct listing *listing, uint32_t ordinal)
{
    struct block_series series;

    printf("series %" PRIu32 " ", ordinal);
    TRY(block_series(listing->block, &listing->cursor, ordinal, &series));
    TRY(print_labels(listing, &series));
    printf(", %" PRIu32 " bytes at %" PRIu64 "\n", series.bytes, series.offset);
    return block_each_chunk(listing->block, &series, &listing->buffer, print_chunk, NULL);
}

/* What is damaged becomes a line of the listing; what the disk refuses is returned. */
static status told(struct listing *listing, status s)
{
    if (!failed(s) || s.code == STATUS_IO) return s;
    printf("damaged: %s\n", s.text);
    listing->findings++;
    return ok();
}

status dump_block(const struct dump_file *file, size_t *findings)
{
    struct listing listing;

    status s = open_block(file, &listing);
    if (!failed(s)) {
        printf("%.*s\n", STR_ARG(file->name));
        print_info(&listing);
        s = told(&listing, print_names(&listing));
        if (!failed(s)) s = told(&listing, block_metadata(listing.block, print_metadata, NULL));
        for (uint32_t i = 0; !failed(s) && i < block_get_info(listing.block)->series; i++) {
            s = told(&listing, print_series(&listing, i));
            arena_reset(&listing.arena);
        }
    }
    *findings = listing.findings;
    close_block(&listing);
    return s;
}

static void print_samples(struct listing *listing)
{
    samples found = columns_view(&listing->buffer);
    char text[NUMBER_TEXT_MAX];

    for (size_t i = 0; i < found.count; i++) {
        if (found.histograms && found.histograms[i]) {
            printf("%.*s", STR_ARG(histogram_text(found.histograms[i], &listing->arena)));
        } else {
            printf("%.*s", (int)number_format(found.values[i], NUMBER_GENERAL, text), text);
        }
        printf(" @%" PRId64, found.times_ms[i]);
        if (found.starts_ms && found.starts_ms[i]) printf(" since %" PRId64, found.starts_ms[i]);
        printf("\n");
    }
}

status dump_chunks(const struct dump_file *file, str series, size_t *findings)
{
    struct listing listing;
    uint64_t ordinal = 0;

    status s = open_block(file, &listing);
    if (!failed(s)) {
        uint32_t count = block_get_info(listing.block)->series;
        if (!str_to_uint64(series, &ordinal) || ordinal >= count)
            s = status_make(STATUS_INVALID, "%s: series are numbered from 0 to %" PRIu32 "; \"%.*s\" is none",
                            file->path, count - 1, STR_ARG(series));
    }
    if (!failed(s)) s = told(&listing, print_series(&listing, (uint32_t)ordinal));
    if (!failed(s) && listing.findings == 0) {
        columns_clear(&listing.buffer);
        s = told(&listing,
                 block_read(listing.block, &listing.cursor, (uint32_t)ordinal, INT64_MIN, INT64_MAX, &listing.buffer));
        if (!failed(s)) print_samples(&listing);
    }
    *findings = listing.findings;
    close_block(&listing);
    return s;
}
