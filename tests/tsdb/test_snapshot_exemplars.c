/* Exemplars against a naive twin, over freezes, merges, restarts and crashes: what was answered is there, once and in
 * order, and nothing else but what was sent. */
#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

enum { SERIES = 4, LABELS = 3 };

struct sent {
    int series, trace;
    int64_t time_ms;
    double value;
    bool is_certain; /* answered with success */
};

struct model {
    struct fs *fs;
    struct db *db;
    struct arena arena;
    uint64_t random;
    int64_t now_ms, newest_ms[SERIES];
    vec(struct sent) sent;
    str series[SERIES], traces[LABELS];
};

static str trace_fields(int trace, struct arena *arena)
{
    struct writer raw = {0};
    label pair = {STR("trace_id"), arena_format(arena, "t%d", trace)};

    labels_write(&pair, trace ? 1 : 0, &raw); /* one has no labels */
    str copy = arena_copy_str(arena, str_make((const char *)raw.data, raw.count));
    writer_release(&raw);
    return copy;
}

static void init_model(struct model *model, uint64_t seed)
{
    static const char *const names[SERIES] = {"a job=x", "a job=y", "b", "c x=y z=\xC3\xA9"};

    *model = (struct model){.fs = fs_memory_new(), .random = seed, .now_ms = 1000000};
    arena_init(&model->arena, NULL);
    for (int i = 0; i < SERIES; i++) model->series[i] = fixture_raw(names[i], &model->arena);
    for (int i = 0; i < LABELS; i++) model->traces[i] = trace_fields(i, &model->arena);
    model->db = fixture_open(model->fs);
}

static void release_model(struct model *model)
{
    vec_release(&model->sent);
    arena_release(&model->arena);
    fs_release(model->fs);
}

/* A request of a sample and some exemplars, now and then one sent before. */
static void send(struct model *model)
{
    struct append_exemplar exemplars[5];
    struct sent sent[5];
    size_t count = 1 + random_below(&model->random, 5);
    struct append_result result;
    uint64_t value = double_bits(1);

    model->now_ms += 1 + random_below(&model->random, 1800000);
    for (size_t i = 0; i < count; i++) {
        int series = (int)random_below(&model->random, SERIES);
        sent[i] = (struct sent){series, (int)random_below(&model->random, LABELS), model->now_ms + (int64_t)i,
                                random_below(&model->random, 3), false};
        if (model->sent.count && random_below(&model->random, 8) == 0)
            sent[i] = model->sent.data[random_below(&model->random, model->sent.count)];
        exemplars[i] = (struct append_exemplar){model->series[sent[i].series], model->traces[sent[i].trace],
                                                sent[i].value, sent[i].time_ms};
    }
    struct append_series one = {model->series[0], 0, 1};
    struct append_batch batch = {.series = &one,
                                 .series_count = 1,
                                 .times_ms = &model->now_ms,
                                 .values = &value,
                                 .sample_count = 1,
                                 .exemplars = exemplars,
                                 .exemplar_count = count};
    status s = db_append_wait(model->db, &batch, &result);
    for (size_t i = 0; i < count; i++) {
        int64_t *newest = &model->newest_ms[sent[i].series];
        sent[i].is_certain = !failed(s) && sent[i].time_ms > *newest;
        if (sent[i].time_ms > *newest) *newest = sent[i].time_ms;
        vec_push(&model->sent, sent[i]);
    }
    cr_assert(failed(s) || result.exemplars_kept + result.exemplars_late == count);
}

static bool is_any(void *context, labels set)
{
    (void)context;
    (void)set;
    return true;
}

static bool is_same(const struct model *model, const struct sent *sent, const struct exemplar_series *series,
                    const struct exemplar *exemplar)
{
    struct writer spelled = {0};

    labels_write(series->pairs, series->pair_count, &spelled);
    label *pairs;
    size_t count;
    struct arena arena;
    static const struct label_limits none;
    arena_init(&arena, NULL);
    must(labels_parse(model->series[sent->series], &none, &pairs, &count, &arena));
    bool same = labels_compare(pairs, count, series->pairs, series->pair_count) == 0 &&
                str_equal(model->traces[sent->trace], exemplar->labels) && sent->time_ms == exemplar->time_ms &&
                double_bits(sent->value) == double_bits(exemplar->value);
    arena_release(&arena);
    writer_release(&spelled);
    return same;
}

