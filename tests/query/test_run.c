/* Which error is reported, samples that are held, budgets. */
#include "query/run.h"

#include "tests/query/fixture.h"

Test(run, the_smallest_key_is_reported)
{
    static const struct error_key keys[] = {{3, 1, 1}, {2, 9, 9}, {2, 9, 8}, {2, 8, 9}, {4, 0, 0}, {2, 8, 9}};
    struct query_request request = {.text = STR("1")};
    struct fixture fixture;

    fixture_open(&fixture, 1, 0);
    struct query *query = query_prepare(fixture.engine, &request);
    for (size_t i = 0; i < 6; i++) cr_assert(!query_fail(query, keys[i], "error %zu", i));
    cr_expect(str_equal(query->error, STR("error 3")), "%.*s", STR_ARG(query->error));
    query_free(query);
    fixture_close(&fixture);
}

Test(run, budgets_end_a_query)
{
    struct query_request request = {.text = STR("1")};
    struct fixture fixture;

    fixture_open(&fixture, 1, 0);
    struct query *query = query_prepare(fixture.engine, &request);
    query_hold(query, 100);
    query_let_go(query, 100);
    query_hold(query, 50);
    cr_expect(query->samples_peak == 100 && query_may_go_on(query));
    cr_expect(query_has_room(query, 1 << 20));
    cr_expect(!query_has_room(query, (size_t)1 << 40) && query->stop == STOP_MEMORY);
    query_hold(query, (uint64_t)1 << 40);
    cr_expect(query->stop == STOP_MEMORY); /* the first reason counts */
    query_free(query);
    fixture_close(&fixture);
}
