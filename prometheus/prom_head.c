/* The head of a Prometheus; see prom_head.h. */
#include "prometheus/prom_head.h"

#include "prometheus/prom_chunk.h"
#include "prometheus/prom_head_chunks.h"
#include "prometheus/prom_log.h"
#include "prometheus/prom_record.h"
#include "storage/base/hash.h"
#include "storage/base/map.h"

#include <stdio.h>

enum { BATCH_SAMPLES = 1 << 16, NAME_BYTES = 64 };

static const char checkpoint_prefix[] = "checkpoint.";

/* One label set; Prometheus may know it under several ids. */
struct series {
    size_t labels_at, labels_bytes; /* raw, in the head's texts */
    int64_t newest_ms;              /* of its chunks in order, then of its samples in the log */
    size_t first_chunk, chunk_count;
};

struct id {
    uint64_t id;
    uint32_t series;
};

struct prom_head {
    struct fs *fs;
    int64_t from_ms;
    char checkpoint[NAME_BYTES]; /* its folder, or empty */
    uint64_t first_segment;      /* behind the checkpoint */

    struct writer texts;
    vec(struct series) series;
    struct map by_labels;
    vec(struct id) ids;
    struct map by_id;
    struct prom_tombstones tombstones; /* by number of the series */
    vec(struct append_metadata) metadata;
    struct arena arena; /* of the metadata's texts */

    struct prom_head_chunks *chunks;
    vec(struct prom_head_chunk) list; /* chunks of known series, by series and then in the order of their files */
    struct column_buffer probe;
    struct prom_head_total total;
};

void prom_head_close(struct prom_head *head)
{
    if (!head) return;
    writer_release(&head->texts);
    vec_release(&head->series);
    map_release(&head->by_labels);
    vec_release(&head->ids);
    map_release(&head->by_id);
    prom_tombstones_release(&head->tombstones);
    vec_release(&head->metadata);
    arena_release(&head->arena);
    prom_head_chunks_close(head->chunks);
    vec_release(&head->list);
    column_buffer_release(&head->probe);
    free(head);
}

static void note_damage(struct prom_head *head, uint32_t count, status first)
{
    if (count && head->total.damaged == 0) head->total.damage = first;
    head->total.damaged += count;
}

static uint32_t find_series(const struct prom_head *head, uint64_t id)
{
    struct map_cursor c;

    for (uint32_t i = map_find(&head->by_id, hash_mix(id, 0), &c); i != MAP_NONE; i = map_next(&head->by_id, &c)) {
        if (head->ids.data[i].id == id) return head->ids.data[i].series;
    }
    return UINT32_MAX;
}

static str labels_of(const struct prom_head *head, uint32_t series)
{
    const struct series *of = &head->series.data[series];
    return str_make((const char *)head->texts.data + of->labels_at, of->labels_bytes);
}

/* The number of the series with the labels at the end of the texts, which stay there only if they are new. */
static uint32_t intern_series(struct prom_head *head, size_t labels_at)
{
    size_t bytes = head->texts.count - labels_at;
    uint64_t hash = hash_bytes(head->texts.data + labels_at, bytes);
    str text = str_make((const char *)head->texts.data + labels_at, bytes);
    struct map_cursor c;

    for (uint32_t i = map_find(&head->by_labels, hash, &c); i != MAP_NONE; i = map_next(&head->by_labels, &c)) {
        if (!str_equal(labels_of(head, i), text)) continue;
        head->texts.count = labels_at;
        return i;
    }
    map_add(&head->by_labels, hash, (uint32_t)head->series.count);
    vec_push(&head->series, (struct series){labels_at, bytes, INT64_MIN, 0, 0});
    return (uint32_t)head->series.count - 1;
}

