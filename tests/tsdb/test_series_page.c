/* Pages of the series table: what went in comes out, evenly rising columns take no bits, and no byte breaks the reader.
 */
#include "tsdb/series_page.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

enum { NAMES = 12, NAMES_MAX = 6 };

struct entry {
    hash128 fingerprint;
    uint32_t list, count, names[NAMES_MAX], ranks[NAMES_MAX];
    size_t bytes;
};

/* What decides how hard a page is. */
struct kind {
    const char *what;
    uint32_t slots;
    unsigned lists;
    uint32_t rank_max;
    size_t bytes_max;
    double bits; /* a series, at most, beside the fingerprint; 0: any */
};

static const struct kind kinds[] = {
    {"one", 1, 1, 5, 100, 0},
    {"two", 2, 2, 5, 100, 0},
    {"constant", 128, 1, 0, 0, 4},
    {"few values", 128, 1, 3, 15, 22},
    {"many values", 128, 1, UINT32_MAX - 1, UINT32_MAX, 0},
    {"many lists", 128, 40, 1000, 1000, 0},
    {"odd", 77, 3, 70000, 100000, 0},
};

static void make_entry(const struct kind *kind, uint64_t *random, struct entry *out)
{
    out->fingerprint = (hash128){random_next(random), random_next(random)};
    out->list = (uint32_t)(random_next(random) % kind->lists);
    out->count = 1 + out->list % NAMES_MAX;
    for (uint32_t i = 0; i < out->count; i++) { /* names of a list are always the same */
        out->names[i] = i ? out->names[i - 1] + 1 + (out->list >> i) % 2 : out->list % 3;
        out->ranks[i] = (uint32_t)(random_next(random) % ((uint64_t)kind->rank_max + 1));
    }
    out->bytes = (size_t)(random_next(random) % ((uint64_t)kind->bytes_max + 1));
}

static void write_page(const struct entry *entries, uint32_t slots, uint64_t base, struct writer *out)
{
    struct series_page_writer page = {0};

    for (uint32_t i = 0; i < slots; i++)
        series_page_add(&page, entries[i].fingerprint, entries[i].list, entries[i].names, entries[i].ranks,
                        entries[i].count, entries[i].bytes);
    series_page_write(&page, base, out);
    series_page_writer_release(&page);
}

static void expect_entries(const struct writer *page, const struct entry *entries, uint32_t slots, uint64_t base,
                           const char *what)
{
    struct series_page opened = {0};

    cr_assert(series_page_open(page->data, page->count, slots, &opened), "%s", what);
    for (uint32_t i = 0; i < slots; i++) {
        const struct entry *entry = &entries[i];
        uint32_t list, bytes, ranks[NAMES_MAX], other = NAMES * 2;
        uint64_t offset;
        hash128 fingerprint;
        cr_assert(series_page_fingerprint(page->data, page->count, slots, i, &fingerprint));
        cr_assert(hash128_equal(fingerprint, entry->fingerprint));
        cr_assert(series_page_list(&opened, i, &list), "%s %u", what, i);
        cr_assert(series_page_extent(page->data, page->count, slots, i, &offset, &bytes), "%s %u", what, i);
        cr_assert(list == entry->list && offset == base && bytes == entry->bytes, "%s %u", what, i);
        cr_assert(series_page_ranks(&opened, i, entry->names, entry->count, ranks), "%s %u", what, i);
        cr_assert(memcmp(ranks, entry->ranks, entry->count * sizeof *ranks) == 0, "%s %u", what, i);
        cr_expect(!series_page_ranks(&opened, i, &other, 1, ranks));
        cr_expect(!series_page_column(&opened, other));
        for (uint32_t k = 0; k < entry->count; k++)
            cr_assert(series_column_rank(series_page_column(&opened, entry->names[k]), i) == entry->ranks[k]);
        base += entry->bytes;
    }
    series_page_release(&opened);
}

