/* Exemplars: single observations that point to a trace, kept beside the samples of their series.
 *
 * A head keeps them in memory, in the order in which they came, up to a budget of bytes: the oldest go first. They are
 * records of its log, and a section of the block that it becomes (block_exemplars.h).
 *
 * Of one series they come in order of time. What was there already, bit for bit, is recognised however often it is sent
 * again. Thread-safe.
 */
#ifndef VARVE_TSDB_EXEMPLARS_H
#define VARVE_TSDB_EXEMPLARS_H

#include "storage/base/vec.h"
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

/* One as the log has it: series and labels as they were sent, value, time. */
void exemplars_encode(str series, const struct exemplar *exemplar, struct writer *out);

/* Adds all that were encoded; false if they are malformed. */
bool exemplars_apply(struct exemplars *exemplars, const uint8_t *bytes, size_t size);

/* Bytes held. */
uint64_t exemplars_bytes(struct exemplars *exemplars);

struct exemplar_series {
    const label *pairs; /* of the series, sorted by name */
    size_t pair_count;
    const struct exemplar *exemplars; /* by time; their labels are sorted */
    size_t count;
};

typedef vec(struct exemplar_series) exemplar_list;

/* Puts what several sources gave in the order of labels: the exemplars of one series together, by time, each once. New
 * arrays lie in the arena. */
void exemplars_join(exemplar_list *list, struct arena *arena);

/* Which series are wanted. */
typedef bool exemplar_filter(void *context, labels set);

/* The exemplars in [from, to] of all series that are wanted, copied to the arena and added to the list, in no order
 * of series. */
void exemplars_read(struct exemplars *exemplars, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted, void *context,
                    struct arena *arena, exemplar_list *out);

#endif
