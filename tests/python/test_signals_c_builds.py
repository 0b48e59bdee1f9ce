"""Emitted C of signals: warning-free, stateless, sized as told, called wrongly, and on other CPUs."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mwtest.dsp_programs import AVR
from mwtest.integer_networks import integers
from mwtest.net_cases import ARM, Machine
from mwtest.networks import NetworkSpec, build_network
from mwtest.signal_cases import all_features, chains, fir, iir, model_of, recording, spectrum
from mwtest.signal_runs import Case, run
from mwtest.toolchain import STRICT, TOOLCHAINS, compile_to_objects

from milliwatt import sdk
from milliwatt.emit import emit_blob, emit_c, emit_csv, state_size
from milliwatt.errors import UnsupportedModelError
from milliwatt.host.runner import HostModel
from milliwatt.host.signals import features_of
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.signal_shapes import raw_frames
from milliwatt.ir.signals import (
    FLOAT,
    INT16,
    Branch,
    Emphasis,
    Goertzel,
    Length,
    Signals,
    TimeFeature,
    ToFloat,
)

ACTIVITY = Signals(
    INT16,
    3,
    25,
    12,
    (Branch((), all_features(INT16, 3)),),
    (iir(INT16),),
    rate=50.0,
    channel_names=("ax", "ay", "az"),
)
FIXED = (
    ACTIVITY,
    Signals(INT16, 1, 2, 1, (Branch(),), (Emphasis(0.97), spectrum(INT16, 64, 40, 20, values="mel"))),
    Signals(INT16, 3, 16, 16, (Branch((Goertzel((0.1, 0.3)),)), Branch((Length((0, 1, 2)),))), restart=23),
    Signals(INT16, 7, 4, 5, (Branch((), (TimeFeature("mean", (6,)),)),), (fir(INT16, 12, 3),)),
    Signals(INT16, 2, 12, 6, (Branch((spectrum(INT16, 16, 12, 12, values="cepstrum"),)),)),
)


def network_of(signals: Signals, *, bits: int = 0, **changes: object) -> Network:
    """A network of float features that takes what the signals make."""
    width = 6
    made = build_network(NetworkSpec(4, (width,), 2, **({"n_outputs": 3} | changes)))  # type: ignore[arg-type]
    made = integers(made, 1, bits=bits) if bits else made
    return dataclasses.replace(made, signals=signals, name="net", check_nan=False)


SIX = Signals(FLOAT, 2, 3, 2, (Branch(),), (iir(FLOAT),))


def _models() -> list[AnyModel]:
    found: list[AnyModel] = [
        model_of(signals, f"m{i}") for i, signals in enumerate([*chains(range(100, 120)), *FIXED])
    ]
    found.append(model_of(Signals(FLOAT, 3, 9, 4, (Branch((), all_features(FLOAT, 3)),)), "floats"))
    for name, bits, arena in (("net", 0, "caller"), ("whole", 8, "caller"), ("owns", 8, "static")):
        found.append(dataclasses.replace(network_of(SIX, bits=bits), name=name, arena=arena))
    found.append(model_of(SIX, "value", task="regressor"))
    return found


MODELS = _models()


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models in one file, of pairs and of single headers."""
    root = tmp_path_factory.mktemp("generated")
    for single, ending in ((False, "c"), (True, "h")):
        for model in MODELS:
            for file, text in emit_c(model, single=single).files.items():
                (root / f"{'one_' if single else ''}{file}").write_text(text, encoding="utf-8")
        before = "one_" if single else ""
        text = "".join(f'#include "{before}{model.name}.{ending}"\n' for model in MODELS)
        name = "single.c" if single else "pairs.c"
        (root / name).write_text(
            f"{text}int f(void);\nint f(void)\n{{\n    return 0;\n}}\n", encoding="utf-8"
        )
    return root


@pytest.mark.parametrize(
    ("name", "standard", "form"),
    [
        *((name, standard, "pairs") for name in TOOLCHAINS for standard in ("c99", "c++17")),
        ("gcc", "c99", "single"),
        ("avr", "c++17", "single"),
    ],
)
def test_generated_code_is_warning_free_and_stateless(
    name: str, standard: str, form: str, generated: Path, tmp_path: Path
) -> None:
    chain = TOOLCHAINS[name]
    chain.need()
    (target,) = compile_to_objects(chain, [generated / f"{form}.c"], tmp_path, standard, f"-I{generated}")
    told = subprocess.run([chain.nm, str(target)], check=True, capture_output=True, text=True).stdout
    for line in told.splitlines():
        kind, symbol = line.split()[-2:]
        owned = kind in "BbDd" and "owns_arena" not in symbol  # a static arena was asked for
        assert not owned, f"writable data: {line}"
        assert kind != "U" or symbol.startswith(("mw_", "__", "mem")), f"needs {symbol}"


