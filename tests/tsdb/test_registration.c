/* Registrations: what one registry tells makes another one the same, in any pieces, twice, and after damage. */
#include "tsdb/registry_internal.h"
#include "tsdb/series_page.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

#include <stdio.h>

static const struct hash_secret secret = {{7, 7, 7}};

enum { SERIES = 700 };

static void series_text(char *out, size_t size, uint32_t number)
{
    snprintf(out, size, "metric_%u instance=host-%u %s=%u", number % 13, number / 13, number % 3 ? "mode" : "Zone",
             number % 5);
}

static void expect_same_sets(struct postings *a, struct postings *b)
{
    uint64_t count = postings_count(a);

    postings_subtract(a, b);
    cr_assert(postings_count(b) == count && postings_count(a) == 0);
    postings_free(a);
    postings_free(b);
}

static void expect_same_postings(struct registry *a, struct registry *b, uint32_t name)
{
    struct postings *x = postings_new(), *y = postings_new();

    must(registry_index_class.with_name(registry_index(a), registry_name(a, name), x));
    must(registry_index_class.with_name(registry_index(b), registry_name(b, name), y));
    expect_same_sets(x, y);
    for (uint32_t value = 0; value < registry_value_count(a, name); value++) {
        x = postings_new();
        y = postings_new();
        registry_postings(a, name, value, x);
        registry_postings(b, name, value, y);
        cr_assert(postings_count(x) == registry_posting_count(a, name, value));
        expect_same_sets(x, y);
    }
}

static void expect_same(struct registry *a, struct registry *b)
{
    cr_assert(registry_valid(a) && registry_valid(b));
    cr_assert(registry_series_count(a) == registry_series_count(b));
    cr_assert(registry_name_count(a) == registry_name_count(b) && registry_list_count(a) == registry_list_count(b));
    cr_assert(registry_pair_count(a) == registry_pair_count(b));
    for (uint32_t name = 0; name < registry_name_count(a); name++) {
        cr_assert(str_equal(registry_name(a, name), registry_name(b, name)));
        cr_assert(registry_value_count(a, name) == registry_value_count(b, name));
        cr_assert(registry_name_bytes(a, name) == registry_name_bytes(b, name));
        for (uint32_t value = 0; value < registry_value_count(a, name); value++) {
            cr_assert(str_equal(registry_value(a, name, value), registry_value(b, name, value)));
        }
        expect_same_postings(a, b, name);
    }
    for (uint32_t id = 0; id < registry_series_count(a); id++) {
        struct series_labels x = registry_labels(a, id), y = registry_labels(b, id);
        cr_assert(hash128_equal(registry_fingerprint(a, id), registry_fingerprint(b, id)));
        cr_assert(x.list == y.list && x.count == y.count);
        if (x.count == 0) continue; /* a hole */
        cr_assert(memcmp(x.names, y.names, x.count * sizeof *x.names) == 0);
        cr_assert(memcmp(x.values, y.values, x.count * sizeof *x.values) == 0);
    }
}

/* A registry and what it told, each series by itself. */
static struct registry *make(struct writer *told)
{
    struct registry *registry = registry_new(&secret, 1);

    for (uint32_t i = 0; i < SERIES; i++) {
        char text[100];
        series_text(text, sizeof text, i);
        fixture_register(registry, text, &told[i]);
    }
    return registry;
}

static void release(struct writer *told)
{
    for (uint32_t i = 0; i < SERIES; i++) writer_release(&told[i]);
}

Test(registration, makes_the_same_again)
{
    static struct writer told[SERIES];
    struct registry *registry = make(told), *copy = registry_new(&secret, 2);

    for (uint32_t i = 0; i < SERIES; i++) {
        must(registry_apply(copy, told[i].data, told[i].count));
        if (i % 3 == 0) must(registry_apply(copy, told[i / 2].data, told[i / 2].count));
    }
    expect_same(registry, copy);
    must(registry_apply(copy, NULL, 0));
    release(told);
    registry_unref(registry);
    registry_unref(copy);
}

static status apply(struct registry *registry, struct writer *bytes)
{
    status s = registry_apply(registry, bytes->data, bytes->count);

    bytes->count = 0;
    return s;
}

