"""Builds the benchmark's firmware, as the trees' benchmark does, with a main program of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compiler import TooLargeError
from firmware import ROOT, SUPPORT, Builder, Image

SKELETON = Path(__file__).resolve().parent / "firmware"


class NetBuilder(Builder):
    """Compiles for one target."""

    def link_net(
        self, name: str, sources: Sequence[Path], includes: Sequence[Path], row: tuple[str, int, int]
    ) -> Image | None:
        """Sources with the skeleton; None when the image is larger than the part.

        Args:
            row: the C type of a feature, how many there are, and how many scores.
        """
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        c_type, n_features, n_scores = row
        defines = [
            f"-DBENCH_FEATURE={c_type}", f"-DBENCH_N_FEATURES={n_features}", f"-DBENCH_N_SCORES={n_scores}"
        ]  # fmt: skip
        paths = [f"-I{p}" for p in (SKELETON, SUPPORT / "include", ROOT / "include", *includes)]
        flags = [*self.flags, *defines, *paths]
        image = directory / "firmware.elf"
        try:
            own = [self.compiler.compile(source, flags) for source in (SKELETON / "main.c", *sources)]
            linking = [*self.machine_flags, self.target.optimize, *self._link_flags()]
            self.compiler.link([*own, *self._library, *self._support], linking, image)
        except TooLargeError:
            return None
        except RuntimeError as error:
            raise RuntimeError(f"{self.target.label}: {name}: {error}") from None
        return Image(image, *self.compiler.sizes(image))
