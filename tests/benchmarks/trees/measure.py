"""From a forest and a candidate to a row of the results."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ours
from candidate import Candidate, NotSupportedError, Sources
from emulation import Answers, Boards, BoardStoppedError
from firmware import SKELETON, Builder, Image
from forests import Forest
from peers.environment import PeerEnvironment
from rows import Row
from walk import Walk, turns

from milliwatt.host import compare_classes


class Exporter:
    """Writes the C of every candidate once; safe when several threads want the same."""

    def __init__(self, directory: Path, peers: PeerEnvironment) -> None:
        self.directory = directory
        self.peers = peers
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._done: dict[str, Sources | NotSupportedError] = {}

    def export(self, forest: Forest, candidate: Candidate) -> Sources:
        """Raises NotSupportedError if the library does not take the forest."""
        name = f"{forest.name}/{candidate.name}"
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._done:
                self._done[name] = self._export(forest, candidate, self.directory / name)
        found = self._done[name]
        if isinstance(found, NotSupportedError):
            raise found
        return found

    def _export(self, forest: Forest, candidate: Candidate, directory: Path) -> Sources | NotSupportedError:
        directory.mkdir(parents=True, exist_ok=True)
        write = ours.export if candidate.is_ours else self.peers.export
        try:
            return write(forest, candidate, directory)
        except NotSupportedError as error:
            return error


@dataclass(frozen=True)
class Job:
    """One measurement."""

    builder: Builder
    forest: Forest
    candidate: Candidate

    def __str__(self) -> str:
        return f"{self.forest.name} {self.builder.target.label} {self.candidate.name}"


class Bench:
    """Builds and runs."""

    def __init__(self, exporter: Exporter, boards: Boards) -> None:
        self.exporter = exporter
        self.boards = boards

    def measure(self, job: Job) -> Row:
        """Flash, RAM, cost and agreement of one candidate on one target."""
        forest, candidate, builder = job.forest, job.candidate, job.builder
        fitted = candidate.fitted(forest)
        kind = "boosted" if forest.is_boosted else "pure" if forest.is_pure else "mixed"
        row = Row(
            forest.name, forest.data, kind, builder.target.board, builder.target.optimize, candidate.library,
            candidate.method, candidate.dtype, candidate.votes, "", len(fitted.rows),
        )  # fmt: skip
        if candidate.least_flash > builder.board["upload"]["maximum_size"]:
            return replace(row, note="does not fit")
        try:
            row = replace(row, leaves=self.exporter.export(forest, candidate).leaves)
            image = self._build(job, candidate)
        except NotSupportedError as error:
            return replace(row, note="not supported", detail=" ".join(str(error).split()))
        if image is None:
            return replace(row, note="does not fit")
        empty = self._empty(job)
        sizes: dict[str, Any] = {"flash_bytes": image.flash - empty.flash, "ram_bytes": image.ram - empty.ram}
        try:
            answers = self.boards.run(builder.target, image, candidate.rows(forest, builder.family))
        except BoardStoppedError as error:
            return replace(row, **sizes, note=str(error))
        return replace(row, **sizes, **_figures(job, answers))

    def walk(self, job: Job) -> Iterator[Walk]:
        """Cost and splits of every row; nothing where the table does not fit."""
        forest, candidate = job.forest, job.candidate
        image = self._build(job, ours.walk(candidate.dtype))
        if image is None:
            return
        answers = self.boards.run(job.builder.target, image, candidate.rows(forest, job.builder.family))
        if any(answers.classes):
            raise RuntimeError(f"{job}: predict_proba returns {min(answers.classes)}")
        model = ours.convert(forest, candidate)
        steps = turns(model.ir, candidate.fitted(forest).rows.astype(np.float64))
        cost = np.array(answers.cost, dtype=np.float64)
        yield Walk(forest.name, job.builder.target.label, candidate.dtype, steps, cost)

    def _build(self, job: Job, candidate: Candidate) -> Image | None:
        sources = self.exporter.export(job.forest, candidate)
        name = f"{job.forest.name}/{candidate.name}/{Path(candidate.skeleton).stem}"
        files = sources.with_skeleton(candidate)
        return job.builder.build(name, files, sources.includes, candidate.row_type(job.forest))

    def _empty(self, job: Job) -> Image:
        name = f"{job.forest.name}/{job.candidate.name}/empty"
        nothing = [SKELETON / "predict_nothing.c"]
        image = job.builder.build(name, nothing, [], job.candidate.row_type(job.forest))
        assert image is not None, "the empty firmware fits every board"
        return image


def _figures(job: Job, answers: Answers) -> dict[str, Any]:
    probabilities = job.candidate.fitted(job.forest).probabilities
    classes = np.array(answers.classes)
    if classes.min() < 0 or classes.max() >= probabilities.shape[1]:
        text = f"answers {classes.min()} to {classes.max()}, which are no classes"
        if job.candidate.is_ours:
            raise RuntimeError(f"{job}: {text}")
        return {"note": text}
    agreement = compare_classes(classes, probabilities)
    return {
        "cost_mean": round(float(np.mean(answers.cost)), 2),
        "cost_max": max(answers.cost),
        "cost_unit": job.builder.virtual["counter_unit"],
        "agree": agreement.agree,
        "ties": agreement.ties,
    }
