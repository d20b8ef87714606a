#include "http/compress.h"
#include "http/inflate.h"
#include "tests/support/must.h"

#include <stdlib.h>

enum { BYTES = 300000 };

static str pack(enum coding coding, str text, char *out, size_t room)
{
    struct buffers buffers = {0};
    struct compress *stream = compress_new(coding);

    compress_write(stream, text.data, text.len, &buffers);
    compress_finish(stream, &buffers);
    compress_free(stream);
    size_t bytes = buffers_take(&buffers, out, room);
    buffers_release(&buffers);
    return str_make(out, bytes);
}

Test(inflate, codings)
{
    char *text = memory_alloc(BYTES), *packed = memory_alloc(BYTES), *buffer = NULL;
    size_t capacity = 0;
    str out, plain = str_make(text, BYTES);

    for (size_t i = 0; i < BYTES; i++) text[i] = (char)('a' + i * i % 17);
    must(inflate_body(plain, STR(""), BYTES, &buffer, &capacity, &out));
    cr_expect(out.data == text && out.len == BYTES && !buffer);
    cr_expect(failed(inflate_body(plain, STR("identity"), BYTES - 1, &buffer, &capacity, &out)));
    for (int coding = CODING_GZIP; coding < CODING_COUNT; coding++) {
        str name = str_from(coding_name((enum coding)coding));
        str body = pack((enum coding)coding, plain, packed, BYTES);
        must(inflate_body(body, name, BYTES, &buffer, &capacity, &out));
        cr_expect(str_equal(out, plain));
        for (size_t cut = 1; cut < 40; cut++)
            cr_expect(inflate_body(str_part(body, 0, body.len - cut), name, BYTES, &buffer, &capacity, &out).code ==
                      STATUS_INVALID);
        cr_expect(inflate_body(STR("no such thing"), name, BYTES, &buffer, &capacity, &out).code == STATUS_INVALID);
        free(buffer);
        buffer = NULL;
        capacity = 0;
        cr_expect(inflate_body(body, name, BYTES - 1, &buffer, &capacity, &out).code == STATUS_INVALID, "a bomb");
        cr_expect(capacity < BYTES);
    }
    cr_expect(inflate_body(plain, STR("br"), BYTES, &buffer, &capacity, &out).code == STATUS_UNSUPPORTED);
    free(buffer);
    free(packed);
    free(text);
}
