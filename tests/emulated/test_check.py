"""`check()` on emulated boards: whole models, from estimator to the device's answers and costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from mwtest.emulated import ALL, ROOT, need
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.errors import MilliwattError
from milliwatt.model import Model
from milliwatt.rig import RigError, check, load_board
from milliwatt.rig.connection import emulated
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.project import built
from milliwatt.rig.session import Session

pytestmark = [
    pytest.mark.xdist_group("check"),
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("work"),
]


FIRST = ["host", "qemu_cortex_m4f", "simavr_atmega328p"]


DIGITS, DIGIT = load_digits(return_X_y=True)
BODIES, SUGAR = load_diabetes(return_X_y=True)
TINY_X = np.arange(-40, 40, dtype=np.int16).reshape(40, 2)
TINY_Y = np.where(TINY_X[:, 0] > 7, "above", "below")


@pytest.fixture(scope="module")
def forest() -> tuple[RandomForestClassifier, Model]:
    estimator = RandomForestClassifier(6, max_depth=7, random_state=0).fit(DIGITS[:1200], DIGIT[:1200])
    return estimator, milliwatt.convert(estimator, name="digits", calibration=DIGITS[:1200])


@pytest.fixture(scope="module")
def tiny() -> Model:
    estimator = DecisionTreeClassifier(random_state=0).fit(TINY_X, TINY_Y)
    return milliwatt.convert(estimator, name="tiny", calibration=TINY_X)


@pytest.mark.parametrize("method", ["inline", "loadable"])
@pytest.mark.parametrize("board", FIRST)
def test_a_forest_answers_as_the_estimator(
    board: str, method: str, forest: tuple[RandomForestClassifier, Model]
) -> None:
    estimator, model = forest
    samples = DIGITS[1200:1300]
    report = check(model, need(board), samples, method=method, expected=estimator.predict_proba(samples))
    assert report.perfect, report.disagreements
    assert (report.board, report.model, report.method, report.dtype) == (board, "digits", method, "int16")
    assert (report.samples, report.agree + report.ties, report.reference) == (100, 100, "estimator")
    assert 3000 < report.flash_bytes < report.flash_total
    assert 0 < report.stack_bytes < 400
    assert report.cost_min <= report.cost_mean <= report.cost_max
    if board != "host":  # where constants that hold addresses are data
        assert report.cost_min > 100
        assert report.ram_bytes == 0
        assert report.flash_total < load_board(board).flash_bytes


@pytest.mark.parametrize(
    ("board", "method"),
    [("host", "inline"), ("qemu_cortex_m4f", "loadable"), ("simavr_atmega328p", "inline")],
)
def test_a_regressor_answers_bit_by_bit(board: str, method: str) -> None:
    estimator = RandomForestRegressor(4, max_depth=4, random_state=0).fit(BODIES[:300], SUGAR[:300])
    model = milliwatt.convert(estimator, name="sugar")
    samples = BODIES[300:360]
    report = check(model, need(board), samples, method=method, expected=estimator.predict(samples))
    assert report.perfect, report.disagreements
    assert report.dtype == "float"
    assert report.max_error is not None
    assert report.max_error <= float(np.max(model.bound))


@pytest.mark.parametrize(
    ("board", "method", "probabilities"),
    [
        ("host", "loadable", True),
        ("qemu_cortex_m4f", "inline", True),
        ("simavr_atmega328p", "loadable", True),
        ("qemu_cortex_m4f", "loadable", False),
        ("simavr_atmega328p", "inline", False),
    ],
)
def test_float_features_and_probabilities(board: str, method: str, probabilities: bool) -> None:
    scaled = DIGITS / 7 - 1e-3
    estimator = ExtraTreesClassifier(3, max_depth=6, random_state=0).fit(scaled[:1000], DIGIT[:1000])
    model = milliwatt.convert(estimator, name="scaled")
    samples = scaled[1700:1750]
    expected = estimator.predict_proba(samples)
    report = check(model, need(board), samples, method=method, expected=expected, probabilities=probabilities)
    assert report.perfect, report.disagreements
    assert (report.max_error is not None) == probabilities


@pytest.mark.parametrize("board", ALL)
def test_the_firmware_without_a_model_costs_nothing(board: str, tiny: Model) -> None:
    """What is measured beside the model is taken off to the last instruction and byte."""
    spec = FirmwareSpec(tiny.ir, "inline", load_board(need(board)), vector=False)
    rows = [row.tobytes() for row in TINY_X.astype("<i2")]
    with built(spec) as images, emulated(spec.board, images.baseline) as line:
        session = Session(line, spec.expected(), window=4)
        session.hello()
        answers = session.predict(rows)
        stats = session.stats()
    assert {answer.status for answer in answers} == {0}
    assert stats.stack_talk < stats.stack_nothing == stats.stack_predict
    assert (stats.rows, stats.refused, session.resent) == (len(rows), 0, 0)
    if board != "host":
        assert {answer.cost for answer in answers} == {0}


@pytest.mark.parametrize("board", ALL)
def test_every_board_and_exactly_the_same_twice(board: str, tiny: Model) -> None:
    first, second = (check(tiny, need(board), TINY_X, method="inline") for _ in range(2))
    assert first.perfect
    assert second.perfect
    assert first.reference == "host"
    if board != "host":
        assert first == second
        assert 0 <= first.stack_bytes < 64  # a small model needs no more than a call that does nothing
        assert 5 < first.cost_max < 100


def test_200_float_features_need_no_line_buffer() -> None:
    """A row is 1,609 characters, the ATmega328P has 2,048 bytes of RAM."""
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 200)).astype(np.float32)
    estimator = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X, X[:, 3] + X[:, 199] > 0)
    model = milliwatt.convert(estimator, name="wide")
    report = check(model, need("simavr_atmega328p"), X[:20], expected=estimator.predict_proba(X[:20]))
    assert report.perfect, report.disagreements


def test_extreme_values_arrive_bit_by_bit() -> None:
    values = [0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, np.inf, -np.inf, 1e-6, np.nextafter(1, 2)]
    X = np.array([[value] for value in values], dtype=np.float32)
    train = np.linspace(-2e-6, 2e-6, 64, dtype=np.float32)[:, np.newaxis]
    estimator = DecisionTreeClassifier(random_state=0).fit(train, np.arange(64) // 8)
    model = milliwatt.convert(estimator, name="fine")
    report = check(model, need("qemu_cortex_m4f"), X, method="loadable")
    assert report.perfect, report.disagreements


def test_an_error_status_is_an_answer_and_no_agreement() -> None:
    """NaN, which this model refuses, as it would come from a broken sensor."""
    estimator = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0]], [0, 1])
    model = milliwatt.convert(estimator, name="strict", dtype="float")
    spec = FirmwareSpec(model.ir, "inline", load_board(need("qemu_cortex_m4f")), vector=False)
    rows = [np.float32(value).tobytes() for value in (0, np.nan, 1)]
    with built(spec) as images, emulated(spec.board, images.check) as line:
        session = Session(line, spec.expected())
        session.hello()
        assert [answer.status for answer in session.predict(rows)] == [0, -3, 1]


def test_a_stale_firmware_is_refused(tiny: Model, forest: tuple[RandomForestClassifier, Model]) -> None:
    board = load_board(need("qemu_cortex_m4f"))
    old = FirmwareSpec(tiny.ir, "inline", board, vector=False)
    for new in (
        FirmwareSpec(tiny.ir, "loadable", board, vector=False),
        FirmwareSpec(forest[1].ir, "inline", board, vector=False),
    ):
        with built(old) as images, emulated(board, images.check) as line:
            session = Session(line, new.expected())
            with pytest.raises(RigError, match="not the one just built") as caught:
                session.hello()
        assert old.build_id in str(caught.value)
        assert new.build_id in str(caught.value)


def test_a_second_check_builds_nothing_and_a_changed_model_is_built(tiny: Model, work: Path) -> None:
    board = need("host")
    check(tiny, board, TINY_X)
    image = next(work.glob(f"host-tiny-{tiny.choice.method}-*/.pio/build/check/firmware.elf"))
    before = image.stat().st_mtime_ns
    check(tiny, board, TINY_X[:3])
    assert image.stat().st_mtime_ns == before
    other = DecisionTreeClassifier(random_state=0).fit(TINY_X, TINY_Y[::-1])
    changed = milliwatt.convert(other, name="tiny", calibration=TINY_X)
    report = check(changed, board, TINY_X, expected=other.predict_proba(TINY_X))
    assert report.perfect, report.disagreements
    assert image.stat().st_mtime_ns != before


@pytest.mark.parametrize(
    ("board", "depth", "width", "memory"),
    [
        ("simavr_atmega328p", 30, 2, "32768 bytes of flash"),
        ("simavr_atmega328p", 2, 600, "2048 bytes of RAM"),
        ("qemu_cortex_m3", 2, 6000, "20480 bytes of RAM"),
    ],
)
def test_a_model_that_does_not_fit_is_a_clear_error(board: str, depth: int, width: int, memory: str) -> None:
    X = np.random.default_rng(0).normal(size=(6000 if depth > 9 else 40, width))
    y = np.random.default_rng(1).integers(0, 2, size=len(X))
    model = milliwatt.convert(DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y), name="big")
    with pytest.raises(RigError, match=f"does not fit: {board} has {memory}[^$]*method=compact"):
        check(model, need(board), X[:5], method="inline")


def test_an_image_that_cannot_run_is_a_clear_error(tiny: Model, tmp_path: Path) -> None:
    board = load_board(need("simavr_atmega328p"))
    bad = tmp_path / "firmware.elf"
    bad.write_bytes(b"not an image")
    spec = FirmwareSpec(tiny.ir, "inline", board, vector=False)
    with (
        pytest.raises(RigError, match=r"the emulator said:[^$]*not an AVR ELF file"),
        emulated(board, bad) as line,
    ):
        Session(line, spec.expected()).hello()


@pytest.mark.skipif(sys.platform == "win32", reason="has no pty")
def test_the_way_of_real_boards(tiny: Model, tmp_path: Path) -> None:
    """Built, uploaded by PlatformIO, found at a serial port: here a pty with the firmware behind it."""
    import pty

    need("host")
    data = yaml.safe_load((ROOT / "boards/virtual/host.yaml").read_text())
    data.update(name="pty_pc", start="upload", serial={"port": "/dev/pts/none", "window": 2})
    path = tmp_path / "pty_pc.yaml"
    path.write_text(yaml.safe_dump(data))
    spec = FirmwareSpec(tiny.ir, tiny.choice.method, load_board(path), vector=False)
    board_side, pc_side = pty.openpty()
    with built(spec) as images:
        process = subprocess.Popen([images.check], stdin=board_side, stdout=board_side)
        try:
            report = check(tiny, path, TINY_X, port=os.ttyname(pc_side))
        finally:
            process.kill()
            process.wait()
            os.close(board_side)
            os.close(pc_side)
    assert report.perfect, report.disagreements
    assert report.samples == 40
    with pytest.raises(RigError, match="serial port cannot be opened"):
        check(tiny, path, TINY_X, port="/dev/pts/none")


def test_a_board_of_ones_own(tiny: Model, tmp_path: Path) -> None:
    """The same platform, described in the user's own file, with an option of its own."""
    need("host")
    data = yaml.safe_load((ROOT / "boards/virtual/host.yaml").read_text())
    data["name"] = "my_pc"
    data["platformio"]["options"] = {"build_flags": "-DMINE=1"}
    path = tmp_path / "my pc.yaml"
    path.write_text(yaml.safe_dump(data))
    report = check(tiny, path, TINY_X)
    assert report.board == "my_pc"
    assert report.perfect


