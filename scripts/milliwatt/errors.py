"""The one exception users see: what is wrong, where, and what to do about it."""

from __future__ import annotations

from typing import TypeVar

_E = TypeVar("_E", bound="MilliwattError")


class MilliwattError(Exception):
    """A problem the user can act on.

    Args:
        problem: what is wrong, one sentence.
        file: the file it was found in.
        option: the option or field at fault.
        cure: what to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        option: str | None = None,
        cure: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.option = option
        self.cure = cure
        super().__init__(self._message())

    def _message(self) -> str:
        where = ": ".join(part for part in (self.file, self.option) if part)
        text = f"{where}: {self.problem}" if where else self.problem
        return f"{text}\n  cure: {self.cure}" if self.cure else text

    def within(self: _E, *, file: object = None, option: str | None = None) -> _E:
        """The same error with its place filled in where it was not known yet."""
        return type(self)(
            self.problem,
            file=self.file if self.file is not None else file,
            option=self.option or option,
            cure=self.cure,
        )

    def inside(self: _E, where: str) -> _E:
        """The same error with its place led in by what that is a part of."""
        option = f"{where}.{self.option}" if self.option else where
        return type(self)(self.problem, file=self.file, option=option, cure=self.cure)


class ModelFileError(MilliwattError):
    """A ``*.mw.json`` that is damaged, of another schema version, or not a valid model."""


class UnsupportedModelError(MilliwattError):
    """An estimator, a layer or a setting that Milliwatt does not convert."""


class InputError(MilliwattError, ValueError):
    """Feature values that the model cannot take: wrong width, NaN, out of the type's range."""


class ToolMissingError(MilliwattError):
    """A compiler, emulator or Python package that has to be installed first."""
