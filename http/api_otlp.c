/* OTLP over HTTP; see api_otlp.h. */
#include "http/api_otlp.h"

#include "http/api_write.h"
#include "http/inflate.h"
#include "http/otlp.h"
#include "http/otlp_json.h"
#include "http/services.h"
#include "query/query.h"

static bool is_json(const struct request *request)
{
    return request_has_type(request, STR("application/json"));
}

bool api_otlp_admits(struct request *request, struct response *response)
{
    str coding = request->headers[HEADER_CONTENT_ENCODING];

    if (!is_json(request) && !request_has_type(request, STR("application/x-protobuf"))) {
        response_fail(response, FAIL_BAD_DATA, /* as Prometheus; not 415 */
                      arena_format(&request->arena,
                                   "unsupported Content-Type \"%.*s\"; there are application/x-protobuf and "
                                   "application/json",
                                   STR_ARG(request->headers[HEADER_CONTENT_TYPE])));
        return false;
    }
    if (!inflate_knows(coding)) {
        response_fail(response, FAIL_BAD_DATA,
                      arena_format(&request->arena, "unsupported Content-Encoding \"%.*s\"", STR_ARG(coding)));
        return false;
    }
    return true;
}

static status decode(struct request *request, str body, struct write_batch *batch)
{
    const struct services *services = request->services;
    struct config *config = config_holder_get(services->config);
    int64_t step_ms = engine_get_options(services->engine)->lookback_ms / 2;
    struct writer message = {0};
    status s = ok();

    if (is_json(request)) {
        /* The batch borrows from the message until it is stored. */
        s = otlp_json_translate(body, &message);
        body = arena_copy_str(&request->arena, str_make((const char *)message.data, message.count));
        writer_release(&message);
    }
    if (!failed(s)) s = otlp_decode(body, &config->otlp, step_ms, batch);
    config_unref(config);
    return s;
}

/* An empty ExportMetricsServiceResponse. */
static void succeed(struct request *request, struct response *response)
{
    if (is_json(request)) {
        response_text(response, 200, "application/json", STR("{}"));
    } else {
        response_text(response, 200, "application/x-protobuf", STR(""));
    }
}

status api_otlp(struct request *request, struct response *response)
{
    static const struct write_protocol protocol = {.decode = decode, .succeed = succeed};

    (void)response;
    return ingest_run(request, &protocol);
}
