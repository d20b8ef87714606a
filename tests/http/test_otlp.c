/* Messages are written in JSON, which test_otlp_json.c answers for. */
#include "http/otlp.h"
#include "http/otlp_json.h"
#include "tests/http/batch_print.h"
#include "tests/support/must.h"

#define RESOURCE                                                                                     \
    "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}," \
    "{\"key\":\"service.namespace\",\"value\":{\"stringValue\":\"eu\"}},"                            \
    "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"i1\"}},"                          \
    "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"h\"}}]}"
#define REQUEST(metric)                                                                                      \
    "{\"resourceMetrics\":[{" RESOURCE ",\"scopeMetrics\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1\"}," \
    "\"metrics\":[" metric "]}]}]}"
#define TEN       "0123456789"
#define HUNDRED   TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define AT        "\"timeUnixNano\":\"1000000000\""
#define ID        ", instance=\"i1\", job=\"eu/shop\"}"
#define INFO      "{__name__=\"target_info\", host_name=\"h\"" ID " 1@1000\n"
#define INFO_META "meta target_info 2 'Target metadata' ''\n"

static const struct {
    const char *name, *text, *want;
} cases[] = {
    {"gauge",
     REQUEST("{\"name\":\"temp\",\"unit\":\"Cel\",\"description\":\"d\",\"gauge\":{\"dataPoints\":[{" AT
             ",\"asDouble\":1.5,\"attributes\":[{\"key\":\"a.b\",\"value\":{\"boolValue\":true}},{\"key\":\"a_b\","
             "\"value\":{\"intValue\":7}}]}]}}"),
     "{__name__=\"temp_celsius\", a_b=\"true;7\"" ID " 1.5@1000\n" INFO
     "meta temp_celsius 2 'd' 'celsius'\n" INFO_META},
    {"counter with an exemplar",
     REQUEST("{\"name\":\"hits\",\"sum\":{\"isMonotonic\":true,\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"asInt\":\"3\",\"exemplars\":[{" AT ",\"asDouble\":2,\"traceId\":\"0aFF\"}]}]}}"),
     "{__name__=\"hits_total\"" ID " 3@1000\n" INFO "meta hits_total 1 '' ''\n" INFO_META
     "exemplar {__name__=\"hits_total\"" ID " {trace_id=\"0aff\"} 2@1000\n"},
    {"exemplar with what was filtered",
     REQUEST(
         "{\"name\":\"hits\",\"sum\":{\"isMonotonic\":true,\"aggregationTemporality\":2,\"dataPoints\":[{" AT
         ",\"asInt\":\"3\",\"exemplars\":[{" AT
         ",\"asInt\":2,\"filteredAttributes\":[{\"key\":\"a.b\",\"value\":{\"intValue\":1}}],\"spanId\":\"01\"},{" AT
         ",\"spanId\":\"02\",\"filteredAttributes\":[{\"key\":\"long\",\"value\":{\"stringValue\":\"" HUNDRED
         "0123456789abcdef\"}}]}]}]}}"),
     "{__name__=\"hits_total\"" ID " 3@1000\n" INFO "meta hits_total 1 '' ''\n" INFO_META
     "exemplar {__name__=\"hits_total\"" ID " {\"a.b\"=\"1\", span_id=\"01\"} 2@1000\n"
     "exemplar {__name__=\"hits_total\"" ID " {span_id=\"02\"} 0@1000\n"},
    {"delta",
     REQUEST("{\"name\":\"d\",\"sum\":{\"isMonotonic\":true,\"aggregationTemporality\":1,\"dataPoints\":[{" AT "}]}}"),
     "left out 1: metric \"d\" is not cumulative; use the processor deltatocumulative, or set "
     "otlp.allow_delta_temporality\n"},
    {"histogram",
     REQUEST("{\"name\":\"h\",\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"count\":\"6\",\"sum\":7.5,\"bucketCounts\":[\"1\",\"2\",\"3\"],\"explicitBounds\":[0.5,1]}]}}"),
     "{__name__=\"h_seconds_sum\"" ID " 7.5@1000\n{__name__=\"h_seconds_count\"" ID " 6@1000\n"
     "{__name__=\"h_seconds_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"0.5\"} 1@1000\n"
     "{__name__=\"h_seconds_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"1\"} 3@1000\n"
     "{__name__=\"h_seconds_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"+Inf\"} 6@1000\n" INFO
     "meta h_seconds 3 '' 'seconds'\n" INFO_META},
    {"histogram without buckets",
     REQUEST("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"count\":2,\"explicitBounds\":[0.5,1]}]}}"),
     "{__name__=\"h_count\"" ID
     " 2@1000\n{__name__=\"h_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"+Inf\"} 2@1000\n" INFO
     "meta h 3 '' ''\n" INFO_META},
    {"histogram with small and large bounds",
     REQUEST("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"count\":2,\"bucketCounts\":[1,0,1],\"explicitBounds\":[1e-7,1e22]}]}}"),
     "{__name__=\"h_count\"" ID " 2@1000\n"
     "{__name__=\"h_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"0.0000001\"} 1@1000\n"
     "{__name__=\"h_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"10000000000000000000000\"} 1@1000\n"
     "{__name__=\"h_bucket\", instance=\"i1\", job=\"eu/shop\", le=\"+Inf\"} 2@1000\n" INFO
     "meta h 3 '' ''\n" INFO_META},
    {"histogram with too few buckets",
     REQUEST("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"bucketCounts\":[1],\"explicitBounds\":[0.5,1]}]}}"),
     INFO "meta h 3 '' ''\n" INFO_META "left out 1: histogram \"h\" has 1 buckets and 2 bounds\n"},
    {"summary",
     REQUEST("{\"name\":\"s\",\"summary\":{\"dataPoints\":[{" AT
             ",\"count\":2,\"sum\":3,\"quantileValues\":[{\"quantile\":0.5,"
             "\"value\":1}]}]}}"),
     "{__name__=\"s_sum\"" ID " 3@1000\n{__name__=\"s_count\"" ID " 2@1000\n"
     "{__name__=\"s\", instance=\"i1\", job=\"eu/shop\", quantile=\"0.5\"} 1@1000\n" INFO "meta s 5 '' ''\n" INFO_META},
    {"no value", REQUEST("{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" AT ",\"flags\":1}]}}"),
     "{__name__=\"g\"" ID " nan@1000\n" INFO "meta g 2 '' ''\n" INFO_META},
    {"values of all kinds",
     "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" AT
     ",\"asInt\":-1,\"attributes\":[{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"},{"
     "\"doubleValue\":"
     "0.5},{}]}}},{\"key\":\"k\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"y\",\"value\":{\"intValue\":1}}]}}}"
     ",{\"key\":\"z\","
     "\"value\":{\"bytesValue\":\"AQI=\"}}]}]}}]}]}]}",
     "{__name__=\"g\", a=\"[\\\"x\\\",0.5,null]\", k=\"{\\\"y\\\":1}\", z=\"AQI=\"} -1@1000\nmeta g 2 '' ''\n"},
    {"exponential",
     REQUEST("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"startTimeUnixNano\":\"5000000\",\"count\":\"9\",\"sum\":7.5,\"scale\":3,\"zeroCount\":\"2\","
             "\"positive\":{\"offset\":-1,"
             "\"bucketCounts\":[1,0,3]},\"negative\":{\"bucketCounts\":[3]},\"exemplars\":[{" AT
             ",\"asDouble\":2,\"traceId\":\"0aFF\"}]}]}}"),
     "{__name__=\"e\"" ID
     " {\"integer\":true,\"schema\":3,\"count\":9,\"sum\":7.5,\"z_bucket_w\":1e-128,\"z_bucket\":2,"
     "\"buckets\":[[0,1],[2,3]],\"n_buckets\":[[1,3]]}@1000\n" INFO "meta e 3 '' ''\n" INFO_META
     "exemplar {__name__=\"e\"" ID " {trace_id=\"0aff\"} 2@1000\n"},
    {"exponential, too fine",
     REQUEST("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"count\":\"10\",\"scale\":10,\"zeroThreshold\":0.5,\"positive\":{\"offset\":-5,\"bucketCounts\":[1,1,1,"
             "1,1,1,1,1,1,1]"
             "}}]}}"),
     "{__name__=\"e\"" ID " {\"integer\":true,\"schema\":8,\"count\":10,\"sum\":0,\"z_bucket_w\":0.5,"
     "\"buckets\":[[-1,1],[0,4],[1,4],[2,1]]}@1000\n" INFO "meta e 3 '' ''\n" INFO_META},
    {"exponential, too coarse, and too many buckets",
     REQUEST("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"scale\":-5},{" AT ",\"positive\":{\"offset\":2147483647,\"bucketCounts\":[1]}},{" AT
             ",\"flags\":1,\"count\":7}]}}"),
     "{__name__=\"e\"" ID " {\"integer\":true,\"schema\":0,\"count\":0,\"sum\":\"NaN\"}@1000\n" INFO
     "meta e 3 '' ''\n" INFO_META "left out 2: exponential histogram \"e\" has the scale -5; it must be at least -4\n"},
    {"no name", REQUEST("{\"gauge\":{}}"), "left out 1: a metric has no name\n"},
};

