"""The command line: ``milliwatt export | emit | check``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from milliwatt.errors import MilliwattError
from milliwatt.options import ModelOptions
from milliwatt.version import __version__

if TYPE_CHECKING:
    from milliwatt.emit.net_report import LayerCost
    from milliwatt.model import Model
    from milliwatt.rig import CheckReport

app = typer.Typer(
    help="Trained models as C for microcontrollers, answering exactly as on the PC.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

NameOption = Annotated[str | None, typer.Option(help="Prefix of all C names. [default: from the file]")]
MethodOption = Annotated[
    str, typer.Option(help="auto, inline (fastest), loadable (small) or compact (smallest).")
]
DtypeOption = Annotated[str, typer.Option(help="auto, float, int8, uint8, int16 or int32.")]
NanOption = Annotated[str, typer.Option(help="What NaN does: auto, refuse, follow or ignore.")]
LeafBitsOption = Annotated[str, typer.Option(help="auto, exact, 0 (hard votes), 1 to 16.")]
LeafClustersOption = Annotated[int, typer.Option(help="Leaf rows a class; 0: leaves are not clustered.")]
BudgetOption = Annotated[str, typer.Option(help="What --method=auto keeps to: speed, flash or flash=8k.")]
QuantizeOption = Annotated[
    str, typer.Option(help="Networks: none (floats), int8 or int16; needs --calibration.")
]
ArenaOption = Annotated[
    str, typer.Option(help="Networks: whose the buffers are: auto (the file's, or static), static or caller.")
]
TaskOption = Annotated[
    str, typer.Option(help="Networks that do not say: auto, classifier, multilabel or regressor.")
]
ClassesOption = Annotated[
    str, typer.Option(help="Networks that do not know their classes: labels separated by commas.")
]
InputShapeOption = Annotated[str, typer.Option(help="PyTorch modules: a sample's shape, such as 1x28x28.")]
LayersOption = Annotated[bool, typer.Option("--layers", help="Networks: a table of their layers.")]
FormatOption = Annotated[
    str, typer.Option(help="auto (by the output's ending), c, header, json, csv or bin; as in Model.save.")
]
CalibrationOption = Annotated[Path | None, typer.Option(help="CSV with samples as the device sees them.")]


def main() -> None:
    """Run the command line; a problem of the user's ends in one message and exit status 1."""
    try:
        app()
    except MilliwattError as error:
        _errors.print(f"milliwatt: {error}", markup=False)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def export(
    source: Annotated[
        Path,
        typer.Argument(
            help="A fitted estimator: *.skops, *.joblib or *.pkl; or what XGBoost or LightGBM saved: "
            "*.ubj, *.json or *.txt; or a network: *.keras, *.h5, *.onnx or *.pt2."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: *.mw.json, *.mw.bin, *.csv, *.c or *.h.")
    ],
    name: NameOption = None,
    method: MethodOption = "auto",
    dtype: DtypeOption = "auto",
    nan: NanOption = "auto",
    calibration: CalibrationOption = None,
    leaf_bits: LeafBitsOption = "auto",
    leaf_clusters: LeafClustersOption = 0,
    budget: BudgetOption = "",
    quantize: QuantizeOption = "none",
    arena: ArenaOption = "auto",
    task: TaskOption = "auto",
    classes: ClassesOption = "",
    input_shape: InputShapeOption = "",
    format: FormatOption = "auto",
    layers: LayersOption = False,
) -> None:
    """Convert an estimator's file to *.mw.json, the file a firmware build needs.

    Or at once to what a device reads: a blob (*.mw.bin), emlearn's CSV, C.
    """
    from milliwatt.emit.saving import format_of
    from milliwatt.export import export_file, save_as, summary

    format = format_of(output, format)  # before the conversion, which may take long
    options = ModelOptions(
        method,
        dtype,
        nan,
        str(calibration or ""),
        leaf_bits,
        leaf_clusters,
        budget,
        quantize,
        arena,
        task,
        classes,
        input_shape,
    )
    with _busy(f"converting {source}"):
        model = export_file(
            source,
            name=name or _name_of(output),
            options=options,
            trust_pickle=_trust(source),
            note=lambda text: _errors.print(f"note: {text}", markup=False),
        )
        rows = _layers(model) if layers else ()
        written = save_as(model, output, format, source)
    print("\n".join(summary(model)))
    _print_layers(rows)
    _print_written(written)


@app.command()
def emit(
    source: Annotated[Path, typer.Argument(help="A model: *.mw.json or *.csv.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Directory for C; or a file: *.mw.bin, *.csv, *.c, *.h or *.mw.json."
        ),
    ],
    name: NameOption = None,
    method: MethodOption = "auto",
    dtype: DtypeOption = "auto",
    budget: BudgetOption = "",
    arena: ArenaOption = "auto",
    format: FormatOption = "auto",
    single: Annotated[
        bool, typer.Option("--single", help="One header instead of header and source.")
    ] = False,
    layers: LayersOption = False,
) -> None:
    """Write a model as what a device reads: C (NAME.h and NAME.c), a blob or CSV.

    *.mw.bin is data for mw_model_open: for a flash partition, a file, an update over the air.
    *.csv is emlearn's format, which does not say what features are: --dtype does.
    """
    from milliwatt.emit.__main__ import emit_file
    from milliwatt.model import load

    with _busy(f"emitting {source}"):
        rows = _layers(load(source, dtype=dtype)) if layers else ()
        saved = emit_file(
            source,
            output,
            name=name,
            method=method,
            dtype=dtype,
            budget=budget,
            arena=arena,
            format=format,
            single=single,
        )
    if saved.choice is not None:
        print(f"method {saved.choice.method}: {saved.choice.reason}")
    _print_layers(rows)
    _print_written(saved.files)


@app.command()
def check(
    source: Annotated[Path, typer.Argument(help="A model: *.mw.json, *.csv, or an estimator's file.")],
    board: Annotated[str, typer.Option(help="A board's name, or the path of a board's YAML file.")],
    data: Annotated[
        Path,
        typer.Option(help="CSV: feature columns (or channels of raw samples), then if you like `label`."),
    ],
    method: MethodOption = "auto",
    dtype: DtypeOption = "auto",
    arena: ArenaOption = "auto",
    json: Annotated[Path | None, typer.Option(help="Write the report here as well.")] = None,
    port: Annotated[str | None, typer.Option(help="Serial port of a real board.")] = None,
) -> None:
    """Run a model on a board and compare every answer with this PC's.

    Exit status 1 when an answer differs.
    """
    from milliwatt.commands import check_file
    from milliwatt.report import write_json

    ModelOptions(method=method, arena=arena)
    with _busy(f"checking {source} on {board}"):
        report = check_file(
            source,
            board=board,
            data=data,
            method=method,
            dtype=dtype,
            arena=arena,
            trust_pickle=_trust(source),
            port=port,
        )
    _print_report(report)
    if json is not None:
        write_json([report], json)
    if not report.perfect:
        raise typer.Exit(1)


def _print_report(report: CheckReport) -> None:
    from milliwatt.report import plain

    print(plain([report]))
    if report.cpu_share is not None:
        counted = "" if report.cost_unit == "cycles" else f", {report.cost_unit} counted as cycles"
        percent = 100 * report.cpu_share
        share = f"{percent:.2g}" if percent < 10 else f"{percent:.0f}"
        print(f"to keep up with the samples takes {share} % of the CPU{counted}")
    for item in report.disagreements:
        print(f"sample {item.sample}: {item.device} on the board, {item.wanted} by the {item.reference}")


def _layers(model: Model) -> tuple[LayerCost, ...]:
    rows = model.layers
    if not rows:
        raise MilliwattError(
            f"{model.ir.name} has no layers: it is no network", option="layers", cure="leave it out"
        )
    return rows


def _print_layers(rows: tuple[LayerCost, ...]) -> None:
    """A table for people; plain text into a pipe; nothing of no layers."""
    from milliwatt.report import layers_table, plain_layers

    out = Console()
    if rows and out.is_terminal:
        out.print(layers_table(rows))
    elif rows:
        print(plain_layers(rows))


def _print_written(files: list[Path]) -> None:
    sizes = {path: f" ({path.stat().st_size} bytes)" for path in files if path.suffix.lower() == ".bin"}
    print("written: " + ", ".join(f"{path}{sizes.get(path, '')}" for path in files))


def _name_of(path: Path) -> str:
    return path.name.split(".")[0]


def _trust(source: Path) -> bool:
    """Whoever names a pickle on the command line means to load it, but shall know what that does."""
    if source.suffix.lower() in (".joblib", ".pkl", ".pickle", ".pt2"):
        instead = "" if source.suffix.lower() == ".pt2" else "; *.skops does not"
        _errors.print(f"note: loading {source} runs any code that it holds{instead}", markup=False)
    return True


@contextmanager
def _busy(what: str) -> Iterator[None]:
    """A spinner on a terminal, nothing when piped."""
    if not _errors.is_terminal:
        yield
        return
    with _errors.status(what):
        yield
