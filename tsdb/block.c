/* A block that is open for reading; see block.h and block_format.h. */
#include "tsdb/block_internal.h"

#include "storage/base/log.h"
#include "storage/chunk_gorilla.h"
#include "storage/page_cache.h"
#include "storage/postings.h"
#include "tsdb/metrics.h"
#include "tsdb/series_data.h"

#include <assert.h>

enum { AHEAD_BYTES_MIN = 8 << 10, AHEAD_BYTES_MAX = 64 << 10, AHEAD_GAP_BYTES = 4 << 10 };

static const struct index_class block_index_class;

status block_note(struct block *block, status s)
{
    char name[BLOCK_NAME_BYTES];

    if (!tells_damage(s) || atomic_exchange(&block->damaged, true)) return s;
    block_name(name, block->info.number);
    metric_add(&metric_damages, 1);
    metric_add(&metric_blocks_damaged, 1);
    log_error("damaged data; the block is read as far as possible and not merged any more", "file=%s finding=%s", name,
              LOG_QUOTED(str_from(s.text)));
    return s;
}

static void note_page(void *context, const status *damage)
{
    (void)block_note(context, *damage);
}

bool block_is_damaged(const struct block *block)
{
    return atomic_load(&block->damaged);
}

bool block_is_unreadable(const struct block *block)
{
    return atomic_load(&block->unreadable);
}

void block_set_unreadable(struct block *block)
{
    atomic_store(&block->unreadable, true);
}

status block_open(struct fs *fs, uint32_t number, struct page_cache *cache, struct block **out)
{
    struct block *block = memory_zalloc(sizeof *block);
    char name[BLOCK_NAME_BYTES];

    block->fs = fs;
    block->cache = cache;
    atomic_init(&block->references, 1);
    pthread_mutex_init(&block->mutex, NULL);
    block_name(name, number);
    status s = block_file_open(fs, name, number, cache, &block->file);
    if (!failed(s)) s = block_info_decode(block_file_footer(block->file), &block->info);
    if (!failed(s) && block->info.number != number)
        s = status_make(STATUS_CORRUPT, "%s: the footer says that this is block %u", name, block->info.number);
    if (failed(s)) {
        block_unref(block);
        return s;
    }
    block->index = (struct index){&block_index_class};
    block_file_watch(block->file, note_page, block);
    *out = block;
    return ok();
}

void block_ref(struct block *block)
{
    atomic_fetch_add(&block->references, 1);
}

void block_unref(struct block *block)
{
    if (!block || atomic_fetch_sub(&block->references, 1) > 1) return;
    block_file_close(block->file);
    if (atomic_load(&block->damaged)) metric_add(&metric_blocks_damaged, -1);
    if (block->cache) page_cache_drop(block->cache, block);
    if (atomic_load(&block->dropped)) {
        char name[BLOCK_NAME_BYTES];
        block_name(name, block->info.number);
        (void)fs_unlink(block->fs, name); /* what is left over is removed at the next start */
    }
    arena_release(&block->arena);
    pthread_mutex_destroy(&block->mutex);
    free(block);
}

void block_drop(struct block *block)
{
    atomic_store(&block->dropped, true);
}

const struct block_info *block_get_info(const struct block *block)
{
    return &block->info;
}

uint64_t block_bytes(const struct block *block)
{
    return block_file_bytes(block->file);
}

struct index *block_index(struct block *block)
{
    return &block->index;
}

static status malformed(struct block *block, const char *what)
{
    return block_note(block, status_make(STATUS_CORRUPT, "%s: %s is malformed", block_file_name(block->file), what));
}

static status read_names(struct block *block, struct block_tables *tables)
{
    const struct page *page;

    TRY(block_file_page(block->file, block->info.names, &page));
    struct reader in = reader_make(page->data, page->bytes);
    tables->name_count = reader_varint32(&in);
    if (tables->name_count > page->bytes) in.failed = true;
    if (!reader_failed(&in)) {
        struct block_name_entry *names = arena_array(&block->arena, struct block_name_entry, tables->name_count);
        for (uint32_t i = 0; i < tables->name_count && !reader_failed(&in); i++) {
            names[i].text = arena_copy_str(&block->arena, reader_str(&in));
            dictionary_decode(&in, &names[i].values);
            page_list_decode(&in, &names[i].postings);
            names[i].presence.offset = reader_varint(&in);
            names[i].presence.bytes = reader_varint32(&in);
        }
        tables->names = names;
    }
    page_release(page);
    return reader_failed(&in) ? malformed(block, "the table of names") : ok();
}

