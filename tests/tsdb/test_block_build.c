/* Writing blocks: sizes around all page limits, what the footer says, and failures that leave nothing. */
#include "tsdb/block_build.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/plain_source.h"

#include <errno.h>

static void no_finding(void *context, str sentence)
{
    (void)context;
    cr_expect(false, "%.*s", STR_ARG(sentence));
}

static size_t files_in(struct fs *fs, const char *folder)
{
    struct arena arena;
    str *names;
    size_t count;

    arena_init(&arena, NULL);
    must(fs_list(fs, folder, &arena, &names, &count));
    arena_release(&arena);
    return count;
}

Test(block_build, every_size)
{
    static const struct plain_source sizes[] = {
        {.metrics = 1, .hosts = 1, .samples = 1},   {.metrics = 21, .hosts = 1, .samples = 3},
        {.metrics = 64, .hosts = 1, .samples = 1},  {.metrics = 65, .hosts = 1, .samples = 1},
        {.metrics = 1, .hosts = 64, .samples = 60}, {.metrics = 2, .hosts = 129, .samples = 1},
        {.metrics = 1, .hosts = 1, .samples = 400}, {.metrics = 1, .hosts = 6000, .samples = 1},
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plain_source plain = sizes[i];
        struct fs *fs = fs_memory_new();
        struct page_cache *cache = page_cache_new(1 << 20);
        struct block *block = plain_block(&plain, fs, 3, cache);
        uint64_t expected = 0;
        int64_t max = INT64_MIN;
        const struct block_info *info = block_get_info(block);
        for (uint32_t ordinal = 0; ordinal < plain_series(&plain); ordinal++) {
            expected += 1 + ordinal % plain.samples;
            int64_t last = plain_time(ordinal, ordinal % plain.samples);
            if (last > max) max = last;
        }
        cr_expect(info->series == plain_series(&plain) && info->samples == expected, "size %zu", i);
        cr_expect(info->min_ms == plain_time(0, 0) && info->max_ms == max, "size %zu", i);
        cr_expect(info->metadata.bytes == 0 && info->number == 3);
        must(block_check(block, no_finding, NULL));
        block_unref(block);
        page_cache_free(cache);
        fs_release(fs);
    }
}

/* The block is durable when it is said to be written. */
Test(block_build, survives_a_power_cut)
{
    struct plain_source plain = {.metrics = 3, .hosts = 30, .samples = 5};
    struct build_source source = plain_source(&plain);
    struct block_info info = {.number = 9, .secret = plain.secret, .head_first = 4, .head_last = 4, .created_ms = 17};
    struct fs *fs = fs_memory_new();
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block *block;

    must(fs_make_folder(fs, "block"));
    must(fs_sync_folder(fs, ""));
    must(block_build(fs, &source, &info));
    fs_memory_crash(fs, CRASH_STRICT, 1);
    must(block_open(fs, 9, cache, &block));
    cr_expect(block_get_info(block)->head_first == 4 && block_get_info(block)->created_ms == 17);
    must(block_check(block, no_finding, NULL));
    block_unref(block);
    page_cache_free(cache);
    fs_release(fs);
}

Test(block_build, a_source_that_fails)
{
    struct fs *fs = fs_memory_new();

    for (uint32_t fail_at = 1; fail_at < 200; fail_at += 33) {
        struct plain_source plain = {.metrics = 2, .hosts = 50, .samples = 5, .fail_at = fail_at};
        struct build_source source = plain_source(&plain);
        struct block_info info = {.number = 9, .secret = plain.secret};
        status s = block_build(fs, &source, &info);
        cr_expect(s.code == STATUS_IO && str_starts_with(str_from(s.text), STR("series ")), "%s", s.text);
        cr_expect(files_in(fs, "block") == 0);
    }
    fs_release(fs);
}

/* Any call of the file system fails: nothing is left, and the same number works the next time. */
Test(block_build, a_disk_that_fails)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct plain_source plain = {.metrics = 2, .hosts = 300, .samples = 5};
    struct build_source source = plain_source(&plain);
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block_info info = {.number = 9, .secret = plain.secret};
    unsigned failures = 0;

    for (uint64_t k = 1;; k++) {
        fs_faulty_plan(fs, FAULT_CHANGES | FAULT_OPEN, k, k % 2 ? ENOSPC : EIO, 0);
        status s = block_build(fs, &source, &info);
        if (!failed(s)) break;
        cr_expect(s.code == (k % 2 ? STATUS_NO_SPACE : STATUS_IO), "call %d: %s", (int)k, s.text);
        cr_expect(files_in(disk, "block") == 0, "call %d: a file is left", (int)k);
        failures++;
    }
    cr_expect(failures >= 3, "%u calls failed", failures);
    struct block *block;
    must(block_open(disk, 9, cache, &block));
    must(block_check(block, no_finding, NULL));
    block_unref(block);
    page_cache_free(cache);
    fs_release(fs);
    fs_release(disk);
}
