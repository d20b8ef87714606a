/* What tests of prometheus share: files in memory, series with samples of every kind, a block of them. */
#ifndef VARVE_TESTS_PROMETHEUS_FIXTURE_H
#define VARVE_TESTS_PROMETHEUS_FIXTURE_H

#include "storage/fs.h"
#include "tests/support/must.h"
#include "tsdb/columns.h"
#include "tsdb/db.h"

/* Puts a file into a file system. */
void fixture_put(struct fs *fs, const char *name, const void *data, size_t bytes);

/* A file's content. */
str fixture_get(struct fs *fs, const char *name, struct arena *arena);

/* Bytes with slack behind them that is part of the allocation, so that the address sanitizer sees the rest. */
uint8_t *fixture_slack(const void *data, size_t bytes);

/* Samples of one kind of a series: 0 floats with every odd value, 1 integer histograms, 2 float histograms, 3 custom
 * buckets, 4 gauge histograms, 5 all of it in turns. Stale markers and counter resets among them. */
enum { FIXTURE_KINDS = 6 };
void fixture_samples(unsigned kind, uint64_t seed, int64_t from_ms, size_t count, struct column_buffer *out);

/* The first difference between samples as a sentence; empty if they are the same to the bit. Hints count only if
 * `hints`. */
str fixture_difference(const samples *a, const samples *b, bool hints, struct arena *arena);

/* Writes a block of series s{kind="K", n="N"} into `fs`, which must be a real folder; its name, in the arena. */
enum { FIXTURE_SERIES = 12, FIXTURE_SAMPLES = 300, FIXTURE_STEP_MS = 15000 };
str fixture_block(struct fs *fs, int64_t from_ms, struct arena *arena);

/* The same files in memory, in the folder "b". */
struct fs *fixture_block_in_memory(int64_t from_ms);

/* Calls try() with a file system in which the named file of the block was cut at each length, or had one bit of each
 * byte flipped. */
void fixture_damage(struct fs *fs, const char *name, size_t step,
                    void (*try)(struct fs *damaged, const char *what, size_t at));

/* All samples of a db, as text. */
str fixture_all(struct db *db, struct arena *arena);

#endif
