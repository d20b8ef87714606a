#include "http/config.h"
#include "http/version.h"
#include "tests/http/harness.h"

#include <stdio.h>

#include <jansson.h>

/* The answer's data as an object; fails the test if it is none. */
static json_t *data_of(struct site *site, const char *target, json_t **root)
{
    struct reply reply = site_get(site, target);
    json_error_t error;

    cr_assert(reply.code == 200, "%s: %u", target, reply.code);
    *root = json_loadb(reply.body.data, reply.body.len, 0, &error);
    cr_assert(*root, "%s: %s", target, error.text);
    json_t *data = json_object_get(*root, "data");
    cr_assert(json_is_object(data));
    return data;
}

static bool has_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value && strcmp(value, text) == 0;
}

Test(api_status, buildinfo)
{
    struct site site;
    json_t *root;

    site_open(&site);
    json_t *data = data_of(&site, "/api/v1/status/buildinfo", &root);
    cr_expect(has_text(data, "version", VERSION_OF_API) && has_text(data, "buildUser", version_text));
    cr_expect(has_text(data, "revision", version_revision) && has_text(data, "goVersion", ""));
    cr_expect(!json_object_get(data, "features"), "clients take servers that have it for another product");
    json_decref(root);
    site_close(&site);
}

Test(api_status, runtimeinfo)
{
    static const char *const keys[] = {"startTime",       "CWD", "hostname", "serverTime", "lastConfigTime",
                                       "storageRetention"};
    struct site site;
    json_t *root;

    site_open(&site);
    json_t *data = data_of(&site, "/api/v1/status/runtimeinfo", &root);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        cr_expect(json_is_string(json_object_get(data, keys[i])), "%s", keys[i]);
    cr_expect(has_text(data, "startTime", "2026-08-17T20:53:20.000Z"));
    cr_expect(has_text(data, "storageRetention", "15d"));
    cr_expect(json_is_true(json_object_get(data, "reloadConfigSuccess")));
    cr_expect(json_integer_value(json_object_get(data, "goroutineCount")) > 3);
    json_decref(root);
    site_close(&site);
}

Test(api_status, flags)
{
    struct site site;
    json_t *root;

    site_open(&site);
    json_t *data = data_of(&site, "/api/v1/status/flags", &root);
    cr_expect(has_text(data, "storage.tsdb.path", "data") && has_text(data, "web.enable-lifecycle", "false"));
    cr_expect(has_text(data, "query.lookback-delta", "5m") && !json_object_get(data, "step"));
    json_decref(root);
    site_close(&site);
}

Test(api_status, tsdb)
{
    struct site site;
    json_t *root;

    site_open(&site);
    site_load_few(&site);
    json_t *data = data_of(&site, "/api/v1/status/tsdb", &root);
    json_t *head = json_object_get(data, "headStats");
    cr_expect(json_integer_value(json_object_get(head, "numSeries")) == 3);
    cr_expect(json_integer_value(json_object_get(head, "maxTime")) == 1000);
    json_t *top = json_array_get(json_object_get(data, "seriesCountByMetricName"), 0);
    cr_expect(has_text(top, "name", "up") && json_integer_value(json_object_get(top, "value")) == 2);
    cr_expect(json_is_array(json_object_get(data, "seriesCountByLabelValuePair")));
    json_decref(root);
    site_close(&site);
}

static const struct {
    const char *query;
    unsigned code;
    const char *error;
} limits[] = {
    {"?limit=1", 200, ""},
    {"?limit=10000", 200, ""},
    {"?limit=0", 400, "limit must be a positive number"},
    {"?limit=x", 400, "limit must be a positive number"},
    {"?limit=10001", 400, "limit must not exceed 10000"},
};

Test(api_status, tsdb_limits)
{
    struct site site;
    char target[128];

    site_open(&site);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        snprintf(target, sizeof target, "/api/v1/status/tsdb%s", limits[i].query);
        struct reply reply = site_get(&site, target);
        cr_expect(reply.code == limits[i].code, "%s: %u", target, reply.code);
        if (limits[i].error[0]) cr_expect(contains(reply.body, limits[i].error), "%.*s", STR_ARG(reply.body));
    }
    site_close(&site);
}

Test(api_status, config)
{
    struct site site;
    json_t *root;

    site_open(&site);
    cr_expect(has_text(data_of(&site, "/api/v1/status/config", &root), "yaml", ""));
    json_decref(root);
    site_close(&site);
}

Test(api_status, blocks)
{
    struct site site;
    json_t *root;

    site_open(&site);
    site_load_few(&site);
    json_t *blocks = json_object_get(data_of(&site, "/api/v1/status/tsdb/blocks", &root), "blocks");
    cr_expect(json_is_array(blocks) && json_array_size(blocks) == 0);
    json_decref(root);
    cr_assert(!failed(db_freeze(site.services.db)));
    json_t *block = json_array_get(json_object_get(data_of(&site, "/api/v1/status/tsdb/blocks", &root), "blocks"), 0);
    cr_assert(block);
    cr_expect(strlen(json_string_value(json_object_get(block, "ulid"))) == 26);
    cr_expect(json_integer_value(json_object_get(block, "minTime")) == 1000);
    cr_expect(json_integer_value(json_object_get(block, "maxTime")) == 1001);
    cr_expect(json_integer_value(json_object_get(json_object_get(block, "stats"), "numSeries")) == 3);
    json_decref(root);
    site_close(&site);
}

Test(api_status, walreplay_and_features)
{
    struct site site;
    json_t *root;

    site_open(&site);
    json_t *data = data_of(&site, "/api/v1/status/walreplay", &root);
    cr_expect(json_is_integer(json_object_get(data, "current")));
    json_decref(root);
    data = data_of(&site, "/api/v1/features", &root);
    cr_expect(json_is_false(json_object_get(json_object_get(data, "api"), "admin")));
    cr_expect(json_is_true(json_object_get(json_object_get(data, "promql_functions"), "rate")));
    cr_expect(json_is_false(json_object_get(json_object_get(data, "promql"), "delayed_name_removal")));
    cr_expect(json_is_true(json_object_get(json_object_get(data, "promql"), "group_left")));
    cr_expect(json_is_false(json_object_get(json_object_get(data, "promql"), "anchored")));
    cr_expect(json_is_true(json_object_get(json_object_get(data, "promql_operators"), "atan2")));
    cr_expect(json_is_true(json_object_get(json_object_get(data, "promql_operators"), "count_values")));
    cr_expect(json_is_false(json_object_get(json_object_get(data, "promql_operators"), "limitk")));
    json_decref(root);
    site_close(&site);
}

/* Nothing is told of a server that is well. */
Test(api_status, notifications)
{
    struct site site;

    site_open(&site);
    struct reply reply = site_get(&site, "/api/v1/notifications");
    cr_expect(str_equal(reply.body, STR("{\"status\":\"success\",\"data\":[]}")), "%.*s", STR_ARG(reply.body));
    config_holder_note(site.services.config, false, 1787000000000);
    reply = site_get(&site, "/api/v1/notifications");
    cr_expect(str_equal(reply.body,
                        STR("{\"status\":\"success\",\"data\":[{\"text\":\"Configuration reload has failed.\","
                            "\"date\":\"2026-08-17T20:53:20.000Z\",\"active\":true}]}")),
              "%.*s", STR_ARG(reply.body));
    config_holder_note(site.services.config, true, 1787000001000);
    reply = site_get(&site, "/api/v1/notifications");
    cr_expect(str_equal(reply.body, STR("{\"status\":\"success\",\"data\":[]}")), "%.*s", STR_ARG(reply.body));
    site_close(&site);
}
