/* A head against arrays: what is accepted, what a horizon shows, what the log of a head makes of it again; threads. */
#include "tsdb/head.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/metrics.h"

#include <pthread.h>
#include <stdio.h>

static const struct head_limits any_time = {INT64_MIN, INT64_MAX, -1};
static const struct hash_secret secret = {{1}};

static struct head *make_head(uint32_t series)
{
    struct registry *registry = registry_new(&secret, 1);
    struct head *head = head_new(7, registry);

    for (uint32_t i = 0; i < series; i++) {
        char text[64];
        snprintf(text, sizeof text, "metric_%u instance=host-%u", i % 7, i / 7);
        cr_assert(fixture_register(registry, text, NULL) == i);
    }
    registry_unref(registry);
    return head;
}

/* A request: columns and the ids they are for. */
struct request {
    vec(struct append_series) series;
    vec(uint32_t) ids;
    vec(int64_t) times;
    vec(uint64_t) values;
    struct writer rows, rich_rows;
    struct append_result result;
};

static void add(struct request *request, uint32_t id, int64_t time_ms, uint64_t value)
{
    bool same = request->ids.count && *vec_last(&request->ids) == id;

    if (!same) {
        vec_push(&request->series, (struct append_series){STR(""), (uint32_t)request->times.count, 0});
        vec_push(&request->ids, id);
    }
    vec_last(&request->series)->count++;
    vec_push(&request->times, time_ms);
    vec_push(&request->values, value);
}

static void send(struct request *request, struct head *head, const struct head_limits *limits)
{
    struct append_batch batch = {.series = request->series.data,
                                 .series_count = request->series.count,
                                 .times_ms = request->times.data,
                                 .values = request->values.data,
                                 .sample_count = request->times.count};

    request->result = (struct append_result){0};
    request->rows.count = 0;
    head_append(head, &batch, request->ids.data, limits, &request->rows, &request->rich_rows, &request->result);
    request->series.count = request->ids.count = request->times.count = request->values.count = 0;
}

static void request_release(struct request *request)
{
    vec_release(&request->series);
    vec_release(&request->ids);
    vec_release(&request->times);
    vec_release(&request->values);
    writer_release(&request->rows);
    writer_release(&request->rich_rows);
}

Test(head, conflicts_are_counted)
{
    static const struct {
        int64_t time_ms;
        double value;
        int repeated, conflicting;
    } rows[] = {{10, 1, 0, 0}, {5, 2, 0, 0}, {5, 2, 1, 0}, {5, 3, 1, 1}, {10, 1, 1, 0}, {5, -2, 1, 1}};
    struct head *head = make_head(1);
    struct request request = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t before = metric_get(&metric_samples_conflicting), repeated = metric_get(&metric_samples_repeated);
        add(&request, 0, rows[i].time_ms, double_bits(rows[i].value));
        send(&request, head, &any_time);
        cr_expect(metric_get(&metric_samples_conflicting) - before == rows[i].conflicting, "row %zu", i);
        cr_expect(metric_get(&metric_samples_repeated) - repeated == rows[i].repeated, "row %zu", i);
    }
    request_release(&request);
    head_unref(head);
}

static void append(struct head *head, uint32_t id, int64_t time_ms, double value)
{
    struct request request = {0};

    add(&request, id, time_ms, double_bits(value));
    send(&request, head, &any_time);
    cr_assert(request.result.stored == 1, "%s", request.result.error);
    request_release(&request);
}

