"""What stands above the results: how they were made."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version

from dsp_build import AVR_CHAIN, machine
from dsp_emlearn import NOTE
from dsp_quoted import SOURCE
from dsp_rows import AVR
from emulation import emulator

from milliwatt.version import __version__


def header(cores: Sequence[str]) -> list[str]:
    return [
        f"{date.today()}, Milliwatt {__version__}, numpy {version('numpy')}, scipy {version('scipy')}. "
        "Written by `python -m tests.benchmarks.dsp --save`.",
        "",
        "**Instructions** on emulated Arm cores (QEMU `-icount`: its systick timer counts them), the call",
        "and its argument checks included; **cycles** on an emulated ATmega328P (simavr). No board was",
        "measured. **Flash**: what a program that calls the one kernel is larger than one that does",
        "nothing: code, tables of this size, soft float and other helpers of the compiler. **dB**: signal to",
        "noise of what the cores gave, the worst of them, against numpy or scipy in float64: transforms of",
        "uniform noise at half scale; filters of noise and of a sine wave, both at 90 % of full scale (two",
        "figures); audio features of one frame.",
        "",
        "Two sections: a Butterworth low-pass of order 4 at 0.1 of the sample rate; 4 channels: instructions",
        "a number, of interleaved samples. Time domain: `=` makes a feature of what rows above it added up.",
        "",
        f"- {NOTE}.",
        f"- ¹ {SOURCE}.",
        "",
        *map(_tools, cores),
    ]


def _tools(core: str) -> str:
    chain, flags = ("avr-", AVR_CHAIN.flags) if core == AVR else ("arm-none-eabi-", machine(core).flags)
    done = subprocess.run([f"{chain}gcc", "--version"], check=True, capture_output=True, text=True)
    board = "simavr_atmega328p" if core == AVR else "qemu_cortex_m3"
    return f"- {core}: {done.stdout.splitlines()[0]}: `{' '.join(flags)}`; {emulator(board)}"
