"""``*.mw.bin``: the same answers as generated C, and no harm from any data."""

from __future__ import annotations

import dataclasses
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mwtest.batch import SANITIZERS, Answer, Case, run, tie
from mwtest.blobs import STATUSES, BlobAnswer, BlobCase, run_blobs
from mwtest.models import FORMS, NUMPY, Spec, build, samples, specs
from mwtest.objects import objects
from sklearn.ensemble import RandomForestClassifier
from test_property import LAYOUTS

import milliwatt
from milliwatt import sdk
from milliwatt.emit import emit_blob
from milliwatt.emit.blob import HEADER_BYTES, with_crc
from milliwatt.emit.leaves import leaf_table, value_bounds
from milliwatt.errors import UnsupportedModelError
from milliwatt.host import class_columns, compare_classes, evaluate
from milliwatt.ir import CategorySet, Tree, TreeEnsemble, validate

ROWS = 25
SANITIZED = ("-O1", *SANITIZERS)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


def _check(models: list[TreeEnsemble], work: Path, flags: tuple[str, ...]) -> None:
    """Blobs against the independent evaluator, and bit for bit against generated C."""
    models = [model for model in models if model.aggregate != "median" and _has_leaf_table(model)]
    if not models:
        return
    given = [samples(model, ROWS, seed) for seed, model in enumerate(models)]
    blobs = [BlobCase(emit_blob(model), x) for model, x in zip(models, given, strict=True)]
    generated = run([Case(m, "loadable", x) for m, x in zip(models, given, strict=True)], work, ("-O0",))
    for model, x, answer, c in zip(models, given, run_blobs(blobs, work, flags), generated, strict=True):
        _check_one(model, x, answer, c)


def _has_leaf_table(model: TreeEnsemble) -> bool:
    """False for random models whose leaves are refused in every form of C as well."""
    try:
        leaf_table(model)
    except UnsupportedModelError:
        return False
    return True


def _check_one(model: TreeEnsemble, x: np.ndarray, answer: BlobAnswer, c: Answer) -> None:
    assert answer.status == 0, model
    assert answer.names == tuple(map(str, model.classes))
    expected = evaluate(model, x)
    if model.is_classifier:
        agreement = compare_classes(answer.classes, class_columns(model, expected), tie(model))
        assert agreement.agree + agreement.ties == agreement.rows
        assert (answer.classes == c.classes).all()
    else:
        assert (answer.classes == STATUSES["task"]).all()
    has_answers = model.has_probabilities or not model.is_classifier
    assert (answer.statuses == (0 if has_answers else STATUSES["task"])).all()
    assert (answer.score_statuses == (0 if model.has_scores else STATUSES["task"])).all()
    vectors = (answer.answers if has_answers else answer.scores)[:, : model.n_columns]
    assert (np.abs(vectors.astype(float) - expected) <= np.asarray(value_bounds(model))).all()
    assert vectors.tobytes() == c.vectors.tobytes()


@given(st.lists(specs(), min_size=3, max_size=8))
@settings(max_examples=6)
def test_blobs_answer_as_generated_c(work: Path, chosen: list[Spec]) -> None:
    _check([build(spec) for spec in chosen], work, ("-O1",))


def test_every_layout(work: Path) -> None:
    models = []
    for name, (spec, _) in LAYOUTS.items():
        dtypes = ["float"] if "missing" in name or "both" in name else list(NUMPY)
        for dtype in dtypes:
            for task, leaves in (("classifier", "any"), ("classifier", "pure"), ("regressor", "any")):
                models.append(build(dataclasses.replace(spec, dtype=dtype, task=task, leaves=leaves)))
    _check(models, work, SANITIZED)


