#include "tests/http/import_cases.h"

static const struct import_case plain[] = {
    {"", ""},
    {"up 1", "{__name__=\"up\"} 1@7\n"},
    {"up 1 5\nup 2 6\n", "{__name__=\"up\"} 1@5\n{__name__=\"up\"} 2@6\n"},
    {"up{a=\"b\",} NaN -5", "{__name__=\"up\", a=\"b\"} nan@-5\n"},
    {"up{ a = \"x\\\"\\\\\\n\" , b=\"\" } 0x10p0", "{__name__=\"up\", a=\"x\\\"\\\\\\n\", b=\"\"} 16@7\n"},
    {"{\"my.metric\",\"l.x\"=\"v\"} 1e3 9", "{__name__=\"my.metric\", \"l.x\"=\"v\"} 1000@9\n"},
    {"# HELP up Whether it is.\n# TYPE up gauge\nup 1\n# other\n# TYPE x counter\n",
     "{__name__=\"up\"} 1@7\nmeta up 2 'Whether it is.' ''\nmeta x 1 '' ''\n"},
    {"up\nup x\nup 1 x\nup{a} 1\nup{a=\"b} 1\nup 1 2 3\nok 1",
     "{__name__=\"ok\"} 1@7\nleft out 6: line 1: the value is no number\n"},
};

static const struct import_case openmetrics[] = {
    {"# TYPE a counter\n# UNIT a seconds\na_total{x=\"1\"} 5 1.5 # {trace_id=\"t\"} 0.5 1.25\n# EOF\nmore 1\n",
     "{__name__=\"a_total\", x=\"1\"} 5@1500\nmeta a 1 '' 'seconds'\nexemplar {__name__=\"a_total\", x=\"1\"} "
     "{trace_id=\"t\"} 0.5@1250\n"},
    {"a 1 # {} 2\n", "{__name__=\"a\"} 1@7\nexemplar {__name__=\"a\"} {} 2@7\n"},
    {"a 1 # x\n", "{__name__=\"a\"} 1@7\nleft out 1: line 1: the exemplar can not be read\n"},
    {"a 1 nan\n", "left out 1: line 1: the time is no number\n"},
};

Test(import_text, cases)
{
    const struct import text = {0}, om = {.is_openmetrics = true};

    CHECK_IMPORTS(import_text, &text, plain);
    CHECK_IMPORTS(import_text, &om, openmetrics);
}
