"""What it costs to push raw samples: a chain as for activities, from three axes to a class.

    python -m tests.benchmarks.dsp.push_cost

Three axes of 16 bits at 50 Hz, two second-order sections, windows of 125 frames every 62, twelve time
features (mean, standard deviation, jerk, interquartile range), a small forest. Instructions on emulated Arm
cores (QEMU, ``-icount``), cycles on an emulated ATmega328P (simavr): of a push that completes no window, on
average; of one that does; of all pushes of a second, and the CPU's share at 16 MHz. Flash is what the pushes
and the model add to a program without them; RAM is the state, of which the scratch may be shared.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "scripts")]

from mwtest.avr_programs import AVR_CYCLES, run_avr  # noqa: E402
from mwtest.models import Spec, build  # noqa: E402
from mwtest.net_cases import ARM, Machine, link_arm  # noqa: E402
from mwtest.signal_cases import iir  # noqa: E402
from mwtest.systick import COUNTER, run_counted  # noqa: E402

from milliwatt import sdk  # noqa: E402
from milliwatt.emit import emit_c  # noqa: E402
from milliwatt.emit.signal_code import state_size  # noqa: E402
from milliwatt.ir import TreeEnsemble  # noqa: E402
from milliwatt.ir.signals import INT16, Branch, Signals, TimeFeature  # noqa: E402
from milliwatt.passes import prune  # noqa: E402

RATE, LENGTH, HOP = 50, 125, 62
FEATURES = ("mean", "std", "jerk", "iqr")
CORES = (("M4F", "cortex-m4"), ("M3", "cortex-m3"), ("M0", "cortex-m0"))
CLOCK = 16_000_000


def activity() -> TreeEnsemble:
    """The model."""
    features = tuple(TimeFeature(name, (axis,)) for axis in range(3) for name in FEATURES)
    stages = (iir(INT16, "lowpass", 4, 0.3),)
    signals = Signals(INT16, 3, LENGTH, HOP, (Branch((), features),), stages, rate=float(RATE))
    model = prune(build(Spec(1, dtype="int32", n_features=12, n_trees=10, n_splits=15)))
    return dataclasses.replace(model, signals=signals, name="gesture")


# Frames like those of a phone in a pocket: gravity, a swing of a step, noise.
_PUSHES = """
static gesture_state state;
static uint32_t noise = 1;
static int16_t axis(uint16_t i, int16_t offset)
{
    const int16_t swing = (int16_t) ((i % 32 < 16 ? i % 32 : 32 - i % 32) * 100);
    noise = noise * 1664525U + 1013904223U;
    return (int16_t) (swing + offset - 800 + (int16_t) (noise >> 24));
}
static volatile int answer;
static int16_t frames[3 * 62];
static void fill(void)
{
    for (uint16_t i = 0; i < 62; ++i) {
        frames[3 * i] = axis(i, 0);
        frames[3 * i + 1] = axis((uint16_t) (i + 7), 700);
        frames[3 * i + 2] = axis((uint16_t) (i + 11), 8000);
    }
}
static void push(uint16_t i)
{
    answer = gesture_push(&state, frames[3 * i], frames[3 * i + 1], frames[3 * i + 2]);
}
static void prepare(void)
{
    gesture_reset(&state);
    for (uint16_t n = 0; n < 63 + 62; ++n) {
        fill();
        push(n % 62);
    }
    fill();
}
static void few(void)
{
    for (uint16_t i = 0; i < 61; ++i) {
        push(i);
    }
}
static void last(void)
{
    push(61);
}
static void block(void)
{
    int taken;
    for (uint16_t i = 0; i < 60; i = (uint16_t) (i + 10)) {
        answer = gesture_push_block(&state, frames + 3 * i, 10, &taken);
    }
}
"""
_ARM_MAIN = """
int main(void)
{
    start_counting();
    prepare();
    begin();
    few();
    printf("%llu\\n", instructions());
    begin();
    last();
    printf("%llu\\n", instructions());
    begin();
    block();
    printf("%llu\\n", instructions());
    return 0;
}
"""
_AVR_MAIN = """
int main(void)
{
    TIMSK1 = 1;
    sei();
    prepare();
    begin();
    few();
    end();
    begin();
    last();
    end();
    begin();
    block();
    end();
    return 0;
}
"""


def main() -> int:
    """Prints a Markdown table."""
    files = emit_c(activity()).files
    code = files["gesture.h"] + files["gesture.c"].replace('#include "gesture.h"', "")
    names = [path.name for path in sdk.signal_sources(code)]
    print("| | a push | with a window | a second | share at 16 MHz | in blocks of 10, a frame | flash |")
    print("|---|" + "--:|" * 6)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for name, core in CORES:
            flags = tuple(flag for flag in ARM[core].flags if not flag.startswith("-O"))
            machine = dataclasses.replace(
                ARM[core], flags=(*flags, "-Os", "-ffunction-sections", "-fdata-sections")
            )
            counted = _instructions(code, names, machine, work)
            flash = _flash(code, names, ["arm-none-eabi-", *machine.flags, "--specs=nano.specs"], work)
            _print(f"{name}, instructions", counted, flash)
        written = run_avr(f"{code}{_PUSHES}{AVR_CYCLES}{_AVR_MAIN}", names, b"", work)
        flash = _flash(code, names, ["avr-", "-mmcu=atmega328p", "-Os", "-ffunction-sections"], work)
        _print("ATmega328P, cycles", [int(line) for line in written.split()], flash)
        print(f"\nstate: {state_size(activity())} bytes on 32-bit CPUs, {_avr_state(code, work)} on AVR")
    return 0


def _print(name: str, counted: list[int], flash: int) -> None:
    few, last, block = counted
    push = few / 61
    second = (push * (HOP - 1) + last) / HOP * RATE
    cells = [
        f"{push:,.0f}",
        f"{last:,}",
        f"{second:,.0f}",
        f"{second / CLOCK:.1%}",
        f"{block / 60:,.0f}",
        f"{flash:,}",
    ]
    print(f"| {name} |", " | ".join(cells), "|")


def _instructions(code: str, names: list[str], machine: Machine, work: Path) -> list[int]:
    stem = work / f"push-{machine.name}"
    stem.with_suffix(".c").write_text(f"{code}{COUNTER}{_PUSHES}{_ARM_MAIN}", encoding="utf-8")
    sources = [str(ROOT / "src" / name) for name in names]
    return [int(line) for line in run_counted(link_arm(stem, machine, sources, kernels=()), machine).split()]


def _flash(code: str, names: list[str], chain: list[str], work: Path) -> int:
    """Bytes of code and constants of the pushes and all they call, beyond an empty program."""
    sizes = []
    sources = [str(ROOT / "src" / name) for name in names]
    call = "    return gesture_push(&state, 1, 2, 3);\n"
    pushing = f"{code}\nstatic gesture_state state;\nint main(void)\n{{\n{call}}}\n"
    for body in (pushing, "int main(void)\n{\n    return 0;\n}\n"):
        (work / "flash.c").write_text(body, encoding="utf-8")
        command = [
            f"{chain[0]}gcc",
            "-std=c99",
            *chain[1:],
            f"-I{ROOT / 'include'}",
            str(work / "flash.c"),
            *sources,
        ]
        link = ["-Wl,--gc-sections", "-o", str(work / "flash.elf")]
        if chain[0].startswith("arm"):
            link += ["-nostartfiles", "-Wl,-emain"]
        subprocess.run([*command, *link], check=True)
        told = (
            subprocess.run(
                [f"{chain[0]}size", str(work / "flash.elf")], capture_output=True, text=True, check=True
            )
            .stdout.splitlines()[1]
            .split()
        )
        sizes.append(int(told[0]) + int(told[1]))
    return sizes[0] - sizes[1]


def _avr_state(code: str, work: Path) -> int:
    (work / "state.c").write_text(f"{code}\ngesture_state state;\n", encoding="utf-8")
    command = ["avr-gcc", "-mmcu=atmega328p", "-std=c99", "-Os", f"-I{ROOT / 'include'}", "-c", "state.c"]
    subprocess.run([*command, "-o", "state.o"], check=True, cwd=work)
    told = subprocess.run(
        ["avr-nm", "-S", "state.o"], capture_output=True, text=True, check=True, cwd=work
    ).stdout
    return next(int(line.split()[1], 16) for line in told.splitlines() if line.endswith(" state"))


if __name__ == "__main__":
    sys.exit(main())
