/* Times and durations as parameters of the API: seconds as a number, RFC 3339, or PromQL's durations. */
#ifndef VARVE_HTTP_TIMES_H
#define VARVE_HTTP_TIMES_H

#include "storage/base/arena.h"
#include "storage/base/str.h"

/* What "since ever" and "for ever" are in the API. Their RFC 3339 forms have years of six and more digits; a client
 * library sends them. */
#define TIME_MIN_MS (-9223309901257974000LL)
#define TIME_MAX_MS 9223309901257974999LL

/* A float of Unix seconds, rounded to milliseconds half away from zero, or RFC 3339, cut to milliseconds. */
bool times_parse(str text, int64_t *out_ms);

/* A date and time of day, `zone_minutes` east of Greenwich. False if there is no such date. */
struct time_parts {
    int year, month, day, hour, minute, second, ms, zone_minutes;
};
bool times_from_parts(const struct time_parts *parts, int64_t *out_ms);

enum times_duration { DURATION_OK, DURATION_MALFORMED, DURATION_OVERFLOW };

/* A float of seconds or a duration such as 1h30m, in nanoseconds. */
enum times_duration times_parse_duration(str text, int64_t *out_ns);

/* RFC 3339 in UTC with milliseconds; in the arena. */
str times_print(int64_t ms, struct arena *arena);

#endif
