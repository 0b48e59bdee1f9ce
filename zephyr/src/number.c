/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <string.h>

/* The minimal C library has no names for these. */
static double special(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* 10^22 is the largest power that a double holds. */
static double power_of_ten(int exponent)
{
    double power = 1.0;

    for (; exponent > 0; --exponent) {
        power *= 10.0;
    }
    return power;
}

static double scaled(double value, int exponent)
{
    for (; exponent > 22; exponent -= 22) {
        value *= power_of_ten(22);
    }
    for (; exponent < -22; exponent += 22) {
        value /= power_of_ten(22);
    }
    return exponent < 0 ? value / power_of_ten(-exponent) : value * power_of_ten(exponent);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct decimal {
    uint64_t digits;
    int exponent;
    bool any;
};

/* Digits beyond the 18th only count as places. */
static const char *take_digits(const char *text, struct decimal *number, int places)
{
    for (; is_digit(*text); ++text) {
        number->any = true;
        if (number->digits < UINT64_C(100000000000000000)) {
            number->digits = 10 * number->digits + (uint64_t) (*text - '0');
            number->exponent -= places;
        } else {
            number->exponent += 1 - places;
        }
    }
    return text;
}

/* What follows an e, if it is a number. */
static const char *take_exponent(const char *text, struct decimal *number)
{
    const char *p = text + 1;
    int sign = 1;
    int exponent = 0;

    if (*p == '-' || *p == '+') {
        sign = *p == '-' ? -1 : 1;
        ++p;
    }
    if (!is_digit(*p)) {
        return text;
    }
    for (; is_digit(*p); ++p) {
        exponent = exponent < 1000 ? 10 * exponent + (*p - '0') : exponent;
    }
    number->exponent += sign * exponent;
    return p;
}

static bool take_word(const char **text, const char *word)
{
    const size_t length = strlen(word);

    if (strncmp(*text, word, length) != 0) {
        return false;
    }
    *text += length;
    return true;
}

static bool parse_magnitude(const char **text, double *value)
{
    struct decimal number = {0};
    const char *p = *text;

    if (take_word(text, "nan")) {
        *value = special(UINT64_C(0x7ff8000000000000));
        return true;
    }
    if (take_word(text, "inf")) {
        *value = special(UINT64_C(0x7ff0000000000000));
        return true;
    }
    p = take_digits(p, &number, 0);
    if (*p == '.') {
        p = take_digits(p + 1, &number, 1);
    }
    if (number.any && (*p == 'e' || *p == 'E')) {
        p = take_exponent(p, &number);
    }
    *text = p;
    *value = number.digits == 0 ? 0.0 : scaled((double) number.digits, number.exponent);
    return number.any;
}

bool mw_parse_number(const char *text, const char **end, double *value)
{
    const bool negative = *text == '-';

    if (negative || *text == '+') {
        ++text;
    }
    if (!parse_magnitude(&text, value)) {
        return false;
    }
    *value = negative ? -*value : *value;
    *end = text;
    return true;
}
