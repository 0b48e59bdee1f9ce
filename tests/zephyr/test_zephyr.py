"""The module in a real Zephyr: everything below samples/ and tests/zephyr under twister, sizes, builds again.

Runs where ZEPHYR_BASE is set and `west` is there. MILLIWATT_ZEPHYR_PLATFORMS names the platforms (by default
native_sim/native/64), MILLIWATT_ZEPHYR_ARGS what else twister shall be told, such as
`--force-toolchain -x=CONFIG_PICOLIBC_USE_TOOLCHAIN=y`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = os.environ.get("ZEPHYR_BASE", "")
PLATFORMS = os.environ.get("MILLIWATT_ZEPHYR_PLATFORMS", "native_sim/native/64").split()
ARGUMENTS = shlex.split(os.environ.get("MILLIWATT_ZEPHYR_ARGS", ""))
XOR = ROOT / "samples" / "hello_xor"

pytestmark = [
    pytest.mark.skipif(not BASE, reason="ZEPHYR_BASE is not set"),
    pytest.mark.skipif(shutil.which("west") is None, reason="west is not installed"),
    pytest.mark.timeout(4 * 3600),
]


def _west(*arguments: object, check: bool = True) -> str:
    command = ["west", *map(str, arguments)]
    done = subprocess.run(command, cwd=Path(BASE).parent, capture_output=True, text=True, check=False)
    if check:
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    else:
        assert done.returncode != 0
    return done.stdout + done.stderr


def _build(source: Path, target: Path, board: str, *definitions: str) -> str:
    extra = f"-DZEPHYR_EXTRA_MODULES={ROOT}"
    return _west("build", "-b", board, source, "-d", target, "--", extra, *definitions)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_everything_under_twister(platform: str, tmp_path: Path) -> None:
    where = ["-T", ROOT / "samples", "-T", ROOT / "tests" / "zephyr"]
    _west(
        "twister",
        *where,
        "-p",
        platform,
        f"-x=ZEPHYR_EXTRA_MODULES={ROOT}",
        *ARGUMENTS,
        "-O",
        tmp_path / "out",
    )
    report = json.loads((tmp_path / "out" / "twister.json").read_text(encoding="utf-8"))
    ran = {suite["name"].rsplit("/", 1)[-1]: suite["status"] for suite in report["testsuites"]}
    passed = {name for name, status in ran.items() if status == "passed"}
    assert {
        "milliwatt.hello_xor",
        "milliwatt.activity",
        "milliwatt.unit",
        "milliwatt.parity.loadable",
    } <= passed
    assert set(ran.values()) <= {"passed", "filtered", "skipped"}, ran


def test_module_is_valid(tmp_path: Path) -> None:
    """With Zephyr's own program, which knows the schema."""
    output = tmp_path / "kconfig.txt"
    script = Path(BASE) / "scripts" / "zephyr_module.py"
    python = Path(shutil.which("west") or "").resolve().parent / "python3"
    command = [
        str(python),
        str(script),
        "--zephyr-base",
        BASE,
        "--modules",
        str(ROOT),
        "--kconfig-out",
        str(output),
    ]
    subprocess.run(command, check=True, capture_output=True)
    assert (ROOT / "zephyr" / "Kconfig").as_posix() in output.read_text(encoding="utf-8")


def test_hello_xor_takes_a_kilobyte_at_most(tmp_path: Path) -> None:
    elffile = pytest.importorskip("elftools.elf.elffile")
    sizes = {}
    for model in ("y", "n"):
        directory = tmp_path / model
        _build(XOR, directory, "qemu_cortex_m3", f"-DCONFIG_MILLIWATT={model}", "-DCONFIG_MINIMAL_LIBC=y")
        with open(directory / "zephyr" / "zephyr.elf", "rb") as file:
            segments = elffile.ELFFile(file).iter_segments("PT_LOAD")
            sizes[model] = sum(segment["p_filesz"] for segment in segments)
    added = sizes["y"] - sizes["n"]
    print(f"hello_xor: {added} bytes of flash for the model")
    assert 0 < added <= 1024


def test_only_what_changed_is_built_again(tmp_path: Path) -> None:
    """On an emulated board: native_sim has a step of its own that runs in every build."""
    sample, build, sdk = tmp_path / "hello_xor", tmp_path / "build", tmp_path / "milliwatt"
    shutil.copytree(XOR, sample)
    # A copy, which nobody edits while this runs: what generates is watched too.
    for folder in ("include", "scripts", "src", "zephyr"):
        shutil.copytree(ROOT / folder, sdk / folder, ignore=shutil.ignore_patterns("__pycache__"))
    model = sample / "models" / "hello_xor.mw.json"
    command = ["build", "-b", "qemu_cortex_m3", sample, "-d", build, "--", f"-DZEPHYR_EXTRA_MODULES={sdk}"]
    first = _west(*command, "-DCONFIG_MINIMAL_LIBC=y")
    assert "milliwatt: hello_xor.h from models/hello_xor.mw.json" in first
    assert "ninja: no work to do." in _west("build", "-d", build)

    model.write_text(model.read_text(encoding="utf-8").replace('"threshold": [0, ', '"threshold": [1, '))
    again = _west("build", "-d", build)
    compiled = re.findall(r"Building C object (\S+)", again)
    # The header is the same, so main.c is not compiled; Zephyr makes its vector tables with every image.
    ours = [name for name in compiled if not re.search(r"zephyr_(?:pre\d|final)\.dir/|isr_tables", name)]
    assert [Path(name).name for name in ours] == ["hello_xor.c.obj"]
    assert "Linking C executable zephyr/zephyr.elf" in again
    assert "ninja: no work to do." in _west("build", "-d", build)

    model.write_text("{")
    broken = _west("build", "-d", build, check=False)
    assert "Error: milliwatt: CMakeLists.txt [app] milliwatt_add_model: hello_xor: " in broken
    assert "not valid JSON" in broken
    assert "cure: export the model again with `milliwatt export`" in broken


def test_a_model_without_the_library_is_refused(tmp_path: Path) -> None:
    sample = tmp_path / "hello_xor"
    shutil.copytree(XOR, sample)
    cmake = sample / "CMakeLists.txt"
    cmake.write_text(cmake.read_text(encoding="utf-8").replace("if(CONFIG_MILLIWATT)", "if(TRUE)"))
    command = ["build", "-b", "native_sim/native/64", sample, "-d", tmp_path / "build", "--"]
    output = _west(*command, f"-DZEPHYR_EXTRA_MODULES={ROOT}", "-DCONFIG_MILLIWATT=n", check=False)
    assert "set CONFIG_MILLIWATT=y in prj.conf" in " ".join(output.split())
