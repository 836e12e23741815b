"""Small use cases that the tests of learners share."""

from __future__ import annotations

import numpy as np
import pytest

from learners.datasets.records import RatingData
from learners.matrix_factorisation import FactorisationParameters
from learners.ratings import RatingUseCase
from learners.usecase import load_use_case


def make_ratings(n_owners=120, n_items=80, share=0.4, seed=5):
    """Return ratings 1..5 with owner and item biases and two taste dimensions, publisher's ids not 0..n-1."""
    rng = np.random.default_rng(seed)
    owners, items = np.nonzero(rng.random((n_owners, n_items)) < share)
    timestamps = rng.permutation(len(owners)) + 1_000_000_000
    order = np.lexsort((items, timestamps, owners))
    owners, items, timestamps = owners[order], items[order], timestamps[order]
    p, q = rng.normal(0, 0.8, (n_owners, 2)), rng.normal(0, 0.8, (n_items, 2))
    score = 3.4 + rng.normal(0, 0.5, n_owners)[owners] + rng.normal(0, 0.6, n_items)[items]
    score += (p[owners] * q[items]).sum(1) + rng.normal(0, 0.4, len(owners))
    return RatingData(
        name="synthetic",
        owners=owners.astype(np.int32),
        items=items.astype(np.int32),
        ratings=np.clip(np.round(score), 1, 5).astype(np.float32),
        timestamps=timestamps.astype(np.int64),
        scale=(1.0, 2.0, 3.0, 4.0, 5.0),
        owner_ids=np.arange(n_owners, dtype=np.int64) * 7 + 1000,
        item_ids=np.arange(n_items, dtype=np.int64) * 3 + 50,
        groups={"gender": np.where(np.arange(n_owners) % 3, "F", "M")},
    )


def make_rating_case(data=None, split="live", device="cpu", **parameters):
    """Return a rating use case of synthetic data."""
    return RatingUseCase(
        "synthetic",
        make_ratings() if data is None else data,
        device,
        split,
        FactorisationParameters(**{"dimensions": 3, **parameters}),
    )


@pytest.fixture(scope="session")
def ratings():
    return make_rating_case()


@pytest.fixture(scope="session")
def rating_data():
    return make_ratings


@pytest.fixture(scope="session")
def rating_case():
    return make_rating_case


@pytest.fixture(scope="session")
def digits():
    return load_use_case("digits", device="cpu", owners=60, filters=8)


@pytest.fixture(params=["ratings", "digits"])
def either(request):
    """Each of the two small use cases."""
    return request.getfixturevalue(request.param)
