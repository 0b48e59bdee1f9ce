"""Rows on their way to a board: each is sent until it is answered, never guessed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.rig import protocol
from milliwatt.rig.line import Line
from milliwatt.rig.protocol import Answer, Refusal


@dataclass(frozen=True)
class Patience:
    """When to send again and when to give up.

    Attributes:
        reply: seconds without progress after which all waiting rows are sent again.
        attempts: how often a line is sent at most.
        hello: seconds a board has to start and answer the handshake.
    """

    reply: float = 5.0
    attempts: int = 12
    hello: float = 20.0


class Transfer:
    """Sends rows and collects their answers, at most ``window`` of them under way.

    Args:
        line: an open line to a firmware that has answered the handshake.
        images: each row's features as they lie in little-endian memory.
        first: number of the first row; no number may be used twice on a line.
        window: rows under way at once.
        patience: timeouts and bounds.
        output_bytes: size of the outputs in an answer.
    """

    def __init__(
        self,
        line: Line,
        images: Sequence[bytes],
        *,
        first: int,
        window: int,
        patience: Patience,
        output_bytes: int,
    ) -> None:
        self._line = line
        self._images = images
        self._first = first
        self._window = window
        self._patience = patience
        self._output_bytes = output_bytes
        self._answers: dict[int, Answer] = {}
        self._attempts = [0] * len(images)
        self._to_send = deque(range(len(images)))
        self._waiting: deque[int] = deque()  # rows under way, in the order they were last sent
        self._last_refusal = ""
        self.resent = 0

    def run(self) -> list[Answer]:
        """The answers in the order of the rows."""
        self._fill()
        deadline = self._line.now() + self._patience.reply
        while self._waiting:
            message = self._line.receive(deadline)
            if isinstance(message, Answer):
                if not self._take(message):
                    continue
                self._fill()
            elif self._line.now() >= deadline:
                self._send_again(len(self._waiting))
            else:
                if message is None or isinstance(message, Refusal):
                    self._lost_one(message)
                continue
            deadline = self._line.now() + self._patience.reply
        return [self._answers[row] for row in range(len(self._images))]

    def _fill(self) -> None:
        """Send new rows while the window has room."""
        room = min(self._window - len(self._waiting), len(self._to_send))
        self._send([self._to_send.popleft() for _ in range(room)])

    def _send_again(self, count: int) -> None:
        """Send the ``count`` rows that wait longest once more."""
        self.resent += count
        self._send([self._waiting.popleft() for _ in range(count)])

    def _send(self, rows: Sequence[int]) -> None:
        lines = []
        for row in rows:
            self._attempts[row] += 1
            if self._attempts[row] > self._patience.attempts:
                raise self._given_up(row)
            self._waiting.append(row)
            lines.append(protocol.send_row(self._first + row, self._images[row]))
        if lines:
            self._line.send(b"".join(lines))

    def _given_up(self, row: int) -> Exception:
        refused = f", the board last refused a line as {self._last_refusal}" if self._last_refusal else ""
        return self._line.failure(
            f"row {row} got no answer in {self._patience.attempts} attempts"
            f" ({len(self._answers)} of {len(self._images)} rows were answered{refused})",
            "check the line: cable, baud rate, other programs on the same port",
        )

    def _lost_one(self, refusal: Refusal | None) -> None:
        """A garbled line, on either side: answers come in order, so the oldest row is the likely one."""
        if refusal is not None:
            self._last_refusal = "garbled" if refusal.reason == "crc" else "malformed"
            if refusal.reason == "form":
                raise self._line.failure(
                    "the firmware does not understand a row that reached it whole",
                    "this is a bug in Milliwatt",
                )
        self._send_again(1)

    def _take(self, answer: Answer) -> bool:
        """Whether an answer is news; if so it is kept, and rows it overtook are sent again."""
        row = answer.row - self._first
        if -self._first <= row < 0:
            return False  # late, of an earlier transfer on this line
        if row < 0 or row >= len(self._images) or not self._attempts[row]:
            raise self._line.failure(
                f"the board answered row {answer.row}, which was never sent", "this is a bug in the firmware"
            )
        self._check_form(answer, row)
        if row in self._answers:
            self._check_same(self._answers[row], answer, row)
            return False
        self._answers[row] = answer
        overtaken = self._waiting.index(row)
        self._waiting.remove(row)
        self._send_again(overtaken)
        return True

    def _check_form(self, answer: Answer, row: int) -> None:
        wanted = self._output_bytes if answer.status >= 0 else 0
        if len(answer.outputs) != wanted:
            raise self._line.failure(
                f"the answer to row {row} has {len(answer.outputs)} bytes of outputs instead of {wanted}",
                "this is a bug in the firmware",
            )

    def _check_same(self, known: Answer, answer: Answer, row: int) -> None:
        # The cost may differ, on real parts with caches.
        if (known.status, known.outputs) != (answer.status, answer.outputs):
            raise self._line.failure(
                f"row {row} was answered in two ways: {known} and {answer}",
                "a prediction depends on nothing but its features: look for stack overflow and power supply",
            )
