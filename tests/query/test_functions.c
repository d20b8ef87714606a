/* The registry of functions. */
#include "query/functions.h"

#include "tests/query/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(functions, order)
{
    size_t count;
    const struct function *all = functions_all(&count);

    for (size_t i = 0; i < count; i++) {
        str documentation = str_from(all[i].documentation);
        cr_expect(i == 0 || str_compare(str_from(all[i - 1].name), str_from(all[i].name)) < 0, "%s", all[i].name);
        cr_expect(functions_find(str_from(all[i].name)) == &all[i], "%s", all[i].name);
        cr_expect(str_find(documentation, '.') + 1 == documentation.len, "%s has one sentence", all[i].name);
    }
}

Test(functions, find)
{
    static const char *const none[] = {"", "Rate", "rate ", "rat", "rates", "sum", "zzz", "_"};

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        cr_expect(!functions_find(str_from(none[i])), "%s", none[i]);
    cr_expect(functions_find(STR("step"))->experimental && !functions_find(STR("rate"))->experimental);
    cr_expect(functions_find(STR("scalar"))->gives == VALUE_SCALAR);
}

static const struct {
    const char *name, *types; /* by their letters in a registry row */
    int variadic;
} signatures[] = {
    {"abs", "v", 0},
    {"clamp", "vss", 0},
    {"hour", "v", 1},
    {"histogram_quantiles", "vtss", 9},
    {"info", "vv", 1},
    {"label_join", "vttt", -1},
    {"label_replace", "vtttt", 0},
    {"quantile_over_time", "sm", 0},
    {"rate", "m", 0},
    {"round", "vs", 1},
    {"sort_by_label", "vt", -1},
    {"time", "", 0},
};

Test(functions, signatures)
{
    static const char letters[] = {
        [VALUE_SCALAR] = 's', [VALUE_VECTOR] = 'v', [VALUE_MATRIX] = 'm', [VALUE_STRING] = 't'};

    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        struct signature signature = functions_signature(functions_find(str_from(signatures[i].name)));
        bool same = signature.count == strlen(signatures[i].types) && signature.variadic == signatures[i].variadic;
        for (size_t j = 0; j < signature.count && same; j++)
            same = letters[signature.types[j]] == signatures[i].types[j];
        cr_expect(same, "%s", signatures[i].name);
    }
}

