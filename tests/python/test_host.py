"""Models compiled for this PC: found by content, safe in parallel, clear when there is no compiler."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mwtest.models import Spec, build, samples
from mwtest.paths import names

from milliwatt.errors import InputError, MilliwattError, ToolMissingError
from milliwatt.host import HostModel, evaluate
from milliwatt.host.compiler import cache_directory, find_compiler
from milliwatt.ir import Tree, TreeEnsemble
from milliwatt.model import Model
from milliwatt.options import METHODS


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    directory = cache_directory()
    assert directory.is_relative_to(tmp_path)
    yield directory
    if directory.exists():
        leftovers = [name for name in names(directory) if not name.endswith(".so")]
        assert not leftovers


def _stump(threshold: float = 0.0, **changes: object) -> TreeEnsemble:
    tree = Tree(0, (0,), (threshold,), (-1,), (-2,))
    model = TreeEnsemble("classifier", 1, (tree,), ((1.0, 0.0), (0.0, 1.0)), ("low", "high"))
    return dataclasses.replace(model, **changes)  # type: ignore[arg-type]


def _libraries(cache: Path) -> list[str]:
    return names(cache)


def test_compiled_once_per_content(cache: Path) -> None:
    HostModel(_stump())
    (first,) = _libraries(cache)
    stamp = (cache / first).stat().st_mtime_ns
    HostModel(_stump())
    assert _libraries(cache) == [first]
    assert (cache / first).stat().st_mtime_ns == stamp
    HostModel(_stump(1.0))
    HostModel(_stump(), "loadable")
    assert len(_libraries(cache)) == 3


def test_cache_knows_compiler_and_sources(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostModel(_stump())
    monkeypatch.setenv("CC", "gcc -DANYTHING")
    HostModel(_stump())
    assert len(_libraries(cache)) == 2


def test_models_of_one_name_do_not_meet(cache: Path) -> None:
    x = np.array([[0.5]], dtype=np.float32)
    low, high = HostModel(_stump(1.0)), HostModel(_stump(0.0))
    assert (low.predict(x)[0], high.predict(x)[0]) == (0, 1)
    assert (low.predict(x)[0], high.predict(x)[0]) == (0, 1)


def test_without_a_cache_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MilliwattError, match="XDG_CACHE_HOME"):
        HostModel(_stump())


@pytest.mark.parametrize("command", ["no-such-compiler", "/nowhere/cc -O2", "'unbalanced"])
def test_named_compiler_that_is_not_there(cache: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("CC", command)
    with pytest.raises(ToolMissingError) as caught:
        Model(_stump()).predict([[0.0]])
    assert command in str(caught.value).replace("\\", "").replace('"', "'")
    assert "unset CC" in str(caught.value)


def test_no_compiler_at_all(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find_compiler()  # a compiler that was found earlier must not be remembered
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError) as caught:
        Model(_stump()).predict([[0.0]])
    assert "no C compiler" in str(caught.value)
    assert "apt install gcc" in str(caught.value)


def test_a_compiler_that_fails_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "gcc -Dint=wrong")
    with pytest.raises(MilliwattError, match="refused generated code"):
        HostModel(_stump())
    assert _libraries(cache) == []


def _predict_in_process(cache: str, model: Model, start: object, answers: object) -> None:
    os.environ["XDG_CACHE_HOME"] = cache
    start.wait()  # type: ignore[attr-defined]
    answers.put(model.predict([[-1.0], [1.0]]).tolist())  # type: ignore[attr-defined]


def test_processes_that_compile_the_same_model_at_once(cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(4), context.Queue()
    base = str(cache.parent.parent)
    model = Model(_stump())
    processes = [
        context.Process(target=_predict_in_process, args=(base, model, start, answers)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    results = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    assert results == [["low", "high"]] * 4
    assert len(_libraries(cache)) == 1


def test_threads_share_a_model(cache: Path) -> None:
    ir_model = build(Spec(7, n_rows=40, n_splits=60, dtype="int16"))
    x = samples(ir_model, 300, 1)
    expected = evaluate(ir_model, x).astype(np.float32)
    model, wrong = Model(ir_model), []

    def work() -> None:
        for _ in range(20):
            if np.abs(model.predict_proba(x) - expected).max() > 2.0**-22:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(_libraries(cache)) == 1


def test_a_model_travels_by_pickle(cache: Path) -> None:
    model = Model(_stump())
    assert model.predict([[1.0]]).tolist() == ["high"]
    again = pickle.loads(pickle.dumps(model))
    assert "host" not in again.__dict__
    assert again.ir == model.ir
    assert again.predict([[1.0]]).tolist() == ["high"]


def test_no_rows_give_no_answers(cache: Path) -> None:
    model = Model(_stump())
    assert model.predict(np.empty((0, 1))).shape == (0,)
    assert model.predict_proba(np.empty((0, 1))).shape == (0, 2)


@pytest.mark.parametrize("bad", [[[1.0, 2.0]], [1.0], 1.0, [], [["a"]], [[None, 1]], [[[1.0]]], [[1e39]]])
def test_samples_of_the_wrong_shape(bad: object) -> None:
    with pytest.raises(InputError) as caught:
        Model(_stump()).predict(bad)  # type: ignore[arg-type]
    assert caught.value.cure


def test_samples_of_the_wrong_type() -> None:
    model = Model(_stump(0, dtype="int8"))
    assert model.predict([[127], [-128]]).tolist() == ["high", "low"]
    for bad in (128, -129, 0.5, np.nan, np.inf):
        with pytest.raises(InputError, match="feature 0 of sample 1"):
            model.predict([[0], [bad]])
    with pytest.raises(InputError, match="int8"):
        model.host.predict(np.zeros((1, 1), dtype=np.int16))


def test_arrays_that_are_not_contiguous() -> None:
    ir_model = build(Spec(3, n_features=7, n_splits=30))
    x = np.random.default_rng(0).normal(size=(7, 50)).astype(np.float32)
    answers = Model(ir_model).predict(x.T)
    assert (answers == Model(ir_model).predict(np.ascontiguousarray(x.T))).all()
    strided = np.zeros((100, 7), dtype=np.float32)
    strided[::2] = x.T
    assert (Model(ir_model).host.predict(strided[::2]) == answers).all()


def test_evaluator_compares_wide_integers_exactly() -> None:
    """Beyond 2**24 a float32 cannot tell neighbours apart; the device can."""
    model = _stump(2**25 + 1, dtype="int32")
    x = [[2**25 + 1], [2**25 + 2]]
    assert Model(model).evaluate(x).argmax(axis=1).tolist() == [0, 1]
    assert Model(model).predict(x).tolist() == ["low", "high"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_both_zeros_are_below_a_threshold_of_zero(method: str, zero: float) -> None:
    model = HostModel(_stump(zero), method)
    x = np.array([[0.0], [-0.0], [2.0**-149]], dtype=np.float32)
    assert model.predict(x).tolist() == [0, 0, 1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "leaves", [((1.0, 0.0), (0.0, 1.0)), ((0.5, 0.25), (0.25, 0.5)), ((1 / 3, 0.1), (0.1, 1 / 3))]
)
def test_a_tie_goes_to_the_lowest_class(method: str, leaves: tuple[tuple[float, float], ...]) -> None:
    """Two trees of opposite opinions, in every kind of sum."""
    trees = (Tree(root=-2), Tree(root=-1))
    rows = tuple((0.0, *row, 0.0) for row in leaves)
    model = TreeEnsemble("classifier", 1, trees, rows, (0, 1, 2, 3))
    assert HostModel(model, method).predict(np.zeros((1, 1), dtype=np.float32)).tolist() == [1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("largest", [3e38, 2.0**-130, 2.0**-149, 1.0, 0.0])
def test_a_mean_of_extreme_values(method: str, largest: float) -> None:
    """The sum of a forest may exceed a float where its mean does not."""
    trees = (Tree(root=-1),) * 99 + (Tree(root=-2),)
    model = TreeEnsemble("regressor", 1, trees, ((largest, -1.0), (0.0, largest / 3)))
    host, x = HostModel(model, method), np.zeros((1, 1), dtype=np.float32)
    error = np.abs(host.regress(x).astype(float) - evaluate(model, x))
    assert (error <= Model(model).bound).all()
