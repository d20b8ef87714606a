/* Rows that become the same when their names go. */
#include "tests/query/fixture.h"

Test(merge, at_once)
{
    static const struct fixture_case cases[] = {
        {"{__name__=~\"a|b\"} + 0", 20000, 0, 0, "error vector cannot contain metrics with the same labelset\n"},
        {"-{__name__=~\"a|b\"}", 20000, 0, 0, "error vector cannot contain metrics with the same labelset\n"},
        {"rate({__name__=~\"a|b\"}[30s])", 0, 60000, 20000,
         "error vector cannot contain metrics with the same labelset\n"},
        {"abs({__name__=~\"a|c\"})", 0, 60000, 20000,
         "{x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{x=\"1\", y=\"p\"} 1@0 1@20 1@40 1@60\n"
         "{x=\"1\", y=\"q\"} 5@0 5@20 5@40 5@60\n"
         "{x=\"2\"} 10@0 30@20 70@60\n"},
        {"abs({__name__=~\"a|b\",x!=\"1\"})", 0, 60000, 20000,
         "{x=\"2\"} 10@0 30@20 70@60\n"
         "{x=\"3\"} 7@0 7@20 7@40 7@60\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(merge, at_the_end)
{
    static const struct fixture_case cases[] = {
        {"{__name__=~\"a|b\"} + 0", 20000, 0, 0, "error vector cannot contain metrics with the same labelset\n"},
        {"rate({__name__=~\"a|b\",x!=\"1\"}[30s])", 0, 60000, 20000,
         "{x=\"2\"} 1@20 1@40\n"
         "{x=\"3\"} 0@20 0@40 0@60\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" "
         "(1:6)\n"
         "info PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"b\" "
         "(1:6)\n"},
        {"-{__name__=~\"a|b\"}", 0, 60000, 20000, "error vector cannot contain metrics with the same labelset\n"},
        {"sum({__name__=~\"a|b\"} + 0)", 20000, 0, 0, "{} 42@20\n"},
        {"-a", 20000, 0, 0,
         "{x=\"1\"} -3@20\n"
         "{x=\"2\"} -30@20\n"},
        {"(a{x=\"2\"} and on() c) + 0 or (b{x=\"3\"} unless on() c) * 2", 0, 60000, 20000,
         "{x=\"2\"} 10@0 30@20 70@60\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_DELAYED_NAME_REMOVAL);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(merge, at_different_steps)
{
    static const struct fixture_case cases[] = {
        {"abs(last_over_time({__name__=~\"a|b\"}[5s]))", 0, 20000, 10000, "{x=\"1\"} 1@0 2@10 3@20\n"},
        {"last_over_time({__name__=~\"a|b\"}[5s]) * 2", 0, 20000, 10000, "{x=\"1\"} 2@0 4@10 6@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000,
                 "a{x=\"1\"} 1 _ 3\n"
                 "b{x=\"1\"} _ 2 _\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
