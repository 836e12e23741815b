"""The data sets that the project knows: what each is, its terms, where it comes from and what loads it.

A further data set is one module with a loader and one entry here.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import platformdirs

from learners.datasets.records import ImageData, InteractionData, RatingData, TextData
from learners.errors import InputError

Dataset: TypeAlias = RatingData | InteractionData | ImageData | TextData
"""What a loader returns."""

DATA_VARIABLE = "DATA_LEVERAGE_DATA"
"""Environment variable that names the data directory."""


@dataclass(frozen=True)
class Archive:
    """What the publisher offers for download.

    Attributes
    ----------
    url
        Its address.
    sha256
        SHA-256 of the whole archive, lower-case hexadecimal.
    size
        Its length, in bytes.
    """

    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class DataSetEntry:
    """One data set of the catalogue.

    Attributes
    ----------
    name
        What scenarios and the command line call it.
    title
        What people call it.
    home_page
        Where its publisher describes it.
    licence
        Its terms in one line.
    citation
        The publication to cite.
    loader
        ``module:function`` within this package; the function takes the folder, or nothing where ``folder``
        is ``None``, and returns a :data:`Dataset`.
    folder
        Name of its folder in the data directory, ``None`` where a library brings the data.
    archive
        The download, ``None`` where there is none.
    files
        Each file that the loader reads -> its published SHA-256, ``None`` where no reliable one is known.
    """

    name: str
    title: str
    home_page: str
    licence: str
    citation: str
    loader: str
    folder: str | None
    archive: Archive | None
    files: Mapping[str, str | None]

    def load(self, folder: Path | None) -> Dataset:
        """Load the data set from a folder in its publisher's layout (``None`` where a library brings it)."""
        module, function = self.loader.split(":")
        # Imported on use, so that the command line lists data sets without loading pyarrow and scikit-learn.
        loader = getattr(importlib.import_module(f"learners.datasets.{module}"), function)
        return cast(Dataset, loader() if folder is None else loader(folder))


_GROUPLENS_TERMS = (
    "research use only, no redistribution, no commercial use without permission, cite the paper"
)
_GROUPLENS_PAPER = (
    "F. M. Harper and J. A. Konstan (2015). The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5(4), 19. doi:10.1145/2827872"
)

CATALOGUE: dict[str, DataSetEntry] = {
    entry.name: entry
    for entry in (
        DataSetEntry(
            name="digits",
            title="Optical recognition of handwritten digits (8 x 8 pixels), as embedded in scikit-learn",
            home_page="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
            licence="CC BY 4.0",
            citation=(
                "E. Alpaydin and C. Kaynak (1998). Optical Recognition of Handwritten Digits. "
                "UCI Machine Learning Repository. doi:10.24432/C50P49"
            ),
            loader="digits:load_digits",
            folder=None,
            archive=None,
            files={},
        ),
        DataSetEntry(
            name="ml-100k",
            title="MovieLens 100K",
            home_page="https://grouplens.org/datasets/movielens/100k/",
            licence=_GROUPLENS_TERMS,
            citation=_GROUPLENS_PAPER,
            loader="movielens:load_ml_100k",
            folder="ml-100k",
            archive=Archive(
                url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
                sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
                size=4_924_029,
            ),
            files={
                "u.data": "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
                "u.item": "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
                "u.user": "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c",
            },
        ),
        DataSetEntry(
            name="ml-1m",
            title="MovieLens 1M",
            home_page="https://grouplens.org/datasets/movielens/1m/",
            licence=_GROUPLENS_TERMS,
            citation=_GROUPLENS_PAPER,
            loader="movielens:load_ml_1m",
            folder="ml-1m",
            archive=Archive(
                url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
                sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
                size=5_917_549,
            ),
            files={
                "ratings.dat": "506d64ca44484487c11dc2d9a28de5c54948213e6b96285e298afe28d6ea4e0f",
                "movies.dat": "0140fc2356357c1a851d0f52e893a1e4d3696df632c4141cea8d5bc3d621f0b9",
                "users.dat": "1dc3a95300cb19f7c10e027daf29b8cdf1d908dab65b5edfb45950aa389a10a3",
            },
        ),
        DataSetEntry(
            name="ml-10m",
            title="MovieLens 10M",
            home_page="https://grouplens.org/datasets/movielens/10m/",
            licence=_GROUPLENS_TERMS,
            citation=_GROUPLENS_PAPER,
            loader="movielens:load_ml_10m",
            folder="ml-10M100K",
            archive=Archive(
                url="https://files.grouplens.org/datasets/movielens/ml-10m.zip",
                sha256="813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
                size=65_566_137,
            ),
            files={"ratings.dat": None, "movies.dat": None},
        ),
        DataSetEntry(
            name="pinterest-20",
            title="Pinterest, people with at least 20 pins, leave-one-out as prepared by He et al.",
            home_page="https://github.com/hexiangnan/neural_collaborative_filtering",
            licence="none stated; cite both papers",
            citation=(
                "X. Geng, H. Zhang, J. Bian and T.-S. Chua (2015). Learning Image and User Features for "
                "Recommendation in Social Networks. ICCV; X. He, L. Liao, H. Zhang, L. Nie, X. Hu and "
                "T.-S. Chua (2017). Neural Collaborative Filtering. WWW. doi:10.1145/3038912.3052569"
            ),
            loader="pinterest:load_pinterest_20",
            folder="pinterest-20",
            archive=None,
            files={
                "pinterest-20.train.rating": None,
                "pinterest-20.test.rating": None,
                "pinterest-20.test.negative": None,
            },
        ),
        DataSetEntry(
            name="cifar-10",
            title="CIFAR-10, 60,000 colour images of 32 x 32 pixels in ten classes, binary version",
            home_page="https://www.cs.toronto.edu/~kriz/cifar.html",
            licence="none stated; cite the report",
            citation="A. Krizhevsky (2009). Learning Multiple Layers of Features from Tiny Images.",
            loader="cifar:load_cifar_10",
            folder="cifar-10-batches-bin",
            archive=Archive(
                url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                size=170_052_171,
            ),
            files={
                **{f"data_batch_{k}.bin": None for k in range(1, 6)},
                "test_batch.bin": None,
                "batches.meta.txt": None,
            },
        ),
        DataSetEntry(
            name="jigsaw-toxic",
            title="Wikipedia comments labelled for toxicity (Jigsaw challenge, train.csv)",
            home_page="https://www.kaggle.com/c/jigsaw-toxic-comment-classification-challenge",
            licence="labels CC0, text CC BY-SA 3.0; the text is offensive",
            citation=(
                "E. Wulczyn, N. Thain and L. Dixon (2017). Ex Machina: Personal Attacks Seen at Scale. "
                "WWW. doi:10.1145/3038912.3052591"
            ),
            loader="jigsaw:load_jigsaw_toxic",
            folder="jigsaw-toxic",
            archive=None,
            files={"train.csv": None},
        ),
    )
}


