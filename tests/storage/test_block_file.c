/* Block files: pages and lists of pages, and that no bad byte becomes a good page. */
#include "storage/block_file.h"

#include "storage/base/hash.h"
#include "storage/base/log.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/metrics.h"
#include "storage/page_cache.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"

#include <errno.h>

enum { NUMBER = 12, CACHE_BYTES = 1 << 20 };

static const char name[] = "block/00000012";

static struct block_writer *start(struct fs *fs)
{
    struct block_writer *writer;

    must(block_writer_open(fs, name, NUMBER, &writer));
    return writer;
}

/* The file, opened with a cache of its own. */
struct opened {
    struct page_cache *cache;
    struct block_file *file;
};

static status open_file(struct fs *fs, uint32_t number, struct opened *out)
{
    out->cache = page_cache_new(CACHE_BYTES);
    status s = block_file_open(fs, name, number, out->cache, &out->file);
    if (failed(s)) {
        page_cache_free(out->cache);
        out->cache = NULL;
    }
    return s;
}

static void close_file(struct opened *opened)
{
    if (!opened->cache) return;
    block_file_close(opened->file);
    page_cache_free(opened->cache);
}

Test(block_file, pages_and_extents)
{
    static const size_t sizes[] = {1, 2, 63, 64, 1000, 70000, 300000};
    enum { PAGES = 4 * sizeof sizes / sizeof sizes[0] };
    static uint8_t content[300000];
    struct fs *fs = fs_memory_new();
    struct block_writer *writer = start(fs);
    struct page_ref refs[PAGES];
    uint64_t extents[PAGES], random = 1;
    struct opened opened;

    for (size_t i = 0; i < PAGES; i++) {
        bool dull = i % 2, compress = i / 2 % 2;
        random_fill(&random, content, sizeof content);
        if (dull) memset(content, (int)i, sizeof content);
        cr_expect(block_writer_bytes(writer) == (i ? extents[i - 1] + 3 : BLOCK_HEADER_BYTES));
        refs[i] = block_writer_page(writer, content, sizes[i / 4], compress);
        cr_expect(refs[i].bytes <= sizes[i / 4] + PAGE_OVERHEAD_BYTES);
        cr_expect((refs[i].bytes < sizes[i / 4]) == (dull && compress && sizes[i / 4] > 60), "page %zu", i);
        extents[i] = block_writer_raw(writer, &(char[]){'r', 'a', (char)i}, 3);
    }
    must(block_writer_finish(writer, "the footer", 10));
    must(open_file(fs, NUMBER, &opened));
    cr_expect(str_equal(block_file_footer(opened.file), STR("the footer")));
    cr_expect(strcmp(block_file_name(opened.file), name) == 0);
    random = 1;
    for (size_t i = 0; i < PAGES; i++) {
        const struct page *page, *again;
        char extent[3];
        random_fill(&random, content, sizeof content);
        if (i % 2) memset(content, (int)i, sizeof content);
        must(block_file_page(opened.file, refs[i], &page));
        cr_expect(page->bytes == sizes[i / 4] && memcmp(page->data, content, page->bytes) == 0, "page %zu", i);
        must(block_file_page(opened.file, refs[i], &again));
        cr_expect(again == page, "pages are shared");
        page_release(page);
        page_release(again);
        must(block_file_read(opened.file, extents[i], extent, 3));
        cr_expect(extent[0] == 'r' && extent[1] == 'a' && extent[2] == (char)i);
    }
    page_release(NULL);
    close_file(&opened);
    fs_release(fs);
}

Test(block_file, layout)
{
    struct fs *fs = fs_memory_new();
    struct arena arena;
    str bytes;

    arena_init(&arena, NULL);
    must(block_writer_finish(start(fs), "F", 1));
    must(fs_read_file(fs, name, 1000, &arena, &bytes));
    const char *at = bytes.data;
    cr_assert(bytes.len == BLOCK_HEADER_BYTES + 2 * (PAGE_OVERHEAD_BYTES + 1) + 2 * BLOCK_TAIL_BYTES);
    cr_expect(memcmp(at, "VARVEBLK\2\0\0\0\14\0\0\0", 16) == 0 && load_u64(at + 56) == hash_bytes(at, 56));
    cr_expect(memcmp(at + 64, "\0\0\0\0F", 5) == 0 && load_u64(at + 69) == hash_seeded(at + 64, 5, 64));
    cr_expect(memcmp(at + 77, "\0\0\0\0F", 5) == 0 && load_u64(at + 82) == hash_seeded(at + 77, 5, 77));
    cr_expect(memcmp(at + 106, "\100\0\0\0\0\0\0\0\15\0\0\0\2\0\0\0VARVEEND", 24) == 0); /* behind no directory */
    cr_expect(load_u64(at + 130) == hash_bytes(at + 90, 40));
    cr_expect(memcmp(at + 90, at + 138, BLOCK_TAIL_BYTES) == 0);
    arena_release(&arena);
    fs_release(fs);
}

