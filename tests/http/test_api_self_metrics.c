#include "http/api_self_metrics.h"
#include "http/metrics.h"
#include "tests/http/calls.h"
#include "tsdb/metrics.h"

#include <jansson.h>

static const struct call_case calls[] = {
    {"GET", "/api/v1/status/self_metrics?metric_name_pattern=varve_exemplar_bytes", 200,
     SUCCESS("[{\"name\":\"varve_exemplar_bytes\",\"help\":\"Memory of "
             "exemplars.\",\"type\":\"GAUGE\",\"metric\":[{\"label\":[],"
             "\"gauge\":{\"value\":7}}]}]")},
    {"GET", "/api/v1/status/self_metrics?metric_name_pattern=exemplar", 200, SUCCESS("[]")},
    {"GET", "/api/v1/status/self_metrics?metric_name_pattern=varve_ingest_exemplars_.*", 200,
     "{\"status\":\"success\",\"data\":[{\"name\":\"varve_ingest_exemplars_total\",\"help\":\"Exemplars "
     "received.\",\"type\":"
     "\"COUNTER\",\"metric\":[{\"label\":[{\"name\":\"outcome\",\"value\":\"kept\"}],\"counter\":{\"value\":..."},
    {"GET", "/api/v1/status/self_metrics?metric_name_pattern=(", 400,
     "{\"status\":\"error\",\"errorType\":\"bad_data\"..."},
};

Test(api_self_metrics, answers)
{
    struct site site;
    json_error_t error;

    site_open(&site);
    metric_set(&metric_exemplar_bytes, 7);
    CHECK_CALLS(&site, calls);
    struct reply reply = site_get(&site, "/api/v1/status/self_metrics");
    json_t *root = json_loadb(reply.body.data, reply.body.len, 0, &error);
    cr_assert(root, "%s", error.text);
    const json_t *families = json_object_get(root, "data");
    bool has_histogram = false;
    for (size_t i = 0; i < json_array_size(families); i++) {
        const json_t *family = json_array_get(families, i);
        const json_t *metric = json_array_get(json_object_get(family, "metric"), 0);
        cr_assert(metric);
        const json_t *histogram = json_object_get(metric, "histogram");
        if (histogram) has_histogram |= json_array_size(json_object_get(histogram, "bucket")) > 3;
    }
    cr_expect(has_histogram && json_array_size(families) > 30);
    json_decref(root);
    site_close(&site);
}
