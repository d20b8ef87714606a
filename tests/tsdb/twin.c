/* A naive twin of the engine; see twin.h. */
#include "tests/tsdb/twin.h"

#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the twin made last, for messages: with it a run can be repeated. */
static uint64_t seed_now;

static void fail(int line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(int line, const char *format, ...)
{
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cr_assert(false, "twin.c, line %d, seed %llu: %s", line, (unsigned long long)seed_now, text);
}

#define twin_assert(condition, ...)                    \
    do {                                               \
        if (!(condition)) fail(__LINE__, __VA_ARGS__); \
    } while (0)

uint64_t twin_random(struct twin *twin)
{
    uint64_t z = (twin->random += 0x9E3779B97F4A7C15ULL);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

static void make_series(struct twin *twin, struct twin_series *series, size_t number)
{
    label *pairs = series->pairs = arena_array(&twin->arena, label, 5);
    size_t count = 0;

    pairs[count++] = (label){METRIC_NAME, arena_format(&twin->arena, "metric_%zu", number % 7)};
    pairs[count++] = (label){STR("instance"), arena_format(&twin->arena, "host-%zu:9100", number / 7)};
    pairs[count++] = (label){STR("job"), number % 3 ? STR("node") : STR("app")};
    if (number % 2) pairs[count++] = (label){STR("mode"), number % 4 == 1 ? STR("idle") : STR("user")};
    if (number % 5 == 0) pairs[count++] = (label){STR("Zone"), arena_format(&twin->arena, "z\xC3\xA9%zu", number % 11)};
    series->pair_count = count;
    for (size_t i = count; i-- > 0;) labels_write(&pairs[i], 1, &series->shuffled);
    labels_sort(pairs, count);
    labels_write(pairs, count, &series->canonical);
}

void twin_init(struct twin *twin, uint64_t seed, size_t series)
{
    *twin = (struct twin){.random = seed};
    seed_now = seed;
    arena_init(&twin->arena, NULL);
    for (size_t i = 0; i < series; i++) {
        vec_push(&twin->series, (struct twin_series){0});
        make_series(twin, vec_last(&twin->series), i);
    }
}

void twin_release(struct twin *twin)
{
    vec_each (series, &twin->series) {
        writer_release(&series->canonical);
        writer_release(&series->shuffled);
        vec_release(&series->samples);
        vec_release(&series->versions);
    }
    vec_release(&twin->series);
    vec_release(&twin->deletes);
    arena_release(&twin->arena);
}

static struct bucket_list random_buckets(struct twin *twin, double *total)
{
    uint32_t count = (uint32_t)(twin_random(twin) % 6);
    int32_t *indexes = arena_array(&twin->arena, int32_t, count), index = (int32_t)(twin_random(twin) % 9) - 4;
    double *counts = arena_array(&twin->arena, double, count);

    for (uint32_t i = 0; i < count; i++) {
        indexes[i] = index += 1 + (int32_t)(twin_random(twin) % 2);
        counts[i] = 1 + (double)(twin_random(twin) % 50);
        *total += counts[i];
    }
    return (struct bucket_list){count, indexes, counts};
}

/* As the one before with some more observed, or with another layout. */
static struct histogram *next_histogram(struct twin *twin, const struct histogram *before)
{
    struct histogram *h = arena_zalloc(&twin->arena, sizeof *h);
    double total = 0;

    if (before && before->positive.count && twin_random(twin) % 8) {
        *h = *before;
        double *counts = arena_array(&twin->arena, double, h->positive.count);
        for (uint32_t i = 0; i < h->positive.count; i++) {
            double more = (double)(twin_random(twin) % 4);
            counts[i] = before->positive.counts[i] + more;
            h->count += more;
        }
        h->positive.counts = counts;
    } else {
        h->is_integer = twin_random(twin) % 2;
        h->schema = (int8_t)((int)(twin_random(twin) % 13) - 4);
        h->positive = random_buckets(twin, &total);
        h->negative = random_buckets(twin, &total);
        h->zero_threshold = 0.001;
        h->zero_count = (double)(twin_random(twin) % 5);
        h->count = total + h->zero_count;
        if (twin_random(twin) % 8 == 0) h->hint = HISTOGRAM_GAUGE;
    }
    h->sum = (double)(twin_random(twin) % 1000) / 8;
    return h;
}

void twin_enrich(struct twin *twin, const struct twin_series *series, struct twin_sample *sample)
{
    if (twin_random(twin) % 4 == 0) sample->start_ms = sample->time_ms - 1000 * (int64_t)(1 + twin_random(twin) % 3);
    if (sample->start_ms && twin_random(twin) % 2) return;
    struct histogram *h = next_histogram(twin, series->samples.count ? vec_last(&series->samples)->histogram : NULL);
    if (twin_random(twin) % 16 == 0) h->sum = double_from_bits(STALE_NAN_BITS);
    sample->histogram = h;
    sample->value = double_bits(h->sum);
}

bool twin_store(struct twin_series *series, int64_t time_ms, uint64_t value)
{
    return twin_store_sample(series, &(struct twin_sample){time_ms, value, 0, NULL});
}

/* Makes room for an item of a sorted vec at its place. */
#define make_room(v, at)                                                                              \
    do {                                                                                              \
        (void)vec_push_slot(v);                                                                       \
        memmove((v)->data + (at) + 1, (v)->data + (at), ((v)->count - 1 - (at)) * sizeof *(v)->data); \
    } while (0)

bool twin_store_sample(struct twin_series *series, const struct twin_sample *sample)
{
    int64_t time_ms = sample->time_ms;
    size_t at = series->samples.count, version = series->versions.count;

    while (at > 0 && series->samples.data[at - 1].time_ms >= time_ms) at--;
    if (at < series->samples.count && series->samples.data[at].time_ms == time_ms) return false;
    make_room(&series->samples, at);
    series->samples.data[at] = *sample;
    while (version > 0 && series->versions.data[version - 1].sample.time_ms > time_ms) version--;
    make_room(&series->versions, version);
    series->versions.data[version] = (struct twin_version){*sample, series->deletes};
    return true;
}

static str value_of(const struct twin_series *series, str name)
{
    for (size_t i = 0; i < series->pair_count; i++) {
        if (str_equal(series->pairs[i].name, name)) return series->pairs[i].value;
    }
    return STR("");
}

static const struct {
    enum matcher_type type;
    const char *name, *value;
} matcher_cases[] = {
    {MATCH_EQUAL, "__name__", "metric_3"},
    {MATCH_EQUAL, "job", "app"},
    {MATCH_EQUAL, "mode", ""},
    {MATCH_EQUAL, "nothing", ""},
    {MATCH_EQUAL, "nothing", "x"},
    {MATCH_NOT_EQUAL, "job", "app"},
    {MATCH_NOT_EQUAL, "mode", ""},
    {MATCH_NOT_EQUAL, "mode", "idle"},
    {MATCH_NOT_EQUAL, "nothing", "x"},
    {MATCH_REGEX, "instance", "host-[0-3]:.*"},
    {MATCH_REGEX, "mode", "idle|user"},
    {MATCH_REGEX, "mode", "idle|"},
    {MATCH_REGEX, "mode", ".+"},
    {MATCH_REGEX, "Zone", ".*"},
    {MATCH_REGEX, "Zone", "z.[1-5]"},
    {MATCH_NOT_REGEX, "instance", "host-1.*"},
    {MATCH_NOT_REGEX, "mode", ".+"},
    {MATCH_NOT_REGEX, "mode", "idle|x"},
    {MATCH_NOT_REGEX, "Zone", "|z.1"},
    {MATCH_REGEX, "__name__", "metric_(1|2|5)"},
    {MATCH_NOT_REGEX, "__name__", "metric_.*"},
    {MATCH_REGEX, "instance", "host-1\\d?:9100"},
};

static size_t random_matchers(struct twin *twin, struct matcher *out, struct arena *arena)
{
    size_t count = 1 + twin_random(twin) % 3;

    for (size_t i = 0; i < count; i++) {
        size_t pick = twin_random(twin) % (sizeof matcher_cases / sizeof matcher_cases[0]);
        status s = matcher_compile(matcher_cases[pick].type, str_from(matcher_cases[pick].name),
                                   str_from(matcher_cases[pick].value), &out[i], arena);
        twin_assert(!failed(s), "%s", s.text);
    }
    return count;
}

static bool matches(const struct twin_series *series, const struct matcher *matchers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!matcher_matches(&matchers[i], value_of(series, matchers[i].name))) return false;
    }
    return true;
}

