"""Options: the same names everywhere, and what is wrong is said with what is possible."""

from __future__ import annotations

import pytest

from milliwatt.errors import MilliwattError
from milliwatt.options import CHOICES, ModelOptions, parse_options


def test_defaults_decide_for_themselves() -> None:
    assert ModelOptions() == ModelOptions(method="auto", dtype="auto", nan="auto", calibration="")
    assert not ModelOptions().needs_estimator


def test_parsed_from_text() -> None:
    options = parse_options({"method": "inline", "dtype": "int16", "nan": "refuse", "calibration": "a b.csv"})
    assert options == ModelOptions("inline", "int16", "refuse", "a b.csv")
    assert options.needs_estimator


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ({"method": "inline"}, False),
        ({"dtype": "float"}, True),
        ({"nan": "ignore"}, True),
        ({"calibration": "x.csv"}, True),
    ],
)
def test_which_options_need_the_estimator(given: dict[str, str], needs: bool) -> None:
    assert parse_options(given).needs_estimator is needs


def test_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(MilliwattError) as caught:
        parse_options({"metod": "inline"})
    message = str(caught.value)
    assert "unknown option 'metod'" in message
    assert "cure:" in message
    for name in ("method", "dtype", "nan", "calibration"):
        assert name in message


@pytest.mark.parametrize("option", CHOICES)
@pytest.mark.parametrize("value", ["", "fast", "INLINE", "int64", " float"])
def test_impossible_value_lists_the_possible_ones(option: str, value: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        parse_options({option: value})
    assert caught.value.option == option
    assert repr(value) in caught.value.problem
    assert all(choice in str(caught.value.cure) for choice in CHOICES[option])
