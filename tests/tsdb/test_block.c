/* Reading blocks against the source they were made of: entries, samples, sets, values; damage; references; threads. */
#include "tsdb/block_internal.h"

#include "storage/base/log.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/metrics.h"
#include "storage/page_cache.h"
#include "storage/postings.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/plain_source.h"

#include <errno.h>
#include <pthread.h>

/* A block in memory with all that it needs. */
struct opened {
    struct plain_source plain;
    struct fs *fs;
    struct page_cache *cache;
    struct block *block;
};

static struct opened open_plain(uint32_t metrics, uint32_t hosts, uint32_t sample_count)
{
    struct opened o = {.plain = {.metrics = metrics, .hosts = hosts, .samples = sample_count}};

    o.fs = fs_memory_new();
    o.cache = page_cache_new(1 << 20);
    o.block = plain_block(&o.plain, o.fs, 5, o.cache);
    return o;
}

static void close_plain(struct opened *o)
{
    block_unref(o->block);
    page_cache_free(o->cache);
    fs_release(o->fs);
}

static void check_series(struct opened *o, struct block_cursor *cursor, uint32_t ordinal)
{
    struct build_source source = plain_source(&o->plain);
    struct block_series series;
    const uint32_t *values;
    hash128 fingerprint, expected = source.fingerprint(&o->plain, ordinal);

    must(block_fingerprint(o->block, cursor, ordinal, &fingerprint));
    must(block_series(o->block, cursor, ordinal, &series));
    cr_assert(hash128_equal(fingerprint, expected) && hash128_equal(series.fingerprint, expected));
    uint32_t list = source.labels(&o->plain, ordinal, &values);
    cr_assert(series.list == list && series.count == (ordinal % 3 ? 3u : 2u));
    cr_assert(memcmp(series.values, values, series.count * sizeof *values) == 0);
}

static void check_samples(struct opened *o, struct block_cursor *cursor, uint32_t ordinal, int64_t from, int64_t to,
                          struct column_buffer *buffer)
{
    size_t at = 0;

    buffer->times.count = buffer->values.count = 0;
    must(block_read(o->block, cursor, ordinal, from, to, buffer));
    for (uint32_t i = 0; i < 1 + ordinal % o->plain.samples; i++) {
        int64_t time_ms = plain_time(ordinal, i);
        if (time_ms < from || time_ms > to) continue;
        cr_assert(at < buffer->times.count && buffer->times.data[at] == time_ms);
        cr_assert(buffer->values.data[at] == plain_number(ordinal, i));
        at++;
    }
    cr_assert(at == buffer->times.count);
}

/* How many reads it takes to open a block of so many series, and the bytes of its footer. */
static unsigned count_reads(uint32_t metrics, uint32_t hosts, size_t *footer_bytes)
{
    struct opened o = open_plain(metrics, hosts, 3);
    struct fs *faulty = fs_faulty_new(o.fs);
    struct block *block = NULL;
    unsigned reads = 0;

    *footer_bytes = block_file_footer(o.block->file).len;
    for (bool opened = false; !opened; reads++) {
        int64_t pages = metric_get(&metric_pages_read);
        fs_faulty_plan(faulty, FAULT_READ, reads + 1, EIO, 0);
        status s = block_open(faulty, 5, o.cache, &block);
        opened = !failed(s);
        cr_assert(opened || s.code == STATUS_IO, "%s", s.text);
        if (opened) cr_expect(metric_get(&metric_pages_read) == pages + 1, "the footer is a page, others are not read");
    }
    cr_expect(metric_get(&metric_page_cache_bytes) == 0, "nothing is kept for a block that nobody has asked");
    block_unref(block);
    fs_release(faulty);
    close_plain(&o);
    return reads - 1;
}

/* Opening costs the same reads and the same memory for 9 series and for 90,000. */
Test(block, opening_reads_the_footer_alone)
{
    size_t small_footer, large_footer;
    unsigned small = count_reads(1, 3, &small_footer), large = count_reads(10, 3000, &large_footer);

    cr_expect(small == 3 && large == 3, "%u and %u reads: header, tail and footer are 3", small, large);
    cr_expect(small_footer < 256 && large_footer < 256, "%zu and %zu bytes", small_footer, large_footer);
}

