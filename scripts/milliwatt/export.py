"""From a file with an estimator to a model: what ``milliwatt export`` and the build hooks call.

Also a program of its own (``python -m milliwatt.export``) that needs no more than numpy and the ML
library, so that a build can run it in the Python where the model was trained.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from milliwatt.errors import MilliwattError
from milliwatt.frontends.loading import load_estimator
from milliwatt.model import Model, convert
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
        )
    except MilliwattError as error:
        raise error.within(file=source) from None


def summary(model: Model) -> list[str]:
    """What was decided and measured, one sentence a line."""
    m = model.ir
    lines = [f"{m.name}: {m.task}, {len(m.trees)} trees, {m.n_splits} splits, {m.n_features} features"]
    if model.decision is not None:
        lines.append(f"features are {m.dtype}: {model.decision.reason}")
    lines.append(f"method {model.choice.method}: {model.choice.reason}")
    if m.calibration is not None:
        a = m.calibration.agreement
        lines.append(
            f"agreement on {a.rows} calibration samples: {100 * a.fraction:.2f} %"
            + (f", {a.ties} of them ties" if a.ties else "")
            + (f", largest error {a.max_error:.3g}" if not m.is_classifier else "")
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 when the model was written, else 1 and one message on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m milliwatt.export", description="estimator file to *.mw.json"
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--name", required=True)
    for option, choices in CHOICES.items():
        parser.add_argument(f"--{option}", choices=choices, default="auto")
    parser.add_argument("--calibration", default="")
    parser.add_argument("--trust-pickle", action="store_true")
    given = parser.parse_args(arguments)
    try:
        options = ModelOptions(given.method, given.dtype, given.nan, given.calibration)
        model = export_file(
            given.source,
            name=given.name,
            options=options,
            trust_pickle=given.trust_pickle,
            note=lambda text: print(f"note: {text}", file=sys.stderr),
        )
        model.save(given.output, format="json")
    except MilliwattError as error:
        print(f"milliwatt: {error}", file=sys.stderr)
        return 1
    print("\n".join(summary(model)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
