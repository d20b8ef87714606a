/* What the hosts of a model have in common: for model.c and the two fleets, node_fleet.c and cpu_fleet.c. */
#ifndef VARVE_BENCH_FLEET_H
#define VARVE_BENCH_FLEET_H

#include "bench/series_values.h"
#include "storage/base/vec.h"
#include "tsdb/labels.h"

enum { FLEET_LABELS_MAX = 16 };

/* One of the series that every host has. */
struct prototype {
    label labels[FLEET_LABELS_MAX]; /* without the host's */
    uint32_t label_count;
    uint32_t port; /* of the exporter that has it, for the instance label; 0 for none */
    enum value_kind kind;
    double pace, share;
    uint32_t group; /* equal for the members of a histogram, else unique */
};

struct prototypes {
    vec(struct prototype) rows;
};

struct fleet {
    int64_t step_ms;
    int64_t jitter_ms; /* scrapes are early or late by less than this; 0 also puts all hosts at the same offset */

    /* Fills the series of a host; texts are constants or in the arena. */
    void (*describe)(struct prototypes *out, struct arena *arena);

    /* Writes the labels of one host for a series with this port to out; returns how many. */
    uint32_t (*name_host)(uint32_t host, uint64_t seed, uint32_t port, label *out, struct arena *arena);
};

extern const struct fleet node_fleet, cpu_fleet;

#endif
