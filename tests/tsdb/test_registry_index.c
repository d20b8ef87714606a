/* The registry's answers to matchers against a look at every series; values in order. */
#include "tsdb/registry_internal.h"

#include "storage/postings.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

#include <stdio.h>

static const struct hash_secret secret = {{9}};

/* "odd" on every second series, "rare" on one in 50, "one" on a single one; "all" has one value. */
static void series_text(char *out, size_t size, uint32_t number)
{
    int len = snprintf(out, size, "m all=same host=h%u", number / 3);

    if (number % 2) len += snprintf(out + len, size - (size_t)len, " odd=v%u", number % 7);
    if (number % 50 == 3) len += snprintf(out + len, size - (size_t)len, " rare=r");
    if (number == 1234) snprintf(out + len, size - (size_t)len, " one=1");
}

static str value_of(const struct registry *registry, uint32_t id, str name)
{
    struct series_labels set = registry_labels(registry, id);

    for (uint32_t i = 0; i < set.count; i++) {
        if (str_equal(registry_name(registry, set.names[i]), name))
            return registry_value(registry, set.names[i], set.values[i]);
    }
    return STR("");
}

static const char *const cases[] = {
    "all=same",   "all!=same", "all=other",   "host=h7",    "host=",     "odd=",          "odd!=",
    "odd=v3",     "odd!=v3",   "odd=~v[246]", "odd=~v1|v5", "odd=~v1|",  "odd!~v1|v5",    "odd!~v1|",
    "odd=~.*",    "odd=~.+",   "odd!~.*",     "odd!~.+",    "one=1",     "one=",          "rare!=r",
    "rare!=",     "rare=~r|",  "nothing=",    "nothing!=",  "nothing=x", "nothing!=x",    "host=~h1.*",
    "host=~h1.?", "host!~h.*", "host=~.*7",   "__name__=m", "__name__=", "__name__!~m|n",
};

static void check(struct registry *registry, const char *text)
{
    struct arena arena;
    struct matcher matchers[8];
    struct postings *set;
    uint32_t total = registry_series_count(registry);

    arena_init(&arena, NULL);
    size_t count = fixture_matchers(text, matchers, &arena);
    must(index_select(registry_index(registry), total, matchers, count, &set));
    for (uint32_t id = 0; id < total; id++) {
        bool wanted = registry_labels(registry, id).count > 0;
        if (!wanted) continue; /* holes are the caller's to drop */
        for (size_t i = 0; i < count; i++)
            wanted = wanted && matcher_matches(&matchers[i], value_of(registry, id, matchers[i].name));
        cr_assert(postings_has(set, id) == wanted, "%s: series %u", text, id);
    }
    cr_assert(postings_count(set) <= total);
    postings_free(set);
    arena_release(&arena);
}

static void check_cases(struct registry *registry)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    uint64_t random = 1;
    char text[200];

    for (size_t i = 0; i < CASES; i++) check(registry, cases[i]);
    for (int i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "%s %s %s", cases[random_below(&random, CASES)],
                 cases[random_below(&random, CASES)], cases[random_below(&random, CASES)]);
        check(registry, text);
    }
}

/* Postings grow over all sizes of blocks, looked at on the way. */
Test(registry_index, agrees_with_a_scan)
{
    static const uint32_t stops[] = {0, 1, 2, 5, 6, 13, 14, 500, 2045, 2046, 5000};
    struct registry *registry = registry_new(&secret, 1);
    uint32_t id = 0;

    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        for (; id < stops[i]; id++) {
            char text[100];
            series_text(text, sizeof text, id);
            fixture_register(registry, text, NULL);
        }
        check_cases(registry);
    }
    registry_unref(registry);
}

/* Blocks of 4, 8 … 1,024 ids hold postings 1, 2, …; posting 0 lies in the value. */
Test(registry_index, posting_blocks)
{
    uint32_t size = 4, at = 0;

    for (uint32_t index = 1; index < 20000; index++) {
        uint32_t offset;
        cr_assert(registry_posting_block(index, &offset) == size && offset == at, "posting %u", index);
        if (++at < size) continue;
        at = 0;
        if (size < 1024) size *= 2;
    }
}

/* Series that were lost and came later have larger neighbours already. */
Test(registry_index, filled_holes)
{
    struct registry *whole = registry_new(&secret, 1), *registry = registry_new(&secret, 1);
    static struct writer told[600];
    uint64_t random = 4;

    for (uint32_t i = 0; i < 600; i++) {
        char text[100];
        series_text(text, sizeof text, i);
        fixture_register(whole, text, &told[i]);
        if (random_below(&random, 3)) (void)registry_apply(registry, told[i].data, told[i].count);
    }
    check_cases(registry);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < 600; i++) (void)registry_apply(registry, told[i].data, told[i].count);
    cr_assert(registry_series_count(registry) == registry_series_count(whole));
    cr_assert(registry_valid(registry));
    check_cases(registry);
    for (uint32_t i = 0; i < 600; i++) writer_release(&told[i]);
    registry_unref(registry);
    registry_unref(whole);
}

static void check_sorted(struct registry *registry, str name, uint32_t expected)
{
    struct arena arena;
    uint32_t count;

    arena_init(&arena, NULL);
    uint32_t id = registry_find_name(registry, name);
    uint32_t *sorted = registry_sorted_values(registry, id, &count, &arena);
    cr_assert(count == expected, "%u of %u", count, expected);
    for (uint32_t i = 1; i < count; i++)
        cr_assert(str_compare(registry_value(registry, id, sorted[i - 1]), registry_value(registry, id, sorted[i])) <
                  0);
    arena_release(&arena);
}

Test(registry_index, sorted_values)
{
    struct registry *registry = registry_new(&secret, 1);
    uint64_t random = 1;

    for (uint32_t i = 0; i < 3000; i++) {
        char text[100];
        snprintf(text, sizeof text, "m v=%llx%u only=%u", (unsigned long long)(random_next(&random) >> 8), i, i % 3);
        fixture_register(registry, text, NULL);
        if (i < 40 || i % 117 == 0) {
            check_sorted(registry, STR("v"), i + 1);
            check_sorted(registry, STR("only"), i < 2 ? i + 1 : 3);
        }
    }
    registry_unref(registry);
}
