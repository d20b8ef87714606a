/* Element-wise kernels, and dates against the C library. */
#include "query/each.h"

#include "query/bits.h"
#include "tests/query/fixture.h"

#include <math.h>
#include <time.h>

Test(each, values)
{
    static const struct {
        each_kernel *run;
        double in, out;
    } cases[] = {
        {each_abs, -2.5, 2.5},   {each_ceil, -1.5, -1},
        {each_floor, -1.5, -2},  {each_sqrt, 9, 3},
        {each_sgn, -7, -1},      {each_sgn, 0, 0},
        {each_deg, M_PI, 180},   {each_rad, 180, M_PI},
        {each_negate, 2, -2},    {each_exp, 0, 1},
        {each_ln, 1, 0},         {each_log2, 8, 3},
        {each_log10, 1000, 3},   {each_sin, 0, 0},
        {each_cos, 0, 1},        {each_tan, 0, 0},
        {each_asin, 1, M_PI_2},  {each_acos, 1, 0},
        {each_atan, 1, M_PI_4},  {each_sinh, 0, 0},
        {each_cosh, 0, 1},       {each_tanh, 0, 0},
        {each_asinh, 0, 0},      {each_acosh, 1, 0},
        {each_atanh, 0, 0},      {each_abs, -INFINITY, INFINITY},
        {each_sgn, INFINITY, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double values[70];
        uint64_t present[2] = {0};
        for (size_t k = 0; k < 70; k++) values[k] = cases[i].in;
        bits_fill(present, 70);
        cases[i].run(values, present, 70);
        for (size_t k = 0; k < 70; k++) cr_assert(values[k] == cases[i].out, "case %zu: %g", i, values[k]);
    }
}

Test(each, dates_against_the_library)
{
    struct random random = {13};

    for (int i = 0; i < 20000; i++) {
        time_t seconds = (time_t)(random_next(&random) % 8000000000000) - 4000000000000;
        struct tm tm;
        if (i < 3000) seconds = (time_t)(random_next(&random) % 8000000000) - 4000000000;
        gmtime_r(&seconds, &tm);
        cr_assert(date_year(seconds) == tm.tm_year + 1900.0, "%lld", (long long)seconds);
        cr_assert(date_month(seconds) == tm.tm_mon + 1);
        cr_assert(date_day_of_month(seconds) == tm.tm_mday);
        cr_assert(date_day_of_week(seconds) == tm.tm_wday);
        cr_assert(date_day_of_year(seconds) == tm.tm_yday + 1);
        cr_assert(date_hour(seconds) == tm.tm_hour);
        cr_assert(date_minute(seconds) == tm.tm_min);
    }
}

Test(each, months_have_their_days)
{
    cr_assert(date_days_in_month(951782400) == 29);  /* February 2000 */
    cr_assert(date_days_in_month(4105123200) == 28); /* February 2100 */
    cr_assert(date_days_in_month(0) == 31);
    cr_assert(date_year(INT64_MIN) == 292277026596);
}
