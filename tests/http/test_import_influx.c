#include "tests/http/import_cases.h"

static const struct import_case cases[] = {
    {"cpu,host=a,az=b usage=1.5,value=2i 1500000000\n",
     "{__name__=\"cpu_usage\", az=\"b\", host=\"a\"} 1.5@1500\n{__name__=\"cpu\", az=\"b\", host=\"a\"} 2@1500\n"},
    {"m a=t,b=F,c=\"text, \\\"q\\\" =x\",d=3u\n",
     "{__name__=\"m_a\"} 1@7\n{__name__=\"m_b\"} 0@7\n{__name__=\"m_d\"} 3@7\n"},
    {"my\\ m\\,x,t\\=1=a\\ b f\\,g=1 0", "{__name__=\"my m,x_f,g\", \"t=1\"=\"a b\"} 1@0\n"},
    {"# comment\n\nm,a= v=1", "{__name__=\"m_v\", a=\"\"} 1@7\n"},
    {"m\nm v\nm v=x\nm v=\"x\nm v=1 x\n,a=b v=1\nm,a v=1", "left out 7: line 1: there are no fields\n"},
};

Test(import_influx, cases)
{
    const struct import settings = {0};

    CHECK_IMPORTS(import_influx, &settings, cases);
}

Test(import_influx, precision)
{
    const struct import_case one[] = {{"m value=1 1500", "{__name__=\"m\"} 1@1500000\n"}};
    const struct import settings = {.influx_ns = 1000000000};

    CHECK_IMPORTS(import_influx, &settings, one);
}
