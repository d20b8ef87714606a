/* What Grafana's Prometheus data source asks, in its order and form: save and test, dashboards, Explore, the label
 * browser, variables, exemplars, annotations. The shapes are those that its readers need. */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <jansson.h>
#include <stdio.h>

#define FORM "Content-Type: application/x-www-form-urlencoded"

/* The answer holds these pieces, in this order. START and END stand for times in whole seconds. */
static const struct {
    const char *what, *method, *path, *form;
    int code;
    const char *pieces[4];
} steps[] = {
    {"save and test",
     "POST",
     "query",
     "query=1%2B1&time=4",
     200,
     {"{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[4,\"2\"]"}},
    {"save and test", "GET", "status/buildinfo", NULL, 200, {"\"version\":\"3."}},
    {"panel",
     "POST",
     "query_range",
     "query=rate(requests_total[1m])&start=START.123&end=END.5&step=15",
     200,
     {"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{", "\"values\":[[",
      "\"]]}]}}"}},
    {"panel by GET",
     "GET",
     "query_range?query=requests_total&start=START&end=END&step=60&timeout=30s",
     NULL,
     200,
     {"\"resultType\":\"matrix\"", "\"values\":[["}},
    {"table",
     "POST",
     "query",
     "query=sum(requests_total)&time=END.250",
     200,
     {"\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":["}},
    {"names in quotes", "POST", "query", "query={\"dotted.name\",\"a.b\"%3D\"x\"}&time=END", 200, {"\"a.b\":\"x\""}},
    {"bad expression",
     "POST",
     "query_range",
     "query=rate(&start=START&end=END&step=15",
     400,
     {"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter \\\"query\\\": 1:6: parse "
      "error: "}},
    {"metric names",
     "GET",
     "label/__name__/values?start=START&end=END&limit=40000",
     NULL,
     200,
     {"\"dotted.name\",\"requests_total\""}},
    {"metric names while typing",
     "GET",
     "label/__name__/values?start=START&end=END&match[]={__name__=~\".*req.*\"}",
     NULL,
     200,
     {"{\"status\":\"success\",\"data\":[\"requests_total\"]}"}},
    {"label names",
     "POST",
     "labels",
     "start=START&end=END&limit=40000&match[]=requests_total",
     200,
     {"{\"status\":\"success\",\"data\":[\"__name__\",\"instance\"]}"}},
    {"label values",
     "GET",
     "label/instance/values?start=START&end=END&limit=1&match[]=requests_total",
     NULL,
     200,
     {"\"data\":[\"0\"]", "\"warnings\":[\"results truncated due to limit\"]"}},
    {"escaped label", "GET", "label/U__a_2e_b/values?start=START&end=END", NULL, 200, {"\"data\":[\"x\"]"}},
    {"series",
     "POST",
     "series",
     "match[]={__name__!=\"\"}&start=START&end=END&limit=40000",
     200,
     {"\"data\":[{\"__name__\":\"dotted.name\""}},
    {"metadata",
     "GET",
     "metadata?limit=1000",
     NULL,
     200,
     {"\"requests_total\":[{\"type\":\"counter\",\"help\":\"All of them.\",\"unit\":\"\"}]"}},
    {"rules in the editor", "GET", "rules", NULL, 200, {"{\"status\":\"success\",\"data\":{\"groups\":[]}}"}},
    {"alerts", "GET", "alerts", NULL, 200, {"{\"alerts\":[]}"}},
    {"exemplar probe", "POST", "query_exemplars", "query=test&start=END000&end=END000", 200, {"\"data\":[]"}},
    {"exemplars",
     "POST",
     "query_exemplars",
     "query=rate(requests_total[1m])&start=START&end=END",
     200,
     {"\"seriesLabels\":{", "\"exemplars\":["}},
    {"query_result()", "POST", "query", "query=count(requests_total)&time=END", 200, {"\"value\":["}},
    {"annotations",
     "POST",
     "query_range",
     "query=changes(requests_total[1m])>0&start=START&end=END&step=60",
     200,
     {"\"resultType\":\"matrix\""}},
    {"label_names()", "POST", "labels", "start=START&end=END", 200, {"\"data\":[\"__name__\",\"a.b\",\"instance\"]"}},
    {"label_values(selector, label)",
     "GET",
     "label/instance/values?match[]=requests_total{instance=~\"1|2\"}&start=START&end=END",
     NULL,
     200,
     {"{\"status\":\"success\",\"data\":[\"1\",\"2\"]}"}},
    {"a variable that is a selector",
     "GET",
     "series?match[]=requests_total{instance=\"1\"}&start=START&end=END",
     NULL,
     200,
     {"{\"status\":\"success\",\"data\":[{\"__name__\":\"requests_total\",\"instance\":\"1\"}]}"}},
    {"metrics()",
     "GET",
     "label/__name__/values?limit=40000",
     NULL,
     200,
     {"{\"status\":\"success\",\"data\":[\"dotted.name\",\"requests_total\"]}"}},
    {"help of one metric",
     "GET",
     "metadata?metric=requests_total&limit=1&limit_per_metric=1",
     NULL,
     200,
     {"{\"status\":\"success\",\"data\":{\"requests_total\":[{\"type\":\"counter\""}},
    {"an ad-hoc filter",
     "POST",
     "query_range",
     "query=sum by (instance) (rate(requests_total{instance!=\"0\"}[1m0s]))&start=START&end=END.000&step=15",
     200,
     {"\"resultType\":\"matrix\"", "{\"metric\":{\"instance\":\"1\"}", "{\"metric\":{\"instance\":\"2\"}"}},
    {"an alert's query without an answer",
     "POST",
     "query",
     "query=requests_total>1e9&time=END",
     200,
     {"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"}},
    {"a text", "POST", "query", "query=\"x\"&time=END", 200, {"\"resultType\":\"string\",\"result\":["}},
    {"a bad selector", "POST", "series", "match[]={&start=START&end=END", 400, {"\"errorType\":\"bad_data\""}},
    {"the same by GET", "GET", "series?match[]={&start=START&end=END", NULL, 400, {"\"errorType\":\"bad_data\""}},
    {"what only GET has", "POST", "label/instance/values", "start=START", 405, {"Method Not Allowed"}},
    {"rules of alerts", "GET", "rules?type=alert", NULL, 200, {"{\"status\":\"success\",\"data\":{\"groups\":[]}}"}},
    {"exemplars by GET",
     "GET",
     "query_exemplars?query=requests_total&start=START&end=END",
     NULL,
     200,
     {"\"seriesLabels\":{\"__name__\":\"requests_total\",\"instance\":\"0\"},\"exemplars\":[{\"labels\":{\"trace_id\":"
      "\"abc\"}",
      "\"value\":\"1\",\"timestamp\":"}},
};

static void put_exemplar(struct write_request *request)
{
    /* TimeSeries{ labels{ __name__=requests_total, instance=0 }, exemplars{ labels{ trace_id=abc }, value 1, time } }
     */
    struct writer series = {0}, exemplar = {0};
    const label pairs[] = {{METRIC_NAME, STR("requests_total")}, {STR("instance"), STR("0")}};
    const label trace[] = {{STR("trace_id"), STR("abc")}};

    labels_write(pairs, 2, &series);
    labels_write(trace, 1, &exemplar);
    writer_u8(&exemplar, 0x11);
    writer_u64(&exemplar, double_bits(1));
    writer_u8(&exemplar, 0x18);
    writer_varint(&exemplar, (uint64_t)(clock_now_ms() - 60000));
    writer_u8(&series, 0x1A);
    writer_str(&series, str_make((const char *)exemplar.data, exemplar.count));
    writer_u8(&request->message, 0x0A);
    writer_str(&request->message, str_make((const char *)series.data, series.count));
    writer_release(&series);
    writer_release(&exemplar);
}

static void load(struct http_client *client, const struct server *varve, int64_t end_ms)
{
    enum { POINTS = 40 };
    static struct write_sample points[POINTS];
    struct write_request request = {0};
    struct http_answer answer;

    for (int i = 0; i < POINTS; i++) points[i] = (struct write_sample){end_ms - (POINTS - 1 - i) * 15000LL, i};
    for (int i = 0; i < 3; i++) {
        char instance[16];
        snprintf(instance, sizeof instance, "%d", i);
        const label pairs[] = {{METRIC_NAME, STR("requests_total")}, {STR("instance"), str_from(instance)}};
        write_request_add(&request, pairs, 2, points, POINTS);
    }
    const label dotted[] = {{METRIC_NAME, STR("dotted.name")}, {STR("a.b"), STR("x")}};
    write_request_add(&request, dotted, 2, points, POINTS);
    write_request_add_metadata(&request, 1, STR("requests_total"), STR("All of them."), STR(""));
    put_exemplar(&request);
    must(remote_write_send(client, varve->write_url, write_request_compress(&request), &answer));
    cr_assert(answer.code == 204, "%d %.*s", answer.code, STR_ARG(answer.body));
    write_request_release(&request);
}

/* The text with START and END as times. */
static str fill_in(const char *text, int64_t end_ms, struct arena *arena)
{
    str rest = str_from(text ? text : ""), out = STR("");

    while (rest.len) {
        if (str_starts_with(rest, STR("START")) || str_starts_with(rest, STR("END"))) {
            bool is_start = rest.data[0] == 'S';
            out = arena_format(arena, "%.*s%lld", STR_ARG(out), (long long)(end_ms / 1000 - (is_start ? 540 : 0)));
            rest = str_part(rest, is_start ? 5 : 3, rest.len);
        } else {
            out = arena_format(arena, "%.*s%c", STR_ARG(out), rest.data[0]);
            rest = str_part(rest, 1, rest.len);
        }
    }
    return out;
}

static void check(const char *what, const struct http_answer *answer, int code, const char *const *pieces)
{
    str rest = answer->body;
    json_error_t error;

    cr_expect(answer->code == code, "%s: %d %.*s", what, answer->code, STR_ARG(answer->body));
    for (int i = 0; i < 4 && pieces[i]; i++) {
        const char *found = rest.len ? memmem(rest.data, rest.len, pieces[i], strlen(pieces[i])) : NULL;
        cr_expect(found, "%s: no %s in %.*s", what, pieces[i], STR_ARG(answer->body));
        if (found) rest = str_part(rest, (size_t)(found - rest.data), rest.len);
    }
    if (code == 405) return;
    json_t *root = json_loadb(answer->body.data, answer->body.len, 0, &error);
    cr_expect(root, "%s: %s", what, error.text);
    json_decref(root);
}

Test(grafana, its_requests, .timeout = 60)
{
    struct arena arena = {0};
    struct http_client *client = http_client_new();
    struct server varve;
    int64_t end_ms = clock_now_ms() / 1000 * 1000;

    must(server_varve(&arena, NULL, &varve));
    must(server_start(&varve, client));
    load(client, &varve, end_ms);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const char *const headers[] = {FORM, "X-Grafana-Org-Id: 1", NULL};
        str url = arena_format(&arena, "%s/api/v1/%.*s", varve.url, STR_ARG(fill_in(steps[i].path, end_ms, &arena)));
        struct http_answer answer;
        if (steps[i].form) {
            must(http_post(client, url.data, headers, fill_in(steps[i].form, end_ms, &arena), &answer));
        } else {
            str escaped = STR("");
            for (size_t j = 0; j < url.len; j++)
                escaped = strchr("{}[]\"", url.data[j])
                              ? arena_format(&arena, "%.*s%%%02X", STR_ARG(escaped), (unsigned)url.data[j])
                              : arena_format(&arena, "%.*s%c", STR_ARG(escaped), url.data[j]);
            must(http_get(client, escaped.data, &answer));
        }
        check(steps[i].what, &answer, steps[i].code, steps[i].pieces);
    }
    must(process_stop(&varve.process, SERVER_STOP_MS));
    arena_release(&arena);
    http_client_free(client);
}
