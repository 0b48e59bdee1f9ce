"""A project over time: what is rebuilt when something changes, and what each mistake is told."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from .conftest import REPOSITORY, Outcome, Project, Trained

pytestmark = [pytest.mark.xdist_group("consumer_changes"), pytest.mark.timeout(180)]

INI = f"""\
[env:watch]
platform = symlink://{REPOSITORY}/boards/virtual
board = host
lib_deps = symlink://{REPOSITORY}
"""
GOOD = "gesture = models/gesture.mw.json\neffort = models/effort.mw.json"


def declare(*lines: str, options: str = "") -> str:
    models = "".join(f"\n    {line}" for text in lines for line in text.splitlines())
    return f"{INI}custom_milliwatt_models ={models}\n{options}\n"


@pytest.fixture(scope="module")
def shared(make_project: Callable[[str], Project]) -> Project:
    return make_project("watch")


@pytest.fixture
def project(shared: Project, trained: dict[str, Trained]) -> Project:
    """The project in a good state, built."""
    for name, model in trained.items():
        model.save(shared.directory / "models", name)
    shared.write({"platformio.ini": declare(GOOD)})
    shared.run()
    return shared


def expect(project: Project, trained: dict[str, Trained]) -> None:
    answers = project.answers("watch")
    assert answers["gesture"] == trained["gesture"].answers
    np.testing.assert_allclose(answers["effort"], trained["effort"].answers, rtol=1e-5, atol=1e-5)


def test_a_changed_model_changes_the_answers(project: Project, trained: dict[str, Trained]) -> None:
    model = trained["gesture"]
    labels = np.array(["x", "y", "z"])[[2 - int(answer) for answer in model.answers]]
    other = Trained(RandomForestClassifier(3, bootstrap=False).fit(model.samples, labels), model.samples)
    assert other.answers != model.answers
    other.save(project.directory / "models", "gesture")
    changed = project.run()
    assert {Path(made).name for made in changed.compiled} >= {"gesture.o", "firmware.elf"}
    assert not any(Path(made).name in ("effort.o", "status.o") for made in changed.compiled)
    assert project.answers("watch")["gesture"] == other.answers


def test_a_changed_option(project: Project, trained: dict[str, Trained]) -> None:
    project.write(
        {"platformio.ini": declare(GOOD.replace("gesture.mw.json", "gesture.mw.json method=loadable"))}
    )
    assert project.run().told == ["milliwatt: gesture.h from models/gesture.mw.json (loadable: asked for)"]
    expect(project, trained)


def test_a_model_no_longer_declared(project: Project) -> None:
    generated = project.directory / ".pio" / "milliwatt" / "models" / "watch"
    assert (generated / "effort.c").is_file()
    project.write({"platformio.ini": declare("gesture = models/gesture.mw.json")})
    failed = project.run(check=False)
    assert failed.status != 0
    assert "effort.h" in failed.stderr  # still included
    assert not (generated / "effort.c").exists()


def test_an_ini_file_of_another_name(project: Project, trained: dict[str, Trained]) -> None:
    ini = declare(GOOD.replace("gesture.mw.json", "gesture.mw.json method=loadable"))
    project.write({"config/other.ini": ini.replace("env:watch", "env:other")})
    assert len(project.run("-c", "config/other.ini").told) == 2
    assert project.answers("other")["gesture"] == trained["gesture"].answers
    project.write({"config/other.ini": declare("a = b.mw.json")})
    failed = project.run("-c", "config/other.ini", check=False)
    assert "Error: milliwatt: config/other.ini [env:watch] custom_milliwatt_models: a: " in failed.stderr


def test_an_ini_file_elsewhere(project: Project, tmp_path: Path) -> None:
    (tmp_path / "other.ini").write_text(declare("a = b.mw.json"))
    failed = project.pio(
        "run", "-d", project.directory, "-c", tmp_path / "other.ini", cwd=tmp_path, check=False
    )
    assert f"Error: milliwatt: {tmp_path / 'other.ini'} [env:watch]" in failed.stderr
    assert f"{project.directory / 'b.mw.json'}: no such file" in failed.stderr


def test_silent_without_models(make_project: Callable[[str], Project]) -> None:
    project = make_project("plain")
    main = "#include <milliwatt.h>\nint main(void) { return MW_VERSION_MAJOR > 99; }\n"
    project.write({"platformio.ini": INI, "src/main.c": main})
    outcome = project.run()
    assert outcome.told == []
    assert outcome.stderr == ""
    assert not (project.directory / ".pio" / "milliwatt").exists()


# -- mistakes ------------------------------------------------------------------------------------

AT = "Error: milliwatt: platformio.ini [env:watch] custom_milliwatt_models: "


@pytest.mark.parametrize(
    ("lines", "options", "message", "cure"),
    [
        ("a = models/no.mw.json", "", AT + "a: {dir}/models/no.mw.json: no such file", "check the path"),
        (
            "a = models/broken.mw.json",
            "",
            AT + "a: {dir}/models/broken.mw.json: not valid JSON",
            "milliwatt export",
        ),
        ("a = models/damaged.mw.json", "", AT + "a: {dir}/models/damaged.mw.json: trees", "milliwatt export"),
        (
            "a = models/gesture.joblib",
            "",
            AT + "a: models/gesture.joblib: custom_milliwatt_trust_pickle: loading a *.joblib runs any code",
            "custom_milliwatt_trust_pickle = yes",
        ),
        (
            "a = models/gesture.joblib",
            "custom_milliwatt_trust_pickle = yes",
            AT + "a: {dir}/models/gesture.joblib: custom_milliwatt_python: needs scikit-learn",
            "{python} -m pip install scikit-learn",
        ),
        (
            "a = models/gesture.joblib",
            "custom_milliwatt_trust_pickle = yes\ncustom_milliwatt_python = ~/no/python",
            "no/python: custom_milliwatt_python: no such file",
            "to the Python in which the model was trained",
        ),
        (
            "a = models/wrong.joblib",
            f"custom_milliwatt_trust_pickle = yes\ncustom_milliwatt_python = {sys.executable}",
            AT + "a: {dir}/models/wrong.joblib: cannot be loaded",
            "save the model again",
        ),
        (
            "a = models/net.tflite",
            "",
            AT + "a: models/net.tflite: unknown kind of model file '.tflite'",
            "*.skops",
        ),
        ("a = models/gesture.mw.json dtype=int8", "", "settled in this file already", "milliwatt export"),
        (
            "a = models/gesture.mw.json method=fast",
            "",
            AT + "a: method: 'fast' is not possible",
            "inline, loadable, compact",
        ),
        ("", "custom_milliwatt_model = x", "[env:watch]: custom_milliwatt_model: unknown option", "_models"),
        (
            "a = models/gesture.mw.json",
            "custom_milliwatt_trust_pickle = maybe",
            "custom_milliwatt_trust_pickle: 'maybe' is not possible",
            "yes or no",
        ),
    ],
)
def test_mistakes_fail_the_build_with_one_message(
    shared: Project, lines: str, options: str, message: str, cure: str
) -> None:
    good = (shared.directory / "models" / "gesture.mw.json").read_text()
    shared.write(
        {
            "models/broken.mw.json": good[: len(good) // 2],
            "models/damaged.mw.json": good.replace('"left": [1', '"left": [99999', 1),
            "models/wrong.joblib": "not a pickle",
            "platformio.ini": declare(lines, options=options),
        }
    )
    failed = shared.run(check=False)
    python = shared.pio.python
    assert failed.status == 1
    assert "[FAILED]" in failed.stderr
    assert failed.compiled == []
    assert failed.stderr.count("Error: milliwatt: ") == 1
    assert "Traceback" not in failed.stderr
    assert message.format(dir=shared.directory) in failed.stderr
    assert cure.format(python=python) in failed.stderr.partition("\n  cure: ")[2]


# -- files that need an ML library ---------------------------------------------------------------


def test_an_estimator_is_converted_once_by_the_python_that_is_named(
    project: Project, trained: dict[str, Trained]
) -> None:
    options = f"custom_milliwatt_trust_pickle = yes\ncustom_milliwatt_python = {sys.executable}"
    ini = declare("gesture = models/gesture.joblib\neffort = models/effort.joblib", options=options)
    project.write({"platformio.ini": ini})
    first = project.run()
    converting = [line for line in first.told if "converting" in line]
    assert converting == [f"milliwatt: converting models/{m}.joblib with {sys.executable}" for m in trained]
    expect(project, trained)

    assert project.run().compiled == []
    # Wiped, and on a machine without the ML library: the conversion is kept.
    shutil.rmtree(project.directory / ".pio" / "build")
    shutil.rmtree(project.directory / ".pio" / "milliwatt" / "models")
    project.write({"platformio.ini": ini.replace(sys.executable, "/no/such/python")})
    second = project.run()
    assert not any("converting" in line for line in second.told)
    expect(project, trained)


# -- other ways to get the library ---------------------------------------------------------------


def test_from_the_packed_archive(
    make_project: Callable[[str], Project], archive: Path, trained: dict[str, Trained]
) -> None:
    project = make_project("packed")
    moved = project.directory / "the archive.tar.gz"
    shutil.copy(archive, moved)
    project.write({"platformio.ini": declare(GOOD).replace(f"symlink://{REPOSITORY}\n", f"file://{moved}\n")})
    assert len(project.run().told) == 2
    expect(project, trained)
    assert project.run().compiled == []


def test_from_an_installed_wheel(
    make_project: Callable[[str], Project], trained: dict[str, Trained], tmp_path: Path
) -> None:
    """The layout of pyproject.toml's force-include."""
    package = tmp_path / "my site-packages" / "milliwatt"
    shutil.copytree(REPOSITORY / "scripts" / "milliwatt", package)
    for part in ("include", "src"):
        shutil.copytree(REPOSITORY / part, package / "_sdk" / part)
    (package / "_sdk" / "scripts").mkdir()
    for file in ("library.json", "scripts/pio_hook.py"):
        shutil.copy(REPOSITORY / file, package / "_sdk" / file)
    project = make_project("wheel")
    project.write({"platformio.ini": declare(GOOD).replace(f"://{REPOSITORY}\n", f"://{package / '_sdk'}\n")})
    assert len(project.run().told) == 2
    expect(project, trained)


RUNNER = f"""\
import sys
sys.path.append({str(REPOSITORY / "boards" / "virtual")!r})
from pio_test_runner import CustomTestRunner
"""
TEST = """\
#include <stdio.h>
#include <gesture.h>
int main(void) {
    printf("test.c:3:classes:%s\\n", GESTURE_N_CLASSES == 3 ? "PASS" : "FAIL: not 3");
    printf("1 Tests 0 Failures 0 Ignored\\nOK\\n");
    return 0;
}
"""


def test_unit_tests_see_the_models(make_project: Callable[[str], Project]) -> None:
    project = make_project("tests")
    project.write(
        {
            "platformio.ini": declare(GOOD, options="test_framework = custom"),
            "test/test_custom_runner.py": RUNNER,
            "test/test_classes/test.c": TEST,
        }
    )
    outcome: Outcome = project.pio("test", "--without-uploading", cwd=project.directory)
    assert "1 test cases: 1 succeeded" in outcome.stdout
