from __future__ import annotations

import numpy as np
import pytest

from learners.metrics import ACCURACY, RMSE, accuracy, rmse, surfaced_hits


def one_owner(true, predicted, tie_break=None):
    true = np.asarray(true)
    tie_break = np.zeros(len(true)) if tie_break is None else np.asarray(tie_break)
    owners = np.zeros(len(true), np.int32)
    return surfaced_hits(owners, true >= 4, np.asarray(predicted, float), tie_break, 1).tolist()


def test_surfaced_hits_worked_example():
    rows = [(1, 2), (2, 2), (3, 2), (4, 4), (5, 4), (5, 4), (1, 5), (2, 5), (2, 5), (5, 1), (4, 1), (5, 1)]
    true, estimated = zip(*rows, strict=True)
    assert one_owner(true, estimated) == [3]
    # Six are relevant, so nothing beyond the top six counts, in whatever order the rows come.
    assert one_owner(true[::-1], estimated[::-1]) == [3]


def test_surfaced_hits_when_all_relevant_are_last():
    assert one_owner([5] * 10 + [1] * 10, list(range(20))) == [0]


def test_surfaced_hits_without_a_relevant_record():
    assert one_owner([1, 2, 3, 3], [4, 3, 2, 1]) == [0]


def test_surfaced_hits_of_a_perfect_and_of_an_all_relevant_ranking():
    assert one_owner([5, 4, 1, 2], [9, 8, 1, 2]) == [2]
    assert one_owner([5, 4, 4], [1, 1, 1]) == [3]


def test_ties_are_broken_by_the_random_number_alone():
    assert one_owner([5, 1], [3, 3], [0.1, 0.9]) == [1]
    assert one_owner([5, 1], [3, 3], [0.9, 0.1]) == [0]
    assert one_owner([1, 5], [3, 3], [0.1, 0.9]) == [0]


@pytest.mark.parametrize("seed", range(20))
def test_surfaced_hits_equal_brute_force(seed):
    rng = np.random.default_rng(seed)
    n, n_owners = 400, 30
    owners = rng.choice(np.arange(0, n_owners, 2), n).astype(np.int32)  # every other owner has no record
    relevant = rng.random(n) < rng.choice([0.05, 0.5, 0.95])
    predicted = rng.integers(1, 6, n).astype(float)  # five values: many ties
    tie_break = rng.random(n)
    expected = np.zeros(n_owners, int)
    for u in range(n_owners):
        own = [(-predicted[i], tie_break[i], bool(relevant[i])) for i in range(n) if owners[i] == u]
        n_relevant = sum(record[2] for record in own)
        expected[u] = sum(record[2] for record in sorted(own)[:n_relevant])
    measured = surfaced_hits(owners, relevant, predicted, tie_break, n_owners)
    np.testing.assert_array_equal(measured, expected)
    assert measured[1::2].sum() == 0


def test_use_case_counts_records_rated_four_or_more_as_relevant(ratings):
    holdout = ratings.holdout
    hits, relevant = ratings.hits(holdout.targets.astype(float))
    expected = [np.sum(holdout.targets[holdout.owners == u] >= 4) for u in range(ratings.owners)]
    np.testing.assert_array_equal(relevant, expected)
    np.testing.assert_array_equal(hits, expected)  # an oracle finds them all
    worst, _ = ratings.hits(-holdout.targets.astype(float))
    irrelevant = np.bincount(holdout.owners, minlength=ratings.owners) - relevant
    np.testing.assert_array_equal(worst, np.maximum(relevant - irrelevant, 0))


def test_rmse():
    assert rmse(np.array([1.0, 2.0, 5.0]), np.array([1.0, 4.0, 4.0])) == pytest.approx(np.sqrt(5 / 3))
    assert not RMSE.higher_is_better


def test_accuracy_of_certain_and_of_uncertain_predictions():
    assert accuracy(np.eye(3)[[0, 1, 1]], np.array([0, 1, 2])) == pytest.approx(2 / 3)
    assert accuracy(np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0])) == pytest.approx(0.65)
    assert ACCURACY.higher_is_better
