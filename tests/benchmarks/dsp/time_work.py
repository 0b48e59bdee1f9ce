"""What is measured of features in the time domain: C for a window of 128 samples of 3 axes."""

from __future__ import annotations

from dataclasses import dataclass

_I16 = "mw_channel_i16(&window, axis)"
_QUARTERS = "static const uint16_t per_mille[] = {250, 500, 750};"


@dataclass(frozen=True)
class Work:
    """A line of the table.

    Attributes:
        name: what it says.
        code: C, run for each ``axis``, with the view ``x`` if there is a family.
        family: ``i16``, ``f32`` or nothing, then it is run once.
    """

    name: str
    code: str
    family: str = "i16"


ROWS = (
    Work("sums", "mw_sum_i16(&x, &sums[axis])"),
    Work("= mean, q8", "out[axis] = mw_mean_q8(&sums[axis])"),
    Work("= RMS, q8", "out[axis] = (int32_t) mw_rms_q8(&sums[axis])"),
    Work("= standard deviation, q8", "out[axis] = (int32_t) mw_std_q8(&sums[axis])"),
    Work("= standard deviation, float", "floats[axis] = mw_std_i16(&sums[axis], 0)"),
    Work("shape", "mw_shape_of_i16(&x, &sums[axis], &shape[axis])"),
    Work("= skewness, q8", "out[axis] = mw_skewness_q8(&shape[axis])"),
    Work("= kurtosis, q8", "out[axis] = mw_kurtosis_q8(&shape[axis])"),
    Work("= skewness, float", "floats[axis] = mw_skewness_i16(&shape[axis])"),
    Work("= kurtosis, float", "floats[axis] = mw_kurtosis_i16(&shape[axis])"),
    Work("shape, greater than 2^15", "mw_shape_of_i16(&x, &wide_sums, &shape[axis])"),
    Work("range", "mw_range_of_i16(&x, &range[axis])"),
    Work("absolute sum", "mw_absolute_sum_i16(&x, &absolute[axis])"),
    Work("= mean absolute value, q8", "out[axis] = (int32_t) mw_per_sample_q8(absolute[axis], 128)"),
    Work("= magnitude area, q8",
        "out[0] = (int32_t) mw_magnitude_area_q8(absolute[0], absolute[1], absolute[2], 128)", ""),
    Work("crossings", "mw_crossings_i16(&x, 0, &count)"),
    Work("turns", "mw_turns_i16(&x, 8, &count)"),
    Work("slopes", "mw_slopes_of_i16(&x, &slopes[axis])"),
    Work("= RMS of jerk, q8", "out[axis] = (int32_t) mw_root_mean_q8(slopes[axis].squares, 127)"),
    Work("three quartiles, scratch", f"{_QUARTERS} mw_quantiles_i16(&x, scratch, per_mille, 3, out)"),
    Work("three quartiles, counted", f"{_QUARTERS} mw_count_quantiles_i16(&x, per_mille, 3, out)"),
    Work("products of two axes", "const mw_view_i16 y = mw_channel_i16(&window, (axis + 1) % 3); "
        "mw_products_i16(&x, &y, &products[axis])"),
    Work("= correlation, q15",
        "out[axis] = mw_correlation_q15(&sums[axis], &sums[(axis + 1) % 3], products[axis])"),
    Work("= correlation, float",
        "floats[axis] = mw_correlation_i16(&sums[axis], &sums[(axis + 1) % 3], products[axis])"),
    Work("float: sums", "mw_sum_f32(&x, &real_sums[axis])", "f32"),
    Work("float: = standard deviation", "floats[axis] = mw_std_f32(&real_sums[axis], 0)", "f32"),
    Work("float: shape", "mw_shape_of_f32(&x, &real_sums[axis], &real_shape[axis])", "f32"),
    Work("float: = kurtosis", "floats[axis] = mw_kurtosis_f32(&real_shape[axis])", "f32"),
    Work("float: range", "mw_range_of_f32(&x, &real_range)", "f32"),
    Work("float: absolute sum", "mw_absolute_sum_f32(&x, floats)", "f32"),
    Work("float: crossings", "mw_crossings_f32(&x, 0.0f, &count)", "f32"),
    Work("float: slopes", "mw_slopes_of_f32(&x, &real_slopes)", "f32"),
    Work("float: three quartiles, scratch",
        f"{_QUARTERS} mw_quantiles_f32(&x, real_scratch, per_mille, 3, floats)", "f32"),
    Work("float: products", "const mw_view_f32 y = mw_channel_f32(&real_window, (axis + 1) % 3); "
        "mw_products_f32(&x, &y, &real_sums[axis], &real_sums[(axis + 1) % 3], floats)", "f32"),
    Work("ring, hop 64: 128 frames, one a push",
        "for (uint8_t i = 0; i < 128; ++i) { mw_ring_push(&ring, incoming, 1, NULL); }", ""),
    Work("ring, hop 64: 128 frames, 16 a push",
        "uint16_t taken; for (uint8_t i = 0; i < 8; ++i) { mw_ring_push(&ring, incoming, 16, &taken); }", ""),
    Work("slide, hop 64, room 128: 128 frames, one a push",
        "for (uint8_t i = 0; i < 128; ++i) { mw_slide_push(&slide, incoming, 1, NULL); }", ""),
    Work("slide, hop 64, room 128: 128 frames, 16 a push",
        "uint16_t taken; "
        "for (uint8_t i = 0; i < 8; ++i) { mw_slide_push(&slide, incoming, 16, &taken); }", ""),
    Work("queue: 128 frames, one in and out",
        "const void *from; for (uint8_t i = 0; i < 128; ++i) "
        "{ mw_queue_put(&queue, incoming); mw_queue_drop(&queue, mw_queue_front(&queue, &from)); }", ""),
    Work("debounce", "out[0] = mw_debounce_push(&debounce, ++out[1] & 3)", ""),
    Work("vote of 9", "out[0] = mw_vote_push(&vote, ++out[1] & 3)", ""),
    Work("smoothing, u8, 4 classes", "mw_smooth_scores_u8(smooth, probabilities, 4, 8192)", ""),
)  # fmt: skip

