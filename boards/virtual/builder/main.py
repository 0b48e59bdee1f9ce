"""SCons script: compiles a project together with its board's support code, and runs it on `upload`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
platform_dir = Path(env.PioPlatform().get_dir())
support_dir = platform_dir / "support"
board = env.BoardConfig()
virtual = board.get("virtual")
family = virtual["family"]

sys.path.append(str(platform_dir))  # last: it holds a platform.py
sys.dont_write_bytecode = True  # the platform's directory is the user's checkout
import run as boards  # noqa: E402

TOOLCHAIN = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-", "avr": "avr-", "host": ""}[family]
# Which C library, for the compiler as well as the linker.
C_LIBRARY = {"arm": ["--specs=nano.specs"], "riscv": ["--specs=picolibc.specs"]}.get(family, [])
LINKER_SCRIPTS = {"arm": "cortex_m.ld", "riscv": "riscv.ld", "avr": "minimum_stack.ld"}
linker_script = str(support_dir / family / LINKER_SCRIPTS[family]) if family in LINKER_SCRIPTS else None
COMMON_FLAGS = ["-ffunction-sections", "-fdata-sections"]
if family != "host":
    COMMON_FLAGS += ["-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-pedantic"]


def refuse(problem: object) -> None:
    sys.stderr.write(f"Error: milliwatt boards: {problem}\n")
    env.Exit(1)


def link_flags() -> list[str]:
    """Memory limits and linker script; the numbers are the board's JSON's."""
    if family == "host":
        return ["-Wl,--gc-sections", "-Wl,--wrap=main"]
    symbols = {
        "MW_FLASH_ORIGIN": virtual.get("flash_origin"),
        "MW_FLASH_SIZE": board.get("upload.maximum_size"),
        "MW_RAM_ORIGIN": virtual.get("ram_origin"),
        "MW_RAM_SIZE": board.get("upload.maximum_ram_size"),
        "MW_MIN_STACK": virtual["min_stack"],
    }
    flags = ["-Wl,--gc-sections"]
    flags += [f"-Wl,--defsym={name}={value}" for name, value in symbols.items() if value is not None]
    if family == "avr":
        return [*flags, str(linker_script)]  # beside avr-libc's own, which knows the part
    return [*flags, "-nostartfiles", "-T", str(linker_script), "-Wl,--no-warn-rwx-segments"]


def support_library() -> Any:
    """The board's own code, compiled with its own flags whatever the project's are."""
    support = env.Clone()
    numbers = {"MW_ICOUNT_SHIFT": "icount_shift", "MW_TICK_HALF_NS": "tick_half_ns"}
    defines = [("MW_COUNTER_UNIT", env.StringifyMacro(virtual["counter_unit"]))]
    defines += [(name, f"{virtual[key]}u") for name, key in numbers.items() if key in virtual]
    defines += list(virtual["defines"].items())
    support.Append(CPPDEFINES=defines, CPPPATH=[str(support_dir / "common")])
    support.Replace(
        BUILD_UNFLAGS="",
        CFLAGS=["-std=gnu11"],
        CXXFLAGS=["-std=gnu++17", "-fno-exceptions", "-fno-rtti"],
        CCFLAGS=[*virtual["flags"], *C_LIBRARY, "-Os", *COMMON_FLAGS, *WARNINGS],
    )
    port = virtual.get("port", "")
    filters = {
        "common": ["+<*.c>"] if family == "host" else ["+<*>"],
        family: ["+<*>", "-<machine_*>", f"+<machine_{port}.c>"],
    }
    nodes = []
    for part, wanted in filters.items():
        nodes += support.CollectBuildFiles(f"$BUILD_DIR/board/{part}", str(support_dir / part), wanted)
    return support.BuildLibrary("$BUILD_DIR/mw_board", None, nodes=nodes)


def run_firmware(target: Any, source: Any, env: Any) -> int:
    """`pio run -t upload`: the firmware in the emulator, its exit status ours."""
    sys.stdout.flush()
    command = [sys.executable, str(platform_dir / "run.py"), "--board", board.manifest_path]
    status = subprocess.call([*command, source[0].get_abspath()], stdin=subprocess.DEVNULL)
    if status:
        sys.stderr.write(f"Error: the firmware on {board.id} ended with exit status {status}\n")
    return status


try:
    boards.require(board.manifest_path, "build")
except boards.BoardError as error:
    refuse(error)

if env.get("PROGNAME", "program") == "program":
    env.Replace(PROGNAME="firmware")
env.Replace(
    PROGSUFFIX=".elf",
    CC=TOOLCHAIN + "gcc",
    CXX=TOOLCHAIN + "g++",
    AS=TOOLCHAIN + "gcc",
    AR=TOOLCHAIN + ("ar" if family in ("host", "avr") else "gcc-ar"),
    RANLIB=TOOLCHAIN + ("ranlib" if family in ("host", "avr") else "gcc-ranlib"),
    LINK=TOOLCHAIN + ("g++" if family == "host" else "gcc"),  # boards need no libstdc++
    OBJCOPY=TOOLCHAIN + "objcopy",
    SIZETOOL=TOOLCHAIN + "size",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPROGREGEXP=r"^(?:\.vectors|\.text|\.rodata|\.ARM\.extab|\.ARM\.exidx|\.data|\.tdata)\s+(\d+)",
    SIZEDATAREGEXP=r"^(?:\.data|\.tdata|\.bss|\.noinit)\s+(\d+)",
    UPLOAD_PROTOCOL="emulator",
)
env.Append(
    CPPDEFINES=[("MW_BOARD", 1), ("MW_BOARD_NAME", env.StringifyMacro(board.id))],
    CPPPATH=[str(support_dir / "include")],
    CFLAGS=["-std=gnu11"],
    CXXFLAGS=["-std=gnu++17", "-fno-threadsafe-statics"],
    CCFLAGS=[*virtual["flags"], *C_LIBRARY, "-Os", *COMMON_FLAGS],
    ASFLAGS=["-x", "assembler-with-cpp", *virtual["flags"]],
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    LINKFLAGS=[*virtual["flags"], *C_LIBRARY, "-Os", *link_flags()],
    LIBS={"avr": ["printf_flt", "m", "c"], "host": ["m"]}.get(family, ["m", "c"]),
)
if family != "host":
    env.Append(CXXFLAGS=["-fno-exceptions", "-fno-rtti"])
    if "F_CPU" not in str(env.get("CPPDEFINES")):
        env.Append(CPPDEFINES=[("F_CPU", "$BOARD_F_CPU")])
env.Prepend(LIBS=[support_library()])

program = env.File("$PROGPATH") if "nobuild" in COMMAND_LINE_TARGETS else env.BuildProgram()
if linker_script:
    env.Depends(program, linker_script)
AlwaysBuild(env.Alias("nobuild", program))
running = env.VerboseAction(run_firmware, "Running $SOURCE")
env.AddPlatformTarget("upload", program, running, "Run", "Run the firmware in the emulator")
sizing = env.VerboseAction("$SIZETOOL -A -d $SOURCES", "Calculating size $SOURCE")
env.AddPlatformTarget("size", program, sizing, "Program Size", "Sizes of the program's sections")
Default([program])
