#include "http/api_exemplars.h"
#include "tests/http/calls.h"
#include "tests/support/must.h"
#include "tsdb/db.h"

static const struct call_case calls[] = {
    {"GET", "/api/v1/query_exemplars?query=rate(up[5m])", 200,
     SUCCESS("[{\"seriesLabels\":{\"__name__\":\"up\",\"job\":\"x\"},\"exemplars\":[{\"labels\":{\"trace_id\":\"abc\"},"
             "\"value\":\"0.5\",\"timestamp\":1600096945.479}]}]")},
    {"GET", "/api/v1/query_exemplars?query=up%2Bdown&start=1600096945.479&end=1600096945.479", 200,
     "{\"status\":\"success\",\"data\":[{..."},
    {"GET", "/api/v1/query_exemplars?query=up&end=1600096945", 200, SUCCESS("[]")},
    {"GET", "/api/v1/query_exemplars?query=up{job!=\"x\"}", 200, SUCCESS("[]")},
    {"GET", "/api/v1/query_exemplars?query=test&start=1790000000000&end=1790000060000", 200, SUCCESS("[]")},
    {"GET", "/api/v1/query_exemplars?query=1", 204, ""},
    {"GET", "/api/v1/query_exemplars?query=up{", 400,
     "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:4: parse error: ..."},
    {"GET", "/api/v1/query_exemplars?query=up&start=2&end=1", 400,
     ERROR("bad_data", "end timestamp must not be before start timestamp")},
};

Test(api_exemplars, answers)
{
    struct site site;

    site_open(&site);
    label series[] = {{STR("__name__"), STR("up")}, {STR("job"), STR("x")}}, trace[] = {{STR("trace_id"), STR("abc")}};
    struct writer a = {0}, b = {0};
    labels_write(series, 2, &a);
    labels_write(trace, 1, &b);
    struct append_exemplar exemplar = {str_make((const char *)a.data, a.count), str_make((const char *)b.data, b.count),
                                       0.5, 1600096945479};
    struct append_batch batch = {.exemplars = &exemplar, .exemplar_count = 1};
    struct append_result result;
    must(db_append_wait(site.services.db, &batch, &result));
    cr_expect(result.exemplars_kept == 1);
    writer_release(&a);
    writer_release(&b);
    CHECK_CALLS(&site, calls);
    site_close(&site);
}
