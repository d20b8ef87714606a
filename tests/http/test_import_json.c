#include "tests/http/import_cases.h"

static const struct import_case cases[] = {
    {"", ""},
    {"{\"metric\":{\"job\":\"x\",\"__name__\":\"up\"},\"values\":[1,0.5,\"NaN\"],\"timestamps\":[1,2,3]}\n",
     "{__name__=\"up\", job=\"x\"} 1@1 0.5@2 nan@3\n"},
    {"{\"metric\":{\"__name__\":\"a\"},\"values\":[\"-Infinity\",null],\"timestamps\":[1,2]}",
     "{__name__=\"a\"} -inf@1 nan@2\n"},
    {"{\"metric\":{\"__name__\":\"h\"},\"histograms\":[{\"count\":2,\"sum\":3,\"buckets\":[[1,2]]},null],"
     "\"timestamps\":[1,"
     "2],\"start_timestamps\":[0,1]}",
     "{__name__=\"h\"} {\"integer\":false,\"schema\":0,\"count\":2,\"sum\":3,\"buckets\":[[1,2]]}@1 "
     "{\"integer\":true,\"schema\":0,\"count\":0,\"sum\":\"NaN\"}@2 since 1\n"},
    {"{\"metric\":{},\"histograms\":[7],\"timestamps\":[1]}\n{\"metric\":{},\"histograms\":[],\"values\":[],"
     "\"timestamps\":[]}\n",
     "left out 2: line 1: a histogram is no object\n"},
    {"{\"metric\":{},\"values\":[1],\"timestamps\":[1],\"start_timestamps\":[]}",
     "left out 1: line 1: there are not as many start_timestamps as timestamps\n"},
    {"{\n[]\n{\"metric\":{},\"values\":[1],\"timestamps\":[]}\n{\"metric\":{},\"values\":[{}],\"timestamps\":[1]}\n"
     "{\"metric\":{\"a\":1},\"values\":[1],\"timestamps\":[1]}\n",
     "left out 5: line 1: no JSON\n"},
};

Test(import_json, cases)
{
    const struct import settings = {0};

    CHECK_IMPORTS(import_json, &settings, cases);
}
