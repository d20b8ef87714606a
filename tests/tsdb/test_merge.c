/* Merging blocks: what comes out holds what went in, by the order of heads, in the range alone. */
#include "tsdb/merge.h"

#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"

#include "storage/fs_memory.h"
#include "tsdb/db_internal.h"

#include <math.h>
#include <stdio.h>

/* A db that is fed block after block. */
struct bench {
    struct fs *fs;
    struct db *db;
    struct arena arena;
};

static void start(struct bench *bench)
{
    log_set_sink(fixture_quiet, NULL);
    bench->fs = fs_memory_new();
    bench->db = fixture_open(bench->fs);
    arena_init(&bench->arena, NULL);
}

static void stop(struct bench *bench)
{
    fixture_close(bench->db);
    arena_release(&bench->arena);
    fs_release(bench->fs);
}

static status merge_range(struct bench *bench, int64_t from_ms, int64_t to_ms, const atomic_bool *stopped,
                          struct block_info *info)
{
    struct view *view = db_view(bench->db);
    struct merge_request request = {
        .blocks = view->blocks, .count = view->block_count, .from_ms = from_ms, .to_ms = to_ms, .stop = stopped};

    *info = (struct block_info){.number = 1000, .created_ms = 7, .secret = bench->db->secret};
    status s = merge_blocks(bench->fs, &request, info);
    view_unref(view);
    return s;
}

/* Everything in the merged block as text, in the order of its series. */
static str dump(struct bench *bench)
{
    struct block *block;
    const struct block_tables *tables;
    struct block_cursor cursor = {0};
    struct column_buffer buffer = {0};
    struct writer text = {0};
    str out = STR("");

    must(block_open(bench->fs, 1000, bench->db->cache, &block));
    must(block_tables(block, &tables));
    for (uint32_t i = 0; i < block_get_info(block)->series; i++) {
        struct block_series series;
        must(block_series(block, &cursor, i, &series));
        for (uint32_t k = 0; k < series.count; k++) {
            const struct block_name_entry *name = &tables->names[tables->lists[series.list][k]];
            must(block_value(block, name, series.values[k], &text));
            out = arena_format(&bench->arena, "%.*s%.*s=%.*s ", STR_ARG(out), STR_ARG(name->text), (int)text.count,
                               (const char *)text.data);
        }
        buffer.times.count = buffer.values.count = 0;
        must(block_read(block, &cursor, i, INT64_MIN, INT64_MAX, &buffer));
        for (size_t k = 0; k < buffer.times.count; k++)
            out = arena_format(&bench->arena, "%.*s%g@%lld ", STR_ARG(out), buffer.values.data[k],
                               (long long)buffer.times.data[k]);
        out = arena_format(&bench->arena, "%.*s\n", STR_ARG(out));
    }
    for (uint32_t i = 0; i < tables->name_count; i++)
        out = arena_format(&bench->arena, "%.*s%.*s:%u ", STR_ARG(out), STR_ARG(tables->names[i].text),
                           tables->names[i].values.count);
    writer_release(&text);
    column_buffer_release(&buffer);
    block_cursor_release(&cursor);
    block_unref(block);
    return out;
}

Test(merge, joins_series_and_keeps_the_first_value_of_a_time)
{
    struct bench bench;
    struct block_info info;

    start(&bench);
    fixture_append(bench.db, "up job=a", 1000, 1);
    fixture_append(bench.db, "up job=a", 3000, 3);
    fixture_append(bench.db, "up job=c zone=x", 1000, 7);
    must(db_freeze(bench.db));
    fixture_append(bench.db, "up job=b", 2000, 5);
    fixture_append(bench.db, "load", 2000, 6);
    must(db_freeze(bench.db));
    fixture_append(bench.db, "up job=a", 2000, 2);
    fixture_append(bench.db, "up job=a", 3000, 33);
    fixture_append(bench.db, "up job=a", 4000, 4);
    must(db_freeze(bench.db));
    must(merge_range(&bench, INT64_MIN, INT64_MAX, NULL, &info));
    str text = dump(&bench);
    cr_expect(str_equal(text, STR("__name__=load 6@2000 \n"
                                  "__name__=up job=a 1@1000 2@2000 3@3000 4@4000 \n"
                                  "__name__=up job=b 5@2000 \n"
                                  "__name__=up job=c zone=x 7@1000 \n"
                                  "__name__:2 job:3 zone:1 ")),
              "%.*s", STR_ARG(text));
    cr_expect(info.samples == 7 && info.series == 4 && info.min_ms == 1000 && info.max_ms == 4000);
    cr_expect(info.head_first < info.head_last);
    stop(&bench);
}

Test(merge, leaves_out_what_lies_outside)
{
    static const struct {
        int64_t from, to;
        const char *text;
    } cases[] = {
        {1001, 2999, "__name__=up job=b 5@2000 \n__name__:1 job:1 "},
        {1000, 1000, "__name__=up job=a 1@1000 \n__name__=up job=c zone=x 7@1000 \n__name__:1 job:2 zone:1 "},
        {3000, INT64_MAX, "__name__=up job=a 3@3000 \n__name__:1 job:1 "},
    };
    struct bench bench;
    struct block_info info;

    start(&bench);
    fixture_append(bench.db, "up job=a", 1000, 1);
    fixture_append(bench.db, "up job=a", 3000, 3);
    must(db_freeze(bench.db));
    fixture_append(bench.db, "up job=c zone=x", 1000, 7);
    fixture_append(bench.db, "up job=b", 2000, 5);
    must(db_freeze(bench.db));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(merge_range(&bench, cases[i].from, cases[i].to, NULL, &info));
        str text = dump(&bench);
        cr_expect(str_equal(text, str_from(cases[i].text)), "case %zu: %.*s", i, STR_ARG(text));
        must(fs_unlink(bench.fs, "block/00001000"));
    }
    must(merge_range(&bench, 3001, 5000, NULL, &info));
    cr_expect(info.samples == 0 && fs_unlink(bench.fs, "block/00001000").code == STATUS_NOT_FOUND);
    stop(&bench);
}