static bool hides(const struct twin_delete *item, const struct twin_series *series, const struct twin_version *version)
{
    return version->deletes <= item->deletes && version->sample.time_ms >= item->from_ms &&
           version->sample.time_ms <= item->to_ms && matches(series, item->matchers, item->matcher_count);
}

static bool is_hidden(const struct twin *twin, const struct twin_series *series, const struct twin_version *version)
{
    vec_each (item, &twin->deletes) {
        if (hides(item, series, version)) return true;
    }
    return false;
}

/* Says anew what is visible. */
static void show(struct twin *twin)
{
    vec_each (series, &twin->series) {
        series->samples.count = 0;
        series->deletes = twin->delete_count;
        vec_each (version, &series->versions) {
            if (is_hidden(twin, series, version)) continue;
            if (series->samples.count && vec_last(&series->samples)->time_ms == version->sample.time_ms) continue;
            vec_push(&series->samples, version->sample);
        }
    }
}

static void list_tombstones(struct db *db, struct db_tombstone **out, size_t *count, struct arena *arena)
{
    arena_init(arena, NULL);
    db_tombstones(db, out, count, arena);
}

static const struct db_tombstone *find_tombstone(const struct db_tombstone *tombstones, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (tombstones[i].number == number) return &tombstones[i];
    }
    return NULL;
}

