"""From a model's file to its intermediate representation, with an ML library only where one is needed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from milliwatt import ir
from milliwatt.build.cache import SCRATCH
from milliwatt.build.declarations import PYTHON, TRUST_PICKLE, ModelDeclaration, absolute
from milliwatt.build.fingerprint import fingerprint
from milliwatt.errors import MilliwattError, ToolMissingError
from milliwatt.ir.reading import CSV, HANDOVER, check_options

PICKLES = (".joblib", ".pkl", ".pickle")
SKOPS = ".skops"
# What XGBoost and LightGBM save: data, read without either.
SAVED_MODELS = (".json", ".ubj", ".txt", ".model")
# Networks: Keras' files and ONNX are data; what torch.export saves may be pickles within.
NETWORKS = (".keras", ".h5", ".onnx")
TORCH = ".pt2"

_PACKAGE = Path(__file__).resolve().parent.parent

# Import name and what pip calls it.
_PIP = {
    "numpy": "numpy", "sklearn": "scikit-learn", "skops": "skops", "h5py": "h5py", "keras": "keras",
    "onnx": "onnx", "torch": "torch",
}  # fmt: skip

# Imports the package this file belongs to, whatever else is installed or lies in the directory.
_BOOTSTRAP = """\
import sys
if sys.version_info < (3, 10):
    sys.exit("milliwatt: Python %d.%d is too old; 3.10 or newer is needed" % sys.version_info[:2])
