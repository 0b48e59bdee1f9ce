"""The samples sound_event, sound_level and vibration_anomaly: their data, their models, their files."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import io
import lzma
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, hilbert, sosfilt

import milliwatt
from milliwatt.emit import emit_c
from milliwatt.ir.signal_shapes import raw_frames

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wdouble-promotion", "-pedantic", "-Werror"]


def load_script(sample: str, name: str, *needs: str) -> ModuleType:
    """A sample's module. Its neighbours, which it imports by their names, are its own sample's."""
    beside = {need: load_script(sample, need) for need in needs}
    spec = importlib.util.spec_from_file_location(f"{sample}_{name}", SAMPLES / sample / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = {need: sys.modules.get(need) for need in needs}
    sys.modules.update({spec.name: module, **beside})  # dataclasses look there for their annotations
    try:
        spec.loader.exec_module(module)
    finally:
        for need, old in before.items():
            sys.modules.pop(need)
            if old is not None:
                sys.modules[need] = old
    return module


adpcm = load_script("sound_event", "adpcm")
event = load_script("sound_event", "model", "adpcm", "sounds")
sounds = event.sounds
level = load_script("sound_level", "tables", "adpcm")
bearing = load_script("vibration_anomaly", "bearing")
vibration = load_script("vibration_anomaly", "model", "bearing")


@pytest.fixture(scope="module")
def real_sounds() -> Any:
    try:
        return sounds.load()
    except SystemExit as missing:
        pytest.skip(str(missing))


def recorded(sample: str, header: str) -> dict[str, list[float]]:
    """The arrays in a header: name to numbers."""
    text = (SAMPLES / sample / "src" / header).read_text(encoding="utf-8")
    found = re.findall(r"(recorded_\w+)(?:\[\w+\])+(?: MW_FLASH)? = (\{.*?\});", text, re.DOTALL)
    number = r"-?0x[0-9a-f]+|-?[\d.]+(?:e[-+]?\d+)?"
    return {
        name: [float(int(n, 16)) if "x" in n else float(n) for n in re.findall(number, body)]
        for name, body in found
    }


# -- recordings in flash ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def decode(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """adpcm.h, compiled for this PC with undefined behaviour trapped."""
    directory = tmp_path_factory.mktemp("adpcm")
    (directory / "adpcm.c").write_text(
        '#include "adpcm.h"\n'
        "void decode(const uint32_t *words, int n, int16_t *out);\n"
        "void decode(const uint32_t *words, int n, int16_t *out)\n{\n"
        "    adpcm_reader reader = {0, 0, 0};\n"
        "    for (int i = 0; i < n; i++) {\n        out[i] = adpcm_next(&reader, words);\n    }\n}\n"
    )
    library = directory / "adpcm.so"
    include = [f"-I{SAMPLES / 'sound_event' / 'src'}", f"-I{ROOT / 'include'}"]
    sanitize = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command = ["cc", "-std=c99", "-O1", *WARNINGS, *sanitize, *include, "-shared", "-fPIC"]
    subprocess.run([*command, str(directory / "adpcm.c"), "-o", str(library)], check=True)
    function = ctypes.CDLL(str(library)).decode

    def run(text: str, n: int) -> npt.NDArray[np.int16]:
        words = np.array([int(word, 16) for word in re.findall(r"0x[0-9a-f]+", text)], dtype=np.uint32)
        out = np.empty(n, dtype=np.int16)
        function(ctypes.c_void_p(words.ctypes.data), n, ctypes.c_void_p(out.ctypes.data))
        return out

    return run


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([-32768, -32767, -300, -1, 0, 1, 7, 2000, 32767]), min_size=1, max_size=40))
def test_c_decodes_what_python_encoded(decode: Any, samples: list[int]) -> None:
    codes, decoded = adpcm.encode(np.array(samples, dtype=np.int16))
    np.testing.assert_array_equal(decode(adpcm.table(codes, "x"), len(samples)), decoded)


def test_decoded_sound_is_close_to_what_it_was(decode: Any) -> None:
    moments = np.arange(4000) / 16000
    tone = np.rint(8000 * np.sin(2 * np.pi * 440 * moments)).astype(np.int16)
    _, decoded = adpcm.encode(tone)
    noise = (decoded[100:] - tone[100:].astype(float)).std()
    assert 20 * np.log10(tone.std() / noise) > 25


@pytest.mark.parametrize(
    "name", ["adpcm.py", "src/adpcm.h", "src/stopwatch.h"], ids=lambda name: str(Path(name).name)
)
def test_samples_have_the_same_copy(name: str) -> None:
    texts = {path.read_text() for path in SAMPLES.glob(f"*/{name}")}
    assert len(texts) == 1


# -- sound_event ------------------------------------------------------------------------------------


def debian_package(files: dict[str, bytes]) -> bytes:
    """What a package looks like: an archive of ar, as ar(5) has it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:xz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"./usr/share/sonic-pi/samples/{name}.flac")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    package = b"!<arch>\n"
    for name, data in (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", b"odd"),
        ("data.tar.xz", made.getvalue()),
    ):
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        assert len(header) == 60
        package += header + data + b"\n" * (len(data) % 2)
    return package


