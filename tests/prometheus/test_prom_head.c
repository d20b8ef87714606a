#include "prometheus/prom_head.h"

#include "prometheus/prom_chunk.h"
#include "storage/chunk_gorilla.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"
#include "tests/prometheus/log_fixture.h"
#include "tests/tsdb/fixture.h"

/* A folder being made: one segment, and one file of chunks. */
struct place {
    struct fs *fs;
    struct writer segment, record, chunks;
};

static struct place make_place(void)
{
    struct place place = {.fs = fs_memory_new()};

    log_begin_chunks(&place.chunks);
    return place;
}

static void put_series(struct place *place, uint64_t id, const char *labels)
{
    log_series(&place->record, id, labels);
    log_put(&place->segment, place->record.data, place->record.count, LOG_SNAPPY);
}

static void put_sample(struct place *place, uint64_t id, int64_t time_ms, double value)
{
    samples one = {.count = 1, .times_ms = &time_ms, .values = &value};

    log_samples(&place->record, id, &one, id % 2);
    log_put(&place->segment, place->record.data, place->record.count, LOG_PLAIN);
}

static void put_tombstone(struct place *place, uint64_t id, int64_t min_ms, int64_t max_ms)
{
    log_tombstone(&place->record, id, min_ms, max_ms);
    log_put(&place->segment, place->record.data, place->record.count, LOG_ZSTD);
}

/* A chunk of samples a second apart, whose values are their seconds. */
static void put_chunk(struct place *place, uint64_t id, int64_t from_ms, size_t count, unsigned flags)
{
    int64_t times[100];
    uint64_t values[100];
    struct writer chunk = {0};

    for (size_t i = 0; i < count; i++) {
        times[i] = from_ms + (int64_t)i * 1000;
        values[i] = double_bits((double)(times[i] / 1000));
    }
    gorilla_encode(times, values, count, &chunk);
    log_chunk(&place->chunks, id, times[0], times[count - 1], PROM_XOR | flags, chunk.data, chunk.count);
    writer_release(&chunk);
}

static void put_segment(struct place *place, const char *name)
{
    fixture_put(place->fs, name, place->segment.data, place->segment.count);
    place->segment.count = 0;
}

/* All samples of the place, as text. */
static str import_place(struct place *place, int64_t from_ms, struct prom_head_total *total, struct arena *arena)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct prom_head *head;
    struct import_total imported = {0};

    fixture_put(place->fs, "chunks_head/000001", place->chunks.data, place->chunks.count);
    must(prom_head_open(place->fs, from_ms, &head));
    cr_assert(head);
    struct import_source source = prom_head_source(head);
    must(db_import(db, &source, &imported));
    must(prom_head_append(head, db, total));
    prom_head_close(head);
    str all = fixture_read(db, "__name__=~.+", INT64_MIN, INT64_MAX, arena);
    fixture_close(db);
    fs_release(fs);
    return all;
}

static void release_place(struct place *place)
{
    fs_release(place->fs);
    writer_release(&place->segment);
    writer_release(&place->record);
    writer_release(&place->chunks);
}

