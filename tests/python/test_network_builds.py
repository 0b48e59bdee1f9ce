"""Networks in firmware builds: declared as any model; layers that no model calls are not linked."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import milliwatt
from milliwatt.build import Converter, Generated, generate, parse_models
from milliwatt.build import conversion as conversions
from milliwatt.errors import MilliwattError

ROOT = Path(__file__).resolve().parents[2]
DIGITS, DIGIT = load_digits(return_X_y=True)
Run = Callable[..., list[Generated]]
pytestmark = pytest.mark.filterwarnings("ignore:.*onverge")


@pytest.fixture(scope="module")
def network() -> MLPClassifier:
    return MLPClassifier((12,), max_iter=30, random_state=0).fit(DIGITS[:800], DIGIT[:800])


@pytest.fixture
def project(tmp_path: Path, network: MLPClassifier) -> Path:
    directory = tmp_path / "my project"
    directory.mkdir()
    model = milliwatt.convert(network, name="other", calibration=DIGITS[:200], quantize="int8")
    model.save(directory / "digits.mw.json")
    skops.io.dump(network, directory / "digits.skops")
    np.savetxt(directory / "x.csv", DIGITS[:100], delimiter=",", fmt="%d")
    return directory


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def run(project: Path, notes: list[str]) -> Run:
    def run(text: str, **settings: object) -> list[Generated]:
        converter = Converter(project / "cache", project, note=notes.append, **settings)  # type: ignore[arg-type]
        return generate(parse_models(text, project, "ini"), project / "out", converter)

    return run


# -- generation ----------------------------------------------------------------------------------


def test_a_model_file(run: Run, notes: list[str]) -> None:
    (made,) = run("digits = digits.mw.json")
    assert made.summary.startswith("digits.h from digits.mw.json (network: about ")
    header, source = (file.read_text() for file in made.files)
    assert "int digits_predict(const uint8_t *features, int n_features);" in header
    assert "milliwatt/nets.h" in source
    assert not run("digits = digits.mw.json")[0].changed
    (made,) = run("digits = digits.mw.json arena=caller")
    assert made.changed
    assert "void *arena" in made.files[0].read_text()
    assert notes == []


def test_an_estimators_file(run: Run, notes: list[str]) -> None:
    text = "digits = digits.skops quantize=int8 calibration=x.csv"
    (made,) = run(text)
    assert "const uint8_t *features" in made.files[0].read_text()
    assert len(notes) == 1
    run(f"{text} arena=caller")
    assert len(notes) == 1  # that takes no other conversion
    (made,) = run("digits = digits.skops")
    assert "const float *features" in made.files[0].read_text()
    assert len(notes) == 2
    assert not run("digits = digits.skops")[0].changed


@pytest.mark.filterwarnings("ignore")
def test_keras_files(run: Run, project: Path, notes: list[str]) -> None:
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(3)])
    model.save(project / "n.keras")
    (made,) = run("n = n.keras classes=idle,walk,-run")
    text = made.files[1].read_text()
    assert all(f'"{name}"' in text for name in ("idle", "walk", "-run"))
    assert "n_regress" in run("n = n.keras")[0].files[0].read_text()
    assert len(notes) == 2
    with pytest.raises(MilliwattError, match=r"ini: n: .*: classes: 2 labels for 3 classes"):
        run("n = n.keras classes=a,b")


@pytest.mark.parametrize(
    ("text", "message", "cure"),
    [
        ("a = digits.mw.json method=compact", "ini: a: method: method=compact is for trees", "leave it out"),
        ("a = digits.mw.json quantize=int8", "ini: a: digits.mw.json: dtype, nan,", "milliwatt export"),
        ("a = digits.mw.json classes=a,b", "are settled in this file already", "arena can still be chosen"),
        ("a = digits.mw.json arena=mine", "ini: a: arena: 'mine' is not possible", "auto, static, caller"),
        ("a = digits.skops quantize=int8", "quantize=int8 needs calibration data", "give calibration="),
        ("a = digits.skops leaf_bits=8", "leaf_bits=8 is for trees", "quantize=int8"),
        ("a = n.pt2", "loading a *.pt2 runs any code", "custom_milliwatt_trust_pickle = yes"),
        ("a = n.onnx", "n.onnx: no such file", "check the path"),
    ],
)
def test_mistakes(run: Run, text: str, message: str, cure: str) -> None:
    with pytest.raises(MilliwattError) as caught:
        run(text)
    assert message in str(caught.value)
    assert cure in (caught.value.cure or "")


@pytest.mark.parametrize(
    ("line", "missing", "packages"),
    [
        ("a = n.keras", ("h5py", "keras", "torch", "sklearn"), "h5py"),
        ("a = n.h5 calibration=x.csv", ("h5py", "keras"), "h5py keras"),
        ("a = n.onnx", ("onnx", "sklearn"), "onnx"),
        ("a = n.pt2", ("torch",), "torch"),
    ],
)
def test_packages_that_are_missing(
    run: Run,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    missing: tuple[str, ...],
    packages: str,
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        conversions.importlib.util, "find_spec", lambda name: None if name in missing else real(name)
    )
    (project / line.split()[2]).write_bytes(b"")
    with pytest.raises(MilliwattError, match=f"needs {packages}, which the Python that runs") as caught:
        run(line, trust_pickle=True)
    assert f"-m pip install {packages};" in (caught.value.cure or "")


# -- CMake ---------------------------------------------------------------------------------------

_MAIN = """#include <stdio.h>
#include <digits.h>

int main(void)
{
    static const uint8_t image[DIGITS_N_FEATURES] = {IMAGE};
    printf("%s\\n", digits_class_name(digits_predict(image, DIGITS_N_FEATURES)));
    return 0;
}
"""
_LISTS = f"""cmake_minimum_required(VERSION 3.20)
project(app C)
set(CMAKE_C_FLAGS "-ffunction-sections -fdata-sections")
add_subdirectory("{ROOT.as_posix()}" milliwatt)
add_executable(app main.c)
target_link_options(app PRIVATE -Wl,--gc-sections)
milliwatt_add_model(app NAME digits FILE digits.mw.json)
"""


def test_cmake_builds_it_and_drops_what_is_not_called(project: Path, network: MLPClassifier) -> None:
    if shutil.which("cmake") is None or shutil.which("nm") is None:
        pytest.skip("no CMake")
    image = ", ".join(str(int(pixel)) for pixel in DIGITS[900])
    (project / "main.c").write_text(_MAIN.replace("IMAGE", image))
    (project / "CMakeLists.txt").write_text(_LISTS)
    build = project / "build"
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    for command in (["cmake", "-S", project, "-B", build, python], ["cmake", "--build", build]):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    told = subprocess.run([build / "app"], capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(network.predict(DIGITS[900:901])[0])
    symbols = subprocess.run(["nm", build / "app"], capture_output=True, text=True, check=True).stdout
    assert "mw_dense_u8" in symbols
    for other in ("mw_conv_u8", "mw_dense_i16", "mw_dense_f32", "mw_max_pool_u8", "mw_model_open"):
        assert other not in symbols
