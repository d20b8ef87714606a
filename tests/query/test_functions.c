/* The registry of functions. */
#include "query/functions.h"

#include "tests/support/test.h"

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

static const struct {
    const char *name, *nearest;
} misspelt[] = {
    {"rat", "rate"},
    {"raet", "rate"},
    {"increse", "increase"},
    {"histogram_quantil", "histogram_quantile"},
    {"avg_over_tme", "avg_over_time"},
    {"Rate", "rate"},
    {"summ", "sum"},
    {"count_value", "count_values"},
    {"x", NULL},
    {"", NULL},
    {"completely_different", NULL},
    {"a_name_that_is_much_longer_than_that_of_any_function", NULL},
};

Test(functions, nearest)
{
    for (size_t i = 0; i < sizeof misspelt / sizeof misspelt[0]; i++) {
        const char *found = functions_nearest(str_from(misspelt[i].name));
        cr_expect(str_equal(str_from(found), str_from(misspelt[i].nearest)), "%s: %s", misspelt[i].name,
                  found ? found : "none");
    }
}