/* A list of `count` pages, each of which holds its number. */
static void check_list(uint32_t count)
{
    struct fs *fs = fs_memory_new();
    struct block_writer *writer = start(fs);
    struct page_list_writer collector = {0};
    struct writer encoded = {0};
    struct page_list list, read;
    struct opened opened;

    for (uint32_t i = 0; i < count; i++) page_list_add(&collector, block_writer_page(writer, &i, sizeof i, false));
    list = page_list_finish(&collector, writer);
    cr_assert(list.pages == count && collector.refs.count == 0);
    page_list_encode(&list, &encoded);
    must(block_writer_finish(writer, encoded.data, encoded.count));

    must(open_file(fs, NUMBER, &opened));
    struct reader in = reader_make(block_file_footer(opened.file).data, block_file_footer(opened.file).len);
    page_list_decode(&in, &read);
    cr_assert(!reader_failed(&in) && reader_left(&in) == 0 && read.pages == count);
    for (uint32_t i = 0; i < count; i++) {
        const struct page *page;
        must(page_list_page(opened.file, &read, i, &page));
        cr_assert(page->bytes == sizeof i && load_u32(page->data) == i, "page %u of %u", i, count);
        page_release(page);
    }
    const struct page *page;
    cr_expect(page_list_page(opened.file, &read, count, &page).code == STATUS_CORRUPT, "there is no page %u", count);
    cr_expect(page_list_page(opened.file, &read, UINT32_MAX, &page).code == STATUS_CORRUPT);
    writer_release(&encoded);
    close_file(&opened);
    fs_release(fs);
}

Test(block_file, lists_of_pages)
{
    static const uint32_t counts[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 70000};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) check_list(counts[i]);
}

/* A small file: three pages, one of them compressed, and a list of two more. */
struct sample {
    struct page_ref refs[3];
    struct page_list list;
};

static const char texts[3][200] = {"alpha", "beta", "a text of dull repetition"};

static struct sample write_sample(struct fs *fs)
{
    struct block_writer *writer = start(fs);
    struct page_list_writer collector = {0};
    struct sample sample;

    for (size_t i = 0; i < 3; i++) sample.refs[i] = block_writer_page(writer, texts[i], i < 2 ? 60 : 200, i == 2);
    for (char c = 'x'; c <= 'y'; c++) page_list_add(&collector, block_writer_page(writer, &c, 1, false));
    sample.list = page_list_finish(&collector, writer);
    must(block_writer_finish(writer, "footer", 6));
    return sample;
}

/* Reads all of a sample: whether each part is there and as it was, or an error; anything else fails the test. */
static unsigned count_good_parts(struct fs *fs, const struct sample *sample)
{
    struct opened opened = {0};
    const struct page *page;
    unsigned good = 0;
    int64_t failures = metric_get(&metric_checksum_failures);

    status s = open_file(fs, NUMBER, &opened);
    cr_assert(!failed(s) || s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED, "%s", s.text);
    if (!failed(s)) {
        cr_assert(str_equal(block_file_footer(opened.file), STR("footer")));
        good++;
    }
    for (uint32_t i = 0; !failed(s) && i < 5; i++) {
        status read = i < 3 ? block_file_page(opened.file, sample->refs[i], &page)
                            : page_list_page(opened.file, &sample->list, i - 3, &page);
        cr_assert(!failed(read) || (read.code == STATUS_CORRUPT && strstr(read.text, name)), "%s", read.text);
        if (failed(read)) continue;
        cr_assert(i < 3 ? memcmp(page->data, texts[i], page->bytes) == 0 && page->bytes == (i < 2 ? 60 : 200)
                        : page->bytes == 1 && page->data[0] == "xy"[i - 3],
                  "page %u has changed", i);
        page_release(page);
        good++;
    }
    cr_expect(good == 6 || metric_get(&metric_checksum_failures) > failures || s.code != STATUS_OK);
    close_file(&opened);
    return good;
}