def entry(name: str) -> DataSetEntry:
    """Return the entry of a data set.

    Raises
    ------
    InputError
        When the catalogue has no such name; the message lists those it has.
    """
    if name not in CATALOGUE:
        raise InputError(f"unknown data set {name!r}: the data sets are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def data_directory(explicit: Path | None = None) -> Path:
    """Return the folder that holds the data sets.

    ``explicit`` where it is given, else the environment variable ``DATA_LEVERAGE_DATA``, else the platform's
    folder for a user's data. The folder need not exist.
    """
    if explicit is not None:
        return explicit
    if named := os.environ.get(DATA_VARIABLE):
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir("data-leverage", appauthor=False))


def location(name: str, data_dir: Path) -> Path:
    """Return the folder in which a data set lies, or will lie once fetched or added.

    Raises
    ------
    InputError
        When the name is unknown, or a library brings the data set, so that it lies in no folder.
    """
    folder = entry(name).folder
    if folder is None:
        raise InputError(f"{name} comes with an installed library: there is nothing to fetch or to add")
    return data_dir / folder


def installed(name: str, data_dir: Path) -> Path:
    """Return the folder in which a data set lies.

    Raises
    ------
    InputError
        As from :func:`location`, or when it is not there; the message says how to get it.
    """
    folder = location(name, data_dir)
    if not folder.is_dir():
        raise InputError(f"{name} is not in {data_dir}: run {how_to_get(name)}")
    return folder


def how_to_get(name: str) -> str:
    """Return the commands that put a data set into the data directory."""
    fetching = f"'data-leverage data fetch {name}' or " if entry(name).archive else ""
    return f"{fetching}'data-leverage data add {name} PATH'"


def is_present(name: str, data_dir: Path) -> bool:
    """Return whether a data set can be loaded without fetching or adding it first."""
    return entry(name).folder is None or location(name, data_dir).is_dir()


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """Load a data set by name.

    Parameters
    ----------
    name
        A key of :data:`CATALOGUE`.
    data_dir
        See :func:`data_directory`.

    Returns
    -------
    Dataset
        The records; ``warnings`` says where they differ from the published set.

    Raises
    ------
    InputError
        When the name is unknown, the data set is not in the data directory, or its files are broken.
    """
    found = entry(name)
    return found.load(None if found.folder is None else installed(name, data_directory(data_dir)))