static str translate(const char *text, struct arena *arena)
{
    struct writer out = {0};

    must(otlp_json_translate(str_from(text), &out));
    str message = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return message;
}

Test(otlp, cases)
{
    const struct otlp_config config = {0};
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(otlp_decode(translate(cases[i].text, &arena), &config, 150000, &batch));
        str text = batch_print(&batch, &arena);
        cr_expect(str_equal(text, str_from(cases[i].want)), "%s:\n%.*s", cases[i].name, STR_ARG(text));
    }
    write_batch_release(&batch);
    arena_release(&arena);
}

Test(otlp, settings)
{
    static const str promoted[] = {STR("host.name")};
    struct otlp_config config = {.strategy = OTLP_UNCHANGED,
                                 .promoted = promoted,
                                 .promoted_count = 1,
                                 .promotes_scope = true,
                                 .keeps_identifying = true};
    struct write_batch batch = {0};
    struct arena arena = {0};
    const char *two = REQUEST("{\"name\":\"a.b\",\"unit\":\"s\",\"gauge\":{\"dataPoints\":[{" AT
                              ",\"asInt\":1},{\"timeUnixNano\":\"401000000000\",\"asInt\":2}]}}");

    must(otlp_decode(translate(two, &arena), &config, 150000, &batch));
    str text = batch_print(&batch, &arena);
    cr_expect(str_starts_with(text, STR("{__name__=\"a.b\", \"host.name\"=\"h\", instance=\"i1\", job=\"eu/shop\", "
                                        "otel_scope_name=\"lib\", otel_scope_version=\"1\"} 1@1000\n")),
              "%.*s", STR_ARG(text));
    static const char *const parts[] = {"\n{__name__=\"target_info\", \"host.name\"=\"h\", ",
                                        "\"service.name\"=\"shop\"", " 1@1000 1@151000 1@301000 1@401000\n"};
    for (size_t i = 0; i < 3; i++)
        cr_expect(memmem(text.data, text.len, parts[i], strlen(parts[i])), "%s in %.*s", parts[i], STR_ARG(text));
    write_batch_release(&batch);
    arena_release(&arena);
}

