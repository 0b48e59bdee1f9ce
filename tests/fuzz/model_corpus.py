"""Seeds for ``fuzz_model.c``: small blobs of every layout, type and form.

python tests/fuzz/model_corpus.py DIRECTORY
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from milliwatt.emit import emit_blob
from milliwatt.errors import UnsupportedModelError
from milliwatt.ir import CategorySet, TreeEnsemble

TESTS = Path(__file__).resolve().parent.parent
MAX_BYTES = 4096


def _small(model: TreeEnsemble, *, coded: bool) -> TreeEnsemble:
    """Without the set of a category so high that its bits take 8 KB; ``coded``: with few thresholds."""
    sets = tuple(CategorySet(tuple(m for m in s.members if m < 300), s.inverted) for s in model.category_sets)
    trees = model.trees
    if coded:
        trees = tuple(
            dataclasses.replace(t, threshold=tuple(t.threshold[i % 5] for i in range(t.n_splits)))
            for t in trees
        )
    return dataclasses.replace(model, trees=trees, category_sets=sets)


def write_corpus(directory: Path) -> int:
    """Write the seeds; how many there are."""
    sys.path.insert(0, str(TESTS / "python"))
    from mwtest.models import FORMS, Spec, build

    specs = [
        Spec(
            1,
            dtype,
            task=task,
            leaves=leaves,
            n_rows=n_rows,
            n_splits=8,
            n_trees=2,
            missing=missing,
            categories=sets,
        )
        for dtype in ("float", "int8", "uint8", "int16", "int32")
        for task, leaves in (("classifier", "any"), ("classifier", "pure"), ("regressor", "any"))
        for n_rows, missing, sets in ((4, False, False), (40, True, True), (4, True, False), (4, False, True))
    ]
    specs += [
        Spec(2, form=form, n_rows=8, n_splits=5, leaves=leaves)
        for form in FORMS
        if form != "median"
        for leaves in ("any", "pure")
    ]
    specs += [Spec(3, dtype, n_rows=4, n_splits=40, n_trees=1) for dtype in ("int16", "int32", "float")]
    far = Spec(7, "int16", leaves="pure", n_splits=500, n_trees=1, n_features=2, n_rows=4)
    specs += [far, dataclasses.replace(far, n_rows=40, task="regressor")]
    specs += [Spec(5, "int8", n_features=400, n_splits=90, n_rows=rows, n_trees=1) for rows in (4, 600)]
    directory.mkdir(parents=True, exist_ok=True)
    chosen = []
    for spec in specs:
        try:
            blob = emit_blob(_small(build(spec), coded=spec.seed == 3))
        except UnsupportedModelError:
            continue  # leaves that no form of C takes
        if len(blob) <= MAX_BYTES:
            chosen.append(blob)
    for number, blob in enumerate(chosen):
        (directory / f"seed{number:02d}").write_bytes(blob)
    return len(chosen)


if __name__ == "__main__":
    print(f"{write_corpus(Path(sys.argv[1]))} seeds")
