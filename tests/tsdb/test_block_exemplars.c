/* The exemplars of a block: pages, times, and what is malformed. */
#include "tsdb/block_exemplars.h"

#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

enum { SERIES = 40, EACH = 150 };

static bool is_wanted(void *context, labels set)
{
    str job = labels_get(set, STR("job"));

    return !context || str_equal(job, str_from(context));
}

/* A db with one block that has exemplars of many series, from 1000 ms on. */
static uint32_t make_block(struct fs *fs, struct arena *arena)
{
    struct db *db = fixture_open(fs);
    struct append_exemplar *exemplars = arena_array(arena, struct append_exemplar, SERIES * EACH);
    struct append_batch batch = {.exemplars = exemplars, .exemplar_count = SERIES * EACH};
    struct append_result result;
    struct db_block *blocks;
    size_t count = 0;

    fixture_append(db, "m job=0", 5000, 1);
    for (int i = 0; i < SERIES; i++) {
        str series = fixture_raw(arena_format(arena, "m job=%d", i).data, arena);
        for (int k = 0; k < EACH; k++) {
            struct writer raw = {0};
            label pair = {STR("trace_id"), arena_format(arena, "%d-%d", i, k)};
            labels_write(&pair, 1, &raw);
            exemplars[count++] =
                (struct append_exemplar){series, arena_copy_str(arena, str_make((const char *)raw.data, raw.count)), k,
                                         1000 + k};
            writer_release(&raw);
        }
    }
    must(db_append_wait(db, &batch, &result));
    cr_assert(result.exemplars_kept == SERIES * EACH);
    must(db_freeze(db));
    db_blocks(db, &blocks, &count, arena);
    cr_assert(count == 1);
    uint32_t number = blocks[0].number;
    fixture_close(db);
    return number;
}

Test(block_exemplars, by_time_and_series)
{
    static const struct {
        int64_t from_ms, to_ms;
        const char *job;
        size_t series, each;
    } cases[] = {
        {INT64_MIN, INT64_MAX, NULL, SERIES, EACH},
        {1000, 1000, NULL, SERIES, 1},
        {1100, 1119, "7", 1, 20},
        {INT64_MIN, 999, NULL, 0, 0},
        {1000 + EACH, INT64_MAX, NULL, 0, 0},
        {0, 2000, "none", 0, 0},
    };
    struct fs *fs = fs_memory_new();
    struct page_cache *cache = page_cache_new(1 << 20);
    struct arena arena;
    struct block *block;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    must(block_open(fs, make_block(fs, &arena), cache, &block));
    const struct block_info *info = block_get_info(block);
    cr_assert(info->exemplar_pages.pages > 3);
    cr_expect(info->exemplar_min_ms == 1000 && info->exemplar_max_ms == 1000 + EACH - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exemplar_list list = {0};
        must(block_exemplars(block, cases[i].from_ms, cases[i].to_ms, is_wanted, (void *)(uintptr_t)cases[i].job,
                             &arena, &list));
        exemplars_join(&list, &arena);
        cr_expect(list.count == cases[i].series, "case %zu: %zu series", i, list.count);
        vec_each (series, &list) {
            cr_expect(series->count == cases[i].each && series->pair_count == 2, "case %zu", i);
            for (size_t k = 1; k < series->count; k++)
                cr_expect(series->exemplars[k].time_ms == series->exemplars[k - 1].time_ms + 1 &&
                          labels_get((labels){series->exemplars[k].labels}, STR("trace_id")).len > 2);
        }
        vec_release(&list);
    }
    block_unref(block);
    page_cache_free(cache);
    arena_release(&arena);
    fs_release(fs);
}
