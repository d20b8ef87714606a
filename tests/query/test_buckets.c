/* Quantiles of classic histograms. */
#include "tests/query/fixture.h"

static const char bucket_series[] = "h_bucket{le=\"1\",i=\"a\"} 1 2 4\n"
                                    "h_bucket{le=\"2\",i=\"a\"} 3 6 8\n"
                                    "h_bucket{le=\"+Inf\",i=\"a\"} 4 8 8\n"
                                    "h_bucket{le=\"1\",i=\"b\"} 5 5 5\n"
                                    "h_bucket{le=\"2\",i=\"b\"} 4 4 4\n"
                                    "h_bucket{le=\"+Inf\",i=\"b\"} 10 10 10\n"
                                    "h_bucket{le=\"x\",i=\"c\"} 1 1 1\n"
                                    "k_bucket{le=\"1\",i=\"a\"} 1 1 1\n"
                                    "k_bucket{le=\"+Inf\",i=\"a\"} 1 1 1\n";

Test(buckets, groups)
{
    static const struct fixture_case cases[] = {
        {"histogram_quantile(0.5, h_bucket{i=\"a\"})", 20000, 0, 0, "{i=\"a\"} 1@20\n"},
        {"histogram_quantile(0.5, h_bucket{i=\"b\"})", 20000, 0, 0,
         "{i=\"b\"} 1@20\n"
         "info PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
         "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from buckets 2 to 2, "
         "with a max diff of 1, over 1 samples from 1970-01-01T00:00:20Z to 1970-01-01T00:00:20Z (1:25)\n"},
        {"histogram_quantile(2, k_bucket)", 20000, 0, 0,
         "{i=\"a\"} +Inf@20\n"
         "warning PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)\n"},
        {"histogram_quantile(0.9, h_bucket{i=\"c\"})", 20000, 0, 0,
         "warning PromQL warning: bucket label \"le\" is missing or has a malformed value of \"x\" (1:25)\n"},
        {"histogram_quantile(0.5, {__name__=~\".*_bucket\",i=\"a\"})", 20000, 0, 0,
         "error vector cannot contain metrics with the same labelset\n"},
        {"histogram_quantile(time() / 20, h_bucket{i=\"a\"})", 0, 20000, 10000, "{i=\"a\"} 0@0 1.5@10 2@20\n"},
        {"histogram_quantile(0.5, h_bucket{i=\"b\"})", 0, 20000, 10000,
         "{i=\"b\"} 1@0 1@10 1@20\n"
         "info PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
         "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), from buckets 2 to 2, "
         "with a max diff of 1, over 3 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:00:20Z (1:25)\n"},
        {"histogram_fraction(0, 1, h_bucket{i=\"a\"})", 20000, 0, 0, "{i=\"a\"} 0.5@20\n"},
        {"histogram_quantiles(h_bucket{i=\"a\"}, \"q\", 0.25, 1, NaN)", 20000, 0, 0,
         "{i=\"a\", q=\"0.25\"} 0.5@20\n"
         "{i=\"a\", q=\"1.0\"} 2@20\n"
         "{i=\"a\", q=\"NaN\"} NaN@20\n"
         "warning PromQL warning: quantile value should be between 0 and 1, got NaN (1:52)\n"},
        {"histogram_quantiles(h_bucket{i=\"a\"}, \"q\", 0.5, 0.5)", 20000, 0, 0,
         "error vector cannot contain metrics with the same labelset\n"},
        {"histogram_quantile(0.5, nothing)", 20000, 0, 0, ""},
        {"histogram_quantile(-1, nothing)", 20000, 0, 0,
         "warning PromQL warning: quantile value should be between 0 and 1, got -1 (1:20)\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000, bucket_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(buckets, names_in_messages)
{
    static const struct fixture_case cases[] = {
        {"histogram_quantile(0.5, h_bucket{i=\"b\"})", 20000, 0, 0,
         "{i=\"b\"} 1@20\n"
         "info PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
         "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name "
         "\"h_bucket\", from buckets 2 to 2, with a max diff of 1, over 1 samples from 1970-01-01T00:00:20Z to "
         "1970-01-01T00:00:20Z (1:25)\n"},
        {"histogram_quantile(0.9, h_bucket{i=\"c\"})", 20000, 0, 0,
         "warning PromQL warning: bucket label \"le\" is missing or has a malformed value of \"x\" for metric name "
         "\"h_bucket\" (1:25)\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_DELAYED_NAME_REMOVAL);
    fixture_load(&fixture, 10000, bucket_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