Test(block, series_and_samples)
{
    struct opened o = open_plain(3, 60, 170);
    struct block_cursor cursor = {0}, other = {0};
    struct column_buffer buffer = {0};
    uint64_t random = 1;

    for (uint32_t i = 0; i < plain_series(&o.plain); i++) {
        uint32_t anywhere = random_below(&random, plain_series(&o.plain));
        int64_t from = random_below(&random, 170000), to = random_below(&random, 170000);
        check_series(&o, &cursor, i);
        check_series(&o, &other, anywhere);
        check_samples(&o, &cursor, i, INT64_MIN, INT64_MAX, &buffer);
        check_samples(&o, &other, anywhere, from, to, &buffer);
    }
    block_cursor_release(&cursor);
    block_cursor_release(&other);
    column_buffer_release(&buffer);
    close_plain(&o);
}

static bool check_value(void *context, uint32_t id, str text)
{
    struct opened *o = context;
    struct build_source source = plain_source(&o->plain);
    struct writer out = {0};
    const struct block_tables *tables;

    cr_assert(str_equal(text, source.value(&o->plain, 1, id)));
    must(block_tables(o->block, &tables));
    must(block_value(o->block, &tables->names[1], id, &out));
    cr_assert(str_equal(str_make((const char *)out.data, out.count), text));
    writer_release(&out);
    return id < 100;
}

Test(block, names_values_and_sets)
{
    struct opened o = open_plain(2, 3000, 1); /* sets in their page and, of the mode, by themselves */
    const struct block_tables *tables, *again;

    must(block_tables(o.block, &tables));
    must(block_tables(o.block, &again));
    cr_expect(tables == again && tables->name_count == 3 && tables->list_count == 3);
    cr_expect(tables->list_counts[0] == 2 && tables->list_counts[1] == 3 && tables->list_counts[2] == 0);
    cr_expect(block_find_name(tables, STR("__name__")) == 0 && block_find_name(tables, STR("mode")) == 2);
    cr_expect(block_find_name(tables, STR("a")) == UINT32_MAX && block_find_name(tables, STR("z")) == UINT32_MAX);
    cr_expect(block_find_name(tables, STR("")) == UINT32_MAX && block_find_name(tables, STR("hos")) == UINT32_MAX);
    must(block_each_value(o.block, &tables->names[1], check_value, &o));
    for (uint32_t name = 0; name < 3; name++) {
        uint32_t step = name == 1 ? 97 : 1;
        for (uint32_t value = 0; value < tables->names[name].values.count; value += step) {
            struct postings *set = postings_new();
            uint64_t expected = 0;
            must(block_postings(o.block, &tables->names[name], value, set));
            for (uint32_t i = 0; i < plain_series(&o.plain); i++) {
                bool has = plain_value(&o.plain, i, name) == value;
                cr_assert(postings_has(set, i) == has, "name %u, value %u, series %u", name, value, i);
                expected += has;
            }
            cr_assert(postings_count(set) == expected);
            postings_free(set);
        }
    }
    close_plain(&o);
}

static str text_of(struct opened *o, uint32_t ordinal, str name)
{
    struct build_source source = plain_source(&o->plain);

    for (uint32_t i = 0; i < 3; i++) {
        uint32_t value = plain_value(&o->plain, ordinal, i);
        if (str_equal(name, source.name(&o->plain, i)) && value != UINT32_MAX) return source.value(&o->plain, i, value);
    }
    return STR("");
}

