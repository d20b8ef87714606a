/* Any text: what parses also prints, on one line and on several, and both read back as an equal tree.
 *
 * The first byte of the input chooses the features. */
#include "query/ast.h"
#include "query/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(const struct node *node, str printed, unsigned features, struct arena *arena)
{
    struct parse_error error;
    const struct node *again = parse_query(printed, features, arena, &error);

    if (!again || !ast_equal(node, again)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena arena;
    struct parse_error error;
    const struct matcher *matchers;
    const label *labels;
    size_t count, used;

    if (bytes == 0) return 0;
    unsigned features = data[0];
    str text = str_make((const char *)data + 1, bytes - 1);
    arena_init(&arena, NULL);
    const struct node *node = parse_query(text, features, &arena, &error);
    if (node) {
        check(node, ast_print(node, &arena), features, &arena);
        check(node, ast_pretty(node, &arena), features, &arena);
    } else if (error.message.len == 0) {
        abort();
    }
    parse_selector(text, &arena, &matchers, &count, &error);
    if (parse_series(text, &arena, &labels, &count, &used, &error) && used > text.len) abort();
    arena_release(&arena);
    return 0;
}
