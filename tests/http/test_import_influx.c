#include "tests/http/import_cases.h"

static const struct import_case cases[] = {
    {"cpu,host=a,az=b usage=1.5,value=2i 1500000000\n",
     "{__name__=\"cpu_usage\", az=\"b\", host=\"a\"} 1.5@1500\n{__name__=\"cpu_value\", az=\"b\", host=\"a\"} "
     "2@1500\n"},
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
    const struct import_case one[] = {{"m value=1 1500", "{__name__=\"m_value\"} 1@1500000\n"}};
    const struct import settings = {.influx_ns = 1000000000};

    CHECK_IMPORTS(import_influx, &settings, one);
}

/* A tag of that name counts more. */
Test(import_influx, database)
{
    const struct import_case two[] = {{"m v=1 0\nm,db=own v=1 0", "{__name__=\"m_v\", db=\"d\"} 1@0\n"
                                                                  "{__name__=\"m_v\", db=\"own\"} 1@0\n"}};
    const struct import settings = {.influx_db = STR("d")};

    CHECK_IMPORTS(import_influx, &settings, two);
}

/* As many tags and extra labels as there may be, and the database. */
Test(import_influx, most_labels)
{
    struct write_batch batch = {0};
    struct arena arena = {0};
    label extra[IMPORT_LABELS_MAX];
    struct import import = {.batch = &batch, .extra = extra, .extra_count = IMPORT_LABELS_MAX, .influx_db = STR("d")};
    str line = STR("m");

    for (int i = 0; i < IMPORT_LABELS_MAX; i++) extra[i] = (label){arena_format(&arena, "e%d", i), STR("x")};
    for (int i = 0; i < IMPORT_LABELS_MAX - 2; i++) line = arena_format(&arena, "%.*s,t%d=x", STR_ARG(line), i);
    write_batch_reset(&batch);
    must(import_influx(&import, arena_format(&arena, "%.*s v=1 0", STR_ARG(line))));
    cr_expect(batch.malformed == 0 && batch.times_ms.count == 1);
    write_batch_reset(&batch);
    must(import_influx(&import, arena_format(&arena, "%.*s,t=x v=1 0", STR_ARG(line))));
    cr_expect(batch.malformed == 1 && batch.times_ms.count == 0, "%.*s", STR_ARG(batch.complaint));
    write_batch_release(&batch);
    arena_release(&arena);
}
