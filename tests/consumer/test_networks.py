"""Networks through ``lib_deps``: from ``*.mw.json``, in a Python without any package."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import milliwatt
from milliwatt.model import Model

from .conftest import REPOSITORY, Project, main_c

pytestmark = [
    pytest.mark.xdist_group("consumer_networks"),
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:.*onverge", "ignore:lbfgs"),
]

INI = f"""\
[env]
platform = symlink://{REPOSITORY}/boards/virtual
build_flags = -Wall -Wextra
lib_deps = symlink://{REPOSITORY}
custom_milliwatt_models =
    gesture = models/gesture.mw.json
    effort  = models/effort.mw.json
[env:watch]
board = host
[env:chip]
board = qemu_cortex_m0
"""


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> tuple[Project, dict[str, Model]]:
    made = make_project("networks")
    models = made.directory / "models"
    shutil.rmtree(models)
    random = np.random.default_rng(4)
    x = random.normal(size=(200, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.3)
    classifier = MLPClassifier((8,), solver="lbfgs", max_iter=200, random_state=0).fit(x, y)
    values = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", solver="lbfgs", random_state=0)
    converted = {
        "gesture": milliwatt.convert(classifier, name="gesture", calibration=x, quantize="int8"),
        "effort": milliwatt.convert(values.fit(x, x @ [1.0, 2.0, -1.0, 0.5]), name="effort"),
    }
    for name, model in converted.items():
        model.save(models / f"{name}.mw.json")
    made.write({"src/main.c": main_c(x[:30], *converted), "platformio.ini": INI})
    return made, converted


def test_firmware_answers_as_python_does(project: tuple[Project, dict[str, Model]]) -> None:
    made, models = project
    outcome = made.run("-e", "watch")
    assert [line.split(" (")[0] for line in outcome.told] == [
        "milliwatt: gesture.h from models/gesture.mw.json",
        "milliwatt: effort.h from models/effort.mw.json",
    ]
    assert "warning" not in outcome.stdout + outcome.stderr
    samples = np.random.default_rng(4).normal(size=(200, 4)).astype(np.float32)[:30]
    given = made.answers("watch")
    assert given["gesture"] == models["gesture"].predict(samples).tolist()
    assert len(set(given["gesture"])) == 3
    np.testing.assert_allclose(given["effort"], models["effort"].predict(samples), rtol=1e-5, atol=1e-6)
    assert not made.run("-e", "watch").told


def test_layers_that_no_model_calls_are_not_linked(project: tuple[Project, dict[str, Model]]) -> None:
    if shutil.which("arm-none-eabi-nm") is None:
        pytest.skip("no compiler for Cortex-M")
    made, _ = project
    made.run("-e", "chip")
    image = made.directory / ".pio" / "build" / "chip" / "firmware.elf"
    symbols = subprocess.run(["arm-none-eabi-nm", image], capture_output=True, text=True, check=True).stdout
    for used in ("mw_dense_u8", "mw_dense_f32", "mw_tanh_f32"):
        assert used in symbols
    for unused in ("mw_conv_u8", "mw_dense_i16", "mw_max_pool", "mw_relu6_f32", "mw_model_open"):
        assert unused not in symbols
