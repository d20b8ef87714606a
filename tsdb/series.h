/* The samples that a head holds of one series: an open chunk, full chunks, late samples, rich samples.
 *
 * Samples in order are appended to the open chunk; with SERIES_CHUNK_SAMPLES it is full and the next one begins. A
 * chunk lies in 64-byte lines of the head's arena, chained, so that growing copies nothing and wastes half a line:
 *
 *     first line   next line u32 | first line of the chunk before u32 | time of the first sample i64 | bits u16 and
 *                  gap u16, once it is full | 44 bytes of the chunk
 *     other lines  next line u32 | 60 bytes of the chunk
 *
 * The bytes are those of a Gorilla chunk without its count (storage/chunk_gorilla.h). Samples behind the newest one go
 * aside (tsdb/late.h); of two at one time the first stays, and one in a chunk wins over a late one.
 * Histograms and floats with a start time are kept apart (tsdb/rich.h); what is newest counts over both.
 *
 * Whoever calls holds the series' lock (head.c), except for series_chunk on full chunks, which never change.
 */
#ifndef VARVE_TSDB_SERIES_H
#define VARVE_TSDB_SERIES_H

#include "storage/base/paged.h"
#include "storage/base/vec.h"
#include "storage/chunk_gorilla.h"
#include "tsdb/late.h"
#include "tsdb/rich.h"

#include <pthread.h>

enum { SERIES_CHUNK_SAMPLES = 120, SERIES_LINE_BYTES = 64 };

/* Where the chunks of a head lie. Allocation is thread-safe. */
struct series_arena {
    struct paged lines;
    _Atomic uint32_t line_count, lines_ready;
    struct paged lates;
    _Atomic uint32_t late_count;
    _Atomic uint64_t late_bytes;
    struct paged riches;
    _Atomic uint32_t rich_count;
    _Atomic uint64_t rich_bytes;
    pthread_mutex_t grow; /* held while the paged arrays grow */
};

void series_arena_init(struct series_arena *arena);
void series_arena_release(struct series_arena *arena);
uint64_t series_arena_bytes(const struct series_arena *arena);

/* One cache line a series. Zeroed is a series without samples. */
struct series {
    struct gorilla_state open; /* time and value are also those of the newest sample in order */
    uint32_t open_line;        /* first line of the open chunk; 0: none */
    uint32_t tail_line;        /* its last line */
    uint16_t tail_bit;         /* next bit in that line */
    uint16_t open_bits;        /* bits of the open chunk */
    uint32_t samples;          /* in order, in all chunks */
    uint32_t ticket;           /* of the request that appended last */
    uint32_t samples_before;   /* samples before that request */
    uint32_t late;             /* 1 + index of its late samples; 0: none */
    uint32_t rich;             /* 1 + index of its rich samples; 0: none */
};

_Static_assert(sizeof(struct series) == 64, "a series is one cache line");

enum series_verdict {
    SERIES_STORED,
    SERIES_REPEATED,  /* the very sample is the newest one already */
    SERIES_DUPLICATE, /* another value at the time of the newest one */
    SERIES_LATE       /* behind the newest: for series_append_late */
};

/* Appends a sample if it is newer than all, else says how it stands. */
enum series_verdict series_append(struct series *series, struct series_arena *arena, uint32_t ticket, int64_t time_ms,
                                  uint64_t value);

/* Stores a sample behind the newest. If one of that time was stored late before, that one stays: REPEATED if it is the
 * very same, else DUPLICATE. */
enum series_verdict series_append_late(struct series *series, struct series_arena *arena, int64_t time_ms,
                                       uint64_t value);

/* The same for rich samples, without empty buckets. */
enum series_verdict series_append_rich(struct series *series, struct series_arena *arena, uint32_t ticket,
                                       const struct rich_sample *sample);
enum series_verdict series_append_late_rich(struct series *series, struct series_arena *arena,
                                            const struct rich_sample *sample);

static inline bool series_is_empty(const struct series *series)
{
    return series->samples == 0 && series->rich == 0;
}

/* The time of the newest sample of a series that is not empty. */
int64_t series_newest_ms(const struct series *series, const struct series_arena *arena);

/* Its rich samples, or NULL. */
const struct rich_samples *series_rich(const struct series *series, const struct series_arena *arena);

const struct late_samples *series_late(const struct series *series, const struct series_arena *arena);

/* A chunk as it is found from the newest to the oldest. */
struct series_chunk {
    uint32_t line;   /* first line */
    uint32_t before; /* first line of the chunk before it; 0: none */
    int64_t min_ms;
    uint16_t count, bits;
    uint16_t gap_ms; /* from its last sample to the first of the chunk after it; 0: not known */
};

/* The open chunk (false if there is none), and the full one at a first line. */
bool series_open_chunk(const struct series *series, const struct series_arena *arena, struct series_chunk *out);
void series_full_chunk(const struct series_arena *arena, uint32_t line, struct series_chunk *out);

/* Appends the chunk, with its count in front, to out; the slack that decoding needs is there behind it, not counted. */
void series_copy_chunk(const struct series_arena *arena, const struct series_chunk *chunk, struct writer *out);

/* Every structural rule holds. */
bool series_valid(const struct series *series, const struct series_arena *arena);

#endif
