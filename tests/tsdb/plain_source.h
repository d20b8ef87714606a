/* A source for block_build made by counting: each metric has each host in three variants (no mode, idle, user). */
#ifndef VARVE_TESTS_TSDB_PLAIN_SOURCE_H
#define VARVE_TESTS_TSDB_PLAIN_SOURCE_H

#include "tsdb/block.h"
#include "tsdb/block_build.h"

struct plain_source {
    uint32_t metrics, hosts, samples; /* samples of each series: 1 + ordinal % samples */
    struct hash_secret secret;
    uint32_t values[3]; /* of the series asked for last */
    char text[16];
    uint32_t fail_at; /* the series whose data fails; 0: none */
};

enum { PLAIN_NAMES = 3, PLAIN_LISTS = 3, PLAIN_STEP_MS = 1000 };

struct build_source plain_source(struct plain_source *plain);
uint32_t plain_series(const struct plain_source *plain);

/* Value of name 0 (__name__), 1 (host) or 2 (mode) of a series by its rank; UINT32_MAX: it has none. */
uint32_t plain_value(const struct plain_source *plain, uint32_t ordinal, uint32_t name);

/* Time and value of sample i of a series. */
int64_t plain_time(uint32_t ordinal, uint32_t i);
double plain_number(uint32_t ordinal, uint32_t i);

/* Writes it as a block and opens that. */
struct block *plain_block(struct plain_source *plain, struct fs *fs, uint32_t number, struct page_cache *cache);

#endif