/* What the delete hides is gone for good. */
static void forget_hidden(struct twin *twin, const struct twin_delete *item)
{
    vec_each (series, &twin->series) {
        size_t kept = 0;
        for (size_t i = 0; i < series->versions.count; i++) {
            if (!hides(item, series, &series->versions.data[i]))
                series->versions.data[kept++] = series->versions.data[i];
        }
        series->versions.count = kept;
    }
}

void twin_settle(struct twin *twin, struct db *db)
{
    struct db_tombstone *tombstones;
    struct arena arena;
    size_t count, kept = 0;

    list_tombstones(db, &tombstones, &count, &arena);
    vec_each (item, &twin->deletes) {
        const struct db_tombstone *found = find_tombstone(tombstones, count, item->number);
        if (!found && item->is_purging) forget_hidden(twin, item);
        if (!found) continue;
        item->is_purging = found->purge_ms == 0;
        twin->deletes.data[kept++] = *item;
    }
    twin->deletes.count = kept;
    if (twin->is_pending && count > kept) {
        twin->pending.number = tombstones[count - 1].number;
        twin->delete_count++;
        vec_push(&twin->deletes, twin->pending);
    }
    twin_assert(twin->deletes.count == count, "%zu tombstones, expected %zu", count, twin->deletes.count);
    twin->is_pending = false;
    arena_release(&arena);
    show(twin);
}

