#include "http/json.h"
#include "http/response.h"
#include "tests/http/harness.h"

struct made {
    struct arena arena;
    struct account account;
    struct response response;
};

static void begin(struct made *made)
{
    *made = (struct made){0};
    account_init(&made->account, 0, NULL);
    response_init(&made->response, &made->arena, &made->account);
}

static void end(struct made *made)
{
    response_release(&made->response);
    arena_release(&made->arena);
    cr_expect(made->account.used_bytes == 0);
}

static str body_of(struct made *made)
{
    struct response *response = &made->response;
    size_t bytes = response_bytes(response);
    char *text = arena_alloc(&made->arena, bytes + 1);
    size_t taken = buffers_take(&response->body, text, bytes);

    if (response->part.count) memcpy(text + taken, response->part.data, response->part.count);
    return str_make(text, bytes);
}

static const char *header_of(const struct response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0) return response->headers[i].value;
    }
    return "";
}

static const struct {
    enum failure failure;
    unsigned code;
    const char *json, *text;
} errors[] = {
    {FAIL_BAD_DATA, 400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no \\\"x\\\"\"}", "no \"x\"\n"},
    {FAIL_EXECUTION, 422, "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"no \\\"x\\\"\"}",
     "no \"x\"\n"},
    {FAIL_CANCELED, 499, "{\"status\":\"error\",\"errorType\":\"canceled\",\"error\":\"no \\\"x\\\"\"}", "no \"x\"\n"},
    {FAIL_INTERNAL, 500, "{\"status\":\"error\",\"errorType\":\"internal\",\"error\":\"no \\\"x\\\"\"}", "no \"x\"\n"},
    {FAIL_TIMEOUT, 503, "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"no \\\"x\\\"\"}", "no \"x\"\n"},
    {FAIL_UNAVAILABLE, 503, "{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"no \\\"x\\\"\"}",
     "no \"x\"\n"},
};

Test(response, errors)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        for (int api = 0; api < 2; api++) {
            struct made made;
            begin(&made);
            made.response.is_api = api;
            json_put_raw(response_open_data(&made.response), "half an ans");
            response_fail(&made.response, errors[i].failure, STR("no \"x\""));
            response_seal(&made.response);
            str want = str_from(api ? errors[i].json : errors[i].text), got = body_of(&made);
            cr_expect(made.response.code == errors[i].code);
            cr_expect(str_equal(got, want), "%.*s", STR_ARG(got));
            cr_expect(str_equal(str_from(header_of(&made.response, "Content-Type")),
                                api ? STR("application/json") : STR("text/plain; charset=utf-8")));
            cr_expect(!*header_of(&made.response, "Retry-After") == (errors[i].failure != FAIL_UNAVAILABLE));
            end(&made);
        }
    }
}

static const struct {
    enum status_code status;
    unsigned code;
} statuses[] = {
    {STATUS_INVALID, 400},   {STATUS_LIMIT, 422},       {STATUS_CORRUPT, 500},     {STATUS_IO, 500},
    {STATUS_NO_SPACE, 503},  {STATUS_TIMEOUT, 503},     {STATUS_UNAVAILABLE, 503}, {STATUS_CANCELED, 499},
    {STATUS_NOT_FOUND, 404}, {STATUS_UNSUPPORTED, 400}, {STATUS_EXISTS, 400},
};

Test(response, statuses_have_codes)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct made made;
        status s = status_make(statuses[i].status, "sentence");
        begin(&made);
        response_fail_status(&made.response, &s);
        cr_expect(made.response.code == statuses[i].code, "%s", status_name(statuses[i].status));
        cr_expect(str_equal(body_of(&made), STR("sentence\n")));
        end(&made);
    }
}

Test(response, envelope)
{
    static const str warnings[] = {STR("w \"1\""), STR("w2")}, infos[] = {STR("i")};
    struct made made;

    begin(&made);
    json_put_raw(response_open_data(&made.response), "[1]");
    response_close_data(&made.response, warnings, 2, infos, 1);
    response_seal(&made.response);
    str got = body_of(&made);
    cr_expect(str_equal(got, STR("{\"status\":\"success\",\"data\":[1],\"warnings\":[\"w \\\"1\\\"\",\"w2\"],"
                                 "\"infos\":[\"i\"]}")),
              "%.*s", STR_ARG(got));
    end(&made);
}

/* A body of many records, compressed or not, is what was written. */
Test(response, large_bodies)
{
    for (int compress = 0; compress < 2; compress++) {
        struct made made;
        struct writer want = {0};
        begin(&made);
        made.response.coding = compress ? CODING_GZIP : CODING_PLAIN;
        char *large = memory_zalloc(200000);
        for (int i = 0; i < 30000; i++) {
            json_put_signed(response_writer(&made.response), i);
            json_put_signed(&want, i);
            if (i % 10000 != 5000) continue;
            response_append(&made.response, str_make(large, 200000));
            response_append(&made.response, STR("small"));
            writer_bytes(&want, large, 200000);
            writer_bytes(&want, "small", 5);
        }
        response_seal(&made.response);
        str got = body_of(&made);
        cr_expect(!*header_of(&made.response, "Content-Encoding") == !compress);
        if (compress) got = gunzip(got, &made.arena);
        cr_expect(str_equal(got, str_make((const char *)want.data, want.count)));
        writer_release(&want);
        free(large);
        end(&made);
    }
}

Test(response, small_bodies_are_not_compressed)
{
    struct made made;

    begin(&made);
    made.response.coding = CODING_GZIP;
    response_text(&made.response, 200, "text/plain", STR("short"));
    response_seal(&made.response);
    cr_expect(!*header_of(&made.response, "Content-Encoding"));
    cr_expect(str_equal(body_of(&made), STR("short")));
    end(&made);
}

Test(response, an_answer_beyond_the_budget_is_an_error)
{
    struct made made;
    char *large = memory_zalloc(300000);

    begin(&made);
    made.account.limit_bytes = 100000;
    response_append(&made.response, str_make(large, 300000));
    response_seal(&made.response);
    cr_expect(made.response.code == 503 && *header_of(&made.response, "Retry-After"));
    cr_expect(contains(body_of(&made), "too much memory"));
    free(large);
    end(&made);
}

Test(response, headers_are_set_once)
{
    struct made made;

    begin(&made);
    response_header(&made.response, "Vary", STR("Origin"));
    response_header(&made.response, "Vary", STR("Accept-Encoding"));
    cr_expect(made.response.header_count == 1);
    cr_expect(str_equal(str_from(header_of(&made.response, "Vary")), STR("Accept-Encoding")));
    response_nothing(&made.response);
    cr_expect(made.response.code == 204 && response_bytes(&made.response) == 0);
    end(&made);
}
