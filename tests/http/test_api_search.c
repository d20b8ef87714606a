#include "http/api_search.h"
#include "tests/http/calls.h"

#define ALL       "&start=0&end=5"
#define END(more) "{\"status\":\"success\",\"has_more\":" more "}\n"
#define BAD(text) ERROR("bad_data", text)

static const struct call_case calls[] = {
    {"GET", "/api/v1/search/metric_names?" ALL, 200,
     "{\"results\":[{\"name\":\"http_requests_total\"},{\"name\":\"up\"}]}\n" END("false")},
    {"GET", "/api/v1/search/metric_names", 200, "{\"results\":[]}\n" END("false")}, /* of the last hour */
    {"POST", "/api/v1/search/metric_names?batch_size=1&sort_by=alpha&sort_dir=dsc" ALL, 200,
     "{\"results\":[{\"name\":\"up\"}]}\n{\"results\":[{\"name\":\"http_requests_total\"}]}\n" END("false")},
    {"GET", "/api/v1/search/metric_names?limit=1&include_metadata=true" ALL, 200,
     "{\"results\":[{\"name\":\"http_requests_total\",\"type\":\"counter\",\"help\":\"All \\\"requests\\\".\"}]}\n" END(
         "true")},
    {"GET", "/api/v1/search/metric_names?search[]=up&include_score=1" ALL, 200,
     "{\"results\":[{\"name\":\"up\",\"score\":1}]}\n" END("false")},
    {"GET", "/api/v1/search/metric_names?search[]=t&search[]=&search[]=UP&case_sensitive=f&sort_by=score" ALL, 200,
     "{\"results\":[{\"name\":\"up\"},{\"name\":\"http_requests_total\"}]}\n" END("false")},
    {"GET", "/api/v1/search/label_names?search[]=in&match[]=up" ALL, 200,
     "{\"results\":[{\"name\":\"instance\"}]}\n" END("false")},
    {"GET", "/api/v1/search/label_values?label=instance&match[]={instance=\"a\"}&match[]={instance=\"b\"}" ALL, 200,
     "{\"results\":[{\"value\":\"a\"},{\"value\":\"b\"}]}\n" END("false")},
    {"GET", "/api/v1/search/label_values?label=none" ALL, 200, "{\"results\":[]}\n" END("false")},
    {"GET", "/api/v1/search/label_values?search[]=a", 400, BAD("missing required parameter \\\"label\\\"")},
    {"GET", "/api/v1/search/label_names?start=5&end=1", 400, BAD("end timestamp must not be before start timestamp")},
    {"GET", "/api/v1/search/label_names?start=x", 400, "{\"status\":\"error\",\"errorType\":\"bad_data\"..."},
    {"GET", "/api/v1/search/label_names?match[]={", 400, "{\"status\":\"error\",\"errorType\":\"bad_data\"..."},
    {"GET", "/api/v1/search/label_names?fuzz_threshold=101", 400,
     BAD("invalid fuzz_threshold \\\"101\\\": must be 0-100")},
    {"GET", "/api/v1/search/label_names?fuzz_alg=x", 400,
     BAD("unsupported fuzz_alg \\\"x\\\": must be one of [subsequence jarowinkler]")},
    {"GET", "/api/v1/search/label_names?case_sensitive=maybe", 400,
     BAD("invalid case_sensitive \\\"maybe\\\": must be boolean")},
    {"GET", "/api/v1/search/label_names?include_score=2", 400, BAD("invalid include_score \\\"2\\\": must be boolean")},
    {"GET", "/api/v1/search/label_names?sort_by=x", 400,
     BAD("invalid sort_by \\\"x\\\": must be \\\"alpha\\\" or \\\"score\\\"")},
    {"GET", "/api/v1/search/label_names?sort_by=alpha&sort_dir=x", 400,
     BAD("invalid sort_dir \\\"x\\\": must be \\\"asc\\\" or \\\"dsc\\\"")},
    {"GET", "/api/v1/search/label_names?sort_dir=asc", 400, BAD("sort_dir is only valid when sort_by is set")},
    {"GET", "/api/v1/search/label_names?sort_by=score&sort_dir=asc&search[]=a", 400,
     BAD("sort_dir is not supported for sort_by=score")},
    {"GET", "/api/v1/search/label_names?sort_by=score", 400, BAD("sort_by=score requires search[] to be set")},
    {"GET", "/api/v1/search/label_names?limit=0", 400, BAD("invalid limit \\\"0\\\": must be a positive integer")},
    {"GET", "/api/v1/search/label_names?batch_size=x", 400,
     BAD("invalid batch_size \\\"x\\\": must be a positive integer")},
};

Test(api_search, answers)
{
    struct site site;

    site_open(&site);
    site_load_few(&site);
    CHECK_CALLS(&site, calls);
    struct reply reply = site_get(&site, "/api/v1/search/label_names?start=0&end=5");
    cr_expect(str_equal(reply_header(&reply, "Content-Type"), STR("application/x-ndjson; charset=utf-8")));
    site_close(&site);
}

Test(api_search, terms_have_a_limit)
{
    struct site site;
    str target = STR("/api/v1/search/label_names?x=");

    site_open(&site);
    for (int i = 0; i < 33; i++) target = arena_format(&site.arena, "%.*s&search[]=a", STR_ARG(target));
    struct reply reply = site_get(&site, target.data);
    cr_expect(reply.code == 400 && contains(reply.body, "too many search[] terms: got 33, maximum is 32"));
    site_close(&site);
}
