/* Queries to a server that speaks Prometheus' HTTP API, and comparison of what two of them answer. */
#ifndef VARVE_TESTS_SUPPORT_PROM_API_H
#define VARVE_TESTS_SUPPORT_PROM_API_H

#include "storage/base/arena.h"
#include "tests/support/http_client.h"

enum prom_kind { PROM_VECTOR, PROM_MATRIX, PROM_SCALAR, PROM_STRING };

struct prom_point {
    int64_t time_ms;
    double value;
};

struct prom_series {
    str labels; /* {a="x", b="y"}, sorted by name */
    struct prom_point *points;
    size_t point_count;
};

/* A scalar is one series without labels. Series are sorted by their labels. Everything is in the arena given. */
struct prom_result {
    enum prom_kind kind;
    struct prom_series *series;
    size_t series_count;
    str text; /* of PROM_STRING */
};

/* `base` is the server's address, such as http://127.0.0.1:9090. INVALID with the server's sentence when it refuses the
 * query, UNSUPPORTED for native histograms. */
status prom_query(struct http_client *client, const char *base, str expression, int64_t time_ms, struct arena *arena,
                  struct prom_result *out);

struct prom_range {
    int64_t start_ms, end_ms, step_ms;
};

status prom_query_range(struct http_client *client, const char *base, str expression, struct prom_range range,
                        struct arena *arena, struct prom_result *out);

/* The first difference as a sentence that calls the results `left` and `right`; empty when there is none. Values are
 * equal when they are the same (NaN to NaN too) or differ by at most `tolerance` of the larger one. */
str prom_difference(const struct prom_result *left, const struct prom_result *right, double tolerance,
                    struct arena *arena);

#endif
