/* SPDX-License-Identifier: MIT */
/* Readings of a photometer -> which grape. A real device fills `readings` from its own. */
#include <milliwatt/config.h>
#include <milliwatt/status.h>

#include <stdint.h>
#include <stdio.h>
#include <wine_mlp.h>

#include "recorded_wines.h"
#include "stopwatch.h"

int main(void)
{
    int different = 0;

    printf("wine  grape       board says  %s\n", stopwatch_unit());
    for (int i = 0; i < RECORDED_WINES; i++) {
        int16_t readings[WINE_MLP_N_FEATURES];
        MW_READ_BYTES(readings, recorded_readings[i], sizeof readings);

        const uint32_t begin = stopwatch_read();
        const int answer = wine_mlp_predict(readings, WINE_MLP_N_FEATURES);
        const uint32_t took = stopwatch_since(begin);
        if (answer < 0) {
            puts(mw_status_string(answer));
            return RECORDED_WINES;
        }
        printf("%4d  %-10s  %-10s  %lu\n", i, wine_mlp_class_name(recorded_grape[i]),
               wine_mlp_class_name(answer), (unsigned long) took);
        different += answer != recorded_predicted[i];
    }
    puts(different == 0 ? "the board answers as the PC does" : "the board answers DIFFERENTLY");
    return different;
}
