#include "http/body.h"
#include "tests/support/test.h"

#include <stdlib.h>

Test(body, grows_with_what_arrives)
{
    struct account account;
    struct body body = {.account = &account, .announced_bytes = 1 << 20};
    char piece[1000];

    memset(piece, 'x', sizeof piece);
    account_init(&account, 0, NULL);
    cr_assert(body_append(&body, piece, 10));
    cr_expect(body.capacity == 4096, "an announcement of 1 MiB reserves %zu", body.capacity);
    for (int i = 0; i < 1048; i++) cr_assert(body_append(&body, piece, 1000));
    cr_expect(body.count == 1048010 && body.capacity == 1 << 20, "and growth stops there: %zu", body.capacity);
    cr_expect(account.used_bytes == body.capacity);
    body_release(&body);
    cr_expect(account.used_bytes == 0);
}

Test(body, may_be_longer_than_announced)
{
    struct body body = {.announced_bytes = 5};

    cr_assert(body_append(&body, "hello world", 11));
    cr_expect(str_equal(body_text(&body), STR("hello world")));
    body_release(&body);
}

Test(body, all_bodies_have_a_budget)
{
    struct account account;
    struct body one = {.account = &account}, other = {.account = &account};
    char *piece = memory_zalloc(60000);

    account_init(&account, 100000, NULL);
    cr_expect(body_append(&one, piece, 60000));
    cr_expect(!body_append(&other, piece, 60000));
    cr_expect(other.count == 0 && !other.data && account.used_bytes == 60000);
    body_release(&one);
    cr_expect(body_append(&other, piece, 60000));
    body_release(&other);
    cr_expect(account.used_bytes == 0);
    free(piece);
}
