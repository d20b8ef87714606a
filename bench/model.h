/* The made-up fleets that the benchmarks write and query: seeded, and the same on every machine.
 *
 * `node`: hosts that run node_exporter and the exporters of a web application, 500 series each with about ten labels
 * and 280 bytes of them; about a third integer counters, a fifth counters with two decimals, the rest histogram
 * buckets, slow gauges, byte gauges, constants and a little noise. Scraped every 15 s, each host at its own offset and
 * a few milliseconds early or late; all series of a scrape share its time.
 *
 * `cpu`: the hosts of the Time Series Benchmark Suite's cpu-only case (https://github.com/timescale/tsbs): ten random
 * walks 0..100 each, every 10 s, on the dot.
 *
 * A series is a number below model_series_count(); those of a host are neighbours. Time passes in rounds: in each,
 * every series has one sample. A model belongs to its maker; different threads may read different series at the same
 * time.
 */
#ifndef VARVE_BENCH_MODEL_H
#define VARVE_BENCH_MODEL_H

#include "storage/base/bytes.h"

enum model_kind { MODEL_NODE, MODEL_CPU };

struct model_options {
    enum model_kind kind;
    uint32_t hosts;
    uint64_t seed;
    int64_t start_ms, step_ms; /* a step of 0 means the kind's own */
    bool resets;               /* now and then a host restarts and its counters begin at zero */
    bool stale_markers;        /* now and then a scrape of a host fails */
};

struct model_sample {
    int64_t time_ms;
    double value;
};

struct model;

/* "node" or "cpu"; false for anything else. */
bool model_parse_kind(str name, enum model_kind *out);

struct model *model_new(const struct model_options *options);
void model_free(struct model *model);

uint32_t model_series_count(const struct model *model);
int64_t model_step_ms(const struct model *model);

/* When a round begins; its scrapes lie within the step that follows. */
int64_t model_round_ms(const struct model *model, uint32_t round);

/* Whether a series is scraped together with the one before it, and so always has its time. */
bool model_shares_time(const struct model *model, uint32_t series);

/* Appends the label fields of a series in the spelling of tsdb/labels.h. */
void model_labels(const struct model *model, uint32_t series, struct writer *out);

/* The samples of `count` series from `first` on in a round. Each series is to be read once in each round, in order. */
void model_read(struct model *model, uint32_t round, uint32_t first, uint32_t count, struct model_sample *out);

#endif