Test(head, verdicts)
{
    static const struct {
        int64_t time_ms;
        double value;
        struct head_limits limits;
        bool stored;
        int reason; /* -1: repeated */
        const char *error;
    } rows[] = {
        {1000, 1, {0, 2000, -1}, true, 0, ""},
        {2001, 1, {0, 2000, -1}, false, APPEND_TOO_NEW, "too far in the future: sample at 2001 ms of series "},
        {2000, 1, {0, 2000, -1}, true, 0, ""},
        {2000, 1, {0, 2000, -1}, false, -1, ""},
        {2000, 2, {0, 2000, -1}, false, APPEND_DUPLICATE, "another value is stored for this time: sample at 2000 ms"},
        {-1, 2, {0, 2000, -1}, false, APPEND_TOO_OLD, "older than the retention time: sample at -1 ms"},
        {0, 2, {0, 2000, -1}, true, 0, ""},
        {0, 2, {0, 2000, -1}, false, -1, ""},
        {0, 3, {0, 2000, -1}, false, -1, ""}, /* the earlier value stays, silently */
        {1500, 3, {0, 2000, 499}, false, APPEND_TOO_OLD, "older than the out-of-order window allows: sample at 1500"},
        {1500, 3, {0, 2000, 500}, true, 0, ""},
        {1999, 3, {0, 2000, 0}, false, APPEND_TOO_OLD, "older than the out-of-order window"},
        {2500, 3, {0, 3000, 0}, true, 0, ""},
        {INT64_MAX, 3, {INT64_MIN, INT64_MAX, 10}, true, 0, ""},
        {INT64_MIN, 3, {INT64_MIN, INT64_MAX, 10}, false, APPEND_TOO_OLD, "older than the out-of-order window"},
        {INT64_MIN + 1, 3, {INT64_MIN, INT64_MAX, INT64_MAX}, false, APPEND_TOO_OLD, "older than the out-of-order"},
        {1, 3, {INT64_MIN, INT64_MAX, INT64_MAX}, true, 0, ""},
        {INT64_MIN, 3, {INT64_MIN, INT64_MAX, -1}, true, 0, ""},
    };
    struct head *head = make_head(1);
    struct request request = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        add(&request, 0, rows[i].time_ms, double_bits(rows[i].value));
        send(&request, head, &rows[i].limits);
        const struct append_result *result = &request.result;
        cr_expect(result->stored == rows[i].stored, "row %zu", i);
        cr_expect((request.rows.count > 0) == rows[i].stored, "row %zu: only what is stored is logged", i);
        cr_expect(result->repeated == (!rows[i].stored && rows[i].reason == -1), "row %zu", i);
        for (int reason = 0; reason < APPEND_REASON_COUNT; reason++)
            cr_expect(result->rejected[reason] == (!rows[i].stored && rows[i].reason == reason), "row %zu", i);
        cr_expect(strncmp(result->error, rows[i].error, strlen(rows[i].error)) == 0 &&
                      (result->error[0] != 0) == (rows[i].error[0] != 0),
                  "row %zu: %s", i, result->error);
    }
    cr_expect(head_valid(head));
    request_release(&request);
    head_unref(head);
}

Test(head, errors_name_the_series)
{
    struct head *head = make_head(8);
    struct head_limits limits = {0, 10, -1};
    struct request request = {0};

    add(&request, 7, 11, 1);
    add(&request, 0, -5, 1);
    send(&request, head, &limits);
    cr_expect(strcmp(request.result.error, "too far in the future: sample at 11 ms of series {__name__=\"metric_0\", "
                                           "instance=\"host-1\"}") == 0,
              "%s", request.result.error);
    cr_expect(request.result.rejected[APPEND_TOO_NEW] == 1 && request.result.rejected[APPEND_TOO_OLD] == 1);
    request_release(&request);
    head_unref(head);
}

/* Samples of one series: times in order or late; the first stored of a time wins, one in order over a late one. */
struct model {
    struct {
        uint64_t value;
        bool stored, in_order;
    } at[500];
    int64_t newest;
};

enum { SERIES = 150, TIMES = 500 };

static void model_append(struct model *model, int64_t time_ms, uint64_t value)
{
    if (time_ms > model->newest) {
        model->newest = time_ms;
        model->at[time_ms].in_order = true;
    }
    if (model->at[time_ms].stored) return;
    model->at[time_ms].stored = true;
    model->at[time_ms].value = value;
}

static bool has(struct head *head, uint32_t id, int64_t from_ms, int64_t to_ms)
{
    bool out = false;

    head_has(head, &id, 1, from_ms, to_ms, &out);
    return out;
}

static bool newest(struct head *head, uint32_t id, const struct horizon *horizon, int64_t *time_ms, double *value)
{
    head_newest(head, &id, 1, horizon, time_ms, value);
    return *time_ms != INT64_MIN;
}

static void check_read(struct head *head, uint32_t id, const struct model *model, int64_t from, int64_t to,
                       const struct horizon *horizon, struct column_buffer *buffer)
{
    size_t at = 0;

    buffer->times.count = buffer->values.count = 0;
    bool any = head_read(head, id, horizon, from, to, buffer);
    cr_assert(any == (model->newest >= 0));
    for (int64_t t = 0; t < TIMES; t++) {
        if (!model->at[t].stored || t < from || t > to) continue;
        cr_assert(at < buffer->times.count && buffer->times.data[at] == t, "series %u: time %lld", id, (long long)t);
        cr_assert(double_bits(buffer->values.data[at]) == model->at[t].value, "series %u: time %lld", id, (long long)t);
        cr_assert(has(head, id, from, to), "series %u", id);
        at++;
    }
    cr_assert(at == buffer->times.count, "series %u: %zu samples too many", id, buffer->times.count - at);
}

