"""``milliwatt_add_model()`` in plain CMake: what is built, what is built again, what a failure says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import milliwatt
from milliwatt.build import Converter, generate, parse_models
from milliwatt.build.__main__ import depfile_text, main
from milliwatt.errors import MilliwattError

ROOT = Path(__file__).resolve().parents[2]
GENERATORS = {"Ninja": "ninja", "Unix Makefiles": "make"}

_MAIN = """#include <stdio.h>
#include <gesture.h>

int main(void)
{
    const float features[GESTURE_N_FEATURES] = {0.5f, 0.0f};
    printf("%s\\n", gesture_class_name(gesture_predict(features, GESTURE_N_FEATURES)));
    return 0;
}
"""
_HEAD = f"""cmake_minimum_required(VERSION 3.20)
project(app C)
add_subdirectory("{ROOT.as_posix()}" milliwatt)
add_executable(app main.c)
"""
_ONE = "milliwatt_add_model(app NAME gesture FILE models/gesture.mw.json)\n"


@dataclass(frozen=True)
class Project:
    """A directory with a CMakeLists.txt, and its build."""

    source: Path
    generator: str = "Ninja"

    @property
    def build(self) -> Path:
        return self.source / "build dir"

    def write(self, text: str, head: str = _HEAD) -> Project:
        (self.source / "CMakeLists.txt").write_text(head + text, encoding="utf-8")
        return self

    def configure(self, *definitions: str, check: bool = True) -> str:
        command = ["cmake", "-G", self.generator, "-S", str(self.source), "-B", str(self.build), *definitions]
        # Which Python runs the build is settled, or it is any that CMake finds.
        return _run([*command, f"-DPython3_EXECUTABLE={sys.executable}"], check)

    def make(self, *targets: str, check: bool = True) -> str:
        return _run(["cmake", "--build", str(self.build), *(["-t", *targets] if targets else [])], check)

    def run(self, program: str = "app") -> str:
        return _run([str(self.build / program)], True).strip()


def _run(command: Sequence[str], check: bool) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        assert done.returncode != 0, "it should have failed"
    return done.stdout + done.stderr


def _tree(threshold: float, labels: Sequence[str] = ("down", "up")) -> DecisionTreeClassifier:
    X = np.array([[threshold - 0.25, 0.0], [threshold + 0.25, 0.0]])
    return DecisionTreeClassifier(random_state=0).fit(X, list(labels))


def _save(threshold: float, target: Path, labels: Sequence[str] = ("down", "up")) -> None:
    target.parent.mkdir(exist_ok=True)
    milliwatt.convert(_tree(threshold, labels), name="model").save(target)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if shutil.which("cmake") is None or shutil.which("ninja") is None:
        pytest.skip("cmake or ninja is not installed")
    source = tmp_path / "my project"
    source.mkdir()
    (source / "main.c").write_text(_MAIN)
    _save(0.25, source / "models" / "gesture.mw.json")
    return Project(source)


def compiled(output: str) -> list[str]:
    """The stems of what was compiled, and the programs that were linked."""
    objects = re.findall(r"Building C object \S*?(\w+)\.c\.o", output)
    return sorted(objects + re.findall(r"Linking C (?:executable|static library) (\S+)", output))


# -- what is built, and when ----------------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
def test_only_what_depends_on_a_model_is_built_again(project: Project, generator: str) -> None:
    if shutil.which(GENERATORS[generator]) is None:
        pytest.skip(f"{GENERATORS[generator]} is not installed")
    project = Project(project.source, generator)
    model = project.source / "models" / "gesture.mw.json"
    (project.source / "other.c").write_text("int main(void)\n{\n    return 0;\n}\n")
    project.write(_ONE + "add_executable(other other.c)\n").configure()
    assert "milliwatt: gesture.h from models/gesture.mw.json" in project.make()
    assert project.run() == "up"

    again = project.make()
    assert compiled(again) == []
    assert "Milliwatt" not in again
    if generator == "Ninja":
        assert "no work to do" in again

    model.touch()
    touched = project.make()
    assert "Milliwatt: gesture" in touched
    assert compiled(touched) == [], "the text is the same, so nothing has to be compiled"
    assert "Milliwatt" not in project.make(), "once is enough"

    _save(0.75, model)
    changed = project.make()
    assert compiled(changed) == ["app", "gesture"], "main.c sees the header only, which is the same"
    assert project.run() == "down"
    assert compiled(project.make()) == []


def test_a_new_version_of_milliwatt_generates_again(project: Project, tmp_path: Path) -> None:
    sdk = tmp_path / "sdk"
    shutil.copytree(ROOT / "scripts", sdk / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("include", "src"):
        shutil.copytree(ROOT / name, sdk / name)
    shutil.copy(ROOT / "CMakeLists.txt", sdk)
    project.write(_ONE, _HEAD.replace(ROOT.as_posix(), sdk.as_posix())).configure()
    project.make()
    with open(sdk / "scripts" / "milliwatt" / "emit" / "__init__.py", "a") as file:
        file.write("# a change\n")
    assert "Milliwatt: gesture" in project.make()
    assert "no work to do" in project.make()


def test_several_models_in_several_targets(project: Project) -> None:
    _save(0.75, project.source / "models" / "second.mw.json")
    main = _MAIN.replace("gesture", "second").replace("GESTURE", "SECOND")
    (project.source / "second.c").write_text(main.replace("main(void)", "second_main(void)"))
    project.write(
        _ONE
        + "milliwatt_add_model(app NAME second FILE models/second.mw.json METHOD loadable)\n"
        + "target_sources(app PRIVATE second.c)\n"
        + "add_library(lib STATIC second.c)\n"
        + "milliwatt_add_model(lib NAME second FILE models/second.mw.json METHOD inline)\n"
    ).configure()
    project.make()
    text = {p.parent.name: p.read_text() for p in project.build.rglob("second.c")}
    assert "trees_walk.h" in text["app_second"]
    assert "trees_walk.h" not in text["lib_second"]
    _save(0.5, project.source / "models" / "second.mw.json")
    changed = project.make()
    assert changed.count("Milliwatt: second") == 2
    assert "Milliwatt: gesture" not in changed
    assert "main" not in compiled(changed)


def test_a_target_of_another_directory(project: Project) -> None:
    (project.source / "sub").mkdir()
    (project.source / "sub" / "CMakeLists.txt").write_text(
        "milliwatt_add_model(app NAME gesture FILE ../models/gesture.mw.json)\n"
    )
    project.write("target_link_libraries(app m)\nadd_subdirectory(sub)\n").configure()
    project.make()
    assert project.run() == "up"
    _save(0.75, project.source / "models" / "gesture.mw.json")
    project.make()
    assert project.run() == "down"


def test_users_of_a_library_with_a_model_find_its_header(project: Project) -> None:
    (project.source / "empty.c").write_text("int nothing;\n")
    project.write(
        "add_library(models STATIC empty.c)\n"
        "milliwatt_add_model(models NAME gesture FILE models/gesture.mw.json)\n"
        "target_link_libraries(app PRIVATE models)\n"
    ).configure()
    project.make()
    assert project.run() == "up"


def test_a_model_that_the_build_makes(project: Project) -> None:
    made = project.source / "made.mw.json"
    shutil.copy(project.source / "models" / "gesture.mw.json", project.source / "input.json")
    project.write(
        "add_custom_command(OUTPUT ${CMAKE_CURRENT_SOURCE_DIR}/made.mw.json DEPENDS input.json\n"
        "  COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_SOURCE_DIR}/input.json\n"
        "  ${CMAKE_CURRENT_SOURCE_DIR}/made.mw.json)\n"
        "milliwatt_add_model(app NAME gesture FILE made.mw.json)\n"
    ).configure()
    project.make()
    assert made.is_file()
    _save(0.75, project.source / "input.json".replace(".json", ".mw.json"))
    shutil.move(project.source / "input.mw.json", project.source / "input.json")
    project.make()
    assert project.run() == "down"


def test_calibration_data_are_watched(project: Project) -> None:
    joblib.dump(_tree(0.25), project.source / "gesture.joblib")
    (project.source / "rows.csv").write_text("a,b\n0.5,0.25\n0.125,1\n")
    project.write(
        "milliwatt_add_model(app NAME gesture FILE gesture.joblib CALIBRATION rows.csv LEAF_BITS 8)\n"
    ).configure("-DMILLIWATT_TRUST_PICKLE=yes")
    first = project.make()
    assert "milliwatt: converting gesture.joblib with " in first
    assert project.run() == "up"
    (project.source / "rows.csv").write_text("a,b\n0.5,0.25\n0.125,2\n")
    assert "milliwatt: converting" in project.make()
    assert "no work to do" in project.make()


def test_a_clean_build_converts_nothing_again(project: Project) -> None:
    joblib.dump(_tree(0.25), project.source / "gesture.joblib")
    project.write("milliwatt_add_model(app NAME gesture FILE gesture.joblib METHOD loadable)\n")
    project.configure("-DMILLIWATT_TRUST_PICKLE=yes")
    project.make()
    project.make("clean")
    again = project.make()
    assert "milliwatt: gesture.h from gesture.joblib" in again
    assert "milliwatt: converting" not in again


# -- what is said ---------------------------------------------------------------------------------


def _hooks_message(project: Project, line: str) -> str:
    """What the PlatformIO hook says of the same declaration, behind the place of the declaration."""
    converter = Converter(project.source / "cache", project.source)
    with pytest.raises(MilliwattError) as raised:
        generate(parse_models(line, project.source, "PLACE"), project.source / "out", converter)
    return str(raised.value).removeprefix("PLACE: gesture: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("FILE models/gesture.mw.json", "gesture = models/gesture.mw.json"),
        ("FILE models/gone.mw.json", "gesture = models/gone.mw.json"),
        ("FILE models/gesture.onnx", "gesture = models/gesture.onnx"),
        ("FILE models/gesture.mw.json METHOD fast", "gesture = models/gesture.mw.json method=fast"),
        ("FILE models/gesture.mw.json SPEED high", "gesture = models/gesture.mw.json speed=high"),
        ("FILE models/gesture.mw.json DTYPE int8", "gesture = models/gesture.mw.json dtype=int8"),
        ("FILE models/a.mw.json NAN follow NAN follow", "gesture = models/a.mw.json nan=follow nan=follow"),
    ],
)
def test_a_failure_says_what_the_platformio_hook_says(project: Project, arguments: str, line: str) -> None:
    if arguments == "FILE models/gesture.mw.json":
        (project.source / "models" / "gesture.mw.json").write_text("{")
    project.write(f"milliwatt_add_model(app NAME gesture {arguments})\n").configure()
    output = project.make(check=False)
    place = "Error: milliwatt: CMakeLists.txt [app] milliwatt_add_model: gesture: "
    assert place + _hooks_message(project, line) in output


def test_a_model_that_disappears(project: Project) -> None:
    project.write(_ONE).configure()
    project.make()
    (project.source / "models" / "gesture.mw.json").unlink()
    assert "gesture.mw.json: no such file" in project.make(check=False)


def test_a_bad_name(project: Project) -> None:
    project.write("milliwatt_add_model(app NAME 1st FILE models/gesture.mw.json)\n").configure()
    output = project.make(check=False)
    assert "Error: milliwatt: CMakeLists.txt [app] milliwatt_add_model: 1st: " in output


def test_a_pickle_has_to_be_trusted(project: Project) -> None:
    joblib.dump(_tree(0.25), project.source / "gesture.joblib")
    project.write("milliwatt_add_model(app NAME gesture FILE gesture.joblib)\n").configure()
    output = project.make(check=False)
    assert "loading a *.joblib runs any code that it holds" in output
    assert "set MILLIWATT_TRUST_PICKLE = yes" in output
    assert "custom_milliwatt" not in output
    project.configure("-DMILLIWATT_TRUST_PICKLE=perhaps")
    assert "MILLIWATT_TRUST_PICKLE: 'perhaps' is not possible" in project.make(check=False)
    project.configure("-DMILLIWATT_TRUST_PICKLE=yes", "-DMILLIWATT_PYTHON=no/such/python")
    output = project.make(check=False)
    assert "no/such/python: MILLIWATT_PYTHON: no such file" in output
    project.configure("-DMILLIWATT_PYTHON=")
    project.make()
    assert project.run() == "up"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("milliwatt_add_model(nothing NAME a FILE b)", "there is no target 'nothing'"),
        ("milliwatt_add_model(app NAME a FILE)", "a value is missing after the last word"),
        ("milliwatt_add_model(app NAME a)", "NAME or FILE is missing"),
        ("milliwatt_add_model(app FILE a)", "NAME or FILE is missing"),
        ("milliwatt_add_model(app NAME a NAME b FILE c)", "NAME is given twice"),
        ("milliwatt_add_model(app NAME a FILE b method inline)", "'method' is not an option"),
        (
            "add_library(only INTERFACE)\nmilliwatt_add_model(only NAME a FILE b)",
            "nothing is compiled for target 'only'",
        ),
        (
            "add_library(x ALIAS milliwatt)\nmilliwatt_add_model(x NAME a FILE b)",
            "nothing is compiled for target",
        ),
        (_ONE + _ONE.replace("gesture FILE", "Gesture FILE"), "the name 'Gesture' is declared twice"),
    ],
)
def test_wrong_calls_stop_the_configuration(project: Project, text: str, message: str) -> None:
    output = project.write(text + "\n").configure(check=False)
    said = " ".join(output.split())  # CMake wraps what it says
    assert f"milliwatt_add_model: {message}" in said
    assert "cure: " in said


# -- the program behind it --------------------------------------------------------------------------


def test_the_hook_needs_only_the_standard_library(project: Project) -> None:
    hook = ROOT / "scripts" / "cmake_hook.py"
    command = [sys.executable, "-E", "-S", str(hook), "--output", "out", "--cache", "cache", "--", "gesture"]
    done = subprocess.run(
        [*command, "models/gesture.mw.json", "method=loadable"],
        cwd=project.source, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "milliwatt: gesture.h from models/gesture.mw.json (loadable: asked for)\n"
    assert sorted(p.name for p in (project.source / "out").iterdir()) == [
        "generated.json",
        "gesture.c",
        "gesture.h",
    ]


def test_depfiles_keep_odd_names(tmp_path: Path) -> None:
    text = depfile_text(tmp_path / "a b.stamp", [Path("/m/x y.json"), Path("/m/#1$.csv")])
    assert text == f"{tmp_path}/a\\ b.stamp: \\\n  /m/x\\ y.json \\\n  /m/\\#1$$.csv\n"


def test_the_stamp_comes_last(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.source)
    arguments = ["--output", "out", "--cache", "cache", "--stamp", "out/done.stamp", "gesture"]
    assert main([*arguments, "models/gesture.mw.json"]) == 0
    watched = (project.source / "out" / "done.d").read_text()
    assert "gesture.mw.json" in watched
    assert "emit/c_code.py" in watched
    (project.source / "out" / "done.stamp").unlink()
    (project.source / "models" / "gesture.mw.json").write_text("{")
    assert main([*arguments, "models/gesture.mw.json"]) == 1
    assert not (project.source / "out" / "done.stamp").exists()


# -- the lists of files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before"), [("CMakeLists.txt", "  src/"), ("zephyr/CMakeLists.txt", "../src/")]
)
def test_every_source_is_in_the_lists(file: str, before: str) -> None:
    sources = sorted(path.name for path in (ROOT / "src").glob("*.c"))
    text = (ROOT / file).read_text(encoding="utf-8")
    assert sorted(re.findall(rf"{re.escape(before)}(\w+\.c)\b", text)) == sources


def test_esp_idf_manifest() -> None:
    yaml = pytest.importorskip("yaml")
    manifest = yaml.safe_load((ROOT / "idf_component.yml").read_text(encoding="utf-8"))
    library = json.loads((ROOT / "library.json").read_text(encoding="utf-8"))
    assert manifest["version"] == milliwatt.__version__ == library["version"]
    assert manifest["license"] == library["license"]
    for pattern in manifest["files"]["exclude"]:
        assert not pattern.startswith(("src", "include", "scripts"))
