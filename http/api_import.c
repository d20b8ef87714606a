/* Imports; see api_import.h. */
#include "http/api_import.h"

#include "http/api_write.h"
#include "http/import.h"
#include "http/inflate.h"
#include "storage/base/clock.h"

bool api_import_admits(struct request *request, struct response *response)
{
    str coding = request->headers[HEADER_CONTENT_ENCODING];

    if (inflate_knows(coding)) return true;
    response_fail(response, FAIL_BAD_MEDIA,
                  arena_format(&request->arena, "unsupported Content-Encoding \"%.*s\"", STR_ARG(coding)));
    return false;
}

/* Only the URL counts: the body is data, whatever its type says. */
static status read_parameters(struct request *request, struct import *import)
{
    struct arena *arena = &request->arena;
    struct form form = {0};
    str *texts;
    label *extra;

    form_parse(&form, request->query, arena);
    import->extra_count = form_all(&form, STR("extra_label"), &texts, arena);
    if (!import_read_extra(texts, import->extra_count, arena, &extra))
        return status_make(STATUS_INVALID, "extra_label must be name=value, and at most %d", IMPORT_LABELS_MAX);
    import->extra = extra;
    import->format = form_first(&form, STR("format"));
    import->now_ms = clock_now_ms();
    str timestamp = form_first(&form, STR("timestamp"));
    if (timestamp.len && !str_to_int64(timestamp, &import->now_ms))
        return status_make(STATUS_INVALID, "timestamp must be milliseconds");
    return ok();
}

static status run(struct request *request, str body, struct write_batch *batch,
                  status (*read)(struct import *import, str text), struct import *import)
{
    write_batch_reset(batch);
    import->batch = batch;
    TRY(read_parameters(request, import));
    return read(import, body);
}

static status decode_prometheus(struct request *request, str body, struct write_batch *batch)
{
    struct import import = {.is_openmetrics = request_has_type(request, STR("application/openmetrics-text"))};

    return run(request, body, batch, import_text, &import);
}

static status decode_json(struct request *request, str body, struct write_batch *batch)
{
    struct import import = {0};

    return run(request, body, batch, import_json, &import);
}

static status decode_csv(struct request *request, str body, struct write_batch *batch)
{
    struct import import = {0};

    return run(request, body, batch, import_csv, &import);
}

static status read_precision(str text, int64_t *out_ns)
{
    static const struct {
        str name;
        int64_t ns;
    } units[] = {{STR(""), 1},           {STR("ns"), 1},          {STR("n"), 1},
                 {STR("us"), 1000},      {STR("u"), 1000},        {STR("ms"), 1000000},
                 {STR("s"), 1000000000}, {STR("m"), 60000000000}, {STR("h"), 3600000000000}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        *out_ns = units[i].ns;
        if (str_equal(text, units[i].name)) return ok();
    }
    return status_make(STATUS_INVALID, "unknown precision \"%.*s\"; there are ns, us, ms, s, m and h", STR_ARG(text));
}

static status decode_influx(struct request *request, str body, struct write_batch *batch)
{
    struct import import = {.batch = batch};
    struct form form = {0};

    write_batch_reset(batch);
    form_parse(&form, request->query, &request->arena);
    import.influx_db = form_first(&form, STR("db"));
    TRY(read_precision(form_first(&form, STR("precision")), &import.influx_ns));
    TRY(read_parameters(request, &import));
    return import_influx(&import, body);
}

static void succeed(struct request *request, struct response *response)
{
    (void)request;
    response_nothing(response);
}

status api_import_prometheus(struct request *request, struct response *response)
{
    static const struct write_protocol protocol = {.decode = decode_prometheus, .succeed = succeed};

    (void)response;
    return ingest_run(request, &protocol);
}

status api_import_json(struct request *request, struct response *response)
{
    static const struct write_protocol protocol = {.decode = decode_json, .succeed = succeed};

    (void)response;
    return ingest_run(request, &protocol);
}

status api_import_csv(struct request *request, struct response *response)
{
    static const struct write_protocol protocol = {.decode = decode_csv, .succeed = succeed};

    (void)response;
    return ingest_run(request, &protocol);
}

status api_import_influx(struct request *request, struct response *response)
{
    static const struct write_protocol protocol = {.decode = decode_influx, .succeed = succeed};

    (void)response;
    return ingest_run(request, &protocol);
}
