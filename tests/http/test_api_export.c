#include "http/api_export.h"
#include "tests/http/calls.h"

static const struct call_case calls[] = {
    {"GET", "/api/v1/export?match[]=up", 200,
     "{\"metric\":{\"__name__\":\"up\",\"instance\":\"a\",\"job\":\"node\"},\"values\":[1.5],\"timestamps\":[1000]}\n"
     "{\"metric\":{\"__name__\":\"up\",\"instance\":\"b\",\"job\":\"node\"},\"values\":[2],\"timestamps\":[1000]}\n"},
    {"GET", "/api/v1/export?match[]=odd&match[]=odd", 200,
     "{\"metric\":{\"__name__\":\"odd\"},\"values\":[\"NaN\",\"-Infinity\",null,0.1],\"timestamps\":[0,1000,2000,3000]}"
     "\n"},
    {"GET", "/api/v1/export?match[]=odd&start=3", 200,
     "{\"metric\":{\"__name__\":\"odd\"},\"values\":[0.1],\"timestamps\":[3000]}\n"},
    {"GET", "/api/v1/export?match[]=odd&max_rows_per_line=3", 200,
     "{\"metric\":{\"__name__\":\"odd\"},\"values\":[\"NaN\",\"-Infinity\",null],\"timestamps\":[0,1000,2000]}\n"
     "{\"metric\":{\"__name__\":\"odd\"},\"values\":[0.1],\"timestamps\":[3000]}\n"},
    {"GET", "/api/v1/export?match=odd&max_rows_per_line=4", 200,
     "{\"metric\":{\"__name__\":\"odd\"},\"values\":[\"NaN\",\"-Infinity\",null,0.1],\"timestamps\":[0,1000,2000,3000]}"
     "\n"},
    {"GET", "/api/v1/export?match={}", 400, "match must contain at least one non-empty matcher\n"},
    {"GET", "/api/v1/export?match[]=up&max_rows_per_line=-1", 400,
     "invalid parameter \"max_rows_per_line\": max_rows_per_line must be non-negative\n"},
    {"GET", "/api/v1/export?match[]=up&format=prometheus", 400, "invalid parameter \"format\": unknown format ..."},
    {"GET", "/api/v1/export?match[]=nothing", 200, ""},
    {"GET", "/api/v1/export", 400, "no match[] parameter provided\n"},
    {"GET", "/api/v1/export?match[]={}", 400, "match[] must contain at least one non-empty matcher\n"},
    {"GET", "/api/v1/export?match[]=up&start=x", 400, "invalid parameter \"start\": ..."},
    {"GET", "/api/v1/export/csv?match[]={job=\"api\"}&format=__name__,a.b/c,missing,__value__,__timestamp__:unix_s",
     200, "http_requests_total,\"\"\"x\"\"\",,7,1\n"},
    {"GET", "/api/v1/export/csv?match[]=up&format=__timestamp__:rfc3339,__timestamp__,__timestamp__:unix_ns", 200,
     "1970-01-01T00:00:01.000Z,1000,1000000000\n1970-01-01T00:00:01.000Z,1000,1000000000\n"},
    {"GET", "/api/v1/export/csv?match=odd&start=3&format=__timestamp__:custom:02/Jan/2006%2015:04:05.000,__value__",
     200, "01/Jan/1970 00:00:03.000,0.1\n"},
    {"GET", "/api/v1/export/csv?match[]=up&format=__timestamp__:custom:", 400,
     "format: \"__timestamp__:custom:\" is no column\n"},
    {"GET", "/api/v1/export/csv?match[]=up", 400, "no format parameter provided\n"},
    {"GET", "/api/v1/export/csv?match[]=up&format=__timestamp__:x", 400, "format: \"__timestamp__:x\" is no column\n"},
};

Test(api_export, answers)
{
    struct site site;

    site_open(&site);
    site_load_few(&site);
    fixture_load(&site.fixture, 1000, "odd NaN -Inf stale 0.1");
    CHECK_CALLS(&site, calls);
    site_close(&site);
}