def test_no_kernel_is_linked_that_is_not_used(tmp_path: Path) -> None:
    signals = Signals(INT16, 3, 25, 12, (Branch((), (TimeFeature("mean", (1,)),)),))
    for file, text in emit_c(model_of(signals, "few")).files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    (target,) = compile_to_objects(TOOLCHAINS["gcc"], [tmp_path / "few.c"], tmp_path, "c99")
    told = subprocess.run(["nm", "-u", str(target)], check=True, capture_output=True, text=True).stdout
    needed = {symbol for symbol in told.split() if symbol.startswith("mw_")}
    assert needed == {"mw_ring_init", "mw_ring_push", "mw_ring_window", "mw_sum_i16", "mw_mean_q8"}


def test_the_state_is_as_large_as_told(generated: Path) -> None:
    chain = TOOLCHAINS["cortex-m0"]
    chain.need()
    lines = [f'#include "{model.name}.h"\n' for model in MODELS]
    for model in MODELS:
        lines.append(
            f'_Static_assert({model.name.upper()}_STATE_SIZE == {state_size(model)}, "{model.name}");\n'
        )
        lines.append(f'_Static_assert({model.name.upper()}_SCRATCH_SIZE <= {state_size(model)}, "");\n')
    (generated / "sizes.c").write_text("".join(lines), encoding="utf-8")
    compile_to_objects(chain, [generated / "sizes.c"], generated, "c11", f"-I{generated}")


@pytest.mark.parametrize(
    "machine", [ARM["cortex-m0"], ARM["cortex-m3"], ARM["cortex-m4"]], ids=lambda machine: machine.name
)
def test_fixed_point_has_the_same_bits_on_emulated_cores(machine: Machine, tmp_path: Path) -> None:
    cases = []
    for seed, signals in enumerate(FIXED):
        first, step = raw_frames(signals)
        cases.append(Case(model_of(signals), recording(signals, first + 4 * step, seed), (5, 1)))
    for case, found in zip(cases, run(cases, machine, tmp_path), strict=True):
        assert case.model.signals is not None
        wanted = features_of(case.model.signals, case.frames)
        assert found.features[: len(wanted)].tobytes() == wanted.tobytes()
        np.testing.assert_array_equal(found.answers, HostModel(case.model).predict(found.features))


def _small() -> list[Signals]:
    """Such as have room in 2 KB, with tables of every kind."""
    names = ("mean", "std", "iqr", "jerk")
    features = [TimeFeature(name, (axis,)) for name in names for axis in range(3)]
    picked = spectrum(INT16, 16, 16, 4, values="bands", edges=(1, 2, 5, 9), shape=("peak",), chosen=(0, 2, 3))
    return [
        dataclasses.replace(ACTIVITY, branches=(Branch((), (*features, TimeFeature("roll", (0, 1, 2)))),)),
        FIXED[1],
        Signals(INT16, 2, 3, 2, (Branch((), (), (0, 2, 5)),), (picked,)),
    ]


@pytest.mark.parametrize("signals", _small(), ids=["features", "mel", "bands"])
def test_fixed_point_has_the_same_bits_on_an_emulated_avr(signals: Signals, tmp_path: Path) -> None:
    first, step = raw_frames(signals)
    case = Case(model_of(signals), recording(signals, first + 3 * step, 3), (5, 1))
    (found,) = run([case], AVR, tmp_path)
    assert found.features.tobytes() == features_of(signals, case.frames).tobytes()


def test_floats_are_close_on_an_emulated_core_with_an_fpu(tmp_path: Path) -> None:
    signals = Signals(
        INT16, 3, 20, 10, (Branch((), all_features(FLOAT, 3)),), (ToFloat(1 / 32768), iir(FLOAT, order=2))
    )
    case = Case(model_of(signals), recording(signals, 60, 1), (7,))
    (found,) = run([case], ARM["cortex-m4"], tmp_path)
    wanted = features_of(signals, case.frames)
    np.testing.assert_allclose(found.features, wanted, rtol=1e-5, atol=1e-5)


# -- calls -----------------------------------------------------------------------------------------