/* A scope without a name says nothing; what it is called goes over attributes of the same name. */
Test(otlp, scopes)
{
    static const struct {
        const char *scope, *want;
    } rows[] = {
        {"{\"version\":\"1\",\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":1}}]}",
         "{__name__=\"g\", otel_scope_name=\"own\"} 0@1000\n"},
        {"{\"name\":\"lib\",\"attributes\":[{\"key\":\"a.b\",\"value\":{\"intValue\":1}},{\"key\":\"name\",\"value\":{"
         "\"intValue\":1}}]}",
         "{__name__=\"g\", otel_scope_a_b=\"1\", otel_scope_name=\"lib\", otel_scope_schema_url=\"u\"} 0@1000\n"},
    };
    const struct otlp_config config = {.promotes_scope = true};
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        str text = arena_format(
            &arena,
            "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"scope\":%s,\"schemaUrl\":\"u\",\"metrics\":[{"
            "\"name\":\"g\",\"gauge\":{\"dataPoints\":[{" AT
            ",\"attributes\":[{\"key\":\"otel_scope_name\",\"value\":{\"stringValue\":\"own\"}}]}]}}]}]}]}",
            rows[i].scope);
        must(otlp_decode(translate(text.data, &arena), &config, 150000, &batch));
        text = batch_print(&batch, &arena);
        cr_expect(str_starts_with(text, str_from(rows[i].want)), "%.*s", STR_ARG(text));
    }
    write_batch_release(&batch);
    arena_release(&arena);
}

