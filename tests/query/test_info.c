/* info(). */
#include "tests/query/fixture.h"

Test(info, labels_are_added)
{
    static const struct fixture_case cases[] = {
        {"info(m)", 0, 20000, 10000,
         "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\", ver=\"1\"} 1@0 2@10\n"
         "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\", ver=\"2\"} 3@20\n"
         "{__name__=\"m\", instance=\"i2\", job=\"j\"} 4@0 5@10 6@20\n"},
        {"info(m, {__name__=\"build_info\"})", 0, 0, 0,
         "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\"} 1@0\n"
         "{__name__=\"m\", instance=\"i2\", job=\"j\", rev=\"r\"} 4@0\n"},
        {"info(m, {__name__=~\".*_info\"})", 0, 0, 0,
         "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\", ver=\"1\"} 1@0\n"
         "{__name__=\"m\", instance=\"i2\", job=\"j\", rev=\"r\"} 4@0\n"},
        {"info(m, {ver=\"1\"})", 0, 0, 0, "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\", ver=\"1\"} 1@0\n"},
        {"info(m, {ver=~\".*\"})", 0, 0, 0,
         "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\", ver=\"1\"} 1@0\n"
         "{__name__=\"m\", instance=\"i2\", job=\"j\"} 4@0\n"},
        {"info(m, {nope=\"1\"})", 0, 0, 0, ""},
        {"info(build_info, {__name__=\"build_info\"})", 0, 0, 0,
         "{__name__=\"build_info\", instance=\"i2\", job=\"j\", rev=\"r\"} 1@0\n"},
        {"info(m offset 10s)", 20000, 0, 0,
         "{__name__=\"m\", instance=\"i1\", job=\"j\", k=\"v\", ver=\"1\"} 2@20\n"
         "{__name__=\"m\", instance=\"i2\", job=\"j\"} 5@20\n"},
        {"info(sum by (x) (m))", 0, 0, 0, "{} 5@0\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    fixture_load(&fixture, 10000,
                 "m{instance=\"i1\",job=\"j\",k=\"v\"} 1 2 3\n"
                 "m{instance=\"i2\",job=\"j\"} 4 5 6\n"
                 "target_info{instance=\"i1\",job=\"j\",ver=\"1\"} 1 1 stale\n"
                 "target_info{instance=\"i1\",job=\"j\",ver=\"2\"} _ _ 1\n"
                 "build_info{instance=\"i2\",job=\"j\",rev=\"r\"} 1 1 1\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