static void check_chunks(struct head *head, uint32_t id, const struct model *model, struct column_buffer *buffer)
{
    static const hash128 fingerprint = {1, 2};
    struct series_data data = {0};
    struct writer bytes = {0};
    uint64_t expected = 0, counted;
    int64_t last = -1;

    head_chunks(head, id, buffer, &data);
    for (int64_t t = 0; t < TIMES; t++) {
        expected += model->at[t].stored;
        if (model->at[t].stored) last = t;
    }
    cr_assert(data.samples == expected);
    if (expected) {
        cr_assert(vec_last(&data.chunks)->max_ms == last, "the last bound is the last time");
        series_data_write(&data, fingerprint, 0, &bytes);
        memset(writer_reserve(&bytes, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
        must(series_data_check(bytes.data, bytes.count, fingerprint, NULL, buffer, &counted));
        buffer->times.count = buffer->values.count = 0;
        must(series_data_read(bytes.data, bytes.count, fingerprint, NULL, INT64_MIN, INT64_MAX, buffer));
        for (size_t i = 0; i < buffer->times.count; i++)
            cr_assert(double_bits(buffer->values.data[i]) == model->at[buffer->times.data[i]].value);
    }
    writer_release(&bytes);
    series_data_release(&data);
}

static void check_newest(struct head *head, uint32_t id, const struct model *model)
{
    struct horizon all;
    int64_t time_ms;
    double value;

    head_horizon(head, &all);
    cr_assert(newest(head, id, &all, &time_ms, &value) == (model->newest >= 0));
    if (model->newest >= 0) cr_assert(time_ms == model->newest && double_bits(value) == model->at[model->newest].value);
}

static void check_head(struct head *head, const struct model *models, uint64_t *random)
{
    struct column_buffer buffer = {0};
    struct head_stats stats;
    uint32_t with_samples = 0;
    int64_t min = INT64_MAX, max = INT64_MIN;

    cr_assert(head_valid(head));
    for (uint32_t id = 0; id < SERIES; id++) {
        const struct model *model = &models[id];
        int64_t from = random_below(random, TIMES), to = random_below(random, TIMES);
        check_read(head, id, model, INT64_MIN, INT64_MAX, NULL, &buffer);
        check_read(head, id, model, from, to, NULL, &buffer);
        check_newest(head, id, model);
        check_chunks(head, id, model, &buffer);
        with_samples += model->newest >= 0;
        for (int64_t t = 0; t < TIMES; t++) {
            if (model->at[t].stored && t < min) min = t;
            if (model->at[t].stored && t > max) max = t;
        }
    }
    head_stats(head, &stats);
    cr_assert(stats.series == with_samples && stats.min_ms == min && stats.max_ms == max);
    column_buffer_release(&buffer);
}

/* Requests of random series and times go to a head; their logged rows make another head the same. */
Test(head, agrees_with_its_model)
{
    static struct model models[SERIES];
    struct head *head = make_head(SERIES), *again = make_head(SERIES);
    struct request request = {0};
    struct row_columns columns = {0};
    struct head_stats stats, stats_again;
    uint64_t random = 1, stored = 0;

    for (size_t i = 0; i < SERIES; i++) models[i].newest = -1;
    for (int64_t now = 1; now < TIMES; now++) {
        for (uint32_t id = 0; id < SERIES; id++) {
            if (id % 10 == 9 || random_below(&random, 8) == 0) continue;
            int64_t time_ms = random_below(&random, 20) ? now : random_below(&random, (uint64_t)now);
            uint64_t value = random_below(&random, 4) ? double_bits((double)now) : random_next(&random);
            add(&request, id, time_ms, value);
            if (models[id].newest != time_ms) model_append(&models[id], time_ms, value);
        }
        send(&request, head, &any_time);
        stored += request.result.stored;
        cr_assert(rows_decode(request.rows.data, request.rows.count, &columns));
        cr_assert(columns.series.count == request.result.stored);
        cr_assert(head_replay(again, &columns) == 0);
        if (now % 97 == 0) check_head(head, models, &random);
    }
    check_head(head, models, &random);
    check_head(again, models, &random);
    head_stats(head, &stats);
    head_stats(again, &stats_again);
    cr_expect(stats.samples == stored && stats_again.samples == stored);
    cr_expect(stats.bytes == stats_again.bytes);
    request_release(&request);
    row_columns_release(&columns);
    head_unref(head);
    head_unref(again);
}

Test(head, replay_passes_over_unknown_series)
{
    struct head *head = make_head(3);
    struct row_columns rows = {0};
    struct column_buffer buffer = {0};
    static const uint32_t ids[] = {0, 3, 2, 2, UINT32_MAX, 0};
    static const int64_t times[] = {5, 6, 7, 7, 8, 4};

    for (size_t i = 0; i < 6; i++) {
        vec_push(&rows.series, ids[i]);
        vec_push(&rows.times, times[i]);
        vec_push(&rows.values, i);
    }
    cr_expect(head_replay(head, &rows) == 2);
    cr_expect(head_read(head, 0, NULL, INT64_MIN, INT64_MAX, &buffer) && buffer.times.count == 2);
    cr_expect(buffer.times.data[0] == 4 && buffer.times.data[1] == 5);
    cr_expect(!head_read(head, 1, NULL, INT64_MIN, INT64_MAX, &buffer));
    cr_expect(head_replay(head, &rows) == 2, "replay of what is there changes nothing");
    struct head_stats stats;
    head_stats(head, &stats);
    cr_expect(stats.series == 2 && stats.min_ms == 4 && stats.max_ms == 7);
    row_columns_release(&rows);
    column_buffer_release(&buffer);
    head_unref(head);
}

Test(head, empty)
{
    struct head *head = make_head(2);
    struct head_stats stats;
    struct column_buffer buffer = {0};
    struct series_data data = {0};
    struct request request = {0};
    int64_t time_ms;
    double value;

    head_stats(head, &stats);
    cr_expect(stats.series == 0 && stats.samples == 0 && stats.min_ms == INT64_MAX && stats.max_ms == INT64_MIN);
    cr_expect(!has(head, 0, INT64_MIN, INT64_MAX) && !newest(head, 1, NULL, &time_ms, &value));
    cr_expect(!head_read(head, 5, NULL, 0, 1, &buffer));
    head_chunks(head, 1, &buffer, &data);
    cr_expect(data.samples == 0);
    send(&request, head, &any_time);
    cr_expect(request.rows.count == 0 && request.result.stored == 0);
    add(&request, SERIES_NONE, 5, 5); /* of an unknown series: passed over */
    send(&request, head, &any_time);
    cr_expect(request.rows.count == 0 && request.result.stored == 0);
    cr_expect(head_number(head) == 7 && registry_number(head_registry(head)) == 1);
    head_ref(head);
    head_unref(head);
    head_unref(NULL);
    series_data_release(&data);
    request_release(&request);
    head_unref(head);
}

/* Many series asked for at once, in any order, some of them unknown, are as each by itself. */
Test(head, many_at_once)
{
    enum { SERIES = 300, ASKED = 500 };
    struct head *head = make_head(SERIES);
    uint64_t random = 1;
    uint32_t ids[ASKED];
    int64_t times_ms[ASKED];
    double values[ASKED];
    bool found[ASKED] = {false};

    for (int i = 0; i < SERIES; i += 1 + i % 3) append(head, (uint32_t)i, i, i);
    for (int i = 0; i < ASKED; i++) ids[i] = i % 50 == 7 ? UINT32_MAX : random_below(&random, SERIES + 20);
    found[3] = true;
    head_newest(head, ids, ASKED, NULL, times_ms, values);
    head_has(head, ids, ASKED, 100, 200, found);
    cr_expect(found[3], "what is known already stays");
    found[3] = has(head, ids[3], 100, 200);
    for (int i = 0; i < ASKED; i++) {
        int64_t time_ms;
        double value;
        bool is_there = newest(head, ids[i], NULL, &time_ms, &value);
        cr_assert(is_there == (times_ms[i] != INT64_MIN) && found[i] == has(head, ids[i], 100, 200));
        cr_assert(!is_there || (time_ms == times_ms[i] && value == values[i] && time_ms == ids[i]));
    }
    head_unref(head);
}

/* A horizon shows what was there when it was taken, whatever comes later; within a chunk and across chunks. */
Test(head, horizons)
{
    struct head *head = make_head(2);
    struct column_buffer buffer = {0};

    for (int i = 1; i <= 300; i++) {
        struct horizon before;
        int64_t time_ms;
        double value;
        head_horizon(head, &before);
        append(head, 0, i, i);
        buffer.times.count = buffer.values.count = 0;
        head_read(head, 0, &before, INT64_MIN, INT64_MAX, &buffer);
        cr_assert(buffer.times.count == (size_t)i - 1, "%d: %zu", i, buffer.times.count);
        cr_assert(!newest(head, 0, &before, &time_ms, &value), "the record can not say");
        buffer.times.count = buffer.values.count = 0;
        head_read(head, 0, &before, i - 1, i, &buffer);
        cr_assert(buffer.times.count == (i > 1));
        head_horizon(head, &before);
        buffer.times.count = buffer.values.count = 0;
        head_read(head, 0, &before, INT64_MIN, INT64_MAX, &buffer);
        cr_assert(buffer.times.count == (size_t)i);
        cr_assert(newest(head, 0, &before, &time_ms, &value) && time_ms == i && value == i);
    }
    column_buffer_release(&buffer);
    head_unref(head);
}

Test(head, first_stored_wins)
{
    struct head *head = make_head(1);
    struct column_buffer buffer = {0};

    append(head, 0, 10, 1);
    append(head, 0, 20, 2);
    append(head, 0, 10, 3); /* late, at the time of one in order */
    append(head, 0, 5, 4);
    cr_assert(head_read(head, 0, NULL, INT64_MIN, INT64_MAX, &buffer) && buffer.times.count == 3);
    cr_expect(buffer.values.data[0] == 4 && buffer.values.data[1] == 1 && buffer.values.data[2] == 2);
    column_buffer_release(&buffer);
    head_unref(head);
}

enum { WRITERS = 4, GROUP = 200, ROUNDS = 250 };

struct shared {
    struct head *head;
    _Atomic uint32_t running;
};

struct writer_task {
    struct shared *shared;
    uint32_t number;
};

/* Each round gives all series of a group a sample; groups of two writers share stripes. */
static void *write_rounds(void *context)
{
    struct writer_task *task = context;
    struct request request = {0};

    for (int round = 1; round <= ROUNDS; round++) {
        for (uint32_t i = 0; i < GROUP; i++) add(&request, i * WRITERS + task->number, round, double_bits(round));
        send(&request, task->shared->head, &any_time);
        cr_assert(request.result.stored == GROUP);
    }
    request_release(&request);
    atomic_fetch_sub(&task->shared->running, 1);
    return NULL;
}

/* What one horizon shows of each series is 1, 2, 3 … */
static void read_all(struct shared *shared, struct column_buffer *buffer)
{
    struct horizon horizon;

    head_horizon(shared->head, &horizon);
    for (uint32_t id = 0; id < WRITERS * GROUP; id++) {
        buffer->times.count = buffer->values.count = 0;
        head_read(shared->head, id, &horizon, INT64_MIN, INT64_MAX, buffer);
        for (size_t i = 0; i < buffer->times.count; i++)
            cr_assert(buffer->times.data[i] == (int64_t)i + 1 && buffer->values.data[i] == (double)(i + 1));
    }
}

/* Registration goes on as well: the head's table grows under readers. */
Test(head, threads)
{
    struct head *head = make_head(WRITERS * GROUP);
    struct shared shared = {head, WRITERS};
    struct writer_task tasks[WRITERS];
    pthread_t threads[WRITERS];
    struct column_buffer buffer = {0};
    struct head_stats stats;

    for (uint32_t i = 0; i < WRITERS; i++) {
        tasks[i] = (struct writer_task){&shared, i};
        pthread_create(&threads[i], NULL, write_rounds, &tasks[i]);
    }
    for (unsigned added = 0; atomic_load(&shared.running); added++) {
        char text[32];
        snprintf(text, sizeof text, "more n=%u", added);
        if (added < 3000) append(head, fixture_register(head_registry(head), text, NULL), added, 1);
        if (added % 16 == 0) read_all(&shared, &buffer);
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    read_all(&shared, &buffer);
    cr_expect(buffer.times.count == ROUNDS && head_valid(head));
    head_stats(head, &stats);
    cr_expect(stats.samples >= (uint64_t)WRITERS * GROUP * ROUNDS && stats.series >= WRITERS * GROUP);
    column_buffer_release(&buffer);
    head_unref(head);
}