def test_files_come_out_of_a_debian_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for _, _, name in sounds._places()] + list(sounds.OTHERS)
    files = {name: name.encode() * 3 for name in names}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sounds, "_INSTALLED", Path("/usr/share/sonic-pi/samples"))
    monkeypatch.setattr(sounds, "_SHA256", hashlib.sha256(b"".join(files.values())).hexdigest())
    kept = tmp_path / "milliwatt" / sounds._DEB
    kept.parent.mkdir()
    kept.write_bytes(debian_package(files))
    if not (sounds._INSTALLED / "bd_808.flac").exists():
        assert sounds._files.__wrapped__() == files
    assert sounds._unpacked(kept.read_bytes(), names) == files
    monkeypatch.setattr(sounds, "_INSTALLED", tmp_path / "installed")
    (tmp_path / "installed").mkdir()
    for name in names:
        (tmp_path / "installed" / f"{name}.flac").write_bytes(b"another")
    with pytest.raises(SystemExit, match="not the sounds of"):
        sounds._files.__wrapped__()


def test_what_was_recorded_together_is_on_one_side() -> None:
    places = sounds._places()
    assert len({name for _, _, name in places}) == len(places) == 55
    folds = {name: fold for _, fold, name in places}
    for pair in ("drum_cymbal_hard+drum_cymbal_soft", "drum_snare_hard+drum_snare_soft",
                 "drum_bass_hard+drum_bass_soft", "drum_splash_hard+drum_splash_soft"):  # fmt: skip
        one, other = pair.split("+")
        assert folds[one] == folds[other]
    held_out = [label for label, fold, _ in places if fold == sounds.HELD_OUT_FOLD]
    assert set(held_out) == set(sounds.FILES)


def test_every_file_is_listed_as_cc0(real_sounds: Any) -> None:
    """In the package's own copyright file, of those who have the package in the cache."""
    package = sounds._package().read_bytes()
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(sounds._member(package, "data.tar.xz")))) as tar:
        file = tar.extractfile("./usr/share/doc/sonic-pi-samples/copyright")
        assert file is not None
        text = file.read().decode()
    licence = dict(re.findall(r"Files: etc/samples/(\w+)\.flac\n(?:.+\n)*?License: (\S+)", text))
    used = [name for _, _, name in sounds._places()] + list(sounds.OTHERS)
    assert {licence[name] for name in used} == {"CC0"}


def test_labels_of_windows() -> None:
    heard, noise = np.zeros(1000), np.full(1000, 0.01)
    heard[500:600] = 0.1
    clip = sounds.Clip(np.zeros(1000, dtype=np.int16), heard, noise)
    assert clip.label(0, 400, "kick") == "quiet"
    assert clip.label(400, 700, "kick") == "kick"
    assert clip.label(200, 501, "kick") is None, "a hundredth of the sound: neither heard nor quiet"


def test_the_network_that_is_trained_is_the_one_that_is_committed() -> None:
    pytest.importorskip("torch")
    draw = np.random.default_rng(0)
    recordings = [draw.normal(0, 1000, 24000).astype(np.int16) for _ in range(3)]
    features = event.front().fit_transform(recordings)
    data = event.Windows(
        recordings, np.ones(len(features), bool), np.array(["kick"] * len(features)), features
    )
    made = event.convert(event.train(data, epochs=0), recordings).ir
    committed = milliwatt.load(event.MODEL_FILE).ir
    assert [type(layer) for layer in made.layers] == [type(layer) for layer in committed.layers]
    assert made.shapes == committed.shapes
    assert made.signals == committed.signals
    assert raw_frames(committed.signals) == (32 * 256, 16 * 256)
    assert (made.name, made.dtype, made.classes) == (committed.name, committed.dtype, committed.classes)


def test_committed_network_is_small() -> None:
    model = milliwatt.load(event.MODEL_FILE)
    assert model.ir.is_integer
    assert model.ir.dtype == "int16"
    assert model.arena_size <= 1536
    assert sum(layer.weight_bytes for layer in model.layers) <= 8 * 1024


