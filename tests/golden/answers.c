/* What a data folder answers, as text; see answers.h. */
#include "tests/golden/answers.h"

#include "storage/base/hash.h"

#include <stdio.h>
#include <stdlib.h>

enum { SERIES_TOLD = 100 }; /* of one metric */

void golden_init(struct golden_answers *answers)
{
    *answers = (struct golden_answers){0};
    arena_init(&answers->arena, NULL);
}

void golden_release(struct golden_answers *answers)
{
    vec_release(&answers->series);
    vec_release(&answers->metadata);
    vec_release(&answers->exemplars);
    arena_release(&answers->arena);
}

struct golden_series *golden_add(struct golden_answers *answers, const label *pairs, size_t count)
{
    struct golden_series *series = vec_push_slot(&answers->series);
    label *copies = arena_array(&answers->arena, label, count);

    *series = (struct golden_series){.pairs = copies, .pair_count = count};
    for (size_t i = 0; i < count; i++) {
        copies[i].name = arena_copy_str(&answers->arena, pairs[i].name);
        copies[i].value = arena_copy_str(&answers->arena, pairs[i].value);
        if (str_equal(copies[i].name, METRIC_NAME)) series->metric = copies[i].value;
    }
    series->labels = labels_print(copies, count, &answers->arena);
    return series;
}

static uint64_t digest_buckets(uint64_t digest, const struct bucket_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->counts[i] == 0) continue;
        digest = hash_mix(digest, (uint64_t)(int64_t)list->indexes[i]);
        digest = hash_mix(digest, double_bits(list->counts[i]));
    }
    return hash_mix(digest, 7);
}

static uint64_t digest_histogram(uint64_t digest, const struct histogram *h)
{
    digest = hash_mix(digest, (uint64_t)(int64_t)h->schema);
    digest = hash_mix(digest, h->is_integer + 2 * (h->hint == HISTOGRAM_GAUGE));
    digest = hash_mix(digest, double_bits(h->zero_threshold));
    digest = hash_mix(digest, double_bits(h->zero_count));
    digest = hash_mix(digest, double_bits(h->count));
    digest = hash_mix(digest, double_bits(h->sum));
    for (uint32_t i = 0; i < h->bound_count; i++) digest = hash_mix(digest, double_bits(h->bounds[i]));
    return digest_buckets(digest_buckets(digest, &h->positive), &h->negative);
}

void golden_take(struct golden_series *series, int64_t time_ms, uint64_t value, int64_t start_ms,
                 const struct histogram *histogram)
{
    if (series->count++ == 0) series->first_ms = time_ms;
    series->last_ms = time_ms;
    series->digest = hash_mix(hash_mix(series->digest, (uint64_t)time_ms), (uint64_t)start_ms);
    series->digest = histogram ? digest_histogram(series->digest, histogram) : hash_mix(series->digest, value);
}

static status read_row(struct snapshot *snapshot, struct selection *selection, uint32_t row,
                       struct column_buffer *buffer, struct golden_answers *out)
{
    struct label_id ids[LABELS_MAX];
    label pairs[LABELS_MAX];
    size_t count;
    samples got;

    if (!selection_read(selection, row, buffer, &got)) return buffer->error;
    if (got.count == 0) return ok();
    TRY(selection_label_pairs(selection, row, ids, &count));
    for (size_t i = 0; i < count; i++)
        pairs[i] = (label){snapshot_string(snapshot, ids[i].name), snapshot_string(snapshot, ids[i].value)};
    struct golden_series *series = golden_add(out, pairs, count);
    for (size_t i = 0; i < got.count; i++)
        golden_take(series, got.times_ms[i], double_bits(got.values[i]), got.starts_ms ? got.starts_ms[i] : 0,
                    got.histograms ? got.histograms[i] : NULL);
    return ok();
}

static void take_metadata(void *context, const struct append_metadata *entry)
{
    struct golden_answers *out = context;
    struct append_metadata copy = {entry->type, arena_copy_str(&out->arena, entry->metric),
                                   arena_copy_str(&out->arena, entry->help), arena_copy_str(&out->arena, entry->unit)};

    vec_push(&out->metadata, copy);
}

static bool is_any(void *context, labels set)
{
    (void)context;
    (void)set;
    return true;
}

/* Copies that outlive the snapshot. */
static status read_exemplars(struct snapshot *snapshot, struct golden_answers *out)
{
    exemplar_list list = {0};
    status s = snapshot_exemplars(snapshot, INT64_MIN, INT64_MAX, is_any, NULL, &list);

    vec_each (series, &list) {
        label *pairs = arena_array(&out->arena, label, series->pair_count);
        struct exemplar *exemplars = arena_array(&out->arena, struct exemplar, series->count);
        for (size_t i = 0; i < series->pair_count; i++)
            pairs[i] = (label){arena_copy_str(&out->arena, series->pairs[i].name),
                               arena_copy_str(&out->arena, series->pairs[i].value)};
        memcpy(exemplars, series->exemplars, series->count * sizeof *exemplars);
        for (size_t i = 0; i < series->count; i++)
            exemplars[i].labels = arena_copy_str(&out->arena, exemplars[i].labels);
        vec_push(&out->exemplars, (struct exemplar_series){pairs, series->pair_count, exemplars, series->count});
    }
    vec_release(&list);
    return s;
}

