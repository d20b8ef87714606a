/* varve export. */
#include "tests/http/command.h"

static const struct command_case cases[] = {
    {"export", 1, "varve: say export prometheus; see varve help export\n"},
    {"export prometheus", 1, "varve: export prometheus takes one folder, which the blocks go to\n"},
    {"export prometheus --storage.tsdb.path=missing out", 1, "varve: missing: No such file or directory\n"},
    {"export prometheus --from=x out", 1, "varve: --from=x: want Unix seconds or RFC 3339\n"},
    {"export prometheus --from=2 --to=1 out", 1, "varve: --to is before --from\n"},
    {"export prometheus --match='up{' out", 1, "varve: --match=up{: 1:4: parse error: "},
    {"export prometheus --log.level=error --match='{job=\"c\"}' --match=up --from 2 out", 0, ""},
    {"import prometheus --log.level=error --storage.tsdb.path=again out", 0, ""},
    {"query instant --storage.tsdb.path=again --time=3 up", 0,
     "up{job=\"a \\\"b\\\"\"} => 2.5 @[3]\nup{job=\"c\"} => 4 @[3]\n"},
    {"query instant --storage.tsdb.path=again --time=1 up", 0, ""},
    {"query instant --storage.tsdb.path=again --time=3 '{\"dotted.name\"}'", 0,
     "{\"dotted.name\", job=\"c\"} => 1.0000001 @[3]\n"},
};

Test(export, outcomes, .init = command_enter, .fini = command_leave)
{
    COMMAND_CHECK(cases);
}
