/* Search for names and values; see api_search.h. */
#include "http/api_search.h"

#include "http/api_metadata.h"
#include "http/json.h"
#include "http/look_up.h"
#include "http/search_score.h"
#include "http/services.h"
#include "storage/base/clock.h"
#include "storage/base/number.h"
#include "storage/base/vec.h"
#include "tsdb/db.h"

#include <stdlib.h>

enum { TERMS_MAX = 32, LIMIT = 100, BATCH = 100, WINDOW_MS = 3600 * 1000, LOOK_EVERY = 1024 };

enum order { ORDER_RISING, ORDER_FALLING, ORDER_SCORE };

struct hit {
    str text;
    double score;
};

struct search {
    struct look_up look;
    struct search_terms terms;
    enum order order;
    bool has_score, has_metadata;
    uint64_t limit, batch;
    const char *key; /* of a hit's text */
    vec(struct hit) hits;
};

static status read_bool(struct request *request, const char *name, bool *out)
{
    static const char *const words[2][6] = {{"0", "f", "F", "false", "False", "FALSE"},
                                            {"1", "t", "T", "true", "True", "TRUE"}};
    str text = request_parameter(request, str_from(name));

    if (text.len == 0) return ok();
    for (int value = 0; value < 2; value++) {
        for (int i = 0; i < 6; i++) {
            if (!str_equal(text, str_from(words[value][i]))) continue;
            *out = value;
            return ok();
        }
    }
    return status_make(STATUS_INVALID, "invalid %s %.*s: must be boolean", name, STR_ARG(request_quote(request, text)));
}

static status read_positive(struct request *request, const char *name, uint64_t *out)
{
    str text = request_parameter(request, str_from(name));
    uint64_t number;

    if (text.len == 0) return ok();
    if (!str_to_uint64(text, &number) || number == 0 || number > INT32_MAX)
        return status_make(STATUS_INVALID, "invalid %s %.*s: must be a positive integer", name,
                           STR_ARG(request_quote(request, text)));
    *out = number;
    return ok();
}

