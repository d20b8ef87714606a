/* A table of calls and their answers. */
#ifndef VARVE_TESTS_HTTP_CALLS_H
#define VARVE_TESTS_HTTP_CALLS_H

#include "tests/http/harness.h"

struct call_case {
    const char *method, *target;
    unsigned code;
    const char *body; /* the whole of it; what it begins with if it ends in an ellipsis "..." */
};

static inline void check_calls(struct site *site, const struct call_case *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reply reply = site_call(site, calls[i].method, calls[i].target, NULL, STR(""));
        str want = str_from(calls[i].body);
        bool fits = str_ends_with(want, STR("...")) ? str_starts_with(reply.body, str_part(want, 0, want.len - 3))
                                                    : str_equal(reply.body, want);
        cr_expect(reply.code == calls[i].code, "%s: %u", calls[i].target, reply.code);
        cr_expect(fits, "%s: %.*s", calls[i].target, STR_ARG(reply.body));
    }
}

#define CHECK_CALLS(site, calls) check_calls((site), (calls), sizeof(calls) / sizeof(calls)[0])

#define SUCCESS(data)     "{\"status\":\"success\",\"data\":" data "}"
#define ERROR(word, text) "{\"status\":\"error\",\"errorType\":\"" word "\",\"error\":\"" text "\"}"

#endif
