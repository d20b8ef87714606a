/* Floats of a block as runs: whatever goes in comes out, whole and in parts; what is equal is stored once; sources that
 * contradict themselves are refused; no flipped bit goes unseen. */
#include "tsdb/block_runs.h"

#include "storage/chunk_gorilla.h"
#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/plain_source.h"

#include <math.h>

enum { SAMPLES_MAX = 2500, HOSTS = 7 };

/* Samples of a series, made from its number alone; series of a host have equal times, and every fifth series has the
 * values of the one before. */
struct made {
    size_t count;
    int64_t times[SAMPLES_MAX];
    double values[SAMPLES_MAX];
};

static double make_value(uint32_t kind, uint64_t *random, double last)
{
    switch (kind) {
    case 0: return 42;
    case 1: return last + random_below(random, 1000);
    case 2: return (round(last * 100) + random_below(random, 100)) / 100;
    case 3: return random_below(random, 30) ? last + random_below(random, 3) : double_from_bits(0x7FF0000000000002);
    case 4: return double_from_bits(random_next(random));
    default: return last + random_below(random, 1 << 30) / 3e6;
    }
}

static void make_series(uint32_t ordinal, size_t samples_max, struct made *out)
{
    uint32_t host = ordinal % HOSTS, twin = ordinal % 5 == 4 ? ordinal - 1 : ordinal;
    uint64_t times = host + 1, values = twin + 1000;
    int64_t time_ms = 1700000000000 + host;
    double last = 0;

    out->count = 1 + (samples_max - 1) * (host + 1) / HOSTS;
    for (size_t i = 0; i < out->count; i++) {
        out->times[i] = time_ms;
        time_ms += random_below(&times, 10) ? 15000 : 15001 + random_below(&times, 300000);
        out->values[i] = make_value(twin % 6, &values, last);
        if (!isnan(out->values[i])) last = out->values[i];
    }
}

static size_t samples_max;

static status made_data(void *context, uint32_t ordinal, struct series_data *out)
{
    static struct made made;

    (void)context;
    make_series(ordinal, samples_max, &made);
    series_data_encode(out, made.times, made.values, made.count, ordinal % 2 ? 120 : 0);
    return ok();
}

struct opened {
    struct fs *fs;
    struct page_cache *cache;
    struct block *block;
};

static struct opened write_and_open(struct plain_source *plain)
{
    struct opened o = {fs_memory_new(), page_cache_new(1 << 22), NULL};
    struct build_source source = plain_source(plain);
    struct block_info info = {.number = 5, .head_first = 5, .head_last = 5, .secret = plain->secret};

    source.data = made_data;
    must(block_build(o.fs, &source, &info));
    must(block_open(o.fs, 5, o.cache, &o.block));
    return o;
}

static void close_opened(struct opened *o)
{
    block_unref(o->block);
    page_cache_free(o->cache);
    fs_release(o->fs);
}

static void no_finding(void *context, str sentence)
{
    (void)context;
    cr_expect(false, "%.*s", STR_ARG(sentence));
}

static void check_range(struct block *block, uint32_t ordinal, const struct made *made, int64_t from_ms, int64_t to_ms,
                        struct column_buffer *buffer)
{
    struct block_cursor cursor = {0};
    size_t at = 0;

    columns_clear(buffer);
    must(block_read(block, &cursor, ordinal, from_ms, to_ms, buffer));
    block_cursor_release(&cursor);
    for (size_t i = 0; i < made->count; i++) {
        if (made->times[i] < from_ms || made->times[i] > to_ms) continue;
        cr_assert(at < buffer->times.count && buffer->times.data[at] == made->times[i]);
        cr_assert(double_bits(buffer->values.data[at]) == double_bits(made->values[i]));
        at++;
    }
    cr_assert(at == buffer->times.count && at == buffer->values.count);
}

Test(block_runs, come_back)
{
    static const size_t sizes[] = {1, 2, 5, 40, 300, SAMPLES_MAX};
    static struct made made;
    struct column_buffer buffer = {0};
    uint64_t random = 3;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plain_source plain = {.metrics = 2, .hosts = 12, .samples = 1};
        samples_max = sizes[i];
        struct opened o = write_and_open(&plain);
        must(block_check(o.block, no_finding, NULL));
        for (uint32_t ordinal = 0; ordinal < plain_series(&plain); ordinal++) {
            make_series(ordinal, samples_max, &made);
            check_range(o.block, ordinal, &made, INT64_MIN, INT64_MAX, &buffer);
            for (int k = 0; k < 5; k++) {
                int64_t from = made.times[random_below(&random, made.count)] + (int64_t)random_below(&random, 3) - 1;
                int64_t to = made.times[random_below(&random, made.count)] + (int64_t)random_below(&random, 3) - 1;
                check_range(o.block, ordinal, &made, from, to, &buffer);
            }
        }
        cr_expect(block_get_info(o.block)->columns <= HOSTS, "%u time columns", block_get_info(o.block)->columns);
        close_opened(&o);
    }
    column_buffer_release(&buffer);
}