Test(merge, many_chunks)
{
    struct bench bench;
    struct block_info info;
    struct block *block;
    struct block_cursor cursor = {0};
    struct column_buffer buffer = {0};

    start(&bench);
    for (int part = 0; part < 3; part++) {
        for (int i = 0; i < 400; i++) fixture_append(bench.db, "up", (i * 3 + part) * 1000, i * 3 + part);
        must(db_freeze(bench.db));
    }
    must(merge_range(&bench, INT64_MIN, INT64_MAX, NULL, &info));
    must(block_open(bench.fs, 1000, bench.db->cache, &block));
    must(block_read(block, &cursor, 0, INT64_MIN, INT64_MAX, &buffer));
    cr_assert(buffer.times.count == 1200);
    for (int i = 0; i < 1200; i++) cr_assert(buffer.times.data[i] == i * 1000 && buffer.values.data[i] == i);
    column_buffer_release(&buffer);
    block_cursor_release(&cursor);
    block_unref(block);
    stop(&bench);
}

static void count_up(void *context, uint32_t done, uint32_t of)
{
    uint32_t *seen = context;

    cr_assert(done == *seen + 1 && of == 3, "%u of %u after %u", done, of, *seen);
    *seen = done;
}

Test(merge, tells_how_far_it_is)
{
    struct bench bench;
    struct block_info info = {.number = 1000, .created_ms = 7};
    uint32_t seen = 0;

    start(&bench);
    for (int i = 0; i < 3; i++) {
        fixture_append(bench.db, "up job=a", 1000 + i, 1);
        fixture_append(bench.db, arena_format(&bench.arena, "down i=%d", i % 2).data, 1000 + i, 1);
        must(db_freeze(bench.db));
    }
    struct view *view = db_view(bench.db);
    struct merge_request request = {.blocks = view->blocks,
                                    .count = view->block_count,
                                    .from_ms = INT64_MIN,
                                    .to_ms = INT64_MAX,
                                    .progress = count_up,
                                    .context = &seen};
    info.secret = bench.db->secret;
    must(merge_blocks(bench.fs, &request, &info));
    cr_expect(seen == 3);
    view_unref(view);
    stop(&bench);
}

Test(merge, stops)
{
    struct bench bench;
    struct block_info info;
    atomic_bool stopped = true;

    start(&bench);
    fixture_append(bench.db, "up", 1000, 1);
    must(db_freeze(bench.db));
    cr_expect(merge_range(&bench, INT64_MIN, INT64_MAX, &stopped, &info).code == STATUS_CANCELED);
    cr_expect(fs_unlink(bench.fs, "block/00001000").code == STATUS_NOT_FOUND);
    stop(&bench);
}

/* Blocks of `each` series, those of a block after the first beginning `step` further. */
static void append_blocks(struct bench *bench, int blocks, int each, int step)
{
    for (int block = 0; block < blocks; block++) {
        for (int i = block * step; i < block * step + each; i++) {
            char series[40];
            snprintf(series, sizeof series, "up job=%d", i);
            fixture_append(bench->db, series, 1000 + block, 1);
        }
        must(db_freeze(bench->db));
    }
}

Test(merge, tells_how_many_series_there_are)
{
    static const struct {
        const char *name;
        int blocks, each, step;
        uint64_t series;
        double tolerance; /* many are judged by a part of them */
    } cases[] = {
        {"the same in all", 3, 500, 0, 500, 0},
        {"nothing in common", 3, 500, 500, 1500, 0},
        {"half in common", 2, 500, 250, 750, 0},
        {"many, nothing in common", 4, 5000, 5000, 20000, 0.05},
        {"many, a quarter in common", 4, 5000, 4000, 17000, 0.05},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        start(&bench);
        append_blocks(&bench, cases[i].blocks, cases[i].each, cases[i].step);
        struct view *view = db_view(bench.db);
        double series = (double)merge_series(view->blocks, view->block_count), expected = (double)cases[i].series;
        cr_expect(fabs(series - expected) <= expected * cases[i].tolerance, "%s: %f", cases[i].name, series);
        cr_expect(merge_series_most(view->blocks, view->block_count) == (uint64_t)(cases[i].blocks * cases[i].each));
        view_unref(view);
        stop(&bench);
    }
}

/* A series that only one block has costs its label values, too. */
Test(merge, memory_follows_the_series)
{
    struct bench bench;

    start(&bench);
    append_blocks(&bench, 2, 1000, 1000);
    struct view *view = db_view(bench.db);
    uint64_t one = merge_memory(view->blocks, view->block_count, 1000);
    uint64_t two = merge_memory(view->blocks, view->block_count, 2000);
    cr_expect(two == 2 * one && one >= 1000 * 100 && one <= 1000 * 400, "%llu", (unsigned long long)one);
    view_unref(view);
    stop(&bench);
}
