"""Small use cases that the tests of learners share."""

from __future__ import annotations

import numpy as np
import pytest

from learners.datasets.records import InteractionData, RatingData
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase
from learners.topn.item_knn import ItemKNNParameters
from learners.topn.use_case import TopNUseCase
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


def make_interactions(n_owners=120, n_items=240, seed=7):
    """Return pins of people with one of eight tastes each, 10 to 19 a person, publisher's ids not 0..n-1."""
    rng = np.random.default_rng(seed)
    popularity = rng.uniform(0.2, 1, n_items)
    pins, held_out, negatives = [], [], []
    for owner in range(n_owners):
        chance = popularity * np.where(np.arange(n_items) % 8 == owner % 8, 20, 1)
        own = rng.choice(n_items, rng.integers(11, 21), replace=False, p=chance / chance.sum())
        held_out.append(own[0])
        pins.append(np.sort(own[1:]))
        negatives.append(rng.choice(np.setdiff1d(np.arange(n_items), own), 99, replace=False))
    return InteractionData(
        name="synthetic",
        owners=np.repeat(np.arange(n_owners, dtype=np.int32), [len(own) for own in pins]),
        items=np.concatenate(pins).astype(np.int32),
        held_out=np.array(held_out, np.int32),
        negatives=np.array(negatives, np.int32),
        owner_ids=np.arange(n_owners, dtype=np.int64) * 5 + 300,
        item_ids=np.arange(n_items, dtype=np.int64) * 2 + 11,
    )


def make_interaction_case(data=None, split="live", device="cpu", **parameters):
    """Return a top-n use case of synthetic data."""
    return TopNUseCase(
        "synthetic",
        make_interactions() if data is None else data,
        device,
        split,
        ItemKNNParameters(**{"neighbours": 40, "shrink": 5.0, **parameters}),
    )


@pytest.fixture(scope="session")
def interactions():
    return make_interaction_case()


@pytest.fixture(scope="session")
def interaction_data():
    return make_interactions


@pytest.fixture(scope="session")
def interaction_case():
    return make_interaction_case


@pytest.fixture(scope="session")
def digits():
    return load_use_case("digits", device="cpu", owners=60, filters=8)


@pytest.fixture(params=["ratings", "digits"])
def either(request):
    """Each of the two small use cases."""
    return request.getfixturevalue(request.param)