_CALLS = """
#include <stdio.h>
#include <string.h>
#include "gesture.h"

static int failures;
static void expect(int line, long actual, long wanted)
{
    if (actual != wanted) {
        printf("line %d: %ld, not %ld\\n", line, actual, wanted);
        ++failures;
    }
}
#define EXPECT(actual, wanted) expect(__LINE__, (long) (actual), (long) (wanted))

int main(void)
{
    static gesture_state state, zeros, other;
    int16_t frames[3 * 64];
    int32_t kept[GESTURE_N_FEATURES];
    int taken = 7, answer = 0;
    for (int i = 0; i < 3 * 64; ++i) {
        frames[i] = (int16_t) (i * i * 31 % 2003 - 1000);
    }
    memset(&state, 0x5a, sizeof state);
    memset(&other, 0xa5, sizeof other);
    gesture_reset(NULL);
    gesture_reset(&state);
    EXPECT(gesture_push_block(NULL, frames, 1, &taken), MW_ERROR_ARGUMENT);
    EXPECT(taken, 0);
    EXPECT(gesture_push_block(&state, NULL, 1, &taken), MW_ERROR_ARGUMENT);
    EXPECT(gesture_push_block(&state, frames, 2, NULL), MW_ERROR_ARGUMENT);
    EXPECT(gesture_push_block(&state, frames, -1, &taken), MW_ERROR_LENGTH);
    EXPECT(gesture_push(NULL, 1, 2, 3), MW_ERROR_ARGUMENT);
    EXPECT(gesture_push_block(&state, frames, 0, &taken), MW_NOT_YET);
    EXPECT(gesture_push_block(&state, frames, 0, NULL), MW_NOT_YET);
    EXPECT(taken, 0);

    /* Errors left no trace; a window is complete with its last frame, and no more are taken. */
    EXPECT(gesture_push_block(&state, frames, 24, &taken), MW_NOT_YET);
    EXPECT(taken, 24);
    answer = gesture_push_block(&state, frames + 3 * 24, 40, &taken);
    EXPECT(answer >= 0 && answer < GESTURE_N_CLASSES, 1);
    EXPECT(taken, 1);
    EXPECT(answer, gesture_predict(gesture_features(&state), GESTURE_N_FEATURES));
    memcpy(kept, gesture_features(&state), sizeof kept);

    /* The next one needs a hop. */
    EXPECT(gesture_push_block(&state, frames, 11, &taken), MW_NOT_YET);
    EXPECT(gesture_push_block(&state, frames, 40, &taken) >= 0, 1);
    EXPECT(taken, 1);

    /* After a gap everything begins anew, and a state of zeros is as good as one that was reset. */
    EXPECT(gesture_push_block(&state, frames, 5, &taken), MW_NOT_YET);
    gesture_reset(&state);
    EXPECT(gesture_push_block(&state, frames, 64, &taken), answer);
    EXPECT(taken, 25);
    EXPECT(memcmp(kept, gesture_features(&state), sizeof kept), 0);
    for (int i = 0; i < 24; ++i) {
        EXPECT(gesture_push(&zeros, frames[3 * i], frames[3 * i + 1], frames[3 * i + 2]), MW_NOT_YET);
    }
    EXPECT(gesture_push_block(&zeros, frames + 3 * 24, 1, NULL), answer);
    EXPECT(memcmp(kept, gesture_features(&zeros), sizeof kept), 0);

    /* Streams do not know of each other. */
    gesture_reset(&other);
    for (int i = 0; i < 25; ++i) {
        (void) gesture_push_block(&state, frames + 3 * i, 1, NULL);
        EXPECT(gesture_push_block(&other, frames + 3 * i, 1, NULL), i == 24 ? answer : MW_NOT_YET);
    }
    EXPECT(memcmp(kept, gesture_features(&other), sizeof kept), 0);
    EXPECT(GESTURE_N_CHANNELS, 3);
    EXPECT(GESTURE_WINDOW, 25);
    EXPECT(GESTURE_FIRST, 25);
    EXPECT(GESTURE_HOP, 12);
    EXPECT(GESTURE_RATE, 50);
    EXPECT(GESTURE_STATE_SIZE, sizeof state);
    EXPECT(strcmp(mw_status_string(MW_NOT_YET), "ok") != 0, 1);
    puts(failures == 0 ? "ok" : "failed");
    return failures != 0;
}
"""


