/* JSON as a stream of bytes into a writer.
 *
 * The caller writes the structure (braces, commas, keys) as literal text; these functions write what needs thought:
 * strings, numbers and points. A point is `[1435781451.781,"1.5"]`: seconds with three decimals unless they are zero,
 * and the value as text. Ten thousand series on one grid have the same times, so a json_grid holds their texts, made
 * once: what remains per point is a copy and the digits of the value.
 */
#ifndef VARVE_HTTP_JSON_H
#define VARVE_HTTP_JSON_H

#include "storage/base/arena.h"
#include "storage/base/bytes.h"

/* A literal as it is. */
#define json_put_raw(w, literal) writer_bytes((w), "" literal, sizeof(literal) - 1)

/* A string in quotes. Bytes that are no UTF-8 become U+FFFD. */
void json_put_string(struct writer *w, str text);

void json_put_signed(struct writer *w, int64_t value);
void json_put_unsigned(struct writer *w, uint64_t value);

/* Seconds as a JSON number, for statistics: never an exponent; 0 for what JSON has no number for. */
void json_put_seconds(struct writer *w, double seconds);

/* A list of strings. */
void json_put_strings(struct writer *w, const str *texts, size_t count);

/* One point. */
void json_put_point(struct writer *w, int64_t time_ms, double value);

/* The time of a point: seconds, with three decimals unless they are zero. */
void json_put_time(struct writer *w, int64_t time_ms);

/* The point of a scalar or string result, whose time is the shortest decimal: `[1435781451.7,"1"]`. */
void json_put_scalar_point(struct writer *w, int64_t time_ms, double value);
void json_put_string_point(struct writer *w, int64_t time_ms, str value);

/* `,[1435781451.781,"`: what stands between the values of two points. */
enum { JSON_STAMP_MAX = 27 };
struct json_stamp {
    char text[JSON_STAMP_MAX];
    uint8_t len;
};

struct json_grid {
    int64_t start_ms, step_ms;
    size_t count;
    const struct json_stamp *stamps;
};

/* Texts of the times start, start + step, …; in the arena. Read-only afterwards, so many threads may share it. */
void json_grid_make(struct json_grid *grid, int64_t start_ms, int64_t step_ms, size_t count, struct arena *arena);

/* A list of points with rising times, `[[t,"v"],…]`. Times that are not on the grid are fine; the grid may be NULL. */
void json_put_points(struct writer *w, const struct json_grid *grid, const int64_t *times_ms, const double *values,
                     size_t count);

#endif