static status read_lists(struct block *block, struct block_tables *tables)
{
    const struct page *page;

    TRY(block_file_page(block->file, block->info.lists, &page));
    struct reader in = reader_make(page->data, page->bytes);
    tables->list_count = reader_varint32(&in);
    if (tables->list_count > page->bytes) in.failed = true;
    if (!reader_failed(&in)) {
        const uint32_t **lists = arena_array(&block->arena, const uint32_t *, tables->list_count);
        uint32_t *counts = arena_array(&block->arena, uint32_t, tables->list_count);
        for (uint32_t i = 0; i < tables->list_count && !reader_failed(&in); i++) {
            counts[i] = reader_varint32(&in);
            if (counts[i] > LABELS_MAX) in.failed = true;
            uint32_t *list = arena_array(&block->arena, uint32_t, reader_failed(&in) ? 0 : counts[i]);
            for (uint32_t k = 0; k < counts[i] && !reader_failed(&in); k++) {
                list[k] = reader_varint32(&in);
                if (list[k] >= tables->name_count) in.failed = true;
            }
            lists[i] = list;
        }
        tables->lists = lists;
        tables->list_counts = counts;
    }
    page_release(page);
    return reader_failed(&in) ? malformed(block, "the table of lists") : ok();
}

status block_tables(struct block *block, const struct block_tables **out)
{
    struct block_tables *tables = atomic_load_explicit(&block->tables, memory_order_acquire);
    status s = ok();

    if (!tables) {
        pthread_mutex_lock(&block->mutex);
        tables = atomic_load_explicit(&block->tables, memory_order_relaxed);
        if (!tables) {
            tables = arena_zalloc(&block->arena, sizeof *tables);
            s = read_names(block, tables);
            if (!failed(s)) s = read_lists(block, tables);
            if (failed(s)) {
                arena_release(&block->arena);
            } else {
                atomic_store_explicit(&block->tables, tables, memory_order_release);
            }
        }
        pthread_mutex_unlock(&block->mutex);
    }
    *out = tables;
    return s;
}

uint32_t block_find_name(const struct block_tables *tables, str name)
{
    uint32_t low = 0, high = tables->name_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_compare(tables->names[middle].text, name);
        if (order == 0) return middle;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return UINT32_MAX;
}

void block_cursor_release(struct block_cursor *cursor)
{
    page_release(cursor->page);
    page_release(cursor->models);
    page_release(cursor->times);
    series_page_release(&cursor->columns);
    writer_release(&cursor->ahead);
    *cursor = (struct block_cursor){0};
}

bool block_entry_in_page(const struct page *page, size_t prefix, uint32_t slots, uint32_t slot, str *out)
{
    size_t table = prefix + (size_t)slots * 4;

    *out = STR("");
    if (page->bytes < table) return false;
    uint32_t begin = slot ? load_u32(page->data + prefix + (size_t)(slot - 1) * 4) : 0;
    uint32_t end = load_u32(page->data + prefix + (size_t)slot * 4);
    if (begin > end || end > page->bytes - table) return false;
    *out = str_make((const char *)page->data + table + begin, end - begin);
    return true;
}

uint32_t block_slots(uint32_t total, uint32_t page, uint32_t per_page)
{
    uint32_t first = page * per_page;
    return total - first < per_page ? total - first : per_page;
}

/* The page of the series table that a series is in; its number of slots, and the series' own. */
static status series_page(struct block *block, struct block_cursor *cursor, uint32_t ordinal, uint32_t *slots,
                          uint32_t *slot)
{
    uint32_t per_page = block->info.format == 2 ? BLOCK_SERIES_PER_PAGE_2 : SERIES_PAGE_SLOTS;
    uint32_t index = ordinal / per_page;

    assert(ordinal < block->info.series);
    if (!cursor->page || cursor->index != index) {
        page_release(cursor->page);
        cursor->page = NULL;
        cursor->is_open = false;
        TRY(page_list_page(block->file, &block->info.series_pages, index, &cursor->page));
        cursor->index = index;
    }
    *slots = block_slots(block->info.series, index, per_page);
    *slot = ordinal % per_page;
    return ok();
}

static status malformed_series(struct block *block)
{
    return malformed(block, "a page of the series table");
}

