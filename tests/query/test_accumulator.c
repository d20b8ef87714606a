/* Accumulators against plain loops over each group and step; slices merged against one sequence. */
#include "query/accumulator.h"

#include "query/kernel.h"
#include "storage/base/bytes.h"
#include "tests/query/fixture.h"

enum { ROWS = 40, GROUPS = 3 };

static bool same(double a, double b)
{
    return double_bits(a) == double_bits(b) || (isnan(a) && isnan(b));
}

/* The values of one group and step, in the order of rows, aggregated. */
static bool aggregate(enum aggregate_kind kind, const double *values, size_t count, double *out)
{
    double sum = values[0], lost = 0, best = values[0], mean = 0, squares = 0;

    if (count == 0) return false;
    for (size_t i = 1; i < count; i++) {
        kahan_add(values[i], &sum, &lost);
        if (kind == AGGREGATE_MIN ? best > values[i] || isnan(best) : best < values[i] || isnan(best)) best = values[i];
    }
    for (size_t i = 0; i < count; i++) {
        double delta = values[i] - mean;
        mean += delta / (double)(i + 1);
        squares += delta * (values[i] - mean);
    }
    switch (kind) {
    case AGGREGATE_SUM: *out = sum + lost; break;
    case AGGREGATE_AVG: *out = sum / (double)count + lost / (double)count; break;
    case AGGREGATE_COUNT: *out = (double)count; break;
    case AGGREGATE_GROUP: *out = 1; break;
    case AGGREGATE_STDVAR: *out = squares / (double)count; break;
    case AGGREGATE_STDDEV: *out = sqrt(squares / (double)count); break;
    default: *out = best;
    }
    return true;
}

static void fill(struct random *random, struct tile *tile, uint32_t *slots, size_t steps)
{
    for (size_t row = 0; row < tile->rows; row++) {
        slots[row] = (uint32_t)(random_next(random) % GROUPS);
        bool is_full = random_next(random) % 2;
        for (size_t s = 0; s < steps; s++) {
            tile_values(tile, row)[s] = random_unit(random) * (random_next(random) % 9 ? 1 : 1e17);
            if (random_next(random) % 40 == 0) tile_values(tile, row)[s] = random_next(random) % 2 ? NAN : -0.0;
            if (is_full || random_next(random) % 3) bits_set(tile->present, row * tile->stride + s);
        }
    }
}

static void check(const struct tile *tile, const uint32_t *slots, const struct tile *out, enum aggregate_kind kind,
                  size_t steps)
{
    for (size_t group = 0; group < GROUPS; group++) {
        for (size_t s = 0; s < steps; s++) {
            double values[ROWS] = {0}, expected;
            size_t count = 0;
            for (size_t row = 0; row < ROWS; row++) {
                size_t at = row * tile->stride + s;
                if (slots[row] == group && bits_get(tile->present, at)) values[count++] = tile->values[at];
            }
            bool is_there = aggregate(kind, values, count, &expected);
            cr_assert(bits_get(out->present, group * out->stride + s) == is_there);
            cr_assert(!is_there || same(out->values[group * out->stride + s], expected), "kind %d, %zu values", kind,
                      count);
        }
    }
}

Test(accumulator, against_plain_loops)
{
    static const uint32_t steps[] = {1, 7, 64, 130};
    struct random random = {23};

    for (int round = 0; round < 200; round++) {
        struct scratch scratch = {0};
        struct grid grid = {0, 1, steps[round % 4]};
        struct tile tile = tile_make(&scratch, &grid, ROWS), out = tile_make(&scratch, &grid, GROUPS);
        enum aggregate_kind kind = (enum aggregate_kind)(random_next(&random) % (AGGREGATE_STDVAR + 1));
        uint32_t slots[ROWS];
        struct accumulator acc;
        fill(&random, &tile, slots, grid.steps);
        accumulator_init(&acc, kind, false, &grid, GROUPS, &scratch);
        accumulator_add(&acc, &tile, slots, slots);
        accumulator_finish(&acc, &out, &scratch);
        check(&tile, slots, &out, kind, grid.steps);
        scratch_release(&scratch);
    }
}

/* A sum that overflows becomes a running mean. */
Test(accumulator, careful_averages)
{
    struct scratch scratch = {0};
    struct grid grid = {0, 1, 1};
    struct tile tile = tile_make(&scratch, &grid, 4), out = tile_make(&scratch, &grid, 1);
    uint32_t slots[4] = {0};
    struct accumulator acc;

    for (size_t row = 0; row < 4; row++) tile.values[row] = 1.5e308;
    bits_fill(tile.present, 4);
    accumulator_init(&acc, AGGREGATE_AVG, false, &grid, 1, &scratch);
    accumulator_add(&acc, &tile, slots, slots);
    cr_assert(!accumulator_is_finite(&acc, 0));
    accumulator_init(&acc, AGGREGATE_AVG, true, &grid, 1, &scratch);
    accumulator_add(&acc, &tile, slots, slots);
    accumulator_finish(&acc, &out, &scratch);
    cr_assert(out.values[0] == 1.5e308, "%g", out.values[0]);
    scratch_release(&scratch);
}

Test(accumulator, slices_are_merged_in_order)
{
    struct scratch scratch = {0};
    struct grid grid = {0, 1, 1};
    struct accumulator all, slice;
    uint32_t slots[1] = {0};

    for (int kind = AGGREGATE_SUM; kind <= AGGREGATE_MAX; kind++) {
        struct tile out = tile_make(&scratch, &grid, 1);
        accumulator_init(&all, (enum aggregate_kind)kind, false, &grid, 1, &scratch);
        for (int i = 1; i <= 10; i++) {
            struct tile tile = tile_make(&scratch, &grid, 1);
            tile.values[0] = i == 3 ? NAN : (double)i;
            if (i != 3 || kind >= AGGREGATE_MIN) bits_set(tile.present, 0);
            accumulator_init(&slice, (enum aggregate_kind)kind, false, &grid, 1, &scratch);
            accumulator_add(&slice, &tile, slots, slots);
            accumulator_merge(&all, 0, &slice);
        }
        accumulator_finish(&all, &out, &scratch);
        static const double expected[] = {52, 52.0 / 9, 9, 1, 10};
        cr_assert(out.values[0] == expected[kind], "kind %d: %g", kind, out.values[0]);
    }
    scratch_release(&scratch);
}
