#include "http/protobuf.h"
#include "storage/base/arena.h"
#include "tests/support/test.h"

/* Fields of a message as text, `number:wire=value`, or `!offset` where it is malformed. */
static const struct {
    const char *name;
    str message;
    const char *fields;
} messages[] = {
    {"empty", STR(""), ""},
    {"bytes", STR("\x0A\x02hi"), "1:2=hi "},
    {"empty bytes", STR("\x0A\x00"), "1:2= "},
    {"varint", STR("\x10\x96\x01"), "2:0=150 "},
    {"negative", STR("\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "2:0=18446744073709551615 "},
    {"fixed64", STR("\x09\x01\0\0\0\0\0\0\0"), "1:1=1 "},
    {"fixed32", STR("\x0D\x01\0\0\0"), "1:5=1 "},
    {"number above 15", STR("\x82\x01\x01x"), "16:2=x "},
    {"largest number", STR("\xF8\xFF\xFF\xFF\x0F\x07"), "536870911:0=7 "},
    {"group", STR("\x0B\x10\x05\x0C\x10\x07"), "1:3=0 2:0=7 "},
    {"nested group", STR("\x0B\x13\x14\x0C"), "1:3=0 "},
    {"several",
     STR("\x0A\x01"
         "a\x0A\x01"
         "b\x10\x01"),
     "1:2=a 1:2=b 2:0=1 "},
    {"number zero", STR("\x02\x00"), "!0"},
    {"wire type 6", STR("\x0E"), "!0"},
    {"wire type 7", STR("\x0F"), "!0"},
    {"lonely group end", STR("\x0C"), "!0"},
    {"tag cut", STR("\x0A\x00\x80"), "1:2= !2"},
    {"tag too large", STR("\x80\x80\x80\x80\x10\x00"), "!0"},
    {"length cut", STR("\x0A"), "!0"},
    {"length beyond the end", STR("\x0A\x02x"), "!0"},
    {"length of two beyond the end", STR("\x0A\x80\x01x"), "!0"},
    {"length huge", STR("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "!0"},
    {"varint cut", STR("\x10\x80"), "!0"},
    {"varint too long", STR("\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "!0"},
    {"fixed64 cut", STR("\x09\x01\0\0"), "!0"},
    {"fixed32 cut", STR("\x0D\x01"), "!0"},
    {"group without end", STR("\x0B\x10\x05"), "!0"},
    {"group with another end", STR("\x0B\x14"), "!0"},
};

static str describe(str message, struct arena *arena)
{
    const uint8_t *start = (const uint8_t *)message.data, *at = start, *end = start + message.len;
    struct protobuf_field field;
    str text = STR("");

    while (at < end) {
        const uint8_t *next = protobuf_field(at, end, &field);
        if (!next) return arena_format(arena, "%.*s!%d", STR_ARG(text), (int)(at - start));
        at = next;
        unsigned number = field.tag >> 3, wire = field.tag & 7;
        if (wire == PROTOBUF_BYTES)
            text = arena_format(arena, "%.*s%u:%u=%.*s ", STR_ARG(text), number, wire, STR_ARG(field.bytes));
        else
            text = arena_format(arena, "%.*s%u:%u=%llu ", STR_ARG(text), number, wire,
                                wire == PROTOBUF_GROUP ? 0ULL : (unsigned long long)field.value);
    }
    return text;
}

Test(protobuf, fields)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct arena arena = {0};
        str got = describe(messages[i].message, &arena);
        cr_expect(str_equal(got, str_from(messages[i].fields)), "%s: %.*s", messages[i].name, STR_ARG(got));
        arena_release(&arena);
    }
}

Test(protobuf, groups_have_a_depth)
{
    struct writer w = {0};
    struct protobuf_field field;

    for (int i = 0; i < 64; i++) writer_u8(&w, 0x0B);
    for (int i = 0; i < 64; i++) writer_u8(&w, 0x0C);
    cr_expect(protobuf_field(w.data, w.data + w.count, &field) == w.data + w.count);
    w.count = 0;
    for (int i = 0; i < 65; i++) writer_u8(&w, 0x0B);
    for (int i = 0; i < 65; i++) writer_u8(&w, 0x0C);
    cr_expect(!protobuf_field(w.data, w.data + w.count, &field));
    writer_release(&w);
}
