/* Framed records: the layout, round trips, and what is left of a log whose bytes were flipped, cut or made up. */
#include "storage/record.h"

#include "storage/base/hash.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

enum { RECORDS = 6 };

/* Payloads from random bytes, of which some compress. */
static size_t make_payload(uint64_t number, uint8_t *out, size_t room)
{
    uint64_t random = number;
    size_t bytes = random_below(&random, room + 1);

    for (size_t i = 0; i < bytes; i++) out[i] = (uint8_t)(number % 2 ? random_next(&random) : i % 7 + number);
    return bytes;
}

Test(record, layout)
{
    static const uint8_t expected[] = {3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t padded[] = {'a', 'b', 'c', 0, 0, 0, 0, 0};
    struct writer out = {0};

    record_write(&out, 9, "abc", 3);
    cr_assert(out.count == RECORD_HEADER_BYTES + 8);
    cr_expect(memcmp(out.data, expected, sizeof expected) == 0);
    cr_expect(memcmp(out.data + RECORD_HEADER_BYTES, padded, sizeof padded) == 0);
    cr_expect(load_u64(out.data + 16) == hash_seeded(padded, sizeof padded, hash_bytes(out.data, 16)));
    writer_release(&out);
}

Test(record, is_compressed_if_that_saves_an_eighth)
{
    static const struct {
        size_t bytes;
        bool dull, compressed;
    } rows[] = {{0, true, false},    {63, true, false},  {64, true, true},
                {10000, true, true}, {64, false, false}, {10000, false, false}};
    uint8_t payload[10000];
    uint64_t random = 1;
    struct writer out = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct record record;
        memset(payload, 5, sizeof payload);
        if (!rows[i].dull) random_fill(&random, payload, sizeof payload);
        out.count = 0;
        record_write(&out, 1, payload, rows[i].bytes);
        struct reader rest = reader_make(out.data, out.count);
        cr_assert(record_next(&rest, &record) == RECORD_GOOD);
        cr_expect((record.raw_bytes != 0) == rows[i].compressed, "row %zu", i);
        cr_expect(!rows[i].compressed || record.stored_bytes <= rows[i].bytes - rows[i].bytes / 8, "row %zu", i);
    }
    writer_release(&out);
}

Test(record, round_trips)
{
    static uint8_t payload[70000], expected[70000];
    struct writer out = {0}, scratch = {0};

    for (uint64_t first = 0; first < 300; first += RECORDS) {
        out.count = 0;
        for (uint64_t i = first; i < first + RECORDS; i++)
            record_write(&out, (uint8_t)i, payload, make_payload(i, payload, i % 10 ? 300 : sizeof payload));
        struct reader rest = reader_make(out.data, out.count);
        struct record record;
        for (uint64_t i = first; i < first + RECORDS; i++) {
            size_t bytes, expected_bytes = make_payload(i, expected, i % 10 ? 300 : sizeof expected);
            const uint8_t *got;
            cr_assert(record_next(&rest, &record) == RECORD_GOOD && record.type == (uint8_t)i);
            cr_assert(record_payload(&record, &scratch, &got, &bytes));
            cr_assert(bytes == expected_bytes && memcmp(got, expected, bytes) == 0, "record %d", (int)i);
        }
        cr_assert(record_next(&rest, &record) == RECORD_END && record_next(&rest, &record) == RECORD_END);
    }
    writer_release(&out);
    writer_release(&scratch);
}

/* A log of six records, of which the reader tells which it found. */
static void make_log(struct writer *out, size_t starts[RECORDS + 1])
{
    uint8_t payload[150];

    out->count = 0;
    for (uint64_t i = 0; i < RECORDS; i++) {
        starts[i] = out->count;
        record_write(out, (uint8_t)i, payload, make_payload(i, payload, sizeof payload));
    }
    starts[RECORDS] = out->count;
}

/* The records found as bits; a record that is found is as it was written. */
static unsigned read_log(const uint8_t *bytes, size_t size, unsigned *damages)
{
    struct reader rest = reader_make(bytes, size);
    struct writer scratch = {0};
    unsigned found = 0;

    *damages = 0;
    for (;;) {
        struct record record;
        uint8_t expected[150];
        const uint8_t *got;
        size_t count;
        enum record_outcome outcome = record_next(&rest, &record);
        if (outcome == RECORD_END) break;
        *damages += outcome == RECORD_DAMAGED;
        if (outcome == RECORD_DAMAGED) continue;
        cr_assert(record.type < RECORDS && record_payload(&record, &scratch, &got, &count));
        cr_assert(count == make_payload(record.type, expected, sizeof expected) && memcmp(got, expected, count) == 0);
        found |= 1u << record.type;
    }
    writer_release(&scratch);
    return found;
}

