/* Choosing by matchers over a source of our own: what it is asked, what comes out, and that its errors come out. */
#include "tsdb/index.h"

#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

/* Series 0 … 15: bits 0 and 1 of the number choose the value of "a" (3: absent), bits 2 and 3 that of "b". */
static const char *const values[] = {"x", "xy", "z", NULL};

struct source {
    struct index index;
    unsigned calls, fail_at; /* the call that fails; 0: none */
    bool inverted;           /* in the last call */
};

enum { SERIES = 16 };

static str value_of(uint32_t series, str name)
{
    if (str_equal(name, STR("a"))) return str_from(values[series & 3]);
    if (str_equal(name, STR("b"))) return str_from(values[series >> 2]);
    return STR("");
}

static status called(struct source *source)
{
    if (++source->calls == source->fail_at) return status_make(STATUS_IO, "call %u fails", source->calls);
    return ok();
}

static status with_name(struct index *index, str name, struct postings *set)
{
    TRY(called((struct source *)index));
    for (uint32_t i = 0; i < SERIES; i++) {
        if (value_of(i, name).len) postings_add(set, &i, 1);
    }
    return ok();
}

static status with_value(struct index *index, const struct matcher *matcher, bool inverted, struct postings *set)
{
    struct source *source = (struct source *)index;

    TRY(called(source));
    source->inverted = inverted;
    for (uint32_t i = 0; i < SERIES; i++) {
        str value = value_of(i, matcher->name);
        if (value.len && index_wants(matcher, inverted, value)) postings_add(set, &i, 1);
    }
    return ok();
}

static const struct index_class source_class = {with_name, with_value};

static const char *const words[] = {
    "a=x",   "a!=x",  "a=",    "a!=",   "a=~x.*", "a!~x.*", "a=~x|z", "a!~x|z", "a=~x|", "a!~x|",
    "a=~.*", "a=~.+", "a!~.*", "a!~.+", "b=xy",   "b!=z",   "b=",     "b!=",    "b=~.y", "b!~.y",
    "b=~.*", "b!~.*", "c=",    "c!=",   "c=1",    "c!=1",   "c=~.*",  "c!~.+",
};
enum { WORDS = sizeof words / sizeof words[0] };

static void check(const struct matcher *matchers, size_t count, const char *what)
{
    struct source source = {{&source_class}, 0, 0, false};
    struct postings *set;

    must(index_select(&source.index, SERIES, matchers, count, &set));
    cr_assert(source.calls <= count);
    for (uint32_t i = 0; i < SERIES; i++) {
        bool wanted = true;
        for (size_t k = 0; k < count; k++)
            wanted = wanted && matcher_matches(&matchers[k], value_of(i, matchers[k].name));
        cr_assert(postings_has(set, i) == wanted, "%s: series %u", what, i);
    }
    cr_assert(postings_count(set) <= SERIES);
    postings_free(set);
}

/* All pairs and many triples of matchers, and none at all. */
Test(index, every_combination)
{
    struct arena arena;
    struct matcher all[WORDS];

    arena_init(&arena, NULL);
    for (size_t i = 0; i < WORDS; i++) fixture_matchers(words[i], &all[i], &arena);
    check(NULL, 0, "no matcher");
    for (size_t i = 0; i < WORDS; i++) {
        for (size_t k = 0; k < WORDS; k++) {
            check((struct matcher[]){all[i], all[k]}, 2, words[i]);
            for (size_t m = (i + k) % 3; m < WORDS; m += 3)
                check((struct matcher[]){all[i], all[k], all[m]}, 3, words[i]);
        }
    }
    arena_release(&arena);
}

Test(index, errors_of_the_source)
{
    struct arena arena;
    struct matcher matchers[8];
    struct postings *set;

    arena_init(&arena, NULL);
    size_t count = fixture_matchers("a=x b=~x.* a!=z b!~z.*", matchers, &arena);
    for (unsigned fail_at = 1; fail_at <= 4; fail_at++) {
        struct source source = {{&source_class}, 0, fail_at, false};
        status s = index_select(&source.index, SERIES, matchers, count, &set);
        cr_expect(s.code == STATUS_IO && set == NULL && source.calls == fail_at, "call %u: %s", fail_at, s.text);
    }
    arena_release(&arena);
}

/* Once nothing can match any more, nothing is asked any more. */
Test(index, stops_early)
{
    static const struct {
        const char *matchers;
        unsigned calls;
    } rows[] = {{"c=1 a=x b=x", 1}, {"a=~.* b=~.*", 0}, {"a=x c=1 b!=x b!=z", 2}, {"a!~.* a!=x", 1}};
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct source source = {{&source_class}, 0, 0, false};
        struct matcher matchers[8];
        struct postings *set;
        size_t count = fixture_matchers(rows[i].matchers, matchers, &arena);
        must(index_select(&source.index, SERIES, matchers, count, &set));
        cr_expect(source.calls == rows[i].calls, "%s: %u calls", rows[i].matchers, source.calls);
        postings_free(set);
    }
    arena_release(&arena);
}

/* What with_value may look up instead of scanning. */
Test(index, known_values)
{
    static const struct {
        const char *matcher;
        bool inverted, known;
        size_t count;
        const char *prefix;
    } rows[] = {
        {"a=x", false, true, 1, ""},      {"a=x", true, false, 0, ""},       {"a!=x", true, true, 1, ""},
        {"a!=x", false, false, 0, ""},    {"a=~x|y|z", false, true, 3, ""},  {"a=~x|y|z", true, false, 0, ""},
        {"a!~x|y", true, true, 2, ""},    {"a!~x|y", false, false, 0, ""},   {"a=~ab.+", false, false, 0, "ab"},
        {"a=~ab.+", true, false, 0, ""},  {"a!~ab.+", true, false, 0, "ab"}, {"a!~ab.+", false, false, 0, ""},
        {"a=~.+ab", false, false, 0, ""},
    };
    struct arena arena;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct matcher matcher;
        const str *list;
        size_t count = 0;
        fixture_matchers(rows[i].matcher, &matcher, &arena);
        bool known = index_known_values(&matcher, rows[i].inverted, &list, &count);
        cr_expect(known == rows[i].known && (!known || count == rows[i].count), "row %zu", i);
        for (size_t k = 0; known && k < count; k++)
            cr_expect(index_wants(&matcher, rows[i].inverted, list[k]), "row %zu", i);
        cr_expect(str_equal(index_prefix(&matcher, rows[i].inverted), str_from(rows[i].prefix)), "row %zu", i);
    }
    arena_release(&arena);
}
