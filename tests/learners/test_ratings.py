from __future__ import annotations

import numpy as np
import pytest

from learners.errors import InputError
from learners.holdings import Holding
from learners.ratings import _sampled


def test_uninformed_predicts_the_mean_rating_of_the_item(ratings):
    data, training = ratings.data, ratings.training_mask(Holding.full(ratings.owners))
    means = np.array([data.ratings[training & (data.items == i)].mean() for i in range(data.n_items)])
    predictions = ratings.uninformed()
    np.testing.assert_allclose(predictions.holdout, means[data.items[ratings.holdout.rows]], rtol=1e-6)
    np.testing.assert_allclose(predictions.company, means[data.items[ratings.company.rows]], rtol=1e-6)
    np.testing.assert_array_equal(predictions.fallback, predictions.holdout)


def test_uninformed_knows_only_what_has_arrived(ratings):
    data = ratings.data
    arrived = data.items >= 30
    arrived[np.flatnonzero(arrived)[::2]] = False
    seen = arrived & ratings.training_mask(Holding.full(ratings.owners))
    predicted = ratings.uninformed(arrived).holdout
    items = data.items[ratings.holdout.rows]
    np.testing.assert_allclose(predicted[items < 30], data.ratings[seen].mean(), rtol=1e-6)
    np.testing.assert_allclose(
        predicted[items == 40], data.ratings[seen & (data.items == 40)].mean(), rtol=1e-6
    )
    nothing = ratings.uninformed(np.zeros(len(arrived), bool))
    np.testing.assert_array_equal(nothing.holdout, 3)  # the middle of the scale


def test_time_rank_counts_in_each_raters_time_order(ratings):
    rank, data = ratings.time_rank(), ratings.data
    for owner in (0, 17, ratings.owners - 1):
        own = data.owners == owner
        assert rank[own].tolist() == list(range(own.sum()))
        by_time = np.argsort(np.argsort(data.timestamps[own]))
        np.testing.assert_array_equal(rank[own], by_time)


def test_no_time_rank_where_a_timestamp_is_missing(rating_data, rating_case):
    data = rating_data()
    data.timestamps[:3] = 0
    case = rating_case(data)
    assert not case.has_time
    message = (
        f"a timestamp in every record, and 3 of {len(data.timestamps)} in synthetic have none; use 'static'"
    )
    with pytest.raises(InputError, match=message):
        case.time_rank()


def test_tastes_are_centred_training_ratings(ratings):
    data, training = ratings.data, ratings.training_mask(Holding.full(ratings.owners))
    tastes = ratings.tastes().toarray()
    assert tastes.shape == (ratings.owners, data.n_items)
    own = training & (data.owners == 9)
    expected = np.zeros(data.n_items)
    expected[data.items[own]] = data.ratings[own] - data.ratings[own].mean() + 0.5
    np.testing.assert_allclose(tastes[9], expected, atol=1e-6)


def test_groups_are_those_of_the_data(ratings):
    assert set(ratings.groups) == {"gender"}
    assert len(ratings.groups["gender"]) == ratings.owners


def test_sample_of_raters_is_nested_and_keeps_their_records(rating_data):
    data = rating_data()
    few, more = _sampled(data, 30), _sampled(data, 60)
    assert few.n_owners == 30
    assert set(few.owner_ids) < set(more.owner_ids) < set(data.owner_ids)
    for sampled in (few, more):
        assert np.all(np.diff(sampled.owner_ids) > 0)
        kept = np.isin(data.owner_ids[data.owners], sampled.owner_ids)
        np.testing.assert_array_equal(sampled.ratings, data.ratings[kept])
        np.testing.assert_array_equal(sampled.owner_ids[sampled.owners], data.owner_ids[data.owners[kept]])
    np.testing.assert_array_equal(_sampled(data, data.n_owners).owners, data.owners)


@pytest.mark.parametrize("owners", [0, 1, 121])
def test_sample_out_of_range(rating_data, owners):
    with pytest.raises(
        InputError, match=f"owners: {owners} is not between 2 and the 120 raters of synthetic"
    ):
        _sampled(rating_data(), owners)


def test_small_holdout_is_warned_of(rating_data, rating_case):
    data = rating_data()
    assert rating_case(data).warnings == ()
    (warning,) = rating_case(data.restricted(np.arange(10))).warnings
    assert "the holdout has only" in warning