def test_every_form(work: Path) -> None:
    models = []
    for form in FORMS:
        for dtype in ("float", "int8", "int16"):
            for n_rows, n_splits, leaves in ((8, 20, "any"), (60, 60, "pure"), (300, 300, "any")):
                for n_trees in (1, 6):
                    spec = Spec(n_rows, dtype, form=form, leaves=leaves, n_rows=n_rows)
                    spec = dataclasses.replace(spec, n_trees=n_trees, n_splits=n_splits, missing=n_rows == 60)
                    models.append(build(spec))
    _check(models, work, SANITIZED)


def test_coded_thresholds_and_wide_sizes(work: Path) -> None:
    models = []
    for dtype in ("int16", "int32", "float"):
        model = build(Spec(3, dtype=dtype, n_rows=4, n_splits=80))
        few = model.trees[0].threshold[:5]
        trees = (
            dataclasses.replace(t, threshold=tuple(few[i % 5] for i in range(t.n_splits)))
            for t in model.trees
        )
        models.append(dataclasses.replace(model, trees=tuple(trees)))
        assert emit_blob(models[-1])[34] == 2
    models.append(build(Spec(4, n_splits=66000, n_rows=3, n_trees=1)))
    assert emit_blob(models[-1])[37] == 32
    _check(models, work, SANITIZED)


def test_extremes_of_sums(work: Path) -> None:
    """Leaves as far apart as 32 bits allow are no overflow."""
    big = 3.0e38
    trees = tuple(Tree(0, (0,), (float(i),), (-1,), (-2,)) for i in range(50))
    rows = ((-big,), (big,))
    chosen = [
        TreeEnsemble("regressor", 1, trees, rows),
        TreeEnsemble("regressor", 1, trees, ((1e-40,), (2e-40,))),
        TreeEnsemble("regressor", 1, trees, ((5e8,), (5e8 + 1,)), aggregate="sum"),
        TreeEnsemble("classifier", 1, trees, ((-7.5,), (3.25,)), (0, 1, 2), aggregate="sum",
                     base=(9.0, -9.0, 0.5), outputs=(*[0] * 40, *[1] * 10), link="softmax"),
    ]  # fmt: skip
    _check([validate(model) for model in chosen], work, SANITIZED)


def test_the_header_says_what_docs_say() -> None:
    blob = emit_blob(build(Spec(1, dtype="int16", n_outputs=3)))
    assert blob[:8] == b"MWMB\x01\x00\x50\x00"
    assert int.from_bytes(blob[8:12], "little") == len(blob)
    assert int.from_bytes(blob[12:16], "little") == zlib.crc32(blob[16:])
    assert [int.from_bytes(blob[at : at + 2], "little") for at in (16, 18, 20)] == [3, 3, 3]
    assert blob[28] == 3
    assert with_crc(blob) == blob


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scale": (2.0, 2.0, 2.0), "dtype": "int16"}, "feature scales"),
        ({"classes": ("a", "b\0", "c")}, "zero byte"),
        ({"n_features": 40000}, "32767 features"),
    ],
)
def test_what_a_blob_cannot_hold(change: dict[str, object], says: str) -> None:
    model = dataclasses.replace(build(Spec(1)), **change)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModelError, match=says):
        emit_blob(model)


def test_medians_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="medians"):
        emit_blob(build(Spec(1, form="median")))


def test_sets_beyond_a_narrow_threshold_are_refused() -> None:
    sets = tuple(CategorySet((i, 120)) for i in range(20))
    tree = Tree(0, (0,) * 20, (0,) * 20, (-1,) * 20, (*range(1, 20), -2), category_set=tuple(range(20)))
    model = TreeEnsemble("regressor", 1, (tree,), ((0.0,), (1.0,)), dtype="int8", category_sets=sets)
    with pytest.raises(UnsupportedModelError, match=r"option dtype|dtype"):
        emit_blob(validate(model))


