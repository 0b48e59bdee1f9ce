"""CMSIS-DSP, or what stands in for it, for a library that calls its functions (MW_CMSIS_DSP=1)."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mwtest.net_cases import Machine

_SOURCES = (
    "TransformFunctions/arm_cfft_f32.c",
    "TransformFunctions/arm_cfft_init_f32.c",
    "TransformFunctions/arm_cfft_radix8_f32.c",
    "TransformFunctions/arm_bitreversal2.c",
    "CommonTables/arm_common_tables.c",
    "CommonTables/arm_const_structs.c",
    "CommonTables/arm_mve_tables.c",
    "FilteringFunctions/arm_biquad_cascade_df2T_f32.c",
)
# All of CMSIS-DSP's tables are in one file, too much for a small memory.
_SPLIT = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
_LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")


@dataclass(frozen=True)
class Provider:
    """Where the functions come from.

    Attributes:
        headers: folders.
        core: CMSIS's `Core/Include`, for Arm.
    """

    name: str
    headers: tuple[Path, ...]
    sources: tuple[Path, ...]
    core: str = ""

    def on(self, machine: Machine, directory: Path) -> Machine:
        """The machine with a library that calls the functions; objects go to ``directory``."""
        arm = bool(machine.machine)
        # Its compiler header is for Arm; for hosts there is a way around.
        include = [word for path in self.headers for word in ("-isystem", str(path))]
        include += ["-isystem", self.core] if arm else ["-D__GNUC_PYTHON__"]
        include.append("-DDISABLEFLOAT16")
        flags = (*machine.flags, *(_SPLIT if arm else ()), *include)
        objects = self._objects(flags, directory, "arm-none-eabi-gcc" if arm else "gcc")
        linked = (f"-Wl,{target}" for target in objects)
        name = f"{machine.name}-{self.name}"
        return replace(machine, name=name, flags=(*flags, "-DMW_CMSIS_DSP=1", *linked, "-lm"))

    def _objects(self, flags: Sequence[str], directory: Path, compiler: str) -> list[Path]:
        """Compiled with -Ofast, as CMSIS-DSP asks for, unless sanitized; kept."""
        kept = [flag for flag in flags if not flag.startswith(("-W", *_LEVELS))]
        level = "-O1" if any(flag.startswith("-fsanitize") for flag in flags) else "-Ofast"
        command = [compiler, "-std=gnu11", level, *kept, "-w", "-flax-vector-conversions"]
        tag = hashlib.sha256(" ".join(command).encode()).hexdigest()[:12]
        found = []
        for source in self.sources:
            target = directory / f"{self.name}-{source.stem}-{tag}.o"
            if not target.exists():
                subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
            found.append(target)
        return found


def checkout(directory: Path, core: str) -> Provider:
    """CMSIS-DSP itself."""
    sources = tuple(directory / "Source" / name for name in _SOURCES)
    return Provider("cmsis", (directory / "Include", directory / "PrivateInclude"), sources, core)
