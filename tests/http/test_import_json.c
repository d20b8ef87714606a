#include "tests/http/import_cases.h"

static const struct import_case cases[] = {
    {"", ""},
    {"{\"metric\":{\"job\":\"x\",\"__name__\":\"up\"},\"values\":[1,0.5,\"NaN\"],\"timestamps\":[1,2,3]}\n",
     "{__name__=\"up\", job=\"x\"} 1@1 0.5@2 nan@3\n"},
    {"{\"metric\":{\"__name__\":\"a\"},\"values\":[\"-Infinity\",null],\"timestamps\":[1,2]}",
     "{__name__=\"a\"} -inf@1 nan@2\n"},
    {"{\n[]\n{\"metric\":{},\"values\":[1],\"timestamps\":[]}\n{\"metric\":{},\"values\":[{}],\"timestamps\":[1]}\n"
     "{\"metric\":{\"a\":1},\"values\":[1],\"timestamps\":[1]}\n",
     "left out 5: line 1: no JSON\n"},
};

Test(import_json, cases)
{
    const struct import settings = {0};

    CHECK_IMPORTS(import_json, &settings, cases);
}
