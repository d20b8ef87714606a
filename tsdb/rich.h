/* The rich samples of one series in a head: native histograms, and floats with a start time.
 *
 * Samples in order are rows of chunks (storage/chunk_rich.h), cut where Prometheus cuts them: a histogram whose hint
 * reads back as unknown begins a chunk. Samples behind the newest go aside (tsdb/late.h); of two at one time the first
 * stays. Whoever calls holds the series' lock.
 */
#ifndef VARVE_TSDB_RICH_H
#define VARVE_TSDB_RICH_H

#include "storage/base/vec.h"
#include "storage/chunk_rich.h"
#include "tsdb/late.h"

enum { RICH_CHUNK_SAMPLES = 120 };

struct rich_chunk {
    int64_t min_ms;
    uint32_t count;
    struct writer rows;
};

struct rich_late {
    uint32_t bytes;
    uint8_t *row;
};

/* Zeroed is empty. */
struct rich_samples {
    vec(struct rich_chunk) chunks;
    struct late_samples late; /* their values are places in late_rows */
    vec(struct rich_late) late_rows;
    struct rich_sample last; /* the newest in order; its histogram is owned */
    uint32_t count;          /* in order */
    uint32_t count_before;   /* before the request whose ticket the series has */
};

void rich_release(struct rich_samples *rich);

/* Whether two samples are the same to the bit, hints apart. */
bool rich_same(const struct rich_sample *a, const struct rich_sample *b);

/* Appends a sample newer than all; `begins_chunk` if something else came in between. Returns
 * how many bytes more are taken, modulo 2^64, since they can be fewer. */
size_t rich_append(struct rich_samples *rich, const struct rich_sample *sample, bool begins_chunk);

/* Stores a sample behind the newest, and says how many bytes it took. If one of that time was stored late before, that
 * one stays: REPEATED if it is the very same. */
enum rich_verdict { RICH_STORED, RICH_REPEATED, RICH_DUPLICATE };
enum rich_verdict rich_append_late(struct rich_samples *rich, const struct rich_sample *sample, size_t *bytes);

/* Whether a sample of a time was stored late. */
bool rich_has_late(const struct rich_samples *rich, int64_t time_ms);

/* Copies what may hold samples from from_ms on, of the first `visible` samples in order, and all late ones. */
void rich_copy(const struct rich_samples *rich, int64_t from_ms, uint32_t visible, struct writer *in_order,
               struct writer *late);

/* Reads back what was copied: calls take for each sample with its hint. `take` keeps no pointer into the arena longer
 * than that lives. */
void rich_read_copy(const struct writer *in_order, struct arena *arena,
                    void (*take)(void *context, const struct rich_sample *sample, enum histogram_hint hint),
                    void *context);

#endif
