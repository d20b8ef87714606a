#include "http/options.h"
#include "tests/support/test.h"

#include <stdio.h>

enum { ARGUMENTS_MAX = 6 };

static status parse(enum command command, const char *const *arguments, struct settings *settings, str *rest,
                    size_t *rest_count)
{
    char *copies[ARGUMENTS_MAX] = {NULL};
    int count = 0;

    while (count < ARGUMENTS_MAX && arguments[count]) {
        copies[count] = (char *)(uintptr_t)arguments[count];
        count++;
    }
    return options_parse(command, count, copies, settings, rest, rest_count);
}

Test(options, defaults)
{
    struct settings settings;
    str rest[ARGUMENTS_MAX];
    size_t rest_count;

    cr_assert(!failed(parse(COMMAND_SERVE, (const char *[]){NULL}, &settings, rest, &rest_count)));
    cr_expect(str_equal(settings.data_path, STR("data")));
    cr_expect(settings.retention_ms == 15 * 86400000LL);
    cr_expect(str_equal(settings.listen_address, STR("127.0.0.1:9090")));
    cr_expect(settings.connections_max == 512 && settings.body_bytes == 64 << 20);
    cr_expect(settings.lookback_ms == 300000 && settings.query_timeout_ms == 120000);
    cr_expect(settings.features == 0 && settings.log_level == LOG_INFO && !settings.enable_lifecycle);
}

Test(options, all_ways_of_writing)
{
    struct settings settings;
    str rest[ARGUMENTS_MAX];
    size_t rest_count;

    cr_assert(!failed(parse(COMMAND_INSTANT,
                            (const char *[]){"--storage.tsdb.path=x", "--query.max-samples", "5", "up", "--", "--y"},
                            &settings, rest, &rest_count)));
    cr_expect(str_equal(settings.data_path, STR("x")) && settings.query_samples_max == 5);
    cr_assert(rest_count == 2 && str_equal(rest[0], STR("up")) && str_equal(rest[1], STR("--y")));
    cr_assert(
        !failed(parse(COMMAND_SERVE, (const char *[]){"--web.enable-lifecycle", NULL}, &settings, rest, &rest_count)));
    cr_expect(settings.enable_lifecycle);
    cr_assert(
        !failed(parse(COMMAND_SERVE, (const char *[]){"--web.enable-lifecycle", "--no-web.enable-lifecycle", NULL},
                      &settings, rest, &rest_count)));
    cr_expect(!settings.enable_lifecycle);
    cr_assert(!failed(parse(COMMAND_SERVE,
                            (const char *[]){"--enable-feature=promql-experimental-functions, "
                                             "promql-per-step-stats",
                                             "--storage.tsdb.out-of-order-time-window=any", NULL},
                            &settings, rest, &rest_count)));
    cr_expect(settings.features == (FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_PER_STEP_STATS));
    cr_expect(settings.out_of_order_ms == -1);
}

static const struct {
    const char *argument, *error; /* empty: fine */
} values[] = {
    {"--storage.memory=16777216", ""},
    {"--storage.memory=64MB", ""},
    {"--storage.memory=64MiB", ""},
    {"--storage.memory=1G", ""},
    {"--storage.memory=64mb", "--storage.memory=64mb: want a size such as 512MB"},
    {"--storage.memory=", "--storage.memory=: want a size such as 512MB"},
    {"--storage.memory=99999999999GB", "--storage.memory=99999999999GB: want a size such as 512MB"},
    {"--storage.memory=1KB", "--storage.memory=1KB is less than 65536"},
    {"--web.max-connections=7", "--web.max-connections=7 is not between 8 and 1048576"},
    {"--web.max-connections=x", "--web.max-connections=x: want a number"},
    {"--storage.tsdb.retention.time=0", ""},
    {"--storage.tsdb.retention.time=1y", ""},
    {"--storage.tsdb.retention.time=5", "--storage.tsdb.retention.time=5: want a duration such as 15d or 1h30m"},
    {"--storage.wal.sync-interval=100ms", ""},
    {"--storage.wal.sync-interval=2m", "--storage.wal.sync-interval=2m is not between 0 and 60000"},
    {"--web.enable-lifecycle=maybe", "--web.enable-lifecycle=maybe: want true or false"},
    {"--log.level=loud", "--log.level=loud: want debug, info, warn or error"},
    {"--enable-feature=x", "unknown feature \"x\"; see varve help features"},
    {"--query.lookback-delta", "--query.lookback-delta needs a value"},
    {"--query.lookback-detla=5m", "unknown flag --query.lookback-detla; did you mean --query.lookback-delta?"},
    {"--storage.tsdb.retention=5d",
     "unknown flag --storage.tsdb.retention; did you mean --storage.tsdb.retention.time?"},
    {"--zzzzzzzzzzzz", "unknown flag --zzzzzzzzzzzz; see --help"},
    {"--no-storage.memory", "unknown flag --no-storage.memory; did you mean --storage.memory?"},
    {"--step=5", "unknown flag --step; see --help"},
};