static status read_terms(struct request *request, struct search_terms *terms)
{
    str *texts, threshold = request_parameter(request, STR("fuzz_threshold"));
    str algorithm = request_parameter(request, STR("fuzz_alg"));
    size_t count = form_all(request_form(request), STR("search[]"), &texts, &request->arena);
    bool is_case_sensitive = true;
    uint64_t percent = 0;

    if (count > TERMS_MAX)
        return status_make(STATUS_INVALID, "too many search[] terms: got %zu, maximum is %d", count, TERMS_MAX);
    if (threshold.len && (!str_to_uint64(threshold, &percent) || percent > 100))
        return status_make(STATUS_INVALID, "invalid fuzz_threshold %.*s: must be 0-100",
                           STR_ARG(request_quote(request, threshold)));
    if (str_equal(algorithm, STR("jarowinkler"))) {
        terms->algorithm = SEARCH_JARO_WINKLER;
    } else if (algorithm.len && !str_equal(algorithm, STR("subsequence"))) {
        return status_make(STATUS_INVALID, "unsupported fuzz_alg %.*s: must be one of [subsequence jarowinkler]",
                           STR_ARG(request_quote(request, algorithm)));
    }
    TRY(read_bool(request, "case_sensitive", &is_case_sensitive));
    str *kept = arena_array(&request->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        if (texts[i].len == 0) continue;
        char *text = arena_alloc(&request->arena, texts[i].len);
        for (size_t k = 0; k < texts[i].len; k++) {
            char c = texts[i].data[k];
            text[k] = !is_case_sensitive && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        kept[terms->count++] = str_make(text, texts[i].len);
    }
    terms->terms = kept;
    terms->threshold = (double)percent / 100;
    terms->folds_case = !is_case_sensitive;
    return ok();
}

static status read_order(struct request *request, struct search *search)
{
    str by = request_parameter(request, STR("sort_by")), way = request_parameter(request, STR("sort_dir"));
    bool is_score = str_equal(by, STR("score")), is_falling = str_equal(way, STR("dsc"));

    if (way.len && by.len == 0) return status_make(STATUS_INVALID, "sort_dir is only valid when sort_by is set");
    if (way.len && is_score) return status_make(STATUS_INVALID, "sort_dir is not supported for sort_by=score");
    if (way.len && !is_falling && !str_equal(way, STR("asc")))
        return status_make(STATUS_INVALID, "invalid sort_dir %.*s: must be \"asc\" or \"dsc\"",
                           STR_ARG(request_quote(request, way)));
    if (is_score && search->terms.count == 0)
        return status_make(STATUS_INVALID, "sort_by=score requires search[] to be set");
    if (by.len && !is_score && !str_equal(by, STR("alpha")))
        return status_make(STATUS_INVALID, "invalid sort_by %.*s: must be \"alpha\" or \"score\"",
                           STR_ARG(request_quote(request, by)));
    search->order = is_score ? ORDER_SCORE : is_falling ? ORDER_FALLING : ORDER_RISING;
    return ok();
}

static status read_search(struct request *request, struct search *search)
{
    str error = request_form(request)->error;
    int64_t now_ms = clock_now_ms();

    if (error.len) return status_make(STATUS_INVALID, "error parsing form values: %.*s", STR_ARG(error));
    look_up_init(&search->look, request);
    search->look.start_ms = now_ms - WINDOW_MS;
    search->look.end_ms = now_ms;
    search->limit = LIMIT;
    search->batch = BATCH;
    TRY(look_up_window(&search->look));
    if (search->look.end_ms < search->look.start_ms)
        return status_make(STATUS_INVALID, "end timestamp must not be before start timestamp");
    TRY(request_matchers(request, &search->look.sets, &search->look.set_count));
    TRY(read_terms(request, &search->terms));
    TRY(read_bool(request, "include_score", &search->has_score));
    TRY(read_order(request, search));
    TRY(read_positive(request, "limit", &search->limit));
    return read_positive(request, "batch_size", &search->batch);
}

static int compare_scores(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return str_compare(x->text, y->text);
}

/* Those of sorted texts that fit, in the order asked for; of rising and falling ones just as many as are told. */
static status collect(struct search *search, const str *texts, size_t count)
{
    struct arena scratch;
    status s = ok();

    arena_init(&scratch, NULL);
    for (size_t i = 0; i < count && !failed(s); i++) {
        struct hit hit = {.text = texts[search->order == ORDER_FALLING ? count - 1 - i : i]};
        if (i % LOOK_EVERY == 0) s = look_up_check(&search->look);
        if (!search_accepts(&search->terms, hit.text, &scratch, &hit.score)) continue;
        if (search->order != ORDER_SCORE && search->hits.count > search->limit) break;
        vec_push(&search->hits, hit);
    }
    arena_release(&scratch);
    if (search->order == ORDER_SCORE && search->hits.count)
        qsort(search->hits.data, search->hits.count, sizeof *search->hits.data, compare_scores);
    return s;
}

static void put_metadata(void *context, const struct append_metadata *entry)
{
    struct writer *w = context;

    json_put_raw(w, ",\"type\":");
    json_put_string(w, metadata_type_name(entry->type));
    if (entry->help.len) {
        json_put_raw(w, ",\"help\":");
        json_put_string(w, entry->help);
    }
    if (entry->unit.len) {
        json_put_raw(w, ",\"unit\":");
        json_put_string(w, entry->unit);
    }
}

static void put_hit(const struct search *search, struct writer *w, const struct hit *hit)
{
    writer_bytes(w, search->key, strlen(search->key));
    json_put_string(w, hit->text);
    if (search->has_score) {
        json_put_raw(w, ",\"score\":");
        w->count += number_format(hit->score, NUMBER_JSON, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
    }
    if (search->has_metadata) db_metadata(search->look.request->services->db, hit->text, put_metadata, w);
    writer_u8(w, '}');
}

static void put_lines(const struct search *search, struct response *response)
{
    size_t count = search->hits.count < search->limit ? search->hits.count : (size_t)search->limit, at = 0;

    response_text(response, 200, "application/x-ndjson; charset=utf-8", STR(""));
    do {
        json_put_raw(response_writer(response), "{\"results\":[");
        for (size_t i = 0; i < search->batch && at < count; i++, at++) {
            struct writer *w = response_writer(response);
            if (i) writer_u8(w, ',');
            put_hit(search, w, &search->hits.data[at]);
        }
        json_put_raw(response_writer(response), "]}\n");
    } while (at < count);
    if (search->hits.count > count) {
        json_put_raw(response_writer(response), "{\"status\":\"success\",\"has_more\":true}\n");
    } else {
        json_put_raw(response_writer(response), "{\"status\":\"success\",\"has_more\":false}\n");
    }
}

/* Searches the names of labels, or the values of one. */
static status run(struct search *search, str label_name, struct response *response)
{
    bool truncated;
    size_t count;
    str *texts;

    look_up_take_snapshot(&search->look);
    status s = look_up_list(&search->look, label_name, &texts, &count, &truncated);
    if (!failed(s)) s = collect(search, texts, count);
    if (!failed(s)) put_lines(search, response);
    vec_release(&search->hits);
    snapshot_release(search->look.snapshot);
    return s;
}

status api_search_metric_names(struct request *request, struct response *response)
{
    struct search search = {.key = "{\"name\":"};

    TRY(read_search(request, &search));
    TRY(read_bool(request, "include_metadata", &search.has_metadata));
    return run(&search, METRIC_NAME, response);
}

status api_search_label_names(struct request *request, struct response *response)
{
    struct search search = {.key = "{\"name\":"};

    TRY(read_search(request, &search));
    return run(&search, STR(""), response);
}

status api_search_label_values(struct request *request, struct response *response)
{
    str name = request_parameter(request, STR("label"));
    struct search search = {.key = "{\"value\":"};

    TRY(read_search(request, &search));
    if (name.len == 0) return status_make(STATUS_INVALID, "missing required parameter \"label\"");
    return run(&search, name, response);
}
