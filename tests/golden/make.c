/* Makes a golden folder of today's formats: make_golden FOLDER writes FOLDER/data and FOLDER/answers.txt.
 *
 * The folder has what the formats have: a block of a short day with many series (large sets of series), a merged block
 * with every codec and its models, a young block, a registry's file that the live head rests on, and a log with samples
 * in order and late, histograms and metadata. What it must answer is told from what was sent, not from what was stored.
 */
#include "storage/base/hash.h"
#include "storage/base/log.h"
#include "tests/golden/answers.h"
#include "tsdb/check.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1560, FLOATS = 36, RICH = 4, STEP_MS = 15000, SERIES = MANY + FLOATS + RICH };

static const int64_t day_ms = 24 * 3600 * 1000, start_ms = 19676LL * 24 * 3600 * 1000;

struct row {
    int64_t time_ms, start_ms;
    uint64_t value;
    const struct histogram *histogram;
};

struct series {
    label pairs[3];
    size_t pair_count;
    struct writer raw;
    vec(struct row) rows;
};

struct maker {
    const char *path;
    struct fs *fs; /* of one opening: it holds the lock */
    struct db *db;
    struct arena arena;
    struct series series[SERIES]; /* many, then floats, then rich ones */
    struct append_metadata metadata[2];
    vec(struct append_exemplar) exemplars; /* all that were sent */
    uint64_t random;
};

static void must(status s)
{
    if (!failed(s)) return;
    fprintf(stderr, "make_golden: %s\n", s.text);
    exit(1);
}

static uint64_t next_random(struct maker *maker)
{
    return hash_mix(maker->random++, 0x9E3779B97F4A7C15);
}

static void name_series(struct maker *maker)
{
    static const char *const metrics[] = {"requests_total", "temperature_celsius", "walk",  "constant", "line",
                                          "noise",          "exceptional",         "shared"};

    for (size_t i = 0; i < SERIES; i++) {
        struct series *s = &maker->series[i];
        if (i < MANY) {
            s->pairs[0] = (label){METRIC_NAME, STR("many")};
            s->pairs[1] = (label){STR("id"), arena_format(&maker->arena, "i%zu", i * 7919 % MANY)};
            s->pairs[2] = (label){STR("third"), i * 7919 % MANY % 3 ? STR("no") : STR("yes")};
            s->pair_count = 3;
        } else {
            size_t k = i - MANY;
            bool rich = k >= FLOATS;
            s->pairs[0] = (label){METRIC_NAME, rich ? STR("latency_seconds") : str_from(metrics[k % 8])};
            s->pairs[1] = (label){STR("instance"), arena_format(&maker->arena, "host-%zu:9100", k / 8)};
            s->pairs[2] = (label){STR("z\xC3\xA9ro"), STR("\xE2\x82\xAC")};
            s->pair_count = k % 3 ? 2 : 3;
            if (rich) s->pairs[1].value = arena_format(&maker->arena, "host-%zu:9100", k);
        }
        labels_sort(s->pairs, s->pair_count);
        labels_write(s->pairs, s->pair_count, &s->raw);
    }
}

/* What a series of floats has at a step: each kind is what one codec is for. */
static double float_at(struct maker *maker, size_t k, int step)
{
    static const uint64_t exceptions[] = {0x7FF0000000000002, 0x7FF8000000000001, 0x8000000000000000,
                                          0x7FF8000000abcdef, 0x7FF0000000000000, 0xFFF0000000000000};
    uint64_t random = next_random(maker);

    switch (k % 8) {
    case 0: return 1e6 * (double)k + step * 10 + (double)(random % 7);
    case 1: return round(2000 + 800 * sin(step / 40.0) + (double)(random % 9)) / 100;
    case 2: return 500 + 100 * cos((double)step * (double)k / 97) + (double)(random % 1000) / 1000;
    case 3: return 42.5;
    case 4: return 1024.0 * (step * (double)(k + 1));
    case 5: return double_from_bits(random & ~(1ULL << 62));
    case 6: return random % 11 ? (double)(random % 100) : double_from_bits(exceptions[random / 11 % 6]);
    default: return (double)(step / 3 * 5 % 1000); /* equal runs */
    }
}

static struct histogram *histogram_at(struct maker *maker, size_t k, int step)
{
    struct histogram *h = arena_zalloc(&maker->arena, sizeof *h);
    uint32_t buckets = 4;
    int32_t *indexes = arena_array(&maker->arena, int32_t, buckets);
    double *counts = arena_array(&maker->arena, double, buckets), *bounds = arena_array(&maker->arena, double, buckets);

