#include "http/request.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

/* A request with this query, and perhaps a form as body. */
static struct request *make(const char *query, const char *form, const char *content_type)
{
    struct request *request = memory_alloc(sizeof *request);
    char target[512];

    snprintf(target, sizeof target, "/path?%s", query);
    request_init(request, str_from(target), NULL, NULL);
    request->method = form ? METHOD_POST : METHOD_GET;
    if (form) {
        cr_assert(body_append(&request->body, form, strlen(form)));
        cr_assert(request_note_header(request, STR("content-type"), str_from(content_type)));
    }
    return request;
}

static void drop(struct request *request)
{
    request_release(request);
    free(request);
}

static const struct {
    const char *query, *form, *type, *a, *b;
} forms[] = {
    {"a=1", NULL, NULL, "1", ""},
    {"a=1", "a=2&b=3", "application/x-www-form-urlencoded", "2", "3"},
    {"a=1&b=4", "a=2", "application/x-www-form-urlencoded; charset=utf-8", "2", "4"},
    {"a=1", "a=2", "Application/X-WWW-Form-Urlencoded", "2", ""},
    {"a=1", "a=2", "application/json", "1", ""},
    {"a=1", "", "application/json", "1", ""},
    {"", "", "", "", ""},
    {"", "--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n3\r\n--x--\r\n", "multipart/form-data; boundary=x",
     "", "3"},
    {"a=1", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--x--\r\n",
     "multipart/form-data; boundary=x", "1", ""},
};

Test(request, parameters_come_from_body_and_query)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct request *request = make(forms[i].query, forms[i].form, forms[i].type);
        cr_expect(str_equal(request_parameter(request, STR("a")), str_from(forms[i].a)), "row %zu", i);
        cr_expect(str_equal(request_parameter(request, STR("b")), str_from(forms[i].b)), "row %zu", i);
        drop(request);
    }
}

static const struct {
    const char *query;
    int64_t ms;
    const char *error;
} times[] = {
    {"", -7, ""},
    {"time=", -7, ""},
    {"time=1.5", 1500, ""},
    {"time=2015-07-01T20:10:51.781Z", 1435781451781, ""},
    {"time=x", -7,
     "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp"},
    {"time=%22%0a%01", -7,
     "invalid parameter \"time\": invalid time value for 'time': cannot parse \"\\\"\\n\\x01\" to a valid timestamp"},
};

Test(request, times)
{
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct request *request = make(times[i].query, NULL, NULL);
        int64_t ms = -7;
        status s = request_time(request, "time", &ms);
        cr_expect(str_equal(str_from(s.text), str_from(times[i].error)), "%s: %s", times[i].query, s.text);
        cr_expect(ms == times[i].ms, "%s", times[i].query);
        drop(request);
    }
}

static const struct {
    const char *query;
    int64_t ns;
    const char *error;
} durations[] = {
    {"", -7, ""},
    {"step=15", 15000000000, ""},
    {"step=1m", 60000000000, ""},
    {"step=x", -7, "invalid parameter \"step\": cannot parse \"x\" to a valid duration"},
    {"step=1e30", -7, "invalid parameter \"step\": cannot parse \"1e30\" to a valid duration. It overflows int64"},
};

Test(request, durations)
{
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        struct request *request = make(durations[i].query, NULL, NULL);
        int64_t ns = -7;
        status s = request_duration(request, "step", &ns);
        cr_expect(str_equal(str_from(s.text), str_from(durations[i].error)), "%s: %s", durations[i].query, s.text);
        cr_expect(ns == durations[i].ns, "%s", durations[i].query);
        drop(request);
    }
}

static const struct {
    const char *query;
    uint64_t limit;
    const char *error;
} limits[] = {
    {"", 7, ""},
    {"limit=", 7, ""},
    {"limit=0", 0, ""},
    {"limit=%2B5", 5, ""},
    {"limit=+5", 7, "invalid parameter \"limit\": strconv.Atoi: parsing \" 5\": invalid syntax"}, /* a space */
    {"limit=40000", 40000, ""},
    {"limit=-1", 7, "invalid parameter \"limit\": limit must be non-negative"},
    {"limit=x", 7, "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"},
    {"limit=1.5", 7, "invalid parameter \"limit\": strconv.Atoi: parsing \"1.5\": invalid syntax"},
    {"limit=99999999999999999999", 7,
     "invalid parameter \"limit\": strconv.Atoi: parsing \"99999999999999999999\": value out of range"},
};

