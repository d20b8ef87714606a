/* The floats of a block being written, as runs (storage/chunk_run.h).
 *
 * Equal time columns are stored once: all series of a scrape share theirs. So are equal runs of values, as those of a
 * histogram's count and of its last bucket. Equality is that of keyed hashes, as for series. Before the first series, a
 * few of them, chosen at random, teach the models of the block.
 */
#ifndef VARVE_TSDB_BLOCK_RUNS_H
#define VARVE_TSDB_BLOCK_RUNS_H

#include "tsdb/block_build.h"

struct block_runs;

/* For the block that `file` becomes; its secret is known. */
struct block_runs *block_runs_new(struct block_writer *file, const struct hash_secret *secret);
void block_runs_free(struct block_runs *runs); /* NULL is fine */

/* Learns from some of the series. */
status block_runs_learn(struct block_runs *runs, const struct build_source *source);

/* Makes the floats of the next series into runs, or Gorilla chunks where these are shorter, and takes all else as it
 * is. `out` is emptied first. */
status block_runs_pack(struct block_runs *runs, const struct series_data *data, struct series_data *out);

/* Tells where the chunks of the series packed last lie in the file. */
void block_runs_placed(struct block_runs *runs, const struct series_data *packed, uint64_t offset);

/* Writes the time columns that have come together, at a place where that leaves no gap in the data of series. */
void block_runs_flush(struct block_runs *runs);

/* Writes what is left: time columns, models. */
void block_runs_finish(struct block_runs *runs, struct block_info *info);

#endif
