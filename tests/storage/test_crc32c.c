#include "storage/base/crc32c.h"
#include "tests/support/test.h"

#include <string.h>

/* The vectors of RFC 3720, B.4. */
Test(crc32c, known_values)
{
    unsigned char bytes[32];

    cr_expect(crc32c("", 0) == 0);
    cr_expect(crc32c("123456789", 9) == 0xE3069283U);
    memset(bytes, 0, sizeof bytes);
    cr_expect(crc32c(bytes, sizeof bytes) == 0x8A9136AAU);
    memset(bytes, 0xFF, sizeof bytes);
    cr_expect(crc32c(bytes, sizeof bytes) == 0x62A8AB43U);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)i;
    cr_expect(crc32c(bytes, sizeof bytes) == 0x46DD794EU);
}

/* In two parts, cut anywhere, it is the same. */
Test(crc32c, extends)
{
    unsigned char bytes[100];

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        cr_expect(crc32c_extend(crc32c(bytes, cut), bytes + cut, sizeof bytes - cut) == crc32c(bytes, sizeof bytes));
}

/* The processor's instruction and the tables agree, at every length and place. */
Test(crc32c, by_tables)
{
    unsigned char bytes[100];

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 41 + 5);
    for (size_t first = 0; first < 9; first++) {
        for (size_t count = 0; first + count <= sizeof bytes; count++)
            cr_expect(crc32c_extend(77, bytes + first, count) == crc32c_by_tables(77, bytes + first, count));
    }
}
