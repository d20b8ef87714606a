/* Names of language features; see features.h. */
#include "query/features.h"

bool feature_by_name(str name, unsigned *out)
{
    static const struct {
        str name;
        unsigned feature;
    } rows[] = {
#define X(code, bit, text) {STR(text), FEATURE_##code},
        FEATURES(X)
#undef X
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (str_equal(name, rows[i].name)) {
            *out = rows[i].feature;
            return true;
        }
    }
    return false;
}
