/* What is in a folder: tables of what was written against what is told, also of damaged folders. */
#include "tsdb/inspect.h"

#include "storage/fs_memory.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

static struct arena arena;

static void init(void)
{
    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
}

static void fini(void)
{
    arena_release(&arena);
}

static void find(void *context, str sentence)
{
    size_t *count = context;

    cr_expect(str_find(sentence, ':') < sentence.len && str_is_utf8(sentence));
    ++*count;
}

static struct inspection inspect(struct fs *fs, size_t limit)
{
    struct inspection found;
    size_t count = 0;

    must(inspect_directory(fs, limit, find, &count, &found, &arena));
    cr_expect(count == found.findings);
    return found;
}

/* A block of four series, another of four of which two are new, and a head with one of each and one of its own. */
static struct fs *make_folder(void)
{
    static const char *const batches[][5] = {
        {"m i=0 job=a", "m i=1 job=a", "m i=2 job=b", "n i=0 job=a", NULL},
        {"m i=2 job=b", "n i=0 job=a", "m i=4 job=b", "o i=0", NULL},
        {"m i=0 job=a", "o i=0", "p i=9 job=c", NULL},
    };
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    for (int b = 0; b < 3; b++) {
        for (int i = 0; batches[b][i]; i++) {
            for (int k = 0; k <= b; k++) fixture_append(db, batches[b][i], 1000 * b + 100 + k, k);
        }
        if (b < 2) must(db_freeze(db));
    }
    db_abandon(db);
    return fs;
}

Test(inspect, tells_what_was_written, .init = init, .fini = fini)
{
    static const struct {
        bool is_head;
        uint64_t series, only_here, samples;
        int64_t min_ms, max_ms;
    } sources[] = {{false, 4, 1, 4, 100, 100}, {false, 4, 1, 8, 1100, 1101}, {true, 3, 1, 9, 2100, 2102}};
    static const struct {
        str name;
        uint64_t series, samples;
    } metrics[] = {{STR("m"), 4, 7}, {STR("n"), 1, 3}, {STR("o"), 1, 2}, {STR("p"), 1, 0}};
    static const struct {
        str name;
        uint64_t values, series;
    } names[] = {{STR("i"), 5, 7}, {STR("__name__"), 4, 7}, {STR("job"), 3, 6}};
    struct fs *fs = make_folder();
    struct inspection found = inspect(fs, 10);
    uint64_t bytes = 0, samples_read = 0;

    cr_assert(found.source_count == 3 && found.metric_count == 4 && found.label_count == 3);
    for (size_t i = 0; i < 3; i++) {
        const struct inspect_source *source = &found.sources[i];
        cr_expect(source->is_head == sources[i].is_head && source->series == sources[i].series, "source %zu", i);
        cr_expect(source->series_only_here == sources[i].only_here && source->samples == sources[i].samples);
        cr_expect(source->min_ms == sources[i].min_ms && source->max_ms == sources[i].max_ms && source->bytes > 0);
    }
    for (size_t i = 0; i < 4; i++) {
        const struct inspect_metric *metric = &found.metrics[i];
        cr_expect(str_equal(metric->name, metrics[i].name) && metric->series == metrics[i].series, "metric %zu", i);
        cr_expect(metric->samples == metrics[i].samples && (metric->bytes > 0) == (metric->samples > 0));
    }
    for (size_t i = 0; i < 3; i++) {
        cr_expect(str_equal(found.labels[i].name, names[i].name) && found.labels[i].values == names[i].values &&
                      found.labels[i].series == names[i].series,
                  "label %zu: %.*s", i, STR_ARG(found.labels[i].name));
    }
    cr_expect(found.pair_total == 12 && found.pairs[0].series == 4);
    cr_expect(found.series == 7 && found.series_in_one == 3 && found.block_series == 8 && found.block_samples == 12);
    for (int i = 0; i < BLOCK_PART_COUNT; i++) bytes += found.parts[i];
    for (int i = 0; i < CHUNK_FORM_COUNT; i++) samples_read += found.codecs[i].samples;
    cr_expect(bytes == found.block_bytes && samples_read == found.block_samples && found.findings == 0);
    cr_expect(found.wal_bytes > 0 && found.registry_bytes > 0);
    fs_release(fs);
}

Test(inspect, lists_are_as_long_as_asked, .init = init, .fini = fini)
{
    struct fs *fs = make_folder();

    for (size_t limit = 0; limit < 5; limit++) {
        struct inspection found = inspect(fs, limit);
        cr_expect(found.metric_count == (limit < 4 ? limit : 4) && found.metric_total == 4);
        cr_expect(found.label_count == (limit < 3 ? limit : 3) && found.label_total == 3);
        cr_expect(found.pair_count == limit && found.pair_total == 12);
    }
    fs_release(fs);
}

/* Any damage is told, or does not matter, and the rest is read. */
Test(inspect, damaged_folders, .init = init, .fini = fini)
{
    static const char *const folders[] = {"block", "registry", "wal"};
    struct fs *fs = make_folder();
    unsigned told = 0;

    for (int f = 0; f < 3; f++) {
        str *names;
        size_t count;
        must(fs_list(fs, folders[f], &arena, &names, &count));
        for (size_t n = 0; n < count; n++) {
            str name = arena_format(&arena, "%s/%.*s", folders[f], STR_ARG(names[n]));
            uint8_t byte;
            for (uint64_t at = 0; at < 3000 && fs_memory_peek(fs, name.data, at, &byte); at += 7) {
                fs_memory_flip(fs, name.data, at, (unsigned)at % 8);
                struct inspection found = inspect(fs, 3);
                told += found.findings > 0;
                cr_expect(found.source_count >= 2);
                fs_memory_flip(fs, name.data, at, (unsigned)at % 8);
            }
        }
    }
    cr_expect(told > 50, "%u", told);
    must(fs_unlink(fs, "state"));
    struct inspection found;
    size_t count = 0;
    status s = inspect_directory(fs, 3, find, &count, &found, &arena);
    cr_expect(s.code == STATUS_NOT_FOUND);
    fs_release(fs);
}

Test(inspect, files_that_went_are_told, .init = init, .fini = fini)
{
    static const char *const folders[] = {"block", "registry", "wal"};

    for (int f = 0; f < 3; f++) {
        struct fs *fs = make_folder();
        str *names;
        size_t count;
        must(fs_list(fs, folders[f], &arena, &names, &count));
        for (size_t n = 0; n < count; n++)
            must(fs_unlink(fs, arena_format(&arena, "%s/%.*s", folders[f], STR_ARG(names[n])).data));
        cr_expect(inspect(fs, 3).findings > 0, "%s", folders[f]);
        fs_release(fs);
    }
}
