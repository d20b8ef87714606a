/* Packed lanes: every width and length comes back, patches pay, hostile bytes are refused. */
#include "storage/chunk_lanes.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

static uint64_t below_bits(uint64_t *seed, unsigned bits)
{
    return bits == 0 ? 0 : random_next(seed) >> (64 - bits);
}

Test(chunk_lanes, every_width_and_count)
{
    uint64_t seed = 1, values[LANES_GROUP], decoded[LANES_GROUP];
    struct writer out = {0};

    for (unsigned width = 0; width <= 64; width++) {
        for (size_t count = 0; count <= LANES_GROUP; count += count < 120 ? 7 : 1) {
            for (size_t i = 0; i < count; i++) values[i] = below_bits(&seed, width);
            out.count = 0;
            lanes_pack(values, count, width, &out);
            cr_assert(out.count == lanes_bytes(count, width));
            memset(writer_reserve(&out, LANES_SLACK_BYTES), 0xFF, LANES_SLACK_BYTES);
            lanes_unpack(out.data, count, width, decoded);
            cr_assert(memcmp(values, decoded, count * sizeof *values) == 0, "width %u, %zu values", width, count);
        }
    }
    writer_release(&out);
}

Test(chunk_lanes, groups_come_back)
{
    uint64_t seed = 2, values[LANES_GROUP], decoded[LANES_GROUP];
    struct writer out = {0};

    for (int round = 0; round < 20000; round++) {
        size_t count = round % 3 ? LANES_GROUP : random_below(&seed, LANES_GROUP + 1);
        unsigned bits = random_below(&seed, 65), more = random_below(&seed, 65);
        for (size_t i = 0; i < count; i++) values[i] = below_bits(&seed, random_below(&seed, 16) ? bits : more);
        out.count = 0;
        lanes_write(values, count, &out);
        size_t bytes = out.count;
        memset(writer_reserve(&out, LANES_SLACK_BYTES), 0xFF, LANES_SLACK_BYTES);
        struct reader in = reader_make(out.data, bytes);
        cr_assert(lanes_read(&in, count, decoded) && reader_left(&in) == 0);
        cr_assert(memcmp(values, decoded, count * sizeof *values) == 0);
        in = reader_make(out.data, random_below(&seed, bytes));
        cr_expect(!lanes_read(&in, count, decoded), "a cut group decodes");
    }
    writer_release(&out);
}

Test(chunk_lanes, a_large_value_does_not_cost_all_of_them)
{
    uint64_t values[LANES_GROUP];
    uint16_t lengths[65] = {0};
    struct writer out = {0};

    for (size_t i = 0; i < LANES_GROUP; i++) values[i] = i % 8;
    values[77] = UINT64_MAX;
    lanes_write(values, LANES_GROUP, &out);
    cr_expect(out.count <= lanes_bytes(LANES_GROUP, 3) + 12, "%zu bytes", out.count);
    for (size_t i = 0; i < LANES_GROUP; i++) lengths[values[i] ? 64 - __builtin_clzll(values[i]) : 0]++;
    cr_expect(lanes_cost_bytes(lengths, LANES_GROUP) == out.count);
    writer_release(&out);
}

Test(chunk_lanes, hostile_bytes)
{
    uint64_t seed = 3, decoded[LANES_GROUP];

    for (int round = 0; round < 100000; round++) {
        size_t bytes = random_below(&seed, 300);
        uint8_t *input = malloc(bytes + LANES_SLACK_BYTES);
        random_fill(&seed, input, bytes + LANES_SLACK_BYTES);
        if (bytes) input[0] = (uint8_t)(random_below(&seed, 70) | (random_below(&seed, 2) ? 128 : 0));
        struct reader in = reader_make(input, bytes);
        (void)lanes_read(&in, random_below(&seed, LANES_GROUP + 1), decoded);
        free(input);
    }
}
