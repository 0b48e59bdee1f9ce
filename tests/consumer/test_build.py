"""One project, many environments: every LDF mode, every way to reach a header, one compiled copy."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import REPOSITORY, Outcome, Pio, Project, Trained, main_c

pytestmark = [pytest.mark.xdist_group("consumer"), pytest.mark.timeout(180)]

MODES = ("off", "chain", "chain+", "deep", "deep+")

# Not optimised: all of the library is compiled in each environment.
INI = f"""\
[env]
platform = symlink://{REPOSITORY}/boards/virtual
board = host
build_flags = -Wall -Wextra -O0
build_src_filter = +<main.c>
lib_deps = symlink://{REPOSITORY}
custom_milliwatt_models =
    gesture = models/gesture.mw.json   ; the file says inline
    effort  = "models/effort.mw.json"
"""

# The gesture's header is included by a library of the project only. Without a finder PlatformIO has
# to be told of every library; that one comes before ours.
ENVIRONMENTS = {
    **{f"mode_{mode.replace('+', '_plus')}": f"lib_ldf_mode = {mode}" for mode in MODES[1:]},
    "mode_off": f"lib_ldf_mode = off\nlib_deps =\n    gauge\n    symlink://{REPOSITORY}",
    "no_archive": "lib_archive = no",
    # What Espressif's and Zephyr's builders do: set up all libraries, forget them, do it again.
    "twice": "extra_scripts = pre:twice.py",
    # Without lib_deps the finder sees nothing of ours but generated headers.
    **{
        f"found_{mode.replace('+', '_plus')}": (
            f"lib_ldf_mode = {mode}\nlib_deps =\nlib_extra_dirs = {{libraries}}"
        )
        for mode in MODES[1:]
    },
}
GAUGE = {
    "lib/gauge/gauge.h": "int gauge(const float *features);\n",
    "lib/gauge/gauge.c": (
        '#include "gauge.h"\n#include <gesture.h>\n'
        "int gauge(const float *features) { return gesture_predict(features, GESTURE_N_FEATURES); }\n"
    ),
}
TWICE = """\
from SCons.Script import DefaultEnvironment
DefaultEnvironment().GetLibBuilders()
DefaultEnvironment().Replace(__PIO_LIB_BUILDERS=None)
"""


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project], trained: dict[str, Trained], unpacked: Path) -> Project:
    project = make_project("watch")
    sections = "".join(f"\n[env:{name}]\n{text}\n" for name, text in ENVIRONMENTS.items())
    main = main_c(
        trained["gesture"].samples, "gesture", "effort", includes="#include <gauge.h>\n#include <effort.h>\n"
    )
    project.write(
        {
            "platformio.ini": INI + sections.format(libraries=unpacked),
            "src/main.c": main.replace("gesture_predict(samples[i], 4)", "gauge(samples[i])"),
            "twice.py": TWICE,
            **GAUGE,
        }
    )
    return project


@pytest.fixture(scope="module")
def built(project: Project) -> Outcome:
    return project.run()


def test_this_python_has_platformio_and_nothing_else(pio: Pio) -> None:
    for module in ("numpy", "sklearn", "milliwatt"):
        done = subprocess.run(
            [pio.python, "-c", f"import {module}"],
            env=pio.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"No module named '{module}'" in done.stderr


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_answers_are_the_estimators(
    project: Project, built: Outcome, trained: dict[str, Trained], environment: str
) -> None:
    answers = project.answers(environment)
    assert answers["gesture"] == trained["gesture"].answers
    np.testing.assert_allclose(answers["effort"], trained["effort"].answers, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_source_is_compiled_once(built: Outcome, environment: str) -> None:
    names = [Path(line).name for line in built.compiled if f"/build/{environment}/" in line]
    assert len(names) == len(set(names))
    assert {"gesture.o", "effort.o", "status.o"} <= set(names)


def test_says_one_line_a_model(built: Outcome) -> None:
    lines = built.told
    for model, method in (("gesture", "inline"), ("effort", "loadable")):
        wanted = rf"milliwatt: {model}\.h from models/{model}\.mw\.json \({method}: .+\)"
        assert sum(re.fullmatch(wanted, line) is not None for line in lines) == len(ENVIRONMENTS)
    assert len(lines) == 2 * len(ENVIRONMENTS)


def test_no_warnings(built: Outcome) -> None:
    assert "warning" not in built.stderr.lower()


def test_a_second_build_makes_nothing_and_says_nothing(project: Project, built: Outcome) -> None:
    for file in (project.directory / "models").iterdir():
        file.touch()
    again = project.run()
    assert again.compiled == []
    assert again.told == []


def test_compile_commands_know_the_generated_headers(project: Project, built: Outcome) -> None:
    project.run("-t", "compiledb", "-e", "mode_chain")
    commands = json.loads((project.directory / "compile_commands.json").read_text())
    for source in ("src/main.c", "gauge.c", "gesture.c"):
        (command,) = [c["command"] for c in commands if Path(c["file"]).as_posix().endswith(source)]
        assert "-I.pio/milliwatt/models/mode_chain" in command.replace("\\", "/")


def test_ides_know_the_generated_headers(project: Project, built: Outcome) -> None:
    out = project.directory / "metadata.json"
    project.pio("project", "metadata", "-e", "mode_chain", "--json-output-path", out, cwd=project.directory)
    includes = json.loads(out.read_text())["mode_chain"]["includes"]["build"]
    assert str(project.directory / ".pio" / "milliwatt" / "models" / "mode_chain") in includes
