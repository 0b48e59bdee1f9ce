"""``check_stream()``: a model from raw samples on a board, every window compared with this PC's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milliwatt.emit import choose_method
from milliwatt.errors import InputError, MilliwattError
from milliwatt.host import HostModel
from milliwatt.ir.signal_shapes import raw_frames
from milliwatt.ir.signals import INT16, Signals
from milliwatt.model import Model
from milliwatt.options import ModelOptions
from milliwatt.raw_samples import recordings_of
from milliwatt.rig.board import Board, load_board
from milliwatt.rig.firmware import FirmwareSpec
from milliwatt.rig.project import built
from milliwatt.rig.protocol import Answer
from milliwatt.rig.report import CheckReport, Disagreement
from milliwatt.rig.running import Run, base_report, run_rows

_NOT_YET = -101  # MW_NOT_YET
_SHOWN = 20
_FLOATS_AGREE = 1e-5  # of the largest number that a feature reaches
# Bytes of frames in a block: the firmware needs them in RAM beside the model.
_BLOCK_BYTES = ((4096, 48), (8192, 128))
_USUAL_BLOCK = 512
_CALL = Template("""#define MW_CHECK_STREAM
#include <string.h>
/* Takes a block of frames, and answers the window that it completes with its features. */
static inline int mw_check_call(const $row *row, int n_row, float *outputs, int n_outputs)
{
    static ${name}_state state;
    const int n_frames = (int) (row[0] < 0 ? -1 - row[0] : row[0]);
    int taken = 0, at = 0, answer = MW_NOT_YET;
    (void) n_row;
    if (row[0] < 0) {
        ${name}_reset(&state);
    }
    while (at < n_frames) {
        const $row *const left = row + 1 + at * ${upper}_N_CHANNELS;
        const int found = ${name}_push_block(&state, left, n_frames - at, &taken);
        if (found != MW_NOT_YET) {
            const $feature *const features = ${name}_features(&state);
            answer = found;
            for (int i = 0; found >= 0 && i < n_outputs; ++i) {
                const $sent one = features[i];
                memcpy(outputs + i, &one, sizeof one);
            }
        }
        at += taken > 0 ? taken : n_frames; /* an error takes none: it is answered, not repeated */
    }
    return answer;
}
#define MW_CHECK_PREDICT mw_check_call
""")


@dataclass(frozen=True)
class StreamSpec(FirmwareSpec):
    """Firmware that takes blocks of raw frames; PROTOCOL.md, "Streams"."""

    @property
    def function(self) -> str:
        return "push_block"

    @property
    def n_outputs(self) -> int:
        return self.model.n_features

    @property
    def signals(self) -> Signals:
        assert self.model.signals is not None
        return self.model.signals

    @property
    def row_type(self) -> str:
        return "int16_t" if self.signals.dtype == INT16 else "float"

    @property
    def row_width(self) -> int:
        return 1 + self.block * self.signals.channels

    @cached_property
    def block(self) -> int:
        """Frames in a row: never more than from one window to the next."""
        ram = self.board.ram_bytes or 1 << 20
        room = next((size for limit, size in _BLOCK_BYTES if ram <= limit), _USUAL_BLOCK)
        frame = self.signals.channels * (2 if self.signals.dtype == INT16 else 4)
        return max(1, min(room // frame, raw_frames(self.signals)[1]))

    def _call(self) -> str:
        return _CALL.substitute(
            name=self.model.name,
            upper=self.model.name.upper(),
            row=self.row_type,
            feature=self._features,
            sent=self._sent,
        )

    @property
    def _features(self) -> str:
        return "float" if self.model.dtype == "float" else f"{self.model.dtype}_t"

    @property
    def _sent(self) -> str:
        """The type of features in answers, four bytes each."""
        return "float" if self.model.dtype == "float" else "int32_t"


def check_stream(
    model: Model,
    board: Board | str | Path,
    samples: Any,
    *,
    method: str | None = None,
    port: str | None = None,
    work: Path | None = None,
) -> CheckReport:
    """Build a model from raw samples into firmware, stream recordings to a board, and compare every window.

    The device must answer as the same C does on this PC: the same class for every window, and features with
    the same bits, or of floats within 1e-5 of the largest number that each reaches.

    Args:
        samples: what ``Model.predict`` takes: a list of recordings, or an array of windows.
        the others: as of ``check()``.

    Returns:
        a report whose samples are windows; costs are those of all pushes from one window to the next.
    """
    board = board if isinstance(board, Board) else load_board(board)
    options = ModelOptions(method=method or model.ir.method)
    chosen = choose_method(model.ir, options.method).method
    spec = StreamSpec(dataclasses.replace(model.ir, method=options.method), chosen, board, vector=True)
    recordings = recordings_of(spec.signals, samples)
    host = HostModel(spec.model, method=spec.option)
    wanted = [host.push(recording) for recording in recordings]
    if not sum(len(labels) for labels, _ in wanted):
        raise InputError(
            f"no recording is as long as the first window, {raw_frames(spec.signals)[0]} frames",
            option="samples",
            cure="give longer recordings",
        )
    rows = [row for recording in recordings for row in block_rows(spec, recording)]
    with built(spec, work) as images:
        run = run_rows(spec, images, rows, port, window=1)
        report = base_report(spec, images, run)
        return _compared(spec, report, run, wanted)


def block_rows(spec: StreamSpec, recording: NDArray[Any]) -> list[bytes]:
    """A recording in blocks, as they lie in little-endian memory."""
    kind = np.dtype("<i2" if spec.signals.dtype == INT16 else "<f4")
    made = []
    for start in range(0, max(len(recording), 1), spec.block):
        block = recording[start : start + spec.block]
        row = np.zeros(spec.row_width, dtype=kind)
        row[0] = len(block) if start else -1 - len(block)
        row[1 : 1 + block.size] = block.ravel()
        made.append(row.tobytes())
    return made


def _compared(
    spec: StreamSpec, report: CheckReport, run: Run, wanted: Sequence[tuple[NDArray[Any], NDArray[Any]]]
) -> CheckReport:
    """The report, with what windows were answered and what they cost."""
    labels = np.concatenate([labels for labels, _ in wanted])
    features = np.concatenate([features for _, features in wanted])
    found = [answer for answer in run.answers if answer.status != _NOT_YET]
    if len(found) != len(labels):
        raise MilliwattError(
            f"the board answered {len(found)} windows, this PC {len(labels)}",
            option=spec.model.name,
            cure="this is a bug in Milliwatt",
        )
    alike = same_features(spec, found, features)
    status = np.array([answer.status for answer in found])
    same = (status == labels) & alike
    costs = window_costs(run.answers)
    classes = spec.model.classes

    def said(index: int) -> Any:
        return classes[index] if 0 <= index < len(classes) else f"status {index}"

    wrong = tuple(
        Disagreement(int(i), said(status[i]), said(labels[i]), "host" if alike[i] else "host's features")
        for i in np.flatnonzero(~same)[:_SHOWN]
    )
    return dataclasses.replace(
        report,
        samples=len(labels),
        agree=int(same.sum()),
        same_as_host=int(same.sum()),
        cost_mean=sum(costs) / len(costs),
        cost_max=max(costs),
        cost_min=min(costs),
        disagreements=wrong,
        cpu_share=_share(spec, sum(costs) / len(costs)),
    )


def same_features(spec: StreamSpec, found: Sequence[Answer], features: NDArray[Any]) -> NDArray[np.bool_]:
    """Of each window whether the device's features are ``features``, (windows, features)."""
    kind = "<f4" if spec.model.dtype == "float" else "<i4"
    nothing = np.zeros(features.shape[1], dtype=kind).tobytes()
    image = b"".join(answer.outputs or nothing for answer in found)
    device = np.frombuffer(image, dtype=kind).reshape(features.shape)
    if kind == "<i4":
        return np.asarray((device == features).all(axis=1))
    finite = np.isfinite(device) & np.isfinite(features)
    off = np.abs(np.subtract(device, features, where=finite, out=np.zeros_like(features)))
    largest = np.abs(np.where(finite, features, 0.0)).max(axis=0, initial=0.0)
    alike = (device == features) | (np.isnan(device) & np.isnan(features))
    return np.asarray(np.where(finite, off <= _FLOATS_AGREE * largest, alike).all(axis=1))


def window_costs(answers: Sequence[Answer]) -> list[int]:
    """What each window took: all blocks since the window before it."""
    costs, so_far = [], 0
    for answer in answers:
        so_far += answer.cost
        if answer.status != _NOT_YET:
            costs.append(so_far)
            so_far = 0
    return costs


def _share(spec: StreamSpec, cost: float) -> float | None:
    """The part of the CPU's time that it takes to keep up with the samples; None where that is not known."""
    signals, clock = spec.signals, spec.board.clock_hz
    if not signals.rate or not clock or spec.board.cost_unit == "ns":
        return None
    return cost * signals.rate / raw_frames(signals)[1] / clock
