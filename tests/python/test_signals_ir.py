"""Signals in model files: they come back as they were, and what is wrong with them is said."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

import pytest
from mwtest.signal_models import fir, iir, motion, sound, spectrum, trees

from milliwatt import ir
from milliwatt.errors import ModelFileError
from milliwatt.ir import signals as nodes
from milliwatt.ir.signal_shapes import frames_after, frames_needed, n_features, raw_frames
from milliwatt.ir.signals import FLOAT, INT16, Branch, Signals, TimeFeature

STEPS = (
    nodes.ScaleEach((0.5,) * 5, (2.0,) * 5),
    nodes.Affine(((1.0, 0.0, 0.5),) * 5, (0.0, 1.0, 2.0)),
    nodes.Log1p(),
    nodes.Normalize("l1"),
)
FLOATS = motion(FLOAT, steps=STEPS, chosen=(0, 2))
ALL = {
    "motion": motion(),
    "motion of floats": motion(FLOAT),
    "steps": FLOATS,
    "sound": sound(),
    "sound of floats": sound(FLOAT),
    "decimated": motion(stages=(fir(INT16, 3), nodes.Choose((2, 0))), branches=(Branch(chosen=(0, 3, 7)),)),
    "to floats": motion(
        stages=(nodes.ToFloat(0.5), nodes.RemoveDc(share=0.1), iir(FLOAT, settled=False)),
        branches=(Branch(),),
    ),
    "window stages": motion(
        branches=(
            Branch((nodes.Centre(), spectrum(INT16, shape=("peak",)))),
            Branch((nodes.Goertzel((0.1,)),)),
        )
    ),
    "restart": motion(FLOAT, restart=25, length=20, hop=20),
}


@pytest.mark.parametrize("signals", ALL.values(), ids=ALL)
def test_they_come_back_from_a_file(signals: Signals) -> None:
    model = trees(signals)
    text = ir.dumps(model)
    assert ir.loads(text) == model
    assert json.loads(text)["milliwatt"] == 3


def test_files_without_signals_are_for_older_readers_too() -> None:
    model = dataclasses.replace(trees(motion()), signals=None)
    assert json.loads(ir.dumps(model))["milliwatt"] == 2
    assert "signals" not in json.loads(ir.dumps(model))


def test_a_float_model_takes_integers() -> None:
    """Networks of floats behind fixed-point stages: features are handed on as floats."""
    assert ir.loads(ir.dumps(dataclasses.replace(trees(motion()), dtype="float"))).dtype == "float"


def _changed(**changes: Any) -> Signals:
    return dataclasses.replace(motion(), **changes)


def _spectrum(**changes: Any) -> Signals:
    return motion(stages=(nodes.Choose((0,)), spectrum(INT16, **changes)), branches=(Branch(),))


def _louder(at: int, by: int) -> Signals:
    """The low-pass with one of its integers changed."""
    stage = iir(INT16)
    row = list(stage.integers[0])
    row[at] += by
    return motion(stages=(dataclasses.replace(stage, integers=(tuple(row),)),), branches=(Branch(),))


WRONG: dict[str, tuple[Signals, str, str]] = {
    "type": (_changed(dtype="int8"), "dtype", "unknown type 'int8'"),
    "channels": (_changed(channels=0), "channels", "0; 1 to 64"),
    "window": (_changed(length=0), "length", "0; 1 to"),
    "hop": (_changed(hop=70_000), "hop", "70000; 1 to"),
    "no branch": (_changed(branches=()), "branches", "0 branches"),
    "names": (_changed(channel_names=("a", "b")), "channel_names", "2 names for 3"),
    "bad names": (_changed(channel_names=("a", "b", "1c")), "channel_names", "no identifier"),
    "rate": (_changed(rate=-1.0), "rate", "not a rate"),
    "restart": (motion(restart=19, hop=20), "restart", "no window is complete in 19"),
    "restart that overlaps": (motion(restart=25), "restart", "they overlap"),
    "float filter on integers": (motion(stages=(iir(FLOAT),)),
                                 "stages[0].integers", "cannot do without"),
    "integer filter on floats": (motion(FLOAT, stages=(fir(INT16),)),
                                 "stages[0].integers", "cannot do without"),
    "sections": (motion(stages=(nodes.Iir(()),)), "stages[0].sections", "not 1 to 255"),
    "loud sections": (_louder(0, 12_000), "stages[0].integers", "section 0: its numbers could overflow"),
    "unstable": (_louder(5, 1), "stages[0].integers", "section 0: it is not stable"),
    "a wrong gain": (_louder(10, 3), "stages[0].integers", "could overflow"),
    "taps": (motion(stages=(nodes.Fir((1.0,), 1, (32_767, 1), 31),)), "stages[0].integers", "not as many"),
    "loud taps": (motion(stages=(nodes.Fir((1.0,) * 3, 1, (32_767,) * 3, 0),)),
                  "stages[0].integers", "overflow"),
    "vector": (motion(stages=(nodes.Length((0,)),)), "stages[0].channels", "two or three"),
    "no such channel": (motion(stages=(nodes.Choose((3,)),)), "stages[0].channels", "0 to 2"),
    "channel twice": (motion(stages=(nodes.Choose((1, 1)),)), "stages[0].channels", "twice"),
    "floats to floats": (motion(FLOAT, stages=(nodes.ToFloat(),)), "stages[0]", "floats already"),
    "centre of a stream": (motion(stages=(nodes.Centre(),)), "stages[0]", "whole window"),
    "shift": (motion(stages=(nodes.RemoveDc(share=0.5),)), "stages[0].shift", "1 to 14"),
    "emphasis": (motion(stages=(nodes.Emphasis(1.0),)), "stages[0].factor", "less than 1"),
    "n_fft": (_spectrum(n_fft=24), "stages[1].n_fft", "power of two"),
    "frame": (_spectrum(length=17), "stages[1].length", "1 to 16"),
    "window function": (_spectrum(window="kaiser"), "stages[1].window", "none of boxcar"),
    "linear integers": (_spectrum(logarithm="none"), "stages[1].logarithm", "log2 of powers"),
    "edges": (_spectrum(values="bands", edges=(4, 2)), "stages[1].edges", "ascending"),
    "mel": (_spectrum(values="mel", n_mels=4, rate=100.0, fmax=60.0), "stages[1].fmax", "more than half the"),
    "cepstrum": (_spectrum(values="cepstrum", n_mels=4, rate=100.0, fmax=50.0, n_cepstrum=5),
                 "stages[1].n_cepstrum", "1 to 4"),
    "nothing": (_spectrum(values="none"), "stages[1].values", "no shape either"),
    "chosen values": (_spectrum(chosen=(3, 2)), "stages[1].chosen", "ascending"),
    "unknown feature": (_changed(branches=(Branch((), (TimeFeature("mood", (0,)),)),)),
                        "branches[0].features[0]", "no feature 'mood'"),
    "float feature": (_changed(branches=(Branch((), (TimeFeature("energy", (0,)),)),)),
                      "branches[0].features[0]", "take rms"),
    "percentile": (_changed(branches=(Branch((), (TimeFeature("percentile", (0,), 1001.0),)),)),
                   "branches[0].features[0]", "0 to 1000"),
    "two channels": (_changed(branches=(Branch((), (TimeFeature("correlation", (0,)),)),)),
                     "branches[0].features[0]", "takes 2 channels"),
    "short window": (_changed(branches=(Branch((spectrum(INT16, length=16),)),), length=15),
                     "branches[0].stages[0].length", "shorter than 16"),
    "choice of features": (_changed(branches=(Branch((), (TimeFeature("mean", (0,)),), (0,)),)),
                           "branches[0].chosen", "a choice of samples"),
    "too many samples": (_changed(branches=(Branch(),), length=20000), "branches[0]", "80000 numbers"),
    "matrix": (motion(FLOAT, steps=(nodes.Affine(((1.0,),) * 4, (0.0,)),)), "steps[0]", "5 rows"),
    "scale of 0": (motion(FLOAT, steps=(nodes.ScaleEach((0.0,) * 5, (0.0,) * 5),)),
                   "steps[0]", "or a scale 0"),
    "norm": (motion(FLOAT, steps=(nodes.Normalize("l3"),)), "steps[0]", "unknown norm"),
}  # fmt: skip


@pytest.mark.parametrize(("signals", "where", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(signals: Signals, where: str, problem: str) -> None:
    model = dataclasses.replace(trees(motion()), signals=signals)
    with pytest.raises(ModelFileError) as caught:
        ir.validate(model)
    assert caught.value.option == f"signals.{where}"
    assert problem in caught.value.problem


def test_long_windows_of_which_few_numbers_are_made() -> None:
    for branch in (motion().branches[0], Branch((), (), (0, 79999))):
        long = motion(length=20000, branches=(branch,))
        assert ir.validate(trees(long)).signals == long


def test_they_fit_the_model() -> None:
    model = trees(motion())
    fewer = motion(branches=(Branch((), (TimeFeature("mean", (0,)),)),))
    with pytest.raises(ModelFileError, match="make 1 features, and the model takes 5"):
        ir.validate(dataclasses.replace(model, signals=fewer))
    with pytest.raises(ModelFileError, match="of type float, and the model takes int32"):
        ir.validate(dataclasses.replace(model, signals=motion(FLOAT)))


@pytest.mark.parametrize(
    ("path", "value", "where", "problem"),
    [
        (("signals",), [], "signals", "not an object"),
        (("signals", "length"), "20", "signals.length", "not a whole number"),
        (("signals", "length"), None, "signals.length", "not a whole number"),
        (("signals", "mood"), 1, "signals.mood", "unknown to Signals"),
        (("signals", "stages", 0, "kind"), "magic", "signals.stages[0]", "none of centre, choose"),
        (("signals", "stages", 0, "settled"), 1, "signals.stages[0].settled", "not true or false"),
        (("signals", "stages", 0, "sections", 0, 1), "x", "signals.stages[0].sections[0][1]", "finite"),
        (("signals", "stages", 0, "sections", 0, 1), 10**400, "signals.stages[0].sections[0][1]", "finite"),
        (("signals", "branches", 0, "features", 0, "channels"), 3,
         "signals.branches[0].features[0].channels", "not a list"),
    ],
)  # fmt: skip
def test_files_that_somebody_changed(path: tuple[Any, ...], value: Any, where: str, problem: str) -> None:
    data = json.loads(ir.dumps(trees(motion())))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ModelFileError) as caught:
        ir.loads(json.dumps(data))
    assert caught.value.option == where
    assert problem in caught.value.problem


def test_what_is_missing_is_said() -> None:
    data = json.loads(ir.dumps(trees(motion())))
    del data["signals"]["length"]
    with pytest.raises(ModelFileError, match=r"signals\.length: missing"):
        ir.loads(json.dumps(data))


def test_members_of_committees_have_none() -> None:
    member = ir.as_member(trees(motion()))
    assert member.signals is None
    whole = ir.Committee(
        task="classifier", n_features=5, members=(dataclasses.replace(member, classes=(0, 1)),) * 2,
        vote="hard", classes=("low", "high"), dtype="int32", signals=motion(),
    )  # fmt: skip
    assert ir.loads(ir.dumps(whole)) == whole
    wrong = dataclasses.replace(whole.members[0], signals=motion())
    with pytest.raises(ModelFileError, match="which are the whole's"):
        ir.validate(dataclasses.replace(whole, members=(wrong, wrong)))


@pytest.mark.parametrize(
    "stage", [fir(INT16), fir(FLOAT, 3), spectrum(FLOAT), spectrum(FLOAT, length=5, hop=40), nodes.Emphasis()]
)
def test_frames_are_counted_one_by_one(stage: nodes.Stage) -> None:
    """``frames_needed`` is the least number of frames of which there are so many results."""
    for count in range(1, 7):
        needed = frames_needed(stage, count)
        assert frames_after(stage, needed) == count
        assert frames_after(stage, needed - 1) == count - 1


def test_raw_frames_of_windows() -> None:
    assert raw_frames(motion()) == (20, 10)
    assert raw_frames(sound()) == (48 + 3 * 32, 2 * 32)
    assert raw_frames(ALL["restart"]) == (20, 25)
    assert n_features(sound()) == 4 * 6 + 2


def test_no_other_error_from_damaged_files() -> None:
    """Whatever is put in the place of any value, it is an error of the file or a model."""
    text = ir.dumps(trees(sound(FLOAT)))
    data = json.loads(text)["signals"]
    for key in data:
        for value in (None, -1, 1e308, "x", [], [[]], {}, [{}], True, [1, 2], 10**30):
            changed = {**json.loads(text), "signals": {**data, key: value}}
            with contextlib.suppress(ModelFileError):
                ir.loads(json.dumps(changed))
