/* Expectations that the tests of the language share. */
#ifndef VARVE_TESTS_QUERY_EXPECT_H
#define VARVE_TESTS_QUERY_EXPECT_H

#include "query/parse.h"
#include "tests/support/test.h"

enum { ALL_FEATURES = FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_EXTENDED_RANGE_SELECTORS | FEATURE_FILL_MODIFIERS };

struct expected_error {
    const char *text, *message;
};

/* Each text is refused with its message, the position included. */
static inline void expect_errors(const struct expected_error *rows, size_t count, unsigned features)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        struct parse_error error;

        arena_init(&arena, NULL);
        const struct node *node = parse_query(str_from(rows[i].text), features, &arena, &error);
        str found = node ? ast_print(node, &arena) : parse_error_text(&error, &arena);
        cr_expect(!node && str_equal(found, str_from(rows[i].message)), "%s: %.*s, expected %s", rows[i].text,
                  STR_ARG(found), rows[i].message);
        arena_release(&arena);
    }
}

#endif
