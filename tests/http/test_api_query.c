#include "tests/http/harness.h"

#include <stdio.h>

#define OK_(data) "{\"status\":\"success\",\"data\":" data
#define BAD(text) "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"" text "\"}"
#define UP        "{\"__name__\":\"up\",\"job\":\"a \\\"b\\\"\"}"

static const struct {
    const char *target;
    unsigned code;
    const char *body; /* the whole of it, or what it begins with */
} calls[] = {
    {"query?query=scalar&time=1435781451.7", 200,
     OK_("{\"resultType\":\"scalar\",\"result\":[1435781451.7,\"1000000000000000000000\"]}}")},
    {"query?query=string&time=4", 200, OK_("{\"resultType\":\"string\",\"result\":[4,\"te\\nxt\"]}}")},
    {"query?query=vector&time=4", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP
         ",\"value\":[4,\"1.5\"]},{\"metric\":{\"__name__\":\"up\"},\"value\":[4,\"2\"]}]}}")},
    {"query?query=matrix&time=4", 200,
     OK_("{\"resultType\":\"matrix\",\"result\":[{\"metric\":" UP
         ",\"values\":[[1,\"1.5\"],[1.001,\"2\"],[2.500,\"1e-07\"]]}]}}")},
    {"query?query=nothing&time=4", 200, OK_("{\"resultType\":\"vector\",\"result\":[]}}")},
    {"query?query=vector&limit=1&time=4", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP
         ",\"value\":[4,\"1.5\"]}]},\"warnings\":[\"results truncated due to limit\"]}")},
    {"query?query=vector+warned&time=4&limit=1", 200,
     OK_("{\"resultType\":\"vector\",\"result\":[{\"metric\":" UP
         ",\"value\":[4,\"1.5\"]}]},\"warnings\":[\"careful (1:1)\",\"results truncated due to "
         "limit\"],\"infos\":[\"by the way\"]}")},
    {"query?query=scalar&time=4&stats=true", 200,
     OK_("{\"resultType\":\"scalar\",\"result\":[4,\"1000000000000000000000\"],\"stats\":{\"timings\":{"
         "\"evalTotalTime\":0.75,\"resultSortTime\":0,\"queryPreparationTime\":0.25,\"innerEvalTime\":0.5,"
         "\"execQueueTime\":0,\"execTotalTime\":0},\"samples\":{\"totalQueryableSamples\":7,\"peakSamples\":3}}}}")},
    {"query?query=string&time=4&stats=x", 200, OK_("{\"resultType\":\"string\",\"result\":[4,\"te\\nxt\"],\"stats\":")},
    {"query?query=bad", 400, BAD("invalid parameter \\\"query\\\": 1:5: parse error: unexpected \\\"<bad>\\\"")},
    {"query?query=exec", 422,
     "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"many-to-many matching not allowed\"}"},
    {"query?query=internal", 500, "{\"status\":\"error\",\"errorType\":\"internal\",\"error\":\"page 3 is damaged\"}"},
    {"query?query=overload", 503, "{\"status\":\"error\",\"errorType\":\"unavailable\""},
    {"query?query=timeout", 503,
     "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out in expression evaluation\"}"},
    /* the first fault in Prometheus' order is the one that is told */
    {"query?query=bad&limit=x&time=y&timeout=z&lookback_delta=q", 400,
     BAD("invalid parameter \\\"limit\\\": strconv.Atoi: parsing \\\"x\\\": invalid syntax")},
    {"query?query=bad&time=y&timeout=z&lookback_delta=q", 400,
     BAD("invalid parameter \\\"time\\\": invalid time value for 'time': cannot parse \\\"y\\\" to a valid timestamp")},
    {"query?query=bad&timeout=z&lookback_delta=q", 400,
     BAD("invalid parameter \\\"timeout\\\": cannot parse \\\"z\\\" to a valid duration")},
    {"query?query=bad&lookback_delta=q", 400,
     BAD("error parsing lookback delta duration: cannot parse \\\"q\\\" to a valid duration")},
    {"query_range?query=range+2+2&start=1&end=2.5&step=1500ms", 200,
     OK_("{\"resultType\":\"matrix\",\"result\":[{\"metric\":" UP
         ",\"values\":[[1,\"0\"],[2.500,\"0.1\"]]},{\"metric\":" UP ",\"values\":[[1,\"0\"],[2.500,\"0.1\"]]}]}}")},
    {"query_range?query=range+0+0&start=1&end=1&step=1", 200, OK_("{\"resultType\":\"matrix\",\"result\":[]}}")},
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
         "(?step=XX)")},
    {"query_range?query=x&start=0&end=11000.999&step=1&timeout=z", 400,
     BAD("invalid parameter \\\"timeout\\\": cannot parse \\\"z\\\" to a valid duration")},
    {"query_range?query=x&start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z&step=1", 400,
     BAD("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
         "(?step=XX)")},
    {"query_range?query=bad&start=1&end=2&step=1", 400,
     BAD("invalid parameter \\\"query\\\": 1:5: parse error: unexpected \\\"<bad>\\\"")},
};

Test(api_query, answers)
{
    struct site site;
    char target[512];

    site_open(&site);
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
    str form = STR("query=range+1+3&start=1&end=3&step=1");

    site_open(&site);
    struct reply got = site_get(&site, "/api/v1/query_range?query=range+1+3&start=1&end=3&step=1");
    struct reply posted =
        site_call(&site, "POST", "/api/v1/query_range", "Content-Type: application/x-www-form-urlencoded", form);
    cr_expect(got.code == 200 && posted.code == 200 && str_equal(got.body, posted.body));
    /* with another type, or none, only the URL counts */
    posted = site_call(&site, "POST", "/api/v1/query?query=scalar&time=4&step=60s", "Content-Type: application/json",
                       STR(""));
    cr_expect(posted.code == 200);
    site_close(&site);
}

Test(api_query, deprecated_stats_are_warned_of)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_get(&site, "/api/v1/query?query=scalar&stats=yes");
    cr_expect(contains(reply.body,
                       "\"warnings\":[\"value \\\"yes\\\" for parameter \\\"stats\\\" is deprecated and will "
                       "be rejected in the next major release, use \\\"true\\\" or \\\"all\\\"\"]"));
    reply = site_get(&site, "/api/v1/query?query=scalar&stats=all");
    cr_expect(!contains(reply.body, "warnings"));
    site_close(&site);
}

/* 200 series of 1,000 points: some megabytes, the same through all of the blocks. */
Test(api_query, large_results)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_get(&site, "/api/v1/query_range?query=range+200+1000&start=0&end=1000&step=1");
    cr_assert(reply.code == 200 && reply.body.len > 3000000);
    cr_expect(str_ends_with(reply.body, STR("[999,\"99.9\"]]}]}}")), "%.*s",
              STR_ARG(str_part(reply.body, reply.body.len - 40, 40)));
    site_close(&site);
}
