/* The one door to libstdc++'s std::to_chars, which finds shortest round-trip digits (Ryu, Ulf Adams, PLDI 2018). */
#ifndef VARVE_STORAGE_BASE_NUMBER_DIGITS_H
#define VARVE_STORAGE_BASE_NUMBER_DIGITS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the 1 to 17 significant digits of a finite value > 0 and the decimal exponent of the first; returns how many
 * digits. 1250 gives "125" and 3. */
int number_digits(double value, char digits[17], int *exponent);

#ifdef __cplusplus
}
#endif

#endif
