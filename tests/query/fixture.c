/* A small database for tests; see fixture.h. */
#include "tests/query/fixture.h"

#include "query/histogram_value.h"
#include "query/parse.h"
#include "storage/base/hash.h"
#include "storage/base/number.h"
#include "storage/fs_memory.h"
#include "tsdb/db.h"

#include <stdlib.h>
#include <string.h>

static void must(status s)
{
    cr_assert(!failed(s), "%s", s.text);
}

const char fixture_series[] = "a{x=\"1\"} 1 2 3 4 5 6\n"
                              "a{x=\"2\"} 10 _ 30 40 stale _ 70\n"
                              "b{x=\"1\"} 2 2 2 2 2 2\n"
                              "b{x=\"3\"} 7 7 7 7 7 7\n"
                              "c{x=\"1\",y=\"p\"} 1 1 1\n"
                              "c{x=\"1\",y=\"q\"} 5 5 5\n";

void fixture_open(struct fixture *fixture, uint32_t threads, unsigned features)
{
    struct db_options db_options = db_options_default();
    struct engine_options options = engine_options_default();

    fixture->fs = fs_memory_new();
    db_options.fs = fixture->fs;
    db_options.retention_ms = 0;
    db_options.reserve_bytes = 0;
    db_options.future_max_ms = 0;
    db_options.background = false;
    must(db_open(&db_options, &fixture->db));
    options.threads = threads;
    options.features = features;
    must(engine_open(fixture->db, &options, &fixture->engine));
    arena_init(&fixture->arena, NULL);
}

void fixture_engine(struct fixture *fixture, const struct engine_options *options)
{
    engine_close(fixture->engine);
    must(engine_open(fixture->db, options, &fixture->engine));
}

void fixture_close(struct fixture *fixture)
{
    engine_close(fixture->engine);
    db_abandon(fixture->db);
    fs_release(fixture->fs);
    arena_release(&fixture->arena);
}

static void append(struct fixture *fixture, const label *pairs, size_t count, const int64_t *times_ms,
                   const uint64_t *values, const struct histogram *const *histograms, size_t sample_count)
{
    struct append_series series = {.count = (uint32_t)sample_count};
    struct append_batch batch = {.series = &series,
                                 .series_count = 1,
                                 .times_ms = times_ms,
                                 .values = values,
                                 .histograms = histograms,
                                 .sample_count = sample_count};
    struct append_result result = {0};
    struct writer text = {0};

    labels_write(pairs, count, &text);
    series.labels = str_make((const char *)text.data, text.count);
    must(db_append_wait(fixture->db, &batch, &result));
    cr_assert(result.error[0] == 0, "%s", result.error);
    writer_release(&text);
}

static const label *parse_metric(struct fixture *fixture, str *text, size_t *count)
{
    struct parse_error error;
    const label *pairs;
    size_t used;

    cr_assert(parse_series(*text, &fixture->arena, &pairs, count, &used, &error), "%.*s", STR_ARG(*text));
    *text = str_part(*text, used, text->len);
    return pairs;
}

/* h1,2,3 */
static struct histogram *make_histogram(struct arena *arena, str word)
{
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    int32_t *indexes = arena_array(arena, int32_t, word.len);
    double *counts = arena_array(arena, double, word.len), *bounds = arena_array(arena, double, word.len);
    char kind = word.data[0];
    uint32_t count = 0;

    for (word = str_part(word, 1, word.len); word.len; count++) {
        cr_assert(str_to_double(str_cut(&word, ','), &counts[count]));
        indexes[count] = (int32_t)count;
        bounds[count] = count + 1;
        h->count += counts[count];
    }
    h->sum = h->count;
    h->positive = (struct bucket_list){count, indexes, counts};
    if (kind == 'g') h->hint = HISTOGRAM_GAUGE;
    if (kind != 'c') return h;
    h->schema = HISTOGRAM_SCHEMA_CUSTOM;
    h->bounds = bounds;
    h->bound_count = count - 1;
    return h;
}

static void load_line(struct fixture *fixture, int64_t step_ms, str line)
{
    size_t label_count, count = 0;
    const label *pairs = parse_metric(fixture, &line, &label_count);
    int64_t *times = arena_array(&fixture->arena, int64_t, line.len);
    uint64_t *values = arena_array(&fixture->arena, uint64_t, line.len);
    const struct histogram **histograms = arena_zarray(&fixture->arena, const struct histogram *, line.len);

    for (int64_t slot = 0; (line = str_trim(line)).len; slot++) {
        str word = str_cut(&line, ' ');
        double value = 0;
        if (str_equal(word, STR("_"))) continue;
        bool is_marker = str_equal(word, STR("stale"));
        if (word.len > 1 && strchr("hgc", word.data[0])) {
            histograms[count] = make_histogram(&fixture->arena, word);
            times[count++] = slot * step_ms;
            continue;
        }
        cr_assert(is_marker || str_to_double(word, &value), "%.*s", STR_ARG(word));
        times[count] = slot * step_ms;
        values[count++] = is_marker ? STALE_NAN_BITS : double_bits(value);
    }
    append(fixture, pairs, label_count, times, values, histograms, count);
}