/* Whether a registry is loaded at once or entry by entry, of pages or of single series, some of them lost: it becomes
 * the same. */
Test(registration, loading_makes_the_same)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        static struct writer told[SERIES];
        struct registry *registry = make(told), *direct = registry_new(&secret, 2), *loaded = registry_new(&secret, 2);
        struct writer pages = {0};
        uint64_t random = seed;
        bool begins_with_pages = seed % 2;
        registry_begin_loading(loaded);
        registry_unsaved(registry, SIZE_MAX, &pages);
        for (uint32_t i = 0; i < SERIES; i++) {
            if (random_below(&random, 20) == 0) continue;
            (void)registry_apply(direct, told[i].data, told[i].count);
            (void)registry_apply(loaded, told[i].data, told[i].count);
            if (begins_with_pages && i == SERIES / 2) { /* they fill what is missing, in its midst and beyond */
                must(registry_apply(direct, pages.data, pages.count));
                must(registry_apply(loaded, pages.data, pages.count));
            }
        }
        registry_end_loading(loaded);
        expect_same(direct, loaded);
        if (begins_with_pages) expect_same(registry, loaded);
        release(told);
        writer_release(&pages);
        registry_unref(registry);
        registry_unref(direct);
        registry_unref(loaded);
    }
}

/* A page tells of those series whose values are known, where some are lost. */
Test(registration, pages_with_lost_values)
{
    struct registry *registry = registry_new(&secret, 1);
    struct series_page_writer page = {0};
    struct writer entry = {0};
    static const uint32_t names[] = {0, 2};

    registration_name(&entry, 0, STR("a"));
    registration_name(&entry, 2, STR("b"));
    registration_value(&entry, 0, 0, STR("x"));
    registration_value(&entry, 2, 1, STR("y"));
    registration_list(&entry, 1, names, 2);
    must(apply(registry, &entry));
    writer_u8(&entry, 5 /* a page */);
    writer_varint(&entry, 10);
    writer_varint(&entry, 5);
    static const uint32_t lists[] = {1, 1, 0, 7, 1}, values[][2] = {{0, 1}, {0, 0}, {0, 1}, {0, 1}, {1, 1}};
    for (int i = 0; i < 5; i++) series_page_add(&page, (hash128){0, 0}, lists[i], names, values[i], 2, 0);
    series_page_write_labels(&page, &entry);
    registration_value(&entry, 0, 1, STR("z"));
    status s = apply(registry, &entry);
    cr_expect(s.code == STATUS_CORRUPT, "%s", s.text);
    cr_expect(registry_value_count(registry, 0) == 2, "what comes behind a page still counts");
    cr_expect(registry_series_count(registry) == 11 && registry_labels(registry, 10).count == 2);
    cr_expect(registry_posting_count(registry, 0, 0) == 1 && registry_valid(registry));
    series_page_writer_release(&page);
    writer_release(&entry);
    registry_unref(registry);
}

/* Each record stands twice in a log. Whatever one of each is lost, nothing is missing in the end. */
Test(registration, holes_are_filled_by_the_repetition)
{
    static struct writer told[SERIES];
    struct registry *registry = make(told);

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct registry *copy = registry_new(&secret, 2);
        uint64_t random = seed;
        bool lost[SERIES];
        unsigned reported = 0;
        for (uint32_t i = 0; i < SERIES; i++) {
            lost[i] = random_below(&random, 20) == 0 || (i == 0 && seed % 2);
            if (!lost[i]) reported += failed(registry_apply(copy, told[i].data, told[i].count));
        }
        cr_assert(registry_valid(copy) && reported < SERIES);
        for (uint32_t id = 0; id < registry_series_count(copy); id++)
            cr_assert(!lost[id] || registry_labels(copy, id).count == 0, "series %u comes from nowhere", id);
        for (int pass = 0; pass < 2; pass++) { /* the second finds all that it refers to */
            for (uint32_t i = 0; i < SERIES; i++) {
                status s = registry_apply(copy, told[i].data, told[i].count);
                cr_assert(pass == 0 || !failed(s), "seed %d, series %u: %s", (int)seed, i, s.text);
            }
        }
        expect_same(registry, copy);
        registry_unref(copy);
    }
    release(told);
    registry_unref(registry);
}

