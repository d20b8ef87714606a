/* What a data folder answers, as text: the answers.txt beside each golden folder.
 *
 *     series up{job="a"} 500 samples 1700000000000..1700007485000 0123456789abcdef
 *     metric many: 1540 series, 1540 samples 0123456789abcdef     where a metric has more than 100 series
 *     names 5 0123456789abcdef
 *     values job 2 0123456789abcdef                               for each label name
 *     metadata up 2 help unit
 *     exemplars up{job="a"} 3 0123456789abcdef                    from format 3 on
 *
 * The last word is a digest of every bit: of a series its times, values, start times and histograms. The maker of a
 * folder prints it from what it sent, the test from what the folder answers.
 */
#ifndef VARVE_TESTS_GOLDEN_ANSWERS_H
#define VARVE_TESTS_GOLDEN_ANSWERS_H

#include "storage/base/bytes.h"
#include "storage/base/vec.h"
#include "tsdb/db.h"

struct golden_series {
    str metric, labels; /* labels as labels_print has them */
    const label *pairs;
    size_t pair_count;
    uint64_t count, digest;
    int64_t first_ms, last_ms;
};

struct golden_answers {
    struct arena arena;
    vec(struct golden_series) series; /* those with samples */
    vec(struct append_metadata) metadata;
    exemplar_list exemplars; /* joined when they are printed */
};

void golden_init(struct golden_answers *answers);
void golden_release(struct golden_answers *answers);

/* Adds a series without samples. The pairs are sorted; they are copied. */
struct golden_series *golden_add(struct golden_answers *answers, const label *pairs, size_t count);

/* The next sample of a series, in the order of time. */
void golden_take(struct golden_series *series, int64_t time_ms, uint64_t value, int64_t start_ms,
                 const struct histogram *histogram);

/* All that a db answers. */
status golden_read(struct db *db, struct golden_answers *out);

/* As text, in a fixed order. */
void golden_print(struct golden_answers *answers, struct writer *out);

#endif