Test(block, matchers)
{
    static const char *const cases[] = {
        "__name__=m00001",
        "__name__=m00009",
        "mode=",
        "mode!=",
        "mode=idle",
        "mode!=idle",
        "mode=~idle|user",
        "mode=~idle|",
        "mode!~user",
        "host=~h0000[1-3]",
        "host=~.*7",
        "host!~h000.*",
        "host=~h0001.*",
        "host!~.*3",
        "nothing=",
        "nothing=x",
        "nothing!=x",
        "mode=~.+",
        "mode!~.+",
        "host=~h99999.*",
        "host=~a.*",
        "mode=~.*",
        "host=~h00010|h00020|nope mode!=user",
        "__name__=~m0000[01] host=~.*1 mode!~idle",
        "host=~h0000.+ mode=",
    };
    struct opened o = open_plain(3, 70, 1);
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct matcher matchers[8];
        struct postings *set;
        size_t count = fixture_matchers(cases[i], matchers, &arena);
        must(index_select(block_index(o.block), plain_series(&o.plain), matchers, count, &set));
        for (uint32_t s = 0; s < plain_series(&o.plain); s++) {
            bool wanted = true;
            for (size_t k = 0; k < count; k++)
                wanted = wanted && matcher_matches(&matchers[k], text_of(&o, s, matchers[k].name));
            cr_assert(postings_has(set, s) == wanted, "%s: series %u", cases[i], s);
        }
        postings_free(set);
    }
    arena_release(&arena);
    close_plain(&o);
}

Test(block, what_can_not_be_opened)
{
    struct opened o = open_plain(1, 5, 3);
    struct block *block;
    uint8_t byte;

    cr_expect(block_open(o.fs, 6, o.cache, &block).code == STATUS_NOT_FOUND);
    must(fs_rename(o.fs, "block/00000005", "block/00000006"));
    status s = block_open(o.fs, 6, o.cache, &block);
    cr_expect(s.code == STATUS_CORRUPT, "a file under another number: %s", s.text);
    must(fs_rename(o.fs, "block/00000006", "block/00000005"));
    uint64_t size = block_bytes(o.block);
    cr_expect(fs_memory_peek(o.fs, "block/00000005", size - 1, &byte) &&
              !fs_memory_peek(o.fs, "block/00000005", size, &byte));
    struct file *file;
    must(fs_open(o.fs, "block/00000005", FS_WRITE, &file));
    must(file_truncate(file, size - 1));
    file_close(file);
    s = block_open(o.fs, 5, o.cache, &block);
    cr_expect(s.code == STATUS_CORRUPT && strstr(s.text, "block/00000005"), "%s", s.text);
    close_plain(&o);
}

static const struct metadata_row {
    const char *metric, *help, *unit;
    uint8_t type;
} metadata_rows[] = {{"a", "", "", 0}, {"up", "Whether it is up.", "", 2}, {"x_bytes", "\xC3\xA9", "bytes", 7}};

static void check_metadata(void *context, uint8_t type, str metric, str help, str unit)
{
    size_t *at = context;
    const struct metadata_row *row = &metadata_rows[(*at)++];

    cr_expect(type == row->type && str_equal(metric, str_from(row->metric)));
    cr_expect(str_equal(help, str_from(row->help)) && str_equal(unit, str_from(row->unit)));
}

Test(block, metadata)
{
    struct opened o = open_plain(1, 1, 1);
    struct writer section = {0};
    struct block *block;
    size_t seen = 0;

    must(block_metadata(o.block, check_metadata, &seen));
    cr_expect(seen == 0, "there is none");
    writer_varint(&section, 3);
    for (int i = 0; i < 3; i++) {
        writer_str(&section, str_from(metadata_rows[i].metric));
        writer_u8(&section, metadata_rows[i].type);
        writer_str(&section, str_from(metadata_rows[i].help));
        writer_str(&section, str_from(metadata_rows[i].unit));
    }
    for (size_t cut = 0; cut < 2; cut++) {
        struct build_source source = plain_source(&o.plain);
        struct block_info info = {.number = 8 + (uint32_t)cut, .secret = o.plain.secret};
        source.metadata = str_make((const char *)section.data, section.count - cut);
        must(block_build(o.fs, &source, &info));
        must(block_open(o.fs, info.number, o.cache, &block));
        seen = 0;
        status s = block_metadata(block, check_metadata, &seen);
        cr_expect(s.code == (cut ? STATUS_CORRUPT : STATUS_OK) && seen == 3 - cut, "%s", s.text);
        block_unref(block);
    }
    writer_release(&section);
    close_plain(&o);
}

