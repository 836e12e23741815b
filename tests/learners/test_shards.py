from __future__ import annotations

import numpy as np
import pytest

from learners.shards import deal


def labels_of(n_records, n_classes, seed=0):
    return np.random.default_rng(seed).integers(0, n_classes, n_records)


@pytest.mark.parametrize(
    ("n_records", "n_classes", "owners", "skew"),
    [(100, 2, 2, 0.5), (101, 3, 7, 0.01), (500, 10, 60, 1000.0), (40, 2, 40, 0.1), (5, 2, 4, 0.5)],
)
def test_every_record_has_an_owner_and_owners_are_of_one_size(n_records, n_classes, owners, skew):
    labels = labels_of(n_records, n_classes)
    owner_of = deal(labels, n_classes, owners, skew, 0)
    assert owner_of.dtype == np.int32
    sizes = np.bincount(owner_of, minlength=owners)
    assert len(owner_of) == n_records
    assert len(sizes) == owners
    assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(owner_of, deal(labels, n_classes, owners, skew, 0))


def test_one_record_an_owner_is_a_permutation():
    assert sorted(deal(labels_of(300, 2), 2, 300, 0.5, 0)) == list(range(300))


def test_seeds_deal_differently_and_skew_makes_owners_one_sided():
    labels = labels_of(2000, 4)

    def one_sidedness(skew):
        mix = np.zeros((50, 4))
        np.add.at(mix, (deal(labels, 4, 50, skew, 1), labels), 1)
        return np.abs(mix / mix.sum(1, keepdims=True) - 0.25).sum(1).mean() / 2

    assert (deal(labels, 4, 50, 0.5, 0) != deal(labels, 4, 50, 0.5, 1)).any()
    measured = [one_sidedness(skew) for skew in (0.02, 0.2, 2.0, 1000.0)]
    assert np.all(np.diff(measured) < 0)
    assert measured[0] > 0.5
    assert measured[-1] < 0.2


def test_a_class_that_runs_out_is_made_up_from_the_others():
    labels = np.zeros(90, np.int64)
    labels[:3] = 1  # far fewer than are asked for
    owner_of = deal(labels, 2, 9, 0.5, 0)
    assert np.bincount(owner_of).tolist() == [10] * 9
