/* Label sets as text: what requests bring in any order, what of it is refused, and the one form in which it is kept. */
#include "tsdb/labels.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"

#include <stdio.h>

static const struct label_limits no_limits;
static struct arena arena;

static void release_arena(void)
{
    arena_release(&arena);
}

static str written(const struct writer *w)
{
    return str_make((const char *)w->data, w->count);
}

/* A copy of its very size, so that the sanitizer sees a step too far. */
static str exact_copy(str s)
{
    char *copy = memory_alloc(s.len);

    if (s.len) memcpy(copy, s.data, s.len);
    return str_make(copy, s.len);
}

static status parse(str raw, const struct label_limits *limits, label **pairs, size_t *count)
{
    return labels_parse(raw, limits, pairs, count, &arena);
}

static const struct {
    const char *name;
    label pairs[6];
    size_t count;
    const char *expected; /* printed, or NULL: refused */
    const char *error;
} sets[] = {
    {"the name alone", {{METRIC_NAME, STR("up")}}, 1, "{__name__=\"up\"}", NULL},
    {"in order", {{METRIC_NAME, STR("up")}, {STR("job"), STR("a")}}, 2, "{__name__=\"up\", job=\"a\"}", NULL},
    {"in another order",
     {{STR("job"), STR("a")}, {STR("Zone"), STR("z")}, {METRIC_NAME, STR("up")}},
     3,
     "{Zone=\"z\", __name__=\"up\", job=\"a\"}",
     NULL},
    {"an empty value", {{STR("job"), STR("")}, {METRIC_NAME, STR("up")}}, 2, "{__name__=\"up\"}", NULL},
    {"an empty value beside a full one",
     {{STR("job"), STR("")}, {METRIC_NAME, STR("up")}, {STR("job"), STR("a")}},
     3,
     "{__name__=\"up\", job=\"a\"}",
     NULL},
    {"UTF-8 in names",
     {{STR("d\xC3\xA9j\xC3\xA0"), STR("v")}, {METRIC_NAME, STR("\xE2\x82\xAC")}},
     2,
     "{__name__=\"\xE2\x82\xAC\", \"d\xC3\xA9j\xC3\xA0\"=\"v\"}",
     NULL},
    {"no name", {{STR("job"), STR("a")}}, 1, NULL, "no metric name"},
    {"an empty name", {{METRIC_NAME, STR("")}, {STR("job"), STR("a")}}, 2, NULL, "no metric name"},
    {"nothing", {{STR(""), STR("")}}, 0, NULL, "no metric name"},
    {"a label without a name", {{METRIC_NAME, STR("up")}, {STR(""), STR("v")}}, 2, NULL, "an empty name"},
    {"a label of nothing", {{METRIC_NAME, STR("up")}, {STR(""), STR("")}}, 2, NULL, "an empty name"},
    {"a name twice",
     {{METRIC_NAME, STR("up")}, {STR("a"), STR("1")}, {STR("a"), STR("2")}},
     3,
     NULL,
     "label \"a\" occurs twice"},
    {"the same twice", {{METRIC_NAME, STR("up")}, {METRIC_NAME, STR("up")}}, 2, NULL, "\"__name__\" occurs twice"},
    {"a bad name", {{METRIC_NAME, STR("up")}, {STR("a\xFF"), STR("1")}}, 2, NULL, "name is not valid UTF-8"},
    {"a bad value",
     {{METRIC_NAME, STR("up")}, {STR("a"), STR("\xED\xA0\x80")}},
     2,
     NULL,
     "the value of label \"a\" is not valid UTF-8"},
};

Test(labels, parsed_in_any_order, .fini = release_arena)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct writer raw = {0}, canonical = {0};
        label *pairs;
        size_t count;
        labels_write(sets[i].pairs, sets[i].count, &raw);
        status s = parse(written(&raw), &no_limits, &pairs, &count);
        cr_assert(!failed(s) == (sets[i].expected != NULL), "%s: %s", sets[i].name, s.text);
        if (failed(s)) {
            cr_expect(s.code == STATUS_INVALID && strstr(s.text, sets[i].error), "%s: %s", sets[i].name, s.text);
        } else {
            str text = labels_print(pairs, count, &arena);
            cr_expect(str_equal(text, str_from(sets[i].expected)), "%s: %.*s", sets[i].name, STR_ARG(text));
            labels_write(pairs, count, &canonical);
            for (size_t k = 0; k < count; k++)
                cr_expect(str_equal(labels_get((labels){written(&canonical)}, pairs[k].name), pairs[k].value));
            cr_expect(labels_get((labels){written(&canonical)}, STR("nothing")).len == 0);
        }
        writer_release(&raw);
        writer_release(&canonical);
    }
}

/* The bytes that the header shows, and the form that is found without parsing. */
Test(labels, canonical_form, .fini = release_arena)
{
    static const label pairs[] = {{METRIC_NAME, STR("up")}, {STR("job"), STR("a")}};
    str expected = STR("\n\x0E\n\x08__name__\x12\2up\n\x08\n\3job\x12\1a");
    struct writer out = {0};
    label *parsed;
    size_t count;

    labels_write(pairs, 2, &out);
    cr_expect(str_equal(written(&out), expected));
    must(parse(expected, &no_limits, &parsed, &count));
    out.count = 0;
    labels_write(parsed, count, &out);
    cr_expect(str_equal(written(&out), expected), "what is sorted already stays as it is");
    writer_release(&out);
}

