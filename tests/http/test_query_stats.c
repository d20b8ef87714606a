/* Statistics as JSON. */
#include "http/query_stats.h"

#include "tests/http/harness.h"

#include <jansson.h>

static json_t *member(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);

    cr_assert(found, "%s is missing", key);
    return found;
}

Test(query_stats, members)
{
    static const char *const timings[] = {"evalTotalTime", "resultSortTime", "queryPreparationTime",
                                          "innerEvalTime", "execQueueTime",  "execTotalTime"};
    struct site site;
    json_error_t error;

    site_open(&site);
    site_load_few(&site);
    struct reply reply = site_get(&site, "/api/v1/query?query=up&time=4&stats=true");
    json_t *root = json_loadb(reply.body.data, reply.body.len, 0, &error);
    cr_assert(root, "%s: %.*s", error.text, STR_ARG(reply.body));
    json_t *stats = member(member(root, "data"), "stats"), *times = member(stats, "timings");
    for (size_t i = 0; i < sizeof timings / sizeof timings[0]; i++)
        cr_expect(json_is_number(member(times, timings[i])), "%s", timings[i]);
    cr_expect(json_number_value(member(times, "evalTotalTime")) >= json_number_value(member(times, "innerEvalTime")));
    cr_expect(json_number_value(member(times, "execTotalTime")) >= json_number_value(member(times, "evalTotalTime")));
    json_t *samples = member(stats, "samples");
    cr_expect(json_integer_value(member(samples, "totalQueryableSamples")) == 2);
    cr_expect(json_integer_value(member(samples, "samplesRead")) == 2);
    cr_expect(json_integer_value(member(samples, "peakSamples")) >= 2);
    cr_expect(!json_object_get(samples, "samplesReadPerStep"));
    json_decref(root);
    site_close(&site);
}

Test(query_stats, by_step)
{
    struct engine_options options = engine_options_default();
    struct site site;

    site_open(&site);
    site_load_few(&site);
    options.features = FEATURE_PER_STEP_STATS;
    site_engine(&site, &options);
    struct reply reply = site_get(&site, "/api/v1/query_range?query=up&start=1&end=2.5&step=1500ms&stats=all");
    cr_expect(contains(reply.body, "\"samples\":{\"totalQueryableSamplesPerStep\":[[1,2],[2.500,2]],"
                                   "\"totalQueryableSamples\":4,\"samplesReadPerStep\":[[1,2],[2.500,2]],"
                                   "\"samplesRead\":4,\"peakSamples\":"),
              "%.*s", STR_ARG(reply.body));
    reply = site_get(&site, "/api/v1/query_range?query=up&start=1&end=2.5&step=1500ms&stats=true");
    cr_expect(!contains(reply.body, "PerStep"));
    site_close(&site);
}
