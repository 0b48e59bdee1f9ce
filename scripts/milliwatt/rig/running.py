"""Rows to firmware on a board, and what came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.errors import MilliwattError
from milliwatt.ir import Network
from milliwatt.rig.connection import attached, emulated
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.line import Line, RigError
from milliwatt.rig.project import Built, upload
from milliwatt.rig.protocol import Answer, Stats
from milliwatt.rig.report import CheckReport
from milliwatt.rig.session import Session
from milliwatt.rig.size import image_size
from milliwatt.rig.transfer import Patience


@dataclass(frozen=True)
class Run:
    """What came back from the device."""

    answers: list[Answer]
    stats: Stats
    resent: int

    def status(self) -> NDArray[np.int64]:
        return np.array([answer.status for answer in self.answers], dtype=np.int64)

    def outputs(self, width: int) -> NDArray[np.float32]:
        """Float answers; NaN where the device answered with an error."""
        nan = np.full(width, np.nan, dtype="<f4").tobytes()
        image = b"".join(answer.outputs or nan for answer in self.answers)
        return np.frombuffer(image, dtype="<f4").reshape(len(self.answers), width)

    def labels(self, width: int) -> NDArray[np.int64]:
        """Labels, 0 or 1; -1 where the device answered with an error."""
        rows = [list((answer.outputs or b"")[:width]) or [-1] * width for answer in self.answers]
        return np.array(rows, dtype=np.int64)

    def stack(self) -> int:
        """Bytes of stack a prediction uses beyond a call of a function that does nothing."""
        stats = self.stats
        if stats.stack_nothing <= stats.stack_talk:
            raise _unmeasured(f"talking to the PC uses {stats.stack_talk} bytes", "MW_CHECK_STACK_PAD=2000")
        if stats.stack_predict < stats.stack_nothing:
            raise _unmeasured("a prediction uses more than is watched", "MW_CHECK_STACK_WINDOW=8000")
        return stats.stack_predict - stats.stack_nothing


def _unmeasured(reason: str, define: str) -> RigError:
    return RigError(
        f"the stack cannot be measured: {reason}",
        cure=f"in the board's YAML file: platformio: {{options: {{build_flags: -D{define}}}}}",
    )


def run_rows(
    spec: FirmwareSpec, images: Built, rows: Sequence[bytes], port: str | None, *, window: int
) -> Run:
    """Start the firmware, send rows, collect their answers.

    Args:
        rows: as they lie in little-endian memory.
        window: rows under way at once.
    """
    serial = spec.board.serial
    patience = Patience(reply=serial.reply_s, hello=serial.hello_s)
    with _started(spec, images, port) as line:
        session = Session(line, spec.expected(), window=window, patience=patience)
        session.hello()
        answers = session.predict(rows)
        return Run(answers, session.stats(), session.resent)


@contextmanager
def _started(spec: FirmwareSpec, images: Built, port: str | None) -> Iterator[Line]:
    """The firmware on its board, whichever kind that is."""
    if spec.board.is_virtual:
        if port is not None:
            raise MilliwattError("a virtual board has no port", option="port", cure="leave it out")
        with emulated(spec.board, images.check) as line:
            yield line
    else:
        upload(images, spec, port)
        with attached(spec.board, port) as line:
            yield line


def form_of(spec: FirmwareSpec) -> str:
    """How the model is written, for tables."""
    if not isinstance(spec.model, Network):
        return spec.method
    return f"network, {spec.model.quantize if spec.model.is_integer else 'float'}"


def base_report(spec: FirmwareSpec, images: Built, run: Run) -> CheckReport:
    """What is told of a run before answers are compared: sizes and costs."""
    total = image_size(images.check)
    added = total - image_size(images.baseline)
    costs = [answer.cost for answer in run.answers]
    return CheckReport(
        board=spec.board.name,
        cpu=spec.board.cpu,
        model=spec.model.name,
        method=form_of(spec),
        dtype=spec.model.dtype,
        samples=0,
        agree=0,
        flash_bytes=added.flash,
        ram_bytes=added.ram,
        stack_bytes=run.stack(),
        cost_mean=sum(costs) / len(costs),
        cost_max=max(costs),
        cost_unit=spec.board.cost_unit,
        cost_min=min(costs),
        flash_total=total.flash,
        ram_total=total.ram,
        build_id=spec.build_id,
        resent=run.resent,
    )
