/* SPDX-License-Identifier: MIT */
/* Written by model.py. Measurements: the wine data of scikit-learn, see README.md. */
#ifndef RECORDED_WINES_H
#define RECORDED_WINES_H

#include <stdint.h>

#include <milliwatt/config.h>

/* clang-format off */

#define RECORDED_WINES 9

/* Classes: 0 Barbera, 1 Barolo, 2 Grignolino. */
static const uint8_t recorded_grape[RECORDED_WINES] = {1, 1, 1, 2, 2, 2, 0, 0, 0};

/* What the model says on the PC. */
static const uint8_t recorded_predicted[RECORDED_WINES] = {1, 1, 1, 2, 2, 2, 0, 0, 0};

/* In thousandths: total_phenols, flavanoids, nonflavanoid_phenols, proanthocyanins, color_intensity, hue, od280/od315_of_diluted_wines. */
static const int16_t recorded_readings[RECORDED_WINES][7] MW_FLASH = {
    {2950, 3320, 220, 2380, 5750, 1250, 3170},
    {3880, 3740, 320, 1870, 7050, 1010, 3260},
    {2200, 2430, 260, 1570, 5000, 1170, 2820},
    {2560, 2110, 340, 1310, 2800, 800, 3380},
    {2100, 1750, 420, 1350, 2600, 790, 2570},
    {2860, 3030, 210, 2910, 2800, 750, 3640},
    {1380, 470, 530, 800, 3850, 750, 1270},
    {1300, 1220, 240, 830, 5400, 740, 1420},
    {1800, 750, 430, 1410, 7300, 700, 1560},
};

#endif