static void take_series(struct prom_head *head, const struct prom_record *record)
{
    vec_each (series, &record->series) {
        if (find_series(head, series->id) != UINT32_MAX) continue; /* also in the checkpoint */
        size_t labels_at = head->texts.count;
        labels_write(record->pairs.data + series->first, series->count, &head->texts);
        map_add(&head->by_id, hash_mix(series->id, 0), (uint32_t)head->ids.count);
        vec_push(&head->ids, (struct id){series->id, intern_series(head, labels_at)});
    }
}

static void take_tombstones(struct prom_head *head, const struct prom_record *record)
{
    vec_each (one, &record->tombstones) {
        uint32_t series = find_series(head, one->series);
        if (series != UINT32_MAX)
            vec_push(&head->tombstones.list, (struct prom_tombstone){series, one->min_ms, one->max_ms});
    }
}

static void take_metadata(struct prom_head *head, const struct prom_record *record)
{
    vec_each (one, &record->metadata) {
        uint32_t series = find_series(head, one->id);
        if (series == UINT32_MAX) continue;
        str metric = labels_get((struct labels){labels_of(head, series)}, METRIC_NAME);
        struct append_metadata *last = head->metadata.count ? vec_last(&head->metadata) : NULL;
        if (metric.len == 0 || (last && str_equal(last->metric, metric))) continue; /* every series of it says so */
        vec_push(&head->metadata, (struct append_metadata){one->entry.type, arena_copy_str(&head->arena, metric),
                                                           arena_copy_str(&head->arena, one->entry.help),
                                                           arena_copy_str(&head->arena, one->entry.unit)});
    }
}

/* A walk over the records of a log. */
struct walk {
    status (*take)(void *context, str bytes, struct prom_record *record); /* the record may hold the one before */
    void *context;
    bool again; /* damaged segments were told before */
};

/* A record that makes no sense costs no more than itself. */
static status take_record(struct prom_head *head, const struct walk *walk, const char *folder, str bytes,
                          struct prom_record *record)
{
    status s = walk->take(walk->context, bytes, record);

    if (s.code != STATUS_CORRUPT && s.code != STATUS_UNSUPPORTED) return s;
    note_damage(head, 1, status_make(s.code, "%s: %.200s", folder, s.text));
    return ok();
}

static status walk_log(struct prom_head *head, const char *folder, uint64_t first, bool has_tail,
                       const struct walk *walk)
{
    struct prom_record record = {0};
    struct prom_log *log;
    bool more = true;
    str bytes;
    status damage;

    TRY(prom_log_open(head->fs, folder, first, has_tail, &log));
    status s = prom_log_next(log, &bytes, &more);
    while (!failed(s) && more) {
        s = take_record(head, walk, folder, bytes, &record);
        if (!failed(s)) s = prom_log_next(log, &bytes, &more);
    }
    uint32_t damaged = prom_log_damage(log, &damage);
    if (!walk->again) note_damage(head, damaged, damage);
    prom_log_close(log);
    prom_record_release(&record);
    return s;
}

/* The checkpoint, the log behind it. */
static status walk_logs(struct prom_head *head, const struct walk *walk)
{
    if (head->checkpoint[0]) TRY(walk_log(head, head->checkpoint, 0, false, walk));
    return walk_log(head, "wal", head->first_segment, true, walk);
}

static status take_names(void *context, str bytes, struct prom_record *record)
{
    struct prom_head *head = context;
    unsigned type = prom_record_type(bytes);

    if (type != PROM_RECORD_SERIES && type != PROM_RECORD_TOMBSTONES && type != PROM_RECORD_METADATA) return ok();
    prom_record_clear(record);
    TRY(prom_record_decode(bytes, record));
    take_series(head, record);
    take_tombstones(head, record);
    take_metadata(head, record);
    return ok();
}

