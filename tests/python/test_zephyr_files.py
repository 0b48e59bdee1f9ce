"""What Zephyr reads of this repository, checked without Zephyr: manifests, Kconfig, samples and tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
yaml = pytest.importorskip("yaml")

# https://docs.zephyrproject.org/4.1.0/develop/modules.html#module-yaml-file-description
MODULE_KEYS = {"name", "build", "tests", "samples", "boards", "blobs", "security", "package-managers"}
BUILD_KEYS = {
    "cmake", "kconfig", "cmake-ext", "kconfig-ext", "depends", "settings",
    "sysbuild-cmake", "sysbuild-kconfig", "sysbuild-cmake-ext", "sysbuild-kconfig-ext",
}  # fmt: skip
# https://docs.zephyrproject.org/4.1.0/develop/test/twister.html#tests
SCENARIO_KEYS = {
    "arch_allow", "arch_exclude", "build_only", "build_on_all", "depends_on", "extra_args",
    "extra_conf_files",
    "extra_configs", "extra_dtc_overlay_files", "extra_overlay_confs", "extra_sections", "filter", "harness",
    "harness_config", "integration_platforms", "integration_toolchains", "levels", "min_flash", "min_ram",
    "modules", "no_build", "platform_allow", "platform_exclude", "platform_key", "platform_type",
    "required_snippets", "simulation_exclude", "skip", "slow", "sysbuild", "tags", "timeout",
    "toolchain_allow",
    "toolchain_exclude", "type", "vendor_allow", "vendor_exclude",
}  # fmt: skip
HARNESS_KEYS = {
    "console": {"type", "ordered", "repeat", "regex", "record"},
    "pytest": {"pytest_root", "pytest_args"},
}
EMULATED = {"native_sim/native/64", "qemu_cortex_m3", "mps2/an385", "mps2/an521/cpu0", "qemu_riscv32"}
SCENARIO_FILES = sorted([*ROOT.glob("samples/**/sample.yaml"), *ROOT.glob("tests/zephyr/**/testcase.yaml")])
SAMPLES = ("hello_xor", "activity", "digits_cnn", "sound_event", "vibration_anomaly")


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _as_list(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else list(value or [])


def _scenarios() -> list[tuple[Path, str, dict[str, Any]]]:
    found = []
    for path in SCENARIO_FILES:
        data = _load(path)
        for name, own in data["tests"].items():
            found.append((path, name, {**data.get("common", {}), **(own or {})}))
    return found


SCENARIOS = _scenarios()
NAMED = pytest.mark.parametrize(
    ("path", "name", "scenario"), SCENARIOS, ids=[name for _, name, _ in SCENARIOS]
)


# -- the module -----------------------------------------------------------------------------------


def test_both_module_files_are_equal() -> None:
    assert (ROOT / "module.yml").read_bytes() == (ROOT / "zephyr" / "module.yml").read_bytes()


def test_module_has_only_keys_that_zephyr_knows() -> None:
    module = _load(ROOT / "zephyr" / "module.yml")
    assert set(module) <= MODULE_KEYS
    assert set(module["build"]) <= BUILD_KEYS
    assert re.fullmatch(r"[a-z0-9-]+", module["name"])


def test_what_the_module_names_is_there() -> None:
    module = _load(ROOT / "zephyr" / "module.yml")
    assert (ROOT / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (ROOT / module["build"]["kconfig"]).is_file()
    for folder in module["samples"] + module["tests"]:
        assert any(path.is_relative_to(ROOT / folder) for path in SCENARIO_FILES)


def test_west_manifest_pins_zephyr() -> None:
    manifest = _load(ROOT / "west.yml")["manifest"]
    (zephyr,) = manifest["projects"]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", zephyr["revision"])
    assert manifest["self"]["west-commands"] == "scripts/west-commands.yml"
    commands = _load(ROOT / manifest["self"]["west-commands"])
    for entry in commands["west-commands"]:
        source = (ROOT / entry["file"]).read_text(encoding="utf-8")
        for command in entry["commands"]:
            assert f"class {command['class']}(" in source
            assert f'"{command["name"]}"' in source


# -- Kconfig --------------------------------------------------------------------------------------

# What Zephyr itself defines and our Kconfig asks about.
_ZEPHYR = """
config SHELL
	bool "SHELL"
config SETTINGS
	bool "SETTINGS"
config XIP
	bool "XIP"
config TRAP_UNALIGNED_ACCESS
	bool "TRAP_UNALIGNED_ACCESS"
