"""Rows go to the firmware over the console; its answers are those of the same C on this PC, bit for bit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from twister_harness import DeviceAdapter
from twister_harness.exceptions import TwisterHarnessTimeoutException

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from identity import specification

from milliwatt.host import HostModel
from milliwatt.rig.line import Line
from milliwatt.rig.session import Session
from milliwatt.rig.transfer import Patience

ROWS = 150


class Port:
    """The console of a device under test, as the serial port that :class:`Line` reads and writes."""

    def __init__(self, dut: DeviceAdapter) -> None:
        self.timeout: float | None = 1.0
        self._dut = dut
        self._waiting = b""

    @property
    def in_waiting(self) -> int:
        return len(self._waiting)

    def read(self, size: int = 1, /) -> bytes:
        if not self._waiting:
            try:
                line = self._dut.readline(timeout=max(self.timeout or 0.0, 0.01), print_output=False)
            except TwisterHarnessTimeoutException:
                return b""
            self._waiting = line.encode("ascii", errors="replace") + b"\n"
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken

    def write(self, data: bytes, /) -> int:
        self._dut.write(data)
        return len(data)


def rows_at_thresholds(model: Any) -> np.ndarray:
    """Rows of features at, just below and just above thresholds of the model: where an answer can tip."""
    rng = np.random.default_rng(1)
    thresholds: list[list[float]] = [[0.0] for _ in range(model.n_features)]
    for tree in model.trees:
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            thresholds[feature].append(threshold)
    columns = []
    for values in thresholds:
        at = rng.choice(np.asarray(values, dtype=np.float64), ROWS)
        if model.dtype == "float":
            step = np.spacing(np.abs(at).astype(np.float32)).astype(np.float64)
        else:
            step = np.ones(ROWS)
        columns.append(at + rng.integers(-1, 2, ROWS) * step)
    return np.column_stack(columns)


def test_answers_are_the_pcs(dut: DeviceAdapter) -> None:
    spec = specification(Path(dut.device_config.build_dir) / "parity.json")
    host = HostModel(spec.model, method=spec.method)
    features = host.device_features(rows_at_thresholds(spec.model))
    session = Session(Line(Port(dut)), spec.expected(), patience=Patience(reply=10.0, hello=30.0))
    session.hello()  # refuses any firmware but the one that these very files make
    answers = session.predict([row.tobytes() for row in features])
    if spec.model.is_classifier:
        assert [answer.status for answer in answers] == host.predict(features).tolist()
        assert len({answer.status for answer in answers}) > 1, "rows that all have one answer prove little"
    else:
        wanted = host.regress(features).astype("<f4")
        assert [answer.status for answer in answers] == [0] * ROWS
        assert b"".join(answer.outputs for answer in answers) == wanted.tobytes()
        assert len(np.unique(wanted)) > 10
    print(f"{spec.model.name} ({spec.method}) on {spec.board.name}: {ROWS} rows, build {spec.build_id}")