status block_fingerprint(struct block *block, struct block_cursor *cursor, uint32_t ordinal, hash128 *out)
{
    uint32_t slots, slot;
    str entry;

    TRY(series_page(block, cursor, ordinal, &slots, &slot));
    const struct page *page = cursor->page;
    if (block->info.format > 2)
        return series_page_fingerprint(page->data, page->bytes, slots, slot, out) ? ok() : malformed_series(block);
    if (!block_entry_in_page(page, 8, slots, slot, &entry) || entry.len < sizeof *out) return malformed_series(block);
    *out = (hash128){load_u64(entry.data), load_u64(entry.data + 8)};
    return ok();
}

/* Reads the entry of a series in a table of format 2. */
static bool read_entry_2(const struct block_tables *tables, const struct page *page, uint32_t slots, uint32_t slot,
                         struct block_series *out)
{
    str entry;

    if (!block_entry_in_page(page, 8, slots, slot, &entry)) return false;
    struct reader in = reader_make(entry.data, entry.len);
    out->fingerprint.low = reader_u64(&in);
    out->fingerprint.high = reader_u64(&in);
    out->list = reader_varint32(&in);
    if (out->list >= tables->list_count) return false;
    out->count = tables->list_counts[out->list];
    for (uint32_t i = 0; i < out->count; i++) out->values[i] = reader_varint32(&in);
    out->offset = load_u64(page->data) + reader_varint(&in);
    out->bytes = reader_varint32(&in);
    return !reader_failed(&in);
}

static bool read_place(const struct page *page, uint32_t slots, uint32_t slot, struct block_series *out)
{
    return series_page_fingerprint(page->data, page->bytes, slots, slot, &out->fingerprint) &&
           series_page_extent(page->data, page->bytes, slots, slot, &out->offset, &out->bytes);
}

/* Opens the page that the cursor is at. */
static bool open_page(struct block_cursor *cursor, uint32_t slots)
{
    if (cursor->is_open) return true;
    cursor->is_open = series_page_open(cursor->page->data, cursor->page->bytes, slots, &cursor->columns);
    return cursor->is_open;
}

static bool read_labels(const struct block_tables *tables, struct block_cursor *cursor, uint32_t slots, uint32_t slot,
                        struct block_series *out)
{
    if (!open_page(cursor, slots) || !series_page_list(&cursor->columns, slot, &out->list)) return false;
    if (out->list >= tables->list_count) return false;
    out->count = tables->list_counts[out->list];
    return series_page_ranks(&cursor->columns, slot, tables->lists[out->list], out->count, out->values);
}

status block_series(struct block *block, struct block_cursor *cursor, uint32_t ordinal, struct block_series *out)
{
    const struct block_tables *tables;
    uint32_t slots, slot;

    TRY(block_tables(block, &tables));
    TRY(series_page(block, cursor, ordinal, &slots, &slot));
    const struct page *page = cursor->page;
    bool good = block->info.format == 2
                    ? read_entry_2(tables, page, slots, slot, out)
                    : read_place(page, slots, slot, out) && read_labels(tables, cursor, slots, slot, out);
    return good ? ok() : malformed_series(block);
}

/* Where the data of a series lies, and its fingerprint. */
static status read_extent(struct block *block, struct block_cursor *cursor, uint32_t ordinal, struct block_series *out)
{
    uint32_t slots, slot;

    if (block->info.format == 2) return block_series(block, cursor, ordinal, out);
    TRY(series_page(block, cursor, ordinal, &slots, &slot));
    return read_place(cursor->page, slots, slot, out) ? ok() : malformed_series(block);
}

static status rank_2(struct block *block, struct block_cursor *cursor, uint32_t ordinal, uint32_t name, uint32_t *out)
{
    const struct block_tables *tables;
    struct block_series series;

    *out = UINT32_MAX;
    TRY(block_tables(block, &tables));
    TRY(block_series(block, cursor, ordinal, &series));
    for (uint32_t i = 0; i < series.count; i++) {
        if (tables->lists[series.list][i] == name) *out = series.values[i];
    }
    return ok();
}

status block_rank(struct block *block, struct block_cursor *cursor, uint32_t ordinal, uint32_t name, uint32_t *out)
{
    uint32_t slots, slot;

    if (block->info.format == 2) return rank_2(block, cursor, ordinal, name, out);
    TRY(series_page(block, cursor, ordinal, &slots, &slot));
    if (!open_page(cursor, slots)) return malformed_series(block);
    const struct series_column *column = series_page_column(&cursor->columns, name);
    *out = column ? series_column_rank(column, slot) : UINT32_MAX;
    return ok();
}

