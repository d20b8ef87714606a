#include "http/otlp_names.h"
#include "tests/support/test.h"

static const struct {
    const char *name, *unit;
    enum otlp_kind kind;
    const char *names[OTLP_STRATEGY_COUNT]; /* by strategy */
} metrics[] = {
    {"http.server.duration",
     "ms",
     OTLP_HISTOGRAM,
     {"http_server_duration_milliseconds", "http_server_duration", "http.server.duration_milliseconds",
      "http.server.duration"}},
    {"requests", "1", OTLP_COUNTER, {"requests_total", "requests", "requests_total", "requests"}},
    {"requests_total", "", OTLP_COUNTER, {"requests_total", "requests_total", "requests_total", "requests_total"}},
    {"total.requests",
     "{requests}",
     OTLP_COUNTER,
     {"requests_total", "total_requests", "total.requests_total", "total.requests"}},
    {"cpu.utilization",
     "1",
     OTLP_GAUGE,
     {"cpu_utilization_ratio", "cpu_utilization", "cpu.utilization_ratio", "cpu.utilization"}},
    {"speed", "m/s", OTLP_GAUGE, {"speed_meters_per_second", "speed", "speed_meters_per_second", "speed"}},
    {"memory.bytes", "By", OTLP_GAUGE, {"memory_bytes", "memory_bytes", "memory.bytes", "memory.bytes"}},
    {"1st", "", OTLP_GAUGE, {"_1st", "_1st", "1st", "1st"}},
    {"a__b", "%", OTLP_SUM, {"a_b_percent", "a__b", "a__b_percent", "a__b"}},
    {"x", "By/s", OTLP_COUNTER, {"x_bytes_per_second_total", "x", "x_bytes_per_second_total", "x"}},
    /* what is there already */
    {"cpu.seconds_total",
     "s",
     OTLP_COUNTER,
     {"cpu_seconds_total", "cpu_seconds_total", "cpu.seconds_total", "cpu.seconds_total"}},
    {"x.bytes", "By/s", OTLP_GAUGE, {"x_bytes_per_second", "x_bytes", "x.bytes_per_second", "x.bytes"}},
    {"x_bytes_per_second",
     "By/s",
     OTLP_GAUGE,
     {"x_bytes_per_second_per_second", "x_bytes_per_second", "x_bytes_per_second", "x_bytes_per_second"}},
    {"unit.custom",
     "custom_unit",
     OTLP_SUM,
     {"unit_custom_custom_unit", "unit_custom", "unit.custom_custom_unit", "unit.custom"}},
    {"ratio", "1", OTLP_GAUGE, {"ratio", "ratio", "ratio_ratio", "ratio"}},
    {"subtotal", "", OTLP_COUNTER, {"subtotal_total", "subtotal", "su_total", "subtotal"}},
    {"x", " By / s ", OTLP_GAUGE, {"x_bytes_per_second", "x", "x_bytes_per_second", "x"}},
    {"x", "u@v/w#", OTLP_GAUGE, {"x_u_v_per_w", "x", "x_u@v_per_w#", "x"}},
    {"x", "By/{r}", OTLP_GAUGE, {"x_bytes", "x", "x_bytes", "x"}},
};

Test(otlp_names, metrics)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        for (int strategy = 0; strategy < OTLP_STRATEGY_COUNT; strategy++) {
            str name = otlp_metric_name(str_from(metrics[i].name), str_from(metrics[i].unit), metrics[i].kind,
                                        (enum otlp_strategy)strategy, &arena);
            cr_expect(str_equal(name, str_from(metrics[i].names[strategy])), "%s by %d: %.*s", metrics[i].name,
                      strategy, STR_ARG(name));
        }
    }
    arena_release(&arena);
}

Test(otlp_names, labels)
{
    static const char *const names[][2] = {{"http.method", "http_method"},
                                           {"1a", "key_1a"},
                                           {"_a", "key_a"},
                                           {"__a", "__a"},
                                           {"a-b.c", "a_b_c"},
                                           {"a..b", "a__b"},
                                           {"\xC3\xA4", "key_"},
                                           {"plain", "plain"}};
    const struct otlp_config escaped = {.strategy = OTLP_ESCAPED_SUFFIXED}, unchanged = {.strategy = OTLP_UNCHANGED};
    const struct otlp_config other = {.collapses_underscores = true, .keeps_leading_underscore = true};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        str name = otlp_label_name(str_from(names[i][0]), &escaped, &arena);
        cr_expect(str_equal(name, str_from(names[i][1])), "%s: %.*s", names[i][0], STR_ARG(name));
        name = otlp_label_name(str_from(names[i][0]), &unchanged, &arena);
        cr_expect(str_equal(name, str_from(names[i][0])));
    }
    cr_expect(str_equal(otlp_label_name(STR("__a..b"), &other, &arena), STR("_a_b")));
    arena_release(&arena);
}
