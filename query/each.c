/* Kernels of element-wise functions; see each.h. */
#include "query/each.h"

#include "query/bits.h"
#include "query/kernel.h"

/* Cheap ones compute every element of the tile, so that the loop becomes vectors. */
#define FLAT(name, expression)                                                     \
    KERNEL void each_##name(double *values, const uint64_t *present, size_t count) \
    {                                                                              \
        (void)present;                                                             \
        for (size_t i = 0; i < count; i++) {                                       \
            double x = values[i];                                                  \
            values[i] = (expression);                                              \
        }                                                                          \
    }

FLAT(abs, fabs(x))
FLAT(ceil, ceil(x))
FLAT(floor, floor(x))
FLAT(sqrt, sqrt(x))
FLAT(sgn, x<0 ? -1 : x> 0 ? 1 : x)
FLAT(deg, x * 180 / M_PI)
FLAT(rad, x *M_PI / 180)
FLAT(negate, -x)

/* Dear ones only what is present. */
#define PRESENT(name, function)                                             \
    void each_##name(double *values, const uint64_t *present, size_t count) \
    {                                                                       \
        bits_each(i, present, count) values[i] = function(values[i]);       \
    }

PRESENT(exp, exp)
PRESENT(ln, log)
PRESENT(log2, log2)
PRESENT(log10, log10)
PRESENT(sin, sin)
PRESENT(cos, cos)
PRESENT(tan, tan)
PRESENT(asin, asin)
PRESENT(acos, acos)
PRESENT(atan, atan)
PRESENT(sinh, sinh)
PRESENT(cosh, cosh)
PRESENT(tanh, tanh)
PRESENT(asinh, asinh)
PRESENT(acosh, acosh)
PRESENT(atanh, atanh)

/* Seconds are counted, without sign, from a year 0 so far back that everything is after it; times beyond that wrap
 * round as they do in Go. It is a multiple of 400 years before 1 March of our year 0, which lets leap days come last
 * (after Howard Hinnant's chrono algorithms). */
#define EPOCH_SECONDS 9223372028741760000u
#define DAY_SECONDS   86400

static uint64_t absolute_seconds(int64_t seconds)
{
    return (uint64_t)seconds + EPOCH_SECONDS;
}

/* Days since 1970. */
static int64_t days_of(int64_t seconds)
{
    return (int64_t)(absolute_seconds(seconds) / DAY_SECONDS) - (int64_t)(EPOCH_SECONDS / DAY_SECONDS);
}

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct date date_of(int64_t seconds)
{
    int64_t days = days_of(seconds) + 719468, era = divide_down(days, 146097);
    int64_t day = days - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    return (struct date){year + era * 400 + (month >= 10), (int)(month < 10 ? month + 3 : month - 9),
                         (int)(day_of_year - (153 * month + 2) / 5 + 1)};
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

double date_year(int64_t seconds)
{
    return (double)date_of(seconds).year;
}

double date_month(int64_t seconds)
{
    return date_of(seconds).month;
}

double date_day_of_month(int64_t seconds)
{
    return date_of(seconds).day;
}

double date_day_of_week(int64_t seconds)
{
    int64_t day = (days_of(seconds) + 4) % 7; /* 1970 began on a Thursday */

    return (double)(day < 0 ? day + 7 : day);
}

double date_day_of_year(int64_t seconds)
{
    struct date date = date_of(seconds);
    int days = date.day;

    for (int month = 1; month < date.month; month++) days += days_in(date.year, month);
    return days;
}

double date_days_in_month(int64_t seconds)
{
    struct date date = date_of(seconds);

    return days_in(date.year, date.month);
}

double date_hour(int64_t seconds)
{
    return (double)(absolute_seconds(seconds) % DAY_SECONDS / 3600);
}

double date_minute(int64_t seconds)
{
    return (double)(absolute_seconds(seconds) % 3600 / 60);
}
