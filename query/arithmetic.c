/* Binary operators on columns of numbers; see arithmetic.h. */
#include "query/arithmetic.h"

#include "query/bits.h"
#include "query/kernel.h"

#include <assert.h>

double arithmetic_one(enum operator_kind op, double left, double right)
{
    switch (op) {
    case OP_ADD: return left + right;
    case OP_SUB: return left - right;
    case OP_MUL: return left * right;
    case OP_DIV: return left / right;
    case OP_MOD: return fmod(left, right);
    case OP_POW: return pow(left, right);
    case OP_ATAN2: return atan2(left, right);
    case OP_EQL: return left == right;
    case OP_NEQ: return left != right;
    case OP_LTE: return left <= right;
    case OP_LSS: return left < right;
    case OP_GTE: return left >= right;
    case OP_GTR: return left > right;
    default: assert(false); return NAN;
    }
}

/* Loops over two columns, and over a column with one value on either side: for add_both, add_left_one, … */
#define LOOPS(name, symbol)                                                                     \
    KERNEL static void name##_both(const double *a, const double *b, double *out, size_t count) \
    {                                                                                           \
        KERNEL_LOOP                                                                             \
        for (size_t i = 0; i < count; i++) out[i] = a[i] symbol b[i];                           \
    }                                                                                           \
    KERNEL static void name##_left_one(double a, const double *b, double *out, size_t count)    \
    {                                                                                           \
        KERNEL_LOOP                                                                             \
        for (size_t i = 0; i < count; i++) out[i] = a symbol b[i];                              \
    }                                                                                           \
    KERNEL static void name##_right_one(const double *a, double b, double *out, size_t count)   \
    {                                                                                           \
        KERNEL_LOOP                                                                             \
        for (size_t i = 0; i < count; i++) out[i] = a[i] symbol b;                              \
    }                                                                                           \
    static void name(struct operand left, struct operand right, double *out, size_t count)      \
    {                                                                                           \
        if (left.is_one) {                                                                      \
            name##_left_one(*left.values, right.values, out, count);                            \
        } else if (right.is_one) {                                                              \
            name##_right_one(left.values, *right.values, out, count);                           \
        } else {                                                                                \
            name##_both(left.values, right.values, out, count);                                 \
        }                                                                                       \
    }

LOOPS(add, +)
LOOPS(subtract, -)
LOOPS(multiply, *)
LOOPS(divide, /)

void arithmetic_compute(enum operator_kind op, struct operand left, struct operand right, const uint64_t *present,
                        double *out, size_t count)
{
    assert(!left.is_one || !right.is_one);
    switch (op) {
    case OP_ADD: add(left, right, out, count); return;
    case OP_SUB: subtract(left, right, out, count); return;
    case OP_MUL: multiply(left, right, out, count); return;
    case OP_DIV: divide(left, right, out, count); return;
    default: break;
    }
    bits_each(i, present, count) out[i] =
        arithmetic_one(op, left.values[left.is_one ? 0 : i], right.values[right.is_one ? 0 : i]);
}

/* Up to 64 comparisons as bits. */
#define COMPARISON(name, symbol)                                                                              \
    KERNEL static uint64_t name(const double *a, size_t a_step, const double *b, size_t b_step, size_t count) \
    {                                                                                                         \
        uint64_t bits = 0;                                                                                    \
        for (size_t i = 0; i < count; i++) bits |= (uint64_t)(a[i * a_step] symbol b[i * b_step]) << i;       \
        return bits;                                                                                          \
    }

COMPARISON(are_equal, ==)
COMPARISON(are_different, !=)
COMPARISON(are_at_most, <=)
COMPARISON(are_less, <)
COMPARISON(are_at_least, >=)
COMPARISON(are_greater, >)

void arithmetic_filter(enum operator_kind op, struct operand left, struct operand right, uint64_t *present,
                       size_t count)
{
    static uint64_t (*const compare[])(const double *, size_t, const double *, size_t, size_t) = {
        [OP_EQL] = are_equal, [OP_NEQ] = are_different, [OP_LTE] = are_at_most,
        [OP_LSS] = are_less,  [OP_GTE] = are_at_least,  [OP_GTR] = are_greater,
    };
    size_t left_step = !left.is_one, right_step = !right.is_one;

    assert(operator_is_comparison(op));
    for (size_t at = 0; at < count; at += 64) {
        size_t n = count - at < 64 ? count - at : 64;
        if (present[at / 64])
            present[at / 64] &=
                compare[op](left.values + at * left_step, left_step, right.values + at * right_step, right_step, n);
    }
}