/* The newest checkpoint; one that was not finished has another name. */
static status find_checkpoint(struct prom_head *head)
{
    struct arena arena = {0};
    str *names;
    size_t count;
    status s = fs_list_folders(head->fs, "wal", &arena, &names, &count);

    for (size_t i = 0; i < count && !failed(s); i++) {
        uint64_t number;
        str rest = str_part(names[i], sizeof checkpoint_prefix - 1, names[i].len);
        if (!str_starts_with(names[i], str_from(checkpoint_prefix)) || !str_to_uint64(rest, &number)) continue;
        if (head->checkpoint[0] && number < head->first_segment) continue;
        snprintf(head->checkpoint, sizeof head->checkpoint, "wal/%.*s", STR_ARG(names[i]));
        head->first_segment = number + 1;
    }
    arena_release(&arena);
    return s;
}

static int compare_chunks(const void *a, const void *b)
{
    const struct prom_head_chunk *x = a, *y = b;

    if (x->series != y->series) return x->series < y->series ? -1 : 1;
    return (x->ref.place > y->ref.place) - (x->ref.place < y->ref.place);
}

/* Chunks of series that the log does not name have left the head. */
static void sort_chunks(struct prom_head *head)
{
    size_t count;
    const struct prom_head_chunk *all = prom_head_chunks_list(head->chunks, &count);

    for (size_t i = 0; i < count; i++) {
        struct prom_head_chunk chunk = all[i];
        uint32_t number = find_series(head, chunk.series);
        if (number == UINT32_MAX || (!chunk.is_late && chunk.ref.max_ms < head->from_ms)) continue;
        struct series *series = &head->series.data[number];
        chunk.series = number;
        if (!chunk.is_late && chunk.ref.max_ms > series->newest_ms) series->newest_ms = chunk.ref.max_ms;
        series->chunk_count++;
        vec_push(&head->list, chunk);
    }
    if (head->list.count) qsort(head->list.data, head->list.count, sizeof *head->list.data, compare_chunks);
    size_t at = 0;
    vec_each (series, &head->series) {
        series->first_chunk = at;
        at += series->chunk_count;
    }
}

static status load(struct prom_head *head)
{
    status damage;

    TRY(find_checkpoint(head));
    TRY(walk_logs(head, &(struct walk){.take = take_names, .context = head}));
    prom_tombstones_sort(&head->tombstones);
    TRY(prom_head_chunks_open(head->fs, "chunks_head", &head->chunks, &damage));
    note_damage(head, failed(damage), damage);
    sort_chunks(head);
    return ok();
}

static status has_files(struct fs *fs, bool *out)
{
    static const char *const folders[] = {"wal", "wbl", "chunks_head"};
    struct arena arena = {0};
    status s = ok();

    *out = false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !failed(s); i++) {
        str *names;
        size_t count;
        s = fs_list(fs, folders[i], &arena, &names, &count);
        *out = *out || (!failed(s) && count);
    }
    arena_release(&arena);
    return s;
}

status prom_head_open(struct fs *fs, int64_t from_ms, struct prom_head **out)
{
    bool has;

    *out = NULL;
    TRY(has_files(fs, &has));
    if (!has) return ok();
    struct prom_head *head = memory_zalloc(sizeof *head);
    head->fs = fs;
    head->from_ms = from_ms;
    status s = load(head);
    if (failed(s)) {
        prom_head_close(head);
        return s;
    }
    *out = head;
    return ok();
}

static status read_chunk(struct prom_head *head, const struct prom_head_chunk *from, struct column_buffer *out)
{
    struct prom_chunk chunk;
    size_t first = out->times.count;

    TRY(prom_head_chunks_read(head->chunks, from->ref.place, &chunk));
    status s = prom_chunk_decode(chunk.encoding, chunk.data, chunk.bytes, out);
    if (failed(s)) return prom_head_chunks_blame(head->chunks, from->ref.place, s);
    if (!from->is_late) columns_clip(out, first, head->from_ms, INT64_MAX);
    columns_join(out, first);
    return ok();
}

static status head_read_series(void *context, uint32_t number, int64_t from_ms, int64_t to_ms,
                               struct column_buffer *out)
{
    struct prom_head *head = context;
    const struct series *series = &head->series.data[number];
    size_t begin = out->times.count;

