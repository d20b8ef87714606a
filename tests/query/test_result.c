/* Results: the order of series, gaps, empty rows. */
#include "tests/query/fixture.h"

Test(result, matrices_are_sorted_by_labels)
{
    static const struct fixture_case cases[] = {
        {"{__name__=~\".+\"}", 0, 10000, 10000,
         "{__name__=\"a\", b=\"1\"} 1@0\n"
         "{__name__=\"a\", b=\"1\", c=\"1\"} 2@0 2@10\n"
         "{__name__=\"a\", b=\"10\"} 3@0 3@10\n"
         "{__name__=\"a\", b=\"2\"} 4@0\n"
         "{__name__=\"a\", c=\"\xc3\xa4\"} 5@10\n"
         "{__name__=\"a\xc3\xa4\", c=\"1\"} 6@0 6@10\n"},
        {"{__name__=~\".+\"} > 2 < 6", 0, 10000, 10000,
         "{__name__=\"a\", b=\"10\"} 3@0 3@10\n"
         "{__name__=\"a\", b=\"2\"} 4@0\n"
         "{__name__=\"a\", c=\"\xc3\xa4\"} 5@10\n"},
        {"a[10s]", 10000, 0, 0,
         "{__name__=\"a\", b=\"1\", c=\"1\"} 2@10\n"
         "{__name__=\"a\", b=\"10\"} 3@10\n"
         "{__name__=\"a\", c=\"\xc3\xa4\"} 5@10\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000,
                 "{\"a\xc3\xa4\",c=\"1\"} 6 6\n"
                 "a{b=\"2\"} 4 stale\n"
                 "a{c=\"\xc3\xa4\"} _ 5\n"
                 "a{b=\"10\"} 3 3\n"
                 "a{b=\"1\",c=\"1\"} 2 2\n"
                 "a{b=\"1\"} 1 stale\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
