/* /api/v1/query_exemplars; see api_exemplars.h.
 *
 * All selectors of the expression count, whatever stands around them; the times are the request's alone.
 */
#include "http/api_exemplars.h"

#include "http/json.h"
#include "http/services.h"
#include "http/times.h"
#include "query/parse.h"
#include "storage/base/number.h"
#include "tsdb/exemplars.h"
#include "tsdb/snapshot.h"

struct selectors {
    struct matcher_set *sets;
    size_t count;
};

static bool count_selector(void *context, const struct node *node)
{
    struct selectors *selectors = context;

    selectors->count += node->kind == NODE_SELECTOR;
    return true;
}

static bool add_selector(void *context, const struct node *node)
{
    struct selectors *selectors = context;

    if (node->kind == NODE_SELECTOR)
        selectors->sets[selectors->count++] =
            (struct matcher_set){node->selector.matchers, node->selector.matcher_count};
    return true;
}

static bool is_wanted(void *context, labels series)
{
    const struct selectors *selectors = context;

    for (size_t i = 0; i < selectors->count; i++) {
        const struct matcher_set *set = &selectors->sets[i];
        size_t j = 0;
        while (j < set->count && matcher_matches(&set->matchers[j], labels_get(series, set->matchers[j].name))) j++;
        if (j == set->count) return true;
    }
    return false;
}

static void put_pair(struct writer *w, bool first, const label *pair)
{
    if (!first) writer_u8(w, ',');
    json_put_string(w, pair->name);
    writer_u8(w, ':');
    json_put_string(w, pair->value);
}

static void put_exemplar(struct writer *w, const struct exemplar *exemplar)
{
    char text[NUMBER_TEXT_MAX];
    str rest = exemplar->labels;
    label pair;

    json_put_raw(w, "{\"labels\":{");
    for (bool first = true; labels_next(&rest, &pair); first = false) put_pair(w, first, &pair);
    json_put_raw(w, "},\"value\":");
    json_put_string(w, str_make(text, number_format(exemplar->value, NUMBER_JSON, text)));
    json_put_raw(w, ",\"timestamp\":");
    json_put_seconds(w, (double)exemplar->time_ms / 1000);
    writer_u8(w, '}');
}

static void put_series(struct writer *w, const struct exemplar_series *series)
{
    json_put_raw(w, "{\"seriesLabels\":{");
    for (size_t i = 0; i < series->pair_count; i++) put_pair(w, i == 0, &series->pairs[i]);
    json_put_raw(w, "},\"exemplars\":[");
    for (size_t i = 0; i < series->count; i++) {
        if (i) writer_u8(w, ',');
        put_exemplar(w, &series->exemplars[i]);
    }
    json_put_raw(w, "]}");
}

static status answer(struct request *request, struct selectors *selectors, int64_t start_ms, int64_t end_ms,
                     struct response *response)
{
    const struct services *services = request->services;
    uint64_t bytes_max = engine_get_options(services->engine)->query_bytes_max;
    exemplar_list found = {0};
    str warnings[SNAPSHOT_WARNINGS_MAX];
    struct account account;

    account_init(&account, bytes_max, NULL);
    struct snapshot *snapshot = db_snapshot(services->db, &account);
    snapshot_tolerate_damage(snapshot);
    status s = snapshot_exemplars(snapshot, start_ms, end_ms, is_wanted, selectors, &found);
    if (!failed(s) && account_over(&account))
        s = status_make(STATUS_LIMIT, "the exemplars need more than the %llu bytes that --query.memory allows",
                        (unsigned long long)bytes_max);
    if (!failed(s)) {
        json_put_raw(response_open_data(response), "[");
        for (size_t i = 0; i < found.count; i++) {
            if (i) writer_u8(response_writer(response), ',');
            put_series(response_writer(response), &found.data[i]);
        }
        json_put_raw(response_writer(response), "]");
        response_close_data(response, warnings, snapshot_warnings(snapshot, warnings), NULL, 0);
    }
    vec_release(&found);
    snapshot_release(snapshot);
    return s;
}

status api_query_exemplars(struct request *request, struct response *response)
{
    int64_t start_ms = TIME_MIN_MS, end_ms = TIME_MAX_MS;
    struct selectors selectors = {0};
    struct parse_error error;

    TRY(request_time(request, "start", &start_ms));
    TRY(request_time(request, "end", &end_ms));
    if (end_ms < start_ms) return status_make(STATUS_INVALID, "end timestamp must not be before start timestamp");
    const struct node *node =
        parse_query(request_parameter(request, STR("query")), engine_get_options(request->services->engine)->features,
                    &request->arena, &error);
    if (!node) return status_make(STATUS_INVALID, "%.*s", STR_ARG(parse_error_text(&error, &request->arena)));
    ast_walk(node, count_selector, &selectors);
    if (selectors.count == 0) {
        response_nothing(response);
        return ok();
    }
    selectors.sets = arena_array(&request->arena, struct matcher_set, selectors.count);
    selectors.count = 0;
    ast_walk(node, add_selector, &selectors);
    return answer(request, &selectors, start_ms, end_ms, response);
}
