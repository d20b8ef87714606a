/* Columns of samples being put together, and the scratch of a reading thread. */
#ifndef VARVE_TSDB_COLUMNS_H
#define VARVE_TSDB_COLUMNS_H

#include "storage/base/arena.h"
#include "storage/base/bytes.h"
#include "storage/base/public.h"
#include "storage/base/status.h"
#include "storage/base/vec.h"
#include "storage/chunk_rich.h"
#include "tsdb/samples.h"

/* A Gorilla chunk that is passed on as it is stored, in the place of its samples. */
struct passed_chunk {
    size_t at;              /* comes before this sample of the columns */
    int64_t min_ms, max_ms; /* of its first and its last sample */
    size_t offset, bytes;   /* in passed_bytes */
};

/* Scratch of one reading thread; zeroed is valid. What a read returns lies here until the next one. Errors are sticky:
 * after a failure reads give nothing. Histograms and start times have columns only if `is_rich`; then all four are of
 * one length. A histogram's value is its sum, and NULL stands beside a float. */
struct column_buffer {
    vec(int64_t) times; /* the result */
    vec(double) values;
    vec(struct histogram *) histograms;
    vec(int64_t) starts;
    uint64_t times_key;           /* of the times: equal keys other than 0 are equal columns; 0: not known */
    uint64_t kept_key;            /* of the times that lie there still after the buffer was emptied; 0: not known */
    size_t kept_count;            /* of them */
    unsigned whole_bits;          /* of the values, as in struct samples */
    bool is_rich, has_lost_hints; /* of histograms that were put between others */
    struct arena arena;           /* of the histograms */
    status error;

    bool passes_chunks; /* chunks may be passed on; a reader clears it where other samples may lie in their times */
    vec(struct passed_chunk) passed;
    struct writer passed_bytes;

    bool skips_damage; /* chunks of blocks that are damaged are left out; else they are an error */
    status damage;     /* of the first that was left out; the reader's to clear */

    /* what readers of one source work with */
    vec(int64_t) other_times;
    vec(double) other_values;
    vec(struct histogram *) other_histograms;
    vec(int64_t) other_starts;
    bool other_is_rich;
    vec(uint32_t) chunks;
    vec(struct rich_sample) decoded;
    struct writer bytes, chunk, late, rich, rich_late;
    struct arena newest; /* of the histograms that selection_newest gives */
};

VARVE_PUBLIC void column_buffer_release(struct column_buffer *buffer);

/* Empties the result; the histograms and the passed chunks in it are gone. */
void columns_clear(struct column_buffer *buffer);

/* Cuts the result to its first `count` samples. */
void columns_cut(struct column_buffer *buffer, size_t count);

/* Decodes a Gorilla chunk (with its slack behind it) and appends at most `keep` of its samples. False if it is
 * malformed. */
bool columns_decode(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, size_t keep);

/* Passes on a Gorilla chunk, of which the times of the first and the last sample are known, if that is asked for and
 * both lie in [from, to]; false if not. */
bool columns_pass(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, int64_t min_ms, int64_t max_ms,
                  int64_t from_ms, int64_t to_ms);

/* As columns_decode of all samples; but passes on the chunk where that may be, with the times that are found. */
bool columns_take(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, int64_t from_ms, int64_t to_ms);

/* Room for `count` more floats; returns where their values go. columns_append then adds them; the key stands for the
 * times, 0 if there is none; whole_bits is what is known of the values, as in struct samples. */
double *columns_reserve(struct column_buffer *buffer, size_t count);
void columns_append(struct column_buffer *buffer, const int64_t *times_ms, size_t count, uint64_t key,
                    unsigned whole_bits);

/* Decodes a chunk of rich samples and appends them. False if it is malformed. */
bool columns_decode_rich(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes);

/* Empties the other samples; appends one to them, with its histogram in the buffer's arena. */
void columns_clear_other(struct column_buffer *buffer);
void columns_push_other(struct column_buffer *buffer, const struct rich_sample *sample, enum histogram_hint hint);

/* Merges the other samples, sorted, into the result from index `first` on. At equal times the result's stay. A
 * histogram that gets another neighbour before it loses its hint. */
void columns_merge(struct column_buffer *buffer, size_t first);

/* Puts samples from index `first` on, which were appended by a later source, in order with those before, which stay at
 * equal times. */
void columns_join(struct column_buffer *buffer, size_t first);

/* Keeps of the samples from `first` on those in [from, to]. What was passed on since then lies in there. */
void columns_clip(struct column_buffer *buffer, size_t first, int64_t from_ms, int64_t to_ms);

/* Removes those of the samples from `first` on that lie in [from, to]. A histogram that gets another neighbour before
 * it loses its hint. */
void columns_remove(struct column_buffer *buffer, size_t first, int64_t from_ms, int64_t to_ms);

/* Moves the samples from `first` on to the other ones, emptied before. */
void columns_set_aside(struct column_buffer *buffer, size_t first);

/* A sample of the result. */
struct rich_sample columns_at(const struct column_buffer *buffer, size_t i);

/* The result as it is handed out. */
samples columns_view(const struct column_buffer *buffer);

/* Memory held, but for arenas. */
size_t columns_bytes(const struct column_buffer *buffer);

#endif
