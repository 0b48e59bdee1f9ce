"""Model.save: every format, whole or not at all, and files that compile wherever they are included."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mwtest import emlearn_csv
from mwtest.models import Spec, build, samples
from mwtest.paths import names
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import milliwatt
from milliwatt import files, sdk
from milliwatt.errors import MilliwattError
from milliwatt.ir import CategorySet, Tree, validate
from milliwatt.model import Model
from milliwatt.options import METHODS


@pytest.fixture(scope="module")
def forest() -> Model:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = np.where(x[:, 0] > 0, "up", "down")
    return milliwatt.convert(RandomForestClassifier(5, random_state=0).fit(x, y), name="motion")


@pytest.mark.parametrize(
    ("file", "format", "written"),
    [
        ("a.mw.json", "auto", ["a.mw.json"]),
        ("a.json", "auto", ["a.json"]),
        ("a.csv", "auto", ["a.csv"]),
        ("a.h", "auto", ["a.h"]),
        ("a.c", "auto", ["a.c", "a.h"]),
        ("a.txt", "json", ["a.txt"]),
        ("out.d/a", "c", ["a.c", "a.h"]),
        ("a.hpp", "header", ["a.hpp"]),
    ],
)
def test_what_is_written(forest: Model, tmp_path: Path, file: str, format: str, written: list[str]) -> None:
    target = tmp_path / "new directory" / file
    paths = forest.save(file=target, name="wave", format=format)
    assert sorted(path.name for path in paths) == written
    assert names(target.parent) == written
    assert "motion" not in "".join(path.read_text(encoding="utf-8") for path in paths)
    assert forest.ir.name == "motion", "saving under another name leaves the model alone"


def test_json_comes_back(forest: Model, tmp_path: Path) -> None:
    forest.save(tmp_path / "m.mw.json")
    again = milliwatt.load(tmp_path / "m.mw.json")
    assert again.ir == forest.ir
    x = np.random.default_rng(1).normal(size=(50, 4))
    assert (again.predict(x) == forest.predict(x)).all()


def test_format_that_cannot_be_told(forest: Model, tmp_path: Path) -> None:
    with pytest.raises(MilliwattError, match="ending does not say"):
        forest.save(tmp_path / "model.txt")
    with pytest.raises(MilliwattError, match="choose one of auto, c, header, json, csv, bin"):
        forest.save(tmp_path / "model.h", format="hex")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["1st", "a-b", "class", "mw_x", "string", "x" * 64, "ä"])
def test_names_are_checked_before_anything_is_written(forest: Model, tmp_path: Path, name: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        forest.save(tmp_path / "m.h", name=name)
    assert caught.value.option == "name"
    assert names(tmp_path) == []


def test_a_directory_that_cannot_be_written(forest: Model, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(MilliwattError) as caught:
        forest.save(blocked / "m.h")
    assert str(blocked / "m.h") in str(caught.value)
    assert caught.value.cure


def test_a_full_disk_leaves_the_old_files(
    forest: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("m.c", "m.h"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    stage, staged = files._stage, []

    def full_at_the_second(directory: Path, text: str) -> Path:
        if staged:
            raise OSError(28, "No space left on device")
        staged.append(stage(directory, text))
        return staged[0]

    monkeypatch.setattr(files, "_stage", full_at_the_second)
    with pytest.raises(MilliwattError, match="No space left on device"):
        forest.save(tmp_path / "m.c")
    assert names(tmp_path) == ["m.c", "m.h"]
    assert {(tmp_path / name).read_text() for name in ("m.c", "m.h")} == {"old"}


def test_an_interruption_while_writing_leaves_the_old_file(
    forest: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.csv").write_text("old", encoding="utf-8")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "x")
    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        forest.save(tmp_path / "m.csv")
    assert names(tmp_path) == ["m.csv"]
    assert (tmp_path / "m.csv").read_text() == "old"


def test_a_directory_in_the_way_of_one_of_two_files(forest: Model, tmp_path: Path) -> None:
    (tmp_path / "m.c").mkdir()
    (tmp_path / "m.h").write_text("old", encoding="utf-8")
    with pytest.raises(MilliwattError, match="a directory has this name"):
        forest.save(tmp_path / "m.c")
    assert (tmp_path / "m.h").read_text() == "old"


def test_permissions_of_new_files_are_ordinary(forest: Model, tmp_path: Path) -> None:
    forest.save(tmp_path / "m.h")
    (tmp_path / "plain").write_text("", encoding="utf-8")
    assert (tmp_path / "m.h").stat().st_mode == (tmp_path / "plain").stat().st_mode


# A program of two C files and a C++ file that all include the header; each answers for one sample.
_PART = """#include "{header}"
{extern}int {function}(const float *x);
int {function}(const float *x)
{{
    float p[WAVE_N_CLASSES];
    (void) wave_class_name(0);
    return wave_predict_proba(x, WAVE_N_FEATURES, p, WAVE_N_CLASSES) ? -9
        : wave_predict(x, WAVE_N_FEATURES);
}}
"""
_MAIN = """#include <stdio.h>
extern "C" int a(const float *x);
extern "C" int b(const float *x);
int c(const float *x);
int main()
{
    float x[4];
    while (scanf("%f %f %f %f", &x[0], &x[1], &x[2], &x[3]) == 4) {
        printf("%d %d %d\\n", a(x), b(x), c(x));
    }
}
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("file", ["one.h", "pair.c"])
def test_saved_c_in_two_c_files_and_a_cpp_file(forest: Model, tmp_path: Path, file: str, method: str) -> None:
    model = Model(dataclasses.replace(forest.ir, method=method))
    model.save(tmp_path / file, name="wave")
    header = file.replace(".c", ".h")
    for name, ending, extern in (("a", "c", ""), ("b", "c", ""), ("c", "cpp", "")):
        text = _PART.format(header=header, function=name, extern=extern)
        (tmp_path / f"part_{name}.{ending}").write_text(text, encoding="utf-8")
    (tmp_path / "main.cpp").write_text(_MAIN, encoding="utf-8")
    objects = []
    generated = [tmp_path / file] if file.endswith(".c") else []
    for source in [*sorted(tmp_path.glob("part_*")), tmp_path / "main.cpp", *generated]:
        compiler, standard = ("g++", "c++17") if source.suffix == ".cpp" else ("gcc", "c99")
        target = tmp_path / f"{source.name}.o"
        flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", "-O1"]
        include = [f"-I{sdk.include_dir()}", f"-I{tmp_path}"]
        subprocess.run([compiler, *flags, *include, "-c", str(source), "-o", str(target)], check=True)
        objects.append(str(target))
    subprocess.run(["g++", *objects, "-o", str(tmp_path / "program")], check=True)
    x = samples(forest.ir, 30, 3)
    x = np.clip(np.nan_to_num(x), -3.0, 3.0)
    text = "\n".join(" ".join(f"{v:.9g}" for v in row) for row in x)
    run = subprocess.run([tmp_path / "program"], input=text, capture_output=True, text=True, check=True)
    answers = np.array([line.split() for line in run.stdout.splitlines()], dtype=int)
    expected = forest.host.predict(x)
    assert (answers == expected[:, None]).all()


