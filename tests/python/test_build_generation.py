"""Generation into a build: content decides, nothing is half done, nothing is loaded untrusted."""

from __future__ import annotations

import importlib.util
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.build import Converter, Generated, generate, parse_models
from milliwatt.build.conversion import NETWORKS, PICKLES, SKOPS, TORCH
from milliwatt.build.fingerprint import fingerprint, source_digest
from milliwatt.errors import MilliwattError
from milliwatt.frontends import loading

PACKAGE = Path(milliwatt.__file__).parent
Run = Callable[..., list[Generated]]


@pytest.fixture(scope="module")
def estimator() -> DecisionTreeClassifier:
    X = np.random.default_rng(1).normal(size=(60, 3))
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, X[:, 0] > 0.25)


@pytest.fixture
def project(tmp_path: Path, estimator: DecisionTreeClassifier) -> Path:
    directory = tmp_path / "my project"
    directory.mkdir()
    milliwatt.convert(estimator, name="other").save(directory / "a.mw.json")
    return directory


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def run(project: Path, notes: list[str]) -> Run:
    def run(text: str, **settings: object) -> list[Generated]:
        converter = Converter(project / "cache", project, note=notes.append, **settings)  # type: ignore[arg-type]
        return generate(parse_models(text, project, "ini"), project / "out", converter)

    return run


def small_tree() -> DecisionTreeClassifier:
    x = np.arange(16.0)[:, np.newaxis]
    return DecisionTreeClassifier(random_state=0).fit(x, np.arange(16) % 3)


def age(path: Path) -> int:
    """Make files old enough that any writing shows, and say how old."""
    os.utime(path, (1, 1))
    return path.stat().st_mtime_ns


# -- what is generated ---------------------------------------------------------------------------


def test_generates_with_the_declared_name_and_method(run: Run, project: Path) -> None:
    (made,) = run("gesture = a.mw.json method=loadable")
    assert made.changed
    assert made.summary == "gesture.h from a.mw.json (loadable: asked for)"
    assert [file.name for file in made.files] == ["gesture.h", "gesture.c"]
    assert "int gesture_predict(const float *features, int n_features);" in made.files[0].read_text()
    assert "milliwatt/trees_walk.h" in made.files[1].read_text()


def test_a_budget_counts_for_more_than_the_files_method(run: Run, project: Path) -> None:
    milliwatt.convert(small_tree(), method="loadable").save(project / "b.mw.json")
    (plain,) = run("a = b.mw.json")
    assert plain.summary.endswith("(loadable: asked for)")
    (fast,) = run("a = b.mw.json budget=speed")
    assert "(inline: the fastest, as the budget asks" in fast.summary
    assert not run("a = b.mw.json budget=speed")[0].changed
    with pytest.raises(MilliwattError, match=r"ini: a: budget: a takes about .* more than 1 bytes"):
        run("a = b.mw.json budget=flash=1")


def test_nothing_changed_nothing_touched(run: Run, project: Path) -> None:
    run("a = a.mw.json")
    ages = {path: age(path) for path in (project / "out").iterdir()}
    (project / "a.mw.json").touch()
    (made,) = run("a = a.mw.json")
    assert not made.changed
    assert made.summary == ""
    assert {path: path.stat().st_mtime_ns for path in (project / "out").iterdir()} == ages


@pytest.mark.parametrize("damage", ["edited", "missing", "record"])
def test_what_is_not_as_generated_is_made_again(run: Run, project: Path, damage: str) -> None:
    (first,) = run("a = a.mw.json")
    good = [file.read_text() for file in first.files]
    if damage == "edited":
        first.files[1].write_text("int x;\n")
    elif damage == "missing":
        first.files[0].unlink()
    else:
        (project / "out" / "generated.json").write_text('{"a": 3}')
    (again,) = run("a = a.mw.json")
    assert again.changed
    assert [file.read_text() for file in again.files] == good


def test_a_changed_option_leaves_the_other_models_files_alone(run: Run, project: Path) -> None:
    run("a = a.mw.json method=inline\nb = a.mw.json")
    before = age(project / "out" / "b.c")
    a, b = run("a = a.mw.json method=loadable\nb = a.mw.json")
    assert (a.changed, b.changed) == (True, False)
    assert (project / "out" / "b.c").stat().st_mtime_ns == before


