#include "http/snappy_body.h"
#include "tests/support/must.h"

#include <snappy-c.h>
#include <stdlib.h>

Test(snappy_body, grows_and_refuses)
{
    char packed[200], *buffer = NULL;
    size_t capacity = 0, bytes = sizeof packed;
    str out;

    cr_assert(snappy_compress("hello", 5, packed, &bytes) == SNAPPY_OK);
    must(snappy_body_read(str_make(packed, bytes), 5, &buffer, &capacity, &out));
    cr_expect(str_equal(out, STR("hello")));
    cr_expect(failed(snappy_body_read(str_make(packed, bytes), 4, &buffer, &capacity, &out)));
    cr_expect(failed(snappy_body_read(str_make(packed, bytes - 1), 5, &buffer, &capacity, &out)));
    cr_expect(failed(snappy_body_read(STR(""), 5, &buffer, &capacity, &out)));
    free(buffer);
}