static void count_finding(void *context, uint64_t at, const char *sentence)
{
    (void)at;
    (void)sentence;
    ++*(unsigned *)context;
}

/* How many faults a check finds in a file whose pages were all read. */
static unsigned count_findings(struct fs *fs, const struct sample *sample)
{
    struct opened opened;
    const struct page *page;
    unsigned findings = 0;

    must(open_file(fs, NUMBER, &opened));
    for (uint32_t i = 0; i < 5; i++) {
        must(i < 3 ? block_file_page(opened.file, sample->refs[i], &page)
                   : page_list_page(opened.file, &sample->list, i - 3, &page));
        page_release(page);
    }
    must(block_file_check(opened.file, count_finding, &findings));
    close_file(&opened);
    return findings;
}

static void quiet(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    (void)line;
}

/* All is mended, and found. */
Test(block_file, flipped_bits)
{
    struct fs *fs = fs_memory_new();
    struct sample sample = write_sample(fs);
    uint64_t byte = 0;

    log_set_sink(quiet, NULL);
    cr_assert(count_good_parts(fs, &sample) == 6 && count_findings(fs, &sample) == 0);
    for (; fs_memory_flip(fs, name, byte, 0); byte++) {
        fs_memory_flip(fs, name, byte, 0);
        for (unsigned bit = 0; bit < 8; bit++) {
            fs_memory_flip(fs, name, byte, bit);
            cr_expect(count_good_parts(fs, &sample) == 6, "bit %u of byte %d is not mended", bit, (int)byte);
            cr_expect(count_findings(fs, &sample) == 1, "bit %u of byte %d goes unnoticed", bit, (int)byte);
            fs_memory_flip(fs, name, byte, bit);
        }
    }
    cr_expect(byte > 300);
    fs_release(fs);
}

Test(block_file, cut_files)
{
    struct fs *fs = fs_memory_new();
    struct sample sample = write_sample(fs);
    struct file *file;
    uint64_t size;

    must(fs_open(fs, name, FS_WRITE, &file));
    must(file_size(file, &size));
    for (uint64_t end = size; end-- > 0;) {
        must(file_truncate(file, end));
        bool has_tail = end == size - BLOCK_TAIL_BYTES; /* the first of the two */
        cr_expect(count_good_parts(fs, &sample) == (has_tail ? 6 : 0), "cut to %d bytes it opens", (int)end);
    }
    file_close(file);
    must(fs_unlink(fs, name));
    struct opened opened;
    cr_expect(open_file(fs, NUMBER, &opened).code == STATUS_NOT_FOUND);
    fs_release(fs);
}

/* Good pages in wrong places are bad pages. */
Test(block_file, swapped_pages)
{
    struct fs *fs = fs_memory_new();
    struct sample sample = write_sample(fs);
    uint8_t pages[2][100];
    struct file *file;

    cr_assert(sample.refs[0].bytes == sample.refs[1].bytes);
    must(fs_open(fs, name, FS_WRITE, &file));
    for (size_t i = 0; i < 2; i++) must(file_read(file, sample.refs[i].offset, pages[i], sample.refs[i].bytes));
    for (size_t i = 0; i < 2; i++) {
        struct fs_span span = {pages[1 - i], sample.refs[i].bytes};
        must(file_write(file, sample.refs[i].offset, &span, 1));
    }
    file_close(file);
    cr_expect(count_good_parts(fs, &sample) == 4);
    fs_release(fs);
}

Test(block_file, another_number_or_version)
{
    static const uint8_t version = BLOCK_VERSION + 1;
    struct fs *fs = fs_memory_new();
    struct opened opened;
    struct file *file;
    uint8_t header[BLOCK_HEADER_BYTES];

    (void)write_sample(fs);
    status s = open_file(fs, NUMBER + 1, &opened);
    cr_expect(s.code == STATUS_CORRUPT && strstr(s.text, "number is 12"), "%s", s.text);
    must(fs_open(fs, name, FS_WRITE, &file));
    must(file_read(file, 0, header, sizeof header));
    header[8] = version;
    store_u64(header + 56, hash_bytes(header, 56));
    must(file_write(file, 0, &(struct fs_span){header, sizeof header}, 1));
    file_close(file);
    s = open_file(fs, NUMBER, &opened);
    cr_expect(s.code == STATUS_UNSUPPORTED && strstr(s.text, "version 3"), "%s", s.text);
    fs_release(fs);
}

