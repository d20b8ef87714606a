/* What tombstones hide of one source: a block, or the series of a registry in one head. */
#ifndef VARVE_TSDB_HIDDEN_H
#define VARVE_TSDB_HIDDEN_H

#include "tsdb/columns.h"
#include "tsdb/index.h"
#include "tsdb/tombstones.h"

/* Samples of these series in [from, to]. */
struct hidden_span {
    int64_t from_ms, to_ms;
    const uint32_t *series; /* ids or ordinals, rising */
    uint32_t count;
};

struct hidden {
    struct hidden_span *spans;
    uint32_t count;
};

/* The source that is asked about: its first head, the times of its samples, its index. */
struct hidden_source {
    uint32_t head_first;
    int64_t min_ms, max_ms;
    struct index *index;
    uint32_t series;
};

/* Whether a tombstone may hide samples of the source, by heads and times alone. */
bool tombstone_touches(const struct tombstone *tombstone, const struct hidden_source *source);

/* Finds the series that each of the tombstones hides samples of; with `purging`, of those alone whose purge has begun.
 * What is found lies in the arena. */
status hidden_find(const struct tombstones *tombstones, const struct hidden_source *source, bool purging,
                   struct arena *arena, struct hidden *out);

/* Whether any sample of the series may be hidden; whether all of [from, to] is, by one span. */
bool hidden_touches(const struct hidden *hidden, uint32_t series);
bool hidden_covers(const struct hidden *hidden, uint32_t series, int64_t from_ms, int64_t to_ms);

/* Takes the hidden samples of the series out of those from `first` on. */
void hidden_apply(const struct hidden *hidden, uint32_t series, struct column_buffer *buffer, size_t first);

#endif
