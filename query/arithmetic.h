/* Binary operators on columns of numbers. */
#ifndef VARVE_QUERY_ARITHMETIC_H
#define VARVE_QUERY_ARITHMETIC_H

#include "query/ast.h"

/* One side of an operation: a column, or one value for all elements. */
struct operand {
    const double *values;
    bool is_one;
};

/* left op right, element by element, for arithmetic operators; `out` may be one of the operands. Dear operators look
 * only at what is present. */
void arithmetic_compute(enum operator_kind op, struct operand left, struct operand right, const uint64_t *present,
                        double *out, size_t count);

/* Clears the bits of elements for which the comparison does not hold. */
void arithmetic_filter(enum operator_kind op, struct operand left, struct operand right, uint64_t *present,
                       size_t count);

/* One element: arithmetic gives the value, comparison 0 or 1. */
double arithmetic_one(enum operator_kind op, double left, double right);

#endif