status twin_delete(struct twin *twin, struct db *db, int64_t from_ms, int64_t to_ms)
{
    struct twin_delete *item = &twin->pending;
    uint64_t span = (uint64_t)(to_ms - from_ms);

    *item = (struct twin_delete){.deletes = twin->delete_count, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    item->matcher_count = random_matchers(twin, item->matchers, &twin->arena);
    if (twin_random(twin) % 4) item->from_ms = from_ms + (int64_t)(twin_random(twin) % span);
    if (twin_random(twin) % 4) item->to_ms = from_ms + (int64_t)(twin_random(twin) % span);
    struct db_deletion deletion = {item->matchers, item->matcher_count, item->from_ms, item->to_ms};
    twin->is_pending = true;
    TRY(db_delete(db, &deletion, 1));
    twin_settle(twin, db);
    return ok();
}

status twin_undelete(struct twin *twin, struct db *db)
{
    if (twin->deletes.count == 0) return ok();
    status s = db_undelete(db, twin->deletes.data[twin_random(twin) % twin->deletes.count].number);
    if (s.code == STATUS_NOT_FOUND) return ok(); /* its purge has begun */
    TRY(s);
    twin_settle(twin, db);
    return ok();
}

status twin_purge(struct twin *twin, struct db *db)
{
    vec_each (item, &twin->deletes) item->is_purging = true;
    TRY(db_purge(db));
    twin_settle(twin, db);
    twin_assert(twin->deletes.count == 0, "%zu tombstones are left", twin->deletes.count);
    return ok();
}

static bool has_samples(const struct twin_series *series, int64_t from_ms, int64_t to_ms)
{
    vec_each (sample, &series->samples) {
        if (sample->time_ms > from_ms && sample->time_ms <= to_ms) return true;
    }
    return false;
}

/* The twin's series of a row, found by its labels. */
static struct twin_series *series_of_row(struct twin *twin, struct snapshot *snapshot, struct selection *selection,
                                         uint32_t row)
{
    struct label_id ids[LABELS_MAX];
    label pairs[LABELS_MAX];
    size_t count;

    status s = selection_label_pairs(selection, row, ids, &count);
    twin_assert(!failed(s), "%s", s.text);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (label){snapshot_string(snapshot, ids[i].name), snapshot_string(snapshot, ids[i].value)};
    vec_each (series, &twin->series) {
        if (labels_compare(series->pairs, series->pair_count, pairs, count) == 0) return series;
    }
    twin_assert(false, "a row has labels that no series has");
    return NULL;
}

/* A histogram and its hint: none where it begins a chunk, and it may say that there was no reset only if there was
 * none. */
static void check_rich(const struct twin_sample *expected, const samples *got, size_t at)
{
    const struct histogram *h = got->histograms ? got->histograms[at] : NULL;

    twin_assert((got->starts_ms ? got->starts_ms[at] : 0) == expected->start_ms, "the start time at %lld is wrong",
                (long long)expected->time_ms);
    twin_assert(!h == !expected->histogram, "a histogram is missing or too many at %lld", (long long)expected->time_ms);
    if (!h) return;
    twin_assert(histogram_equal(h, expected->histogram) && h->is_integer == expected->histogram->is_integer,
                "another histogram at %lld", (long long)expected->time_ms);
    twin_assert((h->hint == HISTOGRAM_GAUGE) == (expected->histogram->hint == HISTOGRAM_GAUGE), "it does not hold");
    if (h->hint != HISTOGRAM_NOT_RESET) return;
    if (at > 0 && got->histograms[at - 1]) {
        struct histogram unknown = *h;
        unknown.hint = HISTOGRAM_UNKNOWN;
        twin_assert(is_stale(h->sum) || !histogram_was_reset(&unknown, got->histograms[at - 1]),
                    "a counter reset is denied at %lld", (long long)expected->time_ms);
    }
}

static void check_samples(const struct twin_series *series, const samples *got, int64_t from_ms, int64_t to_ms)
{
    size_t at = 0;

    vec_each (sample, &series->samples) {
        if (sample->time_ms <= from_ms || sample->time_ms > to_ms) continue;
        twin_assert(at < got->count, "samples are missing: %zu of %zu", got->count, series->samples.count);
        twin_assert(got->times_ms[at] == sample->time_ms, "time %lld, expected %lld", (long long)got->times_ms[at],
                    (long long)sample->time_ms);
        twin_assert(double_bits(got->values[at]) == sample->value, "value %016llx, expected %016llx at %lld",
                    (unsigned long long)double_bits(got->values[at]), (unsigned long long)sample->value,
                    (long long)sample->time_ms);
        check_rich(sample, got, at);
        at++;
    }
    twin_assert(at == got->count, "%zu samples too many", got->count - at);
}

static void check_newest(const struct twin_series *series, int64_t from_ms, int64_t at_ms,
                         const struct newest_samples *newest)
{
    int64_t time_ms = newest->times_ms[0];
    double value = newest->values[0];
    const struct twin_sample *expected = NULL;

    vec_each (sample, &series->samples) {
        if (sample->time_ms > from_ms && sample->time_ms <= at_ms) expected = sample;
    }
    twin_assert(time_ms == (expected ? expected->time_ms : INT64_MIN), "the newest is at %lld, expected %lld",
                (long long)time_ms, expected ? (long long)expected->time_ms : 0);
    twin_assert(!expected || double_bits(value) == expected->value, "it does not hold");
    samples got = {.count = 1,
                   .times_ms = newest->times_ms,
                   .values = newest->values,
                   .histograms = newest->histograms,
                   .starts_ms = newest->starts_ms};
    if (expected) check_rich(expected, &got, 0);
}

static void check_selection(struct twin *twin, struct snapshot *snapshot, const struct select_request *request)
{
    struct column_buffer buffer = {0};
    struct selection *selection;
    uint32_t seen = 0, expected = 0;

    status s = snapshot_select(snapshot, request, &selection);
    twin_assert(!failed(s), "%s", s.text);
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        struct twin_series *series = series_of_row(twin, snapshot, selection, row);
        samples got;
        int64_t newest_ms, newest_start;
        double newest_value;
        const struct histogram *newest_histogram;
        size_t decoded;
        struct newest_samples newest = {&newest_ms, &newest_value, &newest_histogram, &newest_start};
        uint32_t id;
        twin_assert(matches(series, request->matchers, request->matcher_count), "it does not hold");
        twin_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
        check_samples(series, &got, request->from_ms, request->to_ms);
        fixture_check_chunks(selection, row, &decoded);
        seen += got.count > 0;
        twin_assert(selection_newest(selection, &row, 1, request->from_ms, request->to_ms, &buffer, &newest), "%s",
                    buffer.error.text);
        check_newest(series, request->from_ms, request->to_ms, &newest);
        twin_assert(!failed(selection_label_ids(selection, &row, 1, STR("mode"), &id)), "it does not hold");
        twin_assert(str_equal(snapshot_string(snapshot, id), value_of(series, STR("mode"))), "it does not hold");
    }
    vec_each (series, &twin->series) {
        if (matches(series, request->matchers, request->matcher_count) &&
            has_samples(series, request->from_ms, request->to_ms))
            expected++;
    }
    twin_assert(seen == expected, "%u series with samples, expected %u", seen, expected);
    column_buffer_release(&buffer);
}

