/* Gorilla chunks: round trips of every kind of series, the layout bit by bit, hostile bytes. */
#include "storage/chunk_gorilla.h"

#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 4000 };

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

enum series { CONSTANT, COUNTER, DECIMAL, WALK, NOISE, SPECIAL, ANY_BITS, SERIES_KINDS };
enum spacing { REGULAR, JITTER, GAPS, EXTREME, SPACINGS };

static uint64_t make_value(enum series series, size_t i, uint64_t last)
{
    static const uint64_t special[] = {0,
                                       0x8000000000000000,
                                       0x7FF0000000000000,
                                       0xFFF0000000000000,
                                       0x7FF0000000000002,
                                       0x7FF8000000000001,
                                       0xFFFFFFFFFFFFFFFF,
                                       1};
    switch (series) {
    case CONSTANT: return double_bits(17);
    case COUNTER: return double_bits(double_from_bits(last) + (double)(next_random() % 1000));
    case DECIMAL: return double_bits(round(((double)i * 0.37 + (double)(next_random() % 100)) * 100) / 100);
    case WALK: return double_bits(50 + (double)(next_random() % 3));
    case NOISE: return double_bits((double)next_random() / 1e9);
    case SPECIAL: return special[next_random() % 8];
    default: return next_random();
    }
}

static int64_t make_step(enum spacing spacing)
{
    switch (spacing) {
    case REGULAR: return 15000;
    case JITTER: return 15000 + (int64_t)(next_random() % 9) - 4;
    case GAPS: return next_random() % 10 ? 15000 : 1 + (int64_t)(next_random() % 10000000);
    default: return 1 + (int64_t)(next_random() >> (next_random() % 40 + 14));
    }
}

static void check_round_trip(const int64_t *times, const uint64_t *values, size_t count, struct writer *out)
{
    static int64_t decoded_times[SAMPLES_MAX];
    static double decoded_values[SAMPLES_MAX];

    out->count = 0;
    gorilla_encode(times, values, count, out);
    size_t bytes = out->count;
    memset(writer_reserve(out, GORILLA_SLACK_BYTES), 0xFF, GORILLA_SLACK_BYTES);
    cr_assert(gorilla_count(out->data, bytes) == count);
    cr_assert(gorilla_decode(out->data, bytes, decoded_times, decoded_values));
    cr_assert(memcmp(decoded_times, times, count * sizeof *times) == 0, "times differ");
    cr_assert(memcmp(decoded_values, values, count * sizeof *values) == 0, "values differ");
    cr_expect(count < 2 ||
                  !gorilla_decode(out->data, bytes - 1 - next_random() % (bytes - 1), decoded_times, decoded_values),
              "a cut chunk decodes");
}

Test(chunk_gorilla, round_trips)
{
    static int64_t times[SAMPLES_MAX];
    static uint64_t values[SAMPLES_MAX];
    struct writer out = {0};

    for (int round = 0; round < 20; round++) {
        for (int series = 0; series < SERIES_KINDS; series++) {
            for (int spacing = 0; spacing < SPACINGS; spacing++) {
                size_t count = round == 0 ? (size_t)(series + 1) : 1 + next_random() % SAMPLES_MAX;
                int64_t time = round % 3 ? 1700000000000 : -5000000;
                uint64_t value = double_bits(0);
                for (size_t i = 0; i < count; i++) {
                    times[i] = time += make_step((enum spacing)spacing);
                    values[i] = value = make_value((enum series)series, i, value);
                }
                check_round_trip(times, values, count, &out);
            }
        }
    }
    writer_release(&out);
}

/* Three samples 10 s apart with values 1, 1, 3, written out by hand from the layout. 1.0 and 3.0 differ in 12 bits
 * behind a leading zero: 0 (same value) 0 (same delta) 11 00001 001100 111111111111. */
Test(chunk_gorilla, layout)
{
    static const uint8_t expected[] = {
        0x00, 0x03,                                     /* count */
        0xD0, 0x0F,                                     /* zigzag varint of 1000 */
        0x3F, 0xF0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* 1.0 */
        0x90, 0x4E,                                     /* varint of 10000 */
        0x30, 0x99, 0xFF, 0xE0,
    };
    int64_t times[] = {1000, 11000, 21000};
    uint64_t values[] = {double_bits(1), double_bits(1), double_bits(3)};
    struct writer out = {0};

    gorilla_encode(times, values, 3, &out);
    cr_expect(out.count == sizeof expected && memcmp(out.data, expected, sizeof expected) == 0);
    writer_release(&out);
}

/* Random bytes decode to something or fail, and read nothing beyond the slack (the sanitizer watches). */
Test(chunk_gorilla, hostile_bytes)
{
    static int64_t times[UINT16_MAX];
    static double values[UINT16_MAX];

    for (int round = 0; round < 20000; round++) {
        size_t bytes = next_random() % 200;
        uint8_t *chunk = malloc(bytes + GORILLA_SLACK_BYTES);
        for (size_t i = 0; i < bytes; i++) chunk[i] = (uint8_t)next_random();
        memset(chunk + bytes, 0xFF, GORILLA_SLACK_BYTES);
        (void)gorilla_decode(chunk, bytes, times, values);
        free(chunk);
    }
}
