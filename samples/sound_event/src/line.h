/* SPDX-License-Identifier: MIT */
/* A line of text, put together without printf, which takes ten kilobytes of flash in some C libraries. */
#ifndef LINE_H
#define LINE_H

#include <stdint.h>

enum { LINE_SIZE = 60 };

/* Begins as zeros. What does not fit is left out. */
typedef struct {
    char text[LINE_SIZE];
    int length;
} line;

static inline void line_add(line *l, const char *text)
{
    while (*text != '\0' && l->length < LINE_SIZE - 1) {
        l->text[l->length++] = *text++;
    }
}

/* Blanks up to a column. */
static inline void line_column(line *l, int column)
{
    while (l->length < column) {
        line_add(l, " ");
    }
}

static inline void line_number(line *l, uint32_t number)
{
    char digits[11];
    int first = 10;

    digits[10] = '\0';
    do {
        digits[--first] = (char) ('0' + number % 10);
        number /= 10;
    } while (number != 0);
    line_add(l, digits + first);
}

#endif
