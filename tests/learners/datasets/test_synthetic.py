from __future__ import annotations

import numpy as np
import pytest

from learners.datasets.synthetic import LEAST, synthetic_ratings
from learners.errors import InputError
from learners.holdings import Holding
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase

SIZE = 3000, 400, 100_000


@pytest.fixture(scope="module")
def data():
    return synthetic_ratings(*SIZE)


def test_it_has_the_size_asked_for_and_no_pair_twice(data):
    assert (data.n_owners, data.n_items, len(data.ratings)) == SIZE
    pairs = data.owners.astype(np.int64) * data.n_items + data.items
    assert np.all(np.diff(pairs) > 0)  # sorted by owner, then item, none twice
    assert data.owners[-1] < data.n_owners
    assert 0 <= data.items.min() <= data.items.max() < data.n_items
    assert (data.owners.dtype, data.items.dtype, data.ratings.dtype) == (np.int32, np.int32, np.float32)
    assert not data.has_time


def test_ratings_are_half_stars_and_use_the_scale(data):
    assert set(np.unique(data.ratings)) <= set(data.scale)
    assert len(np.unique(data.ratings)) >= 9
    assert 0.8 < data.ratings.std() < 1.3


def test_few_raters_and_few_items_have_most_ratings(data):
    by_owner = np.sort(np.bincount(data.owners, minlength=data.n_owners))
    by_item = np.sort(np.bincount(data.items, minlength=data.n_items))
    assert by_owner[0] >= LEAST
    assert by_owner[-1] <= 0.2 * data.n_items
    assert np.median(by_owner) < 0.9 * by_owner.mean()
    assert by_item[-40:].sum() > 0.25 * len(data.ratings)
    assert by_item[:40].sum() < 0.05 * len(data.ratings)


def test_activity_falls_as_a_power_law():
    counts = np.bincount(synthetic_ratings(20_000, 4000, 800_000).owners) - LEAST
    ordered = np.sort(counts)[::-1]
    rank = np.array([200, 400, 800])  # of the tail, under the cut
    slope = np.polyfit(np.log(ordered[rank]), np.log(rank), 1)[0]
    assert slope == pytest.approx(-1.5, abs=0.2)


def test_tastes_are_there_to_be_found(data):
    case = RatingUseCase(data.name, data, "cpu", "holdout", FactorisationParameters(dimensions=8))
    everybody = Holding.full(case.owners)
    found = case.learner(0).update(everybody).holdout
    biases = RatingUseCase(data.name, data, "cpu", "holdout", FactorisationParameters(dimensions=1))
    assert found < biases.learner(0).update(everybody).holdout - 0.03
    assert found > np.sqrt(0.8**2 + 1 / 48) - 0.05  # the noise, and the rounding to half stars


def test_a_seed_gives_the_same_records_and_another_seed_others(data):
    assert synthetic_ratings(*SIZE).digest == data.digest
    assert synthetic_ratings(*SIZE, seed=1).digest != data.digest


@pytest.mark.parametrize(("owners", "items", "ratings"), [(10, 400, 199), (10, 400, 801), (10, 50, 400)])
def test_sizes_that_do_not_fit_are_refused(owners, items, ratings):
    with pytest.raises(InputError, match=f"n_ratings: {ratings} is not between 20 and"):
        synthetic_ratings(owners, items, ratings)


@pytest.mark.parametrize("ratings", [200, 800])
def test_the_least_and_the_most_ratings_fit(ratings):
    data = synthetic_ratings(10, 400, ratings)
    np.testing.assert_array_equal(np.bincount(data.owners), np.full(10, ratings // 10))
