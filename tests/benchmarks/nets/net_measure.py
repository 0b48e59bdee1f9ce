"""From a network and what it computes with to a row of the results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from emulation import Boards, BoardStoppedError
from firmware import Image
from net_build import SKELETON, NetBuilder
from net_cases import FLOAT, Case
from net_emlearn import EMLEARN, export
from net_rows import MILLIWATT, Row
from numpy.typing import NDArray
from peers.environment import PeerEnvironment

from milliwatt.model import Model

_C_TYPES = {"float": "float", "uint8": "uint8_t", "int16": "int16_t"}
_NUMPY_TYPES = {"float": "<f4", "uint8": "u1", "int16": "<i2"}
# On a core without FPU a prediction in floats takes a million instructions, nearly the same for all rows.
_FLOAT_ROWS = 60


@dataclass(frozen=True)
class Job:
    """One measurement."""

    builder: NetBuilder
    case: Case
    library: str
    quantize: str

    def __str__(self) -> str:
        return f"{self.case.name} {self.builder.target.label} {self.library} {self.quantize}"

    @property
    def numbers(self) -> str:
        return "float" if self.quantize == FLOAT else self.quantize

    @property
    def features(self) -> str:
        return "float" if self.quantize == FLOAT else self.case.problem.dtype

    @property
    def rows(self) -> NDArray[np.int64]:
        """Held-out rows that go to the board."""
        few = self.quantize == FLOAT and "-mfpu" not in " ".join(self.builder.machine_flags)
        return self.case.problem.rows[: _FLOAT_ROWS if few else self.case.most_rows]


class Bench:
    """Builds and runs."""

    def __init__(self, sources: Path, peer: PeerEnvironment, boards: Boards) -> None:
        self.sources = sources
        self.peer = peer
        self.boards = boards

    def measure(self, job: Job) -> Row:
        """Flash, RAM, cost, and whether the board answers as the PC does."""
        row = Row(
            job.case.name, job.builder.target.board, job.builder.target.optimize, job.library, job.numbers,
            job.features, rows=len(job.rows),
        )  # fmt: skip
        image, empty = self._image(job, "predict_class.c"), self._empty(job)
        if image is None:
            return replace(row, note="does not fit")
        static = image.ram - empty.ram
        row = replace(row, flash_bytes=image.flash - empty.flash, static_bytes=static)
        expected, accuracy = self._on_pc(job)
        try:
            stack, cost, classes = self._run(job, image)
            nothing, _, _ = self._run(job, empty, 1)
            bits = self._equal_bits(job) if job.library == MILLIWATT and job.quantize != FLOAT else None
        except BoardStoppedError as error:
            return replace(row, note=str(error))
        return replace(
            row,
            stack_bytes=stack - nothing,
            ram_bytes=static + stack - nothing,
            cost_mean=round(float(cost.mean()), 1),
            cost_max=int(cost.max()),
            same=int((classes == expected).sum()),
            equal_bits=bits,
            accuracy=accuracy,
            float_accuracy=self._float_accuracy(job),
        )

    # -- what the PC says ----------------------------------------------------------------------

    def _on_pc(self, job: Job) -> tuple[NDArray[np.intp], float]:
        """Classes of the rows that go to the board, and the accuracy on all that are held out."""
        problem = job.case.problem
        if job.library == EMLEARN:
            classes = job.case.estimator().predict(problem.rows)
        else:
            classes = _model(job).host.predict(_device(_model(job), problem.rows))
        return classes[: len(job.rows)], float((classes == problem.labels).mean())

    def _float_accuracy(self, job: Job) -> float | None:
        if job.quantize == FLOAT or FLOAT not in job.case.quantize:
            return None
        problem, model = job.case.problem, job.case.model(FLOAT)
        return float((model.host.predict(_device(model, problem.rows)) == problem.labels).mean())

    # -- on the board --------------------------------------------------------------------------

    def _run(
        self, job: Job, image: Image, n_rows: int | None = None
    ) -> tuple[int, NDArray[Any], NDArray[np.intp]]:
        """Stack, and cost and class of each row; the first row is sent twice."""
        given = job.rows[:n_rows].astype(_NUMPY_TYPES[job.features])
        rows = [row.tobytes() for row in (given[0], *given)]
        answers = self.boards.run(job.builder.target, image, rows)
        return answers.cost[0], np.array(answers.cost[1:]), np.array(answers.classes[1:])

    def _equal_bits(self, job: Job) -> int:
        """Rows whose scores have the same bits on board and PC."""
        image, model = self._image(job, "predict_scores.c"), _model(job)
        if image is None:
            return 0
        _, hashes, status = self._run(job, image)
        scores = model.host.score(_device(model, job.rows))
        expected = np.array([fnv1a(row.astype("<f4").tobytes()) for row in scores])
        return int(((hashes == expected) & (status == 0)).sum())

    def _image(self, job: Job, skeleton: str) -> Image | None:
        directory = self.sources / job.case.name / f"{job.library}-{job.quantize}"
        if job.library == EMLEARN:
            files, includes = export(job.case, self.peer, directory)
        else:
            directory.mkdir(parents=True, exist_ok=True)
            _model(job).save(file=directory / "model.c")
            files, includes = [directory / "model.c"], [directory]
        name = f"{job.case.name}/{job.library}-{job.quantize}/{Path(skeleton).stem}"
        return job.builder.link_net(name, [*files, SKELETON / skeleton], includes, self._row_type(job))

    def _empty(self, job: Job) -> Image:
        name = f"{job.case.name}/{job.library}-{job.quantize}/empty"
        image = job.builder.link_net(name, [SKELETON / "predict_nothing.c"], [], self._row_type(job))
        assert image is not None, "the empty firmware fits every board"
        return image

    def _row_type(self, job: Job) -> tuple[str, int, int]:
        problem = job.case.problem
        return _C_TYPES[job.features], problem.rows.shape[1], len(problem.classes)


def _model(job: Job) -> Model:
    return job.case.model(job.quantize)


def _device(model: Model, rows: NDArray[np.int64]) -> NDArray[Any]:
    return model.host.device_features(rows.astype(np.float64))


def fnv1a(data: bytes) -> int:
    """The hash of ``predict_scores.c``."""
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value
