"""C programs on an emulated ATmega328P: bytes in, bytes out, as the board's serial line has them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from milliwatt import sdk
from mwtest.emulated import ROOT, boards
from mwtest.objects import objects

BOARD = "simavr_atmega328p"
_BOARDS = ROOT / "boards" / "virtual"
_FLAGS = ("-mmcu=atmega328p", "-DF_CPU=16000000UL", "-Os", "-ffunction-sections", "-fdata-sections",
          '-DMW_BOARD_NAME="avr"', '-DMW_COUNTER_UNIT="cycles"')  # fmt: skip

# Cycles by timer 1: begin(), what is counted, end(), which writes them. main() begins with `TIMSK1 = 1;
# sei();`.
AVR_CYCLES = """
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
"""


def run_avr(source: str, parts: Sequence[str], given: bytes, directory: Path) -> bytes:
    """What a program writes that is given some bytes; see `run_program`. Skips where a tool is missing."""
    if shutil.which("avr-gcc") is None or not Path("/usr/include/simavr/sim_avr.h").exists():
        pytest.skip("avr-gcc or simavr is not installed")
    program = _built(source, tuple(parts), directory)
    runner = boards.simavr_runner(BOARD)
    command = [runner, "--mcu", "atmega328p", "--frequency", "16000000", program]
    result = subprocess.run(command, input=given, capture_output=True, check=False, timeout=120)
    assert result.returncode == 0, (result.returncode, result.stderr.decode(errors="replace")[-4000:])
    return result.stdout


@cache
def _built(source: str, parts: tuple[str, ...], directory: Path) -> Path:
    support = _BOARDS / "support"
    files = sorted([*(support / "avr").glob("*.c"), *(support / "common").glob("*.c")])
    library = objects(parts, _FLAGS, "avr-gcc", "gnu99")
    stem = directory / f"avr-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    stem.with_suffix(".c").write_text(source, encoding="utf-8")
    include = [f"-I{support / 'include'}", f"-I{support / 'common'}", f"-I{sdk.include_dir()}"]
    command = ["avr-gcc", "-std=gnu99", *_FLAGS, "-Wl,--gc-sections", *include, f"{stem}.c", *map(str, files)]
    subprocess.run([*command, *library, "-o", f"{stem}.elf"], check=True)
    return stem.with_suffix(".elf")