static const struct call_case rich_calls[] = {
    {"GET", "/api/v1/export?match[]=mixed", 200,
     "{\"metric\":{\"__name__\":\"mixed\"},\"values\":[1,2],\"timestamps\":[0,2000]}\n"
     "{\"metric\":{\"__name__\":\"mixed\"},\"histograms\":[{\"integer\":false,\"schema\":0,\"count\":3,\"sum\":3,"
     "\"buckets\":[[0,1],[1,2]]},null],\"timestamps\":[1000,3000]}\n"},
    {"GET", "/api/v1/export?match[]=mixed&max_rows_per_line=1", 200,
     "{\"metric\":{\"__name__\":\"mixed\"},\"values\":[1],\"timestamps\":[0]}\n"
     "{\"metric\":{\"__name__\":\"mixed\"},\"values\":[2],\"timestamps\":[2000]}\n"
     "{\"metric\":{\"__name__\":\"mixed\"},\"histograms\":[{\"integer\":false,\"schema\":0,\"count\":3,\"sum\":3,"
     "\"buckets\":[[0,1],[1,2]]}],\"timestamps\":[1000]}\n"
     "{\"metric\":{\"__name__\":\"mixed\"},\"histograms\":[null],\"timestamps\":[3000]}\n"},
    {"GET", "/api/v1/export/csv?match[]=mixed&format=__value__,__timestamp__", 200, "1,0\n2,2000\n"},
};

/* Both kinds of samples, with start times: they come back from another database as they were. */
Test(api_export, histograms)
{
    static const char lines[] =
        "{\"metric\":{\"__name__\":\"f\"},\"values\":[1,2,3],\"timestamps\":[1,2,3],\"start_timestamps\":[0,1,1]}\n"
        "{\"metric\":{\"__name__\":\"h\"},\"histograms\":[{\"integer\":true,\"schema\":1,\"count\":1,\"sum\":\"NaN\","
        "\"z_bucket_w\":0.5,\"n_buckets\":[[7,1]]},{\"integer\":true,\"schema\":1,\"count\":2,\"sum\":1,"
        "\"z_bucket_w\":0.5,\"z_bucket\":1,\"n_buckets\":[[7,1]],\"counter_reset_hint\":\"not_reset\"}],"
        "\"timestamps\":[5,6],\"start_timestamps\":[4,4]}\n";
    struct site site;

    site_open(&site);
    fixture_load(&site.fixture, 1000, "mixed 1 h1,2 2");
    struct reply reply =
        site_call(&site, "POST", "/api/v1/import", NULL,
                  STR("{\"metric\":{\"__name__\":\"mixed\"},\"histograms\":[null],\"timestamps\":[3000]}"));
    cr_expect(reply.code == 204, "%.*s", STR_ARG(reply.body));
    CHECK_CALLS(&site, rich_calls);
    reply = site_call(&site, "POST", "/api/v1/import", NULL, str_from(lines));
    cr_expect(reply.code == 204, "%.*s", STR_ARG(reply.body));
    reply = site_get(&site, "/api/v1/export?match[]={__name__=~\"f|h\"}");
    cr_expect(str_equal(reply.body, str_from(lines)), "%.*s", STR_ARG(reply.body));
    site_close(&site);
}

/* What is exported can be imported again. */
Test(api_export, round_trip)
{
    struct site site, other;

    site_open(&site);
    site_load_few(&site);
    site_load_many(&site);
    fixture_load(&site.fixture, 1000, "odd NaN -Inf stale 0.1");
    site_open(&other);
    struct reply first = site_get(&site, "/api/v1/export?match[]={__name__=~\".%2B\"}");
    struct reply stored = site_call(&other, "POST", "/api/v1/import", NULL, first.body);
    cr_expect(stored.code == 204, "%u %.*s", stored.code, STR_ARG(stored.body));
    struct reply second = site_get(&other, "/api/v1/export?match[]={__name__=~\".%2B\"}");
    cr_expect(first.body.len > 10000 && str_equal(first.body, second.body));
    site_close(&other);
    site_close(&site);
}
