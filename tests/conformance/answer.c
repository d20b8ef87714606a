/* Answers, and how they are compared; see answer.h. */
#include "tests/conformance/answer.h"

#include "query/histogram_value.h"
#include "storage/base/bytes.h"
#include "storage/chunk_rich.h"
#include "tsdb/regex.h"
#include "tsdb/samples.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-6

/* Writes series as lengths and bytes, to be read back by read_series. */
static void write_part(void *context, const struct result_part *part, struct writer *out)
{
    (void)context;
    for (size_t i = 0; i < part->series_count; i++) {
        const struct result_series *series = &part->series[i];
        writer_varint(out, series->label_count);
        for (size_t l = 0; l < series->label_count; l++) {
            writer_str(out, query_label(part->query, series->labels[l].name));
            writer_str(out, query_label(part->query, series->labels[l].value));
        }
        writer_varint(out, series->point_count);
        for (size_t p = 0; p < series->point_count; p++) {
            writer_u64(out, (uint64_t)series->times_ms[p]);
            writer_u64(out, double_bits(series->values[p]));
            const struct histogram *h = series->histograms ? series->histograms[p] : NULL;
            writer_u8(out, h != NULL);
            if (h) rich_row_write(NULL, &(struct rich_sample){0, 0, h->sum, h}, out);
        }
    }
}

static void read_series(struct reader *r, struct answer_series *out, struct arena *arena)
{
    out->label_count = reader_varint(r);
    out->labels = arena_array(arena, label, out->label_count);
    for (size_t l = 0; l < out->label_count; l++) {
        out->labels[l].name = arena_copy_str(arena, reader_str(r));
        out->labels[l].value = arena_copy_str(arena, reader_str(r));
    }
    out->point_count = reader_varint(r);
    out->times_ms = arena_array(arena, int64_t, out->point_count);
    out->values = arena_array(arena, double, out->point_count);
    out->histograms = arena_array(arena, const struct histogram *, out->point_count);
    for (size_t p = 0; p < out->point_count; p++) {
        out->times_ms[p] = (int64_t)reader_u64(r);
        out->values[p] = double_from_bits(reader_u64(r));
        struct rich_sample sample = {0};
        if (reader_u8(r)) (void)rich_row_read(r, NULL, &sample, arena);
        out->histograms[p] = sample.histogram;
    }
}

void answer_make(struct engine *engine, const struct query_request *request, struct answer *out, struct arena *arena)
{
    struct query *query = query_prepare(engine, request);
    size_t at = 0;

    query_run(query, write_part, NULL);
    *out = (struct answer){.type = query_type(query)};
    if (query_error_kind(query) != QUERY_OK) out->error = arena_copy_str(arena, query_error(query));
    out->scalar = query_scalar(query);
    out->string = arena_copy_str(arena, query_string(query));
    out->series = arena_array(arena, struct answer_series, query_series_count(query));
    out->series_count = query_series_count(query);
    for (size_t i = 0; i < query_output_count(query); i++) {
        str bytes = query_output(query, i);
        struct reader r = reader_make(bytes.data, bytes.len);
        while (reader_left(&r)) read_series(&r, &out->series[at++], arena);
    }
    out->warning_count = query_warning_count(query);
    out->warnings = arena_array(arena, str, out->warning_count);
    for (size_t i = 0; i < out->warning_count; i++) out->warnings[i] = arena_copy_str(arena, query_warning(query, i));
    out->info_count = query_info_count(query);
    out->infos = arena_array(arena, str, out->info_count);
    for (size_t i = 0; i < out->info_count; i++) out->infos[i] = arena_copy_str(arena, query_info(query, i));
    query_free(query);
}

/* Numbers are compared with a tolerance; stale markers only equal each other. */
static bool almost_equal(double a, double b)
{
    double difference = fabs(a - b), sum = fabs(a) + fabs(b);

    if (is_stale(a) || is_stale(b)) return is_stale(a) && is_stale(b);
    if (isnan(a) && isnan(b)) return true;
    if (a == b) return true;
    if (a == 0 || b == 0 || sum < DBL_MIN) return difference < TOLERANCE * DBL_MIN;
    return difference / fmin(sum, DBL_MAX) < TOLERANCE;
}

static bool text_matches(const struct expectation *expectation, str text)
{
    struct regex *regex;

    switch (expectation->match) {
    case MATCH_ANYTHING: return true;
    case MATCH_TEXT: return str_equal(text, expectation->text);
    default:
        if (failed(regex_compile_unanchored(expectation->text, &regex))) return false;
        bool matches = regex_matches(regex, text);
        regex_free(regex);
        return matches;
    }
}