def test_wrong_arguments(tiny: Model) -> None:
    with pytest.raises(MilliwattError, match="no samples"):
        check(tiny, "host", TINY_X[:0])
    with pytest.raises(MilliwattError, match="predict_proba"):
        check(tiny, "host", TINY_X, expected=np.zeros(40))
    with pytest.raises(MilliwattError, match="choose one of auto, inline, loadable, compact"):
        check(tiny, "host", TINY_X, method="fast")
    with pytest.raises(MilliwattError, match="no board 'hots'"):
        check(tiny, "hots", TINY_X)
    with pytest.raises(MilliwattError, match="has no port"):
        check(tiny, need("host"), TINY_X, port="/dev/ttyUSB0")


PLUGIN_TEST = """
import milliwatt, numpy as np
from sklearn.tree import DecisionTreeClassifier

X = np.arange(20, dtype=np.int16).reshape(10, 2)
tree = DecisionTreeClassifier(random_state=0).fit(X, X[:, 0] > 9)

def test_on_the_board(rig):
    model = milliwatt.convert(tree, name="half", calibration=X)
    report = rig.check(model, X, expected=tree.predict_proba(X))
    assert report.perfect, report.disagreements
    assert report.board == rig.board.name
"""


def test_the_rig_fixture(tmp_path: Path) -> None:
    need("host")
    need("simavr_atmega328p")
    (tmp_path / "test_board.py").write_text(PLUGIN_TEST)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "test_board.py"]
    plugin = ["-p", "milliwatt.rig.plugin"] if not _plugin_is_installed() else []
    done = subprocess.run(
        [*command, *plugin, "--mw-board", "host", "--mw-board", "simavr_atmega328p"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "test_on_the_board[host] PASSED" in done.stdout, done.stdout + done.stderr
    assert "test_on_the_board[simavr_atmega328p] PASSED" in done.stdout
    assert done.returncode == 0


def _plugin_is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.value == "milliwatt.rig.plugin" for point in entry_points(group="pytest11"))
