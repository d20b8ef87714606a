/* varve query. */
#include "tests/http/command.h"

#define ON "query instant --storage.tsdb.path=data --time=4 "

static const struct command_case cases[] = {
    {"query", 1, "varve: say query instant or query range; see varve help query\n"},
    {"query instant", 1, "varve: query takes one expression, in quotes\n"},
    {"query instant --storage.tsdb.path=missing up", 1, "varve: missing: No such file or directory\n"},
    {ON "'sort(up)'", 0, "up{job=\"a \\\"b\\\"\"} => 2.5 @[4]\nup{job=\"c\"} => 4 @[4]\n"},
    {"query instant --storage.tsdb.path=data --time=4.5 'vector(1)'", 0, "{} => 1 @[4.5]\n"},
    {ON "'{job=\"c\",__name__=~\"d.*\"}'", 0, "{\"dotted.name\", job=\"c\"} => 1.0000001 @[4]\n"},
    {ON "'quantile(2, up)'", 0,
     "{} => +Inf @[4]\nwarning: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)\n"},
    {ON "'rate(up{job=\"c\"}[1h])'", 0, "{job=\"c\"} => "},
    {ON "1e21", 0, "scalar: 1e+21 @[4]\n"},
    {ON "'\"te\\nxt\"'", 0, "te\nxt\n"},
    {ON "'up{job=\"c\"}[1h]'", 0, "up{job=\"c\"} =>\n3 @[1]\n4 @[2]\n"},
    {"query instant --storage.tsdb.path=data --time=x up", 1, "varve: --time=x: want Unix seconds or RFC 3339\n"},
    {ON "'up + foo bar'", 1, "varve: 1:10: parse error: unexpected identifier \"bar\"\n  up + foo bar\n           ^\n"},
    {ON "'rat(up[1m])'", 1,
     "varve: 1:1: parse error: unknown function with name \"rat\", did you mean \"rate\"?\n  rat(up[1m])\n  ^\n"},
    {ON "'up +\n rate(up[1-1])'", 1, "varve: 14:17: duration must be greater than 0\n   rate(up[1-1])\n           ^\n"},
    {ON "'up + on () up'", 1, "varve: found duplicate series for the match group {} on the "},
    {"query range --storage.tsdb.path=data --start=1 --end=2 --step=500ms 'up{job=\"c\"}'", 0,
     "up{job=\"c\"} =>\n3 @[1]\n3 @[1.5]\n4 @[2]\n"},
    {ON "--explain 'sum by (job) (up)'", 0,
     "      series    steps samples read      memory   operator\n"
     "           2        1            0        24 B*  sum by (job) (up)\n"
     "           2        1            2        24 B     up\n"
     "* kept until the end of the query; the others are computed a tile at a time\n"
     "samples read: about 2\nsamples held: about 2, at least 0; --query.max-samples=50000000\n"},
    {"query range --storage.tsdb.path=data --start=1 --end=2 --step=500ms --explain 'rate(up[1m])'", 0,
     "      series    steps samples read      memory   operator\n"
     "           2        3            0     1.0 KiB   rate(up[1m])\n"},
    {"query instant --storage.tsdb.path=data --query.max-samples=100 --time=4 --explain 'vector(1)[10m:1s]'", 1,
     "varve: query processing would load too many samples into memory in query execution: at least 600, "
     "--query.max-samples allows 100\n"},
    {"query range --storage.tsdb.path=data --start=2 --end=1 up", 1, "varve: --end is before --start\n"},
    {"query range --storage.tsdb.path=data --step=0 up", 1,
     "varve: --step=0: want seconds or a duration such as 15s\n"},
};

Test(query, lines, .init = command_enter, .fini = command_leave)
{
    COMMAND_CHECK(cases);
}
