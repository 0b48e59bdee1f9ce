"""Feeds mutated CSV to the reader: any outcome but a model or a MilliwattError is a finding.

    python tests/fuzz/fuzz_csv.py 100000                 guided by coverage, where atheris is installed
                                                         (pip install -e '.[fuzz]')
    python tests/fuzz/fuzz_csv.py 100000 --engine plain  by this file's own mutations, the same every time
    python tests/fuzz/fuzz_csv.py --replay FILE          one input again, with its traceback

Starts from the files in tests/python/emlearn_csv. A model that is accepted has to be valid, come back
from our own CSV, and take samples. Exit status 0: no finding; else the input is printed, or written to
a file (atheris). Inputs are at most 4 KB; one that takes 10 s or 1 GB is a finding too (atheris only).
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
CORPUS = TESTS / "python" / "emlearn_csv"
MAX_BYTES = 4096
HAS_ATHERIS = importlib.util.find_spec("atheris") is not None


def _instrumented() -> AbstractContextManager[Any]:
    if __name__ != "__main__" or not HAS_ATHERIS or "plain" in sys.argv:
        return nullcontext()
    import atheris

    instrument: AbstractContextManager[Any] = atheris.instrument_imports(include=["milliwatt.ir"])
    return instrument


with _instrumented():
    from milliwatt.emit.csv import emit_csv
    from milliwatt.errors import MilliwattError
    from milliwatt.ir import TreeEnsemble, validate
    from milliwatt.ir.csv_reader import loads_csv

DTYPES = ("auto", "float", "int8", "uint8", "int16", "int32")
# What fields are replaced by: ends of ranges, spellings that Python takes and C does not, other scripts.
_WORDS = """
    0 1 -1 2 -2 3 7 8 9 32 127 128 255 256 300 -32768 -32769 32767 32768 32769 65535 65536 99999 2147483647
    2147483648 -2147483649 4294967296 999999999 9999999999 0.5 -0.0 1e-45 1e-400 1e38 3.4028234663852886e38
    3.4028235677973366e38 1e39 1e308 1e999 -1e999 inf -inf nan NaN Infinity 1_0 0x10 1. .5 . - + e 1e 00 ２ ²
    [] [ ] [0] [255] [0.5] [1e39] [...] f c lb l r n
"""
TOKENS = (*_WORDS.split(), "", " ", "[1 2]", "[ 0 255\n 0]", "\ufeff", "\x00", "9" * 5000)


def outcome(data: bytes) -> TreeEnsemble | None:
    """Read one input; None when it was refused as it should be. Raises on a finding."""
    dtype = DTYPES[data[0] % len(DTYPES)] if data else "auto"
    text = data[1:].decode("utf-8", "replace")
    try:
        model = loads_csv(text, dtype=dtype)
    except MilliwattError as error:
        if not error.cure or not (error.option or "line ").startswith("line "):
            raise AssertionError("refused without a cure, or by the validation after the reader") from error
        return None
    validate(model)
    try:
        written = emit_csv(model)
    except MilliwattError:
        return model  # an infinite threshold cannot be made by `<`, but by the reader's rounding
    again = loads_csv(written, dtype=model.dtype)
    assert (again.task, again.n_features, again.n_splits) == (model.task, model.n_features, model.n_splits)
    assert [tree.threshold for tree in again.trees] == [tree.threshold for tree in model.trees]
    return model


def corpus() -> list[bytes]:
    files = sorted(CORPUS.glob("*.csv"), key=lambda path: path.stat().st_size)
    assert files, f"no files in {CORPUS}"
    return [bytes([kind]) + path.read_bytes() for kind in range(len(DTYPES)) for path in files]


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One to four changes of lines, fields or bytes."""
    for _ in range(rng.randint(1, 4)):
        head, lines = data[:1], data[1:].split(b"\n")
        at = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif kind == 2:
            other = rng.choice(others)[1:].split(b"\n")
            lines[at:] = other[rng.randrange(len(other)) :]
        elif kind == 3:
            lines = lines[: at + 1]
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif kind == 4 and data:
            flipped = bytearray(data)
            flipped[rng.randrange(len(flipped))] = rng.randrange(256)
            data = bytes(flipped)
            continue
        else:
            fields = lines[at].split(b",")
            fields[rng.randrange(len(fields))] = rng.choice(TOKENS).encode()
            lines[at] = b",".join(fields)
        data = head + b"\n".join(lines)
    return data[: 3 * MAX_BYTES]


def mutate_and_run(runs: int, seed: int = 0) -> int:
    """Try so many inputs; how many were models. Raises on the first finding, after printing its input."""
    rng, seeds, models = random.Random(seed), corpus(), 0
    pool = list(seeds)
    for _ in range(runs):
        data = mutated(rng.choice(pool), rng, seeds)
        try:
            accepted = outcome(data) is not None
        except BaseException:
            print(f"finding: {data!r}", file=sys.stderr)
            raise
        models += accepted
        if accepted:  # builds on what is still a model, so that changes add up
            pool = [*pool[-200:], data] if len(pool) > 400 else [*pool, data]
    return models


def run_atheris(runs: int, seed: int) -> None:
    """Does not come back: libFuzzer ends the process."""
    import atheris

    seeds = corpus()

    def mutator(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        changed = mutated(data, rng, seeds) if rng.random() < 0.7 else atheris.Mutate(data, max_size)
        return bytes(changed[:max_size])

    start = TESTS.parent / "build" / "fuzz" / "csv"
    start.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds):
        (start / f"seed-{index}").write_bytes(data)
    options = [
        f"-atheris_runs={runs}",
        f"-runs={runs}",
        f"-seed={seed + 1}",
        f"-max_len={MAX_BYTES}",
        "-timeout=10",
    ]
    options += ["-rss_limit_mb=1024", "-print_final_stats=1", f"-artifact_prefix={start}/", str(start)]
    atheris.Setup([sys.argv[0], *options], lambda data: outcome(data) and None, custom_mutator=mutator)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description="fuzz the CSV reader")
    parser.add_argument("runs", type=int, nargs="?", default=10_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("auto", "atheris", "plain"), default="auto")
    parser.add_argument("--replay", type=Path, help="one input, as libFuzzer wrote it")
    given = parser.parse_args()
    if given.replay:
        print(outcome(given.replay.read_bytes()))
    elif given.engine == "atheris" or (given.engine == "auto" and HAS_ATHERIS):
        run_atheris(given.runs, given.seed)
    else:
        begin = time.perf_counter()
        models = mutate_and_run(given.runs, given.seed)
        print(
            f"{given.runs} inputs, {models} of them models, {time.perf_counter() - begin:.0f} s: no finding"
        )


if __name__ == "__main__":
    main()