status golden_read(struct db *db, struct golden_answers *out)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct column_buffer buffer = {0};
    struct selection *selection;
    status s = snapshot_select(snapshot, &request, &selection);

    for (uint32_t row = 0; !failed(s) && row < selection_count(selection); row++)
        s = read_row(snapshot, selection, row, &buffer, out);
    db_metadata(db, STR(""), take_metadata, out);
    if (!failed(s)) s = read_exemplars(snapshot, out);
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
    return s;
}

__attribute__((format(printf, 3, 4))) static void put(struct golden_answers *answers, struct writer *out,
                                                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    str line = arena_format_list(&answers->arena, format, args);
    va_end(args);
    writer_bytes(out, line.data, line.len);
    writer_u8(out, '\n');
}

static int compare_series(const void *a, const void *b)
{
    const struct golden_series *x = a, *y = b;
    return labels_compare(x->pairs, x->pair_count, y->pairs, y->pair_count);
}

static int compare_strings(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

static uint64_t digest_text(uint64_t digest, str text)
{
    return hash_mix(digest, hash_bytes(text.data, text.len));
}

/* Sorts, and leaves one of each. */
static size_t make_distinct(str *texts, size_t count)
{
    size_t kept = 0;

    if (count) qsort(texts, count, sizeof *texts, compare_strings);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_equal(texts[kept - 1], texts[i])) texts[kept++] = texts[i];
    }
    return kept;
}

static uint64_t digest_all(const str *texts, size_t count)
{
    uint64_t digest = 0;

    for (size_t i = 0; i < count; i++) digest = digest_text(digest, texts[i]);
    return digest;
}

static void print_values(struct golden_answers *answers, str name, struct writer *out)
{
    str *values = arena_array(&answers->arena, str, answers->series.count);
    size_t count = 0;

    vec_each (series, &answers->series) {
        for (size_t i = 0; i < series->pair_count; i++) {
            if (str_equal(series->pairs[i].name, name)) values[count++] = series->pairs[i].value;
        }
    }
    count = make_distinct(values, count);
    put(answers, out, "values %.*s %zu %016llx", STR_ARG(name), count, (unsigned long long)digest_all(values, count));
}

static void print_names(struct golden_answers *answers, struct writer *out)
{
    vec(str) names = {0};

    vec_each (series, &answers->series) {
        for (size_t i = 0; i < series->pair_count; i++) vec_push(&names, series->pairs[i].name);
    }
    names.count = make_distinct(names.data, names.count);
    put(answers, out, "names %zu %016llx", names.count, (unsigned long long)digest_all(names.data, names.count));
    vec_each (name, &names) print_values(answers, *name, out);
    vec_release(&names);
}

static size_t metric_end(const struct golden_answers *answers, size_t first)
{
    size_t end = first;

    while (end < answers->series.count &&
           str_equal(answers->series.data[end].metric, answers->series.data[first].metric))
        end++;
    return end;
}

static void print_metric(struct golden_answers *answers, size_t first, size_t end, struct writer *out)
{
    const struct golden_series *series = answers->series.data;
    uint64_t digest = 0, count = 0;

    for (size_t i = first; i < end; i++) {
        digest = hash_mix(digest_text(digest, series[i].labels), series[i].digest);
        count += series[i].count;
        if (end - first > SERIES_TOLD) continue;
        put(answers, out, "series %.*s %llu samples %lld..%lld %016llx", STR_ARG(series[i].labels),
            (unsigned long long)series[i].count, (long long)series[i].first_ms, (long long)series[i].last_ms,
            (unsigned long long)series[i].digest);
    }
    if (end - first > SERIES_TOLD)
        put(answers, out, "metric %.*s: %zu series, %llu samples %016llx", STR_ARG(series[first].metric), end - first,
            (unsigned long long)count, (unsigned long long)digest);
}

static int compare_metadata(const void *a, const void *b)
{
    return str_compare(((const struct append_metadata *)a)->metric, ((const struct append_metadata *)b)->metric);
}

static void print_exemplars(struct golden_answers *answers, struct writer *out)
{
    exemplars_join(&answers->exemplars, &answers->arena);
    vec_each (series, &answers->exemplars) {
        uint64_t digest = 0;
        for (size_t i = 0; i < series->count; i++) {
            const struct exemplar *exemplar = &series->exemplars[i];
            digest = hash_mix(digest_text(digest, exemplar->labels), (uint64_t)exemplar->time_ms);
            digest = hash_mix(digest, double_bits(exemplar->value));
        }
        put(answers, out, "exemplars %.*s %zu %016llx",
            STR_ARG(labels_print(series->pairs, series->pair_count, &answers->arena)), series->count,
            (unsigned long long)digest);
    }
}

void golden_print(struct golden_answers *answers, struct writer *out)
{
    if (answers->series.count)
        qsort(answers->series.data, answers->series.count, sizeof *answers->series.data, compare_series);
    for (size_t first = 0; first < answers->series.count;) {
        size_t end = metric_end(answers, first);
        print_metric(answers, first, end, out);
        first = end;
    }
    print_names(answers, out);
    if (answers->metadata.count)
        qsort(answers->metadata.data, answers->metadata.count, sizeof *answers->metadata.data, compare_metadata);
    vec_each (entry, &answers->metadata)
        put(answers, out, "metadata %.*s %d %.*s %.*s", STR_ARG(entry->metric), (int)entry->type, STR_ARG(entry->help),
            STR_ARG(entry->unit));
    print_exemplars(answers, out);
}