/* Each expectation must meet an annotation, and each annotation an expectation; without any, none is looked at. */
static bool check_annotations(const struct eval *eval, int kind, const str *lines, size_t count, str *why)
{
    for (size_t e = 0; e < eval->expectation_count; e++) {
        bool is_met = false;
        if ((int)eval->expectations[e].kind != kind) continue;
        for (size_t i = 0; i < count; i++) is_met |= text_matches(&eval->expectations[e], lines[i]);
        if (!is_met) {
            *why = STR("an annotation is missing");
            return false;
        }
    }
    for (size_t i = 0; i < count && eval_expects(eval, kind); i++) {
        bool is_expected = false;
        for (size_t e = 0; e < eval->expectation_count; e++)
            is_expected |= (int)eval->expectations[e].kind == kind && text_matches(&eval->expectations[e], lines[i]);
        if (!is_expected) {
            *why = lines[i];
            return false;
        }
    }
    return true;
}

static bool annotations_match(const struct answer *answer, const struct eval *eval, str *why)
{
    if (eval_expects(eval, EXPECT_NO_WARN) && answer->warning_count) {
        *why = answer->warnings[0];
        return false;
    }
    if (eval_expects(eval, EXPECT_NO_INFO) && answer->info_count) {
        *why = answer->infos[0];
        return false;
    }
    return check_annotations(eval, EXPECT_WARN, answer->warnings, answer->warning_count, why) &&
           check_annotations(eval, EXPECT_INFO, answer->infos, answer->info_count, why);
}

static bool same_labels(const struct answer_series *got, const struct series *expected)
{
    return labels_compare(got->labels, got->label_count, expected->labels, expected->label_count) == 0;
}

static const struct series *find_expected(const struct eval *eval, const struct answer_series *got, size_t *index)
{
    for (*index = 0; *index < eval->series_count; ++*index) {
        if (same_labels(got, &eval->series[*index])) return &eval->series[*index];
    }
    return NULL;
}

static bool fail_series(const struct answer_series *series, const char *what, str *why, struct arena *arena)
{
    str text = labels_print(series->labels, series->label_count, arena);

    *why = arena_format(arena, "%s: %.*s", what, STR_ARG(text));
    return false;
}

static bool fail_value(const struct answer_series *series, int64_t time, double got, double expected, str *why,
                       struct arena *arena)
{
    str text = labels_print(series->labels, series->label_count, arena);

    *why = arena_format(arena, "%.*s at %lld is %.17g, expected %.17g", STR_ARG(text), (long long)time, got, expected);
    return false;
}

static bool same_buckets(const struct bucket_list *a, const struct bucket_list *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->indexes[i] != b->indexes[i] || !almost_equal(a->counts[i], b->counts[i])) return false;
    }
    return true;
}

/* Empty buckets count for nothing, and a hint only if one was written. */
static bool same_histogram(const struct histogram *a, const struct item *item, struct arena *arena)
{
    const struct histogram *b = histogram_compact(item->histogram, arena);

    a = histogram_compact(a, arena);
    return a->schema == b->schema && almost_equal(a->count, b->count) && almost_equal(a->sum, b->sum) &&
           almost_equal(a->zero_count, b->zero_count) && a->zero_threshold == b->zero_threshold &&
           histogram_same_bounds(a, b) && same_buckets(&a->positive, &b->positive) &&
           same_buckets(&a->negative, &b->negative) && (!item->has_hint || a->hint == b->hint);
}

static bool point_matches(const struct answer_series *got, size_t at, const struct item *item, str *why,
                          struct arena *arena)
{
    const struct histogram *h = got->histograms[at];

    if (!h != (item->kind != ITEM_HISTOGRAM))
        return fail_series(got, h ? "a float was expected" : "a histogram was expected", why, arena);
    if (!h) {
        if (almost_equal(got->values[at], item->value)) return true;
        return fail_value(got, got->times_ms[at], got->values[at], item->value, why, arena);
    }
    if (same_histogram(h, item, arena)) return true;
    str text = labels_print(got->labels, got->label_count, arena);
    str a = histogram_text(h, arena), b = histogram_text(item->histogram, arena);
    *why = arena_format(arena, "%.*s at %lld is %.*s schema %d hint %d, expected %.*s schema %d hint %d", STR_ARG(text),
                        (long long)got->times_ms[at], STR_ARG(a), h->schema, h->hint, STR_ARG(b),
                        item->histogram->schema, item->histogram->hint);
    return false;
}

/* Points of one series against items on a grid of times. */
static bool points_match(const struct answer_series *got, const struct series *expected, int64_t start_ms,
                         int64_t step_ms, str *why, struct arena *arena)
{
    size_t at = 0;

    for (size_t i = 0; i < expected->item_count; i++) {
        int64_t time = start_ms + (int64_t)i * step_ms;
        if (expected->items[i].kind == ITEM_OMITTED) continue;
        if (at == got->point_count || got->times_ms[at] != time)
            return fail_series(got, "a point is missing", why, arena);
        if (!point_matches(got, at, &expected->items[i], why, arena)) return false;
        at++;
    }
    return at == got->point_count || fail_series(got, "there are more points than expected", why, arena);
}

static bool is_sorted(const struct answer *answer)
{
    for (size_t i = 1; i < answer->series_count; i++) {
        const struct answer_series *a = &answer->series[i - 1], *b = &answer->series[i];
        if (labels_compare(a->labels, a->label_count, b->labels, b->label_count) >= 0) return false;
    }
    return true;
}

