/* Floating-point numbers as text: the shortest decimal digits that read back to the same bits, in the layouts that
 * Prometheus' answers and messages use. */
#ifndef VARVE_STORAGE_BASE_NUMBER_H
#define VARVE_STORAGE_BASE_NUMBER_H

#include <stddef.h>

enum number_form {
    NUMBER_JSON,    /* sample values: fixed for 0 and 1e-6 <= |x| < 1e21, else exponent ("1e-07", "1.5e+21") */
    NUMBER_FIXED,   /* never an exponent */
    NUMBER_GENERAL, /* Go's %g: exponent when it is below -4 or from 21 on */
    NUMBER_SHORT,   /* Go's 'g' with the shortest digits: exponent when it is below -4 or from 6 digits on */
    NUMBER_EXPONENT /* always an exponent: "1e+00" */
};

/* Room that the longest number of a form needs: 1 sign, 309 digits or "0." and 324 of them. */
enum { NUMBER_TEXT_MAX = 344 };

/* Writes the number (NaN, +Inf, -Inf, -0 included) without a terminator; returns its length. */
size_t number_format(double value, enum number_form form, char *out);

#endif