Test(options, values)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct settings settings;
        str rest[ARGUMENTS_MAX];
        size_t rest_count;
        status s = parse(COMMAND_SERVE, (const char *[]){values[i].argument, NULL}, &settings, rest, &rest_count);
        cr_expect(str_equal(str_from(s.text), str_from(values[i].error)), "%s: %s", values[i].argument, s.text);
    }
}

Test(options, become_the_layers_options)
{
    struct settings settings;
    str rest[ARGUMENTS_MAX];
    size_t rest_count;

    cr_assert(
        !failed(parse(COMMAND_SERVE,
                      (const char *[]){"--storage.series-limit=7", "--query.memory=2MB", "--query.threads=3", NULL},
                      &settings, rest, &rest_count)));
    struct db_options db = options_for_db(&settings, NULL);
    struct engine_options engine = options_for_engine(&settings);
    cr_expect(db.series_max == 7 && db.retention_ms == settings.retention_ms && db.background);
    cr_expect(db.label_limits.count_max == 128 && db.label_limits.name_bytes_max == 1024);
    cr_expect(engine.query_bytes_max == 2 << 20 && engine.threads == 3 && engine.lookback_ms == 300000);
}

/* Each default is a value that the flag takes, each flag is printed, and none occurs twice. */
Test(options, table_is_sound)
{
    struct settings settings;
    str rest[ARGUMENTS_MAX];
    size_t rest_count, bytes;
    char *text = NULL;
    FILE *out = open_memstream(&text, &bytes);

    cr_assert(!failed(parse(COMMAND_SERVE, (const char *[]){NULL}, &settings, rest, &rest_count)));
    options_print(COMMAND_SERVE, out);
    fclose(out);
    for (size_t i = 0; i < options_count(); i++) {
        char argument[256];
        str name = options_name(i), value = options_text(&settings, i);
        snprintf(argument, sizeof argument, "--%.*s=%.*s", STR_ARG(name), STR_ARG(value));
        if (!options_is_of(i, COMMAND_SERVE)) continue;
        cr_expect(!failed(parse(COMMAND_SERVE, (const char *[]){argument, NULL}, &settings, rest, &rest_count)), "%s",
                  argument);
        argument[2 + name.len] = 0;
        cr_expect(strstr(text, argument), "%s", argument);
        for (size_t j = 0; j < i; j++) cr_expect(!str_equal(options_name(j), name));
    }
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        cr_expect(strcspn(line, "\n") <= 80, "%s", line);
    free(text);
}

Test(options, nearest)
{
    static const str names[] = {STR("serve"), STR("query"), STR("check")};

    cr_expect(str_equal(options_nearest(STR("serv"), names, 3), STR("serve")));
    cr_expect(str_equal(options_nearest(STR("qurey"), names, 3), STR("query")));
    cr_expect(options_nearest(STR("launch"), names, 3).len == 0);
    cr_expect(options_nearest(STR(""), names, 3).len == 0);
}
