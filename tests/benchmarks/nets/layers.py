"""Instructions of single layers of bytes, with and without CMSIS-NN, on emulated Arm cores.

    python -m tests.benchmarks.nets.layers                        without CMSIS-NN
    python -m tests.benchmarks.nets.layers --cmsis CMSIS-NN       … and with it, from a checkout
    python -m tests.benchmarks.nets.layers --optimize=-Os

The table of docs/nets.md. A layer's results have to be the same in all columns.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "scripts")]

from mwtest.net_cases import ARM, Machine, link_arm  # noqa: E402
from mwtest.net_layers import LayerSpec, integer_sums  # noqa: E402
from mwtest.systick import COUNTER, run_counted  # noqa: E402

from milliwatt.emit.net_tables import kernel, layer_tables  # noqa: E402

LAYERS = {
    "dense 16 to 16": LayerSpec(1, "dense", (16,), 16),
    "dense 64 to 64": LayerSpec(1, "dense", (64,), 64),
    "dense 256 to 32": LayerSpec(1, "dense", (256,), 32),
    "scores, 32 to 10": LayerSpec(1, "scores", (32,), 10),
    "conv 3x3, 1 to 8, of 16x16": LayerSpec(1, "conv", (16, 16, 1), 8, (3, 3)),
    "conv 3x3, 8 to 16, of 16x16": LayerSpec(1, "conv", (16, 16, 8), 16, (3, 3)),
    "conv 3x3, 16 to 16, of 8x8": LayerSpec(1, "conv", (8, 8, 16), 16, (3, 3)),
    "conv 1x1, 32 to 32, of 8x8": LayerSpec(1, "conv", (8, 8, 32), 32, (1, 1)),
    "conv 1x5, 3 to 16, of 1x64": LayerSpec(1, "conv", (1, 64, 3), 16, (1, 5)),
    "depthwise 3x3, 16, of 8x8": LayerSpec(1, "depthwise", (8, 8, 16), 1, (3, 3)),
}
# Name of the column, core, and what is added to its options.
CORES = (
    ("M55", "cortex-m55", "-mcpu=cortex-m55"),
    ("M55 without Helium", "cortex-m55", "-mcpu=cortex-m55+nomve"),
    ("M4", "cortex-m4", "-mcpu=cortex-m4"),
    ("M3", "cortex-m3", "-mcpu=cortex-m3"),
)
_SUMS = "Source/NNSupportFunctions/arm_nn_mat_mult_nt_t_s8_s32.c"

_BEFORE_MAIN = """
#include <milliwatt/nets.h>
static MW_ALIGNED_4 uint8_t x[20000], out[20000];
static void show(unsigned long long instructions, unsigned n)
{
    unsigned hash = 0;
    for (unsigned i = 0; i < 64; ++i) {
        hash = hash * 31 + out[i];
    }
    printf("%llu %08x\\n", (instructions + n / 2) / n, hash);
}
"""
_MAIN = """
int main(void)
{
    unsigned n;
    for (unsigned i = 0; i < sizeof x; ++i) {
        x[i] = (uint8_t) (i * 97 + i / 7);
    }
    start_counting();
"""
_CALLS = """
    begin();
    for (n = 0; n < 20; ++n) {{
        {kernel}(&{name}, x, (void *) out);
    }}
    show(instructions(), n);
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a Markdown table; 1 if two columns of a layer differ in their result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cmsis", type=Path, help="a checkout of CMSIS-NN")
    parser.add_argument(
        "--optimize", default="-O2", help="level for ours; CMSIS-NN's is -Ofast, as it asks for"
    )
    options = parser.parse_args(arguments)
    columns: dict[str, list[list[str]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, core, cpu in CORES:
            flags = [cpu, *(flag for flag in ARM[core].flags if not flag.startswith(("-O", "-mcpu")))]
            machine = replace(ARM[core], name=f"{name}", flags=(*flags, options.optimize))
            columns[name] = _measure(Path(directory), machine, None)
            if options.cmsis and "without" not in name:
                machine = replace(machine, name=f"{name}-cmsis", flags=(*machine.flags, "-DMW_CMSIS_NN=1"))
                columns[f"{name}, CMSIS-NN"] = _measure(Path(directory), machine, options.cmsis.resolve())
    print("| layer |", " | ".join(columns), "|")
    print("|---|" + "--:|" * len(columns))
    for index, layer in enumerate(LAYERS):
        print(f"| {layer} |", " | ".join(f"{int(rows[index][0]):,}" for rows in columns.values()), "|")
    same = all(len({rows[index][1] for rows in columns.values()}) == 1 for index in range(len(LAYERS)))
    print("\nResults are the same." if same else "\nRESULTS DIFFER.")
    return 0 if same else 1


def _measure(directory: Path, machine: Machine, cmsis: Path | None) -> list[list[str]]:
    """Instructions and a hash of the results for every layer."""
    tables, calls = "", ""
    for index, spec in enumerate(LAYERS.values()):
        layer, before, after, x = integer_sums(spec, 8)
        name = f"layer_{index}"
        tables += "".join(layer_tables(layer, name, x.shape[1:], before, after, bits=8))
        calls += _CALLS.format(kernel=kernel(layer, 8), name=name)
        assert np.prod(x.shape[1:]) < 20000
    place = directory / machine.name.replace(" ", "-")
    place.mkdir()
    stem = place / "layers"
    stem.with_suffix(".c").write_text(
        f"{COUNTER}{_BEFORE_MAIN}{tables}{_MAIN}{calls}    return 0;\n}}\n", encoding="utf-8"
    )
    extra: list[str] = []
    if cmsis is not None:
        machine = replace(machine, flags=(*machine.flags, "-isystem", str(cmsis / "Include")))
        extra = [str(place / "cmsis.o")]
        fast = [flag for flag in machine.flags if not flag.startswith("-O")]
        compile_sums = ["arm-none-eabi-gcc", *fast, "-Ofast", "-c", str(cmsis / _SUMS), "-o", extra[0]]
        subprocess.run(compile_sums, check=True)
    text = run_counted(link_arm(stem, machine, extra), machine).decode()
    return [line.split() for line in text.splitlines()]


if __name__ == "__main__":
    raise SystemExit(main())