def test_save_and_export(tmp_path: Path, work: Path) -> None:
    x = np.random.default_rng(1).normal(size=(80, 3)).astype(np.float32)
    forest = RandomForestClassifier(5, random_state=0).fit(x, np.array(["no", "yes"])[(x[:, 0] > 0) * 1])
    model = milliwatt.convert(forest)
    assert model.save(tmp_path / "m.mw.bin") == [tmp_path / "m.mw.bin"]
    blob = (tmp_path / "m.mw.bin").read_bytes()
    model.save(tmp_path / "other", format="bin")
    assert (tmp_path / "other").read_bytes() == blob == emit_blob(model.ir)
    (answer,) = run_blobs([BlobCase(blob, x)], work)
    assert answer.names == ("no", "yes")
    assert (model.classes_[answer.classes] == forest.predict(x)).all()


# -- hostile data --------------------------------------------------------------------------------


def _small() -> list[tuple[TreeEnsemble, bytes, np.ndarray]]:
    """Small blobs of every kind of table, with samples at the extremes."""
    chosen = [
        Spec(1, n_splits=4, n_trees=2),
        Spec(2, n_splits=5, n_rows=30, leaves="pure", missing=True),
        Spec(3, "int16", n_splits=4, form="boosted classes", categories=True),
        Spec(4, "int8", n_splits=4, task="regressor", n_outputs=2),
        Spec(5, n_splits=12, n_rows=40, n_outputs=40, form="binary", categories=True, missing=True),
    ]
    found = []
    for spec in chosen:
        model = build(spec)
        found.append((model, emit_blob(model), _extremes(model)))
    return found


def _extremes(model: TreeEnsemble) -> np.ndarray:
    if model.dtype == "float":
        kinds = np.array(
            [-np.inf, np.inf, 0.0, -0.0, 1e-45, 7.0] + [np.nan] * model.handles_missing, np.float32
        )
    else:
        info = np.iinfo(NUMPY[model.dtype])
        kinds = np.array([info.min, info.max, 0, 7], NUMPY[model.dtype])
    return np.ascontiguousarray(np.repeat(kinds[:, None], model.n_features, axis=1))


def _refused(blobs: list[bytes], x: np.ndarray, work: Path) -> list[bool]:
    answers = run_blobs([BlobCase(blob, x) for blob in blobs], work, SANITIZED)
    for answer in answers:
        assert answer.status in (0, STATUSES["model"], STATUSES["version"])
        assert ((answer.classes < len(answer.names)) | (answer.classes < 0)).all()
    return [answer.status != 0 for answer in answers]


def test_every_flipped_bit_is_found(work: Path) -> None:
    for _, blob, x in _small():
        flipped = [_with(blob, at, blob[at] ^ 1 << at % 8) for at in range(len(blob))]
        assert all(_refused(flipped, x, work))


@pytest.mark.parametrize("index", range(5))
def test_no_harm_from_changed_bytes_with_a_right_crc(index: int, work: Path) -> None:
    """Each byte by other values; most of the header leaves no choice, tables do."""
    _, blob, x = _small()[index]
    rng = np.random.default_rng(1)
    changed, in_header = [], []
    for at in range(len(blob)):
        if not any(blob[max(at - 8, 0) : at + 8]):
            continue  # a set of up to 65535 categories is 8 KB of zeros
        values = {0, 1, 255, 127, 128, blob[at] ^ 1, (blob[at] + 1) % 256, int(rng.integers(256))}
        changed += [with_crc(_with(blob, at, value)) for value in sorted(values - {blob[at]})]
        in_header += [at < HEADER_BYTES] * (len(changed) - len(in_header))
    refused = np.array(_refused(changed, x, work))
    assert refused[in_header].mean() > 0.6
    assert 0.0 < refused[~np.array(in_header)].mean() < 0.9


def test_every_truncation_is_found(work: Path) -> None:
    for _, blob, x in _small():
        shorter = [blob[:length] for length in range(len(blob))]
        assert all(_refused(shorter, x, work))
        # Even when its length and CRC say so.
        said = [
            with_crc(cut[:8] + len(cut).to_bytes(4, "little") + cut[12:]) for cut in shorter[HEADER_BYTES:]
        ]
        assert all(_refused(said, x, work))


