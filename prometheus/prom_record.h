/* Records of Prometheus' log, of all types up to 3.x. */
#ifndef VARVE_PROMETHEUS_PROM_RECORD_H
#define VARVE_PROMETHEUS_PROM_RECORD_H

#include "prometheus/prom_tombstones.h"
#include "storage/base/vec.h"
#include "tsdb/append.h"
#include "tsdb/labels.h"

enum prom_record_type {
    PROM_RECORD_SERIES = 1,
    PROM_RECORD_SAMPLES = 2,
    PROM_RECORD_TOMBSTONES = 3,
    PROM_RECORD_EXEMPLARS = 4,
    PROM_RECORD_MARKERS = 5,
    PROM_RECORD_METADATA = 6,
    PROM_RECORD_HISTOGRAMS = 7,
    PROM_RECORD_FLOAT_HISTOGRAMS = 8,
    PROM_RECORD_CUSTOM_HISTOGRAMS = 9,
    PROM_RECORD_CUSTOM_FLOAT_HISTOGRAMS = 10,
    PROM_RECORD_SAMPLES_2 = 11,
    PROM_RECORD_HISTOGRAMS_2 = 12,
    PROM_RECORD_FLOAT_HISTOGRAMS_2 = 13
};

struct prom_record_series {
    uint64_t id;
    size_t first, count; /* its pairs */
};

struct prom_record_sample {
    uint64_t id;
    int64_t time_ms, start_ms;         /* start 0: none */
    uint64_t value;                    /* bits; of a histogram its sum */
    const struct histogram *histogram; /* NULL: a float */
};

struct prom_record_exemplar {
    uint64_t id; /* of its series */
    int64_t time_ms;
    double value;
    size_t first, count; /* its pairs */
};

struct prom_record_metadata {
    uint64_t id;
    struct append_metadata entry; /* without its metric */
};

/* What records say; zeroed is empty. Texts are those of the record, histograms lie in the arena. */
struct prom_record {
    vec(struct prom_record_series) series;
    vec(label) pairs;
    vec(struct prom_record_sample) samples;
    vec(struct prom_tombstone) tombstones;
    vec(struct prom_record_metadata) metadata;
    vec(struct prom_record_exemplar) exemplars;
    struct arena arena;
};
void prom_record_release(struct prom_record *record);
void prom_record_clear(struct prom_record *record);

/* 0 if it is empty. */
static inline unsigned prom_record_type(str bytes)
{
    return bytes.len ? (uint8_t)bytes.data[0] : 0;
}

/* Adds what a record says. Markers, which tell nothing that is needed, are passed over. UNSUPPORTED names an unknown
 * type or schema; CORRUPT: the record is malformed. */
status prom_record_decode(str bytes, struct prom_record *out);

#endif
