"""``west milliwatt export|emit|check``: the command line of this very clone, in west's Python or another."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from west.commands import WestCommand

SCRIPTS = Path(__file__).resolve().parent
VERBS = ("export", "emit", "check")
OPTION = "milliwatt.python"

_DESCRIPTION = f"""\
Runs the command line of Milliwatt: `west milliwatt emit --help` says what it takes.

  export   a fitted estimator to *.mw.json, the file a firmware build needs
  emit     a *.mw.json to C, to a blob (*.mw.bin) for a flash partition, or to CSV
  check    a model on a board, every answer compared with this PC's

`emit` needs no more than Python. The others need Milliwatt's packages, in the Python that runs west or in the
one that --python or `west config {OPTION} <python>` names.
"""


class Milliwatt(WestCommand):
    """The command; everything after it goes to Milliwatt as it is."""

    def __init__(self) -> None:
        super().__init__(
            "milliwatt", "convert, emit and check trained models", _DESCRIPTION, accepts_unknown_args=True
        )

    def do_add_parser(self, parser_adder: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = parser_adder.add_parser(
            self.name,
            help=self.help,
            description=self.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--python", help="the Python with the ML library")
        parser.add_argument("verb", choices=VERBS)
        # Not parsed here, or -h would be west's.
        parser.add_argument("rest", nargs=argparse.REMAINDER, help="what the verb takes")
        return parser

    def do_run(self, args: argparse.Namespace, unknown: list[str]) -> None:
        python = args.python or self.config.get(OPTION, default=None) or sys.executable
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_path())}
        try:
            module = self._module(python, args.verb)
            done = subprocess.run([python, "-m", *module, *unknown, *args.rest], env=environment, check=False)
        except OSError as error:
            self.die(f"{python} cannot be started: {error.strerror or error}")
        if done.returncode != 0:
            sys.exit(done.returncode)

    def _module(self, python: str, verb: str) -> list[str]:
        """The whole command line if its packages are there, else what does with Python alone."""
        probe = [python, "-c", "import numpy, rich, typer"]
        if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return ["milliwatt", verb]
        if verb != "emit":
            self.die(
                f"{python} does not have the packages that `{verb}` needs\n"
                f"  cure: {python} -m pip install -e {SCRIPTS.parent}, or name another with --python"
            )
        return ["milliwatt.emit"]


def _path() -> list[str]:
    """This clone comes first, whatever else is installed."""
    return [str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]
