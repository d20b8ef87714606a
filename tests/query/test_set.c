/* Set operators. */
#include "tests/query/fixture.h"

Test(set, by_signature)
{
    static const struct fixture_case cases[] = {
        {"a and b", 50000, 0, 0, "{__name__=\"a\", x=\"1\"} 6@50\n"},
        {"a or b", 50000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 6@50\n"
         "{__name__=\"b\", x=\"3\"} 7@50\n"},
        {"a unless b", 20000, 0, 0, "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"a or on() b", 0, 60000, 20000,
         "{__name__=\"a\", x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{__name__=\"a\", x=\"2\"} 10@0 30@20 70@60\n"},
        {"a and on() c", 0, 60000, 20000,
         "{__name__=\"a\", x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{__name__=\"a\", x=\"2\"} 10@0 30@20 70@60\n"},
        {"a unless on() c", 0, 60000, 20000, ""},
        {"a{x=\"2\"} or a", 0, 60000, 20000,
         "{__name__=\"a\", x=\"1\"} 1@0 3@20 5@40 6@60\n"
         "{__name__=\"a\", x=\"2\"} 10@0 30@20 70@60\n"},
        {"b and a{x=\"2\"}", 0, 60000, 20000, ""},
        {"c or on(x) b", 0, 60000, 20000,
         "{__name__=\"b\", x=\"3\"} 7@0 7@20 7@40 7@60\n"
         "{__name__=\"c\", x=\"1\", y=\"p\"} 1@0 1@20 1@40 1@60\n"
         "{__name__=\"c\", x=\"1\", y=\"q\"} 5@0 5@20 5@40 5@60\n"},
        {"a and nothing", 20000, 0, 0, ""},
        {"nothing or a", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"a unless nothing", 20000, 0, 0,
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
        {"vector(1) or a", 20000, 0, 0,
         "{} 1@20\n"
         "{__name__=\"a\", x=\"1\"} 3@20\n"
         "{__name__=\"a\", x=\"2\"} 30@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, fixture_series);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