@pytest.mark.parametrize("single", [False, True])
def test_calls_right_and_wrong(single: bool, tmp_path: Path) -> None:
    files = emit_c(model_of(ACTIVITY, "gesture"), single=single).files
    for file, text in {**files, "main.c": _CALLS}.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    sources = [str(tmp_path / file) for file in (*files, "main.c") if file.endswith(".c")]
    library = [*sdk.signal_sources("".join(files.values())), sdk.root() / "src" / "status.c"]
    command = ["gcc", "-std=c99", *STRICT, "-O1", "-fsanitize=address,undefined", f"-I{sdk.include_dir()}"]
    program = str(tmp_path / "program")
    subprocess.run([*command, *sources, *map(str, library), "-o", program], check=True)
    result = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", "")


def test_the_header_says_what_samples_and_features_are() -> None:
    header = emit_c(model_of(ACTIVITY, "gesture")).files["gesture.h"]
    assert "int gesture_push(gesture_state *state, int16_t ax, int16_t ay, int16_t az);" in header
    assert "/* Raw samples: int16_t, frames of ax, ay, az. */" in header
    assert "/*   0: mean of ax, in 1/256 */" in header
    assert "percentile 333 of az, in 1/256" in header
    assert "roll of ax, ay, az, in pi/32768" in header


def test_seven_channels_come_in_blocks_only() -> None:
    files = emit_c(model_of(FIXED[3], "wide")).files
    assert "wide_push_block(" in files["wide.h"]
    assert "wide_push(" not in files["wide.h"]


# -- models ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0, 8])
@pytest.mark.parametrize("link", ["softmax", "labels", "identity"])
def test_networks_behind_signals(bits: int, link: str) -> None:
    model = network_of(SIX, bits=bits, link=link)
    # The caller's arena is in the state where a push runs the network, and nowhere else.
    header = emit_c(dataclasses.replace(model, arena="caller")).files["net.h"]
    assert ("uint32_t arena[" in header) == (link == "softmax")
    frames = recording(SIX, 15, 2)
    host = HostModel(model)
    pushed = host.push(frames, 4)
    assert pushed.features.tobytes() == features_of(SIX, frames).tobytes()
    if link == "softmax":
        np.testing.assert_array_equal(pushed.answers, host.predict(pushed.features))
    else:
        np.testing.assert_array_equal(pushed.answers, 0)


@pytest.mark.parametrize("emit", [emit_blob, emit_csv])
def test_other_formats_refuse_signals(emit: object) -> None:
    with pytest.raises(UnsupportedModelError, match="raw samples") as caught:
        emit(model_of(ACTIVITY, "gesture"))  # type: ignore[operator]
    assert "format='json' or 'c'" in str(caught.value)


def test_channels_may_be_called_what_c_cannot_call_them(tmp_path: Path) -> None:
    names = ("state", "int", "state_", "frame", "x_t", "while")
    signals = Signals(INT16, 6, 4, 4, (Branch((), (TimeFeature("mean", (1,)),)),), channel_names=names)
    model = model_of(signals, "odd")
    files = emit_c(model).files
    wanted = "int16_t state_, int16_t int_, int16_t state__, int16_t frame_, int16_t x_t_, int16_t while_"
    assert wanted in files["odd.h"]
    frames = recording(signals, 12)
    np.testing.assert_array_equal(HostModel(model).push(frames, 0).features, features_of(signals, frames))


def test_channels_may_be_called_as_macros_and_functions_are() -> None:
    names = ("INT16_MAX", "AX", "ax", "odd_take", "TRUE", "linux")
    signals = Signals(INT16, 6, 4, 4, (Branch((), (TimeFeature("mean", (1,)),)),), channel_names=names)
    model = model_of(signals, "odd")
    wanted = "int16_max, int16_t ax, int16_t ax_, int16_t odd_take_, int16_t true_, int16_t linux_"
    assert wanted in emit_c(model).files["odd.h"]
    frames = recording(signals, 12)
    np.testing.assert_array_equal(HostModel(model).push(frames, 0).features, features_of(signals, frames))


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        (
            Signals(
                FLOAT,
                64,
                1,
                1,
                (Branch((), (TimeFeature("mean", (0,)),)),),
                (spectrum(FLOAT, 1024, 1024, 512),),
            ),
            "32832 numbers has 131328 bytes",
        ),
        (
            Signals(INT16, 1, 20000, 20000, (Branch((Goertzel((0.1,)),)),)),
            "Goertzel: a window of 20000 samples of 16 bits",
        ),
    ],
)
def test_what_kernels_cannot_count_is_refused(signals: Signals, words: str) -> None:
    with pytest.raises(UnsupportedModelError, match=words):
        emit_c(model_of(signals))
