"""``python -m milliwatt.build``: one model into a directory of its own, for ``milliwatt_add_model``.

What the PlatformIO hook does for an environment, on the same functions; in CMake each model of each target is
a build step of its own, which the build tool runs when something that it depends on has changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from milliwatt.build.conversion import Converter
from milliwatt.build.declarations import PYTHON, TRUST_PICKLE, ModelDeclaration, declare, parse_yes_no
from milliwatt.build.fingerprint import relevant_sources
from milliwatt.build.generation import generate
from milliwatt.errors import MilliwattError
from milliwatt.files import write_text

# What the options of a whole project are called in CMake.
_SPELLING = {PYTHON: "MILLIWATT_PYTHON", TRUST_PICKLE: "MILLIWATT_TRUST_PICKLE"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 when the model's C is up to date, else 1 and one message on stderr."""
    given = _parser().parse_args(arguments)
    try:
        model = declare(given.name, [given.file, *given.options], given.directory, given.where)
        trust = parse_yes_no(given.trust_pickle, f"{given.where} {_SPELLING[TRUST_PICKLE]}")
        converter = Converter(given.cache, given.directory, given.python, trust, note=_tell)
        (made,) = generate([model], given.output, converter)
        if given.stamp:
            # The stamp last: with it the step counts as done.
            write_text(given.stamp.with_suffix(".d"), depfile_text(given.stamp, _inputs(model)))
            write_text(given.stamp, "")
    except MilliwattError as error:
        sys.stderr.write(f"Error: milliwatt: {_in_words_of_cmake(str(error))}\n")
        return 1
    if made.changed:
        _tell(f"milliwatt: {made.summary}")
    return 0


def depfile_text(target: Path, inputs: Iterable[Path]) -> str:
    """A rule without a recipe, as compilers write it: what a build tool has to watch."""
    return f"{_escaped(target)}: \\\n" + " \\\n".join(f"  {_escaped(path)}" for path in inputs) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m milliwatt.build", description="a model to C in a build")
    parser.add_argument("name", help="prefix of all C names")
    parser.add_argument("file", help="the model")
    parser.add_argument("options", nargs="*", metavar="option=value", help="as in platformio.ini")
    parser.add_argument("--output", type=Path, required=True, help="directory for this model's C alone")
    parser.add_argument("--cache", type=Path, required=True, help="directory that keeps conversions")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where relative paths start from")
    parser.add_argument(
        "--where", default="milliwatt_add_model", help="place of the declaration, for messages"
    )
    parser.add_argument("--python", default="", help="the Python with the ML library")
    parser.add_argument("--trust-pickle", default="", help="yes: load formats that run code")
    parser.add_argument(
        "--stamp", type=Path, help="file to write at the end; *.d beside it says what was read"
    )
    return parser


def _inputs(model: ModelDeclaration) -> list[Path]:
    calibration = [Path(model.options.calibration)] if model.options.calibration else []
    return [model.file, *calibration, *relevant_sources()]


def _escaped(path: Path) -> str:
    # Windows takes slashes too, and a backslash would be an escape here.
    text = path.as_posix().replace("$", "$$")
    for char in " #":
        text = text.replace(char, f"\\{char}")
    return text


def _in_words_of_cmake(message: str) -> str:
    for name, spelling in _SPELLING.items():
        message = message.replace(name, spelling)
    return message


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
