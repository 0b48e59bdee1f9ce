"""Imports point one way, and from the hand-over file to C there is nothing but the standard library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mwtest.integer_networks import integers
from mwtest.models import Spec, build
from mwtest.networks import NetworkSpec, build_network
from mwtest.paths import names

from milliwatt import ir
from milliwatt.options import METHODS
from milliwatt.version import __version__

PACKAGE = Path(ir.__file__).resolve().parent.parent

# Parts of the package, each with its place in the order; a part may import itself and what is lower.
ORDER = {
    "version": 0,
    "errors": 0,
    "dtypes": 1,
    "options": 1,
    "files": 1,
    "c_text": 2,
    "filters": 3,
    "signal_cepstrum": 3,
    "signal_mel": 3,
    "signal_weighting": 3,
    "signal_windows": 5,
    "ir": 4,
    "signal_features": 5,
    "signal_spectral": 6,
    "emit": 7,
    "passes": 7,
    "frontends": 8,
    "sdk": 8,
    "build": 9,
    "data": 9,
    "host": 9,
    "features": 10,
    "networks": 10,
    "raw_samples": 10,
    "model": 11,
    "network_summary": 12,
    "export": 13,
    "rig": 14,
    "report": 15,
    "commands": 16,
    "cli": 17,
    "__init__": 18,
    "__main__": 18,
}
STANDARD_LIBRARY_ONLY = (
    *("version", "errors", "dtypes", "options", "files", "c_text", "sdk", "ir", "emit", "build"),
    *("filters", "signal_cepstrum", "signal_features", "signal_mel", "signal_spectral", "signal_weighting"),
    "signal_windows",
)


def _modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "_sdk" not in path.parts]


def _part(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _imports(path: Path) -> set[str]:
    """Absolute names of all modules imported anywhere in a file, within functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    part = _part(path)
    assert part in ORDER, f"{part} is new: give it a place in ORDER"
    if path.name in ("__init__.py", "__main__.py") and path.parent == PACKAGE:
        return  # the package itself shows what lies below, lazily
    for name in _imports(path):
        root, _, rest = name.partition(".")
        if root != "milliwatt":
            continue
        target = rest.split(".")[0]
        if target not in ORDER:  # a name out of the package itself
            raise AssertionError(f"{path} imports milliwatt.{target} from the package")
        assert target == part or ORDER[target] < ORDER[part], f"{part} imports {target}"


@pytest.mark.parametrize("part", STANDARD_LIBRARY_ONLY)
def test_standard_library_only(part: str) -> None:
    paths = [path for path in _modules() if _part(path) == part]
    assert paths
    for path in paths:
        for name in _imports(path):
            root, _, rest = name.partition(".")
            if root == "milliwatt":
                assert rest.split(".")[0] in STANDARD_LIBRARY_ONLY, f"{path} imports {name}"
            else:
                assert root in sys.stdlib_module_names, f"{path} imports {name}"


def test_every_part_is_checked() -> None:
    assert {_part(path) for path in _modules()} >= set(STANDARD_LIBRARY_ONLY) | {"host", "passes"}


_BLOCKER = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numpy", "sklearn", "typer", "rich", "scipy", "yaml"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
sys.path.insert(0, sys.argv.pop(1))
import milliwatt
from milliwatt.emit.__main__ import main
from milliwatt.options import METHODS
sys.exit(main(sys.argv[1:]))
"""


def _emit_without_site(*arguments: object) -> subprocess.CompletedProcess[str]:
    """``milliwatt.emit`` in a Python without site-packages, with ML libraries forbidden besides."""
    command = [sys.executable, "-I", "-S", "-c", _BLOCKER, str(PACKAGE.parent), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("method", METHODS)
def test_c_from_the_hand_over_file_without_any_package(tmp_path: Path, method: str) -> None:
    source = tmp_path / "my models" / "gesture.mw.json"
    ir.save(build(Spec(1, n_rows=4)), source)
    out = tmp_path / "out"
    result = _emit_without_site(source, "-o", out, "--name", "gesture", "--method", method)
    assert result.returncode == 0, result.stderr
    assert (result.stdout, result.stderr) == ("", "")
    assert names(out) == ["gesture.c", "gesture.h"]
    text = (out / "gesture.c").read_text()
    tables = [
        form for form, table in (("loadable", "nodes"), ("compact", "trees")) if f"gesture_{table}[]" in text
    ]
    assert tables == ([] if method == "inline" else [method])
    single = _emit_without_site(source, "-o", tmp_path / "one", "--single")
    assert single.returncode == 0
    assert names(tmp_path / "one") == ["model.h"]


@pytest.mark.parametrize("bits", [0, 8])
def test_c_of_a_network_without_any_package(tmp_path: Path, bits: int) -> None:
    model = build_network(NetworkSpec(3, n_layers=9))
    source, out = tmp_path / "net.mw.json", tmp_path / "out"
    ir.save(integers(model, 1, bits=bits) if bits else model, source)
    result = _emit_without_site(source, "-o", out)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert names(out) == ["model.c", "model.h"]
    result = _emit_without_site(source, "-o", out, "--method", "inline")
    assert result.returncode == 1
    assert result.stderr.startswith(f"milliwatt: {source}: method: method=inline is for trees")


def test_failure_is_one_message(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mw.json"
    bad.write_text("{", encoding="utf-8")
    result = _emit_without_site(bad, "-o", tmp_path / "out")
    assert result.returncode == 1
    assert result.stderr.startswith(f"milliwatt: {bad}: not valid JSON")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
    result = _emit_without_site(tmp_path / "none.mw.json", "-o", tmp_path / "out", "--name", "while")
    assert "no such file" in result.stderr


def test_the_version_is_the_same_everywhere(repository: Path) -> None:
    header = (repository / "include" / "milliwatt" / "version.h").read_text(encoding="utf-8")
    numbers = [re.search(rf"MW_VERSION_{part} (\d+)", header) for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(found.group(1) for found in numbers if found) == __version__
    assert f'MW_VERSION_STRING "{__version__}"' in header
    manifest = (repository / "library.json").read_text(encoding="utf-8")
    assert f'"version": "{__version__}"' in manifest