BEFORE = """
#include <stddef.h>
#include <milliwatt/decisions.h>
#include <milliwatt/stream.h>
#include <milliwatt/time_features.h>

#if defined(__AVR__)
#define REAL 0
#else
#define REAL 1
#endif
int16_t memory[128 * 3];
mw_frames window = {memory + 50 * 3, memory, 78, 50, 6};
mw_sums_i16 sums[3], wide_sums;
mw_shape_i16 shape[3];
mw_range_i16 range[3];
mw_slopes_i16 slopes[3];
uint32_t absolute[3];
int64_t products[3];
int32_t out[4];
float floats[3];
int16_t scratch[128];
uint16_t count;
int16_t incoming[16 * 3];
mw_ring ring;
mw_slide slide;
mw_queue queue;
mw_debounce debounce = MW_DEBOUNCE(3);
mw_vote vote;
int16_t votes[9];
uint16_t smooth[4];
uint8_t probabilities[4] = {200, 20, 30, 5};
#if REAL
float real_memory[128 * 3];
mw_frames real_window = {real_memory + 50 * 3, real_memory, 78, 50, 12};
mw_sums_f32 real_sums[3];
mw_shape_f32 real_shape[3];
mw_range_f32 real_range;
mw_slopes_f32 real_slopes;
int32_t real_scratch[128];
#endif
void prepare(void);
"""
# A slow swing, noise on it, another offset an axis. The first axis is written before, for structs of it.
PREPARE = """
void prepare(void)
{
    uint32_t noise = 1;
    for (uint16_t i = 0; i < 128; ++i) {
        for (uint8_t axis = 0; axis < 3; ++axis) {
            const int16_t swing = (int16_t) ((i % 32 < 16 ? i % 32 : 32 - i % 32) * 100);
            noise = noise * 1664525U + 1013904223U;
            memory[3 * i + axis] = (int16_t) (swing + 700 * axis - 800 + (int16_t) (noise >> 24));
#if REAL
            real_memory[3 * i + axis] = (float) memory[3 * i + axis] / 1024.0f;
#endif
        }
    }
    wide_sums.n = 128; /* sums that ask for the way of large numbers */
    wide_sums.squares = UINT64_C(1) << 40;
    mw_ring_init(&ring, memory, sizeof memory, 6, 128, 64);
    mw_slide_init(&slide, memory, sizeof memory, 6, 128, 64);
    mw_queue_init(&queue, scratch, sizeof scratch, 6, 32);
    mw_vote_init(&vote, votes, 9, 5);
}
"""


def function(work: Work, index: int) -> str:
    """C of ``void row_<index>(void)``."""
    view = {"i16": "mw_channel_i16(&window, axis)", "f32": "mw_channel_f32(&real_window, axis)"}
    if not work.family:
        return f"void row_{index}(void)\n{{\n    {work.code};\n}}\n"
    return (
        f"void row_{index}(void)\n{{\n    for (uint8_t axis = 0; axis < 3; ++axis) {{\n"
        f"        const mw_view_{work.family} x = {view[work.family]};\n        (void) x;\n"
        f"        {work.code};\n    }}\n}}\n"
    )


def functions(works: dict[int, Work]) -> str:
    prototypes = "".join(f"void row_{index}(void);\n" for index in works)
    return prototypes + "".join(function(work, index) for index, work in works.items())
