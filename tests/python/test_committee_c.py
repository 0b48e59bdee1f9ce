"""Random committees: the emitted C, and the numpy oracle, against a reference of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mwtest.batch import SANITIZERS, Case, check, run, tie
from mwtest.committees import WEIGHTS, CommitteeSpec, build_committee, committee_specs, reference
from mwtest.models import Spec, build, samples
from mwtest.toolchain import TOOLCHAINS, compile_to_objects

from milliwatt.emit import emit_c
from milliwatt.emit.ballots import ballots
from milliwatt.emit.bounds import value_bounds
from milliwatt.host import decide, evaluate, mean_trees, scores, undecided
from milliwatt.ir import Committee, Tree, TreeEnsemble, as_member, ensembles, map_ensembles, validate
from milliwatt.options import METHODS
from milliwatt.passes import prune

ROWS = 25
# Shrinking would compile for minutes; every committee is told by its specification anyway.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


def _cases(chosen: list[CommitteeSpec], rows: int = ROWS) -> list[Case]:
    cases = []
    for spec in chosen:
        model = build_committee(spec)
        x = samples(_face(model), rows, spec.seed)
        cases += [Case(model, method, x) for method in METHODS]
    return cases


def _face(model: Committee) -> TreeEnsemble:
    """A model with all thresholds and category sets, for samples that hit them."""
    found = ensembles(model)
    sets = next((e.category_sets for e in found if e.category_sets), ())
    trees = tuple(t for e in found for t in e.trees)
    return dataclasses.replace(found[0], trees=trees, category_sets=sets)


def _against_reference(cases: list[Case], work: Path, flags: tuple[str, ...]) -> int:
    """The C's answers, and the oracle's, with those of the reference; rows compared."""
    compared = 0
    for case, answer in zip(cases, run(cases, work, flags), strict=True):
        model = case.model
        expected, classes = reference(model, case.samples)
        clear = ~undecided(model, case.samples, tie)
        bound = np.asarray(value_bounds(model))
        assert (answer.statuses == 0).all()
        np.testing.assert_allclose(
            evaluate(model, case.samples)[clear], expected[clear], rtol=1e-9, atol=1e-12
        )
        assert (np.abs(answer.vectors.astype(np.float64) - expected)[clear] <= bound).all(), case
        if model.is_classifier:
            best = np.sort(expected, axis=1)
            margin = best[:, -1] - (best[:, -2] if best.shape[1] > 1 else -np.inf)
            # Votes are counted as numpy counts them, ties included; means are compared.
            sure = clear if model.counts_votes and not tie(model) else clear & (margin > tie(model))
            assert (answer.classes == classes)[sure].all(), case
            assert (decide(model, scores(model, case.samples)) == classes)[sure].all(), case
        compared += int(clear.sum())
    return compared


@given(st.lists(committee_specs(), min_size=1, max_size=8))
@settings(max_examples=12, phases=_PHASES)
def test_c_answers_as_the_reference(work: Path, chosen: list[CommitteeSpec]) -> None:
    _against_reference(_cases(chosen), work, ("-O0",))


@given(st.lists(committee_specs(), min_size=4, max_size=6))
@settings(max_examples=3, phases=_PHASES)
def test_optimised_c_answers_as_the_reference(work: Path, chosen: list[CommitteeSpec]) -> None:
    _against_reference(_cases(chosen), work, ("-O3", "-ffast-math"))


@given(st.lists(committee_specs(), min_size=4, max_size=6))
@settings(max_examples=3, phases=_PHASES)
def test_c_is_clean_under_sanitizers(work: Path, chosen: list[CommitteeSpec]) -> None:
    check(_cases(chosen, 12), work, ("-O0", *SANITIZERS))


@pytest.mark.parametrize("vote", ["hard", "share", "mean"])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_every_vote_with_every_kind_of_weight(work: Path, vote: str, weights: str) -> None:
    chosen = [
        CommitteeSpec(
            seed, vote, dtype="int16" if seed == 1 else "float", weights=weights, few=seed % 2 == 1,
            n_classes=k, n_members=n, depth=depth, missing=seed == 2, categories=seed == 3,
        )
        for seed, (n, k, depth) in enumerate([(1, 2, 1), (3, 2, 1), (4, 4, 3), (9, 3, 1)])
    ]  # fmt: skip
    cases = _cases(chosen, 30)
    # Members whose leaves are whole sixteenths often have two best classes.
    assert _against_reference(cases, work, ("-O0", *SANITIZERS)) > 0.5 * 30 * len(cases)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_means_of_values(work: Path, n_outputs: int) -> None:
    chosen = [
        CommitteeSpec(
            seed, "mean", "regressor", weights=weights, n_classes=n_outputs, n_members=4, depth=depth
        )
        for seed, (weights, depth) in enumerate([("none", 1), ("any", 1), ("tenths", 2), ("none", 3)])
    ]
    _against_reference(_cases(chosen, 30), work, ("-O0", *SANITIZERS))


# --- ties ---------------------------------------------------------------------------------------


def _constant(label: int, n_classes: int) -> TreeEnsemble:
    """A member that always votes for one class."""
    rows = tuple(tuple(float(i == c) for i in range(n_classes)) for c in range(n_classes))
    return TreeEnsemble("classifier", 1, (Tree(~label),), rows, tuple(range(n_classes)))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "weights",
    [
        (1.0, 1.0, 1.0),
        (2.0, 1.0, 1.0),
        (0.1, 0.2, 0.3),  # the first two add up to a little more than the third
        (0.7, 0.1, 0.8),  # and here to a little less
        (0.5, 0.3, 0.2),
        (0.1,) * 6,
        (0.1, 0.1, 0.1, 0.3),
        (1e-3, 1.0, 1e6),
        (1.1, 2.2, 3.3, 1.0, 4.4),
    ],
)
def test_every_outcome_of_a_vote_is_numpys(work: Path, weights: tuple[float, ...], n_classes: int) -> None:
    """All ways in which members can vote, ties and sums that differ in the last bit among them."""
    cases, expected = [], []
    n = len(weights)
    outcomes = [[(code // n_classes**i) % n_classes for i in range(n)] for code in range(n_classes**n)]
    for votes in outcomes[:: max(1, len(outcomes) // 80)]:
        members = tuple(as_member(_constant(label, n_classes)) for label in votes)
        classes = tuple("zyxwv"[:n_classes])
        model = validate(Committee("classifier", 1, members, "hard", classes, weights))
        cases.append(Case(model, "inline", np.zeros((1, 1), dtype=np.float32)))
        expected.append(int(np.argmax(np.bincount(votes, weights=weights))))
    assert [int(answer.classes[0]) for answer in run(cases, work, ("-O0",))] == expected
    for case, wanted in zip(cases, expected, strict=True):
        assert decide(case.model, scores(case.model, case.samples))[0] == wanted


def test_members_that_cannot_matter_are_not_asked() -> None:
    small, large = build(Spec(1, n_splits=2, n_trees=2)), build(Spec(2, n_splits=60, n_trees=30))
    members = [dataclasses.replace(m, classes=(0, 1, 2)) for m in (large, small, small, small)]
    model = validate(
        Committee("classifier", 3, tuple(as_member(m) for m in members), "hard", ("a", "b", "c"))
    )
    text = emit_c(model, name="q", method="loadable").files["q.c"]
    calls = text[text.index("static int q_vote") :]
    assert calls.index("q_m3_class(features)") < calls.index("q_m0_class(features)")
    assert calls.index("mw_lead") < calls.index("q_m0_class(features)")
    x = samples(_face(model), 200, 1)
    taken = mean_trees(model, x)
    votes = [decide(m, scores(m, x)) for m in model.members[1:]]
    assert (votes[0] == votes[1]).all()  # three equal members: the large one is never asked
    assert taken is not None
    assert taken <= 6


def test_ranked_votes_end_too(work: Path) -> None:
    """The last bit decides: only a table of all sums knows when that is certain."""
    for weights, asked in (
        ((0.1, 0.2, 0.3), {2, 3}),
        ((0.1, 0.1, 0.9), {1}),
        ((0.3, 0.3, 0.1 + 0.2), {2, 3}),
    ):
        large = build(Spec(2, n_splits=30, n_trees=5, n_features=1, n_outputs=2))
        members = tuple(as_member(dataclasses.replace(large, classes=c)) for c in ((0, 1), (1, 0), (0, 1)))
        model = validate(Committee("classifier", 1, members, "hard", ("a", "b"), weights))
        x = samples(_face(model), 60, 3)
        votes = np.stack([np.asarray(m.classes)[decide(m, scores(m, x))] for m in members])
        taken = mean_trees(model, x)
        assert taken is not None
        assert taken <= 5 * max(asked)
        assert len(asked) > 1 or taken == 5.0 or not ballots(weights, 3).ranks
        expected = [int(np.argmax(np.bincount(column, weights=weights))) for column in votes.T]
        for answer in run([Case(model, method, x) for method in METHODS], work):
            assert (answer.classes == expected)[~undecided(model, x, tie)].all()


def test_a_mean_ends_when_the_lead_is_certain(work: Path) -> None:
    sure = _constant(1, 2)
    boosted = build(Spec(3, form="binary", n_trees=20, n_splits=20, n_features=1))
    members = tuple(as_member(m) for m in (boosted, sure, sure, sure))
    model = validate(Committee("classifier", 1, members, "mean", ("a", "b")))
    x = samples(_face(model), 50, 2)
    assert mean_trees(model, x) == 3.0
    check([Case(model, method, x) for method in METHODS], work)
    unsure = validate(dataclasses.replace(model, weights=(4.0, 1.0, 1.0, 1.0)))
    assert mean_trees(unsure, x) in (None, 23.0)
    check([Case(unsure, method, x) for method in METHODS], work)


# --- compilers ----------------------------------------------------------------------------------


def _strict_models() -> dict[str, Committee]:
    """Everything that the C of a committee can contain."""
    chosen = {
        "ranked": CommitteeSpec(5, "hard", weights="any", few=True, n_members=4, depth=2),
        "counted": CommitteeSpec(6, "hard", dtype="int8", n_classes=2),
        "shared": CommitteeSpec(5, "share", weights="tenths", n_members=9),
        "averaged": CommitteeSpec(5, "mean", weights="any", few=True, n_members=4, depth=2),
        "missing": CommitteeSpec(8, "mean", missing=True, categories=True, n_members=4),
        "alone": CommitteeSpec(7, "hard", n_classes=1, n_members=2),
        "values": CommitteeSpec(9, "mean", "regressor", weights="any", n_classes=2, depth=2),
        "value": CommitteeSpec(10, "mean", "regressor", n_classes=1, n_members=6),
    }
    made = {name: dataclasses.replace(build_committee(spec), name=name) for name, spec in chosen.items()}
    made["scaled"] = dataclasses.replace(made["counted"], name="scaled", scale=(0.5, 1.0, 2.0))
    # Pruned, as every converted model is: compilers warn about tests that have one outcome only.
    return {name: map_ensembles(model, prune) for name, model in made.items()}  # type: ignore[misc]


@pytest.mark.parametrize("form", [*METHODS, "single"])
def test_generated_code_is_warning_free(form: str, tmp_path: Path) -> None:
    includes = []
    for name, model in _strict_models().items():
        single = form == "single"
        files = emit_c(model, method="loadable" if single else form, single=single).files
        for file, text in files.items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        includes.append(f'#include "{name}.{"h" if single else "c"}"\n')
    body = "int everything(void);\nint everything(void)\n{\n    return 0;\n}\n"
    (tmp_path / "everything.c").write_text("".join(includes) + body, encoding="utf-8")
    chains = [chain for chain in TOOLCHAINS.values() if form != "single" or chain.name in ("gcc", "avr")]
    for chain in chains:
        chain.need()
        for standard in ("c99", "c++17") if chain.name in ("gcc", "clang", "avr") else ("c99",):
            compile_to_objects(chain, [tmp_path / "everything.c"], tmp_path, standard)
    for level in ("-O0", "-O3"):
        compile_to_objects(TOOLCHAINS["gcc"], [tmp_path / "everything.c"], tmp_path, "c99", level)


def test_the_header_reads_like_a_plain_models() -> None:
    model = build_committee(CommitteeSpec(1, "mean", n_members=4))
    model = dataclasses.replace(
        model, name="gesture", classes=("up", "down", "rest"), feature_names=("x", "y", "z")
    )
    header = emit_c(model).files["gesture.h"]
    for line in (
        "#define GESTURE_N_FEATURES 3",
        "#define GESTURE_N_CLASSES 3",
        "#define GESTURE_CLASS_DOWN 1",
        "int gesture_predict(const float *features, int n_features);",
        "int gesture_predict_proba(const float *features, int n_features, float *out, int n_out);",
        "const char *gesture_class_name(int index);",
        " * gesture: classifier, mean of 4 members, ",
        "/*   2: z */",
    ):
        assert line in header, line
    assert "_m0" not in header
