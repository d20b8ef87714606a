/* What tests of tsdb share; see fixture.h. */
#include "tests/tsdb/fixture.h"

#include "storage/chunk_gorilla.h"
#include "tests/support/must.h"
#include "tests/support/test.h"
#include "tsdb/check.h"
#include "tsdb/db_internal.h"

#include <stdio.h>
#include <stdlib.h>

struct db_options fixture_options(struct fs *fs)
{
    struct db_options options = db_options_default();

    options.fs = fs;
    options.retention_ms = 0;
    options.reserve_bytes = 0;
    options.future_max_ms = 0;
    options.background = false;
    options.wal_segment_bytes = 4096;
    return options;
}

struct db *fixture_open(struct fs *fs)
{
    struct db_options options = fixture_options(fs);
    struct db *db;

    must(db_open(&options, &db));
    return db;
}

static void note_finding(void *context, str sentence)
{
    char *finding = context;

    if (!finding[0]) snprintf(finding, FIXTURE_FINDING_BYTES, "%.*s", STR_ARG(sentence));
}

static void ignore_progress(void *context, str sentence)
{
    (void)context;
    (void)sentence;
}

void fixture_check(struct fs *fs, char finding[FIXTURE_FINDING_BYTES])
{
    const struct check_listener listener = {finding, note_finding, ignore_progress};
    struct check_summary found;

    finding[0] = 0;
    status s = check_directory(fs, &listener, &found);
    if (failed(s)) note_finding(finding, str_from(s.text));
}

void fixture_close(struct db *db)
{
    struct fs *fs = db->fs;
    char finding[FIXTURE_FINDING_BYTES];

    must(db_close(db));
    fixture_check(fs, finding);
    cr_assert(!finding[0], "check: %s", finding);
}

void fixture_quiet(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    (void)line;
}

static size_t split_series(const char *text, label *pairs)
{
    str rest = str_from(text);
    size_t count = 0;

    pairs[count++] = (label){METRIC_NAME, str_cut(&rest, ' ')};
    while (rest.len) {
        str value = str_cut(&rest, ' '), name = str_cut(&value, '=');
        cr_assert(count < LABELS_MAX);
        pairs[count++] = (label){name, value};
    }
    return count;
}

void fixture_pairs(const char *text, struct arena *arena, label **out, size_t *count)
{
    label pairs[LABELS_MAX];

    *count = split_series(text, pairs);
    labels_sort(pairs, *count);
    *out = arena_array(arena, label, *count);
    memcpy(*out, pairs, *count * sizeof *pairs);
}

str fixture_raw(const char *text, struct arena *arena)
{
    label pairs[LABELS_MAX];
    struct writer raw = {0};

    labels_write(pairs, split_series(text, pairs), &raw);
    str copy = arena_copy_str(arena, str_make((const char *)raw.data, raw.count));
    writer_release(&raw);
    return copy;
}

size_t fixture_matchers(const char *text, struct matcher *out, struct arena *arena)
{
    str rest = str_from(text);
    size_t count = 0;

    while (rest.len) {
        str word = str_cut(&rest, ' ');
        size_t at = 0;
        while (at < word.len && word.data[at] != '=' && word.data[at] != '!') at++;
        str operator= str_part(word, at, word.len), name = str_part(word, 0, at);
        enum matcher_type type = str_starts_with(operator, STR("=~"))   ? MATCH_REGEX
                                 : str_starts_with(operator, STR("!~")) ? MATCH_NOT_REGEX
                                 : str_starts_with(operator, STR("!=")) ? MATCH_NOT_EQUAL
                                                                        : MATCH_EQUAL;
        cr_assert(count < 8);
        must(matcher_compile(type, name, str_part(operator, type == MATCH_EQUAL ? 1 : 2, word.len), &out[count++],
                             arena));
    }
    return count;
}

uint32_t fixture_register(struct registry *registry, const char *text, struct writer *registration)
{
    struct arena arena;
    struct writer scratch = {0}, added = {0};
    label *pairs;
    size_t count;

    arena_init(&arena, NULL);
    fixture_pairs(text, &arena, &pairs, &count);
    hash128 fingerprint = registry_identify(registry, pairs, count, &scratch);
    registry_write_lock(registry);
    uint32_t id = registry_add_locked(registry, pairs, count, fingerprint, fingerprint, true,
                                      registration ? registration : &added);
    registry_write_unlock(registry);
    writer_release(&scratch);
    writer_release(&added);
    arena_release(&arena);
    return id;
}

status fixture_try(struct db *db, const char *series, int64_t time_ms, double value, struct append_result *result)
{
    struct arena arena;
    uint64_t bits = double_bits(value);

    arena_init(&arena, NULL);
    struct append_series one = {fixture_raw(series, &arena), 0, 1};
    struct append_batch batch = {
        .series = &one, .series_count = 1, .times_ms = &time_ms, .values = &bits, .sample_count = 1};
    status s = db_append_wait(db, &batch, result);
    arena_release(&arena);
    return s;
}

void fixture_append(struct db *db, const char *series, int64_t time_ms, double value)
{
    struct append_result result;

    must(fixture_try(db, series, time_ms, value, &result));
    cr_assert(result.stored == 1, "%s at %lld: %s", series, (long long)time_ms, result.error);
}