    for (uint32_t i = 0; i < buckets; i++) {
        indexes[i] = (int32_t)(i * 2) + (step >= 200); /* another layout later */
        counts[i] = step % 90 * (int)(i + 1) + (k == 1 ? 0.5 : 0);
        bounds[i] = 0.5 * (i + 1);
        h->count += counts[i];
    }
    h->schema = k == 2 ? HISTOGRAM_SCHEMA_CUSTOM : (int8_t)(3 - (int)k);
    h->is_integer = k != 1;
    if (k == 2) {
        h->bounds = bounds;
        h->bound_count = buckets;
        for (uint32_t i = 0; i < buckets; i++) indexes[i] = (int32_t)i;
    } else {
        h->zero_threshold = 0.001;
        h->zero_count = step % 5;
        h->count += h->zero_count;
    }
    if (k == 3) h->hint = HISTOGRAM_GAUGE;
    h->positive = (struct bucket_list){buckets, indexes, counts};
    h->sum = (double)(next_random(maker) % 1000) / 8;
    return h;
}

static struct row row_at(struct maker *maker, size_t series, int64_t time_ms, int step)
{
    struct row row = {.time_ms = time_ms};

    if (series < MANY) {
        row.value = double_bits((double)(series % 10));
    } else if (series < MANY + FLOATS || (series == MANY + FLOATS && step % 50 == 7)) {
        row.value = double_bits(float_at(maker, series - MANY, step));
    } else {
        row.histogram = histogram_at(maker, series - MANY - FLOATS, step);
        row.value = double_bits(row.histogram->sum);
    }
    if (series == SERIES - 1) row.start_ms = start_ms - 1000 - step / 100;
    return row;
}

static void remember(struct series *series, struct row row)
{
    size_t at = series->rows.count;

    while (at > 0 && series->rows.data[at - 1].time_ms > row.time_ms) at--;
    vec_push(&series->rows, row);
    memmove(series->rows.data + at + 1, series->rows.data + at,
            (series->rows.count - 1 - at) * sizeof *series->rows.data);
    series->rows.data[at] = row;
}

static void add_exemplar(struct maker *maker, size_t series, int64_t time_ms, struct append_batch *batch)
{
    struct writer raw = {0};
    label pair = {STR("trace_id"), arena_format(&maker->arena, "%016llx", (unsigned long long)next_random(maker))};

    labels_write(&pair, 1, &raw);
    str trace = arena_copy_str(&maker->arena, str_make((const char *)raw.data, raw.count));
    const struct writer *of = &maker->series[series].raw;
    vec_push(&maker->exemplars, (struct append_exemplar){str_make((const char *)of->data, of->count), trace,
                                                         (double)(time_ms % 97) / 8, time_ms});
    batch->exemplars = vec_last(&maker->exemplars);
    batch->exemplar_count = 1;
    writer_release(&raw);
}

/* One request: a sample for each of the series [first, end). */
static void send(struct maker *maker, size_t first, size_t end, int64_t time_ms, int step)
{
    static struct append_series series[SERIES];
    static int64_t times_ms[SERIES], starts_ms[SERIES];
    static uint64_t values[SERIES];
    static const struct histogram *histograms[SERIES];
    struct append_result result;
    size_t count = end - first;

    for (size_t i = 0; i < count; i++) {
        struct series *of = &maker->series[first + i];
        struct row row = row_at(maker, first + i, time_ms, step);
        series[i] = (struct append_series){str_make((const char *)of->raw.data, of->raw.count), (uint32_t)i, 1};
        times_ms[i] = row.time_ms;
        starts_ms[i] = row.start_ms;
        values[i] = row.value;
        histograms[i] = row.histogram;
        remember(of, row);
    }
    struct append_batch batch = {.series = series,
                                 .series_count = count,
                                 .times_ms = times_ms,
                                 .values = values,
                                 .histograms = histograms,
                                 .starts_ms = starts_ms,
                                 .sample_count = count};
    bool is_newest = maker->exemplars.count == 0 || time_ms > vec_last(&maker->exemplars)->time_ms;
    if (first > 0 && step % 7 == 0 && is_newest)
        add_exemplar(maker, first + (size_t)step % (count - 1), time_ms, &batch);
    must(db_append_wait(maker->db, &batch, &result));
    if (result.stored != count || result.exemplars_kept != batch.exemplar_count)
        must(status_make(STATUS_INVALID, "not all is stored: %s", result.error));
}

