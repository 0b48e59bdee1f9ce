"""Declarations of models: what is understood, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.build import ModelDeclaration, parse_models, parse_yes_no, refuse_unknown_options
from milliwatt.build.declarations import split_words
from milliwatt.errors import MilliwattError
from milliwatt.options import ModelOptions

PROJECT = Path("/home/me/my project")
WHERE = "platformio.ini [env:uno] custom_milliwatt_models"


def parse(text: str) -> list[ModelDeclaration]:
    return parse_models(text, PROJECT, WHERE)


def test_lines_of_the_ini_file() -> None:
    models = parse(
        "\n  gesture = models/gesture.mw.json method=inline\n\n  fault=models/fault.joblib dtype=int16\n"
    )
    assert [(m.name, m.file, m.shown) for m in models] == [
        ("gesture", PROJECT / "models/gesture.mw.json", "models/gesture.mw.json"),
        ("fault", PROJECT / "models/fault.joblib", "models/fault.joblib"),
    ]
    assert [m.options for m in models] == [ModelOptions(method="inline"), ModelOptions(dtype="int16")]


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n"])
def test_nothing_declared(text: str) -> None:
    assert parse(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.mw.json method=inline", ["a.mw.json", "method=inline"]),
        ('"my models/a.mw.json"\tmethod=inline', ["my models/a.mw.json", "method=inline"]),
        ("'my models/a.mw.json'", ["my models/a.mw.json"]),
        ('a.skops calibration="my data.csv"', ["a.skops", "calibration=my data.csv"]),
        ('"o\'neil.mw.json"', ["o'neil.mw.json"]),
        ('"my"" models"/a', ["my models/a"]),
        (r"C:\models\new\a.mw.json", [r"C:\models\new\a.mw.json"]),
        (r'"C:\my models\a.mw.json"', [r"C:\my models\a.mw.json"]),
        ('"" x', ["", "x"]),
        ("   ", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@given(st.lists(st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"])), max_size=5))
def test_any_words_without_double_quotes_can_be_quoted(words: list[str]) -> None:
    assert split_words(" ".join(f'"{word}"' for word in words)) == words


def test_home_and_absolute_paths() -> None:
    home, elsewhere = parse("a = ~/a.mw.json\nb = /data/b.skops calibration=~/b.csv")
    assert home.file == Path.home() / "a.mw.json"
    assert elsewhere.file == Path("/data/b.skops")
    assert elsewhere.options.calibration == str(Path.home() / "b.csv")


def test_calibration_is_relative_to_the_project() -> None:
    (model,) = parse("a = a.skops calibration=data/a.csv")
    assert Path(model.options.calibration) == PROJECT / "data/a.csv"


@pytest.mark.parametrize(
    ("text", "problem", "cure"),
    [
        ("models/a.mw.json", "names no file", "name = file"),
        ("a =", "names no file", "name = file"),
        ('a = ""', "empty", "name = file"),
        ("int = a.mw.json", "'int' cannot be a model's name", "keyword"),
        ("my-model = a.mw.json", "'my-model' cannot be a model's name", "letters, digits and _"),
        ("a = a.mw.json\na = b.mw.json", "declared twice", "name of its own"),
        ("a = a.mw.json\nA = b.mw.json", "declared twice", "name of its own"),
        ("a = my models/a.mw.json", "'models/a.mw.json' is not option=value", "double quotes"),
        ('a = "my models/a.mw.json', "not closed", "double quotes"),
        ("a = a.mw.json method=fast", "method: 'fast' is not possible", "auto, inline, loadable, compact"),
        ("a = a.mw.json mehtod=inline", "unknown option 'mehtod'", "method, dtype, nan, calibration"),
        ("a = a.mw.json method=inline method=auto", "method: given twice", "once"),
        ("a = ~nobody_of_that_name/a.mw.json", "no such home", "write the path out"),
    ],
)
def test_mistakes(text: str, problem: str, cure: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        parse(text)
    assert str(caught.value).startswith(WHERE)
    assert problem in str(caught.value)
    assert cure in (caught.value.cure or "")


def test_a_mistake_names_the_model() -> None:
    with pytest.raises(MilliwattError) as caught:
        parse("good = a.mw.json\nbad = b.mw.json method=fast")
    assert str(caught.value).startswith(f"{WHERE}: bad: method: 'fast'")


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), (" TRUE ", True), ("1", True), ("no", False), ("off", False), ("", False)],
)
def test_yes_and_no(text: str, value: bool) -> None:
    assert parse_yes_no(text, "x") is value


def test_neither_yes_nor_no() -> None:
    with pytest.raises(MilliwattError, match="'maybe' is not possible\n  cure: write yes or no"):
        parse_yes_no("maybe", "x")


def test_a_slip_in_an_options_name() -> None:
    refuse_unknown_options(["custom_milliwatt_models", "custom_other", "board"], "platformio.ini")
    with pytest.raises(MilliwattError, match=r"platformio\.ini: custom_milliwatt_model: unknown option"):
        refuse_unknown_options(["custom_milliwatt_model"], "platformio.ini")
