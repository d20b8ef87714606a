/* Names and headers of the write-ahead log. */
#include "storage/wal_format.h"

#include "tests/support/test.h"

Test(wal_format, names)
{
    static const struct {
        const char *name;
        uint32_t head, segment;
    } rows[] = {
        {"wal/00000007-0002", 7, 2},
        {"wal/00000000-0000", 0, 0},
        {"wal/00000003-10000", 3, 10000},
        {"wal/4294967295-4294967295", UINT32_MAX, UINT32_MAX},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[WAL_NAME_BYTES];
        uint32_t head = 1, segment = 1;
        wal_name(name, rows[i].head, rows[i].segment);
        cr_expect(strcmp(name, rows[i].name) == 0, "%s", name);
        cr_expect(wal_parse_name(str_from(name + 4), &head, &segment) && head == rows[i].head &&
                      segment == rows[i].segment,
                  "%s is %u %u", name, head, segment);
    }
}

/* What lies in the folder and was not made by wal_name. */
Test(wal_format, other_names)
{
    static const char *const rows[] = {
        "",
        "-",
        "00000007",
        "00000007-",
        "-0002",
        "7-2",
        "000000007-0002",
        "00000007-2",
        "00000007-00002",
        "lost+found",
        "00000007-0002.tmp",
        "0000000a-0002",
        "00000007_0002",
        "00000007-0002-0003",
        " 0000007-0002",
        "4294967296-0000",
        "00000000-4294967296",
        "00000007-+002",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t head, segment;
        cr_expect(!wal_parse_name(str_from(rows[i]), &head, &segment), "\"%s\" is taken for a segment", rows[i]);
    }
}

Test(wal_format, segment_header)
{
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];
    uint64_t boot;

    wal_segment_header(header, 7, 2, 0x1122334455667788);
    cr_expect(memcmp(header, "VARVEWAL\1\0\0\0\7\0\0\0\2\0\0\0\0\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11", 32) == 0);
    cr_expect(wal_is_segment_header(header, 7, 2, &boot) && boot == 0x1122334455667788);
    cr_expect(!wal_is_segment_header(header, 8, 2, &boot) && !wal_is_segment_header(header, 7, 3, &boot));
    for (unsigned bit = 0; bit < 8 * sizeof header; bit++) {
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect(!wal_is_segment_header(header, 7, 2, &boot), "bit %u goes unnoticed", bit);
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(wal_format, group_header)
{
    static const struct wal_group group = {5, 4, 0x1122334455667788, 48};
    uint8_t header[WAL_GROUP_HEADER_BYTES];
    struct wal_group read;

    wal_group_header(header, &group);
    cr_expect(
        memcmp(header, "VARVEGRP\5\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\x88\x77\x66\x55\x44\x33\x22\x11\x30\0\0\0", 36) == 0);
    cr_expect(wal_is_group_header(header, &read) && memcmp(&read, &group, sizeof group) == 0);
    for (unsigned bit = 0; bit < 8 * sizeof header; bit++) {
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect(!wal_is_group_header(header, &read), "bit %u goes unnoticed", bit);
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(wal_format, boot_id)
{
    uint64_t id = wal_boot_id();

    cr_expect(id != 0 && wal_boot_id() == id, "it is one for a boot");
    wal_set_boot_id(5);
    cr_expect(wal_boot_id() == 5);
    wal_set_boot_id(0);
    cr_expect(wal_boot_id() == id, "0 asks the machine again");
}
