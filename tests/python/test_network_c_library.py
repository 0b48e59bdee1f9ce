"""Generated C of networks: warning-free everywhere, no state but the arena, as a pair and as one header."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from mwtest.integer_networks import integers
from mwtest.networks import NetworkSpec, build_network
from mwtest.objects import objects
from mwtest.toolchain import TOOLCHAINS, Toolchain, compile_to_objects

from milliwatt import sdk
from milliwatt.emit import emit_c
from milliwatt.ir import Network

ARENAS = ("static", "caller")
FORMS = (*ARENAS, "single")


def _models() -> dict[str, Network]:
    """One small network for everything that generated code can contain."""
    chosen: dict[str, Network] = {}
    for seed, link in enumerate(("softmax", "sigmoid", "labels", "shares", "exp", "identity")):
        model = build_network(NetworkSpec(seed + 20, (5, 4, 2), 9, 3, link))
        chosen[f"float_{link}"] = model
        for bits in (8, 16):
            chosen[f"int{bits}_{link}"] = integers(model, seed, bits=bits, scores=seed % 2 == 0)
        for dtype in ("int8", "uint8", "int16"):
            chosen[f"of_{dtype}_{link}"] = integers(model, seed, bits=8 + 8 * (seed % 2), dtype=dtype)
    flat = build_network(NetworkSpec(30, (8,), 2, 3, "softmax"))
    for dtype in ("int8", "uint8", "int16", "int32"):
        chosen[f"plain_{dtype}"] = dataclasses.replace(flat, dtype=dtype)
        chosen[f"one_scale_{dtype}"] = dataclasses.replace(flat, dtype=dtype, scale=(3.0,) * 8)
        scale = tuple(0.5 + index for index in range(8))
        chosen[f"scaled_{dtype}"] = dataclasses.replace(flat, dtype=dtype, scale=scale)
    labels = ('q"uo\\te', "Grüße ☃", "*/")
    chosen["odd_text"] = dataclasses.replace(flat, classes=labels, origin={"class": "*/ x", "library": "??/"})
    chosen["unchecked"] = dataclasses.replace(flat, check_nan=False)
    return {name: dataclasses.replace(model, name=name) for name, model in chosen.items()}


MODELS = _models()


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All networks in every form; ``everything.c`` of each form includes them all."""
    root = tmp_path_factory.mktemp("generated")
    for form in FORMS:
        (root / form).mkdir()
        for index, model in enumerate(MODELS.values()):
            arena = form if form in ARENAS else ARENAS[index % 2]
            emitted = emit_c(dataclasses.replace(model, arena=arena), single=form == "single")
            for file, text in emitted.files.items():
                (root / form / file).write_text(text, encoding="utf-8")
        ending = "h" if form == "single" else "c"
        includes = "".join(f'#include "{name}.{ending}"\n' for name in MODELS)
        uses = "".join(f"    total += {name.upper()}_ARENA_SIZE;\n" for name in MODELS)
        function = f"long everything(void);\nlong everything(void)\n{{\n    long total = 0;\n{uses}"
        (root / form / "everything.c").write_text(
            includes + function + "    return total;\n}\n", encoding="utf-8"
        )
    return root


def _chain(name: str) -> Toolchain:
    chain = TOOLCHAINS[name]
    chain.need()
    return chain


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "standard"),
    [*((name, s) for name in TOOLCHAINS for s in ("c99", "c++17")), ("gcc", "c11"), ("clang", "c11")],
)
def test_generated_code_is_warning_free(
    name: str, standard: str, form: str, generated: Path, tmp_path: Path
) -> None:
    chain = _chain(name)
    (built,) = compile_to_objects(chain, [generated / form / "everything.c"], tmp_path, standard)
    output = subprocess.run([chain.nm, str(built)], check=True, capture_output=True, text=True).stdout
    arenas = 0
    for line in output.splitlines():
        kind, symbol = line.split()[-2:]
        if kind in "BbDdCGgSs":
            assert symbol.startswith(tuple(f"{name}_arena" for name in MODELS)) or "_arena" in symbol, line
            arenas += 1
        if kind == "U":
            assert symbol.startswith(("mw_", "__", "mem")) or symbol == "_GLOBAL_OFFSET_TABLE_", symbol
    assert output
    assert arenas == {"static": len(MODELS), "caller": 0}.get(form, arenas)


@pytest.mark.parametrize("optimise", ["-O0", "-O3"])
def test_generated_code_is_warning_free_at_every_level(
    generated: Path, tmp_path: Path, optimise: str
) -> None:
    compile_to_objects(TOOLCHAINS["gcc"], [generated / "static" / "everything.c"], tmp_path, "c99", optimise)


_CALL = """    const float x[FLOAT_SOFTMAX_N_FEATURES] = {0};
    float p[FLOAT_SOFTMAX_N_CLASSES];
    return float_softmax_predict(x, FLOAT_SOFTMAX_N_FEATURES) >= 0
           && float_softmax_predict_proba(x, FLOAT_SOFTMAX_N_FEATURES, p, FLOAT_SOFTMAX_N_CLASSES) == MW_OK
           && float_softmax_class_name(1)[0] == '1';
"""


@pytest.mark.parametrize("single", [False, True])
def test_both_forms_link_from_c_and_from_cpp(single: bool, tmp_path: Path) -> None:
    files = emit_c(MODELS["float_softmax"], single=single).files
    files["user.c"] = f'#include "float_softmax.h"\nint user(void);\nint user(void)\n{{\n{_CALL}}}\n'
    files["main.cpp"] = (
        f'#include "float_softmax.h"\nextern "C" int user(void);\nstatic int cpp()\n{{\n{_CALL}}}\n'
        "int main()\n{\n    return cpp() && user() ? 0 : 1;\n}\n"
    )
    for file, text in files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    flags = ("-Wall", "-Werror")
    built = objects(("net_",), flags)
    for source in (tmp_path / file for file in files if not file.endswith(".h")):
        compiler, standard = ("g++", "c++17") if source.suffix == ".cpp" else ("gcc", "c99")
        target = tmp_path / f"{source.name}.o"
        command = [compiler, f"-std={standard}", *flags, f"-I{sdk.include_dir()}", f"-I{tmp_path}"]
        subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
        built.append(str(target))
    subprocess.run(["g++", *built, "-o", str(tmp_path / "program")], check=True)
    subprocess.run([str(tmp_path / "program")], check=True)


@pytest.mark.parametrize("form", FORMS)
def test_the_header_has_the_scale_of_features(form: str, generated: Path) -> None:
    """Whoever has readings of other units needs it; the table itself may be out of sight."""
    assert "round(x * 3.0f)" in (generated / form / "one_scale_int8.h").read_text()
    assert (
        "0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f */"
        in (generated / form / "scaled_int16.h").read_text()
    )