/* A case for every row, in the order of rows; what they compute in full is in the files of their kernels. */
Test(functions, every_row_has_a_case)
{
    static const struct fixture_case cases[] = {
        {"abs(-x)", 30000, 0, 0, "{} 0.5@30\n"},
        {"absent(nothing{a=\"b\"})", 30000, 0, 0, "{a=\"b\"} 1@30\n"},
        {"absent_over_time(nothing[1m])", 30000, 0, 0, "{} 1@30\n"},
        {"acos(x)", 30000, 0, 0, "{} 1.0471975511965979@30\n"},
        {"acosh(c_total)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 2.7686593833135738@30\n"},
        {"asin(x)", 30000, 0, 0, "{} 0.5235987755982989@30\n"},
        {"asinh(x)", 30000, 0, 0, "{} 0.48121182505960347@30\n"},
        {"atan(x)", 30000, 0, 0, "{} 0.4636476090008061@30\n"},
        {"atanh(x)", 30000, 0, 0, "{} 0.5493061443340548@30\n"},
        {"avg_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 3.75@30\n"},
        {"ceil(x)", 30000, 0, 0, "{} 1@30\n"},
        {"changes(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 3@30\n"},
        {"clamp(c_total, 2, 3)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 3@30\n"},
        {"clamp_max(c_total, 3)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 3@30\n"},
        {"clamp_min(c_total, 9)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 9@30\n"},
        {"cos(x)", 30000, 0, 0, "{} 0.8775825618903728@30\n"},
        {"cosh(x)", 30000, 0, 0, "{} 1.1276259652063807@30\n"},
        {"count_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 4@30\n"},
        {"day_of_month(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 9@30\n"},
        {"day_of_week(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 2@30\n"},
        {"day_of_year(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 129@30\n"},
        {"days_in_month(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 31@30\n"},
        {"deg(x)", 30000, 0, 0, "{} 28.64788975654116@30\n"},
        {"delta(x[1m])", 30000, 0, 0, "{} 0@30\n"},
        {"deriv(x[1m])", 30000, 0, 0, "{} 0.005@30\n"},
        {"double_exponential_smoothing(c_total[1m], 0.5, 0.5)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 6.375@30\n"},
        {"end()", 30000, 0, 0, "scalar 30\n"},
        {"exp(x)", 30000, 0, 0, "{} 1.6487212707001282@30\n"},
        {"first_over_time(c_total[1m])", 30000, 0, 0, "{__name__=\"c_total\", instance=\"i\", job=\"ab\"} 1@30\n"},
        {"floor(x)", 30000, 0, 0, "{} 0@30\n"},
        {"histogram_avg(h)", 30000, 0, 0, "{} 1@30\n"},
        {"histogram_count(h)", 30000, 0, 0, "{} 8@30\n"},
        {"histogram_fraction(0, 1, h)", 30000, 0, 0, "{} 0.375@30\n"},
        {"histogram_quantile(0.5, h)", 30000, 0, 0, "{} 1.148698354997035@30\n"},
        {"histogram_quantiles(h, \"q\", 0.5, 1)", 30000, 0, 0, "{q=\"0.5\"} 1.148698354997035@30\n{q=\"1.0\"} 2@30\n"},
        {"histogram_stddev(h)", 30000, 0, 0, "{} 0.37336705953219895@30\n"},
        {"histogram_stdvar(h)", 30000, 0, 0, "{} 0.13940296114372058@30\n"},
        {"histogram_sum(h)", 30000, 0, 0, "{} 8@30\n"},
        {"hour(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 6@30\n"},
        {"idelta(x[1m])", 30000, 0, 0, "{} -0.25@30\n"},
        {"increase(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 8@30\n"},
        {"info(c_total)", 30000, 0, 0, "{__name__=\"c_total\", instance=\"i\", job=\"ab\", version=\"7\"} 8@30\n"},
        {"irate(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 0.4@30\n"},
        {"label_join(c_total, \"b\", \"-\", \"job\", \"job\")", 30000, 0, 0,
         "{__name__=\"c_total\", b=\"ab-ab\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"label_replace(c_total, \"b\", \"$1\", \"job\", \"(.).*\")", 30000, 0, 0,
         "{__name__=\"c_total\", b=\"a\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"last_over_time(c_total[1m])", 30000, 0, 0, "{__name__=\"c_total\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"ln(x)", 30000, 0, 0, "{} -0.6931471805599453@30\n"},
        {"log10(x)", 30000, 0, 0, "{} -0.3010299956639812@30\n"},
        {"log2(x)", 30000, 0, 0, "{} -1@30\n"},
        {"mad_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 1.5@30\n"},
        {"max_of(1, 2)", 30000, 0, 0, "scalar 2\n"},
        {"max_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 8@30\n"},
        {"min_of(1, 2)", 30000, 0, 0, "scalar 1\n"},
        {"min_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 1@30\n"},
        {"minute(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 13@30\n"},
        {"month(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 5@30\n"},
        {"pi()", 30000, 0, 0, "scalar 3.141592653589793\n"},
        {"predict_linear(c_total[1m], 60)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 21@30\n"},
        {"present_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 1@30\n"},
        {"quantile_over_time(0.5, c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 3@30\n"},
        {"rad(x)", 30000, 0, 0, "{} 0.008726646259971648@30\n"},
        {"range()", 30000, 0, 0, "scalar 0\n"},
        {"rate(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 0.13333333333333333@30\n"},
        {"resets(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 0@30\n"},
        {"round(c_total, 5)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 10@30\n"},
        {"scalar(c_total)", 30000, 0, 0, "scalar 8\n"},
        {"sgn(-x)", 30000, 0, 0, "{} -1@30\n"},
        {"sin(x)", 30000, 0, 0, "{} 0.479425538604203@30\n"},
        {"sinh(x)", 30000, 0, 0, "{} 0.5210953054937474@30\n"},
        {"sort(c_total)", 30000, 0, 0, "{__name__=\"c_total\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"sort_by_label(c_total, \"job\")", 30000, 0, 0, "{__name__=\"c_total\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"sort_by_label_desc(c_total, \"job\")", 30000, 0, 0,
         "{__name__=\"c_total\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"sort_desc(c_total)", 30000, 0, 0, "{__name__=\"c_total\", instance=\"i\", job=\"ab\"} 8@30\n"},
        {"sqrt(x)", 30000, 0, 0, "{} 0.7071067811865476@30\n"},
        {"start()", 30000, 0, 0, "scalar 30\n"},
        {"start_timestamp(c_total)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 0@30\n"},
        {"stddev_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 2.680951323690902@30\n"},
        {"stdvar_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 7.1875@30\n"},
        {"step()", 30000, 0, 0, "scalar 0\n"},
        {"sum_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 15@30\n"},
        {"tan(x)", 30000, 0, 0, "{} 0.5463024898437905@30\n"},
        {"tanh(x)", 30000, 0, 0, "{} 0.46211715726000974@30\n"},
        {"time()", 30000, 0, 0, "scalar 30\n"},
        {"timestamp(c_total)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 30@30\n"},
        {"ts_of_first_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 0@30\n"},
        {"ts_of_last_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 30@30\n"},
        {"ts_of_max_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 30@30\n"},
        {"ts_of_min_over_time(c_total[1m])", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 0@30\n"},
        {"vector(3)", 30000, 0, 0, "{} 3@30\n"},
        {"year(c_total * 1e8)", 30000, 0, 0, "{instance=\"i\", job=\"ab\"} 1995@30\n"},
    };
    struct fixture fixture;
    size_t count;
    const struct function *all = functions_all(&count);

    cr_assert(count == sizeof cases / sizeof cases[0], "%zu functions", count);
    for (size_t i = 0; i < count; i++) {
        str query = str_from(cases[i].query);
        str called = str_part(query, 0, str_find(query, '('));
        cr_expect(str_equal(called, str_from(all[i].name)), "the case of %s is %s", all[i].name, cases[i].query);
    }
    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_START_TIMESTAMPS);
    fixture_load(&fixture, 10000,
                 "c_total{job=\"ab\",instance=\"i\"} 1 2 4 8\n"
                 "x 0.5 0.25 0.75 0.5\n"
                 "h h1,2 h2,2 h2,4 h3,5\n"
                 "target_info{job=\"ab\",instance=\"i\",version=\"7\"} 1 1 1 1\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

static const char *type_name(char letter)
{
    switch (letter) {
    case 'v': return "instant vector";
    case 'm': return "range vector";
    case 's': return "scalar";
    case 't': return "string";
    default: return "label selector";
    }
}

/* `f(scalar, instant vector?, string, …)` */
static str print_call(const struct function *function, struct arena *arena)
{
    str text = arena_format(arena, "`%s(", function->name);

    for (const char *at = function->takes; *at; at++) {
        if (*at == '?') {
            text = arena_format(arena, "%.*s?", STR_ARG(text));
        } else if (*at == '*') {
            text = arena_format(arena, "%.*s, …", STR_ARG(text));
        } else if (*at < '0' || *at > '9') {
            text = arena_format(arena, "%.*s%s%s", STR_ARG(text), at == function->takes ? "" : ", ", type_name(*at));
        }
    }
    return arena_format(arena, "%.*s)`", STR_ARG(text));
}

/* The table of docs/promql.md: `VARVE_WRITE_DOCS=1 build/dev/test_query --filter functions/page` writes it anew. */
static str print_table(struct arena *arena)
{
    str text = STR("| function | gives | |\n|---|---|---|\n");
    size_t count;
    const struct function *all = functions_all(&count);

    for (size_t i = 0; i < count; i++) {
        str call = print_call(&all[i], arena), gives = value_type_name(all[i].gives);
        text = arena_format(arena, "%.*s| %.*s | %.*s | %s%s |\n", STR_ARG(text), STR_ARG(call), STR_ARG(gives),
                            all[i].documentation, all[i].experimental ? " *Experimental.*" : "");
    }
    return text;
}

static str read_page(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    char *text = arena_alloc(arena, 1 << 20);

    cr_assert(file, "%s", path);
    size_t len = fread(text, 1, 1 << 20, file);
    fclose(file);
    return str_make(text, len);
}

Test(functions, page)
{
    static const char path[] = VARVE_SOURCE_DIR "/docs/promql.md", begin[] = "<!-- functions -->\n",
                      end[] = "<!-- end -->";
    struct arena arena;

    arena_init(&arena, NULL);
    str page = read_page(path, &arena), table = print_table(&arena);
    const char *from = memmem(page.data, page.len, begin, strlen(begin));
    const char *to = memmem(page.data, page.len, end, strlen(end));
    cr_assert(from && to && from < to, "the marks around the table are missing");
    from += strlen(begin);
    if (getenv("VARVE_WRITE_DOCS")) {
        FILE *file = fopen(path, "wb");
        cr_assert(file);
        fwrite(page.data, 1, (size_t)(from - page.data), file);
        fwrite(table.data, 1, table.len, file);
        fwrite(to, 1, (size_t)(page.data + page.len - to), file);
        fclose(file);
    } else {
        cr_expect(str_equal(str_make(from, (size_t)(to - from)), table), "docs/promql.md is not made from the table");
    }
    arena_release(&arena);
}
