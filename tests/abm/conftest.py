"""Small societies that the tests of the model share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abm.decisions import DecisionRule
from abm.model import DataLeverageModel
from learners.datasets.records import RatingData
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase
from learners.usecase import Learner, load_use_case


class Prescribed(DecisionRule):
    """Given users take given stances at given ticks; everybody else stays as they are.

    ``moves`` maps a tick to a mapping from stance name to the users that take it.
    """

    def __init__(self, moves, requests_portability=False):
        self.moves = moves
        self.requests_portability = requests_portability

    def choose(self, view):
        wanted = view.population.stance.copy()
        for name, users in self.moves.get(view.tick, {}).items():
            wanted[users] = view.stances.code(name)
        return wanted


class UntrainedLearner(Learner):
    """Serves item means whatever it holds, for tests of the books only."""

    def fit(self, holding):
        return self.use_case.uninformed()


class UntrainedRatings(RatingUseCase):
    """Ratings nobody learns from."""

    def learner(self, seed, **options):
        return UntrainedLearner(self, seed)


def make_ratings(n_owners=60, n_items=40, timed=True, seed=5):
    """Return ratings of two taste dimensions; owner u rates 4 to 20 items, publisher's ids not 0..n-1."""
    rng = np.random.default_rng(seed)
    chosen = [np.sort(rng.permutation(n_items)[: 4 + u % 17]) for u in range(n_owners)]
    owners = np.repeat(np.arange(n_owners), [len(items) for items in chosen])
    items = np.concatenate(chosen)
    timestamps = rng.permutation(len(owners)) + 1_000_000_000
    order = np.lexsort((items, timestamps, owners))
    owners, items, timestamps = owners[order], items[order], timestamps[order]
    p, q = rng.normal(0, 0.8, (n_owners, 2)), rng.normal(0, 0.8, (n_items, 2))
    score = 3.4 + rng.normal(0, 0.6, n_items)[items] + (p[owners] * q[items]).sum(1)
    return RatingData(
        name="synthetic",
        owners=owners.astype(np.int32),
        items=items.astype(np.int32),
        ratings=np.clip(np.round(score), 1, 5).astype(np.float32),
        timestamps=timestamps.astype(np.int64) if timed else np.zeros(len(owners), np.int64),
        scale=(1.0, 2.0, 3.0, 4.0, 5.0),
        owner_ids=np.arange(n_owners, dtype=np.int64) * 7 + 1000,
        item_ids=np.arange(n_items, dtype=np.int64) * 3 + 50,
        groups={"gender": np.where(np.arange(n_owners) % 3, "F", "M")},
    )


def make_rating_case(kind=RatingUseCase, **data):
    return kind("synthetic", make_ratings(**data), "cpu", "live", FactorisationParameters(dimensions=2))


@pytest.fixture(scope="session")
def rating_case():
    return make_rating_case


@pytest.fixture(scope="session")
def ratings():
    """Sixty raters with 4 to 20 timed ratings each, and a real learner."""
    return make_rating_case()


@pytest.fixture(scope="session")
def untrained():
    """The same raters, and companies that do not learn: quick."""
    return make_rating_case(UntrainedRatings)


@pytest.fixture(scope="session")
def digits():
    """The embedded use case as shipped: 300 owners of six images each."""
    return load_use_case("digits", device="cpu")


@pytest.fixture(scope="session")
def few_digits():
    """Forty owners and a coarse classifier."""
    return load_use_case("digits", device="cpu", owners=40, filters=4)


@pytest.fixture(scope="session")
def prescribed():
    return Prescribed


@pytest.fixture(scope="session")
def society():
    """Return a function that builds a model without what costs time, unless asked for."""

    def build(use_case, *, population=None, record=None, rng=1, **groups):
        population = {"beliefs": {"linear": 0.7, "true": 0.0}, **(population or {})}
        record = {"composition": "off", **(record or {})}
        return DataLeverageModel(use_case, population=population, record=record, rng=rng, **groups)

    return build


@pytest.fixture(scope="session")
def ticks_of():
    """Return a function that plays a model on and returns its ticks, wall seconds left out."""

    def play(model, ticks=0):
        for _ in range(ticks):
            model.step()
        table = pd.DataFrame(model.ticks)
        return table.drop(columns=[column for column in table if column.startswith("seconds")])

    return play


@pytest.fixture(scope="session")
def recorded_digits(few_digits, society, ticks_of):
    """The ticks of a short digits run, for replays."""
    return ticks_of(society(few_digits), 6)