void fixture_load(struct fixture *fixture, int64_t step_ms, const char *lines)
{
    str rest = str_from(lines);

    while (rest.len) {
        str line = str_trim(str_cut(&rest, '\n'));
        if (line.len) load_line(fixture, step_ms, line);
    }
}

void fixture_append(struct fixture *fixture, const char *metric, const int64_t *times_ms, const double *values,
                    size_t count)
{
    str text = str_from(metric);
    size_t label_count;
    const label *pairs = parse_metric(fixture, &text, &label_count);
    uint64_t *bits = memory_alloc(count * sizeof *bits);

    for (size_t i = 0; i < count; i++) bits[i] = double_bits(values[i]);
    append(fixture, pairs, label_count, times_ms, bits, NULL, count);
    free(bits);
}

static void write_number(struct writer *out, double value)
{
    uint8_t *at = writer_reserve(out, NUMBER_TEXT_MAX);
    out->count += number_format(value, NUMBER_SHORT, (char *)at);
}

static void write_text(struct writer *out, str text)
{
    writer_bytes(out, text.data, text.len);
}

static void write_part(void *context, const struct result_part *part, struct writer *out)
{
    struct arena arena;

    (void)context;
    arena_init(&arena, NULL);
    for (size_t i = 0; i < part->series_count; i++) {
        const struct result_series *series = &part->series[i];
        label *pairs = arena_array(&arena, label, series->label_count);
        for (size_t l = 0; l < series->label_count; l++)
            pairs[l] = (label){query_label(part->query, series->labels[l].name),
                               query_label(part->query, series->labels[l].value)};
        write_text(out, labels_print(pairs, series->label_count, &arena));
        for (size_t p = 0; p < series->point_count; p++) {
            writer_u8(out, ' ');
            const struct histogram *h = series->histograms ? series->histograms[p] : NULL;
            if (h) {
                write_text(out, histogram_text(h, &arena));
            } else {
                write_number(out, series->values[p]);
            }
            writer_u8(out, '@');
            write_number(out, (double)series->times_ms[p] / 1000);
        }
        writer_u8(out, '\n');
    }
    arena_release(&arena);
}

static void write_line(struct writer *out, const char *kind, str text)
{
    write_text(out, str_from(kind));
    writer_u8(out, ' ');
    write_text(out, text);
    writer_u8(out, '\n');
}

static void write_answer(const struct query *query, struct writer *out)
{
    for (size_t i = 0; i < query_output_count(query); i++) write_text(out, query_output(query, i));
    if (query_type(query) == VALUE_STRING) write_line(out, "string", query_string(query));
    if (query_type(query) == VALUE_SCALAR) {
        write_text(out, STR("scalar "));
        write_number(out, query_scalar(query));
        writer_u8(out, '\n');
    }
    for (size_t i = 0; i < query_warning_count(query); i++) write_line(out, "warning", query_warning(query, i));
    for (size_t i = 0; i < query_info_count(query); i++) write_line(out, "info", query_info(query, i));
}

str fixture_ask(struct fixture *fixture, const char *query, int64_t start_ms, int64_t end_ms, int64_t step_ms)
{
    struct query_request request = {
        .text = str_from(query), .is_range = step_ms > 0, .start_ms = start_ms, .end_ms = end_ms, .step_ms = step_ms};
    struct query *asked = query_prepare(fixture->engine, &request);
    struct writer out = {0};

    query_run(asked, write_part, NULL);
    if (query_error_kind(asked) != QUERY_OK) {
        write_line(&out, "error", query_error(asked));
    } else {
        write_answer(asked, &out);
    }
    query_free(asked);
    str text = arena_copy_str(&fixture->arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return text;
}

void fixture_check(struct fixture *fixture, const struct fixture_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str got = fixture_ask(fixture, cases[i].query, cases[i].start_ms, cases[i].end_ms, cases[i].step_ms);
        cr_expect(str_equal(got, str_from(cases[i].expected)), "%s:\n%.*sexpected:\n%s", cases[i].query, STR_ARG(got),
                  cases[i].expected);
    }
}

uint64_t random_next(struct random *random)
{
    return hash_mix(random->state++, 0x9E37);
}

double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}
