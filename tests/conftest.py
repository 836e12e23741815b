"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

from learners.datasets import catalogue
from learners.result_cache import CACHE_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute as the command line does, here and in processes that tests start: more threads are slower."""
    with pytest.MonkeyPatch.context() as patched, threadpool_limits(1):
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            patched.setenv(variable, "1")
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep cached results of this test session apart from the user's."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def prepared() -> Callable[[str], Path]:
    """Return a function: name of a data set -> the data directory that holds it; skips the test without."""

    def find(name: str) -> Path:
        named = os.environ.get(catalogue.DATA_VARIABLE)
        if not named or not catalogue.is_present(name, Path(named)):
            pytest.skip(f"set {catalogue.DATA_VARIABLE} to a folder with {name}")
        return Path(named)

    return find