Test(request, limits)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct request *request = make(limits[i].query, NULL, NULL);
        uint64_t limit = 7;
        status s = request_limit(request, &limit);
        cr_expect(str_equal(str_from(s.text), str_from(limits[i].error)), "%s: %s", limits[i].query, s.text);
        cr_expect(limit == limits[i].limit, "%s", limits[i].query);
        drop(request);
    }
}

static const struct {
    const char *query;
    size_t sets;
    const char *error;
} matches[] = {
    {"", 0, ""},
    {"match[]=up", 1, ""},
    {"match[]=up&match%5B%5D=%7Bjob%3D%22a%22%7D", 2, ""},
    {"match[]={job%3D%22%22}", 0, "match[] must contain at least one non-empty matcher"},
    {"match[]={}", 0, "match[] must contain at least one non-empty matcher"},
    {"match[]=up&match[]={}", 0, "match[] must contain at least one non-empty matcher"},
    {"match[]={&match[]={job=}", 0, "1:2: parse error: unexpected end of input inside braces"},
};

Test(request, matchers)
{
    for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
        struct request *request = make(matches[i].query, NULL, NULL);
        const struct matcher_set *sets;
        size_t count = 0;
        status s = request_matchers(request, &sets, &count);
        cr_expect(str_equal(str_from(s.text), str_from(matches[i].error)), "%s: %s", matches[i].query, s.text);
        if (!failed(s)) cr_expect(count == matches[i].sets, "%s: %zu", matches[i].query, count);
        drop(request);
    }
}

static const struct {
    const char *target, *path, *query;
} targets[] = {
    {"/a/b?c=d?e", "/a/b", "c=d?e"}, {"/a", "/a", ""},        {"/a?", "/a", ""}, {"http://host:1/a?b", "/a", "b"},
    {"https://host/a", "/a", ""},    {"http://host", "", ""}, {"*", "*", ""},    {"", "", ""},
};

Test(request, targets_are_split)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct request request;
        request_init(&request, str_from(targets[i].target), NULL, NULL);
        cr_expect(str_equal(request.path, str_from(targets[i].path)), "%s", targets[i].target);
        cr_expect(str_equal(request.query, str_from(targets[i].query)), "%s", targets[i].target);
        request_release(&request);
    }
}

Test(request, headers)
{
    struct request *request = make("", NULL, NULL);

    cr_expect(request_note_header(request, STR("ACCEPT-encoding"), STR("gzip")));
    cr_expect(request_note_header(request, STR("Accept-Encoding"), STR("br")));
    cr_expect(str_equal(request->headers[HEADER_ACCEPT_ENCODING], STR("gzip")));
    cr_expect(request_note_header(request, STR("Cookie"), STR("x")));
    cr_expect(request_note_header(request, STR("Content-Length"), STR("5")));
    cr_expect(request_note_header(request, STR("Content-Length"), STR("5")));
    cr_expect(!request_note_header(request, STR("content-length"), STR("6")));
    cr_expect(method_of(STR("GET")) == METHOD_GET && method_of(STR("get")) == METHOD_OTHER);
    drop(request);
}

static int cancels;

static void count_cancel(void *context)
{
    cancels += *(const int *)context;
}

Test(request, cancel_is_told_once)
{
    struct request *request = make("", NULL, NULL);
    int one = 1;

    request_on_cancel(request, count_cancel, &one);
    cr_expect(!request_is_canceled(request) && cancels == 0);
    request_cancel(request);
    request_cancel(request);
    cr_expect(request_is_canceled(request) && cancels == 1);
    request_end_cancel(request);
    request_on_cancel(request, count_cancel, &one); /* it has gone already */
    cr_expect(cancels == 2);
    drop(request);
}