def test_committed_network_knows_files_that_it_never_heard(
    real_sounds: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model = milliwatt.load(event.MODEL_FILE)
    assert event.right(model, event.held_out()).mean() >= 0.85
    assert event.print_figures(model) == 0
    told = (SAMPLES / "sound_event" / "README.md").read_text(encoding="utf-8")
    for line in capsys.readouterr().out.splitlines():
        assert line in told, "the README shows what model.py prints"
    assert event.sounds_text(model) == event.SOUNDS_FILE.read_text(encoding="utf-8")


def test_the_board_hears_each_class() -> None:
    tables = recorded("sound_event", "recorded_sounds.h")
    assert sorted(set(tables["recorded_predicted"])) == [0, 1, 2, 3, 4]
    assert len(set(tables["recorded_features"])) == len(tables["recorded_predicted"]) == 14


# -- sound_level ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hz", "weight"), [(1000, 0.0), (100, -19.1), (4000, 1.0)])
def test_reference_of_tones(hz: int, weight: float) -> None:
    """The weights are those of IEC 61672-1's table, which has tenths of a decibel."""
    moments = np.arange(3 * level.RATE_HZ) / level.RATE_HZ
    tone = np.rint(16384 * np.sin(2 * np.pi * hz * moments)).astype(np.int16)
    levels = level.reference(tone)
    expected = -6.02 - 3.01 + weight
    assert levels.equivalent[1:] == pytest.approx([expected] * 2, abs=0.3)
    assert levels.fast[1:] == pytest.approx([expected] * 2, abs=0.3)
    assert levels.slow[2] == pytest.approx(expected - 0.22, abs=0.3), "after three seconds 95 % of the power"


def test_committed_tables_are_what_the_script_writes(real_sounds: Any) -> None:
    assert level.main(["--check"]) == 0


# -- vibration_anomaly ------------------------------------------------------------------------------


def envelope_line(counts: npt.NDArray[np.int16], low: float, high: float) -> float:
    """The strongest line of the envelope's spectrum between two frequencies, over the median."""
    ringing = sosfilt(butter(4, 800, "high", fs=bearing.RATE_HZ, output="sos"), counts)
    envelope = np.abs(hilbert(ringing))
    spectrum = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope))))
    hz = np.fft.rfftfreq(len(envelope), 1 / bearing.RATE_HZ)
    return float(spectrum[(hz > low) & (hz < high)].max() / np.median(spectrum[(hz > 20) & (hz < 400)]))


def test_a_defect_shows_where_theory_has_it() -> None:
    """At 3.585 times the shaft's rate of 24 to 30 Hz for a bearing 6205 (Case Western's figure)."""
    assert pytest.approx(3.5848, abs=2e-3) == bearing.BALL_PASSES
    for number in (0, 1, 70):
        low, high = 24.0 * 3.58, 30.0 * 3.59
        assert envelope_line(bearing.recording(number, 8.0, 0.4), low, high) > 8
        assert envelope_line(bearing.recording(number, 8.0), low, high) < 6


def test_machines_are_repeatable_and_differ() -> None:
    once, again = bearing.recording(3, 1.0), bearing.recording(3, 1.0)
    np.testing.assert_array_equal(once, again)
    assert bearing.machine(3) != bearing.machine(4)
    assert np.abs(once).max() < 4095, "in the sensor's range"
    assert not set(vibration.KNOWN) & set(vibration.UNKNOWN)


def test_committed_detector_is_what_training_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert vibration.main(["--check"]) == 0
    told = (SAMPLES / "vibration_anomaly" / "README.md").read_text(encoding="utf-8")
    for line in capsys.readouterr().out.splitlines():
        assert line in told, "the README shows what model.py prints"
    assert vibration.VIBRATION_FILE.read_text("utf-8") == vibration.vibration_text(
        milliwatt.load(vibration.MODEL_FILE)
    )


def test_check_notices_another_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = milliwatt.load(vibration.MODEL_FILE)
    assert vibration.check(model) == 0
    text = vibration.MODEL_FILE.read_text(encoding="utf-8")
    changed = tmp_path / vibration.MODEL_FILE.name
    changed.write_text(text.replace('"hop": 1024', '"hop": 512'), encoding="utf-8")
    assert changed.read_text(encoding="utf-8") != text
    monkeypatch.setattr(vibration, "MODEL_FILE", changed)
    assert vibration.check(model) == 1


# -- all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ["activity", "sound_event", "sound_level", "vibration_anomaly"])
def test_c_of_the_firmware_is_free_of_warnings(tmp_path: Path, sample: str) -> None:
    model = SAMPLES / sample / "models" / f"{sample}.mw.json"
    if model.exists():
        for name, text in emit_c(milliwatt.load(model).ir).files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
    sources = [*(SAMPLES / sample / "src").glob("*.c"), *tmp_path.glob("*.c")]
    include = [f"-I{ROOT / 'include'}", f"-I{tmp_path}"]
    for compiler in ("gcc", "clang"):
        command = [compiler, "-std=c99", "-fsyntax-only", *WARNINGS, *include, *map(str, sources)]
        subprocess.run(command, check=True)
