"""The check protocol over a bad line: answers come out right, or a clear error does; never a wrong one."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.rig import protocol
from milliwatt.rig.line import Line, RigError
from milliwatt.rig.protocol import Answer, Hello, LineReader, Refusal, Stats
from milliwatt.rig.session import Expected, Session
from milliwatt.rig.transfer import Patience

EXPECTED = Expected("0123456789abcdef", "gesture", 4, 0, "cycles")
Noise = Callable[[bytes], bytes]


def model(image: bytes) -> int:
    """What the fake device predicts: something every bit of a row has a part in."""
    return zlib.crc32(image) % 1000


class Device:
    """A check firmware in Python, a second reading of PROTOCOL.md."""

    def __init__(self, identity: Expected = EXPECTED, version: int = protocol.VERSION) -> None:
        self.identity, self.version = identity, version
        self.reader = LineReader()
        self.rows = self.refused = 0

    def hear(self, data: bytes) -> bytes:
        return b"".join(self._answer(line) for line in self.reader.feed(data))

    def _answer(self, line: bytes) -> bytes:
        payload = protocol.unframe(line)
        if payload is None:
            self.refused += 1
            return protocol.frame("n crc")
        if payload.startswith("mw? "):
            i = self.identity
            numbers = f"{i.n_features} {i.n_outputs}"
            return protocol.frame(
                f"mw! {self.version} {i.build_id} {i.model} {numbers} {i.unit} {payload[4:]}"
            )
        if payload.startswith("s"):
            return protocol.frame(f"{payload} {self.rows} {self.refused} 10 100 120")
        if len(payload) != 9 + 4 * self.identity.n_features:
            return protocol.frame("n form")
        self.rows += 1
        image = bytes.fromhex(payload[9:])
        outputs = f" {image.hex()[:8] * self.identity.n_outputs}" if self.identity.n_outputs else ""
        return protocol.frame(f"a{payload[1:9]} +{model(image):08x} {len(image)}{outputs}")


class Port:
    """A serial port to a device in the same thread; time passes only while nothing comes."""

    def __init__(self, device: Device, out: Noise | None = None, back: Noise | None = None) -> None:
        self.device = device
        self.out, self.back = out or (lambda data: data), back or (lambda data: data)
        self.buffer = b""
        self.time = 0.0
        self.timeout: float | None = None

    @property
    def in_waiting(self) -> int:
        return len(self.buffer)

    def clock(self) -> float:
        self.time += 1e-6
        return self.time

    def write(self, data: bytes) -> int:
        self.buffer += self.back(self.device.hear(self.out(data)))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        if not self.buffer:
            self.time += self.timeout or 0
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data


def session(port: Port, expected: Expected = EXPECTED, window: int = 4, attempts: int = 12) -> Session:
    return Session(Line(port, port.clock), expected, window=window, patience=Patience(attempts=attempts))


def images(count: int, size: int = 8) -> list[bytes]:
    return [random.Random(i).randbytes(size) for i in range(count)]


def check_answers(answers: list[Answer], rows: list[bytes]) -> None:
    assert [answer.status for answer in answers] == [model(image) for image in rows]
    assert {answer.cost for answer in answers} == {8}


# -- a good line ----------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 3, 64])
def test_good_line(window: int) -> None:
    device = Device()
    talk = session(Port(device), window=window)
    talk.hello()
    rows = images(50)
    check_answers(talk.predict(rows), rows)
    check_answers(talk.predict(rows[:7]), rows[:7])
    assert talk.predict([]) == []
    assert talk.stats().rows == 57
    assert talk.resent == 0
    assert device.rows == 57


def test_the_crc_is_zlibs() -> None:
    assert protocol.frame("123456789") == b"123456789*cbf43926\n"


def test_float_outputs_travel_bit_by_bit() -> None:
    expected = Expected("0123456789abcdef", "gesture", 4, 2, "cycles")
    talk = session(Port(Device(expected)), expected)
    talk.hello()
    (answer,) = talk.predict([b"\x00\x00\xc0\x7f\xff\xff\x7f\x80"])
    assert answer.outputs == b"\x00\x00\xc0\x7f" * 2


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("a0000002a +00000003 17", Answer(42, 3, 17)),
        ("a00000000 -00000002 0", Answer(0, -2, 0)),
        ("a00000001 +00000000 5 0000803f", Answer(1, 0, 5, b"\x00\x00\x80\x3f")),
        ("s00000001 2 3 4 5 6", Stats(1, 2, 3, 4, 5, 6)),
        ("n crc", Refusal("crc")),
        ("mw! 1 ab12 gesture 24 0 cycles 0000000f", Hello(1, "ab12", "gesture", 24, 0, "cycles", 15)),
        ("mw! 2 something else altogether", Hello(2, "", "", 0, 0, "", -1)),
        ("a0000002a +00000003", None),
        ("a0000002a 00000003 17", None),
        ("a00000001 +00000000 5 0000803", None),
        ("n why", None),
        ("", None),
    ],
)
def test_parse(payload: str, message: object) -> None:
    assert protocol.parse(payload) == message


# -- who is there ---------------------------------------------------------------------------------


def refusal(device: Device, expected: Expected = EXPECTED) -> str:
    with pytest.raises(RigError) as caught:
        session(Port(device), expected).hello()
    return str(caught.value)


def test_a_stale_firmware_is_refused() -> None:
    message = refusal(Device(Expected("ffff", "gesture", 4, 0, "cycles")))
    assert "not the one just built" in message
    assert "ffff" in message
    assert EXPECTED.build_id in message
    assert "flash again" in message


def test_another_protocol_version_is_refused() -> None:
    assert "protocol version 2" in refusal(Device(version=2))


def test_another_unit_is_refused() -> None:
    message = refusal(Device(Expected(EXPECTED.build_id, "gesture", 4, 0, "us")))
    assert "cost_unit" in message


def test_nobody_there() -> None:
    class Mute(Device):
        def hear(self, data: bytes) -> bytes:
            return b"Hello from the boot loader\r\n"

    message = refusal(Mute())
    assert "no check firmware answered within 20 s" in message
    assert "Hello from the boot loader" in message


def test_an_answer_to_an_earlier_question_is_not_ours() -> None:
    port = Port(Device())
    other = Expected("old", "gesture", 4, 0, "cycles")
    port.buffer = Device(other).hear(protocol.ask_hello(1)) + b"half a li"
    session(port).hello()


def test_a_broken_line_is_a_clear_error() -> None:
    class Broken(Port):
        def read(self, size: int = 1) -> bytes:
            raise OSError("device gone")

    with pytest.raises(RigError, match=r"the serial line broke: device gone[^$]*cure"):
        session(Broken(Device())).hello()


# -- a bad line -----------------------------------------------------------------------------------


def flaky(rate: float, seed: int) -> Noise:
    """Loses, garbles, doubles and invents bytes."""
    source = random.Random(seed)

    def pass_on(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if source.random() >= rate:
                out.append(byte)
                continue
            kind = source.randrange(4)
            if kind == 1:
                out.append(byte ^ (1 << source.randrange(8)))
            elif kind == 2:
                out += bytes([byte, byte])
            elif kind == 3:
                out += source.randbytes(3)
        return bytes(out)

    return pass_on


@pytest.mark.parametrize("window", [1, 8])
@pytest.mark.parametrize("seed", range(8))
def test_a_flaky_line_costs_time_only(seed: int, window: int) -> None:
    port = Port(Device(), flaky(0.004, seed), flaky(0.004, seed + 1000))
    talk = session(port, window=window, attempts=60)
    talk.hello()
    rows = images(300)
    check_answers(talk.predict(rows), rows)
    assert talk.resent > 0


@given(
    out=st.lists(st.tuples(st.integers(0, 120), st.sampled_from("dxib"), st.integers(1, 255)), max_size=40),
    back=st.lists(st.tuples(st.integers(0, 120), st.sampled_from("dxib"), st.integers(1, 255)), max_size=40),
    window=st.integers(1, 8),
)
def test_any_noise_gives_right_answers_or_an_error(
    out: list[tuple[int, str, int]], back: list[tuple[int, str, int]], window: int
) -> None:
    port = Port(Device(), script(out), script(back))
    talk = session(port, window=window)
    rows = images(12)
    problem, answers = "", []
    try:
        talk.hello()
        answers = talk.predict(rows)
        talk.stats()
    except RigError as error:
        problem = str(error)
    if answers:
        check_answers(answers, rows)
    else:
        assert "cure:" in problem
    assert port.time < 12 * 12 * 5 + 12 * 5 + 20


def script(faults: list[tuple[int, str, int]]) -> Noise:
    """Faults at given distances: drop a byte, flip bits of it, insert another, or send a block twice."""
    pending = list(faults)
    left = pending[0][0] if pending else -1

    def pass_on(data: bytes) -> bytes:
        nonlocal left
        result = bytearray()
        for position, byte in enumerate(data):
            if not pending or left > 0:
                left -= 1
                result.append(byte)
                continue
            _, kind, value = pending.pop(0)
            left = pending[0][0] if pending else -1
            if kind == "x":
                result.append(byte ^ value)
            elif kind == "i":
                result += bytes([value, byte])
            elif kind == "b":
                result += data[max(0, position - value) : position + 1] * 2
        return bytes(result)

    return pass_on


def test_a_dead_line_is_an_error_in_bounded_time() -> None:
    port = Port(Device())
    talk = session(port)
    talk.hello()
    port.back = lambda data: b""
    with pytest.raises(RigError, match=r"row 0 got no answer in 12 attempts \(0 of 20 rows were answered"):
        talk.predict(images(20))
    assert port.time < 12 * 5 + 30


def test_lines_that_come_twice_count_once() -> None:
    device = Device()
    talk = session(Port(device, back=lambda data: data * 3))
    talk.hello()
    rows = images(30)
    check_answers(talk.predict(rows), rows)
    assert device.rows == 30


def test_two_different_answers_to_one_row_are_an_error() -> None:
    class Fickle(Device):
        def _answer(self, line: bytes) -> bytes:
            answer = super()._answer(line)
            if not answer.startswith(b"a"):
                return answer
            return answer + protocol.frame(f"{answer[:9].decode()} +00000bad 8")

    talk = session(Port(Fickle()), window=1)
    talk.hello()
    with pytest.raises(RigError, match="answered in two ways"):
        talk.predict(images(5))


def test_an_answer_nobody_asked_for_is_an_error() -> None:
    class Eager(Device):
        def _answer(self, line: bytes) -> bytes:
            return super()._answer(line).replace(b"a00000000", b"a00000009")

    port = Port(Eager(), back=lambda data: b"".join(map(reframe, data.splitlines())))
    talk = session(port, window=1)
    talk.hello()
    with pytest.raises(RigError, match="row 9, which was never sent"):
        talk.predict(images(3))


def reframe(line: bytes) -> bytes:
    return protocol.frame(line.rpartition(b"*")[0].decode())


def test_a_row_that_does_not_fit_is_an_error() -> None:
    talk = session(Port(Device()))
    talk.hello()
    with pytest.raises(RigError, match="does not understand a row"):
        talk.predict([b"too long for this"])


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_lines_are_cut_the_same_however_they_come(chunks: list[bytes]) -> None:
    reader = LineReader()
    lines = [line for chunk in chunks for line in reader.feed(chunk)]
    whole = b"".join(chunks).split(b"\n")
    assert lines == [line for line in whole[:-1] if line]
    assert reader.rest == whole[-1]


@given(st.binary(max_size=60))
def test_garbage_is_no_message(data: bytes) -> None:
    payload = protocol.unframe(data)
    assert payload is None or protocol.frame(payload) == data + b"\n"


@given(st.binary(min_size=1, max_size=40), st.data())
def test_every_burst_up_to_32_bits_is_found(image: bytes, data: st.DataObject) -> None:
    line = bytearray(protocol.send_row(7, image)[:-1])
    start = data.draw(st.integers(0, len(line) - 4))
    burst = data.draw(st.binary(min_size=4, max_size=4).filter(any))
    for offset, bits in enumerate(burst):
        line[start + offset] ^= bits
    assert protocol.unframe(bytes(line)) is None
