/* Dictionaries of label values against a sorted array, and pages that are malformed behind a good checksum. */
#include "storage/dictionary.h"

#include "storage/base/arena.h"
#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"

#include <stdlib.h>

static const char name[] = "block/00000001";

/* Values of different kinds: numbered, with long common prefixes, any bytes, the empty one. */
enum kind { KIND_NUMBERS, KIND_PREFIXES, KIND_BYTES, KINDS };

static struct arena arena;

static str make_value(enum kind kind, uint32_t i, uint64_t *random)
{
    if (kind == KIND_NUMBERS) return arena_format(&arena, "host-%u", i * 3);
    if (kind == KIND_PREFIXES)
        return arena_format(&arena, "%.*s%u", (int)(i % 200), &(char[201]){[0 ... 199] = 'x'}[0], i);
    char *bytes = arena_alloc(&arena, 12);
    random_fill(random, bytes, 12);
    return str_make(bytes, i == 0 ? 0 : 4 + i % 9);
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* Sorted, distinct values; returns how many there are. */
static uint32_t make_values(enum kind kind, uint32_t count, str *out)
{
    uint64_t random = 1;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) out[i] = make_value(kind, i, &random);
    if (count) qsort(out, count, sizeof *out, compare);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || !str_equal(out[i], out[kept - 1])) out[kept++] = out[i];
    }
    return kept;
}

struct opened {
    struct fs *fs;
    struct page_cache *cache;
    struct block_file *file;
    struct dictionary dictionary;
};

static struct opened open_file(struct fs *fs)
{
    struct opened opened = {.fs = fs, .cache = page_cache_new(1 << 20)};

    must(block_file_open(fs, name, 1, opened.cache, &opened.file));
    str footer = block_file_footer(opened.file);
    struct reader in = reader_make(footer.data, footer.len);
    dictionary_decode(&in, &opened.dictionary);
    cr_assert(!reader_failed(&in) && reader_left(&in) == 0);
    return opened;
}

static struct opened write_dictionary(const str *values, uint32_t count)
{
    struct fs *fs = fs_memory_new();
    struct block_writer *file;
    struct dictionary_writer writer;
    struct writer footer = {0};

    must(block_writer_open(fs, name, 1, &file));
    dictionary_writer_init(&writer, file);
    for (uint32_t i = 0; i < count; i++) dictionary_writer_add(&writer, values[i]);
    struct dictionary dictionary = dictionary_writer_finish(&writer);
    cr_assert(dictionary.count == count);
    dictionary_encode(&dictionary, &footer);
    must(block_writer_finish(file, footer.data, footer.count));
    writer_release(&footer);
    return open_file(fs);
}

static void close_file(struct opened *opened)
{
    block_file_close(opened->file);
    page_cache_free(opened->cache);
    fs_release(opened->fs);
}

static void check_find(struct opened *opened, const str *values, uint32_t count, str wanted)
{
    uint32_t id, expected = 0;
    bool found;

    while (expected < count && str_compare(values[expected], wanted) < 0) expected++;
    bool is_there = expected < count && str_equal(values[expected], wanted);
    must(dictionary_find(&opened->dictionary, opened->file, wanted, &id, &found));
    cr_assert(id == expected && found == is_there, "\"%.*s\" is said to be at %u, expected %u", STR_ARG(wanted), id,
              expected);
}

struct scan {
    const str *values;
    uint32_t next, stop;
};

static bool check_scanned(void *context, uint32_t id, str value)
{
    struct scan *scan = context;

    cr_assert(id == scan->next && str_equal(value, scan->values[id]), "value %u", id);
    scan->next++;
    return scan->next < scan->stop;
}

static void check_scan(struct opened *opened, const str *values, uint32_t count, uint32_t first, uint32_t stop)
{
    struct scan scan = {values, first, stop};
    uint32_t expected = first < count ? (stop > first + 1 ? stop : first + 1) : first;

    if (expected > count && first < count) expected = count;
    must(dictionary_scan(&opened->dictionary, opened->file, first, check_scanned, &scan));
    cr_assert(scan.next == expected, "scanned to %u, expected %u", scan.next, expected);
}