@pytest.mark.parametrize("leaves", ["pure", "sixteenths", "any"])
@pytest.mark.parametrize("task", ["classifier", "regressor"])
@pytest.mark.parametrize("dtype", ["float", "int16"])
def test_csv_by_another_reader_gives_the_same_answers(task: str, dtype: str, leaves: str) -> None:
    from milliwatt.emit import emit_csv
    from milliwatt.host import evaluate
    from milliwatt.passes import prune

    outputs = 1 if task == "regressor" else 3
    spec = Spec(4, dtype=dtype, task=task, leaves=leaves, n_outputs=outputs, n_splits=40)
    model = prune(build(spec))
    text = emit_csv(model)
    assert text.startswith(f"f,{model.n_features}\nc,{len(model.classes)}\nlb,")
    x = samples(model, 200, 5)
    assert np.allclose(emlearn_csv.answers(text, x), evaluate(model, x), rtol=0, atol=1e-9)


def test_csv_of_single_leaf_trees_and_scikit_learn(tmp_path: Path) -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    forest = RandomForestRegressor(3, max_depth=1, random_state=0).fit(x, [0, 0, 10, 10])
    model = milliwatt.convert(forest, dtype="float")
    model.save(tmp_path / "m.csv")
    answers = emlearn_csv.answers((tmp_path / "m.csv").read_text(), x)
    assert np.allclose(answers[:, 0], forest.predict(x))
    single = dataclasses.replace(build(Spec(1, n_splits=0, n_trees=2, leaves="pure")))
    Model(single).save(tmp_path / "s.csv")
    assert emlearn_csv.answers((tmp_path / "s.csv").read_text(), x).shape == (4, 3)


def test_csv_refuses_what_it_cannot_express(tmp_path: Path) -> None:
    plain = build(Spec(1, n_outputs=1, task="regressor", n_features=1, n_trees=1))
    infinite = (Tree(0, (0,), (float("inf"),), (-1,), (-2,)),)
    categories = (Tree(0, (0,), (0.0,), (-1,), (-2,), (), (0,)),)
    change = dataclasses.replace
    chosen = {
        "missing values": build(Spec(1, missing=True)),
        "feature scales": change(build(Spec(1, dtype="int8", n_features=1)), scale=(1.0,)),
        "infinite threshold": change(plain, trees=infinite),
        "categories": change(plain, trees=categories, category_sets=(CategorySet((1,)),)),
        "another way than by their mean": change(plain, aggregate="sum"),
        "median": change(plain, aggregate="median", weights=(1.0,)),
        "base value": change(plain, base=(1.0,)),
        "add to one output": change(plain, base=(0.0,), outputs=(0,)),
        "the link exp": change(plain, link="exp"),
        "single score": change(plain, task="classifier", classes=(0, 1), leaves=((0.0,),) * 8),
    }
    for what, model in chosen.items():
        with pytest.raises(MilliwattError, match=what) as caught:
            Model(validate(model)).save(tmp_path / "m.csv")
        assert caught.value.cure == "use format='json' or 'c'"
    assert names(tmp_path) == []
