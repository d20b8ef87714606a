#include "storage/fs_memory.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

#include <stdio.h>

#define OK_(data) "{\"status\":\"success\",\"data\":" data
#define BAD(text) "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"" text
#define UP_A      "{\"__name__\":\"up\",\"instance\":\"a\",\"job\":\"node\"}"
#define UP_B      "{\"__name__\":\"up\",\"instance\":\"b\",\"job\":\"node\"}"

static const struct {
    const char *target;
    unsigned code;
    const char *body; /* the whole of it, or what it begins with */
} calls[] = {
    {"query?query=1e21&time=1435781451.7", 200,
     OK_("{\"resultType\":\"scalar\",\"result\":[1435781451.7,\"1000000000000000000000\"]}}")},
    {"query?query=%22te\\nxt%22&time=4", 200, OK_("{\"resultType\":\"string\",\"result\":[4,\"te\\nxt\"]}}")},
    {"query?query=sort(up)&time=4", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP_A ",\"value\":[4,\"1.5\"]},{\"metric\":" UP_B
         ",\"value\":[4,\"2\"]}]}}")},
    {"query?query=up[5m]&time=4", 200,
     OK_("{\"resultType\":\"matrix\",\"result\":[{\"metric\":" UP_A ",\"values\":[[1,\"1.5\"]]},{\"metric\":" UP_B
         ",\"values\":[[1,\"2\"]]}]}}")},
    {"query?query=nothing&time=4", 200, OK_("{\"resultType\":\"vector\",\"result\":[]}}")},
    {"query?query=sort(up)&limit=1&time=4", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP_A
         ",\"value\":[4,\"1.5\"]}]},\"warnings\":[\"results truncated due to limit\"]}")},
    {"query?query=quantile(2,up)&time=4", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[4,\"+Inf\"]}]},\"warnings\":[\"PromQL "
         "warning: quantile value should be between 0 and 1, got 2 (1:10)\"]}")},
    {"query?query=rate(gauge[4s])&time=4", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[4,\"1\"]}]},\"infos\":[\"PromQL info: "
         "metric might not be a counter, name does "
         "not end in _total/_sum/_count/_bucket: \\\"gauge\\\" (1:6)\"]}")},
    {"query?query=up{", 400, BAD("invalid parameter \\\"query\\\": 1:4: parse error: ")},
    {"query?query=up%2Bon(job)up&time=4", 422,
     "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"found duplicate series for the match group "},
    /* the first fault in Prometheus' order is the one that is told */
    {"query?query=up{&limit=x&time=y&timeout=z&lookback_delta=q", 400,
     BAD("invalid parameter \\\"limit\\\": strconv.Atoi: parsing \\\"x\\\": invalid syntax")},
    {"query?query=up{&time=y&timeout=z&lookback_delta=q", 400,
     BAD("invalid parameter \\\"time\\\": invalid time value for 'time': cannot parse \\\"y\\\" to a valid timestamp")},
    {"query?query=up{&timeout=z&lookback_delta=q", 400,
     BAD("invalid parameter \\\"timeout\\\": cannot parse \\\"z\\\" to a valid duration")},
    {"query?query=up{&lookback_delta=q", 400,
     BAD("error parsing lookback delta duration: cannot parse \\\"q\\\" to a valid duration")},
    {"query_range?query=up*0.1&start=1&end=2.5&step=1500ms", 200,
     OK_("{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"instance\":\"a\",\"job\":\"node\"},\"values\":[[1,\"0."
         "15000000000000002\"],[2.500,\"0.15000000000000002\"]]},{\"metric\":{\"instance\":\"b\",\"job\":\"node\"},"
         "\"values\":[[1,\"0.2\"],[2.500,\"0.2\"]]}]}}")},
    {"query_range?query=nothing&start=1&end=1&step=1", 200, OK_("{\"resultType\":\"matrix\",\"result\":[]}}")},
    {"query_range?query=x&limit=-1&start=a", 400, BAD("invalid parameter \\\"limit\\\": limit must be non-negative")},
    {"query_range?query=x&start=a&end=b", 400,
     BAD("invalid parameter \\\"start\\\": cannot parse \\\"a\\\" to a valid timestamp")},
    {"query_range?query=x&end=b", 400,
     BAD("invalid parameter \\\"start\\\": cannot parse \\\"\\\" to a valid timestamp")},
    {"query_range?query=x&start=2&end=b", 400,
     BAD("invalid parameter \\\"end\\\": cannot parse \\\"b\\\" to a valid timestamp")},
    {"query_range?query=x&start=2&end=1&step=x", 400,
     BAD("invalid parameter \\\"end\\\": end timestamp must not be before start time")},
    {"query_range?query=x&start=1&end=2&step=x", 400,
     BAD("invalid parameter \\\"step\\\": cannot parse \\\"x\\\" to a valid duration")},
    {"query_range?query=x&start=1&end=2", 400,
     BAD("invalid parameter \\\"step\\\": cannot parse \\\"\\\" to a valid duration")},
    {"query_range?query=x&start=1&end=2&step=0", 400,
     BAD("invalid parameter \\\"step\\\": zero or negative query resolution step widths are not accepted. Try a "
         "positive integer")},
    {"query_range?query=x&start=1&end=2&step=-1", 400,
     BAD("invalid parameter \\\"step\\\": zero or negative query resolution step widths are not accepted. Try a "
         "positive integer")},
    {"query_range?query=x&start=1&end=2&step=0.0001", 400,
     BAD("invalid parameter \\\"step\\\": zero or negative query resolution step widths are not accepted. Try a "
         "positive integer")},
    {"query_range?query=x&start=0&end=11001&step=1&timeout=z", 400,
     BAD("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
         "(?step=XX), or allow more by --query.max-points")},
    {"query_range?query=x&start=0&end=11000.999&step=1&timeout=z", 400,
     BAD("invalid parameter \\\"timeout\\\": cannot parse \\\"z\\\" to a valid duration")},
    {"query_range?query=x&start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z&step=1", 400,
     BAD("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
         "(?step=XX), or allow more by --query.max-points")},
    {"query_range?query=up{&start=1&end=2&step=1", 400, BAD("invalid parameter \\\"query\\\": 1:4: parse error: ")},
};

