from __future__ import annotations

import numpy as np
import pytest

from learners.errors import InputError
from learners.splits import COMPANY, HOLDOUT, TRAIN, split_records

N = 50_000
KEYS = (np.repeat(np.arange(N // 50), 50) * 3 + 1, np.tile(np.arange(50), N // 50))


def share(codes, code):
    return np.mean(codes == code)


def within(measured, expected):
    """Four standard deviations of a binomial share."""
    return abs(measured - expected) < 4 * np.sqrt(expected * (1 - expected) / N)


def test_live_keeps_a_tenth_hidden_and_a_tenth_for_the_companies():
    codes = split_records("live", *KEYS)
    assert within(share(codes, HOLDOUT), 0.1)
    assert within(share(codes, COMPANY), 0.1)
    assert set(np.unique(codes)) == {TRAIN, HOLDOUT, COMPANY}


def test_holdout_hides_the_records_that_live_hides_and_trains_on_the_rest():
    codes = split_records("holdout", *KEYS)
    np.testing.assert_array_equal(codes == HOLDOUT, split_records("live", *KEYS) == HOLDOUT)
    assert set(np.unique(codes)) == {TRAIN, HOLDOUT}


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_folds_are_disjoint_cover_everything_and_are_of_one_size(n):
    hidden = np.array([split_records(f"fold:{k}/{n}", *KEYS) == HOLDOUT for k in range(1, n + 1)])
    np.testing.assert_array_equal(hidden.sum(0), 1)
    assert all(within(fold.mean(), 1 / n) for fold in hidden)


@pytest.mark.parametrize("split", ["live", "holdout", "fold:2/5"])
def test_a_record_keeps_its_part_whoever_else_is_there(split):
    kept = KEYS[0] % 4 == 0
    whole = split_records(split, *KEYS)
    np.testing.assert_array_equal(split_records(split, KEYS[0][kept], KEYS[1][kept]), whole[kept])


def test_records_are_split_one_by_one_not_owner_by_owner():
    by_owner = (split_records("live", *KEYS) == HOLDOUT).reshape(-1, 50).sum(1)
    assert np.var(by_owner) == pytest.approx(50 * 0.1 * 0.9, rel=0.2)


@pytest.mark.parametrize(
    "split",
    [
        "",
        "Live",
        "fold",
        "fold:0/5",
        "fold:6/5",
        "fold:1/1",
        "fold:1/0",
        "fold:1/5 ",
        "fold:-1/5",
        "fold:1.5/5",
    ],
)
def test_anything_else_is_an_input_error_that_names_what_is_allowed(split):
    with pytest.raises(InputError, match="fold:k/n") as error:
        split_records(split, *KEYS)
    assert f"'{split}'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("split", ["live", "holdout", "fold:3/5"])
def test_a_use_case_of_fewer_raters_splits_their_records_alike(rating_data, rating_case, split):
    data = rating_data()
    chosen = np.arange(0, data.n_owners, 3)
    whole, part = rating_case(data, split), rating_case(data.restricted(chosen), split)
    np.testing.assert_array_equal(part.split, whole.split[np.isin(data.owners, chosen)])
