/* Suggestions; see suggest.h. */
#include "query/suggest.h"

#include "query/functions.h"

#include <assert.h>

enum { WORD_BYTES_MAX = 40 };

static const char *const keywords[] = {"and",         "or",        "unless",     "atan2",    "by",      "without",
                                       "on",          "ignoring",  "offset",     "bool",     "fill",    "group_left",
                                       "group_right", "fill_left", "fill_right", "anchored", "smoothed"};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What it costs to make one name of the other: 2 for a letter forgotten, added or swapped with its neighbour, 3 for a
 * wrong one. */
static size_t distance(str a, str b)
{
    size_t rows[3][WORD_BYTES_MAX + 1]; /* the last three rows of the table of distances between prefixes */

    assert(b.len <= WORD_BYTES_MAX);
    for (size_t j = 0; j <= b.len; j++) rows[0][j] = 2 * j;
    for (size_t i = 1; i <= a.len; i++) {
        const size_t *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];
        row[0] = 2 * i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t wrong = a.data[i - 1] == lower(b.data[j - 1]) ? 0 : 3;
            row[j] = least(above[j - 1] + wrong, least(above[j], row[j - 1]) + 2);
            if (i > 1 && j > 1 && a.data[i - 1] == lower(b.data[j - 2]) && a.data[i - 2] == lower(b.data[j - 1]))
                row[j] = least(row[j], before[j - 2] + 2);
        }
    }
    return rows[a.len % 3][b.len];
}

/* The best word so far. */
struct search {
    str misspelt;
    size_t best;
    const char *found;
};

static void consider(struct search *search, const char *word)
{
    size_t found = distance(str_from(word), search->misspelt);

    if (found >= search->best) return;
    search->best = found;
    search->found = word;
}

const char *suggest_word(str misspelt, unsigned among)
{
    struct search search = {misspelt, least(misspelt.len, 6) + 1, NULL}; /* three mistakes, in short words fewer */
    size_t count;
    const struct function *functions = functions_all(&count);

    if (misspelt.len > WORD_BYTES_MAX) return NULL;
    if (among & SUGGEST_FUNCTIONS) {
        for (size_t i = 0; i < count; i++) consider(&search, functions[i].name);
        for (int op = 0; op <= AGGREGATE_LIMIT_RATIO; op++)
            consider(&search, aggregate_text((enum aggregate_kind)op).data);
    }
    for (size_t i = 0; among & SUGGEST_KEYWORDS && i < sizeof keywords / sizeof keywords[0]; i++)
        consider(&search, keywords[i]);
    return search.found;
}

str suggest_text(str misspelt, unsigned among, struct arena *arena)
{
    const char *word = suggest_word(misspelt, among);

    return word ? arena_format(arena, ", did you mean \"%s\"?", word) : STR("");
}