/* What was not told yet, in pieces of any size, while more comes. */
Test(registration, unsaved_in_pieces)
{
    static const size_t sizes[] = {1, 30, 500, 10000, 1 << 20};

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct registry *registry = registry_new(&secret, 1), *copy = registry_new(&secret, 2);
        struct writer piece = {0};
        uint32_t added = 0;
        for (bool all_told = false; !all_told || added < SERIES;) {
            for (uint32_t i = 0; i < 100 && added < SERIES; i++, added++) {
                char text[100];
                series_text(text, sizeof text, added);
                fixture_register(registry, text, NULL);
            }
            piece.count = 0;
            registry_unsaved(registry, sizes[s], &piece);
            all_told = piece.count == 0;
            cr_assert(piece.count < sizes[s] + 1500, "%zu of %zu bytes", piece.count, sizes[s]);
            must(registry_apply(copy, piece.data, piece.count));
        }
        expect_same(registry, copy);
        registry_mark_saved(copy);
        piece.count = 0;
        registry_unsaved(copy, SIZE_MAX, &piece);
        cr_expect(piece.count == 0, "all was told by whoever marked it so");
        fixture_register(copy, "another one=1", NULL);
        registry_unsaved(copy, SIZE_MAX, &piece);
        must(registry_apply(registry, piece.data, piece.count));
        expect_same(registry, copy);
        writer_release(&piece);
        registry_unref(registry);
        registry_unref(copy);
    }
}

Test(registration, what_refers_to_nothing_is_told)
{
    static const uint32_t far = UINT32_MAX;
    struct registry *registry = registry_new(&secret, 1);
    struct writer entry = {0};
    static const uint32_t known[] = {0}, unknown[] = {0, 9}, far_names[] = {UINT32_MAX};
    uint32_t many[LABELS_MAX + 1] = {0};

    registration_name(&entry, 0, STR("a"));
    registration_value(&entry, 0, 0, STR("x"));
    registration_list(&entry, 0, known, 1);
    registration_series(&entry, 0, (hash128){1, 1}, 0, known, 1);
    must(apply(registry, &entry));
    registration_name(&entry, far, STR("b"));
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_value(&entry, 7, 0, STR("x"));
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_value(&entry, 0, far, STR("x"));
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_list(&entry, 1, unknown, 2);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_list(&entry, 1, far_names, 1);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_list(&entry, far, known, 1);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_list(&entry, 1, many, LABELS_MAX + 1);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_list(&entry, 1, known, 0);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT, "no series is without labels");
    registration_series(&entry, 1, (hash128){2, 2}, 3, known, 1);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_series(&entry, 1, (hash128){2, 2}, 0, unknown + 1, 1);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    registration_series(&entry, far - 1, (hash128){2, 2}, 0, known, 1);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    writer_u8(&entry, 77);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    cr_expect(registry_series_count(registry) == 1 && registry_name_count(registry) == 1 &&
              registry_list_count(registry) == 1 && registry_value_count(registry, 0) == 1 && registry_valid(registry));

    /* What comes behind a bad entry still counts. */
    registration_list(&entry, 1, (const uint32_t[]){9, 1, 1, 1}, 4);
    registration_series(&entry, 1, (hash128){2, 2}, 0, unknown + 1, 1);
    registration_value(&entry, 0, 1, STR("y"));
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT && registry_value_count(registry, 0) == 2);
    writer_release(&entry);
    registry_unref(registry);
}

/* The values of a series whose list is lost look like entries: nothing may come of them. */
Test(registration, nothing_is_invented)
{
    struct registry *registry = registry_new(&secret, 1);
    struct writer entry = {0};
    static const uint32_t like_a_name[] = {1, 1, 2, 'h', 'i'};

    registration_name(&entry, 0, STR("a"));
    registration_series(&entry, 0, (hash128){1, 1}, 5, like_a_name, 5);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    cr_expect(registry_name_count(registry) == 1 && registry_series_count(registry) == 0);
    registration_list(&entry, 0, (const uint32_t[]){7, 1, 1, 2, 'h', 'i'}, 6);
    cr_expect(apply(registry, &entry).code == STATUS_CORRUPT);
    cr_expect(registry_name_count(registry) == 1);
    writer_release(&entry);
    registry_unref(registry);
}

