"""The activity sample: its split by person, its pipeline, its committed files."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import milliwatt
from milliwatt.ir.signal_shapes import raw_frames

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "activity"


def load_model_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("activity_model", SAMPLE / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


model = load_model_module()
watch = importlib.import_module("watch")  # model.py has put its directory on the path


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
def pipeline(recordings: Any) -> Any:
    return model.train(recordings)


def test_counts_are_a_sensors(recordings: Any) -> None:
    one_g_and_one_radian = np.array([[1.0, 0, -1.0, 1.0, 0, -1.0], [100.0, 0, -100.0, 100.0, 0, -100.0]])
    counts = watch.to_counts(one_g_and_one_radian)
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
    whole = [len(r.counts) // watch.WINDOW for r in recordings if r.person in (8, 9, 10)]
    assert len(unseen) == sum(whole)


def test_features_are_what_numpy_says(unseen: Any) -> None:
    """To a unit of 1/256; crossings of the mean where no sample is as good as on it."""
    x = unseen.counts[:, :, :3].astype(float)
    parts = [x.mean(axis=1), x.std(axis=1), np.abs(np.diff(x, axis=1)).mean(axis=1)]
    features = model.features_of(unseen)
    np.testing.assert_allclose(features[:, :9], 256 * np.concatenate(parts, axis=1), atol=1.0)
    centred = x - x.mean(axis=1, keepdims=True)
    above = centred >= 0
    crossings = (above[:, 1:] != above[:, :-1]).sum(axis=1)
    clear = np.abs(centred).min(axis=1) > 0.01
    assert clear.mean() > 0.3
    np.testing.assert_array_equal(features[:, 9:][clear], crossings[clear])


def test_the_pipeline_learns_from_the_windows_of_the_split(pipeline: Any, learn: Any) -> None:
    features = model.features_of(learn)
    alone = model.pipeline()["forest"].fit(features, learn.exercise)
    np.testing.assert_array_equal(alone.predict_proba(features), pipeline["forest"].predict_proba(features))


def test_forest_is_better_than_guessing_by_far(pipeline: Any, unseen: Any) -> None:
    right = pipeline["forest"].predict(model.features_of(unseen)) == unseen.exercise
    assert right.mean() > 0.75
    for person in (8, 9, 10):
        assert right[unseen.person == person].mean() > 0.65


def test_csv_holds_every_held_out_sample(tmp_path: Path, recordings: Any) -> None:
    model.write_csv(tmp_path / "out", recordings)
    with (tmp_path / "out" / "recording.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["ax", "ay", "az"]
    whole = np.concatenate([r.counts[:, :3] for r in recordings if r.person >= 8])
    np.testing.assert_array_equal(np.array(rows, dtype=np.int16), whole)


def test_committed_files_are_what_training_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert model.main(["--check"]) == 0
    said = capsys.readouterr().out
    told = (SAMPLE / "README.md").read_text(encoding="utf-8")
    for line in said.splitlines():
        assert line in told, "the README shows what model.py prints"


def test_check_notices_a_changed_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = model.MODEL_FILE.read_text(encoding="utf-8")
    changed = json.loads(text)
    changed["origin"]["library"] = "scikit-learn of another year"
    monkeypatch.setattr(model, "MODEL_FILE", tmp_path / "activity.mw.json")
    model.MODEL_FILE.write_text(json.dumps(changed), encoding="utf-8")
    assert model.check({model.MODEL_FILE: text}) == 0
    changed["trees"][0]["threshold"][0] += 1
    model.MODEL_FILE.write_text(json.dumps(changed), encoding="utf-8")
    assert model.check({model.MODEL_FILE: text}) == 1
    assert str(model.MODEL_FILE) in capsys.readouterr().err


def test_committed_model_answers_as_the_pipeline_does(pipeline: Any, recordings: Any) -> None:
    """From raw samples, with scikit-learn's forest on the other side; where votes are not level."""
    people = [r.acceleration for r in recordings if r.person in (8, 9, 10)]
    committed = milliwatt.load(model.MODEL_FILE)
    assert committed.ir.signals is not None
    assert raw_frames(committed.ir.signals) == (100, 50)
    votes = np.sort(pipeline.predict_proba(people), axis=1)
    decided = votes[:, -1] - votes[:, -2] >= 1e-9
    answers = committed.predict(people)
    assert len(answers) > 1400
    np.testing.assert_array_equal(answers[decided], pipeline.predict(people)[decided])


def test_committed_recordings_are_answered_as_the_header_says(recordings: Any) -> None:
    text = model.MOTION_FILE.read_text(encoding="utf-8")
    found = re.findall(r"(recorded_\w+)\[.*? = (\{.*?\});", text, re.DOTALL)
    tables = {name: [int(n, 0) for n in re.findall(r"-?\w+", body)] for name, body in found}
    samples = np.array(tables["recorded_samples"], dtype=np.int16).reshape(7, 200, 3)
    committed = milliwatt.load(model.MODEL_FILE)
    labels = committed.predict(list(samples))
    assert [committed.classes_.tolist().index(label) for label in labels] == tables["recorded_predicted"]
    hashes = [model.fnv1a(row) for row in committed.features(list(samples))]
    assert hashes == tables["recorded_features"]
    assert np.isin(np.unique(labels), np.unique([r.exercise for r in recordings])).all()