def test_bytes_after_the_blob_do_not_matter(work: Path) -> None:
    _, blob, x = _small()[0]
    one, other = run_blobs([BlobCase(blob, x), BlobCase(blob + b"\xff" * 5, x)], work, SANITIZED)
    assert other.status == 0
    assert (one.answers == other.answers).all()


def test_bytes_between_the_last_table_and_the_end_are_refused(work: Path) -> None:
    _, blob, x = _small()[0]
    longer = blob[:8] + (len(blob) + 4).to_bytes(4, "little") + blob[12:] + bytes(4)
    assert _refused([with_crc(longer)], x, work) == [True]


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_misaligned_data(shift: int, work: Path) -> None:
    _, blob, x = _small()[0]
    (answer,) = run_blobs([BlobCase(blob, x, shift)], work, SANITIZED)
    assert answer.status == STATUSES["alignment"]


def test_another_version(work: Path) -> None:
    _, blob, x = _small()[0]
    (answer,) = run_blobs([BlobCase(_with(blob, 4, 2), x)], work)
    assert answer.status == STATUSES["version"]


def test_features_of_another_type_or_number(work: Path) -> None:
    model, blob, x = _small()[0]
    wrong = [np.zeros(x.shape, np.int32), x[:, :2]]
    typed, short = run_blobs([BlobCase(blob, w) for w in wrong], work, SANITIZED)
    assert model.dtype == "float"
    for answer, status in ((typed, "type"), (short, "length")):
        assert (answer.classes == STATUSES[status]).all()
        assert (answer.statuses == STATUSES[status]).all()


def test_nan_is_refused_where_the_model_says_so(work: Path) -> None:
    model, blob, x = _small()[0]
    x[0, 1] = np.nan
    checked, unchecked = run_blobs(
        [BlobCase(b, x) for b in (blob, emit_blob(dataclasses.replace(model, check_nan=False)))], work
    )
    assert checked.classes[0] == STATUSES["nan"]
    assert unchecked.classes[0] >= 0
    assert (checked.classes[1:] == unchecked.classes[1:]).all()


def test_sums_that_would_overflow_are_refused(work: Path) -> None:
    """Rows of 32 bits that a sound blob of more trees could not have."""
    tree = Tree(0, (0,), (0.0,), (-1,), (-2,))
    model = validate(TreeEnsemble("regressor", 1, (tree, tree), ((0.0,), (1.1,))))
    blob, x = emit_blob(model), np.zeros((1, 1), np.float32)
    table = leaf_table(model)
    assert table.bits == 32
    largest = max(row[0] for row in table.rows).to_bytes(4, "little")
    at = blob.rindex(largest)
    for value, refused in ((0x3FFFFFFF, False), (0x40000000, True), (0xFFFFFFFF, True)):
        changed = with_crc(blob[:at] + value.to_bytes(4, "little") + blob[at + 4 :])
        assert _refused([changed], x, work) == [refused], hex(value)


def _with(blob: bytes, at: int, value: int) -> bytes:
    return blob[:at] + bytes([value]) + blob[at + 1 :]