    for (size_t i = 0; i < series->chunk_count; i++) {
        const struct prom_head_chunk *chunk = &head->list.data[series->first_chunk + i];
        if (chunk->ref.max_ms < from_ms || chunk->ref.min_ms > to_ms) continue;
        TRY(read_chunk(head, chunk, out));
    }
    columns_clip(out, begin, from_ms, to_ms);
    prom_tombstones_apply(&head->tombstones, number, out, begin);
    return ok();
}

static status head_has(void *context, uint32_t number, int64_t from_ms, int64_t to_ms, bool *out, int64_t *next_ms)
{
    struct prom_head *head = context;
    const struct series *series = &head->series.data[number];
    bool hidden = prom_tombstones_touch(&head->tombstones, number, from_ms, to_ms), maybe = false;

    *out = false;
    for (size_t i = 0; i < series->chunk_count; i++) {
        const struct prom_head_chunk *chunk = &head->list.data[series->first_chunk + i];
        bool sure, whole = chunk->is_late || chunk->ref.min_ms >= head->from_ms;
        if (!prom_chunk_ref_look(&chunk->ref, from_ms, to_ms, &sure, next_ms)) continue;
        maybe = true;
        *out = *out || (sure && whole && !hidden);
    }
    if (!maybe || *out) return ok();
    columns_clear(&head->probe);
    TRY(head_read_series(head, number, from_ms, to_ms, &head->probe));
    *out = head->probe.times.count > 0;
    return ok();
}

static status head_labels(void *context, uint32_t number, struct writer *out)
{
    str text = labels_of(context, number);

    writer_bytes(out, text.data, text.len);
    return ok();
}

struct import_source prom_head_source(struct prom_head *head)
{
    struct import_source source = {.context = head,
                                   .series_count = (uint32_t)head->series.count,
                                   .min_ms = INT64_MAX,
                                   .max_ms = INT64_MIN,
                                   .has = head_has,
                                   .labels = head_labels,
                                   .read = head_read_series};

    vec_each (chunk, &head->list) {
        if (chunk->ref.min_ms < source.min_ms) source.min_ms = chunk->ref.min_ms;
        if (chunk->ref.max_ms > source.max_ms) source.max_ms = chunk->ref.max_ms;
    }
    return source;
}

/* Samples of the log that wait to be appended together. */
struct appender {
    struct prom_head *head;
    struct db *db;
    bool in_order; /* only what is newer than all before, as the log has it; else as the log of late samples has it */
    vec(struct append_series) series;
    vec(int64_t) times_ms, starts_ms;
    vec(uint64_t) values;
    vec(const struct histogram *) histograms;
    vec(struct append_exemplar) exemplars;
    struct writer labels; /* of one exemplar */
    struct arena arena;   /* of histograms, and of the labels of exemplars */
};

static status flush(struct appender *appender)
{
    struct prom_head_total *total = &appender->head->total;
    struct append_result result = {0};
    struct append_batch batch = {.series = appender->series.data,
                                 .series_count = appender->series.count,
                                 .times_ms = appender->times_ms.data,
                                 .values = appender->values.data,
                                 .histograms = appender->histograms.data,
                                 .starts_ms = appender->starts_ms.data,
                                 .sample_count = appender->times_ms.count,
                                 .exemplars = appender->exemplars.data,
                                 .exemplar_count = appender->exemplars.count};

    if (batch.sample_count + batch.exemplar_count == 0) return ok();
    TRY(db_append_wait(appender->db, &batch, &result));
    total->samples += result.stored;
    total->exemplars += result.exemplars_kept;
    for (int i = 0; i < APPEND_REASON_COUNT; i++) total->refused += result.rejected[i];
    if (result.error[0] && !total->refusal[0]) snprintf(total->refusal, sizeof total->refusal, "%s", result.error);
    appender->series.count = appender->times_ms.count = appender->starts_ms.count = 0;
    appender->values.count = appender->histograms.count = appender->exemplars.count = 0;
    arena_reset(&appender->arena);
    return db_maintain(appender->db);
}

