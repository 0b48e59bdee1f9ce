"""The C library and generated code: warning-free everywhere, no state, no needs, links from anywhere."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from mwtest.models import Spec, build
from mwtest.toolchain import TOOLCHAINS, Toolchain, compile_to_objects

from milliwatt import sdk
from milliwatt.emit import emit_c
from milliwatt.ir import TreeEnsemble
from milliwatt.options import METHODS
from milliwatt.passes import prune

HEADERS = sorted(
    str(path.relative_to(sdk.include_dir())).replace("\\", "/")
    for path in sdk.include_dir().rglob("*.h")
    # Others take parameters from the code that includes them.
    if path.name not in ("trees_walk.h", "trees_compact.h", "trees_sums.h", "trees_test.h")
)


def _models() -> dict[str, TreeEnsemble]:
    """One small model for everything that generated code can contain."""
    chosen = {}
    for dtype in ("float", "int8", "uint8", "int16", "int32"):
        chosen[f"pairs_{dtype}"] = build(Spec(1, dtype=dtype, n_rows=20, n_splits=12, n_trees=2))
        chosen[f"regressor_{dtype}"] = build(Spec(2, dtype=dtype, task="regressor", n_outputs=1))
        chosen[f"wide_{dtype}"] = build(Spec(3, dtype=dtype, n_features=70, n_rows=4, n_splits=12))
    chosen["missing"] = build(Spec(4, missing=True, n_splits=20))
    chosen["votes"] = build(Spec(5, leaves="pure", n_outputs=5))
    chosen["many_votes"] = build(Spec(5, leaves="pure", n_outputs=3, n_trees=300, n_splits=1))
    chosen["exact"] = build(Spec(6, leaves="sixteenths"))
    chosen["values"] = build(Spec(7, task="regressor", n_outputs=3))
    chosen["whole_values"] = build(Spec(8, task="regressor", leaves="pure", n_outputs=2))
    chosen["single"] = build(Spec(9, n_splits=0, n_outputs=1, leaves="pure"))
    chosen["one_value"] = build(Spec(9, n_splits=0, n_outputs=1, task="regressor"))
    chosen["extremes"] = build(Spec(10, dtype="int32", n_features=1, n_splits=60))
    for dtype in ("int8", "uint8", "int16", "int32"):
        scaled = build(Spec(11, dtype=dtype, n_features=2))
        chosen[f"scaled_{dtype}"] = dataclasses.replace(scaled, scale=(0.5, 2.0**-126))
    odd = build(Spec(12, n_outputs=6))
    labels = ("a b", 'q"uo\\te', "Grüße ☃", "*/", "??/", "")
    # A backslash after a star must not end the comment that it is written into.
    names = ("*\\ int x;", "??/", "// /* */")
    origin = {"class": "*\\", "library": "*/ x"}
    chosen["odd_text"] = dataclasses.replace(odd, classes=labels, feature_names=names, origin=origin)
    numbers = build(Spec(13, n_outputs=3))
    chosen["numbers"] = dataclasses.replace(numbers, classes=(-(2**31) + 1, 0, 2**31 - 1))
    chosen["bools"] = dataclasses.replace(build(Spec(13, n_outputs=2)), classes=(False, True))
    # Pruned, as every converted model is: compilers warn about tests that have one outcome only.
    return {name: prune(dataclasses.replace(model, name=name)) for name, model in chosen.items()}


MODELS = _models()


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated sources of all models, for all methods and as single headers: ``everything.c`` includes
    them all, which takes one run of a compiler instead of thirty.
    """
    root = tmp_path_factory.mktemp("generated")
    for method in (*METHODS, "single"):
        (root / method).mkdir()
    for model in MODELS.values():
        for method in METHODS:
            for file, text in emit_c(model, method=method).files.items():
                (root / method / file).write_text(text, encoding="utf-8")
        for file, text in emit_c(model, method="loadable", single=True).files.items():
            (root / "single" / file).write_text(text, encoding="utf-8")
    uses = "".join(f"    total += {name.upper()}_N_FEATURES;\n" for name in MODELS)
    body = f"{{\n    int total = 0;\n{uses}    return total;\n}}\n"
    function = f"int everything(void);\nint everything(void)\n{body}"
    for method, ending in (*((method, "c") for method in METHODS), ("single", "h")):
        includes = "".join(f'#include "{name}.{ending}"\n' for name in MODELS)
        (root / method / "everything.c").write_text(includes + function, encoding="utf-8")
    return root


def _chain(name: str) -> Toolchain:
    chain = TOOLCHAINS[name]
    chain.need()
    return chain


@pytest.mark.parametrize(
    ("name", "standard", "optimise"),
    [
        *((name, standard, "-Os") for name in TOOLCHAINS for standard in ("c99", "c++17")),
        ("gcc", "c11", "-O3"),  # some warnings only come with the optimiser
        ("clang", "c11", "-O3"),
    ],
)
def test_library_is_warning_free_and_stateless(
    name: str, standard: str, optimise: str, tmp_path: Path
) -> None:
    chain = _chain(name)
    objects = compile_to_objects(chain, sdk.sources(), tmp_path, standard, optimise)
    _check_objects(chain, objects)