def test_equal_text_is_not_written_again(run: Run, project: Path) -> None:
    run("a = a.mw.json method=inline")
    header = age(project / "out" / "a.h")
    with open(project / "a.mw.json", "a") as file:
        file.write("\n")  # another content, the same model
    assert run("a = a.mw.json method=inline")[0].changed
    assert (project / "out" / "a.h").stat().st_mtime_ns == header


def test_models_no_longer_declared_disappear(run: Run, project: Path) -> None:
    run("a = a.mw.json\nb = a.mw.json")
    run("b = a.mw.json")
    assert sorted(path.name for path in (project / "out").iterdir()) == ["b.c", "b.h", "generated.json"]


def test_one_broken_model_and_nothing_is_written(run: Run, project: Path) -> None:
    run("a = a.mw.json")
    (project / "b.mw.json").write_text("{")
    with pytest.raises(MilliwattError):
        run("c = a.mw.json\nb = b.mw.json")
    assert sorted(path.name for path in (project / "out").iterdir()) == ["a.c", "a.h", "generated.json"]


def test_needs_no_more_than_the_standard_library(project: Path) -> None:
    script = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "milliwatt", {str(PACKAGE / "__init__.py")!r}, submodule_search_locations=[{str(PACKAGE)!r}])
module = sys.modules["milliwatt"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from pathlib import Path
from milliwatt.build import Converter, generate, parse_models
generate(parse_models("a = a.mw.json", Path.cwd()), Path("out"), Converter(Path("cache")))
"""
    # -I -S: neither site-packages nor PYTHONPATH.
    subprocess.run([sys.executable, "-I", "-S", "-c", script], cwd=project, check=True)
    assert (project / "out" / "a.h").is_file()


# -- the fingerprint -----------------------------------------------------------------------------


def test_parts_do_not_run_together() -> None:
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint(["a", ""]) != fingerprint(["a"])
    assert fingerprint([b"a"]) == fingerprint(["a"])


def test_sources_count_by_content(tmp_path: Path) -> None:
    for name in ("emit/c.py", "cli.py", "rig/board.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x = 1\n")
    digest = source_digest(tmp_path)

    age(tmp_path / "emit/c.py")
    (tmp_path / "cli.py").write_text("y = 2\n")
    (tmp_path / "rig/board.py").write_text("y = 2\n")
    (tmp_path / "emit/c.py").write_bytes(b"x = 1\r\n")  # a checkout on Windows
    assert source_digest(tmp_path) == digest

    (tmp_path / "emit/c.py").write_bytes(b"x = 2\n")
    assert source_digest(tmp_path) != digest
    (tmp_path / "emit/c.py").rename(tmp_path / "emit/d.py")
    assert source_digest(tmp_path) != digest


@pytest.mark.parametrize(
    "text",
    ["b = a.mw.json", "a = a.mw.json method=inline", "a = b.mw.json"],
)
def test_name_options_and_model_count(run: Run, project: Path, text: str) -> None:
    model = (project / "a.mw.json").read_text()
    (project / "b.mw.json").write_text(model.replace('"other"', '"another"'))
    run("a = a.mw.json method=loadable")
    assert run(text)[0].changed


# -- files that need an ML library ---------------------------------------------------------------


@pytest.mark.parametrize("ending", [".joblib", ".pkl", ".pickle", ".skops"])
def test_estimators_are_converted_once(
    run: Run, project: Path, notes: list[str], estimator: DecisionTreeClassifier, ending: str
) -> None:
    dump(estimator, project / f"model{ending}")
    trust = ending != SKOPS
    (made,) = run(f"a = model{ending} method=inline", trust_pickle=trust)
    expected = milliwatt.convert(estimator, name="a", method="inline").save(project / "expected" / "a.c")
    assert [file.read_text() for file in made.files] == [file.read_text() for file in expected]
    assert notes == [f"milliwatt: converting model{ending} with {sys.executable}"]

    # Another method or name, or a wiped output: from the cache, without any Python.
    (project / "out" / "generated.json").unlink()
    run(f"a = model{ending} method=loadable", trust_pickle=trust, python="no/such/python")
    run(f"b = model{ending} method=loadable", trust_pickle=trust, python="no/such/python")
    assert len(notes) == 1


def dump(estimator: object, path: Path) -> None:
    if path.suffix == ".joblib":
        joblib.dump(estimator, path)
    elif path.suffix == SKOPS:
        pytest.importorskip("skops.io").dump(estimator, path)
    else:
        path.write_bytes(pickle.dumps(estimator))


def test_options_and_calibration_reach_the_conversion(
    run: Run, project: Path, estimator: DecisionTreeClassifier
) -> None:
    joblib.dump(estimator, project / "m.joblib")
    (project / "my data.csv").write_text("1,2,3\n-4,5,6\n")
    line = 'a = m.joblib dtype=int16 calibration="my data.csv"'
    (first,) = run(line, trust_pickle=True)
    assert "int a_predict(const int16_t *" in first.files[0].read_text()
    (project / "my data.csv").write_text("1,2,3\n-4,50,6\n")
    assert run(line, trust_pickle=True)[0].changed


def test_leaf_options_reach_the_conversion(run: Run, project: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    forest = RandomForestClassifier(3, min_samples_leaf=9, random_state=0).fit(x, x[:, 0] + x[:, 1] > 0)
    joblib.dump(forest, project / "m.joblib")
    texts = []
    for options in ("", "leaf_bits=0", "leaf_bits=8", "leaf_bits=exact", "leaf_clusters=2"):
        (made,) = run(f"a = m.joblib method=loadable {options}", trust_pickle=True)
        assert made.changed
        texts.append("".join(file.read_text() for file in made.files))
        asked = dict([options.split("=")]) if options else {}
        asked["leaf_clusters"] = int(asked.get("leaf_clusters", 0))
        model = milliwatt.convert(forest, name="a", method="loadable", **asked)
        assert made.files[1].read_text() == model.save(project / "expected" / "a.c")[1].read_text()
    assert texts[0] == texts[3], "without calibration data the default is exact"
    assert len(set(texts)) == 4


def test_a_damaged_cache_is_made_again(run: Run, project: Path, estimator: DecisionTreeClassifier) -> None:
    joblib.dump(estimator, project / "m.joblib")
    (first,) = run("a = m.joblib", trust_pickle=True)
    good = first.files[1].read_text()
    (cached,) = (project / "cache").iterdir()
    cached.write_text("{")
    (project / "out" / "generated.json").unlink()
    (again,) = run("a = m.joblib", trust_pickle=True)
    assert again.files[1].read_text() == good
    assert [path.name for path in (project / "cache").iterdir()] == [cached.name]


@pytest.mark.parametrize("ending", PICKLES)
def test_pickles_are_refused_unless_trusted_even_when_cached(
    run: Run, project: Path, estimator: DecisionTreeClassifier, ending: str
) -> None:
    dump(estimator, project / f"m{ending}")
    run(f"a = m{ending}", trust_pickle=True)
    with pytest.raises(MilliwattError) as caught:
        run(f"a = m{ending}")
    assert f"m{ending}: custom_milliwatt_trust_pickle: loading a *{ending} runs any code" in str(caught.value)
    assert "custom_milliwatt_trust_pickle = yes" in (caught.value.cure or "")
    assert "skops" in (caught.value.cure or "")
    assert "*.mw.json" in (caught.value.cure or "")


def test_a_pickle_is_not_loaded_before_it_is_trusted(run: Run, project: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (open, (str(project / "sprung"), "w"))

    (project / "m.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(MilliwattError, match="runs any code"):
        run("a = m.pkl")
    assert not (project / "sprung").exists()


def test_the_known_endings_are_the_frontends() -> None:
    assert (*PICKLES, SKOPS) == (*loading.PICKLES, loading.SKOPS)
    assert (*NETWORKS, TORCH) == (*loading.NETWORKS, loading.TORCH)


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message", "cure"),
    [
        ("a = b.mw.json", "b.mw.json: no such file", "check the path"),
        ("a = broken.mw.json", "broken.mw.json: not valid JSON", "milliwatt export"),
        ("a = .", "unknown kind of model file", "*.mw.json, *.skops"),
        ("a = m.tflite", "m.tflite: unknown kind of model file '.tflite'", "*.mw.json, *.skops, *.joblib"),
        ("a = a.mw.json dtype=int8", "settled in this file already", "milliwatt export"),
        ("a = a.mw.json nan=ignore", "settled in this file already", "milliwatt export"),
        ("a = a.mw.json leaf_bits=8", "settled in this file already", "milliwatt export"),
        ("a = a.mw.json leaf_clusters=4", "input_shape and calibration are settled", "export"),
        ("a = m.skops leaf_bits=17", "'17' is not possible", "exact, 0, 1"),
        ("a = m.skops leaf_clusters=many", "'many' is not possible", "1 to 1024"),
        ("a = a.mw.json calibration=x.csv", "settled in this file already", "milliwatt export"),
        ("a = m.skops calibration=x.csv", "x.csv: no such file", "calibration="),
    ],
)
def test_errors_name_declaration_file_and_cure(
    run: Run, project: Path, line: str, message: str, cure: str
) -> None:
    (project / "broken.mw.json").write_text("{")
    (project / "m.skops").write_bytes(b"")
    with pytest.raises(MilliwattError) as caught:
        run(line)
    assert str(caught.value).startswith("ini: a: ")
    assert message in str(caught.value)
    assert cure in (caught.value.cure or "")


def test_the_conversions_own_error_is_shown_as_ours(run: Run, project: Path) -> None:
    joblib.dump({"not": "an estimator"}, project / "m.joblib")
    with pytest.raises(MilliwattError) as caught:
        run("a = m.joblib", trust_pickle=True)
    assert str(caught.value).startswith(
        f"ini: a: {project / 'm.joblib'}: builtins.dict is not supported\n  cure: "
    )
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "message", "cure"),
    [
        ("exit 3", "failed: exit status 3", None),
        ("exit 0", "failed: exit status 0", None),
        ("echo Traceback >&2; echo 'ValueError: odd' >&2; exit 1", "failed: ValueError: odd", None),
        (
            "echo \"ModuleNotFoundError: No module named 'numpy'\" >&2; exit 1",
            "'numpy'",
            "-m pip install numpy",
        ),
        ("echo 'milliwatt: x: y' >&2; echo '  cure: z' >&2; exit 1", "x: y", "z"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="stands in for Python with a shell script")
def test_a_python_that_fails(run: Run, project: Path, script: str, message: str, cure: str | None) -> None:
    (project / "m.skops").write_bytes(b"")
    python = project / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(MilliwattError) as caught:
        run("a = m.skops", python="./python")
    assert message in str(caught.value)
    assert (cure or "") in (caught.value.cure or "")
    assert list((project / "cache").iterdir()) == []


@pytest.mark.parametrize("python", ["bin/python", "python-of-that-name"])
def test_a_python_that_does_not_exist(run: Run, project: Path, python: str) -> None:
    (project / "m.skops").write_bytes(b"")
    with pytest.raises(MilliwattError) as caught:
        run("a = m.skops", python=python)
    assert f"{python}: custom_milliwatt_python: no such" in str(caught.value)


def test_a_build_python_without_the_library(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "m.skops").write_bytes(b"")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MilliwattError) as caught:
        run("a = m.skops")
    assert "needs scikit-learn skops" in str(caught.value)
    assert f"{sys.executable} -m pip install scikit-learn skops" in (caught.value.cure or "")


def test_another_milliwatt_in_the_way_is_not_taken(
    run: Run, project: Path, estimator: DecisionTreeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(estimator, project / "m.joblib")
    impostor = project / "impostor" / "milliwatt"
    impostor.mkdir(parents=True)
    (impostor / "__init__.py").write_text("raise SystemExit('impostor')\n")
    monkeypatch.chdir(project / "impostor")
    monkeypatch.setenv("PYTHONPATH", str(project / "impostor"))
    assert run("a = m.joblib", trust_pickle=True)[0].changed
