"""What every function of ``<milliwatt/time_features.h>`` gives for a list of windows."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mwtest.dsp_programs import run_program
from mwtest.net_cases import Machine

PER_MILLE = (500, 250, 750, 0, 1000, 25, 333)
Numbers: TypeAlias = dict[str, int | float]


@dataclass(frozen=True)
class Window:
    """Frames of channels that vary fastest, and after how many frames a ring breaks off."""

    frames: NDArray[Any]
    broken: int
    level: float = 0
    threshold: int = 0

    def channel(self, number: int) -> list[Any]:
        chosen: list[Any] = self.frames[:, number % self.frames.shape[1]].tolist()
        return chosen


# A name for every number that the program writes: ``i`` int64, ``u`` uint64, ``f`` float.
_INTEGERS = (
    "sum squares scatter mean_q8 rms_q8 std_q8 level skewness_q8 kurtosis_q8 low high peak absolute "
    "absolute_q8 area_q8 crossings mean_crossings length slope_squares slopes turns jerk_q8 jerk_rms_q8 "
    "coscatter products correlation_q15 third0 third1 third2 third3 fourth0 fourth1 fourth2 fourth3 "
    + " ".join(f"selected{q}" for q in PER_MILLE)
    + " "
    + " ".join(f"counted{q}" for q in PER_MILLE)
).split()
_MOMENTS = "mean rms energy variance variance1 std std1 skewness kurtosis"  # of either family
_FLOATS_OF_I16 = f"{_MOMENTS} jerk jerk_rms covariance correlation".split()
_FLOATS = (
    f"{_MOMENTS} low high peak absolute area length jerk jerk_rms products covariance correlation "
    + " ".join(f"selected{q}" for q in PER_MILLE)
    + " "
    + " ".join(f"counted{q}" for q in PER_MILLE)
).split()
_COUNTS = ["crossings", "mean_crossings", "turns"]


def features(windows: Sequence[Window], machine: Machine, directory: Path) -> list[Numbers]:
    """All that the C functions give for windows of int16 or float32; on AVR of int16 only."""
    given = struct.pack("<i", len(windows))
    for window in windows:
        rows, channels = window.frames.shape
        kind = 0 if window.frames.dtype == np.int16 else 1
        given += struct.pack("<5if", kind, rows, window.broken, channels, window.threshold, window.level)
        given += np.ascontiguousarray(window.frames).tobytes()
    answer = run_program(_PROGRAM, ("time_", "roots"), given, machine, directory)
    found, at = [], 0
    for window in windows:
        if window.frames.dtype == np.int16:
            names, form = (_INTEGERS, _FLOATS_OF_I16), f"<{len(_INTEGERS)}q{len(_FLOATS_OF_I16)}f"
        else:
            names, form = (_COUNTS, _FLOATS), f"<{len(_COUNTS)}q{len(_FLOATS)}f"
        numbers = struct.unpack_from(form, answer, at)
        at += struct.calcsize(form)
        found.append(dict(zip([*names[0], *names[1]], numbers, strict=True)))
    assert at == len(answer)
    return found


_PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <milliwatt/time_features.h>

static const uint16_t per_mille[] = {@};
enum { QUANTILES = sizeof per_mille / sizeof *per_mille };

static void *take(size_t size)
{
    void *block = malloc(size + (size == 0));
    if (block == NULL || fread(block, 1, size, stdin) != size) {
        exit(9);
    }
    return block;
}

static void put(const void *from, size_t size)
{
    if (fwrite(from, 1, size, stdout) != size) {
        exit(8);
    }
}

static void put_integer(int64_t value)
{
    put(&value, sizeof value);
}

static void put_float(float value)
{
    put(&value, sizeof value);
}

static void must(int status)
{
    if (status != MW_OK) {
        exit(7);
    }
}

/* Both parts in blocks of their own, so that the address sanitizer sees the ends. */
typedef struct {
    int32_t kind, rows, broken, channels, threshold;
    float level;
} header;

static void run_i16(const header *given)
{
    const int channels = given->channels;
    int16_t *first = (int16_t *) take((size_t) (given->broken * channels) * 2);
    int16_t *second = (int16_t *) take((size_t) ((given->rows - given->broken) * channels) * 2);
    const uint16_t rest = (uint16_t) (given->rows - given->broken);
    const mw_frames window = {first, second, (uint16_t) given->broken, rest, (uint16_t) (channels * 2)};
    const mw_view_i16 x = mw_channel_i16(&window, 0);
    const mw_view_i16 y = mw_channel_i16(&window, (uint16_t) (1 % channels));
    const mw_view_i16 z = mw_channel_i16(&window, (uint16_t) (2 % channels));
    mw_sums_i16 sums, y_sums;
    mw_shape_i16 shape;
    mw_range_i16 range;
    mw_slopes_i16 slopes = {0, 0, 1};
    uint32_t absolute[3];
    uint16_t crossings, mean_crossings, turns = 0;
    int64_t products;
    int32_t selected[QUANTILES], counted[QUANTILES];
    int16_t *scratch = (int16_t *) malloc((size_t) given->rows * 2);
    must(mw_sum_i16(&x, &sums));
    must(mw_sum_i16(&y, &y_sums));
    must(mw_shape_of_i16(&x, &sums, &shape));
    must(mw_range_of_i16(&x, &range));
    must(mw_absolute_sum_i16(&x, absolute));
    must(mw_absolute_sum_i16(&y, absolute + 1));
    must(mw_absolute_sum_i16(&z, absolute + 2));
    must(mw_crossings_i16(&x, (int16_t) given->level, &crossings));
    must(mw_crossings_i16(&x, mw_mean_level(&sums), &mean_crossings));
    must(mw_products_i16(&x, &y, &products));
    if (given->rows > 1) {
        must(mw_slopes_of_i16(&x, &slopes));
        must(mw_turns_i16(&x, (uint16_t) given->threshold, &turns));
    } else if (mw_slopes_of_i16(&x, &slopes) != MW_ERROR_LENGTH ||
               mw_turns_i16(&x, 0, &turns) != MW_ERROR_LENGTH) {
        exit(6);
    }
    must(mw_quantiles_i16(&x, scratch, per_mille, QUANTILES, selected));
    must(mw_count_quantiles_i16(&x, per_mille, QUANTILES, counted));
    put_integer(sums.sum);
    put_integer((int64_t) sums.squares);
    put_integer((int64_t) mw_scatter_i16(&sums));
    put_integer(mw_mean_q8(&sums));
    put_integer(mw_rms_q8(&sums));
    put_integer(mw_std_q8(&sums));
    put_integer(mw_mean_level(&sums));
    put_integer(mw_skewness_q8(&shape));
    put_integer(mw_kurtosis_q8(&shape));
    put_integer(range.low);
    put_integer(range.high);
    put_integer(mw_peak_to_peak_i16(&range));
    put_integer(absolute[0]);
    put_integer(mw_per_sample_q8(absolute[0], sums.n));
    put_integer(mw_magnitude_area_q8(absolute[0], absolute[1], absolute[2], sums.n));
    put_integer(crossings);
    put_integer(mean_crossings);
    put_integer(slopes.length);
    put_integer((int64_t) slopes.squares);
    put_integer(slopes.n);
    put_integer(turns);
    put_integer(mw_per_sample_q8(slopes.length, slopes.n));
    put_integer(mw_root_mean_q8(slopes.squares, slopes.n));
    put_integer(mw_coscatter_i16(&sums, &y_sums, products));
    put_integer(products);
    put_integer(mw_correlation_q15(&sums, &y_sums, products));
    for (int i = 0; i < 4; ++i) {
        put_integer(shape.third[i]);
    }
    for (int i = 0; i < 4; ++i) {
        put_integer(shape.fourth[i]);
    }
    for (int i = 0; i < QUANTILES; ++i) {
        put_integer(selected[i]);
    }
    for (int i = 0; i < QUANTILES; ++i) {
        put_integer(counted[i]);
    }
    put_float(mw_mean_i16(&sums));
    put_float(mw_rms_i16(&sums));
    put_float(mw_energy_i16(&sums));
    put_float(mw_variance_i16(&sums, 0));
    put_float(mw_variance_i16(&sums, 1));
    put_float(mw_std_i16(&sums, 0));
    put_float(mw_std_i16(&sums, 1));
    put_float(mw_skewness_i16(&shape));
    put_float(mw_kurtosis_i16(&shape));
    put_float(mw_jerk_i16(&slopes, 50.0f));
    put_float(mw_jerk_rms_i16(&slopes, 50.0f));
    put_float(mw_covariance_i16(&sums, &y_sums, products, 1));
    put_float(mw_correlation_i16(&sums, &y_sums, products));
    free(first);
    free(second);
    free(scratch);
}

#ifdef __AVR__ /* no room for them */
static void run_f32(const header *given)
{
    (void) given;
    exit(4);
}
#else
static void run_f32(const header *given)
{
    const int channels = given->channels;
    float *first = (float *) take((size_t) (given->broken * channels) * 4);
    float *second = (float *) take((size_t) ((given->rows - given->broken) * channels) * 4);
    const uint16_t rest = (uint16_t) (given->rows - given->broken);
    const mw_frames window = {first, second, (uint16_t) given->broken, rest, (uint16_t) (channels * 4)};
    const mw_view_f32 x = mw_channel_f32(&window, 0);
    const mw_view_f32 y = mw_channel_f32(&window, (uint16_t) (1 % channels));
    const mw_view_f32 z = mw_channel_f32(&window, (uint16_t) (2 % channels));
    mw_sums_f32 sums, y_sums;
    mw_shape_f32 shape;
    mw_range_f32 range;
    mw_slopes_f32 slopes = {0, 0, 1};
    float absolute[3], products;
    uint16_t crossings, mean_crossings, turns = 0;
    float selected[QUANTILES], counted[QUANTILES];
    int32_t *scratch = (int32_t *) malloc((size_t) given->rows * 4);
    must(mw_sum_f32(&x, &sums));
    must(mw_sum_f32(&y, &y_sums));
    must(mw_shape_of_f32(&x, &sums, &shape));
    must(mw_range_of_f32(&x, &range));
    must(mw_absolute_sum_f32(&x, absolute));
    must(mw_absolute_sum_f32(&y, absolute + 1));
    must(mw_absolute_sum_f32(&z, absolute + 2));
    must(mw_crossings_f32(&x, given->level, &crossings));
    must(mw_crossings_f32(&x, sums.mean, &mean_crossings));
    must(mw_products_f32(&x, &y, &sums, &y_sums, &products));
    if (given->rows > 1) {
        must(mw_slopes_of_f32(&x, &slopes));
        must(mw_turns_f32(&x, (float) given->threshold, &turns));
    }
    must(mw_quantiles_f32(&x, scratch, per_mille, QUANTILES, selected));
    must(mw_count_quantiles_f32(&x, per_mille, QUANTILES, counted));
    put_integer(crossings);
    put_integer(mean_crossings);
    put_integer(turns);
    put_float(sums.mean);
    put_float(mw_rms_f32(&sums));
    put_float(mw_energy_f32(&sums));
    put_float(mw_variance_f32(&sums, 0));
    put_float(mw_variance_f32(&sums, 1));
    put_float(mw_std_f32(&sums, 0));
    put_float(mw_std_f32(&sums, 1));
    put_float(mw_skewness_f32(&shape));
    put_float(mw_kurtosis_f32(&shape));
    put_float(range.low);
    put_float(range.high);
    put_float(mw_peak_to_peak_f32(&range));
    put_float(absolute[0]);
    put_float(mw_magnitude_area_f32(absolute[0], absolute[1], absolute[2], sums.n));
    put_float(slopes.length);
    put_float(mw_jerk_f32(&slopes, 50.0f));
    put_float(mw_jerk_rms_f32(&slopes, 50.0f));
    put_float(products);
    put_float(mw_covariance_f32(&sums, products, 1));
    put_float(mw_correlation_f32(&sums, &y_sums, products));
    for (int i = 0; i < QUANTILES; ++i) {
        put_float(selected[i]);
    }
    for (int i = 0; i < QUANTILES; ++i) {
        put_float(counted[i]);
    }
    free(first);
    free(second);
    free(scratch);
}
#endif

int main(void)
{
    int32_t *windows = (int32_t *) take(4);
    for (int32_t i = 0; i < *windows; ++i) {
        header *given = (header *) take(sizeof *given);
        if (given->kind == 0) {
            run_i16(given);
        } else {
            run_f32(given);
        }
        free(given);
    }
    free(windows);
    return 0;
}
""".replace("@", ", ".join(map(str, PER_MILLE)))
