/* Freezing: the block has the head's series, in order, with all samples, and nothing else. */
#include "tsdb/freeze.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/block.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const struct hash_secret secret = {{3, 1, 4}};

enum { SERIES = 400 };

static void series_text(char *out, size_t size, uint32_t number)
{
    int len = snprintf(out, size, "metric_%u instance=h%u", number * 7 % 23, number);

    if (number % 3 == 1) len += snprintf(out + len, size - (size_t)len, " mode=%s", number % 2 ? "idle" : "user");
    if (number % 50 == 8) snprintf(out + len, size - (size_t)len, " Zone=\xC3\xA9%u", number);
}

static void append(struct head *head, uint32_t id, int64_t time_ms, double value)
{
    static const struct head_limits limits = {INT64_MIN, INT64_MAX, -1};
    struct append_series series = {STR(""), 0, 1};
    uint64_t bits = double_bits(value);
    struct append_batch batch = {
        .series = &series, .series_count = 1, .times_ms = &time_ms, .values = &bits, .sample_count = 1};
    struct append_result result = {0};
    struct writer rows = {0}, rich_rows = {0};

    head_append(head, &batch, &id, &limits, &rows, &rich_rows, &result);
    writer_release(&rows);
}

/* Every fifth series gets no samples; some get late ones. */
static struct head *make_head(void)
{
    struct registry *registry = registry_new(&secret, 1);
    struct head *head = head_new(6, registry);
    uint64_t random = 1;

    for (uint32_t i = 0; i < SERIES; i++) {
        char text[100];
        series_text(text, sizeof text, i);
        uint32_t id = fixture_register(registry, text, NULL);
        uint32_t count = i % 5 == 2 ? 0 : 1 + random_below(&random, 300);
        for (uint32_t k = 0; k < count; k++)
            append(head, id, 1000 * (int64_t)k + i - (i % 7 == 0 && k % 10 == 9 ? 7777 : 0), i + k / 1000.0);
    }
    registry_unref(registry);
    return head;
}

static void no_finding(void *context, str sentence)
{
    (void)context;
    cr_expect(false, "%.*s", STR_ARG(sentence));
}

/* The id of the series with a fingerprint. */
static uint32_t find_id(const struct registry *registry, hash128 fingerprint)
{
    for (uint32_t id = 0; id < registry_series_count(registry); id++) {
        if (hash128_equal(registry_fingerprint(registry, id), fingerprint)) return id;
    }
    cr_assert(false, "a series that the head does not have");
    return 0;
}

/* Labels of a block's series, by which the next one is compared: metric first. */
static size_t read_labels(struct block *block, const struct block_series *series, struct arena *arena, label *out)
{
    const struct block_tables *tables;
    size_t metric = 0;

    must(block_tables(block, &tables));
    for (uint32_t i = 0; i < series->count; i++) {
        const struct block_name_entry *name = &tables->names[tables->lists[series->list][i]];
        struct writer text = {0};
        must(block_value(block, name, series->values[i], &text));
        out[i] = (label){name->text, arena_copy_str(arena, str_make((const char *)text.data, text.count))};
        if (str_equal(name->text, METRIC_NAME)) metric = i;
        writer_release(&text);
    }
    return metric;
}

static void check_order(struct block *block, struct arena *arena)
{
    struct block_cursor cursor = {0};
    label last[LABELS_MAX], pairs[LABELS_MAX];
    size_t last_count = 0;
    str last_metric = STR("");

    for (uint32_t i = 0; i < block_get_info(block)->series; i++) {
        struct block_series series;
        must(block_series(block, &cursor, i, &series));
        str metric = pairs[read_labels(block, &series, arena, pairs)].value;
        int order = str_compare(last_metric, metric);
        if (order == 0) order = labels_compare(last, last_count, pairs, series.count);
        cr_assert(i == 0 || order < 0, "series %u is not in order", i);
        memcpy(last, pairs, sizeof last);
        last_count = series.count;
        last_metric = metric;
    }
    block_cursor_release(&cursor);
}

