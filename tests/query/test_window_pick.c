/* First, last, count, present and the times of the ends against plain loops. */
#include "tests/query/window_twin.h"

#include "tests/support/test.h"

#define PICK(name, result)                                                                                  \
    static bool name(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, double param, \
                     double *out)                                                                           \
    {                                                                                                       \
        (void)t;                                                                                            \
        (void)v;                                                                                            \
        (void)n;                                                                                            \
        (void)start;                                                                                        \
        (void)end;                                                                                          \
        (void)param;                                                                                        \
        *out = result;                                                                                      \
        return true;                                                                                        \
    }

PICK(twin_first, v[0])
PICK(twin_last, v[n - 1])
PICK(twin_count, (double)n)
PICK(twin_present, 1)
PICK(twin_ts_of_first, (double)t[0] / 1000)
PICK(twin_ts_of_last, (double)t[n - 1] / 1000)

Test(window_pick, against_twins)
{
    window_twin_check(&window_first, twin_first, 0, 0);
    window_twin_check(&window_last, twin_last, 0, 0);
    window_twin_check(&window_count, twin_count, 0, 0);
    window_twin_check(&window_present, twin_present, 0, 0);
    window_twin_check(&window_ts_of_first, twin_ts_of_first, 0, 0);
    window_twin_check(&window_ts_of_last, twin_ts_of_last, 0, 0);
}
