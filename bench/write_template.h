/* A compressed remote-write request that is sent again and again with new samples.
 *
 * Compressing the same labels for each scrape would cost the load generator a third of what a good server needs to
 * store the samples. So the request is compressed once, by a compressor that keeps what changes as literal bytes and
 * remembers where they went: the values, and the time of the first sample of each scrape, which the others copy.
 * Filling it is then eight bytes a sample. What is sent is ordinary snappy of ordinary protobuf, some 8 % longer than
 * libsnappy's own.
 */
#ifndef VARVE_BENCH_WRITE_TEMPLATE_H
#define VARVE_BENCH_WRITE_TEMPLATE_H

#include "bench/model.h"

/* Where a sample's value goes. Its time is nine bytes further, unless it is a copy of the time before. */
struct hole {
    uint32_t at;
    bool copies_time;
};

struct write_template {
    uint8_t *bytes; /* the snappy body */
    size_t byte_count;
    struct hole *holes;
    uint32_t hole_count; /* one for each sample */
};

/* A request with one sample of each of `count` series from `first` on. */
struct write_template write_template_make(const struct model *model, uint32_t first, uint32_t count);
void write_template_release(struct write_template *template);

/* Puts in one sample for each series; times lie between the years 1972 and 2109, where a varint of them has six bytes.
 * The body is valid until the next call. */
str write_template_fill(struct write_template *template, const struct model_sample *samples);

#endif
