"""Instructions counted on emulated Arm cores: with ``-icount`` QEMU's systick timer goes by them.

A loop of known length tells how many instructions are a tick, some dozens: repeat calls until that does not
matter. The timer has 24 bits; what takes longer goes unnoticed.
"""

from __future__ import annotations

from pathlib import Path

from mwtest.net_cases import Machine, run_arm

# C for the beginning of a program: main() calls start_counting(); then instructions() counts since begin().
COUNTER = """
#include <stdio.h>
extern void initialise_monitor_handles(void);
#define SYSTICK ((volatile unsigned *) 0xE000E010)
static unsigned first_tick;
static unsigned long long ticks_of_loop;
static inline void begin(void)
{
    first_tick = SYSTICK[2];
}
static inline unsigned long long ticks(void)
{
    return (first_tick - SYSTICK[2]) & 0xffffffU;
}
static inline unsigned long long instructions(void)
{
    return ticks() * 2000000 / ticks_of_loop;
}
static inline void start_counting(void)
{
    unsigned n = 1000000;
    initialise_monitor_handles();
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    while (SYSTICK[2] == 0) {
    }
    begin();
    __asm__ volatile(".syntax unified\\n1:\\n\\tsubs %0, #1\\n\\tbne 1b" : "+l"(n) : : "cc");
    ticks_of_loop = ticks();
}
"""


def run_counted(program: Path, machine: Machine, given: bytes = b"") -> bytes:
    """What a program of `link_arm` that counts instructions writes, being given ``given``."""
    return run_arm(program, machine, given, ("-icount", "shift=0"))
