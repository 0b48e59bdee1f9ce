"""What a check makes of a device's answers, and how reports are shown and saved."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from milliwatt import convert
from milliwatt.errors import MilliwattError
from milliwatt.host import HostModel
from milliwatt.model import Model
from milliwatt.report import markdown, plain, read_json, show, table, write_json
from milliwatt.report.columns import agreement
from milliwatt.rig import CheckReport, Disagreement, load_board
from milliwatt.rig.comparison import compare
from milliwatt.rig.firmware import FirmwareSpec

REPORT = CheckReport(
    board="qemu_cortex_m4f",
    cpu="Cortex-M4F",
    model="gesture",
    method="inline",
    dtype="int16",
    samples=350,
    agree=350,
    flash_bytes=12345,
    ram_bytes=0,
    stack_bytes=120,
    cost_mean=1332.39,
    cost_max=1363,
    cost_unit="instructions",
    same_as_host=350,
)
KEYS = ["board", "cpu", "model", "method", "dtype", "samples", "agree", "flash_bytes", "ram_bytes"]
KEYS += ["stack_bytes", "cost_mean", "cost_max", "cost_unit"]

X = np.arange(60, dtype=np.int16).reshape(30, 2)


@pytest.fixture(scope="module")
def classifier() -> Model:
    y = np.array(["low", "mid", "high"])[np.minimum(X[:, 0] // 20, 2)]
    return convert(DecisionTreeClassifier(random_state=0).fit(X, y), name="gesture", calibration=X)


@pytest.fixture(scope="module")
def regressor() -> Model:
    return convert(DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, X[:, 0] / 3.0), name="level")


def compared(
    model: Model, device: NDArray[np.generic], wanted: NDArray[np.float64] | None = None
) -> CheckReport:
    host = HostModel(model.ir, method="inline")
    spec = FirmwareSpec(model.ir, "inline", load_board("host"), not model.ir.is_classifier)
    features = host.device_features(X)
    return dataclasses.replace(REPORT, samples=len(X), **compare(spec, host, features, device, wanted))


def proba(model: Model) -> NDArray[np.float64]:
    return model.predict_proba(X).astype(np.float64)


def test_the_right_classes(classifier: Model) -> None:
    device = classifier.host.predict(classifier.host.device_features(X))
    for wanted, reference in ((None, "host"), (proba(classifier), "estimator")):
        report = compared(classifier, device, wanted)
        assert (report.agree, report.ties, report.same_as_host) == (30, 0, 30)
        assert report.reference == reference
        assert report.perfect
        assert report.disagreements == ()


def test_a_wrong_class_and_an_error_status(classifier: Model) -> None:
    device = classifier.host.predict(classifier.host.device_features(X)).astype(np.int64)
    device[3], device[7] = (device[3] + 1) % 3, -2
    report = compared(classifier, device)
    assert (report.agree, report.same_as_host, report.perfect) == (28, 28, False)
    first, second = report.disagreements
    assert (first.sample, first.reference, second.device) == (3, "host", "status -2")
    report = compared(classifier, device, proba(classifier))
    assert (report.agree, report.ties, report.perfect) == (28, 0, False)
    assert [d.sample for d in report.disagreements if d.reference == "estimator"] == [3, 7]


def test_ties_are_counted_apart(classifier: Model) -> None:
    device = classifier.host.predict(classifier.host.device_features(X))
    wanted = proba(classifier)
    # To the estimator another class is ahead by what is only rounding.
    other = (device[0] + 1) % 3
    wanted[0] = 0.0
    wanted[0, device[0]], wanted[0, other] = 0.5, 0.5 + 1e-12
    report = compared(classifier, device, wanted)
    assert (report.agree, report.ties, report.agreement) == (29, 1, 1.0)
    assert report.perfect
    assert report.disagreements == ()
    assert agreement(report) == "100.00 % (1 tie)"


def test_values_bit_by_bit(regressor: Model) -> None:
    device = regressor.host.regress(regressor.host.device_features(X))
    wanted = np.asarray(regressor.evaluate(X))
    report = compared(regressor, device, wanted)
    assert report.perfect
    assert report.max_error is not None
    assert report.max_error < 1e-5
    device[4, 0] = np.nextafter(device[4, 0], np.float32(np.inf))
    device[5, 0] = np.nan
    report = compared(regressor, device, wanted)
    assert (report.same_as_host, report.perfect) == (28, False)
    assert {d.sample for d in report.disagreements} == {4, 5}
    assert report.max_error is None
    assert [None] in [d.device for d in report.disagreements]


def test_one_build_id_a_content(classifier: Model, regressor: Model) -> None:
    board, other = load_board("host"), load_board("qemu_cortex_m0")
    ids = {
        FirmwareSpec(classifier.ir, "inline", board, False).build_id,
        FirmwareSpec(classifier.ir, "loadable", board, False).build_id,
        FirmwareSpec(classifier.ir, "inline", board, True).build_id,
        FirmwareSpec(classifier.ir, "inline", other, False).build_id,
        FirmwareSpec(regressor.ir, "inline", board, True).build_id,
    }
    assert len(ids) == 5
    assert FirmwareSpec(classifier.ir, "inline", board, False).build_id in ids


def test_json_has_the_agreed_keys_first(tmp_path: Path) -> None:
    wrong = dataclasses.replace(
        REPORT, agree=349, disagreements=(Disagreement(5, np.int64(3), np.str_("x"), "host"),)
    )
    write_json([REPORT, wrong], tmp_path / "report.json")
    first, second = read_json(tmp_path / "report.json")
    assert list(first)[: len(KEYS)] == KEYS
    assert first["samples"] == first["agree"] == 350
    assert second["disagreements"] == [{"sample": 5, "device": 3, "wanted": "x", "reference": "host"}]
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(MilliwattError, match="not a readable report"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text(json.dumps({}))
    with pytest.raises(MilliwattError, match="not a list"):
        read_json(tmp_path / "bad.json")


def test_the_package_imports_little() -> None:
    """pytest imports it in every run, for the plugin."""
    code = "import sys, milliwatt.rig.plugin; print('numpy' in sys.modules, 'yaml' in sys.modules)"
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False False\n"


def test_text_forms(capsys: pytest.CaptureFixture[str]) -> None:
    avr = dataclasses.replace(
        REPORT, board="simavr_atmega328p", cpu="AVR", cost_unit="cycles", flash_bytes=-12
    )
    text = plain([REPORT, avr])
    assert text.isascii()
    assert "12,345" in text
    assert "1,332 " in text
    assert "-12" in text
    assert "gesture" not in text  # one model: not worth a column
    assert "| qemu_cortex_m4f | Cortex-M4F | inline | int16 | 350 | 100.00 % | 12,345 |" in markdown([REPORT])
    assert len(table([REPORT, avr]).rows) == 2
    two = plain([REPORT, dataclasses.replace(avr, model="fault", reference="estimator")])
    assert "gesture" in two
    assert "the same C on this PC or the estimator" in two
    show([REPORT])
    assert capsys.readouterr().out == plain([REPORT])


def test_almost_is_not_100_percent() -> None:
    almost = dataclasses.replace(REPORT, samples=1_000_000, agree=999_999, same_as_host=1_000_000)
    assert agreement(almost) == "99.99 %"
    assert not almost.perfect
    assert not dataclasses.replace(REPORT, same_as_host=349).perfect


def test_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    from milliwatt.report.picture import write_picture

    write_picture([REPORT, dataclasses.replace(REPORT, agree=300)], tmp_path / "deep" / "table.png")
    image = imread(tmp_path / "deep" / "table.png")
    assert image.shape[1] > 1000
    assert image.std() > 0.05
