/* SPDX-License-Identifier: MIT */
/* Images of digits -> which digit. A real device would have a camera fill the image. */
#include <milliwatt/status.h>

#include <digits_cnn.h>
#include <stdint.h>
#include <stdio.h>

#include "stopwatch.h"
#include "test_digits.h"

/* The compiler checks the type of the pixels; this checks their number. */
typedef char digits_fit_the_model[(sizeof test_digits[0] == DIGITS_CNN_N_FEATURES) ? 1 : -1];

int main(void)
{
    int different = 0;

    printf("digit  board says  %s\n", stopwatch_unit());
    for (int i = 0; i < TEST_DIGITS; i++) {
        const uint32_t begin = stopwatch_read();
        const int answer = digits_cnn_predict(test_digits[i], DIGITS_CNN_N_FEATURES);
        const uint32_t took = stopwatch_since(begin);
        if (answer < 0) {
            puts(mw_status_string(answer));
            return TEST_DIGITS;
        }
        printf("%5d  %10s  %lu\n", i, digits_cnn_class_name(answer), (unsigned long) took);
        different += answer != test_predicted[i];
    }
    puts(different == 0 ? "the board answers as the PC does" : "the board answers DIFFERENTLY");
    return different;
}
