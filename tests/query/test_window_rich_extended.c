/* anchored and smoothed windows over histograms. */
#include "query/window_rich.h"

#include "tests/query/fixture.h"

Test(window_rich_extended, functions)
{
    static const struct fixture_case cases[] = {
        {"increase(h[20s] anchored)", 30000, 0, 0, "{} {count:4, sum:4, (0.5,1]:2, (1,2]:2}@30\n"},
        {"increase(h[20s] smoothed)", 25000, 0, 0, "{} {count:4, sum:4, (0.5,1]:2, (1,2]:2}@25\n"},
        {"rate(h[20s] smoothed)", 25000, 0, 0, "{} {count:0.2, sum:0.2, (0.5,1]:0.1, (1,2]:0.1}@25\n"},
        {"increase(r[20s] anchored)", 30000, 0, 0, "{} {count:3, sum:3, (0.5,1]:3}@30\n"},
        {"delta(g[20s] anchored)", 30000, 0, 0, "{} {count:-2, sum:-2, (0.5,1]:-2}@30\n"},
        {"changes(h[20s] anchored)", 30000, 0, 0, "{} 2@30\n"},
        {"resets(r[20s] anchored)", 30000, 0, 0, "{} 1@30\n"},
        {"h smoothed", 15000, 0, 0, "{__name__=\"h\"} {count:5, sum:5, (0.5,1]:2.5, (1,2]:2.5}@15\n"},
        {"h smoothed", 40000, 0, 0, "{__name__=\"h\"} {count:8, sum:8, (0.5,1]:4, (1,2]:4}@40\n"},
        {"m smoothed", 5000, 0, 0,
         "warning PromQL warning: encountered a mix of histograms and floats for metric name \"m\" (1:1)\n"},
        {"increase(late[20s] anchored)", 40000, 0, 0,
         "warning PromQL warning: encountered a mix of histograms and floats for metric name \"late\" (1:10)\n"},
        {"delta(late[10s] smoothed)", 30000, 0, 0,
         "warning PromQL warning: encountered a mix of histograms and floats for metric name \"late\" (1:7)\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, FEATURE_EXTENDED_RANGE_SELECTORS);
    fixture_load(&fixture, 10000, "h h1,1 h2,2 h3,3 h4,4\nr h1 h2 h1 h3\ng g4 g3 g2 g1\nm 1 h1\nlate 1 h1 h2 h3 h4\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