Test(registration, every_cut_is_told)
{
    static struct writer told[SERIES];
    struct registry *registry = make(told);

    for (size_t len = 1; len < told[0].count; len++) {
        struct registry *copy = registry_new(&secret, 2);
        uint8_t *exact = memory_alloc(len);
        memcpy(exact, told[0].data, len);
        if (!failed(registry_apply(copy, exact, len))) cr_expect(registry_series_count(copy) == 0, "cut to %zu", len);
        cr_expect(registry_valid(copy));
        free(exact);
        registry_unref(copy);
    }
    release(told);
    registry_unref(registry);
}

/* Damaged registrations behind good checksums do not happen; they still do not break the registry. */
Test(registration, hostile_bytes)
{
    static struct writer told[SERIES];
    struct registry *registry = make(told);
    uint64_t random = 1;

    for (int round = 0; round < 300; round++) {
        struct registry *copy = registry_new(&secret, 2);
        for (int i = 0; i < 30; i++) {
            uint8_t bytes[200];
            size_t count = told[i].count < sizeof bytes ? told[i].count : sizeof bytes;
            memcpy(bytes, told[i].data, count);
            for (uint32_t hits = random_below(&random, 3); hits > 0; hits--)
                bytes[random_below(&random, count)] = (uint8_t)random_below(&random, 80);
            if (i % 10 == 9) random_fill(&random, bytes, count);
            (void)registry_apply(copy, bytes, count);
        }
        uint32_t id = fixture_register(copy, "quite another=one", NULL);
        cr_assert(registry_labels(copy, id).count == 2);
        registry_unref(copy);
    }
    release(told);
    registry_unref(registry);
}

/* The same for pages of series: what is cut or changed makes fewer or other series, never a broken registry. */
Test(registration, hostile_pages)
{
    static struct writer told[SERIES];
    struct registry *registry = make(told);
    struct writer all = {0};
    uint64_t random = 1;

    registry_unsaved(registry, SIZE_MAX, &all);
    for (int round = 0; round < 400; round++) {
        struct registry *copy = registry_new(&secret, 2);
        size_t count = round % 4 ? all.count : random_below(&random, all.count);
        uint8_t *bytes = memory_alloc(count);
        memcpy(bytes, all.data, count);
        for (uint32_t hits = random_below(&random, 4); hits > 0 && count; hits--)
            bytes[random_below(&random, count)] ^= (uint8_t)(1u << random_below(&random, 8));
        status s = registry_apply(copy, bytes, count);
        cr_expect(!failed(s) || s.code == STATUS_CORRUPT);
        cr_expect(registry_series_count(copy) <= (1 << 25));
        uint32_t id = fixture_register(copy, "quite another=one", NULL);
        cr_assert(registry_labels(copy, id).count == 2);
        free(bytes);
        registry_unref(copy);
    }
    writer_release(&all);
    release(told);
    registry_unref(registry);
}

static void count_series(void *context, uint32_t series)
{
    uint32_t *next = context;

    cr_expect(series == *next);
    ++*next;
}

Test(registration, series_are_listed)
{
    static struct writer told[SERIES];
    struct registry *registry = make(told);
    struct writer all = {0};
    uint32_t next = 0;

    for (uint32_t i = 0; i < SERIES; i++)
        cr_expect(registry_each_registered(registry, told[i].data, told[i].count, count_series, &next));
    cr_expect(next == SERIES);
    registry_unsaved(registry, SIZE_MAX, &all);
    cr_expect(registry_each_registered(registry, all.data, all.count, count_series, &(uint32_t){0}));
    cr_expect(!registry_each_registered(registry, all.data, all.count - 1, count_series, &(uint32_t){0}));
    cr_expect(all.count < SERIES * 12, "%zu", all.count);
    writer_release(&all);
    release(told);
    registry_unref(registry);
}
