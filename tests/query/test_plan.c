/* Plans: grids of subqueries, which are absolute multiples of their step, and times that are fixed. */
#include "tests/query/fixture.h"

Test(plan, grids_of_subqueries)
{
    static const struct fixture_case cases[] = {
        {"vector(time())[30s:10s]", 35000, 0, 0, "{} 10@10 20@20 30@30\n"},
        {"vector(time())[30s:10s]", 40000, 0, 0, "{} 20@20 30@30 40@40\n"},
        {"vector(time())[30s:10s] offset 5s", 40000, 0, 0, "{} 10@10 20@20 30@30\n"},
        {"vector(time())[30s:10s] @ 100", 0, 0, 0, "{} 80@80 90@90 100@100\n"},
        {"vector(time())[30s:10s]", -35000, 0, 0, "{} -60@-60 -50@-50 -40@-40\n"},
        {"vector(time())[2m:]", 130000, 0, 0, "{} 60@60 120@120\n"},
        {"vector(time())[5s:10s]", 39000, 0, 0, ""},
        {"count_over_time(vector(1)[5s:10s])", 39000, 0, 0, ""},
        {"sum_over_time(vector(time())[25s:10s])", 0, 30000, 10000, "{} -30@0 0@10 30@20 60@30\n"},
        {"sum_over_time(vector(time())[20s:10s] @ end())", 0, 30000, 10000, "{} 50@0 50@10 50@20 50@30\n"},
        {"max_over_time(sum_over_time(vector(time())[20s:10s])[30s:15s])", 60000, 0, 0, "{} 110@60\n"},
        {"sum_over_time((vector(1) + start())[20s:10s])", 7000, 0, 0, "{} 16@7\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXPERIMENTAL_FUNCTIONS);
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
