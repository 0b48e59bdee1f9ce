"""Figures of libraries that are not on PyPI: measured once, by the same method, and kept here.

CMSIS-NN and TinyMaix were built from their public repositories (github.com/ARM-software/CMSIS-NN,
github.com/sipeed/TinyMaix) with GCC 12.2, newlib-nano and -O2, and run on the same boards in QEMU 7.2 with
`-icount`: instructions of a call, the set-up left out; flash is the ELF file less an empty one, weights,
tables and libraries included; RAM with the stack where that was measured. Networks of the same shape with
weights of their own: costs do not depend on these.
"""

from __future__ import annotations

from collections.abc import Iterator

from net_rows import Row

CMSIS, TINYMAIX = "CMSIS-NN", "TinyMaix"
SOURCE = (
    "CMSIS-NN and TinyMaix: measured by us from their public repositories (github.com/ARM-software/CMSIS-NN, "
    "github.com/sipeed/TinyMaix) with the same method, compiler and boards, at -O2, on networks of the same "
    "shapes; quoted here, not measured in this run"
)
M4F, M3, M0 = "qemu_cortex_m4f", "qemu_cortex_m3", "qemu_cortex_m0"
_BOARDS = (M4F, M3, M0)

_Costs = tuple[float, float, float]
# Instructions on M4F, M3, M0; flash and RAM, stack included, on M4F; accuracy of that network.
_FIGURES: dict[tuple[str, str, str], tuple[_Costs, int | None, int | None, float | None]] = {
    ("mlp", CMSIS, "s8"): ((18_000, 26_800, 50_600), 11_400, 148 + 420, 0.978),
    ("mlp", TINYMAIX, "int8, as convolution 1×1"): ((23_800, 49_000, 102_000), 16_700, 652, 0.978),
    ("mlp-small", CMSIS, "s8"): ((3_200, 4_200, 8_000), None, None, None),
    ("mlp-small", TINYMAIX, "int8, as convolution 1×1"): ((3_800, 10_400, 22_700), None, None, None),
    ("cnn", CMSIS, "s8"): ((52_500, 58_700, 113_000), 13_800, 1172 + 932, 0.972),
    ("cnn", TINYMAIX, "int8, O0"): ((53_400, 126_000, 238_000), 11_500, 876 + 340, 0.972),
    ("cnn", TINYMAIX, "int8, O1"): ((38_500, 115_000, 229_000), 20_000, 1964 + 440, 0.972),
    ("cnn", TINYMAIX, "int8, FASTSCALE"): ((81_000, 84_000, 146_000), 11_500, 876 + 360, 0.972),
    ("mnist", TINYMAIX, "int8, its own net, 21,000 MACs"): ((147_000, 357_000, 711_000), None, None, None),
    ("mnist", CMSIS, "s8, shapes of TinyMaix's net"): ((202_000, 220_000, 398_000), None, None, None),
}  # fmt: skip


def quoted(cases: list[str], targets: list[str]) -> Iterator[Row]:
    """Rows for what is measured, on -O2 targets."""
    for (case, library, numbers), (costs, flash, ram, accuracy) in _FIGURES.items():
        for board, cost in zip(_BOARDS, costs, strict=True):
            if case in cases and f"{board} -O2" in targets:
                yield Row(
                    case, board, "-O2", library, numbers, "int8",
                    flash_bytes=flash if board == M4F else None, ram_bytes=ram if board == M4F else None,
                    cost_mean=cost, accuracy=accuracy, quoted=SOURCE,
                )  # fmt: skip
