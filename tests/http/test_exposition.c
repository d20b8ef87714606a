#include "http/exposition.h"
#include "tests/support/test.h"

#define TEST_METRICS(X)                                                   \
    X(COUNTER, test_counter_a, "test_total", "kind=\"a\"", "Things.")     \
    X(COUNTER, test_counter_b, "test_total", "kind=\"b\"", "Things.")     \
    X(GAUGE, test_gauge, "test_gauge", "", "A level.")                    \
    X(SECONDS, test_seconds, "test_seconds", "route=\"x\"", "Durations.") \
    X(BYTES, test_bytes, "test_bytes", "", "Sizes.")

METRICS_DECLARE(TEST_METRICS, test_metrics)
METRICS_DEFINE(TEST_METRICS, test_metrics)

static const char text[] =
    "# HELP test_total Things.\n# TYPE test_total counter\n"
    "test_total{kind=\"a\"} 5\ntest_total{kind=\"b\"} 0\n"
    "# HELP test_gauge A level.\n# TYPE test_gauge gauge\ntest_gauge -3\n"
    "# HELP test_seconds Durations.\n# TYPE test_seconds histogram\n"
    "test_seconds_bucket{route=\"x\",le=\"1e-05\"} 0\ntest_seconds_bucket{route=\"x\",le=\"3e-05\"} 0\n"
    "test_seconds_bucket{route=\"x\",le=\"0.0001\"} 0\ntest_seconds_bucket{route=\"x\",le=\"0.0003\"} 0\n"
    "test_seconds_bucket{route=\"x\",le=\"0.001\"} 1\ntest_seconds_bucket{route=\"x\",le=\"0.003\"} 2\n"
    "test_seconds_bucket{route=\"x\",le=\"0.01\"} 2\ntest_seconds_bucket{route=\"x\",le=\"0.03\"} 2\n"
    "test_seconds_bucket{route=\"x\",le=\"0.1\"} 2\ntest_seconds_bucket{route=\"x\",le=\"0.3\"} 2\n"
    "test_seconds_bucket{route=\"x\",le=\"1\"} 2\ntest_seconds_bucket{route=\"x\",le=\"3\"} 2\n"
    "test_seconds_bucket{route=\"x\",le=\"10\"} 2\ntest_seconds_bucket{route=\"x\",le=\"30\"} 2\n"
    "test_seconds_bucket{route=\"x\",le=\"100\"} 2\ntest_seconds_bucket{route=\"x\",le=\"+Inf\"} 3\n"
    "test_seconds_sum{route=\"x\"} 200.003\ntest_seconds_count{route=\"x\"} 3\n"
    "# HELP test_bytes Sizes.\n# TYPE test_bytes histogram\n"
    "test_bytes_bucket{le=\"256\"} 0\ntest_bytes_bucket{le=\"1024\"} 1\n";

Test(exposition, lists)
{
    struct writer w = {0};

    metric_add(&metric_test_counter_a, 5);
    metric_set(&metric_test_gauge, -3);
    metric_observe(&metric_test_seconds, 1000000);
    metric_observe(&metric_test_seconds, 2000000);
    metric_observe(&metric_test_seconds, 200000000000);
    metric_observe(&metric_test_bytes, 1000);
    exposition_write_list(&w, &test_metrics);
    str got = str_make((const char *)w.data, w.count);
    cr_expect(str_starts_with(got, str_from(text)), "%.*s", STR_ARG(got));
    cr_expect(str_ends_with(got, STR("test_bytes_bucket{le=\"1073741824\"} 1\ntest_bytes_bucket{le=\"+Inf\"} 1\n"
                                     "test_bytes_sum 1000\ntest_bytes_count 1\n")));
    writer_release(&w);
}

Test(exposition, values)
{
    struct writer w = {0};

    exposition_write_value(&w, "gauge", "x", "a=\"1\"", "Help.", 0.5);
    exposition_write_value(&w, "counter", "y", "", "More.", 1e21);
    cr_expect(str_equal(str_make((const char *)w.data, w.count), STR("# HELP x Help.\n# TYPE x gauge\nx{a=\"1\"} 0.5\n"
                                                                     "# HELP y More.\n# TYPE y counter\ny 1e+21\n")));
    writer_release(&w);
}