Test(api_query, answers)
{
    struct site site;
    char target[512];

    site_open(&site);
    site_load_few(&site);
    fixture_load(&site.fixture, 1000, "gauge _ 1 2 3 4");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        snprintf(target, sizeof target, "/api/v1/%s", calls[i].target);
        struct reply reply = site_get(&site, target);
        cr_expect(reply.code == calls[i].code, "%s: %u", target, reply.code);
        cr_expect(str_starts_with(reply.body, str_from(calls[i].body)), "%s: %.*s", target, STR_ARG(reply.body));
        cr_expect(str_equal(reply_header(&reply, "Content-Type"), STR("application/json")));
    }
    site_close(&site);
}

Test(api_query, posts_are_the_same)
{
    struct site site;
    str form = STR("query=up&start=1&end=3&step=1");

    site_open(&site);
    site_load_few(&site);
    struct reply got = site_get(&site, "/api/v1/query_range?query=up&start=1&end=3&step=1");
    struct reply posted =
        site_call(&site, "POST", "/api/v1/query_range", "Content-Type: application/x-www-form-urlencoded", form);
    cr_expect(got.code == 200 && posted.code == 200 && str_equal(got.body, posted.body));
    /* with another type, or none, only the URL counts */
    posted =
        site_call(&site, "POST", "/api/v1/query?query=1&time=4&step=60s", "Content-Type: application/json", STR(""));
    cr_expect(posted.code == 200);
    site_close(&site);
}

Test(api_query, deprecated_stats_are_warned_of)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_get(&site, "/api/v1/query?query=1&stats=yes");
    cr_expect(contains(reply.body,
                       "\"warnings\":[\"value \\\"yes\\\" for parameter \\\"stats\\\" is deprecated and will "
                       "be rejected in the next major release, use \\\"true\\\" or \\\"all\\\"\"]"));
    reply = site_get(&site, "/api/v1/query?query=1&stats=all");
    cr_expect(!contains(reply.body, "warnings"));
    site_close(&site);
}

/* 200 series of 1,000 points: some megabytes, the same through all of the blocks. */
Test(api_query, large_results)
{
    struct site site;

    site_open(&site);
    site_load_many(&site);
    struct reply reply =
        site_get(&site,
                 "/api/v1/query_range?query=many*0%2Btime()*0.1&lookback_delta=1h&start=0&end=999&step=1&limit=200");
    cr_assert(reply.code == 200 && reply.body.len > 3000000, "%zu", reply.body.len);
    cr_expect(contains(reply.body, "[999,\"99.9\"]]}]},\"warnings\":[\"results truncated"), "%.*s",
              STR_ARG(str_part(reply.body, reply.body.len - 40, 40)));
    site_close(&site);
}

#define FAILED(word, text) "{\"status\":\"error\",\"errorType\":\"" word "\",\"error\":\"" text

/* What only a server in trouble answers. */
Test(api_query, failures)
{
    struct site site;
    struct engine_options options = engine_options_default();

    site_open(&site);
    site_load_many(&site);
    struct reply reply = site_get(&site, SLOW_QUERY "&timeout=10ms");
    cr_expect(reply.code == 503 && str_starts_with(reply.body, STR(FAILED("timeout", "query timed out in expression "
                                                                                     "evaluation"))),
              "%u %.*s", reply.code, STR_ARG(reply.body));
    options.total_bytes_max = 1 << 20;
    site_engine(&site, &options);
    reply = site_get(&site, "/api/v1/query_range?query=topk(300,many)&start=0&end=1000&step=1");
    cr_expect(reply.code == 503 && str_equal(reply_header(&reply, "Retry-After"), STR("1")) &&
                  str_starts_with(reply.body, STR(FAILED("unavailable", "all queries together need more"))),
              "%u %.*s", reply.code, STR_ARG(reply.body));
    site_close(&site);
}

/* A block whose data can not be read is told of in a warning. */
Test(api_query, damaged_data)
{
    struct site site;
    struct arena arena = {0};
    str *names;
    size_t count;

    site_open(&site);
    site_load_many(&site);
    must(db_freeze(site.services.db));
    must(fs_list(site.fixture.fs, "block", &arena, &names, &count));
    cr_assert(count == 1);
    for (uint64_t byte = 64; byte < 2000; byte++)
        fs_memory_flip(site.fixture.fs, arena_format(&arena, "block/%.*s", STR_ARG(names[0])).data, byte, 3);
    struct reply reply = site_get(&site, "/api/v1/query?query=sum_over_time(many[1h])&time=4");
    cr_expect(reply.code == 200 && contains(reply.body, "\"warnings\":[\"damaged data of block "), "%u %.*s",
              reply.code, STR_ARG(reply.body));
    arena_release(&arena);
    site_close(&site);
}

Test(api_query, how_many_points_is_a_setting)
{
    struct site site;

    site_open(&site);
    site.settings.query_points_max = 20;
    struct reply fits = site_get(&site, "/api/v1/query_range?query=1&start=0&end=20&step=1");
    struct reply more = site_get(&site, "/api/v1/query_range?query=1&start=0&end=21&step=1");
    cr_expect(fits.code == 200);
    cr_expect(more.code == 400 && contains(more.body, "exceeded maximum resolution of 20 points per timeseries"));
    site_close(&site);
}