static void check_block(struct block *block, struct head *head)
{
    struct registry *registry = head_registry(head);
    struct column_buffer mine = {0}, theirs = {0};
    struct block_cursor cursor = {0};
    struct head_stats stats;
    uint64_t total = 0;
    struct arena arena;

    arena_init(&arena, NULL);
    head_stats(head, &stats);
    must(block_check(block, no_finding, NULL));
    const struct block_info *info = block_get_info(block);
    cr_assert(info->series == stats.series && info->min_ms == stats.min_ms && info->max_ms == stats.max_ms);
    cr_assert(info->head_first == 6 && info->head_last == 6);
    for (uint32_t i = 0; i < info->series; i++) {
        struct block_series series;
        must(block_series(block, &cursor, i, &series));
        uint32_t id = find_id(registry, series.fingerprint);
        mine.times.count = mine.values.count = theirs.times.count = theirs.values.count = 0;
        cr_assert(head_read(head, id, NULL, INT64_MIN, INT64_MAX, &mine));
        must(block_read(block, &cursor, i, INT64_MIN, INT64_MAX, &theirs));
        cr_assert(mine.times.count == theirs.times.count);
        cr_assert(memcmp(mine.times.data, theirs.times.data, mine.times.count * 8) == 0);
        cr_assert(memcmp(mine.values.data, theirs.values.data, mine.times.count * 8) == 0);
        total += mine.times.count;
    }
    cr_assert(info->samples == total);
    check_order(block, &arena);
    block_cursor_release(&cursor);
    column_buffer_release(&mine);
    column_buffer_release(&theirs);
    arena_release(&arena);
}

static struct block *freeze(struct fs *fs, struct head *head, struct page_cache *cache)
{
    struct block_info info = {.number = 7, .created_ms = 99, .secret = secret};
    struct block *block;

    must(freeze_head(fs, head, STR(""), &info));
    must(block_open(fs, 7, cache, &block));
    cr_expect(block_get_info(block)->created_ms == 99);
    return block;
}

Test(freeze, keeps_everything)
{
    struct head *head = make_head();
    struct fs *fs = fs_memory_new();
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block *block = freeze(fs, head, cache);

    check_block(block, head);
    block_unref(block);
    page_cache_free(cache);
    fs_release(fs);
    head_unref(head);
}

/* Names and values that only series without samples have are not in the block. */
Test(freeze, leaves_out_what_is_not_used)
{
    struct registry *registry = registry_new(&secret, 1);
    struct head *head = head_new(6, registry);
    struct fs *fs = fs_memory_new();
    struct page_cache *cache = page_cache_new(1 << 20);
    const struct block_tables *tables;

    fixture_register(registry, "aaa unused=1 x=a", NULL);
    append(head, fixture_register(registry, "zzz x=c", NULL), 5, 1);
    fixture_register(registry, "zzz x=b", NULL);
    append(head, fixture_register(registry, "bbb x=d", NULL), INT64_MIN + 1, 1);
    struct block *block = freeze(fs, head, cache);
    check_block(block, head);
    must(block_tables(block, &tables));
    cr_expect(tables->name_count == 2 && block_find_name(tables, STR("unused")) == UINT32_MAX);
    cr_expect(tables->names[0].values.count == 2 && tables->names[1].values.count == 2);
    block_unref(block);
    page_cache_free(cache);
    fs_release(fs);
    registry_unref(registry);
    head_unref(head);
}

struct adder {
    struct registry *registry;
    _Atomic bool stop;
};

static void *keep_adding(void *context)
{
    struct adder *adder = context;

    for (uint32_t i = 0; i < 20000 && !atomic_load(&adder->stop); i++) {
        char text[100];
        snprintf(text, sizeof text, "metric_%u instance=new-%u fresh_%u=x", i % 50, i, i % 200);
        fixture_register(adder->registry, text, NULL);
    }
    return NULL;
}

/* The next head registers series in the same registry meanwhile. */
Test(freeze, while_series_are_added)
{
    struct head *head = make_head();
    struct adder adder = {head_registry(head), false};
    struct page_cache *cache = page_cache_new(1 << 20);
    pthread_t thread;

    pthread_create(&thread, NULL, keep_adding, &adder);
    for (int round = 0; round < 5; round++) {
        struct fs *fs = fs_memory_new();
        struct block *block = freeze(fs, head, cache);
        if (round == 4) {
            atomic_store(&adder.stop, true);
            pthread_join(thread, NULL);
            check_block(block, head);
        }
        block_unref(block);
        fs_release(fs);
    }
    page_cache_free(cache);
    head_unref(head);
}

Test(freeze, failures_can_be_repeated)
{
    struct head *head = make_head();
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block_info info = {.number = 7, .created_ms = 99, .secret = secret};

    for (uint64_t k = 1; k < 4; k++) {
        fs_faulty_plan(fs, FAULT_CHANGES, k, ENOSPC, 0);
        cr_expect(freeze_head(fs, head, STR(""), &info).code == STATUS_NO_SPACE);
    }
    struct block *block = freeze(disk, head, cache);
    check_block(block, head);
    block_unref(block);
    page_cache_free(cache);
    fs_release(fs);
    fs_release(disk);
    head_unref(head);
}
