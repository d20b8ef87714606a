/* Limits of the parser, and what it takes of memory. */
#include "query/parser.h"

#include "tests/query/expect.h"

#include <stdlib.h>

/* prefix × count, middle, suffix × count; to be freed */
static str repeat(const char *prefix, const char *middle, const char *suffix, size_t count)
{
    size_t before = strlen(prefix), after = strlen(suffix), len = 0;
    char *text = malloc((before + after) * count + strlen(middle) + 1);

    for (size_t i = 0; i < count; i++, len += before) memcpy(text + len, prefix, before);
    memcpy(text + len, middle, strlen(middle));
    len += strlen(middle);
    for (size_t i = 0; i < count; i++, len += after) memcpy(text + len, suffix, after);
    return str_make(text, len);
}

/* Whatever makes a tree deep is refused with the limit in the message, long before the stack is in danger. */
static const struct {
    const char *name, *prefix, *middle, *suffix;
    size_t levels; /* nodes that one repetition adds to the height */
} shapes[] = {
    {"parentheses", "(", "a", ")", 1},
    {"calls", "abs(", "a", ")", 1},
    {"aggregations", "sum by (b) (", "a", ")", 1},
    {"signs", "-", "a", "", 1},
    {"chain to the left", "a+", "a", "", 1},
    {"chain to the right", "a^", "a", "", 1},
    {"set operators", "a or ", "a", "", 1},
    {"subqueries", "max_over_time(", "a", "[5m:])", 2},
};

static void expect_depth(size_t shape, size_t count, bool fits)
{
    struct arena arena;
    struct parse_error error;
    str text = repeat(shapes[shape].prefix, shapes[shape].middle, shapes[shape].suffix, count);

    arena_init(&arena, NULL);
    const struct node *node = parse_query(text, 0, &arena, &error);
    cr_expect((node != NULL) == fits, "%s: %zu", shapes[shape].name, count);
    if (node) {
        cr_expect(node->height <= PARSE_DEPTH_MAX && ast_pretty(node, &arena).len >= text.len, "%s",
                  shapes[shape].name);
    } else {
        cr_expect(str_starts_with(error.message, STR("expression is nested deeper than 500 levels")), "%s",
                  shapes[shape].name);
    }
    arena_release(&arena);
    free((void *)text.data);
}

Test(parser, depth)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        size_t fits = PARSE_DEPTH_MAX / shapes[i].levels - 1;
        expect_depth(i, fits, true);
        expect_depth(i, fits + 1, false);
        expect_depth(i, 100000, false);
    }
}

Test(parser, depth_of_durations)
{
    static const char *const prefixes[] = {"(", "-", "1+", "step()^", "min_of(1,"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct arena arena;
        struct parse_error error;
        bool opens = strchr(prefixes[i], '(') && !strchr(prefixes[i], ')');
        str inner = repeat(prefixes[i], "step()", opens ? ")" : "", 1000);

        arena_init(&arena, NULL);
        str text = arena_format(&arena, "a[%.*s]", STR_ARG(inner));
        const struct node *node = parse_query(text, 0, &arena, &error);
        cr_expect(!node && str_starts_with(error.message, STR("expression is nested deeper")), "%s", prefixes[i]);
        arena_release(&arena);
        free((void *)inner.data);
    }
}

Test(parser, length)
{
    struct arena arena;
    struct parse_error error;
    str text = repeat(" ", "1", "", PARSE_TEXT_MAX);

    arena_init(&arena, NULL);
    cr_expect(!parse_query(text, 0, &arena, &error));
    cr_expect(str_equal(error.message, STR("query has 10485761 bytes, the limit is 10485760")));
    cr_expect(parse_query(str_part(text, 1, text.len), 0, &arena, &error));
    arena_release(&arena);
    free((void *)text.data);
}

/* A wide query stops when its account is over, and so does one with costly patterns. */
Test(parser, memory)
{
    static const struct {
        const char *prefix, *repeated, *suffix;
        size_t count;
    } rows[] = {
        {"label_join(a", ",1", ")", 60000},
        {"{a=\"b\"", ",c=~\"(x{100}){9}\"", "}", 5000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct account account;
        struct arena arena, scratch = {0};
        struct parse_error error;
        str inner = repeat(rows[i].repeated, "", "", rows[i].count);

        account_init(&account, 4 << 20, NULL);
        arena_init(&arena, &account);
        str text = arena_format(&scratch, "%s%.*s%s", rows[i].prefix, STR_ARG(inner), rows[i].suffix);
        cr_expect(!parse_query(text, 0, &arena, &error), "row %zu", i);
        cr_expect(str_equal(error.message, STR("query is too large for the memory that it may take")), "row %zu", i);
        arena_release(&arena);
        arena_release(&scratch);
        cr_expect(account.used_bytes == 0 && account.peak_bytes < 64 << 20, "row %zu: %zu", i,
                  (size_t)account.peak_bytes);
        free((void *)inner.data);
    }
}
