"""Figures of libraries that are not on PyPI: measured once, by the same method, and kept here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsp_rows import M0, M3, M4F, Row
from fft_cost import kernel
from filter_cost import ALONE, BLOCKS, SECTIONS

CMSIS, KISSFFT = "CMSIS-DSP", "kissfft"
SOURCE = (
    "CMSIS-DSP (component 1.17.1) and kissfft: measured once by us, from their public repositories "
    "(github.com/ARM-software/CMSIS-DSP, github.com/mborgerding/kissfft), with QEMU 7.2 `-icount`, GCC 12.2 "
    "and `-O2`: instructions of a call, the set-up left out; flash with tables and libraries. Quoted here, "
    "not measured in this run. CMSIS-DSP's `q31` stands in the rows of `i32`"
)

_Three = tuple[float | None, float | None, float | None]  # on M4F, M3, M0
_NONE: _Three = (None, None, None)
# Instructions, flash in KB, dB.
_Figures = tuple[_Three, _Three, _Three]
_TRANSFORMS: dict[tuple[str, str, int, str], _Figures] = {
    ("fft", "f32", 64, CMSIS): ((3_000, None, None), _NONE, _NONE),
    ("fft", "f32", 256, CMSIS): ((17_800, 383_000, 641_000), (6.4, None, None), (142, None, None)),
    ("fft", "f32", 1024, CMSIS): ((82_700, None, None), _NONE, _NONE),
    ("fft", "f32", 64, KISSFFT): ((4_700, None, None), _NONE, _NONE),
    ("fft", "f32", 256, KISSFFT): ((23_300, 425_000, 782_000), (15.1, None, None), (141, None, None)),
    ("fft", "f32", 1024, KISSFFT): ((110_000, None, None), _NONE, _NONE),
    ("fft", "i32", 256, CMSIS): ((21_900, 21_300, 139_000), (4.9, 4.8, None), (147, 147, 147)),
    ("fft", "q15", 256, CMSIS): ((12_500, 27_600, 47_400), (3.3, 4.6, 5.0), (55, 53, 53)),
    ("fft", "q15", 256, KISSFFT): ((49_900, 49_200, 87_600), (16.0, None, 22.3), (56, 56, 56)),
    ("rfft", "f32", 256, CMSIS): ((11_300, None, None), _NONE, _NONE),
    ("rfft", "f32", 256, KISSFFT): ((15_200, None, None), _NONE, _NONE),
    ("rfft", "q15", 256, CMSIS): ((9_900, 18_200, 31_800), (36, 36, 38), _NONE),
}
_FILTERS: dict[tuple[str, str, str], _Figures] = {
    (BLOCKS, "f32", CMSIS): ((24.8, 789, 1_815), _NONE, (135, 135, 135)),
    (ALONE, "f32", CMSIS): ((75, None, None), _NONE, _NONE),
    (BLOCKS, "q15", CMSIS): ((38, 60, 162), _NONE, (66, 66, 66)),
    (BLOCKS, "q15", f"{CMSIS}, fast"): ((27, 53, 109), _NONE, (66, 66, 66)),
    (BLOCKS, "q31", CMSIS): ((55, 55, 545), _NONE, (161, 161, 161)),
}


def quoted(parts: Sequence[str], cores: Sequence[str]) -> Iterator[Row]:
    """Rows for what is measured."""
    for (kind, numbers, n, library), figures in _TRANSFORMS.items():
        yield from _rows("transforms", kernel(kind, n), numbers, library, figures, (parts, cores))
    for (how, numbers, library), figures in _FILTERS.items():
        yield from _rows("filters", SECTIONS + how, numbers, library, figures, (parts, cores))


def _rows(
    part: str,
    name: str,
    numbers: str,
    library: str,
    figures: _Figures,
    wanted: tuple[Sequence[str], Sequence[str]],
) -> Iterator[Row]:
    for core, cost, flash, db in zip((M4F, M3, M0), *figures, strict=True):
        if part in wanted[0] and core in wanted[1] and cost is not None:
            size = None if flash is None else round(flash * 1024)
            snr: dict[str, float | None] = {} if db is None else {"noise": db}
            yield Row(part, name, numbers, core, library, cost, size, snr, quoted=True)
