"""PlatformIO runs this while it sets up its libraries, once per environment or more often.

It turns the models in ``custom_milliwatt_models`` into C below the project's ``.pio`` and makes that
part of this library: its headers are found like the library's own, its sources are compiled into
it. Without such models it does nothing.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from platformio import fs
from SCons.Script import Import

PREFIX = "custom_milliwatt_"


def main(env: Any, library: Any) -> None:
    options, ini = options_of(env)
    if not options:
        return
    if sys.version_info < (3, 10):  # noqa: UP036  PlatformIO itself runs on older ones
        fail(env, f"PlatformIO runs on Python {sys.version.split()[0]}; milliwatt needs 3.10 or newer")
    load_package(Path(library.path))
    from milliwatt.errors import MilliwattError

    try:
        directory = generate(env, options, ini)
    except MilliwattError as error:
        fail(env, str(error))
    else:
        if directory is not None:
            add_to_library(env, library, str(directory))


def options_of(env: Any) -> tuple[dict[str, str], Path]:
    """Our options of this environment, and the ini file they are in."""
    # PlatformIO leaves a relative `-c other.ini` relative, and this script runs in its own directory.
    with fs.cd(env.subst("$PROJECT_DIR")):
        options = env.GetProjectOptions(as_dict=True)
        ini = Path(env.subst("$PROJECT_CONFIG")).resolve()
    return {name: str(value) for name, value in options.items() if name.startswith(PREFIX)}, ini


def load_package(library: Path) -> None:
    """Import our own package: in a clone below the library, in a wheel around it; never another one."""
    candidates = (library / "scripts" / "milliwatt", library.parent)
    package = next(path for path in candidates if (path / "build" / "generation.py").is_file())
    for name in [name for name in sys.modules if name.partition(".")[0] == "milliwatt"]:
        del sys.modules[name]
    spec: Any = importlib.util.spec_from_file_location(
        "milliwatt", str(package / "__init__.py"), submodule_search_locations=[str(package)]
    )
    sys.modules["milliwatt"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["milliwatt"])


def generate(env: Any, options: dict[str, str], ini: Path) -> Path | None:
    """Generate what is declared; the directory it is in, or None if nothing is declared."""
    from milliwatt import build

    project = Path(env.subst("$PROJECT_DIR")).resolve()
    # Not the build directory, which PlatformIO wipes whenever any option changes.
    workspace = Path(env.subst("$PROJECT_WORKSPACE_DIR")).resolve() / "milliwatt"
    directory: Path = workspace / "models" / env["PIOENV"]
    where = f"{ini.relative_to(project) if project in ini.parents else ini} [env:{env['PIOENV']}]"
    build.refuse_unknown_options(options, where)
    models = build.parse_models(options.get(PREFIX + "models", ""), project, f"{where} {PREFIX}models")
    trust = build.parse_yes_no(options.get(PREFIX + "trust_pickle", ""), f"{where} {PREFIX}trust_pickle")
    if not models:
        return None
    python = options.get(PREFIX + "python", "")
    converter = build.Converter(workspace / "cache", project, python, trust, note=tell)
    for model in build.generate(models, directory, converter):
        if model.changed:
            tell(f"milliwatt: {model.summary}")
    return directory


def add_to_library(env: Any, library: Any, directory: str) -> None:
    """Make a directory with headers and sources part of this library."""
    env.Append(CPPPATH=[directory])  # also for whatever depends on the library
    objects = "$BUILD_DIR/milliwatt_models"

    class WithModels(type(library)):  # type: ignore[misc]
        def __contains__(self, path: str) -> bool:
            # What the dependency finder asks of every header it meets: who includes only a
            # generated one depends on this library too.
            return bool(super().__contains__(path)) or self.is_common_builder(directory, path)

        def search_deps_recursive(self, search_files: Any = None) -> None:
            super().search_deps_recursive(search_files)
            if self.lib_ldf_mode == "off":  # no finder: libraries that are built before us would miss us
                for other in self.env.GetLibBuilders():
                    other.env.AppendUnique(CPPPATH=self.get_include_dirs())

        def build(self) -> Any:
            # Here and not above: some platforms set up all libraries twice and build the second set.
            first = not self.is_built
            libraries = super().build()
            if first and self.lib_archive:
                libraries.insert(0, self.env.BuildLibrary(objects, directory))
            elif first:
                self.env.BuildSources(objects, directory)
            return libraries

    library.__class__ = WithModels


def tell(line: str) -> None:
    print(line)
    sys.stdout.flush()


def fail(env: Any, message: str) -> None:
    sys.stderr.write(f"Error: milliwatt: {message}\n")
    sys.stderr.flush()
    env.Exit(1)


Import("env", "pio_lib_builder")
main(env, pio_lib_builder)  # type: ignore[name-defined]  # noqa: F821
