"""Effort that organisers spend on asking people."""

import numpy as np
import pytest

from abm.coalitions.effort import Effort, Round

ORDER = np.random.default_rng(3).random(10)
ALL = np.ones(10, bool)


def test_as_many_are_asked_as_can_be_paid_for_and_what_is_left_is_kept():
    effort = Effort()
    organiser = Round(10, 5.0, 2.0, effort)
    assert [len(organiser.asked(ALL, ORDER)) for _ in range(4)] == [2, 3, 2, 3]
    assert effort.spent == 20


def test_everybody_is_asked_once_before_anybody_is_asked_again_and_in_order():
    organiser = Round(10, 3.0, 1.0, Effort())
    ranked = np.argsort(ORDER)
    for expected in (ranked[:3], ranked[3:6], ranked[6:9], np.r_[ranked[9], ranked[:2]]):
        np.testing.assert_array_equal(organiser.asked(ALL, ORDER), np.sort(expected))


def test_only_who_is_open_is_asked_and_nothing_is_paid_or_saved_for_nobody():
    effort = Effort()
    organiser = Round(10, 4.0, 1.0, effort)
    few = np.arange(10) < 2
    assert organiser.asked(few, ORDER).tolist() == [0, 1]
    assert organiser.asked(~ALL, ORDER).tolist() == []
    assert effort.spent == 2
    assert len(organiser.asked(ALL, ORDER)) == 4


def test_without_a_budget_nobody_is_asked():
    effort = Effort()
    assert len(Round(10, 0.0, 1.0, effort).asked(ALL, ORDER)) == 0
    assert effort.spent == 0


@pytest.mark.parametrize("price", [20.0, 7.0])
def test_who_is_dear_is_asked_now_and_then(price):
    effort = Effort()
    organiser = Round(10, 5.0, price, effort)
    asked = sum(len(organiser.asked(ALL, ORDER)) for _ in range(28))
    assert asked == 140 // price
    assert effort.spent == asked * price


def test_there_can_be_a_limit_in_all():
    effort = Effort()
    organiser = Round(10, 4.0, 2.0, effort, total=7.0)
    assert [len(organiser.asked(ALL, ORDER)) for _ in range(4)] == [2, 1, 0, 0]
    assert effort.spent == 6
