/* Integers as bytes: written out by hand, round trips of everything, readers on cut and hostile bytes. */
#include "storage/base/bytes.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <math.h>

static const struct {
    uint64_t value;
    size_t bytes;
    uint8_t encoded[VARINT_BYTES_MAX];
} varints[] = {
    {0, 1, {0x00}},
    {1, 1, {0x01}},
    {127, 1, {0x7F}},
    {128, 2, {0x80, 0x01}},
    {300, 2, {0xAC, 0x02}},
    {16383, 2, {0xFF, 0x7F}},
    {16384, 3, {0x80, 0x80, 0x01}},
    {UINT32_MAX, 5, {0xFF, 0xFF, 0xFF, 0xFF, 0x0F}},
    {(uint64_t)1 << 63, 10, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},
    {UINT64_MAX, 10, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}},
};

Test(bytes, varints)
{
    for (size_t i = 0; i < sizeof varints / sizeof varints[0]; i++) {
        uint8_t made[VARINT_BYTES_MAX];
        uint64_t read = 1;
        size_t bytes = varints[i].bytes;
        cr_expect(varint_put(made, varints[i].value) == made + bytes && memcmp(made, varints[i].encoded, bytes) == 0,
                  "%llu is written wrong", (unsigned long long)varints[i].value);
        cr_expect(varint_get(made, made + bytes, &read) == made + bytes && read == varints[i].value);
        for (size_t cut = 0; cut < bytes; cut++)
            cr_expect(!varint_get(made, made + cut, &read), "%zu bytes of %zu are read", cut, bytes);
    }
}

Test(bytes, malformed_varints)
{
    static const uint8_t beyond_64_bits[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    static const uint8_t eleven_bytes[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    static const uint8_t longer_than_needed[] = {0x85, 0x00};
    uint64_t read;

    cr_expect(!varint_get(beyond_64_bits, beyond_64_bits + sizeof beyond_64_bits, &read));
    cr_expect(!varint_get(eleven_bytes, eleven_bytes + sizeof eleven_bytes, &read));
    cr_expect(varint_get(longer_than_needed, longer_than_needed + 2, &read) && read == 5, "as protobuf has it");
}

Test(bytes, zigzag)
{
    static const struct {
        int64_t value;
        uint64_t encoded;
    } rows[] = {{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect(zigzag_encode(rows[i].value) == rows[i].encoded, "%lld", (long long)rows[i].value);
        cr_expect(zigzag_decode(rows[i].encoded) == rows[i].value, "%lld", (long long)rows[i].value);
    }
}

Test(bytes, doubles_keep_their_bits)
{
    static const uint64_t rows[] = {0, 0x8000000000000000, 0x7FF0000000000002, 0xFFF8000000000001, 0x3FF0000000000000};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(double_bits(double_from_bits(rows[i])) == rows[i], "%016llx", (unsigned long long)rows[i]);
    cr_expect(isnan(double_from_bits(rows[2])) && double_from_bits(rows[4]) == 1);
}

Test(bytes, fixed_widths_are_little_endian)
{
    static const uint8_t expected[] = {1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8};
    struct writer w = {0};

    writer_u8(&w, 1);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, 0x08090A0B0C0D0E0F);
    cr_expect(w.count == sizeof expected && memcmp(w.data, expected, sizeof expected) == 0);
    writer_release(&w);
}

/* Random fields of random kinds; a row says how to write, read and compare them. */
struct field {
    unsigned kind;
    uint64_t value;
    str text;
};

static void write_field(struct writer *w, const struct field *field)
{
    switch (field->kind) {
    case 0: writer_u8(w, (uint8_t)field->value); break;
    case 1: writer_u16(w, (uint16_t)field->value); break;
    case 2: writer_u32(w, (uint32_t)field->value); break;
    case 3: writer_u64(w, field->value); break;
    case 4: writer_varint(w, field->value); break;
    case 5: writer_signed(w, (int64_t)field->value); break;
    default: writer_str(w, field->text); break;
    }
}

static bool reads_field(struct reader *r, const struct field *field)
{
    switch (field->kind) {
    case 0: return reader_u8(r) == (uint8_t)field->value;
    case 1: return reader_u16(r) == (uint16_t)field->value;
    case 2: return reader_u32(r) == (uint32_t)field->value;
    case 3: return reader_u64(r) == field->value;
    case 4: return reader_varint(r) == field->value;
    case 5: return reader_signed(r) == (int64_t)field->value;
    default: return str_equal(reader_str(r), field->text);
    }
}

Test(bytes, round_trips_and_cuts)
{
    enum { FIELDS = 40 };
    static char text[300];
    uint64_t random = 3;
    struct writer w = {0};

    random_fill(&random, text, sizeof text);
    for (int round = 0; round < 500; round++) {
        struct field fields[FIELDS];
        w.count = 0;
        for (int i = 0; i < FIELDS; i++) {
            uint64_t value = random_next(&random) >> random_below(&random, 64);
            fields[i] =
                (struct field){random_below(&random, 7), value, str_make(text, random_below(&random, sizeof text))};
            write_field(&w, &fields[i]);
        }
        struct reader whole = reader_make(w.data, w.count);
        for (int i = 0; i < FIELDS; i++) cr_assert(reads_field(&whole, &fields[i]), "field %d differs", i);
        cr_assert(!reader_failed(&whole) && reader_left(&whole) == 0);
        struct reader cut = reader_make(w.data, random_below(&random, w.count));
        for (int i = 0; i < FIELDS; i++) (void)reads_field(&cut, &fields[i]);
        cr_assert(reader_failed(&cut), "a cut is not noticed");
    }
    writer_release(&w);
}

Test(bytes, failure_is_sticky)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7};
    struct reader r = reader_make(data, sizeof data);

    cr_expect(reader_u32(&r) == 0x04030201 && reader_left(&r) == 3);
    cr_expect(reader_u32(&r) == 0 && reader_failed(&r));
    cr_expect(reader_u8(&r) == 0 && reader_left(&r) == 0, "what is left after a failure is not read");
    cr_expect(reader_varint(&r) == 0 && reader_signed(&r) == 0 && reader_str(&r).len == 0);
    cr_expect(!reader_bytes(&r, 1) && reader_failed(&r));
}

Test(bytes, lengths_beyond_the_end)
{
    static const uint8_t huge[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 'x'};
    static const uint8_t one_too_many[] = {3, 'a', 'b'};
    static const uint8_t over_32_bits[] = {0x80, 0x80, 0x80, 0x80, 0x10};
    struct reader r = reader_make(huge, sizeof huge);

    cr_expect(reader_str(&r).len == 0 && reader_failed(&r));
    r = reader_make(one_too_many, sizeof one_too_many);
    cr_expect(reader_str(&r).len == 0 && reader_failed(&r));
    r = reader_make(over_32_bits, sizeof over_32_bits);
    (void)reader_varint32(&r);
    cr_expect(reader_failed(&r));
}

Test(bytes, alignment)
{
    struct writer w = {0};

    writer_align(&w, 8);
    cr_expect(w.count == 0);
    for (size_t i = 0; i < 40; i++) {
        writer_u8(&w, 0xFF);
        size_t before = w.count;
        writer_align(&w, 8);
        cr_expect(w.count % 8 == 0 && w.count - before < 8);
        for (size_t k = before; k < w.count; k++) cr_expect(w.data[k] == 0);
        w.count = before;
    }
    writer_release(&w);
    cr_expect(!w.data && w.count == 0 && w.capacity == 0);
}
