"""The introduction that users of emlearn know, with only the import and include names changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import milliwatt

TRAIN = """
import milliwatt
import numpy
from sklearn.ensemble import RandomForestClassifier

rng = numpy.random.RandomState(42)
X = rng.uniform(0.0, 1.0, size=(100, 2))
y = numpy.logical_xor(X[:, 0] > 0.5, X[:, 1] > 0.5)
X = (X * 255).astype(numpy.int16)
estimator = RandomForestClassifier(n_estimators=3, max_depth=3, max_features=2, random_state=1)
estimator.fit(X, y)

cmodel = milliwatt.convert(estimator, method='inline')
cmodel.save(file='xor_model.h', name='xor_model')
cmodel.save(name='xor_model', format='csv', file='xor_model.csv')
"""

PROGRAM = """
#include "xor_model.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, const char *argv[])
{
    const float a = (float) strtod(argv[argc - 2], NULL);
    const float b = (float) strtod(argv[argc - 1], NULL);
    const int16_t features[] = { (int16_t) (a * 255), (int16_t) (b * 255) };
    printf("%d\\n", xor_model_predict(features, 2));
    return 0;
}
"""


def test_the_xor_tutorial_works_with_the_names_changed(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "xor.c").write_text(PROGRAM)
    scripts = str(Path(milliwatt.__file__).parent.parent)
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True, env={"PYTHONPATH": scripts})
    include = milliwatt.includedir
    subprocess.run(
        ["gcc", "-Wall", "-Werror", "-o", "xor", "xor.c", f"-I{include}"], cwd=tmp_path, check=True
    )
    for a, b, answer in [("0.6", "0.0", "1"), ("0.1", "0.7", "1"), ("0.8", "0.7", "0"), ("0.0", "0.0", "0")]:
        result = subprocess.run([tmp_path / "xor", a, b], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == answer
    assert (tmp_path / "xor_model.csv").read_text().startswith("f,2\nc,2\n")