static bool contains(const str *values, size_t count, str value)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(values[i], value)) return true;
    }
    return false;
}

/* Names and values of series with samples in the range are told; others may be. */
static void check_labels(struct twin *twin, struct snapshot *snapshot, const struct select_request *request)
{
    str *names, *values;
    size_t name_count, value_count;
    bool truncated;

    twin_assert(!failed(snapshot_label_names(snapshot, request, 0, &names, &name_count, &truncated)),
                "it does not hold");
    twin_assert(!failed(
                    snapshot_label_values(snapshot, STR("instance"), request, 0, &values, &value_count, &truncated)),
                "it does not hold");
    for (size_t i = 1; i < value_count; i++) twin_assert(str_compare(values[i - 1], values[i]) < 0, "it does not hold");
    for (size_t i = 1; i < name_count; i++) twin_assert(str_compare(names[i - 1], names[i]) < 0, "it does not hold");
    vec_each (series, &twin->series) {
        if (!matches(series, request->matchers, request->matcher_count) ||
            !has_samples(series, request->from_ms, request->to_ms))
            continue;
        for (size_t i = 0; i < series->pair_count; i++)
            twin_assert(contains(names, name_count, series->pairs[i].name), "it does not hold");
        twin_assert(contains(values, value_count, value_of(series, STR("instance"))), "it does not hold");
    }
}

