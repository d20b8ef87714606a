/* The server's own metrics as JSON; see api_self_metrics.h.
 *
 *     [{"name":"x","help":"…","type":"COUNTER","metric":[{"label":[{"name":"a","value":"b"}],"counter":{"value":1}}]}]
 *
 * Whole numbers of 64 bits are texts, as protobuf's JSON has them.
 */
#include "http/api_self_metrics.h"

#include "http/json.h"
#include "http/pages.h"
#include "storage/base/metric.h"
#include "tsdb/regex.h"

static bool is_histogram(const struct metric *metric)
{
    return metric->kind == METRIC_KIND_SECONDS || metric->kind == METRIC_KIND_BYTES;
}

/* Labels are written as `name="value",name="value"`, without escapes. */
static void put_labels(struct writer *w, const char *text)
{
    str rest = str_from(text);

    json_put_raw(w, "\"label\":[");
    for (bool first = true; rest.len; first = false) {
        str name = str_cut(&rest, '=');
        str_cut(&rest, '"');
        str value = str_cut(&rest, '"');
        str_cut(&rest, ',');
        if (!first) writer_u8(w, ',');
        json_put_raw(w, "{\"name\":");
        json_put_string(w, name);
        json_put_raw(w, ",\"value\":");
        json_put_string(w, value);
        writer_u8(w, '}');
    }
    json_put_raw(w, "],");
}

static void put_count(struct writer *w, uint64_t count)
{
    writer_u8(w, '"');
    json_put_unsigned(w, count);
    writer_u8(w, '"');
}

static void put_histogram(struct writer *w, const struct metric *metric)
{
    const double *bounds;
    size_t count = metric_bounds(metric->kind, &bounds);
    double unit = metric->kind == METRIC_KIND_SECONDS ? 1e9 : 1;
    uint64_t observed = 0;

    json_put_raw(w, "\"histogram\":{\"bucket\":[");
    for (size_t i = 0; i < count; i++) {
        observed += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        if (i) writer_u8(w, ',');
        json_put_raw(w, "{\"cumulativeCount\":");
        put_count(w, observed);
        json_put_raw(w, ",\"upperBound\":");
        json_put_seconds(w, bounds[i]);
        writer_u8(w, '}');
    }
    observed += atomic_load_explicit(&metric->buckets[count], memory_order_relaxed);
    json_put_raw(w, "],\"sampleCount\":");
    put_count(w, observed);
    json_put_raw(w, ",\"sampleSum\":");
    json_put_seconds(w, (double)metric_get(metric) / unit);
    writer_u8(w, '}');
}

static void put_metric(struct writer *w, const struct metric *metric)
{
    writer_u8(w, '{');
    put_labels(w, metric->labels);
    if (is_histogram(metric)) {
        put_histogram(w, metric);
    } else {
        str kind = metric->kind == METRIC_KIND_COUNTER ? STR("counter") : STR("gauge");
        json_put_string(w, kind);
        json_put_raw(w, ":{\"value\":");
        json_put_signed(w, metric_get(metric));
        writer_u8(w, '}');
    }
    writer_u8(w, '}');
}

static void open_family(struct writer *w, const struct metric *metric)
{
    json_put_raw(w, "{\"name\":");
    json_put_string(w, str_from(metric->name));
    json_put_raw(w, ",\"help\":");
    json_put_string(w, str_from(metric->help));
    json_put_raw(w, ",\"type\":");
    json_put_string(w, is_histogram(metric)                  ? STR("HISTOGRAM")
                       : metric->kind == METRIC_KIND_COUNTER ? STR("COUNTER")
                                                             : STR("GAUGE"));
    json_put_raw(w, ",\"metric\":[");
}

/* The families of a list that the pattern names; rows of one name follow each other. */
static void put_list(struct response *response, const struct metric_list *list, const struct regex *pattern, bool *any)
{
    const struct metric *before = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct metric *metric = list->metrics[i];
        struct writer *w = response_writer(response);
        if (pattern && !regex_matches(pattern, str_from(metric->name))) continue;
        bool is_new = !before || strcmp(before->name, metric->name) != 0;
        if (is_new && before) json_put_raw(w, "]}");
        if (is_new && *any) writer_u8(w, ',');
        if (is_new) open_family(w, metric);
        if (!is_new) writer_u8(w, ',');
        put_metric(w, metric);
        before = metric;
        *any = true;
    }
    if (before) json_put_raw(response_writer(response), "]}");
}

status api_self_metrics(struct request *request, struct response *response)
{
    str text = request_parameter(request, STR("metric_name_pattern"));
    struct regex *pattern = NULL;
    bool any = false;
    size_t count;
    const struct metric_list *const *lists = pages_metric_lists(&count);

    if (text.len) {
        status s = regex_compile(text, &pattern);
        if (failed(s)) return request_bad_parameter("metric_name_pattern", "%s", s.text);
    }
    json_put_raw(response_open_data(response), "[");
    for (size_t i = 0; i < count; i++) put_list(response, lists[i], pattern, &any);
    json_put_raw(response_writer(response), "]");
    response_close_data(response, NULL, 0, NULL, 0);
    if (pattern) regex_free(pattern);
    return ok();
}