def _generated_builds() -> list[tuple[str, str, str]]:
    """Compiler, form and standard; C11 is C99 to this code, so once with either compiler shows it."""
    standards = dict.fromkeys(TOOLCHAINS, ("c99", "c++17"))
    builds = [(n, form, s) for n in TOOLCHAINS for form in METHODS for s in standards[n]]
    builds += [("gcc", "inline", "c11"), ("clang", "loadable", "c11")]
    return builds + [(n, "single", s) for n in ("gcc", "clang", "avr") for s in standards[n]]


@pytest.mark.parametrize(("name", "method", "standard"), _generated_builds())
def test_generated_code_is_warning_free_and_stateless(
    name: str, method: str, standard: str, generated: Path, tmp_path: Path
) -> None:
    chain = _chain(name)
    source = generated / method / "everything.c"
    _check_objects(chain, compile_to_objects(chain, [source], tmp_path, standard))


@pytest.mark.parametrize("optimise", ["-O0", "-O3"])
def test_generated_code_is_warning_free_at_every_level(
    generated: Path, tmp_path: Path, optimise: str
) -> None:
    """Some warnings (used uninitialised, out of bounds) only come with the optimiser."""
    for method in METHODS:
        source = generated / method / "everything.c"
        compile_to_objects(TOOLCHAINS["gcc"], [source], tmp_path, "c99", optimise)


# From libgcc, which every compiler brings, and the C library's three that compilers assume anyway.
_ALLOWED = ("mw_", "__", "mem")


def _check_objects(chain: Toolchain, objects: list[Path]) -> None:
    """No writable data, and nothing needed but the library itself and what the compiler brings."""
    output = subprocess.run([chain.nm, *map(str, objects)], check=True, capture_output=True, text=True).stdout
    for line in output.splitlines():
        fields = line.split()
        if len(fields) < 2 or line.endswith(":"):
            continue
        kind, symbol = fields[-2], fields[-1]
        assert kind not in "BbDdCGgSs", f"writable data: {line}"
        if kind == "U":
            assert symbol.startswith(_ALLOWED) or symbol == "_GLOBAL_OFFSET_TABLE_", f"needs {symbol}"
    assert output


def _link(sources: list[Path], directory: Path, *extra: str) -> None:
    include = f"-I{sdk.include_dir()}"
    objects = []
    for source in sources:
        compiler, standard = ("g++", "c++17") if source.suffix == ".cpp" else ("gcc", "c99")
        target = directory / f"{source.name}.o"
        command = [compiler, f"-std={standard}", "-Wall", "-Werror", include, f"-I{directory}", *extra]
        subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True)
        objects.append(str(target))
    subprocess.run(["g++", *objects, "-o", str(directory / "program")], check=True)
    subprocess.run([str(directory / "program")], check=True)


@pytest.mark.parametrize("header", [*HEADERS, "all of them"])
def test_headers_stand_alone_and_link_from_several_files(header: str, tmp_path: Path) -> None:
    """In two C files and a C++ file, twice in each, with nothing included before."""
    chosen = HEADERS if header == "all of them" else [header]
    text = "".join(f"#include <{name}>\n#include <{name}>\n" for name in chosen)
    (tmp_path / "a.c").write_text(text + "int a(void);\nint a(void)\n{\n    return 0;\n}\n")
    (tmp_path / "b.c").write_text(text + "int b(void);\nint b(void)\n{\n    return 0;\n}\n")
    main = 'extern "C" int a(void);\nextern "C" int b(void);\nint main()\n{\n    return a() + b();\n}\n'
    (tmp_path / "main.cpp").write_text(text + main)
    _link([tmp_path / "a.c", tmp_path / "b.c", tmp_path / "main.cpp"], tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_generated_pair_links_from_c_and_from_cpp(method: str, tmp_path: Path) -> None:
    model = MODELS["votes"]
    for file, text in emit_c(model, method=method).files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    call = (
        "    float x[VOTES_N_FEATURES] = {0};\n    float p[VOTES_N_CLASSES];\n"
        "    return votes_predict(x, VOTES_N_FEATURES) >= 0\n"
        "           && votes_predict_proba(x, VOTES_N_FEATURES, p, VOTES_N_CLASSES) == MW_OK\n"
        "           && votes_class_name(0)[0] == '0' && votes_class_label(4) == 4 && VOTES_CLASS_3 == 3;\n"
    )
    (tmp_path / "user.c").write_text(f'#include "votes.h"\nint user(void);\nint user(void)\n{{\n{call}}}\n')
    main = f'#include "votes.h"\nextern "C" int user(void);\nstatic int cpp()\n{{\n{call}}}\n'
    (tmp_path / "main.cpp").write_text(main + "int main()\n{\n    return cpp() && user() ? 0 : 1;\n}\n")
    _link([tmp_path / "votes.c", tmp_path / "user.c", tmp_path / "main.cpp"], tmp_path)


def test_an_array_of_another_type_does_not_compile(tmp_path: Path) -> None:
    (tmp_path / "m.h").write_text(emit_c(MODELS["votes"], name="m").files["m.h"], encoding="utf-8")
    source = tmp_path / "user.c"
    text = (
        '#include "m.h"\nint user(const short *x);\nint user(const short *x)\n{ return m_predict(x, 3); }\n'
    )
    source.write_text(text)
    command = ["gcc", "-Werror", f"-I{sdk.include_dir()}", "-c", str(source), "-o", str(tmp_path / "o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "incompatible pointer type" in result.stderr