static int compare_lines(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* One row as a line; empty if it has no samples. */
static str print_row(struct snapshot *snapshot, struct selection *selection, uint32_t row, struct arena *arena)
{
    struct label_id ids[LABELS_MAX];
    label pairs[LABELS_MAX];
    struct column_buffer buffer = {0};
    size_t count, kept = 0;
    str name = STR(""), line = STR("");
    samples got;

    must(selection_label_pairs(selection, row, ids, &count));
    for (size_t i = 0; i < count; i++) {
        label pair = {snapshot_string(snapshot, ids[i].name), snapshot_string(snapshot, ids[i].value)};
        if (str_equal(pair.name, METRIC_NAME)) {
            name = pair.value;
        } else {
            pairs[kept++] = pair;
        }
    }
    cr_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
    if (got.count)
        line =
            arena_format(arena, "%.*s%.*s", STR_ARG(name), STR_ARG(kept ? labels_print(pairs, kept, arena) : STR("")));
    for (size_t i = 0; i < got.count; i++)
        line = arena_format(arena, "%.*s %g@%lld", STR_ARG(line), got.values[i], (long long)got.times_ms[i]);
    column_buffer_release(&buffer);
    return line;
}

str fixture_read(struct db *db, const char *matchers, int64_t from_ms, int64_t to_ms, struct arena *arena)
{
    struct matcher compiled[8];
    struct select_request request = {compiled, fixture_matchers(matchers, compiled, arena), from_ms, to_ms};
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct selection *selection;
    str text = STR("");

    must(snapshot_select(snapshot, &request, &selection));
    uint32_t rows = selection_count(selection);
    str *lines = arena_array(arena, str, rows);
    for (uint32_t row = 0; row < rows; row++) lines[row] = print_row(snapshot, selection, row, arena);
    if (rows) qsort(lines, rows, sizeof *lines, compare_lines);
    for (uint32_t row = 0; row < rows; row++) {
        if (lines[row].len == 0) continue;
        text = text.len ? arena_format(arena, "%.*s\n%.*s", STR_ARG(text), STR_ARG(lines[row])) : lines[row];
    }
    snapshot_release(snapshot);
    return text;
}

static void expect_histogram(const samples *got, size_t i, const samples *expected, size_t k)
{
    const struct histogram *a = got->histograms ? got->histograms[i] : NULL;
    const struct histogram *b = expected->histograms ? expected->histograms[k] : NULL;

    cr_assert((a != NULL) == (b != NULL));
    cr_assert(!a || (a->hint == b->hint && a->count == b->count));
    cr_assert((got->starts_ms ? got->starts_ms[i] : 0) == (expected->starts_ms ? expected->starts_ms[k] : 0));
}

/* Samples [first, end) of what was decoded are those from *at on. */
static void expect_decoded(const samples *got, size_t first, size_t end, const samples *expected, size_t *at)
{
    cr_assert(first <= end && end <= got->count && *at + (end - first) <= expected->count);
    for (size_t i = first; i < end; i++, ++*at) {
        cr_assert(got->times_ms[i] == expected->times_ms[*at]);
        cr_assert(double_bits(got->values[i]) == double_bits(expected->values[*at]));
        expect_histogram(got, i, expected, *at);
    }
}

static void expect_chunk(const struct passed_chunk *chunk, const uint8_t *bytes, const samples *expected, size_t *at)
{
    size_t count = gorilla_count(bytes + chunk->offset, chunk->bytes);
    int64_t *times = memory_alloc(count * sizeof *times);
    double *values = memory_alloc(count * sizeof *values);
    uint8_t *padded = memory_zalloc(chunk->bytes + GORILLA_SLACK_BYTES);
    struct writer encoded = {0};

    memcpy(padded, bytes + chunk->offset, chunk->bytes);
    cr_assert(count > 0 && gorilla_decode(padded, chunk->bytes, times, values));
    cr_assert(chunk->min_ms == times[0] && chunk->max_ms == times[count - 1]);
    samples got = {.count = count, .times_ms = times, .values = values};
    gorilla_encode(times, (const uint64_t *)(const void *)values, count, &encoded);
    cr_assert(encoded.count == chunk->bytes && memcmp(encoded.data, padded, chunk->bytes) == 0);
    expect_decoded(&got, 0, count, expected, at);
    writer_release(&encoded);
    free(padded);
    free(values);
    free(times);
}

size_t fixture_check_chunks(const struct selection *selection, uint32_t row, size_t *decoded)
{
    struct column_buffer plain = {0}, buffer = {0};
    struct row_chunks got;
    samples expected;
    size_t first = 0, at = 0;

    cr_assert(selection_read(selection, row, &plain, &expected), "%s", plain.error.text);
    cr_assert(selection_read_chunks(selection, row, &buffer, &got), "%s", buffer.error.text);
    for (size_t i = 0; i < got.chunk_count; i++) {
        expect_decoded(&got.decoded, first, got.chunks[i].at, &expected, &at);
        expect_chunk(&got.chunks[i], got.bytes, &expected, &at);
        first = got.chunks[i].at;
    }
    expect_decoded(&got.decoded, first, got.decoded.count, &expected, &at);
    cr_assert(at == expected.count, "%zu samples are missing", expected.count - at);
    *decoded = got.decoded.count;
    column_buffer_release(&plain);
    column_buffer_release(&buffer);
    return got.chunk_count;
}
