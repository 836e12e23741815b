"""The use cases on which companies' answers are tried, small."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from learners.datasets.cifar import ROW_BYTES
from learners.result_cache import CACHE_VARIABLE
from learners.usecase import load_use_case

SMALL = {
    "digits": {"owners": 40, "filters": 4},
    "cifar-10-features": {"owners": 40, "filters": 4},
    "cifar-10": {"owners": 40, "width": 8, "epochs": 4, "batch_size": 10},
    "ml-100k": {"owners": 60},
    "pinterest-20": {"owners": 60, "test_owners": 60, "neighbours": 20},
    "toxic": {"owners": 40, "words": 100, "characters": 200},
}
"""Use case to what makes it quick."""

DATA = {"ml-100k": "ml-100k", "pinterest-20": "pinterest-20", "toxic": "jigsaw-toxic"}
"""Use case to the data set that it takes from the folder of data sets."""


@functools.cache
def loaded(name, folder):
    return load_use_case(name, folder, "cpu", **SMALL[name])


@pytest.fixture(scope="session")
def small_cifar(tmp_path_factory):
    """A data directory with a CIFAR-10 of 400 training and 120 test images: noise around colours."""
    rng = np.random.default_rng(2)
    colours = rng.integers(60, 196, (10, 3, 1, 1))
    home = tmp_path_factory.mktemp("data")
    folder = home / "cifar-10-batches-bin"
    folder.mkdir()
    for name, n in (("data_batch_1.bin", 400), ("test_batch.bin", 120)):
        labels = rng.permutation(n) % 10
        images = np.clip(colours[labels] + rng.normal(0, 60, (n, 3, 32, 32)), 0, 255).astype(np.uint8)
        (folder / name).write_bytes(
            np.column_stack([labels.astype(np.uint8), images.reshape(n, -1)]).tobytes()
        )
    return home


@pytest.fixture
def photographs(prepared, tmp_path_factory):
    """A data directory with the first 600 training and 200 test images of CIFAR-10."""
    official = prepared("cifar-10") / "cifar-10-batches-bin"
    home = tmp_path_factory.mktemp("photographs")
    folder = home / official.name
    folder.mkdir()
    for name, images in (("data_batch_1.bin", 600), ("test_batch.bin", 200)):
        with (official / name).open("rb") as file:
            (folder / name).write_bytes(file.read(images * ROW_BYTES))
    return home


QUICK = ("digits", "cifar-10-features", "ml-100k")
"""Those of them that take a second or two."""

PHOTOGRAPHS = "cifar-10-photographs"
"""The ResNet of ``cifar-10`` once more, on real images instead of made-up ones."""


@pytest.fixture(params=QUICK)
def quick_use_case(request, prepared, small_cifar):
    """Use cases that are quick; skipped where the data are not at hand."""
    return found(request.param, prepared, small_cifar)


@pytest.fixture(
    params=[
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name in (*SMALL, PHOTOGRAPHS)
    ]
)
def every_use_case(request, prepared, small_cifar):
    """All of them, each with a few dozen owners."""
    if request.param == PHOTOGRAPHS:
        return loaded("cifar-10", request.getfixturevalue("photographs"))
    return found(request.param, prepared, small_cifar)


def found(name, prepared, small_cifar):
    folder = prepared(DATA[name]) if name in DATA else small_cifar
    return loaded(name, None if name == "digits" else folder)


@pytest.fixture
def forget_results(monkeypatch, tmp_path):
    """Return a function: a name -> nothing; after the call every model is trained anew, not found on disk."""
    return lambda name: monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / name))