status block_in_file(struct block *block, const struct block_series *series, status s)
{
    if (!tells_damage(s)) return s;
    if (str_starts_with(str_from(s.text), str_from(block_file_name(block->file)))) return block_note(block, s);
    unsigned long long at = series->offset + s.at;
    return block_note(block, status_at(s.code, at, "%s: at offset %llu: %s", block_file_name(block->file), at, s.text));
}

/* Whether the bytes are among those read ahead, now or already. */
static bool find_ahead(struct block_cursor *cursor, uint64_t offset, uint32_t bytes)
{
    uint64_t size = block_bytes(cursor->block);
    bool follows = offset >= cursor->next_at && offset - cursor->next_at <= AHEAD_GAP_BYTES && cursor->next_at > 0;

    if (offset > size || bytes > size - offset) return false;
    if (offset >= cursor->ahead_at && offset + bytes <= cursor->ahead_at + cursor->ahead_bytes) return true;
    size_t step = cursor->ahead_step * 2 < AHEAD_BYTES_MIN ? AHEAD_BYTES_MIN : cursor->ahead_step * 2;
    cursor->ahead_step = !follows ? 0 : step < AHEAD_BYTES_MAX ? step : AHEAD_BYTES_MAX;
    if (cursor->is_exact || cursor->ahead_step <= bytes) return false;
    cursor->ahead_at = offset;
    cursor->ahead_bytes = size - offset < cursor->ahead_step ? size - offset : cursor->ahead_step;
    uint8_t *to = writer_reserve(&cursor->ahead, cursor->ahead_bytes + GORILLA_SLACK_BYTES);
    if (!block_file_read_ahead(cursor->block->file, offset, to, cursor->ahead_bytes)) cursor->ahead_bytes = 0;
    memset(to + cursor->ahead_bytes, 0, GORILLA_SLACK_BYTES);
    return cursor->ahead_bytes > 0;
}

status block_load_data(struct block_cursor *cursor, const struct block_series *series, struct column_buffer *buffer,
                       const uint8_t **out)
{
    bool is_ahead = find_ahead(cursor, series->offset, series->bytes);

    cursor->next_at = series->offset + series->bytes;
    cursor->data_bytes += series->bytes;
    if (is_ahead) {
        *out = cursor->ahead.data + (series->offset - cursor->ahead_at);
        return ok();
    }
    buffer->bytes.count = 0;
    uint8_t *to = writer_reserve(&buffer->bytes, (size_t)series->bytes + GORILLA_SLACK_BYTES);
    TRY(block_file_read(cursor->block->file, series->offset, to, series->bytes));
    memset(to + series->bytes, 0, GORILLA_SLACK_BYTES);
    *out = to;
    return ok();
}

status block_read(struct block *block, struct block_cursor *cursor, uint32_t ordinal, int64_t from_ms, int64_t to_ms,
                  struct column_buffer *buffer)
{
    struct block_series series;
    const uint8_t *data;

    assert(!cursor->block || cursor->block == block);
    cursor->block = block;
    TRY(read_extent(block, cursor, ordinal, &series));
    TRY(block_load_data(cursor, &series, buffer, &data));
    struct series_block around = block_around(cursor, &series);
    status s = block_in_file(block, &series,
                             series_data_read(data, series.bytes, series.fingerprint, &around, from_ms, to_ms, buffer));
    buffer->damage = block_in_file(block, &series, buffer->damage);
    return s;
}

static status decode_set(struct block *block, str encoded, struct postings *set)
{
    struct page_ref ref;
    const struct page *page;

    if (encoded.len == 0 || (uint8_t)encoded.data[0] != BLOCK_SET_ELSEWHERE) {
        return postings_decode(encoded, block->info.series, set) ? ok() : malformed(block, "a set of series");
    }
    struct reader in = reader_make(encoded.data + 1, encoded.len - 1);
    ref.offset = reader_varint(&in);
    ref.bytes = reader_varint32(&in);
    if (reader_failed(&in)) return malformed(block, "a reference to a set of series");
    TRY(block_file_page(block->file, ref, &page));
    bool good = postings_decode(str_make((const char *)page->data, page->bytes), block->info.series, set);
    page_release(page);
    return good ? ok() : malformed(block, "a set of series");
}