_ARGUMENTS = """
#include <stdio.h>
#include <string.h>
#include <milliwatt/model.h>

#define CHECK(condition)                                 \\
    if (!(condition)) {                                  \\
        printf("%d: %s\\n", __LINE__, #condition);       \\
        return 1;                                        \\
    }

int main(void)
{
    static const uint32_t data[] = {DATA};
    const float x[N] = {0};
    int32_t sums[N_SUMS];
    float out[N_SUMS];
    mw_model model;
    CHECK(mw_model_open(data, sizeof data, NULL) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_open(NULL, sizeof data, &model) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_open(data, sizeof data - 1, &model) == MW_ERROR_MODEL);
    CHECK(mw_model_predict_float(&model, x, N, sums, N_SUMS) == MW_ERROR_MODEL);
    CHECK(mw_model_predict_proba_float(&model, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_MODEL);
    CHECK(mw_model_score_float(&model, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_MODEL);
    CHECK(mw_model_regress_float(&model, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_MODEL);
    CHECK(mw_model_n_features(&model) == 0 && mw_model_n_sums(&model) == 0);
    CHECK(strcmp(mw_model_class_name(&model, 0), "?") == 0);
    CHECK(mw_model_open(data, sizeof data, &model) == MW_OK);
    CHECK(mw_model_n_features(&model) == N && mw_model_n_sums(&model) == N_SUMS);
    CHECK(mw_model_n_classes(&model) == N_SUMS && mw_model_feature_type(&model) == MW_FLOAT);
    CHECK(strcmp(mw_model_class_name(&model, N_SUMS - 1), "2") == 0);
    CHECK(strcmp(mw_model_class_name(&model, N_SUMS), "?") == 0);
    CHECK(strcmp(mw_model_class_name(&model, MW_ERROR_NAN), "?") == 0);
    CHECK(strcmp(mw_model_class_name(NULL, 0), "?") == 0);
    CHECK(mw_model_predict_float(&model, x, N, sums, N_SUMS) >= 0);
    CHECK(mw_model_predict_float(NULL, x, N, sums, N_SUMS) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_predict_float(&model, NULL, N, sums, N_SUMS) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_predict_float(&model, x, N, NULL, N_SUMS) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_predict_float(&model, x, N - 1, sums, N_SUMS) == MW_ERROR_LENGTH);
    CHECK(mw_model_predict_float(&model, x, -1, sums, N_SUMS) == MW_ERROR_LENGTH);
    CHECK(mw_model_predict_float(&model, x, N, sums, N_SUMS - 1) == MW_ERROR_LENGTH);
    CHECK(mw_model_predict_float(&model, x, N, sums, -1) == MW_ERROR_LENGTH);
    CHECK(mw_model_predict_int32(&model, sums, N, sums, N_SUMS) == MW_ERROR_TYPE);
    CHECK(mw_model_predict_proba_float(&model, x, N, sums, N_SUMS, out, N_SUMS) == MW_OK);
    CHECK(mw_model_predict_proba_float(NULL, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_predict_proba_float(&model, x, N, sums, N_SUMS, NULL, N_SUMS) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_predict_proba_float(&model, x, N, sums, N_SUMS, out, N_SUMS - 1) == MW_ERROR_LENGTH);
    CHECK(mw_model_predict_proba_float(&model, x, N, sums, N_SUMS - 1, out, N_SUMS) == MW_ERROR_LENGTH);
    CHECK(mw_model_score_float(&model, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_TASK);
    CHECK(mw_model_score_float(NULL, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_ARGUMENT);
    CHECK(mw_model_regress_float(&model, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_TASK);
    CHECK(mw_model_regress_float(NULL, x, N, sums, N_SUMS, out, N_SUMS) == MW_ERROR_ARGUMENT);
    return 0;
}
"""


@pytest.mark.parametrize(("compiler", "standard"), [("gcc", "c99"), ("clang", "c99"), ("g++", "c++17")])
def test_arguments(compiler: str, standard: str, tmp_path: Path) -> None:
    blob = emit_blob(build(Spec(1, n_outputs=3, n_features=4)))
    words = ",".join(f"0x{int.from_bytes(blob[at : at + 4], 'little'):x}U" for at in range(0, len(blob), 4))
    source = tmp_path / "arguments.c"
    source.write_text(f"#define N 4\n#define N_SUMS 3\n#define DATA {words}\n" + _ARGUMENTS, encoding="utf-8")
    library = objects(("model", "status"), SANITIZERS, compiler, standard)
    command = [compiler, f"-std={standard}", *SANITIZERS, f"-I{sdk.include_dir()}"]
    program = str(tmp_path / "arguments")
    subprocess.run([*command, str(source), *library, "-o", program], check=True)
    result = subprocess.run([program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
