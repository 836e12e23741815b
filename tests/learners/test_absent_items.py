from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from learners.absent_items import absent_items
from learners.errors import InputError


def draws(has, n_draws, salt="test", seed=0):
    """Let every row of ``has``, bool[n_owners, n_items], draw as often; int32[n_owners, n_draws]."""
    n_owners = len(has)
    rows, place = np.divmod(np.arange(n_owners * n_draws), n_draws)
    matrix = sp.csr_array(has.astype(np.int8))
    return absent_items(salt, matrix, rows, np.full(len(rows), seed), rows + 40, place).reshape(n_owners, -1)


def test_nobody_draws_what_is_had_or_anything_twice():
    has = np.random.default_rng(0).random((700, 60)) < 0.4
    drawn = draws(has, 20)
    assert not np.take_along_axis(has, drawn.astype(int), axis=1).any()
    assert all(len(set(row)) == 20 for row in drawn)


def test_everything_left_can_be_drawn():
    has = np.random.default_rng(1).random((300, 30)) < 0.3
    has[np.arange(300), np.arange(300) % 30] = True
    least = int((~has).sum(1).min())
    for row, own in zip(draws(has, least), has, strict=True):
        assert set(row) <= set(np.flatnonzero(~own))
    full = np.zeros((4, 12), bool)
    np.testing.assert_array_equal(np.sort(draws(full, 12)), np.tile(np.arange(12), (4, 1)))


def test_draws_are_uniform():
    has = np.zeros((6000, 20), bool)
    has[:, :4] = True
    counts = np.bincount(draws(has, 3).ravel(), minlength=20)
    expected = 6000 * 3 / 16
    assert not counts[:4].any()
    assert ((counts[4:] - expected) ** 2 / expected).sum() < 37.7  # chi-square with 15 degrees, .1 %


def test_draws_depend_on_keys_and_own_items_alone():
    has = np.random.default_rng(2).random((520, 50)) < 0.3
    drawn = draws(has, 10)
    np.testing.assert_array_equal(draws(has, 10), drawn)
    assert (draws(has, 10, salt="other") != drawn).mean() > 0.8
    assert (draws(has, 10, seed=1) != drawn).mean() > 0.8
    others = has.copy()
    others[1:] = ~others[1:]
    others[:, :12] = False
    others[0] = has[0]
    np.testing.assert_array_equal(draws(others, 10)[0], drawn[0])


def test_owners_may_draw_different_numbers_of_items_or_none():
    has = sp.csr_array((3, 8), dtype=np.int8)
    rows = np.array([0, 0, 2])
    drawn = absent_items("test", has, rows, np.arange(3))
    assert drawn.shape == (3,)
    assert drawn[0] != drawn[1]
    assert absent_items("test", has, rows[:0], np.arange(0)).shape == (0,)


def test_too_few_items_left():
    has = np.zeros((3, 10), bool)
    has[1, :8] = True
    with pytest.raises(InputError, match="test: owner 1 has all but 2 of 10 items; 3 are needed"):
        draws(has, 3)
