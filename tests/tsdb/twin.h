/* A naive twin of the engine: every sample in a sorted array, the first stored value of a time wins. With deletes: of
 * those stored for a time the first that is not hidden. */
#ifndef VARVE_TESTS_TSDB_TWIN_H
#define VARVE_TESTS_TSDB_TWIN_H

#include "storage/base/vec.h"
#include "tsdb/db.h"

struct twin_sample {
    int64_t time_ms;
    uint64_t value; /* of a histogram its sum */
    int64_t start_ms;
    const struct histogram *histogram; /* in the twin's arena; NULL: a float */
};

/* A sample that was stored, and how many deletes had been made then. */
struct twin_version {
    struct twin_sample sample;
    uint32_t deletes;
};

struct twin_delete {
    uint32_t number;  /* the engine's */
    uint32_t deletes; /* made before this one */
    int64_t from_ms, to_ms;
    struct matcher matchers[3];
    size_t matcher_count;
    bool is_purging; /* when the engine has forgotten it the samples are gone for good, else they are back */
};

struct twin_series {
    label *pairs; /* sorted */
    size_t pair_count;
    struct writer canonical;           /* label fields, sorted */
    struct writer shuffled;            /* the same in another order */
    vec(struct twin_sample) samples;   /* those that are visible */
    vec(struct twin_version) versions; /* all, by time, then by arrival */
    uint32_t deletes;                  /* made up to now */
};

struct twin {
    struct arena arena;
    vec(struct twin_series) series;
    vec(struct twin_delete) deletes;
    uint32_t delete_count;      /* that were ever made */
    struct twin_delete pending; /* one that failed */
    bool is_pending;
    uint64_t random;
};

void twin_init(struct twin *twin, uint64_t seed, size_t series);
void twin_release(struct twin *twin);

uint64_t twin_random(struct twin *twin);

/* Stores a sample unless one of that time is there; false then. */
bool twin_store(struct twin_series *series, int64_t time_ms, uint64_t value);
bool twin_store_sample(struct twin_series *series, const struct twin_sample *sample);

/* Deletes something at random; takes one of the deletes back; purges all. If the engine fails, the twin waits for
 * twin_settle. */
status twin_delete(struct twin *twin, struct db *db, int64_t from_ms, int64_t to_ms);
status twin_undelete(struct twin *twin, struct db *db);
status twin_purge(struct twin *twin, struct db *db);

/* Asks the engine what has become of the deletes. */
void twin_settle(struct twin *twin, struct db *db);

/* Makes a sample rich: a histogram, mostly more of the same that the series has, or a float with a start time. */
void twin_enrich(struct twin *twin, const struct twin_series *series, struct twin_sample *sample);

/* Compares all that a snapshot of the db shows with the twin: series by random matchers, their samples in random
 * ranges, newest samples, label names and values. Asserts. */
void twin_check(struct twin *twin, struct db *db, int64_t from_ms, int64_t to_ms);

/* All that the twin has is in the db; the db may have more (what was not answered). */
void twin_check_stored(struct twin *twin, struct db *db);

/* The folder, which no db has open, passes the check. */
void twin_check_folder(struct fs *fs);

/* A batch being put together. */
struct twin_batch {
    vec(struct append_series) series;
    vec(int64_t) times;
    vec(uint64_t) values;
    vec(const struct histogram *) histograms;
    vec(int64_t) starts;
};
void twin_batch_add(struct twin_batch *batch, const struct twin_series *series, bool shuffled, const int64_t *times_ms,
                    const uint64_t *values, uint32_t count);
void twin_batch_add_samples(struct twin_batch *batch, const struct twin_series *series, bool shuffled,
                            const struct twin_sample *rows, uint32_t count);
struct append_batch twin_batch_view(const struct twin_batch *batch);
void twin_batch_release(struct twin_batch *batch);

#endif
