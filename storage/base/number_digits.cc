// Shortest digits from std::to_chars; see number_digits.h.
#include "storage/base/number_digits.h"

#include <charconv>

int number_digits(double value, char digits[17], int *exponent)
{
    char text[32];
    auto result = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    const char *at = text;
    int count = 0;

    digits[count++] = *at++;
    if (*at == '.') at++;
    while (*at != 'e') digits[count++] = *at++;
    std::from_chars(at[1] == '+' ? at + 2 : at + 1, result.ptr, *exponent);
    return count;
}
