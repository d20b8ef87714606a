/* Every query of the conformance suites parses, prints, and reads back as an equal tree.
 *
 * The suites are not part of this project; the environment variable VARVE_CONFORMANCE names the folder with promql/
 * (test scripts) and compliance/ (a list of queries); by default it is looked for beside the project. */
#include "query/ast.h"

#include "tests/query/expect.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static const char *find_suites(void)
{
    const char *folder = getenv("VARVE_CONFORMANCE");
    if (!folder) folder = VARVE_CONFORMANCE_DEFAULT;
    DIR *opened = opendir(folder);

    if (!opened) {
        fprintf(stderr, "skipped: no suites in %s; VARVE_CONFORMANCE names their folder\n", folder);
        return NULL;
    }
    closedir(opened);
    return folder;
}

static str cut_word(str *line)
{
    *line = str_trim(*line);
    size_t end = 0;
    while (end < line->len && !strchr(" \t", line->data[end])) end++;
    str word = str_part(*line, 0, end);
    *line = str_trim(str_part(*line, end, line->len));
    return word;
}

static bool cut_words(str *line, size_t count)
{
    while (count-- > 0) {
        if (cut_word(line).len == 0) return false;
    }
    return true;
}

/* The query of `eval… instant at TIME QUERY` or `eval… range from START to END step STEP QUERY`. */
static bool query_of_script(str line, str *query)
{
    if (!str_starts_with(cut_word(&line), STR("eval"))) return false;
    bool instant = str_equal(cut_word(&line), STR("instant"));
    if (!cut_words(&line, instant ? 2 : 6)) return false;
    *query = line;
    return line.len > 0;
}

static void expect_round_trip(str text)
{
    struct arena arena;
    struct parse_error error;

    arena_init(&arena, NULL);
    const struct node *node = parse_query(text, ALL_FEATURES, &arena, &error);
    cr_expect(node, "%.*s: %.*s", STR_ARG(text), STR_ARG(parse_error_text(&error, &arena)));
    if (node) {
        str flat = ast_print(node, &arena), pretty = ast_pretty(node, &arena);
        const struct node *again = parse_query(flat, ALL_FEATURES, &arena, &error);
        cr_expect(again && ast_equal(node, again), "%.*s became %.*s", STR_ARG(text), STR_ARG(flat));
        cr_expect(again && str_equal(ast_print(again, &arena), flat), "%.*s", STR_ARG(flat));
        again = parse_query(pretty, ALL_FEATURES, &arena, &error);
        cr_expect(again && ast_equal(node, again), "%.*s became %.*s", STR_ARG(text), STR_ARG(pretty));
    }
    arena_release(&arena);
}

static size_t check_script(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0, queries = 0;
    ssize_t len;
    str query;

    cr_assert(file, "%s", path);
    while ((len = getline(&line, &capacity, file)) >= 0) {
        if (!query_of_script(str_trim(str_make(line, (size_t)len)), &query)) continue;
        expect_round_trip(query);
        queries++;
    }
    free(line);
    fclose(file);
    return queries;
}

Test(conformance, scripts)
{
    const char *folder = find_suites();
    size_t queries = 0;
    char path[4096];

    if (!folder) return;
    snprintf(path, sizeof path, "%s/promql", folder);
    DIR *opened = opendir(path);
    cr_assert(opened, "%s", path);
    for (struct dirent *entry; (entry = readdir(opened));) {
        if (!str_ends_with(str_from(entry->d_name), STR(".test"))) continue;
        snprintf(path, sizeof path, "%s/promql/%s", folder, entry->d_name);
        queries += check_script(path);
    }
    closedir(opened);
    cr_expect(queries > 2000, "%zu", queries);
}

/* One query a line, after a tab what is special about its result; lines with # are comments. */
Test(conformance, queries)
{
    const char *folder = find_suites();
    char path[4096], *line = NULL;
    size_t capacity = 0, queries = 0;
    ssize_t len;

    if (!folder) return;
    snprintf(path, sizeof path, "%s/compliance/queries.txt", folder);
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    while ((len = getline(&line, &capacity, file)) >= 0) {
        str rest = str_trim(str_make(line, (size_t)len)), query = str_cut(&rest, '\t');
        if (rest.len || query.data[0] == '#') continue;
        expect_round_trip(query);
        queries++;
    }
    cr_expect(queries > 500, "%zu", queries);
    free(line);
    fclose(file);
}