/* Fields of one label in another order, repeated and left out, as protobuf allows. */
Test(labels, fields_in_any_order)
{
    static const struct {
        str raw;
        bool good;
        str name, value;
    } rows[] = {
        {STR("\n\6\n\1a\x12\1b"), true, STR("a"), STR("b")},
        {STR("\n\6\x12\1b\n\1a"), true, STR("a"), STR("b")},
        {STR("\n\11\n\1x\n\1a\x12\1b"), true, STR("a"), STR("b")},
        {STR("\n\3\n\1a"), true, STR("a"), STR("")},
        {STR("\n\3\x12\1b"), true, STR(""), STR("b")},
        {STR("\n\0"), true, STR(""), STR("")},
        {STR("\n\6\n\1a\x1A\1b"), false, STR(""), STR("")},
        {STR("\n\6\n\1a\x12\2b"), false, STR(""), STR("")},
        {STR("\x12\6\n\1a\x12\1b"), false, STR(""), STR("")},
        {STR("\n\7\n\1a\x12\1b"), false, STR(""), STR("")},
        {STR("\n\x80"), false, STR(""), STR("")},
        {STR("\n"), false, STR(""), STR("")},
        {STR(""), false, STR(""), STR("")},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str rest = rows[i].raw;
        label pair;
        bool good = labels_next(&rest, &pair);
        cr_expect(good == rows[i].good && (!good || rest.len == 0), "row %zu", i);
        cr_expect(good || rest.len == rows[i].raw.len, "row %zu: malformed bytes are not passed over", i);
        if (good) cr_expect(str_equal(pair.name, rows[i].name) && str_equal(pair.value, rows[i].value), "row %zu", i);
    }
}

/* A good set with something malformed before, in the middle of, or behind its labels is refused as a whole. */
Test(labels, malformed_anywhere, .fini = release_arena)
{
    static const str bad[] = {STR("\n\6\n\1a\x12\2b"), STR("\n\6\n\1a\x1A\1b"), STR("\x12\1x"),
                              STR("\n\3\n\5a"),        STR("\n\xFF"),           STR("\n")};
    static const label good[] = {{METRIC_NAME, STR("up")}, {STR("job"), STR("x")}};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t place = 0; place <= 2; place++) {
            struct writer raw = {0};
            label *pairs;
            size_t count;
            labels_write(good, place, &raw);
            writer_bytes(&raw, bad[i].data, bad[i].len);
            labels_write(good + place, 2 - place, &raw);
            status s = parse(written(&raw), &no_limits, &pairs, &count);
            cr_expect(s.code == STATUS_INVALID, "row %zu at %zu: \"%s\"", i, place, s.text);
            writer_release(&raw);
        }
    }
}

Test(labels, limits, .fini = release_arena)
{
    static const struct {
        struct label_limits limits;
        const char *error; /* NULL: taken */
    } rows[] = {
        {{0, 0, 0}, NULL},
        {{3, 8, 6}, NULL},
        {{2, 0, 0}, "a series has 3 labels, the limit is 2"},
        {{0, 7, 0}, "label name \"__name__"},
        {{0, 4, 0}, "label name \"__name__"},
        {{0, 0, 5}, "the value of label \"job\" has 6 bytes, the limit is 5"},
        {{1000, 0, 0}, NULL},
    };
    static const label set[] = {{METRIC_NAME, STR("up")}, {STR("job"), STR("server")}, {STR("x"), STR("1")}};
    struct writer raw = {0};

    labels_write(set, 3, &raw);
    str exact = exact_copy(written(&raw));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        label *pairs;
        size_t count;
        status s = parse(exact, &rows[i].limits, &pairs, &count);
        cr_expect(s.code == (rows[i].error ? STATUS_LIMIT : STATUS_OK), "row %zu: %s", i, s.text);
        cr_expect(!rows[i].error || strstr(s.text, rows[i].error), "row %zu: %s", i, s.text);
    }
    free((char *)exact.data);
    writer_release(&raw);
}