status block_postings(struct block *block, const struct block_name_entry *name, uint32_t value, struct postings *set)
{
    const struct page *page;
    uint32_t index = value / BLOCK_SETS_PER_PAGE;
    str encoded;

    assert(value < name->values.count);
    TRY(page_list_page(block->file, &name->postings, index, &page));
    uint32_t slots = block_slots(name->values.count, index, BLOCK_SETS_PER_PAGE);
    status s = ok();
    if (block_entry_in_page(page, 0, slots, value % BLOCK_SETS_PER_PAGE, &encoded)) {
        s = decode_set(block, encoded, set);
    } else {
        s = malformed(block, "a page of sets of series");
    }
    page_release(page);
    return s;
}

static status find_entry(struct index *index, str name, const struct block_name_entry **out)
{
    const struct block_tables *tables;

    TRY(block_tables((struct block *)index, &tables));
    uint32_t at = block_find_name(tables, name);
    *out = at == UINT32_MAX ? NULL : &tables->names[at];
    return ok();
}

static status with_name(struct index *index, str name, struct postings *set)
{
    struct block *block = (struct block *)index;
    const struct block_name_entry *entry;
    const struct page *page;

    TRY(find_entry(index, name, &entry));
    if (!entry) return ok();
    TRY(block_file_page(block->file, entry->presence, &page));
    bool good = postings_decode(str_make((const char *)page->data, page->bytes), block->info.series, set);
    page_release(page);
    return good ? ok() : malformed(block, "a set of series");
}

/* Collects the sets of values that a scan of the dictionary finds wanted. */
struct scan {
    struct block *block;
    const struct block_name_entry *name;
    const struct matcher *matcher;
    bool inverted;
    str prefix; /* of all wanted values */
    struct postings *set;
    status error;
};

static bool scan_value(void *context, uint32_t id, str value)
{
    struct scan *scan = context;

    if (!str_starts_with(value, scan->prefix)) return false;
    if (index_wants(scan->matcher, scan->inverted, value))
        scan->error = block_postings(scan->block, scan->name, id, scan->set);
    return !failed(scan->error);
}

static status with_value(struct index *index, const struct matcher *matcher, bool inverted, struct postings *set)
{
    struct block *block = (struct block *)index;
    const struct block_name_entry *entry;
    const str *known;
    size_t known_count;
    uint32_t first = 0;
    bool found;

    TRY(find_entry(index, matcher->name, &entry));
    if (!entry) return ok();
    if (index_known_values(matcher, inverted, &known, &known_count)) {
        for (size_t i = 0; i < known_count; i++) {
            TRY(block_note(block, dictionary_find(&entry->values, block->file, known[i], &first, &found)));
            if (found) TRY(block_postings(block, entry, first, set));
        }
        return ok();
    }
    struct scan scan = {block, entry, matcher, inverted, index_prefix(matcher, inverted), set, ok()};
    if (scan.prefix.len) TRY(dictionary_find(&entry->values, block->file, scan.prefix, &first, &found));
    TRY(block_note(block, dictionary_scan(&entry->values, block->file, first, scan_value, &scan)));
    return scan.error;
}

static const struct index_class block_index_class = {.with_name = with_name, .with_value = with_value};

status block_value(struct block *block, const struct block_name_entry *name, uint32_t value, struct writer *out)
{
    return block_note(block, dictionary_get(&name->values, block->file, value, out));
}

status block_each_value(struct block *block, const struct block_name_entry *name,
                        bool (*each)(void *context, uint32_t value, str text), void *context)
{
    return block_note(block, dictionary_scan(&name->values, block->file, 0, each, context));
}

status block_metadata(struct block *block, void (*each)(void *context, uint8_t type, str metric, str help, str unit),
                      void *context)
{
    const struct page *page;

    if (block->info.metadata.bytes == 0) return ok();
    TRY(block_file_page(block->file, block->info.metadata, &page));
    struct reader in = reader_make(page->data, page->bytes);
    for (uint64_t left = reader_varint(&in); left > 0 && !reader_failed(&in); left--) {
        str metric = reader_str(&in);
        uint8_t type = reader_u8(&in);
        str help = reader_str(&in);
        str unit = reader_str(&in);
        if (!reader_failed(&in)) each(context, type, metric, help, unit);
    }
    page_release(page);
    return reader_failed(&in) ? malformed(block, "the metadata section") : ok();
}
