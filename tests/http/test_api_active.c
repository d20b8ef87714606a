/* Running queries over HTTP: the list, and ending one. */
#include "tests/http/calls.h"

#include <stdio.h>
#include <unistd.h>

struct slow {
    struct site *site;
    struct reply reply;
    _Atomic bool ended;
};

static void ask_slowly(void *context)
{
    struct slow *slow = context;

    slow->reply = site_call(slow->site, "GET", SLOW_QUERY, NULL, STR(""));
    slow->ended = true;
}

static uint64_t wait_for_id(struct site *site)
{
    str opening = STR("{\"status\":\"success\",\"data\":[{\"id\":");
    uint64_t id = 0;

    for (int i = 0; i < 3000 && id == 0; i++) {
        struct reply reply = site_get(site, "/api/v1/status/active_queries");
        cr_assert(reply.code == 200);
        if (str_starts_with(reply.body, opening)) {
            str rest = str_part(reply.body, opening.len, reply.body.len);
            cr_assert(str_to_uint64(str_cut(&rest, ','), &id));
            cr_expect(str_starts_with(rest, STR("\"query\":\"quantile_over_time(0.5,vector(1)[11h:1s])\",\"start\":0,"
                                                "\"end\":11000,\"step\":1,\"client\":\"\",\"phase\":\"")),
                      "%.*s", STR_ARG(rest));
            cr_expect(contains(rest, "\"startedAt\":") && contains(rest, "\"elapsedSeconds\":") &&
                      contains(rest, "\"samples\":") && contains(rest, "\"bytes\":"));
        } else {
            usleep(10000);
        }
    }
    cr_assert(id, "the query is not listed");
    return id;
}

Test(api_active, lists_and_kills)
{
    static const struct call_case quiet[] = {
        {"GET", "/api/v1/status/active_queries", 200, SUCCESS("[]")},
        {"POST", "/api/v1/admin/query/kill?id=x", 400,
         ERROR("bad_data", "invalid parameter \\\"id\\\": \\\"x\\\" is not the id of a query, see "
                           "/api/v1/status/active_queries")},
        {"POST", "/api/v1/admin/query/kill?id=12", 404, ERROR("not_found", "no query with the id 12 is running")},
    };
    struct site site;
    struct slow slow = {.site = &site};
    char target[64];

    site_open(&site);
    struct reply reply = site_call(&site, "POST", "/api/v1/admin/query/kill?id=1", NULL, STR(""));
    cr_expect(reply.code == 500 && contains(reply.body, "admin APIs disabled"));
    site.settings.enable_admin = true;
    CHECK_CALLS(&site, quiet);
    cr_assert(engine_submit(site.fixture.engine, ask_slowly, &slow));
    snprintf(target, sizeof target, "/api/v1/admin/query/kill?id=%llu", (unsigned long long)wait_for_id(&site));
    cr_expect(site_call(&site, "POST", target, NULL, STR("")).code == 204);
    for (int i = 0; i < 3000 && !slow.ended; i++) usleep(10000);
    cr_assert(slow.ended);
    cr_expect(slow.reply.code == 499 && contains(slow.reply.body, "\"canceled\",\"error\":\"query was killed in"));
    CHECK_CALLS(&site, quiet);
    site_close(&site);
}