Test(series_page, comes_back)
{
    static struct entry entries[SERIES_PAGE_SLOTS];
    uint64_t random = 1;

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int round = 0; round < 50; round++) {
            struct writer page = {0};
            uint64_t base = random_next(&random) >> (round % 60);
            for (uint32_t i = 0; i < kinds[k].slots; i++) make_entry(&kinds[k], &random, &entries[i]);
            if (base > UINT64_MAX / 2) base /= 2;
            write_page(entries, kinds[k].slots, base, &page);
            expect_entries(&page, entries, kinds[k].slots, base, kinds[k].what);
            double bits = ((double)page.count - kinds[k].slots * 16.0) * 8 / kinds[k].slots;
            cr_expect(kinds[k].bits == 0 || bits <= kinds[k].bits, "%s: %g bits", kinds[k].what, bits);
            writer_release(&page);
        }
    }
}

/* An evenly rising column takes nothing but its head. */
Test(series_page, even_columns_are_free)
{
    static struct entry entries[SERIES_PAGE_SLOTS];
    struct writer page = {0};

    for (uint32_t i = 0; i < SERIES_PAGE_SLOTS; i++)
        entries[i] = (struct entry){.count = 3, .names = {0, 4, 5}, .ranks = {7, 100 + 6 * i, 90000 - i}, .bytes = 31};
    write_page(entries, SERIES_PAGE_SLOTS, 64, &page);
    expect_entries(&page, entries, SERIES_PAGE_SLOTS, 64, "even");
    cr_expect(page.count <= SERIES_PAGE_SLOTS * 16 + 32, "%zu", page.count);
    writer_release(&page);
}

Test(series_page, layout)
{
    static const uint32_t names[] = {1, 3}, ranks[][2] = {{5, 0}, {5, 1}};
    static const uint8_t expected[] = {
        228, 1,                           /* base */
        20,  40, 0,                       /* ends: 10, 30 */
        4,   0,  0,                       /* list 2 */
        2,   1,  12, 0, 0,                /* names 1: rank 5 plus 1 */
        2,   2,  2,  0,                   /* and 3: 1, 2 */
        1,   0,  0,  0, 0, 0, 0, 0, 0, 0, /* fingerprints */
        0,   0,  0,  0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
    };
    struct series_page_writer page = {0};
    struct writer out = {0};

    series_page_add(&page, (hash128){1, 0}, 2, names, ranks[0], 2, 10);
    series_page_add(&page, (hash128){2, 3}, 2, names, ranks[1], 2, 20);
    series_page_write(&page, 228, &out);
    cr_expect(out.count == sizeof expected && memcmp(out.data, expected, sizeof expected) == 0, "%zu", out.count);
    for (size_t i = 0; i < out.count && i < sizeof expected; i++)
        cr_expect(out.data[i] == expected[i], "byte %zu is %u", i, out.data[i]);
    series_page_writer_release(&page);
    writer_release(&out);
}

/* Cut or changed pages are told or give some other entry; they are never read beyond their end. */
Test(series_page, hostile_bytes)
{
    static struct entry entries[SERIES_PAGE_SLOTS];
    uint64_t random = 3;

    for (int round = 0; round < 20000; round++) {
        const struct kind *kind = &kinds[random_next(&random) % (sizeof kinds / sizeof kinds[0])];
        struct writer page = {0};
        struct series_page opened = {0};
        for (uint32_t i = 0; i < kind->slots; i++) make_entry(kind, &random, &entries[i]);
        write_page(entries, kind->slots, 1000, &page);
        size_t size = round % 3 ? page.count : random_next(&random) % page.count;
        uint8_t *copy = malloc(size + 1); /* of this size, for the sanitizer */
        memcpy(copy, page.data, size);
        for (int flips = round % 4; flips > 0 && size; flips--)
            copy[random_next(&random) % (flips % 2 ? size : size < 60 ? size : 60)] ^= (uint8_t)random_next(&random);
        uint32_t slots = round % 5 ? kind->slots : 1 + (uint32_t)(random_next(&random) % SERIES_PAGE_SLOTS);
        if (series_page_open(copy, size, slots, &opened)) {
            for (uint32_t i = 0; i < slots; i++) {
                uint32_t list, bytes, ranks[NAMES_MAX];
                uint64_t offset;
                (void)series_page_list(&opened, i, &list);
                (void)series_page_extent(copy, size, slots, i, &offset, &bytes);
                (void)series_page_ranks(&opened, i, entries[0].names, entries[0].count, ranks);
            }
        }
        series_page_release(&opened);
        writer_release(&page);
        free(copy);
    }
}
