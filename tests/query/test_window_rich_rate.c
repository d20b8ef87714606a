/* rate and its kin over histograms. */
#include "query/window_rich.h"

#include "tests/query/fixture.h"

Test(window_rich_rate, functions)
{
    static const struct fixture_case cases[] = {
        {"increase(h[30s])", 30000, 0, 0, "{} {count:6, sum:6, (0.5,1]:3, (1,2]:3}@30\n"},
        {"rate(h[30s])", 30000, 0, 0, "{} {count:0.2, sum:0.2, (0.5,1]:0.1, (1,2]:0.1}@30\n"},
        {"irate(h[30s])", 30000, 0, 0, "{} {count:0.2, sum:0.2, (0.5,1]:0.1, (1,2]:0.1}@30\n"},
        {"increase(r[30s])", 30000, 0, 0, "{} {count:4.5, sum:4.5, (0.5,1]:4.5}@30\n"},
        {"delta(g[30s])", 30000, 0, 0, "{} {count:-3, sum:-3, (0.5,1]:-3}@30\n"},
        {"idelta(g[30s])", 30000, 0, 0, "{} {count:-1, sum:-1, (0.5,1]:-1}@30\n"},
        {"rate(g[30s])", 30000, 0, 0,
         "{} {count:0.15000000000000002, sum:0.15000000000000002, (0.5,1]:0.15000000000000002}@30\n"
         "warning PromQL warning: this native histogram metric is not a counter: \"g\" (1:6)\n"},
        {"delta(h[30s])", 30000, 0, 0,
         "{} {count:6, sum:6, (0.5,1]:3, (1,2]:3}@30\n"
         "warning PromQL warning: this native histogram metric is not a gauge: \"h\" (1:7)\n"},
        {"increase(h[5s])", 30000, 0, 0, ""},
        {"histogram_count(increase(h[30s]))", 30000, 0, 0, "{} 6@30\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, "h h1,1 h2,2 h3,3 h4,4\nr h1 h2 h1 h3\ng g4 g3 g2 g1\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
