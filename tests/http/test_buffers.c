#include "http/buffers.h"
#include "tests/support/test.h"

#include <stdlib.h>

Test(buffers, what_goes_in_comes_out)
{
    struct account account;
    struct buffers buffers = {.account = &account};
    enum { BYTES = 300000 };
    uint8_t *data = memory_alloc(BYTES), *out = memory_alloc(BYTES);
    size_t put = 0, taken = 0;

    account_init(&account, 0, NULL);
    for (size_t i = 0; i < BYTES; i++) data[i] = (uint8_t)(i * 31 >> 3);
    for (size_t step = 1; put < BYTES; step = step * 3 + 1) {
        size_t count = put + step > BYTES ? BYTES - put : step;
        buffers_append(&buffers, data + put, count);
        put += count;
    }
    cr_expect(buffers.bytes == BYTES);
    cr_expect(account.used_bytes == 5 * sizeof(struct buffer));
    for (size_t step = 1; taken < BYTES; step = step * 2 + 7) taken += buffers_take(&buffers, out + taken, step);
    cr_expect(taken == BYTES && memcmp(data, out, BYTES) == 0);
    cr_expect(!buffers.head && !buffers.tail && buffers.bytes == 0 && account.used_bytes == 0);
    cr_expect(buffers_take(&buffers, out, 10) == 0);
    free(data);
    free(out);
}

Test(buffers, blocks_are_freed_as_they_go)
{
    struct account account;
    struct buffers buffers = {.account = &account};
    uint8_t *data = memory_zalloc(3 * BUFFER_BYTES);

    account_init(&account, 0, NULL);
    buffers_append(&buffers, data, 3 * BUFFER_BYTES);
    cr_expect(!buffers_are_one(&buffers));
    cr_expect(buffers_take(&buffers, data, 2 * BUFFER_BYTES) == 2 * BUFFER_BYTES);
    cr_expect(account.used_bytes == sizeof(struct buffer) && buffers_are_one(&buffers));
    buffers_release(&buffers);
    cr_expect(account.used_bytes == 0 && buffers.bytes == 0);
    buffers_release(&buffers);
    free(data);
}