/* A name that is refused for its length is told as text, from memory that ends with it. */
Test(labels, long_names_in_errors)
{
    static const char *const characters[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    static const struct label_limits limits = {0, 10, 0};

    for (size_t c = 0; c < 4; c++) {
        for (size_t len = 11; len < 90; len++) {
            char name[100];
            struct writer raw = {0};
            label *pairs;
            size_t count, at = 0;
            for (; at + strlen(characters[c]) <= len; at += strlen(characters[c]))
                memcpy(name + at, characters[c], strlen(characters[c]));
            if (at <= 10) continue;
            labels_write(&(label){str_make(name, at), STR("")}, 1, &raw);
            raw.count -= 2; /* without its empty value, so that the name is last */
            raw.data[1] = (uint8_t)(raw.data[1] - 2);
            str exact = exact_copy(written(&raw));
            status s = parse(exact, &limits, &pairs, &count);
            cr_expect(s.code == STATUS_LIMIT && str_is_utf8(str_from(s.text)), "%zu bytes: %s", at, s.text);
            free((char *)exact.data);
            writer_release(&raw);
            arena_release(&arena);
        }
    }
}

Test(labels, most_labels_of_all, .fini = release_arena)
{
    for (size_t extra = 0; extra < 2; extra++) {
        struct writer raw = {0};
        label *pairs;
        size_t count;
        labels_write(&(label){METRIC_NAME, STR("up")}, 1, &raw);
        for (size_t i = 0; i + 1 < LABELS_MAX + extra; i++)
            labels_write(&(label){arena_format(&arena, "label_%zu", LABELS_MAX - i), STR("v")}, 1, &raw);
        status s = parse(written(&raw), &no_limits, &pairs, &count);
        cr_expect(s.code == (extra ? STATUS_LIMIT : STATUS_OK), "%s", s.text);
        for (size_t i = 1; !extra && i < count; i++) cr_expect(str_compare(pairs[i - 1].name, pairs[i].name) < 0);
        writer_release(&raw);
    }
}

Test(labels, order)
{
    static const struct {
        label pairs[2];
        size_t count;
    } rising[] = {
        {{{STR(""), STR("")}}, 0},
        {{{STR("a"), STR("1")}}, 1},
        {{{STR("a"), STR("1")}, {STR("b"), STR("0")}}, 2},
        {{{STR("a"), STR("1")}, {STR("b"), STR("1")}}, 2},
        {{{STR("a"), STR("1")}, {STR("c"), STR("0")}}, 2},
        {{{STR("a"), STR("2")}}, 1},
        {{{STR("b"), STR("")}}, 1},
    };
    enum { COUNT = sizeof rising / sizeof rising[0] };

    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < COUNT; k++) {
            int order = labels_compare(rising[i].pairs, rising[i].count, rising[k].pairs, rising[k].count);
            cr_expect((order > 0) - (order < 0) == (i > k) - (i < k), "%zu and %zu", i, k);
        }
    }
}

Test(labels, identifiers)
{
    static const struct {
        str text;
        bool metric, label;
    } rows[] = {
        {STR("up"), true, true},    {STR("_"), true, true},          {STR("__name__"), true, true},
        {STR("a1"), true, true},    {STR(":a"), true, false},        {STR("a:b"), true, false},
        {STR(""), false, false},    {STR("1a"), false, false},       {STR("a-b"), false, false},
        {STR("a b"), false, false}, {STR("\xC3\xA9"), false, false}, {STR("a\0"), false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect(labels_is_metric_name(rows[i].text) == rows[i].metric, "\"%.*s\"", STR_ARG(rows[i].text));
        cr_expect(labels_is_label_name(rows[i].text) == rows[i].label, "\"%.*s\"", STR_ARG(rows[i].text));
    }
}

Test(labels, printed, .fini = release_arena)
{
    static const label odd[] = {{STR("a b"), STR("\"\\\n\t\r\1\x7F")}, {STR("e"), STR("\xC3\xA9")}};

    cr_expect(str_equal(labels_print(NULL, 0, &arena), STR("{}")));
    str text = labels_print(odd, 2, &arena);
    cr_expect(str_equal(text, STR("{\"a b\"=\"\\\"\\\\\\n\\t\\r\\x01\\x7f\", e=\"\xC3\xA9\"}")), "%.*s", STR_ARG(text));
}

/* Any bytes: what is taken keeps its promises, and writing it gives a form that reads back the same. */
Test(labels, hostile_bytes)
{
    uint64_t random = 1;
    unsigned taken = 0;

    for (int round = 0; round < 30000; round++) {
        struct writer raw = {0}, canonical = {0};
        label *pairs, *again;
        size_t count, again_count;
        for (unsigned i = 0; i < 3; i++) {
            char text[8];
            random_fill(&random, text, sizeof text);
            labels_write(&(label){i ? str_make(text, random_below(&random, 3)) : METRIC_NAME,
                                  str_make("valuable", random_below(&random, 9))},
                         1, &raw);
        }
        for (unsigned hits = random_below(&random, 3); hits > 0; hits--)
            raw.data[random_below(&random, raw.count)] = (uint8_t)random_below(&random, 32);
        str exact = exact_copy(str_part(written(&raw), 0, raw.count - random_below(&random, 2)));
        if (!failed(parse(exact, &no_limits, &pairs, &count))) {
            labels_write(pairs, count, &canonical);
            must(parse(written(&canonical), &no_limits, &again, &again_count));
            cr_assert(labels_compare(pairs, count, again, again_count) == 0);
            for (size_t i = 1; i < count; i++) cr_assert(str_compare(pairs[i - 1].name, pairs[i].name) < 0);
            taken++;
        }
        free((char *)exact.data);
        writer_release(&raw);
        writer_release(&canonical);
        arena_reset(&arena);
    }
    cr_expect(taken > 200, "only %u sets were good", taken);
    arena_release(&arena);
}
