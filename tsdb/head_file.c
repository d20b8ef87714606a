/* A head as its files have it; see head_file.h. */
#include "tsdb/head_file.h"

#include "storage/wal_read.h"
#include "tsdb/db_internal.h"
#include "tsdb/registry_file.h"
#include "tsdb/rich_rows.h"
#include "tsdb/sample_rows.h"

#include <stdio.h>

struct reading {
    struct head_file *head;
    uint32_t number;
    bool registrations;
    struct writer scratch;
    struct row_columns rows;
    struct rich_rows rich_rows;
    void (*finding)(void *context, str sentence);
    void *context;
};

static void find(void *context, const char *file, uint64_t at, bool damaged, const char *text)
{
    const struct reading *reading = context;
    char sentence[STATUS_TEXT_BYTES + 64];

    if (!damaged) return;
    int len = snprintf(sentence, sizeof sentence, "%s:%llu: %s", file, (unsigned long long)at, text);
    reading->finding(reading->context, str_make(sentence, (size_t)len));
}

static void find_in_log(struct reading *reading, const char *text)
{
    char name[32];

    snprintf(name, sizeof name, "wal/%08u", reading->number);
    find(reading, name, 0, true, text);
}

static void count_sample(struct head_file *head, uint32_t series, int64_t time_ms)
{
    if (series >= registry_series_count(head->registry) || registry_labels(head->registry, series).count == 0) return;
    while (head->samples.count <= series) vec_push(&head->samples, 0);
    head->samples.data[series]++;
    if (time_ms < head->min_ms) head->min_ms = time_ms;
    if (time_ms > head->max_ms) head->max_ms = time_ms;
}

static status read_record(void *context, const struct record *record)
{
    struct reading *reading = context;
    const uint8_t *payload;
    size_t bytes;
    bool good = true;

    if ((record->type == LOG_REGISTRATION) != reading->registrations) return ok();
    if (!record_payload(record, &reading->scratch, &payload, &bytes)) {
        find_in_log(reading, "a record does not decompress");
        return ok();
    }
    if (record->type == LOG_REGISTRATION) {
        good = !failed(registry_apply(reading->head->registry, payload, bytes));
    } else if (record->type == LOG_SAMPLES) {
        good = rows_decode(payload, bytes, &reading->rows);
        for (size_t i = 0; i < reading->rows.series.count; i++)
            count_sample(reading->head, reading->rows.series.data[i], reading->rows.times.data[i]);
    } else if (record->type == LOG_RICH_SAMPLES) {
        good = rich_rows_decode(payload, bytes, &reading->rich_rows);
        vec_each (row, &reading->rich_rows.rows) count_sample(reading->head, row->series, row->sample.time_ms);
    }
    if (!good) find_in_log(reading, "a record can not be read");
    return ok();
}

static uint64_t registry_bytes_of(const struct state *state, uint32_t number)
{
    vec_each (registry, &state->registries) {
        if (registry->number == number) return registry->bytes;
    }
    return 0;
}

status head_file_read(struct fs *fs, const struct state *state, const struct state_head *entry,
                      void (*finding)(void *context, str sentence), void *context, struct head_file *out)
{
    struct reading reading = {.head = out, .number = entry->number, .finding = finding, .context = context};
    struct wal_visitor visitor = {&reading, read_record, NULL};
    struct wal_end end = {0};

    *out = (struct head_file){.registry = registry_new(&state->secret, entry->registry),
                              .min_ms = INT64_MAX,
                              .max_ms = INT64_MIN};
    status s = registry_file_apply(fs, out->registry, registry_bytes_of(state, entry->registry), finding, context);
    reading.registrations = true;
    vec_each (head, &state->heads) { /* a head before it may have registered what is not in the file yet */
        if (!failed(s) && head->registry == entry->registry && head->number <= entry->number)
            s = wal_read(fs, head->number, &visitor, &end);
    }
    reading.registrations = false;
    visitor.finding = find;
    if (!failed(s)) s = wal_read(fs, entry->number, &visitor, &end);
    if (!failed(s) && end.next_segment == 0) find_in_log(&reading, "the log is missing");
    out->log_bytes = end.bytes;
    writer_release(&reading.scratch);
    row_columns_release(&reading.rows);
    rich_rows_release(&reading.rich_rows);
    if (failed(s)) head_file_release(out);
    return s;
}

void head_file_release(struct head_file *head)
{
    registry_unref(head->registry);
    head->registry = NULL;
    vec_release(&head->samples);
}
