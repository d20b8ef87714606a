/* What an append costs in the engine alone: label fields in, samples in memory and in a synced log.
 *
 *     bench_append [--hosts N] [--rounds N] [--batch N] [--path DIR] [--no-sync] [--abandon] [--falling]
 *
 * The node fleet is written round by round in batches; one line of JSON says CPU and wall time a million samples, bytes
 * of log and memory. Labels and values are made before the clock starts, a round at a time. With --falling the times
 * of the rounds fall, so that all samples but the first of each series are late.
 */
#include "bench/model.h"
#include "storage/base/clock.h"
#include "storage/base/vec.h"
#include "tsdb/db.h"

#include <stdio.h>
#include <stdlib.h>

struct fleet_labels {
    struct writer bytes;
    vec(size_t) ends;
};

static void make_labels(const struct model *model, struct fleet_labels *out)
{
    for (uint32_t i = 0; i < model_series_count(model); i++) {
        model_labels(model, i, &out->bytes);
        vec_push(&out->ends, out->bytes.count);
    }
}

static void must(status s)
{
    if (!failed(s)) return;
    fprintf(stderr, "bench_append: %s\n", s.text);
    exit(1);
}

struct round {
    struct append_series *series;
    int64_t *times;
    uint64_t *values;
};

static void make_round(struct model *model, uint32_t number, const struct fleet_labels *texts, int64_t shift_ms,
                       struct round *out)
{
    uint32_t count = model_series_count(model);
    struct model_sample *samples_read = memory_alloc(count * sizeof *samples_read);

    model_read(model, number, 0, count, samples_read);
    for (uint32_t i = 0; i < count; i++) {
        size_t start = i ? texts->ends.data[i - 1] : 0;
        out->series[i] =
            (struct append_series){str_make((const char *)texts->bytes.data + start, texts->ends.data[i] - start), 0,
                                   1};
        out->times[i] = samples_read[i].time_ms + shift_ms;
        out->values[i] = double_bits(samples_read[i].value);
    }
    free(samples_read);
}

static void append_round(struct db *db, struct round *round, uint32_t count, uint32_t batch_size)
{
    for (uint32_t first = 0; first < count; first += batch_size) {
        uint32_t part = count - first < batch_size ? count - first : batch_size;
        struct append_result result;
        for (uint32_t i = 0; i < part; i++) round->series[first + i].first = i;
        struct append_batch batch = {.series = round->series + first,
                                     .series_count = part,
                                     .times_ms = round->times + first,
                                     .values = round->values + first,
                                     .sample_count = part};
        must(db_append_wait(db, &batch, &result));
        if (result.stored != part) must(status_make(STATUS_INVALID, "not all was stored: %.150s", result.error));
    }
}

int main(int count, char **values)
{
    uint64_t hosts = 200, rounds = 40, batch = 10000;
    const char *path = "bench-append-data";
    struct model_options fleet = {.kind = MODEL_NODE, .seed = 1};
    struct db_options options = db_options_default();
    bool no_sync = false, abandon = false, falling = false;

    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? values[i + 1] : "";
        uint64_t *number = strcmp(values[i], "--hosts") == 0    ? &hosts
                           : strcmp(values[i], "--rounds") == 0 ? &rounds
                           : strcmp(values[i], "--batch") == 0  ? &batch
                                                                : NULL;
        if (number && str_to_uint64(str_from(value), number)) {
            i++;
        } else if (strcmp(values[i], "--path") == 0) {
            path = values[++i];
        } else if (strcmp(values[i], "--no-sync") == 0) {
            no_sync = true;
        } else if (strcmp(values[i], "--abandon") == 0) {
            abandon = true;
        } else if (strcmp(values[i], "--falling") == 0) {
            falling = true;
        } else {
            fprintf(stderr, "bench_append: unknown option %s\n", values[i]);
            return 1;
        }
    }
    fleet.hosts = (uint32_t)hosts;
    fleet.start_ms = clock_now_ms() - (int64_t)rounds * 15000;
    struct model *model = model_new(&fleet);
    struct fleet_labels texts = {0};
    make_labels(model, &texts);
    uint32_t series = model_series_count(model);
    struct round round = {memory_alloc(series * sizeof *round.series), memory_alloc(series * sizeof *round.times),
                          memory_alloc(series * sizeof *round.values)};

    must(fs_open_folder(path, &options.fs));
    if (no_sync) options.wal_sync_interval_ms = 1000;
    struct db *db;
    must(db_open(&options, &db));
    double cpu = 0, first_cpu = 0;
    int64_t wall = 0;
    for (uint32_t r = 0; r < rounds; r++) {
        int64_t shift_ms = falling ? ((int64_t)rounds - 1 - 2 * (int64_t)r) * 15000 : 0;
        make_round(model, r, &texts, shift_ms, &round);
        double cpu_start = clock_process_seconds();
        int64_t wall_start = clock_monotonic_ns();
        append_round(db, &round, series, (uint32_t)batch);
        if (r == 0) {
            first_cpu = clock_process_seconds() - cpu_start;
        } else {
            cpu += clock_process_seconds() - cpu_start;
            wall += clock_monotonic_ns() - wall_start;
        }
    }
    struct db_stats stats;
    db_stats(db, &stats);
    double millions = (double)series * (double)(rounds - 1) / 1e6;
    printf("{\"series\": %u, \"batch\": %u, \"cpu_seconds_per_million\": %.4f, \"wall_seconds_per_million\": %.4f, "
           "\"cpu_us_per_new_series\": %.3f, \"head_bytes_per_series\": %.1f, \"blocks\": %u}\n",
           series, (unsigned)batch, cpu / millions, (double)wall / 1e9 / millions, first_cpu / series * 1e6,
           (double)stats.head_bytes / series, stats.blocks);
    double cpu_start = clock_process_seconds();
    if (abandon) {
        db_abandon(db);
    } else {
        must(db_close(db));
    }
    printf("{\"close_cpu_seconds\": %.3f}\n", clock_process_seconds() - cpu_start);
    fs_release(options.fs);
    model_free(model);
    return 0;
}