/* Whether Prometheus would show the sample. */
static bool is_visible(struct appender *appender, uint32_t number, int64_t time_ms)
{
    struct prom_head *head = appender->head;
    struct series *series = &head->series.data[number];

    if (appender->in_order) {
        if (time_ms < head->from_ms || time_ms <= series->newest_ms) return false;
        series->newest_ms = time_ms;
    }
    return !prom_tombstones_touch(&head->tombstones, number, time_ms, time_ms);
}

static void add_sample(struct appender *appender, uint32_t number, const struct prom_record_sample *sample)
{
    vec_push(&appender->series,
             (struct append_series){labels_of(appender->head, number), (uint32_t)appender->times_ms.count, 1});
    vec_push(&appender->times_ms, sample->time_ms);
    vec_push(&appender->starts_ms, sample->start_ms);
    vec_push(&appender->values, sample->value);
    vec_push(&appender->histograms, sample->histogram ? histogram_copy(sample->histogram, &appender->arena) : NULL);
}

/* Deletes do not touch exemplars, and what is older than the blocks has no other place than this log. */
static void add_exemplar(struct appender *appender, uint32_t number, const struct prom_record *record,
                         const struct prom_record_exemplar *exemplar)
{
    struct writer *spelled = &appender->labels;

    spelled->count = 0;
    labels_write(record->pairs.data + exemplar->first, exemplar->count, spelled);
    str text = arena_copy_str(&appender->arena, str_make((const char *)spelled->data, spelled->count));
    vec_push(&appender->exemplars,
             (struct append_exemplar){labels_of(appender->head, number), text, exemplar->value, exemplar->time_ms});
}

static status take_samples(void *context, str bytes, struct prom_record *record)
{
    struct appender *appender = context;
    unsigned type = prom_record_type(bytes);

    if (type == PROM_RECORD_SERIES || type == PROM_RECORD_TOMBSTONES || type == PROM_RECORD_METADATA) return ok();
    prom_record_clear(record);
    TRY(prom_record_decode(bytes, record));
    vec_each (sample, &record->samples) {
        uint32_t number = find_series(appender->head, sample->id);
        if (number == UINT32_MAX) {
            appender->head->total.unknown++;
        } else if (is_visible(appender, number, sample->time_ms)) {
            add_sample(appender, number, sample);
        }
    }
    vec_each (exemplar, &record->exemplars) {
        uint32_t number = find_series(appender->head, exemplar->id);
        if (number == UINT32_MAX) {
            appender->head->total.unknown++;
        } else {
            add_exemplar(appender, number, record, exemplar);
        }
    }
    return appender->times_ms.count + appender->exemplars.count >= BATCH_SAMPLES ? flush(appender) : ok();
}

static status append_metadata(struct prom_head *head, struct db *db)
{
    struct append_batch batch = {.metadata = head->metadata.data, .metadata_count = head->metadata.count};
    struct append_result result = {0};

    return batch.metadata_count ? db_append_wait(db, &batch, &result) : ok();
}

status prom_head_append(struct prom_head *head, struct db *db, struct prom_head_total *total)
{
    struct appender appender = {.head = head, .db = db, .in_order = true};
    struct walk walk = {.take = take_samples, .context = &appender, .again = true};

    status s = append_metadata(head, db);
    if (!failed(s)) s = walk_logs(head, &walk);
    if (!failed(s)) s = flush(&appender);
    appender.in_order = walk.again = false;
    if (!failed(s)) s = walk_log(head, "wbl", 0, true, &walk);
    if (!failed(s)) s = flush(&appender);
    if (!failed(s)) s = db_freeze(db);
    vec_release(&appender.series);
    vec_release(&appender.times_ms);
    vec_release(&appender.starts_ms);
    vec_release(&appender.values);
    vec_release(&appender.histograms);
    vec_release(&appender.exemplars);
    writer_release(&appender.labels);
    arena_release(&appender.arena);
    *total = head->total;
    return s;
}
