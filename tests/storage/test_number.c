/* Numbers as text, in all forms, and the short cut against the long way. */
#include "storage/base/number.h"

#include "storage/base/str.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>

static const struct {
    double value;
    enum number_form form;
    const char *expected;
} cases[] = {
    {0, NUMBER_JSON, "0"},
    {-0.0, NUMBER_JSON, "-0"},
    {1, NUMBER_JSON, "1"},
    {-1.5, NUMBER_JSON, "-1.5"},
    {0.05, NUMBER_JSON, "0.05"},
    {0.1 + 0.2, NUMBER_JSON, "0.30000000000000004"},
    {123456.78, NUMBER_JSON, "123456.78"},
    {1e-6, NUMBER_JSON, "0.000001"},
    {1e-7, NUMBER_JSON, "1e-07"},
    {1.5e-10, NUMBER_JSON, "1.5e-10"},
    {1e20, NUMBER_JSON, "100000000000000000000"},
    {1e21, NUMBER_JSON, "1e+21"},
    {1.7976931348623157e308, NUMBER_JSON, "1.7976931348623157e+308"},
    {NAN, NUMBER_JSON, "NaN"},
    {INFINITY, NUMBER_JSON, "+Inf"},
    {-INFINITY, NUMBER_JSON, "-Inf"},
    {1e23, NUMBER_FIXED, "100000000000000000000000"},
    {1e-7, NUMBER_FIXED, "0.0000001"},
    {1234567, NUMBER_GENERAL, "1234567"},
    {1234567, NUMBER_SHORT, "1.234567e+06"},
    {123456, NUMBER_SHORT, "123456"},
    {1e6, NUMBER_SHORT, "1e+06"},
    {0.00001, NUMBER_SHORT, "1e-05"},
    {0.0001, NUMBER_SHORT, "0.0001"},
    {1, NUMBER_EXPONENT, "1e+00"},
    {0, NUMBER_EXPONENT, "0e+00"},
    {-25.5, NUMBER_EXPONENT, "-2.55e+01"},
};

Test(number, forms)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[NUMBER_TEXT_MAX];
        str made = str_make(text, number_format(cases[i].value, cases[i].form, text));
        cr_expect(str_equal(made, str_from(cases[i].expected)), "case %zu: %.*s, expected %s", i, STR_ARG(made),
                  cases[i].expected);
    }
}

/* What is written reads back as the same bits, and never longer than %.17g. */
Test(number, round_trip)
{
    srand48(1);
    for (int i = 0; i < 200000; i++) {
        char text[NUMBER_TEXT_MAX];
        double value;
        switch (i % 5) {
        case 0: value = (double)lrand48() / 100; break;
        case 1: value = (double)lrand48(); break;
        case 2: value = drand48() * 1e13; break;
        case 3: value = floor(drand48() * 1e15) / 100; break;
        default: value = exp(drand48() * 1000 - 500); break;
        }
        double again;
        str made = str_make(text, number_format(value, (enum number_form)(i / 5 % 5), text));
        cr_assert(str_to_double(made, &again) && again == value, "%.17g became %.*s", value, STR_ARG(made));
    }
}
