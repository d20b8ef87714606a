/* Names of language features. */
#include "query/features.h"

#include "tests/support/test.h"

Test(features, names)
{
    static const struct {
        const char *name;
        unsigned feature;
    } rows[] = {
#define X(code, bit, text) {text, FEATURE_##code},
        FEATURES(X)
#undef X
    };
    static const char *const none[] = {"", "promql", "promql-per-step-stat", "promql-per-step-stats ", "X"};
    unsigned seen = 0, feature;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect(feature_by_name(str_from(rows[i].name), &feature) && feature == rows[i].feature, "%s", rows[i].name);
        cr_expect(!(seen & feature), "%s has a bit of its own", rows[i].name);
        seen |= feature;
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        cr_expect(!feature_by_name(str_from(none[i]), &feature), "%s", none[i]);
}