static void check_model(struct model *model, int64_t from_ms, int64_t to_ms)
{
    struct snapshot *snapshot = db_snapshot(model->db, NULL);
    exemplar_list list = {0};
    bool *seen = memory_zalloc(model->sent.count + 1);

    must(snapshot_exemplars(snapshot, from_ms, to_ms, is_any, NULL, &list));
    vec_each (series, &list) {
        cr_assert(series == list.data ||
                  labels_compare(series[-1].pairs, series[-1].pair_count, series->pairs, series->pair_count) < 0);
        for (size_t i = 0; i < series->count; i++) {
            const struct exemplar *exemplar = &series->exemplars[i];
            bool known = false;
            cr_assert(exemplar->time_ms >= from_ms && exemplar->time_ms <= to_ms);
            cr_assert(i == 0 || series->exemplars[i - 1].time_ms <= exemplar->time_ms);
            for (size_t k = 0; k < model->sent.count; k++) {
                if (!is_same(model, &model->sent.data[k], series, exemplar)) continue;
                known = seen[k] = true;
            }
            cr_assert(known, "an exemplar that nobody sent");
            cr_assert(i == 0 || exemplar->time_ms != series->exemplars[i - 1].time_ms ||
                          double_bits(exemplar->value) != double_bits(series->exemplars[i - 1].value) ||
                          !str_equal(exemplar->labels, series->exemplars[i - 1].labels),
                      "an exemplar is there twice");
        }
    }
    for (size_t k = 0; k < model->sent.count; k++) {
        const struct sent *sent = &model->sent.data[k];
        bool is_in = sent->time_ms >= from_ms && sent->time_ms <= to_ms;
        cr_assert(seen[k] || !sent->is_certain || !is_in, "an exemplar at %lld is lost", (long long)sent->time_ms);
    }
    free(seen);
    vec_release(&list);
    snapshot_release(snapshot);
}

static void crash(struct model *model)
{
    static const enum crash_model models[] = {CRASH_NONE, CRASH_STRICT, CRASH_PREFIX, CRASH_TORN, CRASH_ORDERED};

    fs_memory_crash(model->fs, models[random_below(&model->random, 5)], random_next(&model->random));
    db_abandon(model->db);
    model->db = fixture_open(model->fs);
}

Test(snapshot_exemplars, model_with_crashes)
{
    log_set_sink(fixture_quiet, NULL);
    for (uint64_t seed = 1; seed <= TEST_REPEATS(12); seed++) {
        struct model model;
        init_model(&model, seed);
        for (int step = 0; step < 120; step++) {
            switch (random_below(&model.random, 24)) {
            case 0: must(db_freeze(model.db)); break;
            case 1: must(db_compact(model.db)); break;
            case 2: crash(&model); break;
            case 3:
                fixture_close(model.db);
                twin_check_folder(model.fs);
                model.db = fixture_open(model.fs);
                break;
            default: send(&model); break;
            }
            if (step % 10 == 9) check_model(&model, INT64_MIN, INT64_MAX);
            if (step % 10 == 4) {
                int64_t from = (int64_t)(random_next(&model.random) % (uint64_t)model.now_ms);
                check_model(&model, from, from + 20000000);
            }
        }
        must(db_compact(model.db));
        check_model(&model, INT64_MIN, INT64_MAX);
        fixture_close(model.db);
        twin_check_folder(model.fs);
        release_model(&model);
    }
}

/* A head that has exemplars alone becomes no block; they stay in its log. */
Test(snapshot_exemplars, of_a_head_without_samples)
{
    struct model model;

    log_set_sink(fixture_quiet, NULL);
    init_model(&model, 1);
    struct append_exemplar exemplar = {model.series[1], model.traces[1], 5, 1000};
    struct append_batch batch = {.exemplars = &exemplar, .exemplar_count = 1};
    struct append_result result;
    must(db_append_wait(model.db, &batch, &result));
    cr_expect(result.exemplars_kept == 1);
    vec_push(&model.sent, (struct sent){1, 1, 1000, 5, true});
    for (int i = 0; i < 3; i++) {
        must(db_freeze(model.db));
        check_model(&model, INT64_MIN, INT64_MAX);
        fixture_close(model.db);
        model.db = fixture_open(model.fs);
    }
    check_model(&model, INT64_MIN, INT64_MAX);
    fixture_close(model.db);
    release_model(&model);
}

Test(snapshot_exemplars, none_are_kept_without_a_budget)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct append_exemplar exemplar = {.time_ms = 1000};
    struct append_batch batch = {.exemplars = &exemplar, .exemplar_count = 1};
    struct append_result result;
    exemplar_list list = {0};
    struct arena arena;
    struct db *db;

    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
    exemplar.series = fixture_raw("m", &arena);
    options.exemplar_bytes = 0;
    must(db_open(&options, &db));
    must(db_append_wait(db, &batch, &result));
    cr_expect(result.exemplars_kept == 1, "the sender is content");
    struct snapshot *snapshot = db_snapshot(db, NULL);
    must(snapshot_exemplars(snapshot, INT64_MIN, INT64_MAX, is_any, NULL, &list));
    cr_expect(list.count == 0);
    snapshot_release(snapshot);
    fixture_close(db);
    vec_release(&list);
    arena_release(&arena);
    fs_release(fs);
}
