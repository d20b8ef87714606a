/* Start times in a chunk: a byte of header, then a number behind each sample from some one on.
 *
 *     header   bit 7: the first sample has one; bits 0-6: number of the first sample after it that has another, 0: none
 *     number   of the first sample: varint of its time minus its start time; of the others a varbit: the time of the
 *              sample before minus the start time, as a change against that of the sample before where it has one
 *
 * Samples without a number have the start time of the one before. */
#ifndef VARVE_PROMETHEUS_PROM_START_H
#define VARVE_PROMETHEUS_PROM_START_H

#include "prometheus/prom_bits.h"

struct start_reader {
    bool first;
    uint8_t change_on;
    uint64_t difference;
    int64_t start_ms; /* of the sample read last; 0: none */
};

static inline struct start_reader start_reader_make(uint8_t header)
{
    return (struct start_reader){.first = header >> 7, .change_on = header & 0x7F};
}

/* Reads what stands behind sample `i`. */
static inline int64_t start_read(struct start_reader *start, struct bit_reader *in, size_t i, int64_t time_ms,
                                 int64_t before_ms)
{
    if (i == 0) {
        if (start->first) start->start_ms = (int64_t)((uint64_t)time_ms - (uint64_t)zigzag_decode(bits_varint(in)));
    } else if (start->change_on && i >= start->change_on) {
        uint64_t change = (uint64_t)bits_varbit(in);
        start->difference = i == start->change_on ? change : start->difference + change;
        start->start_ms = (int64_t)((uint64_t)before_ms - start->difference);
    }
    return start->start_ms;
}

#endif