/* Pages whose checksum is right and whose content can not be. */
static uint64_t write_crafted(struct block_writer *writer, uint32_t raw, const void *payload, size_t bytes)
{
    uint8_t page[200];
    uint64_t offset = block_writer_bytes(writer);

    store_u32(page, raw);
    memcpy(page + 4, payload, bytes);
    store_u64(page + 4 + bytes, hash_seeded(page, 4 + bytes, offset));
    return block_writer_raw(writer, page, bytes + PAGE_OVERHEAD_BYTES);
}

Test(block_file, hostile_pages_and_references)
{
    struct fs *fs = fs_memory_new();
    struct block_writer *writer = start(fs);
    struct opened opened;
    const struct page *page;
    uint64_t plain = write_crafted(writer, 0, "plain", 5);
    uint64_t no_lz4 = write_crafted(writer, 100, "this is not compressed", 22);
    uint64_t inflated = write_crafted(writer, PAGE_RAW_BYTES_MAX + 1, "x", 1);
    uint64_t most = write_crafted(writer, UINT32_MAX, "x", 1);

    must(block_writer_finish(writer, "footer", 6));
    must(open_file(fs, NUMBER, &opened));
    uint64_t end = block_file_bytes(opened.file);
    const struct {
        struct page_ref ref;
        bool good;
    } rows[] = {
        {{plain, 17}, true},
        {{plain, 16}, false},
        {{plain, 18}, false},
        {{plain + 1, 17}, false},
        {{no_lz4, 34}, false},
        {{inflated, 13}, false},
        {{most, 13}, false},
        {{0, 0}, false},
        {{0, 12}, false},
        {{end, 13}, false},
        {{end - 13, 13}, false},
        {{end + 1, 13}, false},
        {{end - 13, 14}, false},
        {{UINT64_MAX, 13}, false},
        {{UINT64_MAX - 12, 13}, false},
        {{0, UINT32_MAX}, false},
        {{64, (uint32_t)end}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        status s = block_file_page(opened.file, rows[i].ref, &page);
        cr_expect(s.code == (rows[i].good ? STATUS_OK : STATUS_CORRUPT), "row %zu: %s", i, s.text);
        if (rows[i].good) page_release(page);
        if (rows[i].good) page_cache_drop(opened.cache, opened.file); /* or the next rows find it there */
    }
    char byte;
    cr_expect(block_file_read(opened.file, end, &byte, 1).code == STATUS_CORRUPT);
    cr_expect(block_file_read(opened.file, UINT64_MAX, &byte, 1).code == STATUS_CORRUPT);
    must(block_file_read(opened.file, end, &byte, 0));
    /* A page of text in the place of one of references. */
    struct page_list list = {{plain, 17}, 256};
    cr_expect(page_list_page(opened.file, &list, 0, &page).code == STATUS_CORRUPT);
    cr_expect(page_list_page(opened.file, &list, 255, &page).code == STATUS_CORRUPT);
    close_file(&opened);
    fs_release(fs);
}

/* Errors of writing come at the finish, and no file is left. */
Test(block_file, failed_writes)
{
    static char content[300 << 10];
    static const unsigned calls[] = {FAULT_WRITE, FAULT_SYNC};
    uint64_t random = 4;

    random_fill(&random, content, sizeof content);
    for (size_t c = 0; c < 2; c++) {
        for (uint64_t k = 1; k < 12; k++) {
            struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
            struct block_writer *writer = start(fs);
            struct arena arena;
            str *names;
            size_t count;
            arena_init(&arena, NULL);
            fs_faulty_plan(fs, calls[c], k, ENOSPC, 0);
            for (int i = 0; i < 8; i++) (void)block_writer_page(writer, content, sizeof content, false);
            status s = block_writer_finish(writer, "footer", 6);
            must(fs_list(disk, "block", &arena, &names, &count));
            cr_expect(failed(s) == (fs_faulty_count(fs) > 0) && count == !failed(s), "call %d: %s", (int)k, s.text);
            cr_expect(!failed(s) || s.code == STATUS_NO_SPACE);
            arena_release(&arena);
            fs_release(fs);
            fs_release(disk);
        }
    }
}

Test(block_file, given_up)
{
    struct fs *fs = fs_memory_new();
    struct block_writer *writer = start(fs);
    struct opened opened;

    (void)block_writer_page(writer, "x", 1, false);
    block_writer_abandon(writer);
    cr_expect(open_file(fs, NUMBER, &opened).code == STATUS_NOT_FOUND);
    block_writer_abandon(NULL);
    block_file_close(NULL);
    fs_release(fs);
}