Test(record, a_flipped_bit_costs_one_record)
{
    struct writer log = {0};
    size_t starts[RECORDS + 1];
    unsigned damages;

    make_log(&log, starts);
    cr_assert(read_log(log.data, log.count, &damages) == (1 << RECORDS) - 1 && damages == 0);
    for (unsigned hit = 0; hit < RECORDS; hit++) {
        for (size_t bit = 8 * starts[hit]; bit < 8 * starts[hit + 1]; bit++) {
            log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            unsigned found = read_log(log.data, log.count, &damages);
            cr_expect(found == (((1u << RECORDS) - 1) & ~(1u << hit)) && damages == 1,
                      "bit %zu in record %u: found %x, %u damages", bit, hit, found, damages);
            log.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    writer_release(&log);
}

Test(record, cut_anywhere)
{
    struct writer log = {0};
    size_t starts[RECORDS + 1];
    unsigned damages, whole = 0;

    make_log(&log, starts);
    for (size_t cut = 0; cut <= log.count; cut++) {
        uint8_t *copy = memory_alloc(cut); /* of its very size: the sanitizer sees a step too far */
        if (cut) memcpy(copy, log.data, cut);
        if (whole < RECORDS && cut == starts[whole + 1]) whole++;
        unsigned found = read_log(copy, cut, &damages);
        cr_expect(found == (1u << whole) - 1 && damages == (cut != starts[whole]), "cut at %zu", cut);
        free(copy);
    }
    writer_release(&log);
}

/* Whatever lies between records, if its size is a multiple of 8, is one damage and costs no record. */
Test(record, garbage_between_records)
{
    struct writer log = {0}, mixed = {0};
    size_t starts[RECORDS + 1];
    uint64_t random = 2;

    make_log(&log, starts);
    for (int round = 0; round < 200; round++) {
        unsigned damages, expected = 0;
        mixed.count = 0;
        for (int i = 0; i <= RECORDS; i++) {
            uint8_t garbage[64];
            size_t bytes = 8 * (size_t)random_below(&random, 9);
            memset(garbage, 0, sizeof garbage);
            if (round % 2) random_fill(&random, garbage, sizeof garbage);
            writer_bytes(&mixed, garbage, bytes);
            expected += bytes > 0;
            if (i < RECORDS) writer_bytes(&mixed, log.data + starts[i], starts[i + 1] - starts[i]);
        }
        cr_expect(read_log(mixed.data, mixed.count, &damages) == (1 << RECORDS) - 1 && damages == expected);
    }
    writer_release(&log);
    writer_release(&mixed);
}

/* Records whose checksum is right and whose lengths lie. */
Test(record, lying_lengths)
{
    static const struct {
        const char *name;
        uint32_t stored, raw;
        bool is_record;
    } rows[] = {
        {"compressed bytes that are none", 64, 1000, true},
        {"more raw bytes than may be", 64, RECORD_BYTES_MAX + 1, false},
        {"longer than the log", 65, 0, false},
        {"longer than any log", UINT32_MAX, 0, false},
        {"as it is", 64, 0, true},
    };
    struct writer scratch = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[RECORD_HEADER_BYTES + 64];
        struct reader rest = reader_make(bytes, sizeof bytes);
        struct record record;
        const uint8_t *payload;
        size_t size;
        memset(bytes, 0xFF, sizeof bytes);
        memset(bytes, 0, RECORD_HEADER_BYTES);
        store_u32(bytes, rows[i].stored);
        store_u32(bytes + 4, rows[i].raw);
        store_u64(bytes + 16, hash_seeded(bytes + RECORD_HEADER_BYTES, 64, hash_bytes(bytes, 16)));
        cr_expect((record_next(&rest, &record) == RECORD_GOOD) == rows[i].is_record, "%s", rows[i].name);
        if (rows[i].is_record)
            cr_expect(record_payload(&record, &scratch, &payload, &size) == !rows[i].raw, "%s", rows[i].name);
    }
    writer_release(&scratch);
}
