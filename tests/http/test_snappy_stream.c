#include "http/snappy_stream.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <snappy-c.h>

/* Pieces of all sizes, with literals in between, make one text that the library reads. */
Test(snappy_stream, reads_back)
{
    uint64_t random = 3;
    struct account account;

    account_init(&account, 1 << 30, NULL);
    for (int run = 0; run < 20; run++) {
        struct snappy_stream stream = {.out.account = &account};
        struct writer text = {0}, whole = {0};
        struct buffers all = {.account = &account};
        uint8_t length[VARINT_BYTES_MAX];
        writer_bytes(&text, "head", 4);
        snappy_put_literal(&all, STR("head"));
        for (int piece = 0; piece < 40; piece++) {
            size_t bytes = random_below(&random, 1 << random_below(&random, 18));
            size_t start = text.count;
            uint8_t *at = writer_reserve(&text, bytes + 1);
            for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(random_below(&random, run % 2 ? 256 : 3));
            text.count += bytes;
            snappy_stream_write(&stream, str_make((const char *)text.data + start, bytes));
        }
        snappy_stream_finish(&stream);
        cr_expect(stream.text_bytes + 4 == text.count);
        buffers_move(&all, &stream.out);
        writer_bytes(&whole, length, (size_t)(varint_put(length, text.count) - length));
        uint8_t *at = writer_reserve(&whole, all.bytes);
        whole.count += buffers_take(&all, at, all.bytes);
        size_t bytes = text.count;
        char *out = memory_alloc(bytes + 1);
        cr_assert(snappy_uncompress((const char *)whole.data, whole.count, out, &bytes) == SNAPPY_OK, "run %d", run);
        cr_expect(bytes == text.count && memcmp(out, text.data, bytes) == 0);
        free(out);
        buffers_release(&all);
        snappy_stream_release(&stream);
        writer_release(&text);
        writer_release(&whole);
    }
    cr_expect(account.used_bytes == 0);
}
