"""Options: the same names everywhere, and what is wrong is said with what is possible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from milliwatt.errors import MilliwattError
from milliwatt.options import CHOICES, CONVERSION, ModelOptions, parse_options


def test_defaults_decide_for_themselves() -> None:
    assert ModelOptions() == ModelOptions(
        method="auto", dtype="auto", nan="auto", calibration="", leaf_bits="auto", leaf_clusters=0
    )
    assert not ModelOptions().needs_estimator


def test_parsed_from_text() -> None:
    options = parse_options({"method": "inline", "dtype": "int16", "nan": "refuse", "calibration": "a b.csv"})
    assert options == ModelOptions("inline", "int16", "refuse", "a b.csv")
    assert options.needs_estimator
    options = parse_options({"leaf_bits": "16", "leaf_clusters": "4"})
    assert options == ModelOptions(leaf_bits="16", leaf_clusters=4)


def test_numbers_and_text_are_the_same() -> None:
    for given in (8, "8", np.int64(8), np.uint8(8)):
        options = ModelOptions(leaf_bits=given, leaf_clusters=given)  # type: ignore[arg-type]
        assert (options.leaf_bits, options.leaf_clusters) == ("8", 8)
        assert options == ModelOptions(leaf_bits="8", leaf_clusters=8)
    assert ModelOptions(leaf_clusters="0") == ModelOptions()


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ({"method": "inline"}, False),
        ({"dtype": "float"}, True),
        ({"nan": "ignore"}, True),
        ({"calibration": "x.csv"}, True),
        ({"leaf_bits": "exact"}, True),
        ({"leaf_bits": "0"}, True),
        ({"leaf_clusters": "1"}, True),
        ({"leaf_clusters": "0"}, False),
        ({"leaf_bits": "auto"}, False),
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
    for name in ("method", "dtype", "nan", "calibration", "leaf_bits", "leaf_clusters"):
        assert name in message


@pytest.mark.parametrize("option", CHOICES)
@pytest.mark.parametrize("value", ["", "fast", "INLINE", "int64", " float"])
def test_impossible_value_lists_the_possible_ones(option: str, value: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        parse_options({option: value})
    assert caught.value.option == option
    assert repr(value) in caught.value.problem
    assert all(choice in str(caught.value.cure) for choice in CHOICES[option])


@pytest.mark.parametrize("value", [-1, 17, True, 8.0, None, "08", "8 ", "-1", "17", "hard"])
def test_impossible_leaf_bits(value: Any) -> None:
    with pytest.raises(MilliwattError) as caught:
        ModelOptions(leaf_bits=value)
    assert caught.value.option == "leaf_bits"
    assert "auto, exact, 0, 1, 2" in str(caught.value.cure)
    assert str(caught.value.cure).endswith("16")


@pytest.mark.parametrize("value", [-1, 1025, True, 4.0, None, "", "four", "-1", "+4", "1e2", "²", "4 "])
def test_impossible_leaf_clusters(value: Any) -> None:
    with pytest.raises(MilliwattError) as caught:
        ModelOptions(leaf_clusters=value)
    assert caught.value.option == "leaf_clusters"
    assert "1 to 1024" in str(caught.value.cure)


@pytest.mark.parametrize("bits", ["0", "exact"])
def test_clusters_have_widths_of_their_own(bits: str) -> None:
    with pytest.raises(MilliwattError, match=rf"leaf_bits={bits} and leaf_clusters=4 contradict"):
        ModelOptions(leaf_bits=bits, leaf_clusters=4)
    ModelOptions(leaf_bits=16, leaf_clusters=4)


def test_what_decides_a_conversion_is_all_in_its_text() -> None:
    changes: list[dict[str, Any]] = [
        {"dtype": "int8"},
        {"nan": "ignore"},
        {"leaf_bits": 4},
        {"leaf_clusters": 4},
        {"quantize": "int8"},
        {"task": "regressor"},
        {"classes": "a,b"},
        {"input_shape": "2x3"},
    ]
    assert [next(iter(change)) for change in changes] == list(CONVERSION)
    texts = [ModelOptions(**change).conversion for change in changes]
    assert all(list(text) == list(CONVERSION) for text in texts)
    assert len({str(text) for text in [ModelOptions().conversion, *texts]}) == 9