config CBPRINTF_FP_SUPPORT
	bool
"""
# The shape of Zephyr's template: it takes two variables.
_TEMPLATE = """
config $(module)_LOG_LEVEL
	int "level of $(module-str)"
	default 3
"""


def _kconfig(tmp_path: Path, *settings: str) -> Any:
    kconfiglib = pytest.importorskip("kconfiglib")
    template = tmp_path / "subsys" / "logging" / "Kconfig.template.log_config"
    template.parent.mkdir(parents=True)
    template.write_text(_TEMPLATE)
    (tmp_path / "Kconfig").write_text(f'{_ZEPHYR}\nsource "{(ROOT / "zephyr" / "Kconfig").as_posix()}"\n')
    (tmp_path / "conf").write_text("".join(f"CONFIG_{line}\n" for line in settings))
    before = os.environ.get("srctree")  # noqa: SIM112  kconfiglib reads it in this spelling
    os.environ["srctree"] = str(tmp_path)  # noqa: SIM112
    try:
        kconf = kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)
    finally:
        if before is None:
            del os.environ["srctree"]  # noqa: SIM112
        else:
            os.environ["srctree"] = before  # noqa: SIM112
    assert kconf.warnings == []
    kconf.load_config(str(tmp_path / "conf"))
    return kconf


def _ours(kconf: Any) -> dict[str, Any]:
    return {s.name: s for s in kconf.unique_defined_syms if s.name.startswith("MILLIWATT")}


def test_kconfig_parses_and_every_option_is_explained(tmp_path: Path) -> None:
    kconf = _kconfig(tmp_path)
    symbols = _ours(kconf)
    assert len(symbols) > 10
    for symbol in symbols.values():
        (node,) = symbol.nodes
        if node.prompt and symbol.name != "MILLIWATT_LOG_LEVEL":
            assert symbol.name == "MILLIWATT_SHELL_MAX_OUTPUTS" or node.help, (
                f"{symbol.name} has no help text"
            )
            assert symbol.type in (2, 3, 4, 5, 6) or symbol.orig_type, f"{symbol.name} has no type"


def test_kconfig_off_means_off(tmp_path: Path) -> None:
    symbols = _ours(_kconfig(tmp_path, "SHELL=y", "SETTINGS=y", "XIP=y"))
    assert {s.name for s in symbols.values() if s.str_value not in ("n", "")} == set()


def test_kconfig_on_means_no_more_than_the_library(tmp_path: Path) -> None:
    symbols = _ours(_kconfig(tmp_path, "MILLIWATT=y", "XIP=y"))
    on = {s.name for s in symbols.values() if s.str_value == "y"}
    # Of networks and signal processing the linker keeps what is called.
    assert on == {"MILLIWATT", "MILLIWATT_NETWORKS", "MILLIWATT_SIGNAL", "MILLIWATT_UNALIGNED_LOADS"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["MILLIWATT_PARTITION=y"], {"MILLIWATT_MODEL_DATA", "MILLIWATT_REGISTRY", "MILLIWATT_UPDATABLE"}),
        (["MILLIWATT_PARTITION=y", "XIP=y"], {"MILLIWATT_PARTITION_IN_PLACE"}),
        (["SETTINGS=y", "MILLIWATT_SETTINGS=y"], {"MILLIWATT_SETTINGS", "MILLIWATT_UPDATABLE"}),
        (["SHELL=y", "MILLIWATT_SHELL=y"], {"MILLIWATT_REGISTRY", "CBPRINTF_FP_SUPPORT"}),
    ],
)
def test_kconfig_brings_what_an_option_needs(tmp_path: Path, settings: list[str], expected: set[str]) -> None:
    kconf = _kconfig(tmp_path, "MILLIWATT=y", *settings)
    assert {name for name in expected if kconf.syms[name].str_value == "y"} == expected


@pytest.mark.parametrize(
    ("settings", "off"),
    [
        (["MILLIWATT_SHELL=y"], "MILLIWATT_SHELL"),
        (["MILLIWATT_SETTINGS=y"], "MILLIWATT_SETTINGS"),
        (["MILLIWATT_PARTITION=y"], "MILLIWATT_PARTITION_IN_PLACE"),
        (["TRAP_UNALIGNED_ACCESS=y"], "MILLIWATT_UNALIGNED_LOADS"),
    ],
)
def test_kconfig_dependencies(tmp_path: Path, settings: list[str], off: str) -> None:
    assert _kconfig(tmp_path, "MILLIWATT=y", *settings).syms[off].str_value == "n"


def test_every_option_that_code_asks_for_exists(tmp_path: Path) -> None:
    known = {f"CONFIG_{name}" for name in _ours(_kconfig(tmp_path))}
    sources = [
        path
        for folder in ("zephyr", "samples", "tests/zephyr", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".c", ".h", ".txt", ".conf", ".yaml", ".md", ".rst", ".in")
    ]
    for path in sources:
        for name in re.findall(r"CONFIG_MILLIWATT\w*", path.read_text(encoding="utf-8")):
            assert name in known or name == "CONFIG_MILLIWATT_LOG_LEVEL_DBG", f"{path}: {name}"


# -- samples and tests ------------------------------------------------------------------------------


def test_every_sample_is_complete() -> None:
    for name in SAMPLES:
        sample = ROOT / "samples" / name
        for file in ("README.rst", "prj.conf", "sample.yaml", "CMakeLists.txt", "src/main.c", "model.py"):
            assert (sample / file).is_file(), f"{name}/{file}"
        assert (sample / "models" / f"{name}.mw.json").is_file()
        assert "CONFIG_MILLIWATT=y" in (sample / "prj.conf").read_text()


@NAMED
def test_scenarios_have_only_keys_that_twister_knows(path: Path, name: str, scenario: dict[str, Any]) -> None:
    assert set(scenario) <= SCENARIO_KEYS
    assert name.startswith("milliwatt."), "twister wants names that are unique, with a dot"
    assert "milliwatt" in _as_list(scenario["tags"])
    harness = scenario.get("harness")
    if harness is not None:
        assert set(scenario["harness_config"]) <= HARNESS_KEYS[harness]


@NAMED
def test_scenarios_name_platforms_that_run_here(path: Path, name: str, scenario: dict[str, Any]) -> None:
    platforms = scenario["integration_platforms"]
    assert platforms
    assert set(platforms) <= EMULATED
    allowed = _as_list(scenario.get("platform_allow"))
    assert not allowed or set(platforms) <= set(allowed)


@NAMED
def test_scenarios_name_files_that_exist(path: Path, name: str, scenario: dict[str, Any]) -> None:
    for argument in _as_list(scenario.get("extra_args")):
        key, _, value = argument.partition("=")
        if key in ("EXTRA_CONF_FILE", "EXTRA_DTC_OVERLAY_FILE", "MODEL"):
            assert (path.parent / value).is_file(), argument
    for root in scenario.get("harness_config", {}).get("pytest_root", []):
        assert (path.parent / root).is_file()
        # Or pytest would take the settings in pyproject.toml, and the conftest.py of tests/zephyr.
        assert (path.parent / root).with_name("pytest.ini").is_file()


def test_names_of_scenarios_are_unique() -> None:
    names = [name for _, name, _ in SCENARIOS]
    assert len(names) == len(set(names))


def test_all_integration_platforms_are_used_by_both_samples_and_the_unit_tests() -> None:
    for name in ("milliwatt.hello_xor", "milliwatt.activity", "milliwatt.unit", "milliwatt.parity.loadable"):
        (scenario,) = (scenario for _, other, scenario in SCENARIOS if other == name)
        assert set(scenario["integration_platforms"]) == EMULATED


@pytest.mark.parametrize("name", ["hello_xor", "activity", "sound_event", "sound_level", "vibration_anomaly"])
def test_consoles_are_matched_whole(name: str) -> None:
    """The regular expressions fit what README.rst shows, in that order."""
    sample = ROOT / "samples" / name
    shown = (sample / "README.rst").read_text(encoding="utf-8")
    (regexes,) = {tuple(s["harness_config"]["regex"]) for p, n, s in SCENARIOS if n == f"milliwatt.{name}"}
    place = 0
    for regex in regexes:
        found = re.compile(regex).search(shown, place)
        assert found is not None, regex
        place = found.end()


def test_the_model_of_hello_xor_is_what_its_script_makes() -> None:
    pytest.importorskip("sklearn")
    command = [sys.executable, str(ROOT / "samples" / "hello_xor" / "model.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ztest_runs_every_unit_test_of_the_library() -> None:
    """The list is a glob of the very files; each has its main(), which the build renames."""
    text = (ROOT / "tests" / "zephyr" / "unit" / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "../../unit/test_*.c" in text
    for path in (ROOT / "tests" / "unit").glob("test_*.c"):
        assert "int main(void)" in path.read_text(encoding="utf-8"), path.name
        assert '#include "check.h"' in path.read_text(encoding="utf-8"), path.name
