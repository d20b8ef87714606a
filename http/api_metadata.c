/* /api/v1/metadata; see api_metadata.h. */
#include "http/api_metadata.h"

#include "http/json.h"
#include "http/services.h"
#include "tsdb/db.h"

struct listing {
    struct response *response;
    int64_t left; /* metrics that may still be written; negative: all */
    bool any;
};

str metadata_type_name(enum metric_type type)
{
    static const str types[] = {
        [METRIC_UNKNOWN] = STR("unknown"),   [METRIC_COUNTER] = STR("counter"),
        [METRIC_GAUGE] = STR("gauge"),       [METRIC_HISTOGRAM] = STR("histogram"),
        [METRIC_SUMMARY] = STR("summary"),   [METRIC_GAUGE_HISTOGRAM] = STR("gaugehistogram"),
        [METRIC_STATESET] = STR("stateset"), [METRIC_INFO] = STR("info"),
    };

    return types[type];
}

static void write_entry(void *context, const struct append_metadata *entry)
{
    struct listing *listing = context;

    if (listing->left == 0) return;
    listing->left--;
    struct writer *w = response_writer(listing->response);
    if (listing->any) writer_u8(w, ',');
    listing->any = true;
    json_put_string(w, entry->metric);
    json_put_raw(w, ":[{\"type\":");
    json_put_string(w, metadata_type_name(entry->type));
    json_put_raw(w, ",\"help\":");
    json_put_string(w, entry->help);
    json_put_raw(w, ",\"unit\":");
    json_put_string(w, entry->unit);
    json_put_raw(w, "}]");
}

static status read_count(struct request *request, const char *name, int64_t *out)
{
    str text = request_parameter(request, str_from(name));

    *out = -1;
    return text.len == 0 || str_to_int64(text, out) ? ok() : status_make(STATUS_INVALID, "%s must be a number", name);
}

/* One entry is kept for each metric, so limit_per_metric is only checked. */
status api_metadata(struct request *request, struct response *response)
{
    int64_t per_metric;
    struct listing listing = {.response = response};

    TRY(read_count(request, "limit", &listing.left));
    TRY(read_count(request, "limit_per_metric", &per_metric));
    json_put_raw(response_open_data(response), "{");
    db_metadata(request->services->db, request_parameter(request, STR("metric")), write_entry, &listing);
    json_put_raw(response_writer(response), "}");
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}
