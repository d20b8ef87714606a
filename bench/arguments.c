/* Values of command-line options; see arguments.h. */
#include "bench/arguments.h"

#include "storage/base/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void arguments_refuse(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "--%s %s: expected %s\n", option, value, expected);
    exit(2);
}

uint64_t arguments_number(const char *option, const char *value, uint64_t min, uint64_t max)
{
    uint64_t number;
    char expected[80];

    if (str_to_uint64(str_from(value), &number) && number >= min && number <= max) return number;
    snprintf(expected, sizeof expected, "a whole number from %llu to %llu", (unsigned long long)min,
             (unsigned long long)max);
    arguments_refuse(option, value, expected);
}

int64_t arguments_duration_ms(const char *option, const char *value)
{
    static const struct {
        str unit;
        uint64_t ms;
    } units[] = {{STR("ms"), 1}, {STR("s"), 1000}, {STR("m"), 60000}, {STR("h"), 3600000}, {STR("d"), 86400000}};
    str text = str_from(value);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t count;
        if (!str_ends_with(text, units[i].unit)) continue;
        if (str_to_uint64(str_part(text, 0, text.len - units[i].unit.len), &count) && count < UINT32_MAX)
            return (int64_t)(count * units[i].ms);
    }
    arguments_refuse(option, value, "a duration such as 15s, 10m, 25h or 250ms");
}

int64_t arguments_time_ms(const char *option, const char *value)
{
    double seconds;

    if (str_to_double(str_from(value), &seconds) && seconds > 0 && seconds < 4e9) return llround(seconds * 1000);
    arguments_refuse(option, value, "a time in Unix seconds");
}
