"""From a file with an estimator to a model: what ``milliwatt export`` and the build hooks call.

Also a program of its own (``python -m milliwatt.export``) that needs no more than numpy and the ML
library, so that a build can run it in the Python where the model was trained.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from milliwatt.emit.saving import FORMATS, format_of
from milliwatt.errors import MilliwattError
from milliwatt.frontends.loading import load_estimator
from milliwatt.host.leaf_trade import describe
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.committee import in_words
from milliwatt.model import Model, convert
from milliwatt.network_summary import network_summary
from milliwatt.options import CHOICES, ModelOptions


def export_file(
    source: Path,
    *,
    name: str,
    options: ModelOptions,
    trust_pickle: bool = False,
    note: Callable[[str], None] = lambda _: None,
) -> Model:
    """Convert the estimator in a file; errors name the file."""
    estimator = load_estimator(source, trust_pickle=trust_pickle, note=note)
    try:
        return convert(
            estimator,
            name=name,
            method=options.method,
            dtype=options.dtype,
            nan=options.nan,
            calibration=options.calibration or None,
            leaf_bits=options.leaf_bits,
            leaf_clusters=int(options.leaf_clusters),
            budget=options.budget,
            quantize=options.quantize,
            arena=options.arena,
            task=options.task,
            classes=options.classes,
            input_shape=options.input_shape,
        )
    except MilliwattError as error:
        raise error.within(file=source) from None


def save_as(model: Model, output: Path, format: str, source: Path) -> list[Path]:
    """Write a converted model; what its format cannot hold is said of the file it came from."""
    try:
        return model.save(output, format=format)
    except MilliwattError as error:
        raise error.within(file=source) from None


def summary(model: Model) -> list[str]:
    """What was decided and measured, one sentence a line."""
    m = model.ir
    if isinstance(m, Network):
        return network_summary(model, m)
    lines = [f"{m.name}: {in_words(m)}, {len(m.trees)} trees, {m.n_splits} splits, {m.n_features} features"]
    if model.decision is not None:
        lines.append(f"features are {m.dtype}: {model.decision.reason}")
    lines.append(f"method {model.choice.method}: {model.choice.reason}")
    lines += _leaf_line(m) + _exit_line(m)
    if m.calibration is not None:
        a = m.calibration.agreement
        lines.append(
            f"agreement on {a.rows} calibration samples: {100 * a.fraction:.2f} %"
            + (f", {a.ties} of them ties" if a.ties else "")
            + (f", largest error {a.max_error:.3g}" if not m.is_classifier else "")
        )
    return lines


def _exit_line(model: AnyModel) -> list[str]:
    """What the early exit saves."""
    measured = model.calibration
    if measured is None or measured.trees_evaluated is None:
        return []
    return [
        f"early exit: {measured.trees_evaluated:.1f} of {len(model.trees)} trees on average over"
        f" {measured.agreement.rows} calibration samples"
    ]


def _leaf_line(model: AnyModel) -> list[str]:
    """What was done to the leaves and what it changed; nothing where nothing was."""
    trade = model.calibration.leaves if model.calibration is not None else None
    if trade is None:
        done = model.origin.get("leaves")
        return [f"leaves: {done}; with calibration data, what that changes is measured"] if done else []
    line = f"leaves: {describe(trade.leaf_bits, trade.leaf_clusters)} ({trade.reason})"
    if not model.is_classifier:
        return [f"{line}, which moves an answer by at most {max(model.leaf_error):.3g}"]
    rows = model.calibration.agreement.rows if model.calibration is not None else 0
    line += f"; another class on {trade.classes_changed} of {rows} calibration samples"
    if trade.auc_before is not None and trade.auc_after is not None:
        against = "the labels given" if trade.labelled else "the classes of exact leaves"
        change = trade.auc_after - trade.auc_before
        line += f", macro AUC against {against} {trade.auc_after:.4f} ({change:+.4f})"
    return [line]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 when the model was written, else 1 and one message on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m milliwatt.export", description="estimator file to *.mw.json"
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="*.mw.json, or as in Model.save")
    parser.add_argument("--format", choices=FORMATS, default="auto", help="auto: by the output's ending")
    parser.add_argument("--name", required=True)
    for field in fields(ModelOptions):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", choices=CHOICES.get(field.name), default=field.default
        )
    parser.add_argument("--trust-pickle", action="store_true")
    given = parser.parse_args(arguments)
    try:
        format = format_of(given.output, given.format)
        options = ModelOptions(**{field.name: getattr(given, field.name) for field in fields(ModelOptions)})
        model = export_file(
            given.source,
            name=given.name,
            options=options,
            trust_pickle=given.trust_pickle,
            note=lambda text: print(f"note: {text}", file=sys.stderr),
        )
        save_as(model, given.output, format, given.source)
    except MilliwattError as error:
        print(f"milliwatt: {error}", file=sys.stderr)
        return 1
    print("\n".join(summary(model)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
