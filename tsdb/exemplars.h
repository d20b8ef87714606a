/* Exemplars: single observations that point to a trace, kept beside the samples of their series.
 *
 * They live in memory only, in the order in which they came, up to a budget of bytes: the oldest go first, and a
 * restart drops them. They explain the present; nothing is computed from them.
 *
 * Of one series they come in order of time. What was there already, bit for bit, is recognised however often it is sent
 * again. Thread-safe.
 */
#ifndef VARVE_TSDB_EXEMPLARS_H
#define VARVE_TSDB_EXEMPLARS_H

#include "tsdb/labels.h"

/* An exemplar's label names and values have at most this many characters together, as in OpenMetrics. */
enum { EXEMPLAR_CHARACTERS_MAX = 128 };

struct exemplar {
    str labels; /* raw label fields (tsdb/labels.h); none is fine */
    double value;
    int64_t time_ms;
};

enum exemplar_outcome {
    EXEMPLAR_STORED,
    EXEMPLAR_REPEATED,     /* it was there already */
    EXEMPLAR_OUT_OF_ORDER, /* older than the newest of its series */
    EXEMPLAR_INVALID       /* labels that no exemplar or no series may have */
};

struct exemplars;

/* A budget of 0 keeps none: all count as stored. */
struct exemplars *exemplars_new(uint64_t bytes_max);
void exemplars_free(struct exemplars *exemplars); /* NULL is fine */

/* Adds one to the series with these raw label fields, in any order. Copies everything. */
enum exemplar_outcome exemplars_add(struct exemplars *exemplars, str series, const struct exemplar *exemplar);

/* Bytes held. */
uint64_t exemplars_bytes(struct exemplars *exemplars);

struct exemplar_series {
    const label *pairs; /* of the series, sorted by name */
    size_t pair_count;
    const struct exemplar *exemplars; /* by time; their labels are sorted */
    size_t count;
};

/* The exemplars in [from, to] of all series that are wanted, series in the order of their labels; copied to the arena.
 */
void exemplars_read(struct exemplars *exemplars, int64_t from_ms, int64_t to_ms,
                    bool (*wanted)(void *context, labels set), void *context, struct arena *arena,
                    struct exemplar_series **out, size_t *count);

#endif
