"""Runs the C unit tests in tests/unit, under the sanitizers and as other compilers see them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from milliwatt import sdk

UNIT = Path(__file__).resolve().parent.parent / "unit"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-Werror")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
BUILDS = {
    "gcc, sanitized": ("gcc", "-std=c99", *SANITIZED),
    "clang, sanitized": ("clang", "-std=c99", *SANITIZED),
    "gcc -O3": ("gcc", "-std=c11", "-O3"),
}


def _run(source: Path, directory: Path, compiler: str, *flags: str) -> str:
    program = directory / source.stem
    command = [compiler, *flags, *STRICT, f"-I{sdk.include_dir()}", str(source)]
    subprocess.run([*command, str(sdk.root() / "src" / "status.c"), "-o", str(program)], check=True)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([str(program)], capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("source", sorted(UNIT.glob("test_*.c")), ids=lambda path: path.stem)
def test_unit(source: Path, build: str, tmp_path: Path) -> None:
    output = _run(source, tmp_path, *BUILDS[build])
    declared = re.findall(r"^TEST\((\w+)\)", source.read_text(encoding="utf-8"), re.MULTILINE)
    passed = re.findall(r":(\w+):PASS$", output, re.MULTILINE)
    assert passed == declared, "a test is declared but not called"


def test_nan_is_found_under_fast_math(tmp_path: Path) -> None:
    source = tmp_path / "nan.c"
    source.write_text(
        "#include <milliwatt/trees.h>\n"
        "int main(int argc, char **argv)\n{\n"
        "    volatile uint32_t bits = 0x7fc00000U + (uint32_t) argc;\n"
        "    const uint32_t copy = bits;\n    float x[2] = {0};\n    (void) argv;\n"
        "    memcpy(&x[1], &copy, sizeof copy);\n"
        "    return mw_is_nan(x[1]) && mw_has_nan(x, 2) && !mw_has_nan(x, 1) ? 0 : 1;\n}\n",
        encoding="utf-8",
    )
    _run(source, tmp_path, "gcc", "-std=c99", "-O3", "-ffast-math")


def test_a_failing_check_fails(tmp_path: Path) -> None:
    """The tests' own words: a failure is told with file, line and condition, and in the exit status."""
    source = tmp_path / "broken.c"
    source.write_text(
        '#include "check.h"\nTEST(sums)\n{\n    CHECK(1 + 1 == 2);\n    CHECK(1 + 1 == 3);\n}\n'
        "int main(void)\n{\n    sums();\n    return check_failures;\n}\n",
        encoding="utf-8",
    )
    program = tmp_path / "broken"
    subprocess.run(["gcc", f"-I{UNIT}", str(source), "-o", str(program)], check=True)
    result = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.endswith("broken.c:5:sums:FAIL: 1 + 1 == 3\n")
