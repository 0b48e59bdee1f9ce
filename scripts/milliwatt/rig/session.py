"""A conversation with a check firmware: handshake, rows out, answers back, statistics."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.rig import protocol
from milliwatt.rig.line import Line, RigError
from milliwatt.rig.protocol import Answer, Hello, Refusal, Stats
from milliwatt.rig.transfer import Patience, Transfer

_HELLO_PAUSE = 0.5  # seconds between questions while a board starts


@dataclass(frozen=True)
class Expected:
    """The firmware a session will talk to; any other is refused."""

    build_id: str
    model: str
    n_features: int
    n_outputs: int
    unit: str


class Session:
    """Talks to one firmware.

    Args:
        line: an open line to the board.
        expected: the firmware that must be on the board.
        window: rows under way at once.
        patience: timeouts and bounds.
    """

    def __init__(
        self, line: Line, expected: Expected, *, window: int = 1, patience: Patience | None = None
    ) -> None:
        self._line = line
        self._expected = expected
        self._window = window
        self._patience = patience or Patience()
        self._next_number = 0
        self.resent = 0

    def hello(self) -> None:
        """Ask who is there until somebody answers, and refuse anybody but the expected firmware."""
        nonce = secrets.randbits(32)
        deadline = self._line.now() + self._patience.hello
        while self._line.now() < deadline:
            # The empty line ends what an earlier program may have left half said.
            self._line.send(b"\n" + protocol.ask_hello(nonce))
            until = min(self._line.now() + _HELLO_PAUSE, deadline)
            while self._line.now() < until:
                message = self._line.receive(until)
                if isinstance(message, Hello) and (
                    message.version != protocol.VERSION or message.nonce == nonce
                ):
                    self._check_identity(message)
                    return
        raise self._line.failure(
            f"no check firmware answered within {self._patience.hello:g} s",
            "check that the firmware was flashed to this board, the port and the baud rate",
        )

    def predict(self, images: Sequence[bytes]) -> list[Answer]:
        """The answers to rows of features, in their order.

        Args:
            images: each row's features as they lie in little-endian memory.

        Raises:
            RigError: a row was not answered, or in two ways.
        """
        transfer = Transfer(
            self._line,
            images,
            first=self._next_number,
            window=self._window,
            patience=self._patience,
            output_bytes=4 * self._expected.n_outputs,
        )
        self._next_number += len(images)
        answers = transfer.run()
        self.resent += transfer.resent
        return answers

    def stats(self) -> Stats:
        """The firmware's own statistics."""
        for _ in range(self._patience.attempts):
            nonce = secrets.randbits(32)
            self._line.send(protocol.ask_stats(nonce))
            until = self._line.now() + self._patience.reply
            while self._line.now() < until:
                message = self._line.receive(until)
                if isinstance(message, Stats) and message.nonce == nonce:
                    return message
                if message is None or isinstance(message, Refusal):
                    break
        raise self._line.failure(
            "the firmware does not answer when asked for its statistics", "check the line"
        )

    def _check_identity(self, hello: Hello) -> None:
        if hello.version != protocol.VERSION:
            raise RigError(
                f"the firmware speaks protocol version {hello.version}, this PC {protocol.VERSION}",
                cure="build and flash the check firmware again",
            )
        said = Expected(hello.build_id, hello.model, hello.n_features, hello.n_outputs, hello.unit)
        if said.build_id != self._expected.build_id:
            raise RigError(
                f"the firmware on the board is not the one just built: it is build {said.build_id} of model"
                f" {said.model!r}, expected build {self._expected.build_id} of {self._expected.model!r}",
                cure="flash again, and check that this port leads to the board that was flashed",
            )
        if said.unit != self._expected.unit:
            raise RigError(
                f"the board counts {said.unit}, its description says {self._expected.unit}",
                option="cost_unit",
                cure=f"write `cost_unit: {said.unit}` in the board's YAML file",
            )
        if said != self._expected:
            raise RigError(
                f"the firmware describes itself as {said}, expected {self._expected}",
                cure="this is a bug in Milliwatt",
            )
