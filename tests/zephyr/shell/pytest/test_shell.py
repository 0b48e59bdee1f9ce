"""mw list, mw predict and mw bench, as somebody types them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from twister_harness import Shell

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "scripts"))

from milliwatt import ir  # noqa: E402
from milliwatt.host import HostModel  # noqa: E402


def said(shell: Shell, command: str) -> list[str]:
    """What the shell answers, without the line that was typed and the prompt."""
    lines = shell.exec_command(command)
    return [line for line in lines if line.strip() and "uart:~$" not in line and line != command]


def host(path: str) -> HostModel:
    return HostModel(ir.load(ROOT / path))


def test_list(shell: Shell) -> None:
    lines = said(shell, "mw list")
    assert sorted(lines) == [
        "activity: classifier, 24 int16 features, 7 classes, in the firmware",
        "hello_xor: classifier, 2 int8 features, 2 classes, in the firmware",
        "regressor: regressor, 4 float features, 1 outputs, in the firmware",
    ]


@pytest.mark.parametrize("a", [0, 1])
@pytest.mark.parametrize("b", [0, 1])
def test_predict_a_class(shell: Shell, a: int, b: int) -> None:
    wanted = ["class 1: same"] if a == b else ["class 0: different"]
    assert said(shell, f"mw predict hello_xor {a} {b}") == wanted
    assert said(shell, f"mw predict hello_xor {a},{b}") == wanted


def test_more_features_than_the_shell_takes_words(shell: Shell) -> None:
    model = host("tests/zephyr/parity/models/activity.mw.json")
    values = np.random.default_rng(0).integers(-3000, 3000, (3, 24)).astype(np.int16)
    for row, wanted in zip(values, model.predict(values), strict=True):
        (answer,) = said(shell, f"mw predict activity {','.join(map(str, row))}")
        assert answer.startswith(f"class {wanted}: ")


def test_predict_a_value(shell: Shell) -> None:
    model = host("tests/zephyr/parity/models/regressor.mw.json")
    for row in (["0.1", "-.2", "1.5e-1", "7"], ["-1", "+1", "0.25E1", "1e9"], ["-inf", "inf", "0", "-0.0"]):
        (answer,) = said(shell, "mw predict regressor " + " ".join(row))
        name, value = answer.split(": ")
        assert name == "output 0"
        assert np.float32(value) == model.regress(np.array([row]).astype(np.float32))[0, 0]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("mw predict hello_xor 1", "hello_xor takes 2 values, 1 are given"),
        ("mw predict hello_xor 1 0 1", "hello_xor takes 2 values, more are given"),
        ("mw predict hello_xor 1 x", "'x' is no number, and no numbers with commas between"),
        ("mw predict hello_xor 1,,0", "'1,,0' is no number, and no numbers with commas between"),
        ("mw predict hello_xor 1 128", "value 2 of '128' is no int8"),
        ("mw predict hello_xor 1 0.5", "value 2 of '0.5' is no int8"),
        ("mw predict hello_xor nan 0", "value 1 of 'nan' is no int8"),
        ("mw predict nothing 1", "there is no model 'nothing': see mw list"),
        (
            "mw predict regressor 1 2 3 nan",
            "error -3: a feature is NaN and the model was not trained on missing values",
        ),
        ("mw bench hello_xor 0", "'0' is no number of runs from 1 to 1000000"),
        ("mw bench hello_xor 1.5", "'1.5' is no number of runs from 1 to 1000000"),
        ("mw bench hello_xor 1000001", "'1000001' is no number of runs from 1 to 1000000"),
        ("mw bench hello_xor many", "'many' is no number of runs from 1 to 1000000"),
        ("mw bench hello_xor 5 1", "hello_xor takes 2 values, 1 are given"),
    ],
)
def test_what_is_refused(shell: Shell, command: str, answer: str) -> None:
    assert answer in said(shell, command)


def test_bench(shell: Shell) -> None:
    lines = said(shell, "mw bench activity 20")
    found = re.fullmatch(
        r"activity: 20 runs, cycles of the system timer: least (\d+), mean (\d+), most (\d+)", lines[0]
    )
    assert found is not None, lines
    least, mean, most = map(int, found.groups())
    assert least <= mean <= most
    assert re.fullmatch(r"one prediction: \d+ ns on average, at [1-9]\d* cycles a second", lines[1])
    assert lines[2].startswith("class ")


def test_bench_with_values(shell: Shell) -> None:
    assert said(shell, "mw bench hello_xor 5 1 0")[-1] == "class 0: different"
    assert said(shell, "mw bench hello_xor 5")[-1] == "class 1: same"
