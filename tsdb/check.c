/* Verifying a data folder; see check.h. */
#include "tsdb/check.h"

#include "storage/page_cache.h"
#include "storage/wal_read.h"
#include "tsdb/db_internal.h"
#include "tsdb/exemplars.h"
#include "tsdb/registry_file.h"
#include "tsdb/sample_rows.h"

#include <stdarg.h>
#include <stdio.h>

enum { CHECK_CACHE_BYTES = 32 << 20, METADATA_MAX = 100000, EXEMPLAR_BYTES_MAX = 1 << 20 };

struct checker {
    struct fs *fs;
    const struct check_listener *listener;
    struct check_summary *summary;
};

static void pass_on(void *context, str sentence)
{
    struct checker *checker = context;

    checker->summary->findings++;
    checker->listener->finding(checker->listener->context, sentence);
}

__attribute__((format(printf, 2, 3))) static void find(struct checker *checker, const char *format, ...)
{
    char sentence[STATUS_TEXT_BYTES + 64];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (len >= (int)sizeof sentence) len = sizeof sentence - 1;
    pass_on(checker, str_make(sentence, (size_t)len));
}

__attribute__((format(printf, 2, 3))) static void tell(struct checker *checker, const char *format, ...)
{
    char sentence[STATUS_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    checker->listener->progress(checker->listener->context, str_make(sentence, (size_t)len));
}

static status check_block(struct checker *checker, const struct state_block *entry, struct page_cache *cache)
{
    struct block *block;
    status s = block_open(checker->fs, entry->number, cache, &block);

    if (s.code == STATUS_IO || s.code == STATUS_UNAVAILABLE) return s;
    if (failed(s)) {
        find(checker, "block/%08u:%llu: %s", entry->number, (unsigned long long)s.at, s.text);
        return ok();
    }
    const struct block_info *info = block_get_info(block);
    if (info->min_ms != entry->min_ms || info->max_ms != entry->max_ms)
        find(checker, "block/%08u:0: its times are not those in the state", entry->number);
    s = block_check(block, pass_on, checker);
    checker->summary->blocks++;
    checker->summary->block_samples += info->samples;
    if (!failed(s))
        tell(checker, "block/%08u: %u series, %llu samples", entry->number, info->series,
             (unsigned long long)info->samples);
    block_unref(block);
    return s;
}

/* A registry as it can be read from its file. */
static status check_registry(struct checker *checker, const struct state *state, const struct state_registry *entry,
                             struct registry **out)
{
    *out = registry_new(&state->secret, entry->number);
    status s = registry_file_apply(checker->fs, *out, entry->bytes, pass_on, checker);
    if (!failed(s) && entry->bytes && !registry_valid(*out))
        find(checker, "registry/%08u:0: the registry breaks its rules", entry->number);
    return s;
}

struct log_check {
    struct checker *checker;
    struct registry *registry;
    bool registrations;
    uint32_t head;
    struct writer scratch;
    struct row_columns rows;
    struct rich_rows rich_rows;
    struct metadata_table *metadata; /* to decode into */
    struct exemplars *exemplars;
    uint64_t samples, orphans;
};

static void count_orphan(struct log_check *check, uint32_t id)
{
    if (id >= registry_series_count(check->registry) || registry_labels(check->registry, id).count == 0)
        check->orphans++;
}

static bool check_rich_rows(struct log_check *check, const uint8_t *payload, size_t bytes)
{
    bool good = rich_rows_decode(payload, bytes, &check->rich_rows);

    check->samples += check->rich_rows.rows.count;
    vec_each (row, &check->rich_rows.rows) {
        if (failed(row->sample.histogram ? histogram_validate(row->sample.histogram) : ok()) &&
            !is_stale(row->sample.value))
            good = false;
        count_orphan(check, row->series);
    }
    return good;
}

/* Whether a record of samples can be read; counts samples of series that are not registered. */
static bool check_rows(struct log_check *check, const uint8_t *payload, size_t bytes)
{
    bool good = rows_decode(payload, bytes, &check->rows);

    check->samples += check->rows.series.count;
    vec_each (id, &check->rows.series) count_orphan(check, *id);
    return good;
}

static status check_record(void *context, const struct record *record)
{
    struct log_check *check = context;
    const uint8_t *payload;
    size_t bytes;

    if ((record->type == LOG_REGISTRATION) != check->registrations) return ok();
    if (!record_payload(record, &check->scratch, &payload, &bytes)) {
        find(check->checker, "wal/%08u:0: a record does not decompress", check->head);
    } else if (record->type == LOG_REGISTRATION) {
        status s = registry_apply(check->registry, payload, bytes);
        if (failed(s)) find(check->checker, "wal/%08u:0: %s", check->head, s.text);
    } else if ((record->type == LOG_SAMPLES && !check_rows(check, payload, bytes)) ||
               (record->type == LOG_RICH_SAMPLES && !check_rich_rows(check, payload, bytes))) {
        find(check->checker, "wal/%08u:0: a record of samples can not be read", check->head);
    } else if (record->type == LOG_EXEMPLARS && !exemplars_apply(check->exemplars, payload, bytes)) {
        find(check->checker, "wal/%08u:0: a record of exemplars can not be read", check->head);
    } else if (record->type == LOG_METADATA && !metadata_apply(check->metadata, payload, bytes)) {
        find(check->checker, "wal/%08u:0: a record of metadata can not be read", check->head);
    }
    return ok();
}

static void log_finding(void *context, const char *file, uint64_t at, bool damaged, const char *sentence)
{
    struct log_check *check = context;

    if (damaged) find(check->checker, "%s:%llu: %s", file, (unsigned long long)at, sentence);
}

static status check_log(struct checker *checker, uint32_t head, struct registry *registry)
{
    struct log_check check = {.checker = checker,
                              .registry = registry,
                              .registrations = true,
                              .head = head,
                              .metadata = metadata_table_new(METADATA_MAX),
                              .exemplars = exemplars_new(EXEMPLAR_BYTES_MAX)};
    struct wal_visitor visitor = {&check, check_record, NULL};
    struct wal_end end;

    status s = wal_read(checker->fs, head, &visitor, &end);
    if (!failed(s)) {
        check.registrations = false;
        visitor.finding = log_finding;
        s = wal_read(checker->fs, head, &visitor, &end);
    }
    if (check.orphans)
        find(checker, "wal/%08u:0: %llu samples refer to series that are not registered", head,
             (unsigned long long)check.orphans);
    if (!failed(s) && end.next_segment == 0) find(checker, "wal/%08u:0: the log is missing", head);
    writer_release(&check.scratch);
    row_columns_release(&check.rows);
    rich_rows_release(&check.rich_rows);
    metadata_table_free(check.metadata);
    exemplars_free(check.exemplars);
    checker->summary->logs++;
    checker->summary->log_samples += check.samples;
    if (!failed(s))
        tell(checker, "wal/%08u: %u series, %llu samples", head, registry_series_count(registry),
             (unsigned long long)check.samples);
    return s;
}

static status check_heads(struct checker *checker, struct state *state)
{
    status s = ok();

    vec_each (entry, &state->registries) {
        struct registry *registry;
        s = check_registry(checker, state, entry, &registry);
        vec_each (head, &state->heads) {
            if (!failed(s) && head->registry == entry->number) s = check_log(checker, head->number, registry);
        }
        registry_unref(registry);
        TRY(s);
    }
    return ok();
}

status check_directory(struct fs *fs, const struct check_listener *listener, struct check_summary *out)
{
    struct checker checker = {fs, listener, out};
    struct state state;

    *out = (struct check_summary){0};
    TRY(fs_lock(fs, "lock"));
    status s = state_load(fs, &state);
    if (s.code == STATUS_NOT_FOUND) return status_make(STATUS_NOT_FOUND, "there is no data: the file state is missing");
    if (s.code == STATUS_CORRUPT) {
        find(&checker, "state:%llu: %s", (unsigned long long)s.at, s.text);
        return ok();
    }
    TRY(s);
    struct page_cache *cache = page_cache_new(CHECK_CACHE_BYTES);
    vec_each (block, &state.blocks) {
        if (!failed(s)) s = check_block(&checker, block, cache);
    }
    if (!failed(s)) s = check_heads(&checker, &state);
    page_cache_free(cache);
    state_release(&state);
    return s;
}