/* A dropped block's file stays until the last reader has gone. */
Test(block, dropped)
{
    struct opened o = open_plain(1, 2, 1);
    struct file *file;

    block_ref(o.block);
    block_drop(o.block);
    block_unref(o.block);
    must(fs_open(o.fs, "block/00000005", FS_READ, &file));
    file_close(file);
    struct column_buffer buffer = {0};
    struct block_cursor cursor = {0};
    check_samples(&o, &cursor, 1, INT64_MIN, INT64_MAX, &buffer);
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    block_unref(o.block);
    cr_expect(fs_open(o.fs, "block/00000005", FS_READ, &file).code == STATUS_NOT_FOUND);
    o.block = NULL;
    close_plain(&o);
}

/* Reads everything; the number of samples, or an error. */
static status read_all(struct block *block, uint64_t *total)
{
    const struct block_tables *tables;
    struct block_cursor cursor = {0};
    struct column_buffer buffer = {0};
    status s = block_tables(block, &tables);

    *total = 0;
    for (uint32_t i = 0; !failed(s) && i < block_get_info(block)->series; i++) {
        buffer.times.count = buffer.values.count = 0;
        s = block_read(block, &cursor, i, INT64_MIN, INT64_MAX, &buffer);
        *total += buffer.times.count;
    }
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    return s;
}

/* Every read fails once: the error comes out, and the next try works; or it was one of what nobody has asked for yet.
 */
Test(block, a_disk_that_fails)
{
    struct opened o = open_plain(2, 30, 4);
    struct fs *faulty = fs_faulty_new(o.fs);
    uint64_t expected, total, k, passed_over = 0;

    must(read_all(o.block, &expected));
    for (k = 1;; k++) {
        struct page_cache *cache = page_cache_new(1 << 20);
        struct block *block = NULL;
        fs_faulty_plan(faulty, FAULT_READ | FAULT_OPEN, k, EIO, 0);
        status s = block_open(faulty, 5, cache, &block);
        if (!failed(s)) s = read_all(block, &total);
        bool was_failed = failed(s), was_reached = fs_faulty_count(faulty) >= k;
        cr_expect(!was_failed || s.code == STATUS_IO, "call %d: %s", (int)k, s.text);
        if (was_failed && block) must(read_all(block, &total));
        cr_expect(!block || total == expected);
        block_unref(block);
        page_cache_free(cache);
        if (!was_reached) break;
        passed_over += !was_failed;
    }
    cr_expect(passed_over == 1 && k < 30, "%d reads for 60 series, of them %d ahead", (int)k - 1, (int)passed_over);
    fs_release(faulty);
    close_plain(&o);
}

/* With one cursor, from neighbour to neighbour and far away, back and forth. */
Test(block, reads_in_any_order)
{
    struct opened o = open_plain(3, 1000, 20);
    struct block_cursor cursor = {0};
    struct column_buffer buffer = {0};
    uint64_t random = 1;

    for (int round = 0; round < 2000; round++) {
        uint32_t ordinal = random_below(&random, plain_series(&o.plain)), step = 1 + random_below(&random, 3);
        for (uint32_t i = random_below(&random, 40); i > 0 && ordinal < plain_series(&o.plain); i--, ordinal += step)
            check_samples(&o, &cursor, ordinal, INT64_MIN, INT64_MAX, &buffer);
    }
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    close_plain(&o);
}

static void *read_in_thread(void *context)
{
    struct opened *o = context;
    struct block_cursor cursor = {0};
    struct column_buffer buffer = {0};

    for (uint32_t i = 0; i < plain_series(&o->plain); i++) {
        struct block_series series;
        must(block_series(o->block, &cursor, i, &series));
        check_samples(o, &cursor, i, INT64_MIN, INT64_MAX, &buffer);
    }
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    return NULL;
}

Test(block, threads)
{
    struct opened o = open_plain(4, 50, 20);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, read_in_thread, &o);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    close_plain(&o);
}
