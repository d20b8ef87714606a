/* A digest of a Prometheus API answer, so that answers of different servers can be compared at a glance.
 *
 * Equal for answers that mean the same: series and label names in any order, JSON in any spelling, values to six
 * significant digits. Lists of names and of label sets have digests too.
 */
#ifndef VARVE_BENCH_ANSWER_DIGEST_H
#define VARVE_BENCH_ANSWER_DIGEST_H

#include "storage/base/status.h"
#include "storage/base/str.h"

struct answer_digest {
    uint64_t hash;
    size_t items, points; /* series or names; points of series */
};

/* INVALID when the body is no successful answer. */
status answer_digest_make(str body, struct answer_digest *out);

#endif