/* What only the configuration allows. */
static const struct {
    const char *name;
    struct otlp_config config;
    const char *text, *want; /* what it begins with */
} allowed[] = {
    {"custom buckets",
     {.converts_to_custom = true, .strategy = OTLP_ESCAPED_SUFFIXED},
     REQUEST("{\"name\":\"h\",\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"count\":\"4\",\"sum\":7.5,\"bucketCounts\":[\"1\",\"0\",\"3\"],\"explicitBounds\":[0.5,1]}]}}"),
     "{__name__=\"h_seconds\"" ID " {\"integer\":true,\"schema\":-53,\"count\":4,\"sum\":7.5,\"buckets\":[[0,1],[2,3]],"
     "\"custom_values\":[0.5,1]}@1000\n" INFO "meta h_seconds 3 '' 'seconds'\n" INFO_META},
    {"delta",
     {.takes_delta = true},
     REQUEST("{\"name\":\"d\",\"sum\":{\"isMonotonic\":true,\"aggregationTemporality\":1,\"dataPoints\":[{" AT "}]}}"),
     "{__name__=\"d_total\"" ID " 0@1000\n" INFO "meta d_total 0 '' ''\n" INFO_META},
    {"delta histogram",
     {.takes_delta = true},
     REQUEST("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":1,\"dataPoints\":[{" AT "}]}}"),
     "{__name__=\"e\"" ID " {\"integer\":true,\"schema\":0,\"count\":0,\"sum\":0,\"z_bucket_w\":1e-128,"
     "\"counter_reset_hint\":\"gauge\"}@1000\n" INFO "meta e 0 '' ''\n" INFO_META},
    {"neither",
     {.takes_delta = true},
     REQUEST("{\"name\":\"d\",\"sum\":{\"aggregationTemporality\":3,\"dataPoints\":[{" AT "}]}}"),
     "left out 1: metric \"d\" is not cumulative; use the processor deltatocumulative, or set "
     "otlp.allow_delta_temporality\n"},
    {"start times",
     {.keeps_starts = true},
     REQUEST("{\"name\":\"c\",\"sum\":{\"isMonotonic\":true,\"aggregationTemporality\":2,\"dataPoints\":[{" AT
             ",\"startTimeUnixNano\":\"5000000\",\"asInt\":1}]}}"),
     "{__name__=\"c_total\"" ID " 1@1000 since 5\n" INFO "meta c_total 1 '' ''\n" INFO_META},
};

Test(otlp, allowed)
{
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        must(otlp_decode(translate(allowed[i].text, &arena), &allowed[i].config, 150000, &batch));
        str text = batch_print(&batch, &arena);
        cr_expect(str_equal(text, str_from(allowed[i].want)), "%s:\n%.*s", allowed[i].name, STR_ARG(text));
    }
    write_batch_release(&batch);
    arena_release(&arena);
}

/* Every prefix of a message, and every byte changed: an error or a batch, never a crash. */
Test(otlp, damaged_messages)
{
    const struct otlp_config config = {.promotes_scope = true, .promotes_all = true};
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        str message = translate(cases[i].text, &arena);
        for (size_t len = 0; len < message.len; len++) {
            char *copy = memory_alloc(message.len); /* so that reading beyond is seen */
            memcpy(copy, message.data, message.len);
            status s = otlp_decode(str_make(copy + message.len - len, len), &config, 150000, &batch);
            cr_expect(!failed(s) || s.code == STATUS_INVALID);
            copy[len] = (char)(copy[len] ^ 0x55);
            s = otlp_decode(str_make(copy, message.len), &config, 150000, &batch);
            cr_expect(!failed(s) || s.code == STATUS_INVALID);
            free(copy);
        }
    }
    write_batch_release(&batch);
    arena_release(&arena);
}