sys.path[:] = [p for p in sys.path if p]
import importlib.util, os
package = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "milliwatt", os.path.join(package, "__init__.py"), submodule_search_locations=[package])
module = importlib.util.module_from_spec(spec)
sys.modules["milliwatt"] = module
spec.loader.exec_module(module)
from milliwatt.export import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Converter:
    """How model files are read.

    Attributes:
        cache: directory that keeps what took an ML library to convert.
        directory: what a relative ``python`` starts from.
        python: the interpreter with the ML library; empty: the running one, if it has it.
        trust_pickle: allow formats that run code while they are loaded.
        note: receives a line before a conversion and what it has to say, for the user.
    """

    cache: Path
    directory: Path = Path()
    python: str = ""
    trust_pickle: bool = False
    note: Callable[[str], None] = lambda _: None

    def check(self, model: ModelDeclaration) -> None:
        """Refuse what no conversion could make right, before anything is loaded."""
        if ir.is_model_file(model.file):
            check_options(model.file, model.options, model.shown)
            return
        ending = model.file.suffix.lower()
        if ending not in (*PICKLES, SKOPS, *SAVED_MODELS, *NETWORKS, TORCH):
            estimators = ", ".join("*" + e for e in (HANDOVER, SKOPS, *PICKLES, CSV, *NETWORKS, TORCH))
            saved = ", ".join("*" + e for e in SAVED_MODELS)
            raise MilliwattError(
                f"unknown kind of model file {ending or 'without an ending'!r}",
                file=model.shown,
                cure=f"give a {estimators}; or what XGBoost or LightGBM saved: {saved}",
            )
        if ending in (*PICKLES, TORCH) and not self.trust_pickle:
            skops = " or save it with skops" if ending in PICKLES else ""
            raise MilliwattError(
                f"loading a *{ending} runs any code that it holds",
                file=model.shown,
                option=TRUST_PICKLE,
                cure=f"better export it once to *{HANDOVER} (milliwatt export){skops}; "
                f"if you trust its author, set {TRUST_PICKLE} = yes",
            )

    def load(self, model: ModelDeclaration, contents: bytes, calibration: bytes) -> ir.AnyModel:
        """The model in a file that :meth:`check` accepted; its contents are given for the cache's key."""
        if ir.is_model_file(model.file):
            return ir.read_model(model.file, model.options)
        cached = self.cached(model, contents, calibration)
        if cached.is_file():
            try:
                return ir.load(cached)
            except MilliwattError:
                cached.unlink(missing_ok=True)  # damaged: as if it were not there
        self._export(model, cached)
        return ir.load(cached)

    def cached(self, model: ModelDeclaration, contents: bytes, calibration: bytes) -> Path:
        """Where the conversion of a file is kept, if it is one that takes an ML library."""
        # Neither method nor name: both can be changed without converting again.
        options = str(model.options.conversion)
        key = fingerprint(["conversion", options, model.file.suffix.lower(), contents, calibration])
        return self.cache / f"{key}{HANDOVER}"

    def _export(self, model: ModelDeclaration, target: Path) -> None:
        python = self._interpreter(model)
        self.note(f"milliwatt: converting {model.shown} with {python}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MilliwattError(f"cannot be made: {error.strerror}", file=target.parent) from None
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=SCRATCH) as scratch:
            output = Path(scratch, f"model{HANDOVER}")
            self._run(python, model, output)
            output.replace(target)

    def _run(self, python: str, model: ModelDeclaration, output: Path) -> None:
        options = model.options
        command = [python, "-c", _BOOTSTRAP, str(_PACKAGE), str(model.file), "-o", str(output)]
        command += ["--name", model.name]
        for option, value in options.conversion.items():
            command += [f"--{option.replace('_', '-')}={value}"]  # a label may begin with a dash
        command += ["--calibration", options.calibration] if options.calibration else []
        command += ["--trust-pickle"] if self.trust_pickle else []
        try:
            done = subprocess.run(
                command,
                env=_environment(python),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise self._no_python(f"cannot be started ({error.strerror or error})", python) from None
        if done.returncode != 0 or not output.is_file():
            raise _failure(done, python, model)
        for line in done.stderr.splitlines():
            if line.startswith("note: "):
                self.note(f"milliwatt: {line}")

    def _interpreter(self, model: ModelDeclaration) -> str:
        wanted = self.python.strip()
        if not wanted:
            return _running_python(model)
        if Path(wanted).name != wanted:
            path = absolute(wanted, self.directory)
            if not path.is_file():
                raise self._no_python("no such file", path)
            return str(path)
        found = shutil.which(wanted)
        if found is None:
            raise self._no_python("no such command", wanted)
        return found

    def _no_python(self, problem: str, python: object) -> MilliwattError:
        cure = f"set {PYTHON} to the Python in which the model was trained, such as ~/venvs/ml/bin/python"
        return ToolMissingError(problem, file=python, option=PYTHON, cure=cure)


def _needed(model: ModelDeclaration) -> list[str]:
    """The modules that a conversion imports, as far as the file's ending tells."""
    ending = model.file.suffix.lower()
    if ending in SAVED_MODELS:
        return ["numpy"]
    if ending == ".onnx":
        return ["numpy", "onnx"]
    if ending in NETWORKS:  # Keras itself only answers calibration data
        return ["numpy", "h5py", *(["keras"] if model.options.calibration else [])]
    if ending == TORCH:
        return ["numpy", "torch"]
    return ["sklearn", "skops"] if ending == SKOPS else ["sklearn"]


def _running_python(model: ModelDeclaration) -> str:
    """The interpreter that runs the build, if it has the libraries; asked without importing them."""
    missing = [module for module in _needed(model) if importlib.util.find_spec(module) is None]
    if missing:
        packages = " ".join(_PIP[module] for module in missing)
        raise ToolMissingError(
            f"needs {packages}, which the Python that runs this build ({sys.executable}) does not have",
            file=model.file,
            option=PYTHON,
            cure=f"set {PYTHON} to a Python that has it, or type: "
            f"{_quoted(sys.executable)} -m pip install {packages}; "
            f"or export the model to *{HANDOVER}, which needs neither",
        )
    return sys.executable


def _environment(python: str) -> dict[str, str]:
    """The environment for another interpreter.

    PlatformIO puts its own packages on PYTHONPATH, where another Python would take them for its own.
    """
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    if python != sys.executable:
        for name in ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"):
            environment.pop(name, None)
    return environment


def _failure(done: subprocess.CompletedProcess[str], python: str, model: ModelDeclaration) -> MilliwattError:
    """The one message of a conversion that failed, as an error of ours."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    starts = [index for index, line in enumerate(lines) if line.startswith("milliwatt: ")]
    if starts:
        message = "\n".join(lines[starts[-1] :]).removeprefix("milliwatt: ")
        problem, _, remedy = message.partition("\n  cure: ")
        return MilliwattError(problem, cure=remedy or None)
    last = lines[-1] if lines else f"exit status {done.returncode}"
    missing = last.startswith("ModuleNotFoundError: ")
    packages = " ".join(_PIP[module] for module in dict.fromkeys(["numpy", *_needed(model)]))
    cure = f"{_quoted(python)} -m pip install {packages}" if missing else None
    return MilliwattError(f"the conversion with {python} failed: {last}", file=model.file, cure=cure)


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
