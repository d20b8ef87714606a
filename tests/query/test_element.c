/* Operators between single elements: which go together, what comes of them. */
#include "query/element.h"

#include "tests/query/fixture.h"

Test(element, kinds_that_go_together)
{
    static const struct fixture_case cases[] = {
        {"h + h", 0, 0, 0, "{} {count:6, sum:6, (0.5,1]:2, (1,2]:4}@0\n"},
        {"h - g", 0, 0, 0, "{} {count:1, sum:1, (1,2]:1}@0\n"},
        {"h * 2", 0, 0, 0, "{} {count:6, sum:6, (0.5,1]:2, (1,2]:4}@0\n"},
        {"2 * h", 0, 0, 0, "{} {count:6, sum:6, (0.5,1]:2, (1,2]:4}@0\n"},
        {"h * f", 0, 0, 0, "{} {count:15, sum:15, (0.5,1]:5, (1,2]:10}@0\n"},
        {"h / 2", 0, 0, 0, "{} {count:1.5, sum:1.5, (0.5,1]:0.5, (1,2]:1}@0\n"},
        {"h / 0", 0, 0, 0, "{} {count:+Inf, sum:+Inf, [-0,0]:NaN}@0\n"},
        {"-h", 0, 0, 0, "{} {count:-3, sum:-3, (0.5,1]:-1, (1,2]:-2}@0\n"},
        {"h == h", 0, 0, 0, "{__name__=\"h\"} {count:3, sum:3, (0.5,1]:1, (1,2]:2}@0\n"},
        {"h != h", 0, 0, 0, ""},
        {"h == bool g", 0, 0, 0, "{} 0@0\n"},
        {"h != bool g", 0, 0, 0, "{} 1@0\n"},
        {"h </ 1", 0, 0, 0, "{__name__=\"h\"} {count:1, sum:0.7071067811865476, (0.5,1]:1}@0\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 1000, "h h1,2\ng h1,1\nf 5\nc c1,2\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

Test(element, kinds_that_do_not)
{
    static const struct fixture_case cases[] = {
        {"h + 1", 0, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \"+\": histogram + float "
         "(1:1)\n"},
        {"1 / h", 0, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \"/\": float / histogram "
         "(1:1)\n"},
        {"h * h", 0, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \"*\": histogram * histogram "
         "(1:1)\n"},
        {"h > 1", 0, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \">\": histogram > float "
         "(1:1)\n"},
        {"f </ 1", 0, 0, 0,
         "info PromQL info: incompatible sample types encountered for binary operator \"</\": float </ float (1:1)\n"},
        {"h + c", 0, 0, 0,
         "warning PromQL warning: incompatible bucket layout encountered for binary operator + (1:1)\n"},
        {"c + d", 0, 0, 0,
         "{} {count:4, sum:4, [-Inf,1]:2, (1,+Inf]:2}@0\n"
         "info PromQL info: mismatched custom buckets were reconciled during addition (1:1)\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 1000, "h h1,2\nf 5\nc c1,1\nd c1,0,1\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}

/* Partners may be absent, floats or histograms from step to step. */
Test(element, along_a_range)
{
    static const struct fixture_case cases[] = {
        {"a * b", 0, 40000, 10000,
         "{} 2@0 {count:6, sum:6, (0.5,1]:6}@10 {count:9, sum:9, (0.5,1]:9}@20\n"
         "info PromQL info: incompatible sample types encountered for binary operator \"*\": histogram * histogram "
         "(1:1)\n"},
        {"a * on() group_left b", 0, 20000, 10000,
         "{} 2@0 {count:6, sum:6, (0.5,1]:6}@10 {count:9, sum:9, (0.5,1]:9}@20\n"},
    };
    struct fixture fixture;

    fixture_open(&fixture, 2, 0);
    fixture_load(&fixture, 10000, "a 1 2 h3 h1 stale\nb 2 h3 3 h1 1\n");
    FIXTURE_CHECK(&fixture, cases);
    fixture_close(&fixture);
}