static void send_metadata(struct maker *maker, size_t index)
{
    struct append_batch batch = {.metadata = &maker->metadata[index], .metadata_count = 1};
    struct append_result result;

    must(db_append_wait(maker->db, &batch, &result));
}

static void open_db(struct maker *maker)
{
    struct db_options options = db_options_default();

    must(fs_open_folder(maker->path, &maker->fs));
    options.fs = maker->fs;
    options.retention_ms = 0;
    options.future_max_ms = 0;
    options.background = false;
    options.wal_segment_bytes = 4096;
    must(db_open(&options, &maker->db));
}

static void fill(struct maker *maker)
{
    int step = 0;

    open_db(maker);
    send(maker, 0, MANY, start_ms + 3 * day_ms, 0);
    must(db_close(maker->db));
    fs_release(maker->fs);

    open_db(maker);
    maker->metadata[0] = (struct append_metadata){METRIC_COUNTER, STR("requests_total"), STR("Requests."), STR("")};
    maker->metadata[1] =
        (struct append_metadata){METRIC_HISTOGRAM, STR("latency_seconds"), STR("Time of a request."), STR("seconds")};
    send_metadata(maker, 0);
    for (; step < 540; step++) {
        send(maker, MANY, SERIES, start_ms + (int64_t)step * STEP_MS, step);
        if (step % 100 == 50) send(maker, MANY, SERIES, start_ms + (int64_t)(step - 45) * STEP_MS + 1, step);
        if (step == 420) must(db_freeze(maker->db));
    }
    must(db_compact(maker->db));
    for (; step < 640; step++) {
        send(maker, MANY, SERIES, start_ms + day_ms + (int64_t)step * STEP_MS, step);
        if (step == 600) must(db_freeze(maker->db));
    }
    send(maker, MANY, SERIES, start_ms + 7, step); /* late: it lies in the day of the merged block */
    send_metadata(maker, 1);
    nanosleep(&(struct timespec){0, 300000000}, NULL); /* an idle log vouches for its last group */
    db_abandon(maker->db);
    must(fs_unlink(maker->fs, "lock"));
    fs_release(maker->fs);
}

static void tell(struct maker *maker, struct writer *out)
{
    struct golden_answers answers;

    golden_init(&answers);
    for (size_t i = 0; i < SERIES; i++) {
        struct series *series = &maker->series[i];
        struct golden_series *told = golden_add(&answers, series->pairs, series->pair_count);
        vec_each (row, &series->rows) golden_take(told, row->time_ms, row->value, row->start_ms, row->histogram);
    }
    vec_each (sent, &maker->exemplars) {
        struct exemplar *copy = arena_array(&answers.arena, struct exemplar, 1);
        *copy = (struct exemplar){sent->labels, sent->value, sent->time_ms};
        for (size_t i = 0; i < SERIES; i++) {
            const struct series *series = &maker->series[i];
            if ((const char *)series->raw.data == sent->series.data)
                vec_push(&answers.exemplars, (struct exemplar_series){series->pairs, series->pair_count, copy, 1});
        }
    }
    for (size_t i = 0; i < 2; i++) vec_push(&answers.metadata, maker->metadata[i]);
    golden_print(&answers, out);
    golden_release(&answers);
}

static void quiet(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    (void)line;
}

int main(int argc, char **argv)
{
    static struct maker maker;
    struct writer text = {0};
    struct fs *folder;

    if (argc != 2 || mkdir(argv[1], 0777) != 0) {
        fprintf(stderr, "usage: make_golden FOLDER, which does not exist yet\n");
        return 2;
    }
    log_set_sink(quiet, NULL);
    arena_init(&maker.arena, NULL);
    must(fs_open_folder(argv[1], &folder));
    maker.path = arena_format(&maker.arena, "%s/data", argv[1]).data;
    name_series(&maker);
    fill(&maker);
    tell(&maker, &text);
    must(fs_replace_file(folder, "answers.txt", str_make((const char *)text.data, text.count)));
    fs_release(folder);
    for (size_t i = 0; i < SERIES; i++) {
        writer_release(&maker.series[i].raw);
        vec_release(&maker.series[i].rows);
    }
    vec_release(&maker.exemplars);
    writer_release(&text);
    arena_release(&maker.arena);
    return 0;
}
