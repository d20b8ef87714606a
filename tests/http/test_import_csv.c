#include "tests/http/import_cases.h"

static const struct import_case cases[] = {
    {"a,1.5,2,10\n", "{__name__=\"t\", room=\"a\"} 1.5@10000\n{__name__=\"h\", room=\"a\"} 2@10000\n"},
    {"\"x, \"\"y\"\"\",1,,1.5\n", "{__name__=\"t\", room=\"x, \\\"y\\\"\"} 1@1500\n"},
    {",1\n", "left out 1: line 1: the time can not be read\n"},
    {"a,x,1,1\n\"a,1,1,1\n", "{__name__=\"h\", room=\"a\"} 1@1000\nleft out 2: line 1: a value is no number\n"},
};

Test(import_csv, cases)
{
    const struct import settings = {.format = STR("1:label:room,2:metric:t,3:metric:h,4:time:unix_s")};

    CHECK_IMPORTS(import_csv, &settings, cases);
}

static const struct {
    const char *format, *time, *want;
} times[] = {
    {"2:metric:m,1:time:unix_ms", "1500", "{__name__=\"m\"} 1@1500\n"},
    {"2:metric:m,1:time:unix_ns", "1500000000", "{__name__=\"m\"} 1@1500\n"},
    {"2:metric:m,1:time:rfc3339", "1970-01-01T00:00:02Z", "{__name__=\"m\"} 1@2000\n"},
    {"2:metric:m,1:time:custom:02/01/2006 15:04:05", "01/01/1970 00:00:02", "{__name__=\"m\"} 1@2000\n"},
    {"2:metric:m,1:time:custom:2006-01-02", "today", "left out 1: line 1: the time can not be read\n"},
    {"2:metric:m", "ignored", "{__name__=\"m\"} 1@7\n"},
};

Test(import_csv, times)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        const struct import settings = {.format = str_from(times[i].format)};
        str text = arena_format(&arena, "%s,1", times[i].time);
        const struct import_case one[] = {{text.data, times[i].want}};
        CHECK_IMPORTS(import_csv, &settings, one);
    }
    arena_release(&arena);
}

Test(import_csv, formats)
{
    static const char *const bad[] = {"",
                                      "1:label:a",
                                      "0:metric:m",
                                      "1:metric:",
                                      "x:metric:m",
                                      "1:foo:m",
                                      "1:metric:m,1:label:l",
                                      "1:time:soon",
                                      "1:metric:m,2:time:custom:",
                                      "257:metric:m"};
    struct write_batch batch = {0};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct import import = {.batch = &batch, .format = str_from(bad[i])};
        cr_expect(import_csv(&import, STR("1")).code == STATUS_INVALID, "%s", bad[i]);
    }
    write_batch_release(&batch);
}
