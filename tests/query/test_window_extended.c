/* anchored and smoothed selectors in functions. */
#include "tests/query/fixture.h"

Test(window_extended, boundaries)
{
    static const struct fixture_case cases[] = {
        {"increase(a[20s] anchored)", 30000, 0, 0,
         "{} 5@30\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:10)\n"},
        {"increase(a[20s] anchored)", 35000, 0, 0,
         "{} 5@35\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:10)\n"},
        {"rate(a[20s] anchored)", 35000, 0, 0,
         "{} 0.25@35\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:6)\n"},
        {"delta(a[20s] anchored)", 35000, 0, 0, "{} 2@35\n"},
        {"changes(a[20s] anchored)", 35000, 0, 0, "{} 2@35\n"},
        {"resets(a[30s] anchored)", 45000, 0, 0, "{} 2@45\n"},
        {"increase(a[20s] smoothed)", 35000, 0, 0,
         "{} 4.5@35\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:10)\n"},
        {"delta(a[20s] smoothed)", 35000, 0, 0, "{} 0.5@35\n"},
        {"rate(a[10s] smoothed)", 5000, 0, 0,
         "{} 0.1@5\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:6)\n"},
        {"increase(a[20s] anchored)", 0, 0, 0,
         "{} 0@0\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:10)\n"},
        {"changes(b[10s] anchored)", 400000, 0, 0, ""},
        {"delta(b[15s] smoothed)", 0, 60000, 15000, "{} 0@0 2@15 2@30 3@45 1@60\n"},
        {"irate(a[20s] anchored)", 20000, 0, 0,
         "error anchored modifier can only be used with: changes, delta, increase, rate, resets - not with irate\n"},
        {"resets(a[20s] smoothed)", 20000, 0, 0,
         "error smoothed modifier can only be used with: delta, increase, rate - not with resets\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXTENDED_RANGE_SELECTORS);
    fixture_load(&fixture, 10000,
                 "a 1 3 2 5 1 1\n"
                 "b 0 0 4 4 stale 8\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
