/* Parity: any stretch of damage no longer than the width is mended, more is never taken for good, and it costs a
 * sixteenth. */
#include "storage/block_parity.h"

#include "storage/base/log.h"
#include "storage/block_file.h"
#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"

enum { NUMBER = 3, PAGES = 300, PAGE_BYTES_MAX = 20000 };

static const char name[] = "block/00000003";

struct written {
    struct fs *fs;
    struct page_ref refs[PAGES];
    struct writer contents; /* of all pages */
    size_t starts[PAGES + 1];
    uint64_t page_bytes;
};

static void quiet(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    (void)line;
}

/* Pages of random bytes with extents between some of them. */
static void write_file(struct written *out, uint64_t *random, uint32_t bytes_max)
{
    struct block_writer *writer;

    *out = (struct written){.fs = fs_memory_new()};
    must(block_writer_open(out->fs, name, NUMBER, &writer));
    for (size_t i = 0; i < PAGES; i++) {
        size_t bytes = 1 + random_below(random, random_below(random, 4) ? bytes_max / 4 : bytes_max);
        out->starts[i] = out->contents.count;
        for (size_t k = 0; k < bytes; k++) writer_u8(&out->contents, (uint8_t)random_next(random));
        out->refs[i] = block_writer_page(writer, out->contents.data + out->starts[i], bytes, false);
        out->page_bytes += out->refs[i].bytes;
        if (random_below(random, 3) == 0) block_writer_raw(writer, "an extent of series data", 24);
    }
    out->starts[PAGES] = out->contents.count;
    must(block_writer_finish(writer, "footer", 6));
}

static void release(struct written *written)
{
    writer_release(&written->contents);
    fs_release(written->fs);
}

/* Reads one page with fresh eyes: whether it is there; then it is as it was written. */
static bool page_is_there(const struct written *written, size_t i)
{
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block_file *file;
    const struct page *page;

    must(block_file_open(written->fs, name, NUMBER, cache, &file));
    status s = block_file_page(file, written->refs[i], &page);
    cr_assert(!failed(s) || s.code == STATUS_CORRUPT, "%s", s.text);
    if (!failed(s)) {
        size_t bytes = written->starts[i + 1] - written->starts[i];
        cr_assert(page->bytes == bytes && memcmp(page->data, written->contents.data + written->starts[i], bytes) == 0,
                  "page %zu has changed", i);
        page_release(page);
    }
    block_file_close(file);
    page_cache_free(cache);
    return !failed(s);
}

/* Turns all bits of a stretch over; doing it twice mends it. */
static void turn_over(const struct written *written, uint64_t first, uint64_t bytes)
{
    for (uint64_t at = first; at < first + bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit++) cr_assert(fs_memory_flip(written->fs, name, at, bit));
    }
}

static void damage_and_mend(uint32_t bytes_max, uint64_t seed)
{
    struct written written;
    uint64_t random = seed;

    log_set_sink(quiet, NULL);
    write_file(&written, &random, bytes_max);
    for (int round = 0; round < 60; round++) {
        size_t i = random_below(&random, PAGES);
        struct page_ref ref = written.refs[i];
        uint64_t longest = ref.bytes <= PARITY_WIDTH_MAX ? ref.bytes : PARITY_WIDTH_MAX / 2; /* any place, then */
        uint64_t bytes = round % 2 ? longest : 1 + random_below(&random, (uint32_t)longest);
        uint64_t first = ref.offset + random_below(&random, (uint32_t)(ref.bytes - bytes + 1));
        turn_over(&written, first, bytes);
        cr_expect(page_is_there(&written, i), "seed %d round %d: %d bytes of page %zu", (int)seed, round, (int)bytes,
                  i);
        turn_over(&written, first, bytes);
    }
    release(&written);
}

Test(block_parity, mends_a_page)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        damage_and_mend(300, seed);
        damage_and_mend(4000, seed);
        damage_and_mend(PAGE_BYTES_MAX, seed);
    }
}

/* Two neighbours that are bad altogether are too much, if they are large; what comes is an error. */
Test(block_parity, too_much_is_an_error)
{
    struct written written;
    uint64_t random = 9;
    unsigned lost = 0;

    log_set_sink(quiet, NULL);
    write_file(&written, &random, 4000);
    for (size_t i = 0; i + 1 < PAGES; i += 7) {
        for (size_t k = i; k < i + 2; k++) turn_over(&written, written.refs[k].offset, written.refs[k].bytes);
        lost += !page_is_there(&written, i);
        lost += !page_is_there(&written, i + 1);
        for (size_t k = i; k < i + 2; k++) turn_over(&written, written.refs[k].offset, written.refs[k].bytes);
    }
    cr_expect(lost > 0);
    release(&written);
}

Test(block_parity, costs_a_sixteenth)
{
    static const uint32_t sizes[] = {300, 4000, PAGE_BYTES_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct page_cache *cache = page_cache_new(1 << 20);
        struct written written;
        struct block_file *file;
        uint64_t random = 4;
        write_file(&written, &random, sizes[i]);
        must(block_file_open(written.fs, name, NUMBER, cache, &file));
        double part = (double)block_file_parity_bytes(file) / (double)written.page_bytes;
        cr_expect(part > 0.05 && part < (i == 0 ? 0.08 : 0.07), "%g", part); /* a few small groups */
        block_file_close(file);
        page_cache_free(cache);
        release(&written);
    }
}

Test(block_parity, hostile_payloads)
{
    static const uint8_t payloads[][8] = {
        {0, 0},                /* no width */
        {4, 1, 0, 5, 1, 2, 3}, /* a page too short to be one */
        {9, 1, 0, 20, 1, 2},   /* less than its width */
        {4, 200, 200, 200, 200, 200, 200, 200},
    };

    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        struct parity_group group;
        cr_expect(!parity_group_decode(payloads[i], sizeof payloads[i], &group), "payload %zu", i);
        parity_group_release(&group);
    }
}
