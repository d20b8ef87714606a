/* Operators on columns against one element at a time. */
#include "query/arithmetic.h"

#include "query/bits.h"
#include "storage/base/bytes.h"
#include "tests/query/fixture.h"

#include <math.h>

enum { COUNT = 150 };

static double random_value(struct random *random)
{
    static const double odd[] = {0, -0.0, 1, -1, NAN, INFINITY, -INFINITY};

    return random_next(random) % 4 ? random_unit(random) * 20 - 10 : odd[random_next(random) % 7];
}

static bool same(double a, double b)
{
    return double_bits(a) == double_bits(b) || (isnan(a) && isnan(b));
}

Test(arithmetic, columns_against_elements)
{
    struct random random = {17};

    for (int round = 0; round < 400; round++) {
        double a[COUNT], b[COUNT], out[COUNT];
        uint64_t present[3] = {0};
        enum operator_kind op = (enum operator_kind)(OP_ADD + random_next(&random) % (OP_ATAN2 - OP_ADD + 1));
        struct operand left = {a, round % 3 == 1}, right = {b, round % 3 == 2};
        for (size_t i = 0; i < COUNT; i++) {
            a[i] = random_value(&random);
            b[i] = random_value(&random);
            if (random_next(&random) % 3) bits_set(present, i);
        }
        double expected[COUNT];
        for (size_t i = 0; i < COUNT; i++)
            expected[i] = arithmetic_one(op, a[left.is_one ? 0 : i], b[right.is_one ? 0 : i]);
        bool in_place = round % 2 && !left.is_one;
        arithmetic_compute(op, left, right, present, in_place ? a : out, COUNT);
        bits_each(i, present, COUNT) cr_assert(same((in_place ? a : out)[i], expected[i]), "operator %d", op);
    }
}

Test(arithmetic, filters_against_elements)
{
    struct random random = {19};

    for (int round = 0; round < 400; round++) {
        double a[COUNT], b[COUNT];
        uint64_t present[3] = {0}, before[3];
        enum operator_kind op = (enum operator_kind)(OP_EQL + random_next(&random) % (OP_GTR - OP_EQL + 1));
        struct operand left = {a, round % 3 == 1}, right = {b, round % 3 == 2};
        for (size_t i = 0; i < COUNT; i++) {
            a[i] = floor(random_value(&random));
            b[i] = floor(random_value(&random));
            if (random_next(&random) % 3) bits_set(present, i);
        }
        for (size_t w = 0; w < 3; w++) before[w] = present[w];
        arithmetic_filter(op, left, right, present, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            bool holds = arithmetic_one(op, a[left.is_one ? 0 : i], b[right.is_one ? 0 : i]) != 0;
            cr_assert(bits_get(present, i) == (bits_get(before, i) && holds));
        }
    }
}
