import numpy as np
import pytest

from abm.market import Market
from abm.services import Attention


def attention(large, small):
    return Attention(np.array(large, float), np.array(small, float))


def test_shares_and_concentration():
    shares = Market().observe(attention([1, 0.5, 0.5, 0], [0, 0.5, 0.5, 0]))
    assert (shares.large, shares.small) == pytest.approx((2 / 3, 1 / 3))
    assert shares.concentration == pytest.approx(5 / 9)
    alike = Market().observe(attention([1, 0], [0, 1]))
    assert (alike.large, alike.concentration) == (0.5, 0.5)
    assert Market().observe(attention([1, 1], [0, 0])).concentration == 1


def test_concentration_counts_every_rival():
    divided = Market().observe(attention([1, 0.5, 0.5, 0], [0, 0.5, 0.5, 1]), np.array([1.5, 0.5]))
    assert (divided.large, divided.small) == pytest.approx((1 / 2, 1 / 2))
    assert divided.concentration == pytest.approx(1 / 4 + 9 / 64 + 1 / 64)
    alone = Market().observe(attention([1, 1], [0, 0]), np.zeros(2))
    assert (alone.small, alone.concentration) == (0, 1)


def test_nobody_attends():
    shares = Market().observe(attention([0, 0], [0, 0]))
    assert np.isnan([shares.large, shares.small, shares.concentration]).all()


def test_who_changes_the_company():
    market = Market()
    first = market.observe(attention([1, 1, 1, 1, 0.4], [0, 0, 0, 0, 0.6]))
    assert (first.to_large, first.to_small) == (0, 0)
    # One moves over, one halves its attention, one leaves for nothing, one comes back.
    second = market.observe(attention([0.2, 0.5, 0, 1, 0.6], [0.8, 0.5, 0, 0, 0.4]))
    assert (second.to_large, second.to_small) == (0.2, 0.2)
    third = market.observe(attention([0.2, 0.5, 0, 1, 0.6], [0.8, 0.5, 0.1, 0, 0.4]))
    assert (third.to_large, third.to_small) == (0, 0.2)
