"""Instructions and flash of features in the time domain, of sliding windows and of decisions.

    python -m tests.benchmarks.dsp.time_cost

For a window of 128 samples of 3 axes, in a ring that breaks off within the window: instructions on emulated
Arm cores (QEMU, ``-icount``: its systick timer counts them), cycles on an emulated ATmega328P (simavr), and
the flash that a row adds to a program without anything, the C compiler's helpers for floats included. Rows
named after a struct are the passes over the samples; rows behind ``=`` make features of the struct.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "scripts")]

from mwtest.avr_programs import run_avr  # noqa: E402
from mwtest.net_cases import ARM, Machine, link_arm, run_arm  # noqa: E402

SOURCES = [*sorted((ROOT / "src").glob("time_*.c")), *sorted((ROOT / "src").glob("stream_*.c"))]
SOURCES += [ROOT / "src" / "decisions.c", ROOT / "src" / "roots.c"]
CORES = (("M4F", "cortex-m4"), ("M3", "cortex-m3"), ("M0", "cortex-m0"))

_I16 = "mw_channel_i16(&window, axis)"
_QUARTERS = "static const uint16_t per_mille[] = {250, 500, 750};"


@dataclass(frozen=True)
class Row:
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
    Row("sums", "mw_sum_i16(&x, &sums[axis])"),
    Row("= mean, q8", "out[axis] = mw_mean_q8(&sums[axis])"),
    Row("= RMS, q8", "out[axis] = (int32_t) mw_rms_q8(&sums[axis])"),
    Row("= standard deviation, q8", "out[axis] = (int32_t) mw_std_q8(&sums[axis])"),
    Row("= standard deviation, float", "floats[axis] = mw_std_i16(&sums[axis], 0)"),
    Row("shape", "mw_shape_of_i16(&x, &sums[axis], &shape[axis])"),
    Row("= skewness, q8", "out[axis] = mw_skewness_q8(&shape[axis])"),
    Row("= kurtosis, q8", "out[axis] = mw_kurtosis_q8(&shape[axis])"),
    Row("= skewness, float", "floats[axis] = mw_skewness_i16(&shape[axis])"),
    Row("= kurtosis, float", "floats[axis] = mw_kurtosis_i16(&shape[axis])"),
    Row("shape, greater than 2^15", "mw_shape_of_i16(&x, &wide_sums, &shape[axis])"),
    Row("range", "mw_range_of_i16(&x, &range[axis])"),
    Row("absolute sum", "mw_absolute_sum_i16(&x, &absolute[axis])"),
    Row("= mean absolute value, q8", "out[axis] = (int32_t) mw_per_sample_q8(absolute[axis], 128)"),
    Row("= magnitude area, q8",
        "out[0] = (int32_t) mw_magnitude_area_q8(absolute[0], absolute[1], absolute[2], 128)", ""),
    Row("crossings", "mw_crossings_i16(&x, 0, &count)"),
    Row("turns", "mw_turns_i16(&x, 8, &count)"),
    Row("slopes", "mw_slopes_of_i16(&x, &slopes[axis])"),
    Row("= RMS of jerk, q8", "out[axis] = (int32_t) mw_root_mean_q8(slopes[axis].squares, 127)"),
    Row("three quartiles, scratch", f"{_QUARTERS} mw_quantiles_i16(&x, scratch, per_mille, 3, out)"),
    Row("three quartiles, counted", f"{_QUARTERS} mw_count_quantiles_i16(&x, per_mille, 3, out)"),
    Row("products of two axes", "const mw_view_i16 y = mw_channel_i16(&window, (axis + 1) % 3); "
        "mw_products_i16(&x, &y, &products[axis])"),
    Row("= correlation, q15",
        "out[axis] = mw_correlation_q15(&sums[axis], &sums[(axis + 1) % 3], products[axis])"),
    Row("= correlation, float",
        "floats[axis] = mw_correlation_i16(&sums[axis], &sums[(axis + 1) % 3], products[axis])"),
    Row("float: sums", "mw_sum_f32(&x, &real_sums[axis])", "f32"),
    Row("float: = standard deviation", "floats[axis] = mw_std_f32(&real_sums[axis], 0)", "f32"),
    Row("float: shape", "mw_shape_of_f32(&x, &real_sums[axis], &real_shape[axis])", "f32"),
    Row("float: = kurtosis", "floats[axis] = mw_kurtosis_f32(&real_shape[axis])", "f32"),
    Row("float: range", "mw_range_of_f32(&x, &real_range)", "f32"),
    Row("float: absolute sum", "mw_absolute_sum_f32(&x, floats)", "f32"),
    Row("float: crossings", "mw_crossings_f32(&x, 0.0f, &count)", "f32"),
    Row("float: slopes", "mw_slopes_of_f32(&x, &real_slopes)", "f32"),
    Row("float: three quartiles, scratch",
        f"{_QUARTERS} mw_quantiles_f32(&x, real_scratch, per_mille, 3, floats)", "f32"),
    Row("float: products", "const mw_view_f32 y = mw_channel_f32(&real_window, (axis + 1) % 3); "
        "mw_products_f32(&x, &y, &real_sums[axis], &real_sums[(axis + 1) % 3], floats)", "f32"),
    Row("ring, hop 64: 128 frames, one a push",
        "for (uint8_t i = 0; i < 128; ++i) { mw_ring_push(&ring, incoming, 1, NULL); }", ""),
    Row("ring, hop 64: 128 frames, 16 a push",
        "uint16_t taken; for (uint8_t i = 0; i < 8; ++i) { mw_ring_push(&ring, incoming, 16, &taken); }", ""),
    Row("slide, hop 64, room 128: 128 frames, one a push",
        "for (uint8_t i = 0; i < 128; ++i) { mw_slide_push(&slide, incoming, 1, NULL); }", ""),
    Row("slide, hop 64, room 128: 128 frames, 16 a push",
        "uint16_t taken; "
        "for (uint8_t i = 0; i < 8; ++i) { mw_slide_push(&slide, incoming, 16, &taken); }", ""),
    Row("queue: 128 frames, one in and out",
        "const void *from; for (uint8_t i = 0; i < 128; ++i) "
        "{ mw_queue_put(&queue, incoming); mw_queue_drop(&queue, mw_queue_front(&queue, &from)); }", ""),
    Row("debounce", "out[0] = mw_debounce_push(&debounce, ++out[1] & 3)", ""),
    Row("vote of 9", "out[0] = mw_vote_push(&vote, ++out[1] & 3)", ""),
    Row("smoothing, u8, 4 classes", "mw_smooth_scores_u8(smooth, probabilities, 4, 8192)", ""),
)  # fmt: skip

_BEFORE = """
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
_PREPARE = """
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
_ARM_MAIN = """
#include <stdio.h>
extern void initialise_monitor_handles(void);
#define SYSTICK ((volatile unsigned *) 0xE000E010)
static unsigned first;
static unsigned long long ticks(void)
{
    return (first - SYSTICK[2]) & 0xffffffU;
}
int main(void)
{
    unsigned long long loop;
    unsigned n = 1000000;
    initialise_monitor_handles();
    prepare();
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    while (SYSTICK[2] == 0) {
    }
    first = SYSTICK[2];
    __asm__ volatile(".syntax unified\\n1:\\n\\tsubs %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
    loop = ticks();
"""
_ARM_CALL = """
    first = SYSTICK[2];
    for (n = 0; n < 20; ++n) {{
        {name}();
    }}
    printf("%llu\\n", (ticks() * 2000000 / loop + 10) / 20);
"""
_AVR_MAIN = """
#include <avr/interrupt.h>
#include <avr/io.h>
static volatile uint16_t turns;
ISR(TIMER1_OVF_vect)
{
    ++turns;
}
static void send(char letter)
{
    while ((UCSR0A & (1 << UDRE0)) == 0) {
    }
    UDR0 = (uint8_t) letter;
}
static void begin(void)
{
    TCCR1B = 0;
    TCNT1 = 0;
    TIFR1 = 1;
    turns = 0;
    TCCR1B = 1;
}
static void end(void)
{
    const uint16_t low = TCNT1; /* while it runs: simavr's stopped timer reads 0 */
    uint32_t cycles;
    cli();
    cycles = ((uint32_t) (turns + (low < 1000 ? TIFR1 & 1 : 0)) << 16) + low;
    sei();
    for (uint32_t unit = 1000000000; unit != 0; unit /= 10) {
        send((char) ('0' + cycles / unit % 10));
    }
    send('\\n');
}
int main(void)
{
    TIMSK1 = 1;
    sei();
    prepare();
"""


def main() -> int:
    """Prints a Markdown table."""
    table: list[list[str]] = [[row.name] for row in ROWS]
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for _name, core in CORES:
            flags = tuple(flag for flag in ARM[core].flags if not flag.startswith("-O"))
            machine = replace(ARM[core], flags=(*flags, "-O2", "-ffunction-sections"))
            for cells, instructions, flash in zip(
                table, _instructions(work, machine), _flash(work, _arm(machine)), strict=True
            ):
                cells += [f"{instructions:,}", f"{flash:,}"]
        for cells, cycles, flash in zip(table, _cycles(work), _flash(work, _AVR), strict=True):
            cells += [(cycles and f"{cycles:,}") or "", (flash and f"{flash:,}") or ""]
    columns = [f"{name} {what}" for name, _ in CORES for what in ("instructions", "flash")]
    print("| 128 samples x 3 axes |", " | ".join([*columns, "ATmega328P cycles", "flash"]), "|")
    print("|---|" + "--:|" * (len(columns) + 2))
    for cells in table:
        print("|", " | ".join(cells), "|")
    return 0


def _function(row: Row, index: int) -> str:
    view = {"i16": "mw_channel_i16(&window, axis)", "f32": "mw_channel_f32(&real_window, axis)"}
    if not row.family:
        return f"void row_{index}(void)\n{{\n    {row.code};\n}}\n"
    return (
        f"void row_{index}(void)\n{{\n    for (uint8_t axis = 0; axis < 3; ++axis) {{\n"
        f"        const mw_view_{row.family} x = {view[row.family]};\n        (void) x;\n"
        f"        {row.code};\n    }}\n}}\n"
    )


def _functions(rows: dict[int, Row]) -> str:
    prototypes = "".join(f"void row_{index}(void);\n" for index in rows)
    return prototypes + "".join(_function(row, index) for index, row in rows.items())


def _instructions(work: Path, machine: Machine) -> list[int]:
    rows = dict(enumerate(ROWS))
    calls = "".join(_ARM_CALL.format(name=f"row_{index}") for index in rows)
    stem = work / f"cost-{machine.name}"
    text = f"{_BEFORE}{_PREPARE}{_functions(rows)}{_ARM_MAIN}{calls}    return 0;\n}}\n"
    stem.with_suffix(".c").write_text(text, encoding="utf-8")
    program = link_arm(stem, machine, [str(path) for path in SOURCES], kernels=())
    return [int(line) for line in run_arm(program, machine, options=("-icount", "shift=0")).split()]


@dataclass(frozen=True)
class _Chain:
    """A compiler, its flags, and how it is linked without anything."""

    prefix: str
    flags: tuple[str, ...]
    link: tuple[str, ...]


_AVR = _Chain("avr-", ("-mmcu=atmega328p", "-Os", "-ffunction-sections", "-fdata-sections"), ())


def _arm(machine: Machine) -> _Chain:
    link = ("-nostartfiles", "-Wl,-emain", "-lc", "-lgcc")
    return _Chain("arm-none-eabi-", (*machine.flags, "--specs=nano.specs"), link)


def _for_avr(row: Row) -> bool:
    return row.family != "f32"


def _flash(work: Path, chain: _Chain) -> list[int]:
    """Bytes of code and constants that each row adds; 0 where it is not for this CPU."""
    command = [f"{chain.prefix}gcc", "-std=c99", *chain.flags, f"-I{ROOT / 'include'}"]
    objects = []
    for source in SOURCES:
        objects.append(str(work / f"{chain.prefix}{source.stem}.o"))
        subprocess.run([*command, "-c", str(source), "-o", objects[-1]], check=True)
    sizes = []
    for index, row in [(-1, None), *enumerate(ROWS)]:
        if row is not None and chain is _AVR and not _for_avr(row):
            sizes.append(0)
            continue
        program = work / f"{chain.prefix}flash"
        body = "" if row is None else _function(row, index)
        call = "" if row is None else f"    row_{index}();\n"
        text = f"{_BEFORE}{body}int main(void)\n{{\n{call}    for (;;) {{\n    }}\n}}\n"
        program.with_suffix(".c").write_text(text, encoding="utf-8")
        link = [f"{program}.c", *objects, "-Wl,--gc-sections", *chain.link, "-o", str(program)]
        subprocess.run([*command, *link], check=True)
        listed = subprocess.run(
            [f"{chain.prefix}size", "-A", str(program)], check=True, capture_output=True, text=True
        )
        parts = re.findall(r"^\.(?:text|rodata)\S*\s+(\d+)", listed.stdout, re.MULTILINE)
        sizes.append(sum(map(int, parts)) - (sizes[0] if sizes and index >= 0 else 0))
    return sizes[1:]


def _cycles(work: Path) -> list[int]:
    """Cycles a row on the ATmega328P; 0 where it is not for it."""
    rows = {index: row for index, row in enumerate(ROWS) if _for_avr(row)}
    calls = "".join(f"    begin();\n    row_{index}();\n    end();\n" for index in rows)
    text = f"{_BEFORE}{_PREPARE}{_functions(rows)}{_AVR_MAIN}{calls}    return 0;\n}}\n"
    found = [
        int(line) for line in run_avr(text, ("time_", "stream_", "decisions", "roots"), b"", work).split()
    ]
    cycles = dict(zip(rows, found, strict=True))
    return [cycles.get(index, 0) for index in range(len(ROWS))]


if __name__ == "__main__":
    raise SystemExit(main())