void twin_check(struct twin *twin, struct db *db, int64_t from_ms, int64_t to_ms)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct arena arena;
    struct matcher matchers[4];
    struct select_request request = {matchers, 0, INT64_MIN, INT64_MAX};

    arena_init(&arena, NULL);
    check_selection(twin, snapshot, &request);
    check_labels(twin, snapshot, &request);
    for (int i = 0; i < 6; i++) {
        uint64_t span = (uint64_t)(to_ms - from_ms) + 1;
        request.matcher_count = random_matchers(twin, matchers, &arena);
        request.from_ms = from_ms + (int64_t)(twin_random(twin) % span);
        request.to_ms = request.from_ms + (int64_t)(twin_random(twin) % span);
        check_selection(twin, snapshot, &request);
        check_labels(twin, snapshot, &request);
    }
    arena_release(&arena);
    snapshot_release(snapshot);
}

void twin_check_stored(struct twin *twin, struct db *db)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct column_buffer buffer = {0};
    struct selection *selection;
    size_t found = 0, expected = 0;

    status s = snapshot_select(snapshot, &request, &selection);
    twin_assert(!failed(s), "%s", s.text);
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        struct twin_series *series = series_of_row(twin, snapshot, selection, row);
        samples got;
        size_t at = 0;
        twin_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
        vec_each (sample, &series->samples) {
            while (at < got.count && got.times_ms[at] < sample->time_ms) at++;
            twin_assert(at < got.count && got.times_ms[at] == sample->time_ms, "a sample at %lld is lost",
                        (long long)sample->time_ms);
            twin_assert(double_bits(got.values[at]) == sample->value, "a sample at %lld has changed",
                        (long long)sample->time_ms);
            check_rich(sample, &got, at);
            found++;
        }
    }
    vec_each (series, &twin->series) expected += series->samples.count;
    twin_assert(found == expected, "%zu samples of %zu are there", found, expected);
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
}

void twin_check_folder(struct fs *fs)
{
    char finding[FIXTURE_FINDING_BYTES];

    fixture_check(fs, finding);
    twin_assert(!finding[0], "check: %s", finding);
}

void twin_batch_add(struct twin_batch *batch, const struct twin_series *series, bool shuffled, const int64_t *times_ms,
                    const uint64_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct twin_sample row = {times_ms[i], values[i], 0, NULL};
        twin_batch_add_samples(batch, series, shuffled, &row, 1);
    }
}

void twin_batch_add_samples(struct twin_batch *batch, const struct twin_series *series, bool shuffled,
                            const struct twin_sample *rows, uint32_t count)
{
    const struct writer *bytes = shuffled ? &series->shuffled : &series->canonical;

    vec_push(&batch->series, (struct append_series){str_make((const char *)bytes->data, bytes->count),
                                                    (uint32_t)batch->times.count, count});
    for (uint32_t i = 0; i < count; i++) {
        vec_push(&batch->times, rows[i].time_ms);
        vec_push(&batch->values, rows[i].value);
        vec_push(&batch->histograms, rows[i].histogram);
        vec_push(&batch->starts, rows[i].start_ms);
    }
}

struct append_batch twin_batch_view(const struct twin_batch *batch)
{
    return (struct append_batch){.series = batch->series.data,
                                 .series_count = batch->series.count,
                                 .times_ms = batch->times.data,
                                 .values = batch->values.data,
                                 .histograms = batch->histograms.data,
                                 .starts_ms = batch->starts.data,
                                 .sample_count = batch->times.count};
}

void twin_batch_release(struct twin_batch *batch)
{
    vec_release(&batch->series);
    vec_release(&batch->times);
    vec_release(&batch->values);
    vec_release(&batch->histograms);
    vec_release(&batch->starts);
}