static bool none_missing(const struct answer *answer, const struct eval *eval, str *why, struct arena *arena)
{
    for (size_t e = 0; e < eval->series_count; e++) {
        bool is_found = false, has_items = false;
        for (size_t i = 0; i < eval->series[e].item_count; i++)
            has_items |= eval->series[e].items[i].kind != ITEM_OMITTED;
        for (size_t i = 0; i < answer->series_count && !is_found; i++)
            is_found = same_labels(&answer->series[i], &eval->series[e]);
        if (is_found || !has_items) continue;
        str text = labels_print(eval->series[e].labels, eval->series[e].label_count, arena);
        *why = arena_format(arena, "missing: %.*s", STR_ARG(text));
        return false;
    }
    return true;
}

static bool matrix_matches(const struct answer *answer, const struct eval *eval, int64_t start_ms, int64_t step_ms,
                           str *why, struct arena *arena)
{
    size_t index;

    if (!is_sorted(answer)) {
        *why = STR("the matrix is not sorted");
        return false;
    }
    for (size_t i = 0; i < answer->series_count; i++) {
        const struct series *expected = find_expected(eval, &answer->series[i], &index);
        if (!expected) return fail_series(&answer->series[i], "unexpected", why, arena);
        if (!points_match(&answer->series[i], expected, start_ms, step_ms, why, arena)) return false;
    }
    return none_missing(answer, eval, why, arena);
}

static bool vector_matches(const struct answer *answer, const struct eval *eval, bool is_ordered, str *why,
                           struct arena *arena)
{
    size_t index;

    for (size_t i = 0; i < answer->series_count; i++) {
        const struct answer_series *got = &answer->series[i];
        const struct series *expected = find_expected(eval, got, &index);
        if (!expected) return fail_series(got, "unexpected", why, arena);
        if (is_ordered && index != i) return fail_series(got, "not in its place", why, arena);
        for (size_t other = 0; other < i; other++) {
            if (same_labels(&answer->series[other], expected)) return fail_series(got, "twice", why, arena);
        }
        if (expected->item_count == 0 || expected->items[0].kind == ITEM_OMITTED)
            return fail_series(got, "unexpected", why, arena);
        if (!point_matches(got, 0, &expected->items[0], why, arena)) return false;
    }
    return none_missing(answer, eval, why, arena);
}

static bool scalar_matches(double got, const struct eval *eval, str *why, struct arena *arena)
{
    if (eval->expects_scalar && almost_equal(got, eval->scalar)) return true;
    *why = arena_format(arena, "the scalar is %.17g", got);
    return false;
}

bool answer_matches(const struct answer *answer, const struct eval *eval, str *why, struct arena *arena)
{
    if (eval_expects(eval, EXPECT_FAIL)) {
        *why = STR("it did not fail");
        for (size_t e = 0; e < eval->expectation_count && answer->error.len; e++) {
            if (eval->expectations[e].kind != EXPECT_FAIL || text_matches(&eval->expectations[e], answer->error))
                continue;
            *why = answer->error;
            return false;
        }
        return answer->error.len > 0;
    }
    if (answer->error.len) {
        *why = answer->error;
        return false;
    }
    if (!annotations_match(answer, eval, why)) return false;
    if (eval->expects_range_vector)
        return matrix_matches(answer, eval, eval->range_start_ms, eval->range_step_ms, why, arena);
    switch (answer->type) {
    case VALUE_MATRIX: return matrix_matches(answer, eval, eval->start_ms, eval->step_ms, why, arena);
    case VALUE_VECTOR: return vector_matches(answer, eval, eval_expects(eval, EXPECT_ORDERED), why, arena);
    case VALUE_SCALAR: return scalar_matches(answer->scalar, eval, why, arena);
    default: *why = answer->string; return str_equal(answer->string, eval->string);
    }
}

bool answer_matches_at(const struct answer *answer, const struct eval *eval, int64_t at_ms, str *why,
                       struct arena *arena)
{
    struct answer vector = {.type = VALUE_VECTOR};

    if (answer->error.len) {
        *why = answer->error;
        return false;
    }
    if (!is_sorted(answer)) {
        *why = STR("the matrix is not sorted");
        return false;
    }
    vector.series = arena_array(arena, struct answer_series, answer->series_count);
    for (size_t i = 0; i < answer->series_count; i++) {
        struct answer_series series = answer->series[i];
        for (size_t p = 0; p < series.point_count; p++) {
            if (series.times_ms[p] != at_ms) continue;
            series.times_ms += p;
            series.values += p;
            series.histograms += p;
            series.point_count = 1;
            vector.series[vector.series_count++] = series;
            break;
        }
    }
    if (!eval->expects_scalar) return vector_matches(&vector, eval, false, why, arena);
    return vector.series_count == 1 && scalar_matches(vector.series[0].values[0], eval, why, arena);
}
