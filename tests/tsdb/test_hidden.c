/* What tombstones hide: which of them touch a source, which series, which samples. */
#include "tsdb/hidden.h"

#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/plain_source.h"

Test(hidden, touches_by_heads_and_times)
{
    struct tombstone item = {.head_to = 5, .from_ms = 100, .to_ms = 200};
    static const struct {
        struct hidden_source source;
        bool expected;
    } cases[] = {
        {{5, 0, 100, NULL, 0}, true}, {{6, 0, 1000, NULL, 0}, false},  {{1, 200, 300, NULL, 0}, true},
        {{1, 0, 99, NULL, 0}, false}, {{1, 201, 300, NULL, 0}, false}, {{1, 150, 160, NULL, 0}, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(tombstone_touches(&item, &cases[i].source) == cases[i].expected, "case %zu", i);
}

/* Two tombstones over a block, one of them being purged. */
Test(hidden, of_a_block)
{
    struct plain_source plain = {.metrics = 3, .hosts = 4, .samples = 5};
    struct fs *fs = fs_memory_new();
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block *block = plain_block(&plain, fs, 1, cache);
    const struct block_info *info = block_get_info(block);
    struct hidden_source source = {info->head_first, info->min_ms, info->max_ms, block_index(block), info->series};
    struct column_buffer buffer = {0};
    struct block_cursor cursor = {0};
    struct tombstones *tombstones;
    struct hidden all, purged;
    struct arena arena;
    struct matcher idle[8], absent[8];

    arena_init(&arena, NULL);
    size_t idle_count = fixture_matchers("mode=idle", idle, &arena);
    size_t absent_count = fixture_matchers("mode=", absent, &arena);
    struct tombstone items[] = {{1, UINT32_MAX, INT64_MIN, INT64_MAX, 0, 77, idle, idle_count},
                                {2, UINT32_MAX, 1000, 2000, 0, TOMBSTONE_PURGING, absent, absent_count},
                                {3, UINT32_MAX, INT64_MAX, INT64_MAX, 0, 77, idle, idle_count}};
    must(tombstones_make(NULL, NULL, NULL, items, 3, &tombstones));
    must(hidden_find(tombstones, &source, false, &arena, &all));
    must(hidden_find(tombstones, &source, true, &arena, &purged));
    cr_assert(all.count == 2 && purged.count == 1);
    for (uint32_t i = 0; i < info->series; i++) {
        uint32_t mode = plain_value(&plain, i, 2);
        bool is_idle = mode == 0, is_absent = mode == UINT32_MAX;
        cr_expect(hidden_touches(&all, i) == (is_idle || is_absent) && hidden_touches(&purged, i) == is_absent);
        cr_expect(hidden_covers(&all, i, 0, 5000) == is_idle);
        cr_expect(hidden_covers(&all, i, 1000, 1500) == (is_idle || is_absent));
        columns_clear(&buffer);
        vec_push(&buffer.times, 1500); /* another source's */
        vec_push(&buffer.values, 1);
        must(block_read(block, &cursor, i, INT64_MIN, INT64_MAX, &buffer));
        size_t expected = 1;
        for (size_t k = 1; k < buffer.times.count; k++)
            expected += !is_idle && !(is_absent && buffer.times.data[k] >= 1000 && buffer.times.data[k] <= 2000);
        hidden_apply(&all, i, &buffer, 1);
        cr_expect(buffer.times.count == expected && buffer.times.data[0] == 1500, "series %u: %zu of %zu", i,
                  buffer.times.count, expected);
    }
    must(hidden_find(NULL, &source, false, &arena, &all));
    cr_expect(all.count == 0 && !hidden_touches(&all, 0));
    tombstones_unref(tombstones);
    block_cursor_release(&cursor);
    column_buffer_release(&buffer);
    block_unref(block);
    page_cache_free(cache);
    arena_release(&arena);
    fs_release(fs);
}
