/* Numbers as text; see number.h. */
#include "storage/base/number.h"

#include "storage/base/number_digits.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static size_t put_unsigned(uint64_t v, char *out)
{
    char text[20];
    size_t len = 0;

    do {
        text[sizeof text - ++len] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    memcpy(out, text + sizeof text - len, len);
    return len;
}

/* Integers and numbers with up to two decimals, the bulk of what metrics hold, without the search for digits. Exact:
 * below 10^15 no two decimals of at most 15 digits read as the same double, so what reads back is the shortest. */
static size_t put_simple(double v, enum number_form form, char *out)
{
    if (v >= (form == NUMBER_SHORT ? 1e6 : 1e13)) return 0; /* beyond that forms differ, or digits run out */
    uint64_t hundredths = (uint64_t)(v * 100 + 0.5);
    if ((double)hundredths / 100 != v) return 0;

    uint64_t whole = hundredths / 100, rest = hundredths % 100;
    size_t len = put_unsigned(whole, out);
    if (rest) {
        out[len++] = '.';
        out[len++] = (char)('0' + rest / 10);
        if (rest % 10) out[len++] = (char)('0' + rest % 10);
    }
    return len;
}

static size_t put_exponent_form(const char *digits, int count, int exponent, char *out)
{
    size_t len = 0;

    out[len++] = digits[0];
    if (count > 1) {
        out[len++] = '.';
        memcpy(out + len, digits + 1, (size_t)count - 1);
        len += (size_t)count - 1;
    }
    out[len++] = 'e';
    out[len++] = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent < 10) out[len++] = '0';
    return len + put_unsigned((uint64_t)exponent, out + len);
}

static size_t put_fixed_form(const char *digits, int count, int exponent, char *out)
{
    size_t len = 0;

    if (exponent < 0) {
        out[len++] = '0';
        out[len++] = '.';
        memset(out + len, '0', (size_t)(-exponent - 1));
        len += (size_t)(-exponent - 1);
        memcpy(out + len, digits, (size_t)count);
        return len + (size_t)count;
    }
    for (int i = 0; i <= exponent; i++) out[len++] = i < count ? digits[i] : '0';
    if (count > exponent + 1) {
        out[len++] = '.';
        memcpy(out + len, digits + exponent + 1, (size_t)(count - exponent - 1));
        len += (size_t)(count - exponent - 1);
    }
    return len;
}

static int wants_exponent(enum number_form form, int exponent)
{
    switch (form) {
    case NUMBER_JSON: return exponent < -6 || exponent >= 21;
    case NUMBER_FIXED: return 0;
    case NUMBER_GENERAL: return exponent < -4 || exponent >= 21;
    case NUMBER_SHORT: return exponent < -4 || exponent >= 6;
    case NUMBER_EXPONENT: break;
    }
    return 1;
}

size_t number_format(double value, enum number_form form, char *out)
{
    char digits[17];
    int exponent;
    size_t sign = 0;

    if (isnan(value)) return memcpy(out, "NaN", 3), 3;
    if (isinf(value)) return memcpy(out, value > 0 ? "+Inf" : "-Inf", 4), 4;
    if (signbit(value)) {
        out[sign++] = '-';
        value = -value;
    }
    if (form != NUMBER_EXPONENT) {
        size_t simple = put_simple(value, form, out + sign);
        if (simple) return sign + simple;
    }
    if (value == 0) return sign + put_exponent_form("0", 1, 0, out + sign);
    int count = number_digits(value, digits, &exponent);
    if (wants_exponent(form, exponent)) return sign + put_exponent_form(digits, count, exponent, out + sign);
    return sign + put_fixed_form(digits, count, exponent, out + sign);
}
