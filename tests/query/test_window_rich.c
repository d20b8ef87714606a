/* Windows over histograms, and over histograms and floats together. */
#include "query/window_rich.h"

#include "tests/query/fixture.h"

Test(window_rich, functions)
{
    static const struct fixture_case cases[] = {
        {"sum_over_time(h[30s])", 20000, 0, 0, "{} {count:9, sum:9, (0.5,1]:3, (1,2]:6}@20\n"},
        {"avg_over_time(h[30s])", 20000, 0, 0, "{} {count:3, sum:3, (0.5,1]:1, (1,2]:2}@20\n"},
        {"first_over_time(h[30s])", 20000, 0, 0, "{__name__=\"h\"} {count:2, sum:2, (1,2]:2}@20\n"},
        {"last_over_time(h[30s])", 20000, 0, 0, "{__name__=\"h\"} {count:4, sum:4, (0.5,1]:2, (1,2]:2}@20\n"},
        {"count_over_time(m[40s])", 30000, 0, 0, "{} 4@30\n"},
        {"present_over_time(m[40s])", 30000, 0, 0, "{} 1@30\n"},
        {"changes(m[40s])", 30000, 0, 0, "{} 3@30\n"},
        {"changes(h[30s])", 20000, 0, 0, "{} 2@20\n"},
        {"resets(m[40s])", 30000, 0, 0, "{} 3@30\n"},
        {"resets(r[30s])", 20000, 0, 0, "{} 1@20\n"},
        {"max_over_time(m[40s])", 30000, 0, 0,
         "{} 7@30\n"
         "info PromQL info: ignored histograms in a range containing both floats and histograms for metric name \"m\" "
         "(1:15)\n"},
        {"max_over_time(h[40s])", 30000, 0, 0, ""},
        {"sum_over_time(m[40s])", 30000, 0, 0,
         "warning PromQL warning: encountered a mix of histograms and floats for metric name \"m\" (1:15)\n"},
        {"sum_over_time(c[40s])", 30000, 0, 0,
         "warning PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for "
         "metric name \"c\" (1:15)\n"},
        {"sum_over_time(m[10s])", 0, 30000, 10000,
         "{} 1@0 {count:1, sum:1, (0.5,1]:1}@10 7@20 {count:1, sum:1, (0.5,1]:1}@30\n"},
        {"sum_over_time(h[20s:10s])", 20000, 0, 0, "{} {count:7, sum:7, (0.5,1]:3, (1,2]:4}@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, "h h0,2 h1,2 h2,2\nm 1 h1 7 h1\nr h5 h1 h2\nc h1 c1,2\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