/* What Prometheus would show after a start, rule by rule. */
Test(prom_head, shows_what_prometheus_shows)
{
    struct place place = make_place();
    struct arena arena = {0};
    struct prom_head_total total;

    put_series(&place, 1, "up job=a");
    put_series(&place, 2, "up job=b");
    put_sample(&place, 2, 1000, 1); /* in the checkpoint, and again behind it */
    put_segment(&place, "wal/checkpoint.00000003/00000000");
    put_series(&place, 9, "gone");
    put_sample(&place, 9, 5000, 9);
    put_segment(&place, "wal/00000003"); /* before the checkpoint's end: not read */
    put_series(&place, 3, "up job=a");   /* the same labels by another id */
    put_sample(&place, 2, 1000, 1);
    put_sample(&place, 1, 3000, 77); /* a chunk has it */
    put_sample(&place, 1, 6000, 6);
    put_sample(&place, 3, 6000, 88); /* a second value of a time */
    put_sample(&place, 3, 5500, 88); /* late: in the log of late samples, if anywhere */
    put_sample(&place, 3, 7000, 7);
    put_sample(&place, 2, 500, 5); /* older than the blocks */
    put_sample(&place, 2, 8000, 8);
    put_sample(&place, 2, 9000, 9);
    put_tombstone(&place, 2, 8000, 8500);
    put_sample(&place, 77, 1, 1); /* of a series that nobody named */
    put_segment(&place, "wal/00000004");
    put_sample(&place, 3, 5700, 57);
    put_segment(&place, "wbl/00000000");
    put_chunk(&place, 1, 0, 5, 0);      /* 0 … 4000; of it 1000 … count */
    put_chunk(&place, 2, 200, 2, 0x80); /* late: 200, 1200 */
    put_chunk(&place, 55, 2000, 2, 0);  /* of a series that has left */
    str all = import_place(&place, 1000, &total, &arena);
    cr_expect(str_equal(all, STR("up{job=\"a\"} 1@1000 2@2000 3@3000 4@4000 57@5700 6@6000 7@7000\n"
                                 "up{job=\"b\"} 0@200 1@1000 1@1200 9@9000")),
              "%.*s", STR_ARG(all));
    cr_expect(total.unknown == 1 && total.damaged == 0 && total.refused == 0 && total.samples == 5, "%llu",
              (unsigned long long)total.samples);
    release_place(&place);
    arena_release(&arena);
}

/* Damage costs what it holds, and is told. */
Test(prom_head, damage_is_told)
{
    struct place place = make_place();
    struct arena arena = {0};
    struct prom_head_total total;

    put_series(&place, 1, "up job=a");
    put_sample(&place, 1, 1000, 1);
    log_put(&place.segment, "\x63", 1, LOG_PLAIN); /* a type from the future */
    put_sample(&place, 1, 2000, 2);
    place.segment.data[place.segment.count - 1] ^= 1;
    put_sample(&place, 1, 3000, 3);
    put_segment(&place, "wal/00000000");
    put_sample(&place, 1, 4000, 4);
    put_sample(&place, 1, 5000, 5);
    place.segment.count -= 3; /* torn, as by a crash */
    put_segment(&place, "wal/00000001");
    put_chunk(&place, 1, 500, 1, 0);
    place.chunks.data[place.chunks.count - 1] ^= 1;
    str all = import_place(&place, INT64_MIN, &total, &arena);
    cr_expect(str_equal(all, STR("up{job=\"a\"} 1@1000 4@4000")), "%.*s", STR_ARG(all));
    cr_expect(total.damaged == 3, "%u", total.damaged);
    cr_expect(strstr(total.damage.text, "wal/00000000: offset ") != NULL, "%s", total.damage.text);
    release_place(&place);
    arena_release(&arena);
}

Test(prom_head, samples_of_all_kinds_and_metadata)
{
    struct place place = make_place();
    struct arena arena = {0};
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct prom_head *head;
    struct prom_head_total total;

    for (unsigned kind = 0; kind < 5; kind++) {
        struct column_buffer buffer = {0};
        put_series(&place, kind + 1, arena_format(&arena, "s kind=%u", kind).data);
        fixture_samples(kind, 5, 1700000000000, 300, &buffer);
        samples all = columns_view(&buffer);
        log_samples(&place.record, kind + 1, &all, kind % 2);
        log_put(&place.segment, place.record.data, place.record.count, LOG_ZSTD);
        column_buffer_release(&buffer);
    }
    log_metadata(&place.record, 1, METRIC_HISTOGRAM, "s", "Help.");
    log_put(&place.segment, place.record.data, place.record.count, LOG_PLAIN);
    put_segment(&place, "wal/00000000");
    must(prom_head_open(place.fs, INT64_MIN, &head));
    must(prom_head_append(head, db, &total));
    prom_head_close(head);
    cr_expect(total.samples == 1500 && total.damaged == 0 && total.refused == 0, "%s", total.refusal);
    for (unsigned kind = 0; kind < 5; kind++) {
        struct snapshot *snapshot = db_snapshot(db, NULL);
        struct matcher matchers[8];
        struct select_request request = {matchers,
                                         fixture_matchers(arena_format(&arena, "kind=%u", kind).data, matchers, &arena),
                                         INT64_MIN, INT64_MAX};
        struct selection *selection;
        struct column_buffer buffer = {0}, expected = {0};
        samples found;
        must(snapshot_select(snapshot, &request, &selection));
        cr_assert(selection_count(selection) == 1 && selection_read(selection, 0, &buffer, &found));
        fixture_samples(kind, 5, 1700000000000, 300, &expected);
        samples want = columns_view(&expected);
        str difference = fixture_difference(&want, &found, false, &arena);
        cr_expect(difference.len == 0, "kind %u: %.*s", kind, STR_ARG(difference));
        column_buffer_release(&buffer);
        column_buffer_release(&expected);
        snapshot_release(snapshot);
    }
    fixture_close(db);
    fs_release(fs);
    release_place(&place);
    arena_release(&arena);
}

