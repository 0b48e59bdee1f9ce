"""The wheel's build: signal kernels compiled for this platform, where there is a C compiler.

Without one the wheel is for every platform, and the kernels are compiled when they are first used.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Adds the shared library, and says in the wheel's name what it is for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # there it is compiled when it is needed, as sources change
        self._work = tempfile.TemporaryDirectory(prefix="milliwatt-kernels-")
        sys.path.insert(0, str(Path(self.root) / "scripts"))
        before = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = self._work.name
        try:
            sources, library = self._compile()
        except _error() as error:
            self.app.display_warning(
                f"milliwatt: the wheel has no compiled signal kernels: {error}\n"
                "  They will be compiled on first use, which takes a C compiler there."
            )
            return
        finally:
            sys.path.pop(0)
            os.environ.pop("XDG_CACHE_HOME")
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before
        build_data["force_include"][str(library)] = f"milliwatt/{sources.NAME}"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._work.cleanup()

    def _compile(self) -> tuple[ModuleType, Path]:
        sources = self._module("host/kernels/sources.py")
        compiler = self._module("host/compiler.py")
        include = Path(self.root) / "include"
        return sources, compiler.shared_library(sources.files(), sources.library_sources(), include)

    def _module(self, name: str) -> ModuleType:
        """A module by its file: its package would import numpy, which a build does not have."""
        path = Path(self.root) / "scripts" / "milliwatt" / name
        spec = importlib.util.spec_from_file_location(f"milliwatt_build_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def _error() -> type[Exception]:
    from milliwatt.errors import MilliwattError

    return MilliwattError
