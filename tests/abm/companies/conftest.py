"""The use cases on which companies' answers are tried, small."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from learners.usecase import load_use_case

SMALL = {
    "digits": {"owners": 40, "filters": 4},
    "cifar-10-features": {"owners": 40, "filters": 4},
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


QUICK = ("digits", "cifar-10-features", "ml-100k")
"""Those of them that take a second or two."""


@pytest.fixture(params=QUICK)
def quick_use_case(request, prepared, small_cifar):
    """Use cases that are quick; skipped where the data are not at hand."""
    return found(request.param, prepared, small_cifar)


@pytest.fixture(
    params=[pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in SMALL]
)
def every_use_case(request, prepared, small_cifar):
    """All of them, each with a few dozen owners."""
    return found(request.param, prepared, small_cifar)


def found(name, prepared, small_cifar):
    folder = prepared(DATA[name]) if name in DATA else small_cifar
    return loaded(name, None if name == "digits" else folder)
