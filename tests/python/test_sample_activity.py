"""The activity sample: its features in C and Python, its split by person, its committed files."""

from __future__ import annotations

import csv
import ctypes
import importlib.util
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mwtest.objects import objects

import milliwatt
from milliwatt.emit import emit_c
from milliwatt.options import METHODS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "activity"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror"]

Int16Array = npt.NDArray[np.int16]
Compute = Callable[[Int16Array], Int16Array]


def load_model_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("activity_model", SAMPLE / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


model = load_model_module()
motion = model.features


@pytest.fixture(scope="module")
def recordings() -> Any:
    return model.load_dataset()


@pytest.fixture(scope="module")
def unseen(recordings: Any) -> Any:
    return model.held_out(recordings)


@pytest.fixture(scope="module")
def learn(recordings: Any) -> Any:
    return model.training(recordings)


@pytest.fixture(scope="module")
def forest(learn: Any) -> Any:
    return model.train(learn)


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Compute:
    """motion_features.c, compiled for this PC with undefined behaviour trapped."""
    library = tmp_path_factory.mktemp("activity") / "motion_features.so"
    source = SAMPLE / "src" / "motion_features.c"
    sanitize = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command = ["cc", "-std=c99", "-O1", *WARNINGS, *sanitize, "-shared", "-fPIC"]
    subprocess.run([*command, str(source), "-o", str(library)], check=True)
    function = ctypes.CDLL(str(library)).motion_features

    def compute(windows: Int16Array) -> Int16Array:
        out = np.empty((len(windows), len(motion.NAMES)), dtype=np.int16)
        for window, row in zip(np.ascontiguousarray(windows), out, strict=True):
            function(ctypes.c_void_p(window.ctypes.data), ctypes.c_void_p(row.ctypes.data))
        return out

    return compute


def alternating(*levels: int) -> Int16Array:
    """One window whose samples take the levels in turn, on all axes."""
    one_axis = np.resize(np.array(levels, dtype=np.int16), motion.WINDOW)
    return np.repeat(one_axis[np.newaxis, :, np.newaxis], len(motion.AXES), axis=2)


def test_c_equals_python_on_every_window(in_c: Compute, learn: Any, unseen: Any) -> None:
    for windows in (learn, unseen):
        np.testing.assert_array_equal(in_c(windows.counts), windows.features)


WHOLE_RANGE = hnp.arrays(np.int16, (1, motion.WINDOW, len(motion.AXES)))
EXTREMES = hnp.arrays(
    np.int16,
    (1, motion.WINDOW, len(motion.AXES)),
    elements=st.sampled_from([-32768, -32767, -1, 0, 1, 32766, 32767]),
)


@settings(max_examples=200, deadline=None)
@given(windows=WHOLE_RANGE | EXTREMES)
def test_c_equals_python_on_any_samples(in_c: Compute, windows: Int16Array) -> None:
    np.testing.assert_array_equal(in_c(windows), motion.compute(windows))


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((7,), (7, 0, 0, 0)),
        ((-32768,), (-32768, 0, 0, 0)),
        ((-10, 20), (5, 15, 15, 99)),
        ((-1, -1, 0, 0), (0, 0, 0, 49)),  # the mean, -0.5, is rounded towards zero
        ((-32768, 32767), (0, 32767, 32767, 99)),  # the largest deviation there is
        ((-32768,) * 50 + (32767,) * 50, (0, 32767, 32767, 1)),
    ],
)
def test_features_follow_their_definition(
    in_c: Compute, levels: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    window = alternating(*levels)
    wanted = np.tile(expected, len(motion.AXES))
    np.testing.assert_array_equal(motion.compute(window)[0], wanted)
    np.testing.assert_array_equal(in_c(window)[0], wanted)


def test_c_uses_integers_only() -> None:
    source = (SAMPLE / "src" / "motion_features.c").read_text(encoding="utf-8")
    assert not re.search(r"\b(float|double|malloc)\b|\d\.\d", source)


def test_counts_are_a_sensors(recordings: Any) -> None:
    one_g_and_one_radian = np.array([[1.0, 0, -1.0, 1.0, 0, -1.0], [100.0, 0, -100.0, 100.0, 0, -100.0]])
    counts = motion.to_counts(one_g_and_one_radian)
    assert counts.tolist() == [[4096, 0, -4096, 940, 0, -940], [32767, 0, -32768, 32767, 0, -32768]]
    fastest = max(np.abs(recording.counts.astype(int)).max() for recording in recordings)
    assert fastest < 32767, "no recording reaches the end of the sensor's range"


def test_people_are_held_out_whole(recordings: Any, learn: Any, unseen: Any) -> None:
    assert len(recordings) == 140
    assert sorted(set(learn.person)) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(set(unseen.person)) == [8, 9, 10]
    for person in (8, 9, 10):
        assert len(set(unseen.exercise[unseen.person == person])) == 7
    assert len(unseen) >= 300


def test_held_out_windows_do_not_overlap(recordings: Any, unseen: Any) -> None:
    whole = [len(r.counts) // motion.WINDOW for r in recordings if r.person in (8, 9, 10)]
    assert len(unseen) == sum(whole)


def test_forest_is_better_than_guessing_by_far(forest: Any, unseen: Any) -> None:
    right = forest.predict(unseen.features) == unseen.exercise
    assert right.mean() > 0.70
    for person in (8, 9, 10):
        assert right[unseen.person == person].mean() > 0.60


def test_csv_holds_every_held_out_window(tmp_path: Path, forest: Any, unseen: Any) -> None:
    model.write_csv(tmp_path / "out", forest, unseen)
    with (tmp_path / "out" / "windows.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == [*motion.NAMES, "label"]
    assert [row[-1] for row in rows] == list(unseen.exercise)
    np.testing.assert_array_equal(np.array([row[:-1] for row in rows], dtype=np.int16), unseen.features)
    with (tmp_path / "out" / "probabilities.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == [*forest.classes_, "predicted"]
    written = np.array([[float(cell) for cell in row[:-1]] for row in rows])
    np.testing.assert_array_equal(written, forest.predict_proba(unseen.features))


def test_training_is_repeatable(forest: Any, learn: Any, unseen: Any) -> None:
    again = model.train(learn)
    np.testing.assert_array_equal(again.predict_proba(unseen.features), forest.predict_proba(unseen.features))
    assert model.windows_text(again, unseen) == model.windows_text(forest, unseen)


def test_committed_files_are_what_training_gives() -> None:
    assert model.main(["--check"]) == 0


def test_check_notices_a_changed_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = json.loads(model.MODEL_FILE.read_text(encoding="utf-8"))
    changed["origin"]["library"] = "scikit-learn of another year"
    monkeypatch.setattr(model, "MODEL_FILE", tmp_path / "activity.mw.json")
    model.MODEL_FILE.write_text(json.dumps(changed), encoding="utf-8")
    assert model.main(["--check"]) == 0
    changed["trees"][0]["threshold"][0] += 1
    model.MODEL_FILE.write_text(json.dumps(changed), encoding="utf-8")
    assert model.main(["--check"]) == 1
    assert str(model.MODEL_FILE) in capsys.readouterr().err


def test_converted_model_answers_as_scikit_learn_does(forest: Any, unseen: Any) -> None:
    probabilities = np.sort(forest.predict_proba(unseen.features), axis=1)
    decided = probabilities[:, -1] - probabilities[:, -2] >= 1e-9
    answers = milliwatt.load(model.MODEL_FILE).predict(unseen.features)
    np.testing.assert_array_equal(answers[decided], forest.predict(unseen.features)[decided])


@pytest.mark.parametrize("method", METHODS)
def test_sample_runs_on_the_pc(tmp_path: Path, method: str) -> None:
    for name, text in emit_c(milliwatt.load(model.MODEL_FILE).ir, method=method).files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    program = tmp_path / "sample"
    flags = ["-O1", *WARNINGS]
    sources = [*map(str, (SAMPLE / "src").glob("*.c")), str(tmp_path / "activity.c")]
    sources += objects(("status",), flags, "cc")
    include = [f"-I{ROOT / 'include'}", f"-I{tmp_path}"]
    subprocess.run(["cc", "-std=c99", *flags, *include, *sources, "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    assert all(line.split()[2] == line.split()[3] for line in lines[1:-1])
    assert lines[-1] == "the board answers as scikit-learn does"