static void put_exemplar(struct place *place, uint64_t id, int64_t time_ms, double value, const char *labels)
{
    log_exemplar(&place->record, id, time_ms, value, labels);
    log_put(&place->segment, place->record.data, place->record.count, LOG_SNAPPY);
}

static bool is_any(void *context, labels set)
{
    (void)context;
    (void)set;
    return true;
}

/* All exemplars as text. */
static str read_exemplars(struct db *db, struct arena *arena)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    exemplar_list list = {0};
    str text = STR("");

    must(snapshot_exemplars(snapshot, INT64_MIN, INT64_MAX, is_any, NULL, &list));
    vec_each (series, &list) {
        for (size_t i = 0; i < series->count; i++) {
            const struct exemplar *one = &series->exemplars[i];
            str trace = labels_get((labels){one->labels}, STR("trace_id"));
            str job = series->pair_count > 1 ? series->pairs[1].value : STR("-");
            text = arena_format(arena, "%.*s%.*s %.*s %g@%lld\n", STR_ARG(text), STR_ARG(job), STR_ARG(trace),
                                one->value, (long long)one->time_ms);
        }
    }
    vec_release(&list);
    snapshot_release(snapshot);
    return text;
}

/* Exemplars come with the log, those of samples in blocks among them, and importing it again changes nothing. */
Test(prom_head, exemplars)
{
    struct place place = make_place();
    struct arena arena = {0};
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    put_series(&place, 1, "up job=a");
    put_series(&place, 2, "up job=b");
    put_exemplar(&place, 2, 500, 0.5, "trace_id=t1"); /* older than the blocks */
    put_segment(&place, "wal/checkpoint.00000003/00000000");
    put_exemplar(&place, 2, 500, 0.5, "trace_id=t1");
    put_sample(&place, 1, 3000, 3);
    put_exemplar(&place, 1, 3000, 3, "trace_id=t2 span=s");
    put_exemplar(&place, 1, 4000, 4, "");
    put_exemplar(&place, 77, 4000, 4, ""); /* of a series that nobody named */
    put_segment(&place, "wal/00000004");
    for (int i = 0; i < 2; i++) {
        struct prom_head_total total;
        struct prom_head *head;
        must(prom_head_open(place.fs, 1000, &head));
        must(prom_head_append(head, db, &total));
        prom_head_close(head);
        cr_expect(total.exemplars == (i ? total.exemplars : 4) && total.unknown == 1 && total.damaged == 0, "%llu kept",
                  (unsigned long long)total.exemplars);
        str all = read_exemplars(db, &arena);
        cr_expect(str_equal(all, STR("a t2 3@3000\na  4@4000\nb t1 0.5@500\n")), "%.*s", STR_ARG(all));
    }
    fixture_close(db);
    fs_release(fs);
    release_place(&place);
    arena_release(&arena);
}

Test(prom_head, nothing_there)
{
    struct fs *fs = fs_memory_new();
    struct prom_head *head;

    must(prom_head_open(fs, 0, &head));
    cr_expect(!head);
    fs_release(fs);
}
