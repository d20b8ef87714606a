/* How the value of one made-up series moves from scrape to scrape.
 *
 * The kinds are those of a monitored production host. Randomness is a hash of (salt, round), so a series needs no
 * generator of its own and its values do not depend on who else is read, in which order or by which thread; only what
 * accumulates is kept. Plain arithmetic without libm, so every compiler makes the same bits.
 */
#ifndef VARVE_BENCH_SERIES_VALUES_H
#define VARVE_BENCH_SERIES_VALUES_H

#include <stdbool.h>
#include <stdint.h>

enum value_kind {
    VALUE_CONSTANT,
    VALUE_INTEGER_COUNTER,
    VALUE_DECIMAL_COUNTER, /* seconds with two decimals */
    VALUE_SLOW_GAUGE,      /* small steps, most scrapes none */
    VALUE_BYTES_GAUGE,     /* whole pages of 4 KiB */
    VALUE_NOISE,           /* durations in seconds, nine decimals, nothing to predict */
    VALUE_BUCKET,          /* cumulative histogram bucket, and _count as the bucket of share 1 */
    VALUE_SUM,             /* _sum of a histogram: full doubles */
    VALUE_WALK             /* random walk over the integers 0..100 */
};

/* One series. The members of a histogram share their salt and pace, which makes its buckets agree with each other. */
struct value_state {
    double level;
    uint64_t salt;
    float pace;  /* mean step a scrape, in the kind's unit; the value itself for a constant */
    float share; /* of a histogram's observations that fall below the bucket's bound; divisor of a slow gauge */
};

/* The state before the first scrape. `pace` is the mean of the kind over all hosts; a host has its own. */
struct value_state value_start(enum value_kind kind, uint64_t salt, double pace, double share);

/* Moves the series on to `round`; `load` is how busy its host is, about 1; a reset sends counters back to zero first.
 */
double value_next(enum value_kind kind, struct value_state *state, uint32_t round, double load, bool reset);

#endif