static status equal_data(void *context, uint32_t ordinal, struct series_data *out)
{
    (void)ordinal;
    return made_data(context, 12, out);
}

Test(block_runs, equal_runs_are_stored_once)
{
    struct plain_source plain = {.metrics = 1, .hosts = 30, .samples = 1};
    struct build_source source = plain_source(&plain);
    struct block_info info = {.number = 5, .secret = plain.secret};
    struct opened o = {fs_memory_new(), page_cache_new(1 << 20), NULL};

    samples_max = SAMPLES_MAX;
    source.data = equal_data;
    must(block_build(o.fs, &source, &info));
    must(block_open(o.fs, 5, o.cache, &o.block));
    must(block_check(o.block, no_finding, NULL));
    cr_expect(block_get_info(o.block)->columns == 1);
    cr_expect(block_bytes(o.block) < 30000, "%llu bytes", (unsigned long long)block_bytes(o.block));
    close_opened(&o);
}

static void count_finding(void *context, str sentence)
{
    (void)sentence;
    ++*(size_t *)context;
}

Test(block_runs, no_flipped_bit_goes_unseen, .timeout = 300)
{
    struct plain_source plain = {.metrics = 2, .hosts = 2, .samples = 1};
    uint8_t byte;

    samples_max = 60;
    struct opened o = write_and_open(&plain);
    for (uint64_t at = 0; fs_memory_peek(o.fs, "block/00000005", at, &byte); at += TEST_STEP) {
        struct page_cache *cache = page_cache_new(1 << 20);
        struct block *block;
        size_t findings = 0;
        cr_assert(fs_memory_flip(o.fs, "block/00000005", at, (unsigned)at % 8));
        status s = block_open(o.fs, 5, cache, &block);
        if (!failed(s)) {
            s = block_check(block, count_finding, &findings);
            block_unref(block);
        }
        cr_expect(findings > 0 || s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED, "byte %d", (int)at);
        cr_assert(fs_memory_flip(o.fs, "block/00000005", at, (unsigned)at % 8));
        page_cache_free(cache);
    }
    close_opened(&o);
}

/* Writers that contradict themselves. */

static status falling_times(void *context, uint32_t ordinal, struct series_data *out)
{
    static const int64_t times[] = {5000, 4000};
    static const uint64_t values[] = {1, 2};
    struct writer chunk = {0};

    (void)context;
    (void)ordinal;
    gorilla_encode(times, values, 1, &chunk);
    series_data_add(out, CHUNK_GORILLA, 1, 5000, 5000, chunk.data, chunk.count);
    chunk.count = 0;
    gorilla_encode(times + 1, values + 1, 1, &chunk);
    series_data_add(out, CHUNK_GORILLA, 1, 5001, 5001, chunk.data, chunk.count);
    writer_release(&chunk);
    return ok();
}

static status wrong_count(void *context, uint32_t ordinal, struct series_data *out)
{
    struct build_source honest = plain_source(context);
    status s = honest.data(context, ordinal, out);

    if (ordinal == 7) vec_last(&out->chunks)->samples++;
    return s;
}

static status cut_chunk(void *context, uint32_t ordinal, struct series_data *out)
{
    struct build_source honest = plain_source(context);
    status s = honest.data(context, ordinal, out);

    if (ordinal == 7) vec_last(&out->chunks)->bytes -= 4;
    return s;
}

Test(block_runs, lies_are_refused)
{
    static status (*const lies[])(void *, uint32_t, struct series_data *) = {falling_times, wrong_count, cut_chunk};

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct plain_source plain = {.metrics = 2, .hosts = 3, .samples = 3};
        struct build_source source = plain_source(&plain);
        struct block_info info = {.number = 5, .secret = plain.secret};
        struct fs *fs = fs_memory_new();
        source.data = lies[i];
        cr_expect(block_build(fs, &source, &info).code == STATUS_CORRUPT, "lie %zu", i);
        fs_release(fs);
    }
}