static void check_dictionary(const str *values, uint32_t count, uint64_t *random)
{
    struct opened opened = write_dictionary(values, count);
    struct writer text = {0};

    cr_assert(opened.dictionary.count == count);
    check_find(&opened, values, count, STR(""));
    check_find(&opened, values, count, STR("\xFF\xFF\xFF\xFF\xFF"));
    for (uint32_t k = 0; k < 400 && count; k++) {
        uint32_t i = k < count && count < 400 ? k : random_below(random, count);
        check_find(&opened, values, count, values[i]);
        check_find(&opened, values, count, arena_format(&arena, "%.*s0", STR_ARG(values[i])));
        check_find(&opened, values, count, str_part(values[i], 0, values[i].len / 2));
        must(dictionary_get(&opened.dictionary, opened.file, i, &text));
        cr_assert(str_equal(str_make((const char *)text.data, text.count), values[i]), "value %u", i);
    }
    check_scan(&opened, values, count, 0, UINT32_MAX);
    check_scan(&opened, values, count, count, UINT32_MAX);
    for (int k = 0; k < 20 && count; k++)
        check_scan(&opened, values, count, random_below(random, count), random_below(random, count + 5));
    writer_release(&text);
    close_file(&opened);
}

Test(dictionary, agrees_with_a_sorted_array)
{
    static const uint32_t counts[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 5000};
    static str values[5000];
    uint64_t random = 2;

    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            check_dictionary(values, make_values((enum kind)kind, counts[i], values), &random);
            arena_reset(&arena);
        }
    }
    arena_release(&arena);
}

/* Values as long as they may be, and none but the empty one. */
Test(dictionary, long_and_empty_values)
{
    static char longest[DICTIONARY_VALUE_BYTES_MAX];
    str values[] = {STR(""), str_make(longest, 1000), str_make(longest, sizeof longest - 1),
                    str_make(longest, sizeof longest)};
    uint64_t random = 3;

    memset(longest, 'v', sizeof longest);
    check_dictionary(values, 1, &random);
    check_dictionary(values, 4, &random);
    arena_release(&arena);
}

/* One page made by hand, behind good checksums. Every way of reading says that it is malformed, or gives what is there
 * before the fault; nothing is read beyond the page. */
static bool ignore(void *context, uint32_t id, str value)
{
    (void)context;
    cr_assert(id < 200);
    cr_assert(value.len < 100);
    return true;
}

Test(dictionary, malformed_pages)
{
    static const struct {
        const char *name;
        str page;
        uint32_t count;
        bool good;
    } rows[] = {
        {"two values",
         STR("\1a"
             "\0\1b"),
         2, true},
        {"a shared prefix",
         STR("\2ab"
             "\1\1c"),
         2, true},
        {"a cut value",
         STR("\1a"
             "\0\5b"),
         2, false},
        {"a cut first value", STR("\5a"), 1, false},
        {"a cut length",
         STR("\1a"
             "\0\x80"),
         2, false},
        {"more shared than there is, last",
         STR("\1a"
             "\2\1b"),
         2, false},
        {"more shared than there is",
         STR("\1a"
             "\2\1b"
             "\0\1c"),
         3, false},
        {"a huge shared length",
         STR("\1a"
             "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\1b"),
         2, false},
        {"fewer values than counted", STR("\1a"), 2, false},
        {"more values than counted",
         STR("\1a"
             "\0\1b"
             "\0\1c"),
         2, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fs *fs = fs_memory_new();
        struct block_writer *file;
        struct writer footer = {0}, text = {0};
        uint32_t id;
        bool found;
        must(block_writer_open(fs, name, 1, &file));
        struct page_list pages = {block_writer_page(file, rows[i].page.data, rows[i].page.len, false), 1};
        dictionary_encode(&(struct dictionary){pages, rows[i].count}, &footer);
        must(block_writer_finish(file, footer.data, footer.count));
        struct opened opened = open_file(fs);
        status last = dictionary_get(&opened.dictionary, opened.file, rows[i].count - 1, &text);
        status scanned = dictionary_scan(&opened.dictionary, opened.file, 0, ignore, NULL);
        status sought = dictionary_find(&opened.dictionary, opened.file, STR("zz"), &id, &found);
        cr_expect(!failed(scanned) == rows[i].good, "%s: scan: %s", rows[i].name, scanned.text);
        cr_expect(!failed(sought) == rows[i].good, "%s: find: %s", rows[i].name, sought.text);
        cr_expect(!failed(last) || !rows[i].good, "%s: get: %s", rows[i].name, last.text);
        writer_release(&footer);
        writer_release(&text);
        close_file(&opened);
    }
}
