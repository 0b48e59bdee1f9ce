"""pytest plugin: the ``rig`` fixture, a board to check models on.

    def test_on_the_board(rig):
        report = rig.check(model, windows, expected=forest.predict_proba(windows))
        assert report.perfect, report.disagreements

``pytest --mw-board qemu_cortex_m4f --mw-board my_board.yaml`` runs the test once a board; without the
option it runs on the one named by ``mw_board`` in pytest's ini file, by default ``qemu_cortex_m4f``.
``--mw-port`` names the serial port of a real board. Real boards are locked by pytest-xdist's workers
only through their port: give each its own worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from milliwatt.model import Model
    from milliwatt.rig import Board, CheckReport

DEFAULT_BOARD = "qemu_cortex_m4f"


class Rig:
    """A board, and what can be done with it.

    Attributes:
        board: its description.
        port: serial port of a real board, or None.
    """

    def __init__(self, board: Board, port: str | None = None) -> None:
        self.board = board
        self.port = port

    def check(self, model: Model, samples: Any, **options: Any) -> CheckReport:
        """:func:`milliwatt.rig.check` on this board; takes the same options."""
        from milliwatt.rig import check

        return check(model, self.board, samples, port=self.port, **options)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("milliwatt")
    group.addoption(
        "--mw-board",
        action="append",
        metavar="BOARD",
        help="board of the `rig` fixture: name or YAML file; repeatable",
    )
    group.addoption("--mw-port", metavar="PORT", help="serial port of a real board")
    parser.addini(
        "mw_board", "boards of `rig` unless --mw-board is given", type="args", default=[DEFAULT_BOARD]
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rig" not in metafunc.fixturenames:
        return
    boards = metafunc.config.getoption("--mw-board") or metafunc.config.getini("mw_board")
    names = [Path(board).stem for board in boards]
    metafunc.parametrize("rig", boards, indirect=True, ids=names, scope="session")


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Rig:
    """A board to check models on; see ``milliwatt.rig.plugin``."""
    from milliwatt.rig import load_board

    board = load_board(request.param)
    port = None if board.is_virtual else request.config.getoption("--mw-port")
    return Rig(board, port)
