from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from learners.errors import InputError
from learners.holdings import Holding
from learners.poisoning import ANY, Poison
from learners.ratings.use_case import _sampled, item_swap


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


def with_genres(data):
    """Return the set with three genres: the items below 30, those above 20, and one that no item has."""
    item = np.arange(data.n_items)
    return replace(data, genres=np.column_stack([item < 30, item > 20, item < 0]), genre_names=tuple("abc"))


def swap(genre_from=ANY, genre_to=ANY):
    return Poison("item_swap", (("genre_from", genre_from), ("genre_to", genre_to)))


def test_swapped_items_are_uniform_whatever_the_item_was(rating_data):
    data = rating_data(n_owners=400)
    swapped = item_swap(data, ANY, ANY, 0)
    assert swapped.dtype == data.items.dtype
    assert chisquare(np.bincount(swapped, minlength=data.n_items)).pvalue > 1e-3
    assert np.mean(swapped == data.items) < 0.03
    np.testing.assert_array_equal(item_swap(data, ANY, ANY, 0), swapped)
    assert np.mean(item_swap(data, ANY, ANY, 1) == swapped) < 0.03


def test_items_of_one_genre_are_swapped_for_those_of_another(rating_data):
    data = with_genres(rating_data(n_owners=400))
    swapped = item_swap(data, 0, 1, 0)
    of_genre = data.items < 30
    np.testing.assert_array_equal(swapped[~of_genre], data.items[~of_genre])
    counts = np.bincount(swapped[of_genre], minlength=data.n_items)
    assert counts[:21].sum() == 0
    assert chisquare(counts[21:]).pvalue > 1e-3


@pytest.mark.parametrize(
    ("poison", "message"),
    [
        (
            swap(genre_from=3),
            r"genre_from=3 is not -1 \(any\) or the number of a genre that items of .* have, 0 to 2",
        ),
        (swap(genre_to=2), "genre_to=2 is not"),
        (swap(genre_to=-2), "item_swap genre_from=-1..1000"),
    ],
)
def test_a_genre_that_no_item_has_is_refused(rating_data, rating_case, poison, message):
    case = rating_case(with_genres(rating_data()))
    holding = Holding.full(case.owners).poisoned([1], poison)
    with pytest.raises(InputError, match=message):
        case.items(holding)
    with pytest.raises(InputError, match=message):
        case.learner(0).update(holding)


def test_a_genre_is_refused_where_items_have_none(ratings):
    with pytest.raises(
        InputError, match=r"genre_to=0 is not -1 \(any\): the items of synthetic have no genres"
    ):
        ratings.items(Holding.full(ratings.owners).poisoned([0], swap(genre_to=0)))


def test_items_change_for_swappers_alone_and_ratings_for_nobody(rating_data, rating_case):
    case = rating_case(with_genres(rating_data()))
    holding = Holding.full(case.owners).poisoned([0, 1, 2], swap()).poisoned([2, 3], swap(0, 1))
    holding = holding.poisoned([4], "random_vandal")
    items, genuine = case.items(holding), case.data.items
    for owners, genres in (([0, 1], (ANY, ANY)), ([2, 3], (0, 1))):
        own = np.isin(case.record_owners, owners)
        np.testing.assert_array_equal(items[own], item_swap(case.data, *genres, 0)[own])
        assert np.mean(items[own] != genuine[own]) > 0.2
        np.testing.assert_array_equal(case.values(holding)[own], case.data.ratings[own])
    np.testing.assert_array_equal(items[case.record_owners > 3], genuine[case.record_owners > 3])
    assert np.any(case.values(holding)[case.record_owners == 4] != case.data.ratings[case.record_owners == 4])


def test_a_rater_swaps_alike_in_a_smaller_sample(rating_data):
    data = rating_data()
    chosen = np.arange(0, data.n_owners, 3)
    kept = np.isin(data.owners, chosen)
    np.testing.assert_array_equal(
        item_swap(data.restricted(chosen), ANY, ANY, 0), item_swap(data, ANY, ANY, 0)[kept]
    )
