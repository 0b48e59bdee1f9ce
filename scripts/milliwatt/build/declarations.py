"""Models as declared in ``platformio.ini``: one line a model, ``name = file [option=value …]``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from milliwatt.errors import MilliwattError
from milliwatt.ir.validate import check_name
from milliwatt.options import ModelOptions, parse_options

PREFIX = "custom_milliwatt_"
MODELS = PREFIX + "models"
PYTHON = PREFIX + "python"
TRUST_PICKLE = PREFIX + "trust_pickle"

_FORM = "write `name = file [option=value …]`, one line a model"
_QUOTE = 'put paths that hold spaces or apostrophes in double quotes: name = "my models/a.mw.json"'
_YES = ("yes", "true", "on", "1")
_NO = ("no", "false", "off", "0", "")


@dataclass(frozen=True)
class ModelDeclaration:
    """One model to build into a firmware.

    Attributes:
        name: prefix of its C names and stem of its files.
        file: where the model is, absolute.
        options: how to convert it; a calibration file is absolute too.
        shown: the file as it was written, for messages.
        where: the place of the declaration, for messages.
    """

    name: str
    file: Path
    options: ModelOptions
    shown: str
    where: str

    def blame(self, error: MilliwattError) -> MilliwattError:
        """The same error, led in by the place of the declaration."""
        file = self.where if error.file is None else f"{self.where}: {error.file}"
        return MilliwattError(error.problem, file=file, option=error.option, cure=error.cure)


def parse_models(text: str, directory: Path, where: str = MODELS) -> list[ModelDeclaration]:
    """The models that a text declares, in its order.

    Args:
        text: lines of ``name = file [option=value …]``; blank lines are skipped. Words with spaces
            go in single or double quotes; a backslash is a backslash.
        directory: what relative paths start from; ``~`` is the home directory.
        where: the place of the text, for messages.

    Raises:
        MilliwattError: names the place, the model and the cure.
    """
    models: dict[str, ModelDeclaration] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        model = _parse_line(line, directory, where)
        # Upper case is what the macros are made of, and some file systems ignore case.
        if model.name.upper() in models:
            raise MilliwattError(
                f"the name {model.name!r} is declared twice",
                file=where,
                cure="give each model a name of its own",
            )
        models[model.name.upper()] = model
    return list(models.values())


def declare(name: str, words: Sequence[str], directory: Path, where: str) -> ModelDeclaration:
    """One model out of its name and the words that declare it: the file, then ``option=value`` each.

    Raises:
        MilliwattError: names the place, the model and the cure.
    """
    place = f"{where}: {name}" if name else where
    try:
        check_name(name)
        shown, *pairs = words
        if not shown:
            raise MilliwattError("the file's name is empty", cure=_FORM)
        return ModelDeclaration(name, absolute(shown, directory), _options(pairs, directory), shown, place)
    except MilliwattError as error:
        raise MilliwattError(error.problem, file=place, option=error.option, cure=error.cure) from None


def parse_yes_no(text: str, where: str) -> bool:
    """A yes or no option."""
    word = text.strip().lower()
    if word not in _YES + _NO:
        raise MilliwattError(f"{text.strip()!r} is not possible", file=where, cure="write yes or no")
    return word in _YES


def refuse_unknown_options(names: Iterable[str], where: str) -> None:
    """An error for an option with our prefix that nobody reads: most likely a slip of the pen."""
    known = (MODELS, PYTHON, TRUST_PICKLE)
    for name in names:
        if name.startswith(PREFIX) and name not in known:
            raise MilliwattError(
                "unknown option", file=where, option=name, cure=f"the options are {', '.join(known)}"
            )


def absolute(path: str, directory: Path) -> Path:
    """A path as users write it, made absolute."""
    try:
        return directory / Path(path).expanduser()
    except RuntimeError:  # ~someone who does not exist
        raise MilliwattError("no such home directory", file=path, cure="write the path out") from None


def split_words(text: str) -> list[str]:
    """Words separated by blanks; quotes keep blanks together and may begin within a word.

    Unlike :func:`shlex.split`, a backslash has no meaning, so that Windows paths survive.
    """
    words: list[str] = []
    word: str | None = None
    quote = ""
    for char in text:
        if quote:
            quote, addition = ("", "") if char == quote else (quote, char)
            word = (word or "") + addition
        elif char in "\"'":
            quote, word = char, word or ""
        elif not char.isspace():
            word = (word or "") + char
        elif word is not None:
            words.append(word)
            word = None
    if quote:
        raise MilliwattError(f"a quote {quote} is not closed", cure=_QUOTE)
    return words if word is None else [*words, word]


def _parse_line(line: str, directory: Path, where: str) -> ModelDeclaration:
    name, equals, rest = (part.strip() for part in line.partition("="))
    place = f"{where}: {name}" if name and equals else where
    if not equals or not rest:
        raise MilliwattError(f"{line!r} names no file", file=place, cure=_FORM)
    try:
        words = split_words(rest)
    except MilliwattError as error:
        raise MilliwattError(error.problem, file=place, cure=error.cure) from None
    return declare(name, words, directory, where)


def _options(words: list[str], directory: Path) -> ModelOptions:
    pairs: dict[str, str] = {}
    for word in words:
        option, equals, value = word.partition("=")
        if not equals:
            raise MilliwattError(f"{word!r} is not option=value", cure=f"{_FORM}; {_QUOTE}")
        if option in pairs:
            raise MilliwattError("given twice", option=option, cure="give each option once")
        pairs[option] = value
    if pairs.get("calibration"):
        pairs["calibration"] = str(absolute(pairs["calibration"], directory))
    return parse_options(pairs)
