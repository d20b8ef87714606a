/* Parts that do not change from step to step. */
#include "tests/query/fixture.h"

Test(repeat, evaluated_once)
{
    static const struct fixture_case cases[] = {
        {"b @ 20", 0, 60000, 20000,
         "{__name__=\"b\", x=\"1\"} 2@0 2@20 2@40 2@60\n"
         "{__name__=\"b\", x=\"3\"} 7@0 7@20 7@40 7@60\n"},
        {"sum(a @ 20)", 0, 60000, 20000, "{} 33@0 33@20 33@40 33@60\n"},
        {"a - on(x) a @ 0", 0, 60000, 20000,
         "{x=\"1\"} 0@0 2@20 4@40 5@60\n"
         "{x=\"2\"} 0@0 20@20 60@60\n"},
        {"timestamp(a @ 20)", 0, 60000, 20000,
         "{x=\"1\"} 20@0 20@20 20@40 20@60\n"
         "{x=\"2\"} 20@0 20@20 20@40 20@60\n"},
        {"timestamp(abs(a{x=\"1\"} @ 20))", 0, 60000, 20000, "{x=\"1\"} 0@0 20@20 40@40 60@60\n"},
        {"topk(scalar(a{x=\"1\"}), b @ 20)", 0, 60000, 20000, "{__name__=\"b\", x=\"3\"} 7@0 7@20 7@40 7@60\n"},
        {"rate(a[30s] @ 30)", 0, 60000, 20000,
         "{x=\"1\"} 0.1@0 0.1@20 0.1@40 0.1@60\n"
         "{x=\"2\"} 0.5@0 0.5@20 0.5@40 0.5@60\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:6)\n"},
        {"sum_over_time((b @ 20)[20s:10s])", 0, 60000, 20000,
         "{x=\"1\"} 4@0 4@20 4@40 4@60\n"
         "{x=\"3\"} 14@0 14@20 14@40 14@60\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
