from __future__ import annotations

import numpy as np
import pytest

from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding
from learners.poisoning import Poison

OWNERS_OF_RECORDS = np.array([0, 0, 1, 3, 3, 3], np.int32)


def test_full_and_of():
    assert Holding.full(3).codes.tolist() == [GENUINE] * 3
    assert Holding.of([True, False, True]).codes.tolist() == [GENUINE, ABSENT, GENUINE]
    assert Holding.of(np.array([0, 5, 0])).present.tolist() == [False, True, False]
    assert Holding.full(3).codes.dtype == np.int8


@pytest.mark.parametrize(
    "ids", [[1, 3], (1, 3), {1, 3}, np.array([1, 3]), np.array([False, True, False, True]), range(1, 4, 2)]
)
def test_without_takes_numbers_or_a_mask(ids):
    before = Holding.full(4)
    assert before.without(ids).codes.tolist() == [GENUINE, ABSENT, GENUINE, ABSENT]
    assert before.codes.tolist() == [GENUINE] * 4


@pytest.mark.parametrize("nobody", [[], (), np.zeros(4, bool), np.array([], int)])
def test_without_nobody(nobody):
    assert Holding.full(4).without(nobody).codes.tolist() == [GENUINE] * 4
    assert Holding.full(4).poisoned(nobody, "a").present.all()


def test_poisoned_changes_only_those_who_are_there():
    before = Holding.of([True, True, False, True])
    after = before.poisoned([1, 2], "random_vandal")
    assert after.codes.tolist() == [GENUINE, FIRST_POISON, ABSENT, GENUINE]
    assert after.poisons == (Poison("random_vandal"),)
    assert before.poisons == ()
    assert after.present.tolist() == before.present.tolist()


def test_owners_may_differ_in_their_poison_and_change_it():
    flip = Poison("label_flip", (("rate", 0.5),))
    holding = Holding.full(4).poisoned([0, 1], "label_flip").poisoned([2], flip).poisoned([1], flip)
    assert holding.poisons == (Poison("label_flip"), flip)
    assert holding.codes.tolist() == [FIRST_POISON, FIRST_POISON + 1, FIRST_POISON + 1, GENUINE]


def test_record_mask():
    holding = Holding.full(4).without([3]).poisoned([1], "random_vandal")
    assert holding.record_mask(OWNERS_OF_RECORDS).tolist() == [True, True, True, False, False, False]


def test_record_mask_with_arrivals():
    arrived = np.array([True, False, True, True, False, True])
    holding = Holding.full(4, arrived)
    assert holding.record_mask(OWNERS_OF_RECORDS).tolist() == arrived.tolist()
    assert holding.without([3]).record_mask(OWNERS_OF_RECORDS).tolist() == [True, False, True] + [False] * 3
    assert holding.poisoned([1], "random_vandal").arrived is arrived


DIFFERENT = {
    "everybody": Holding.full(4),
    "three": Holding.full(4).without([2]),
    "other three": Holding.full(4).without([1]),
    "nobody": Holding.of(np.zeros(4, bool)),
    "five": Holding.full(5),
    "poisoned": Holding.full(4).poisoned([1], "random_vandal"),
    "other owner": Holding.full(4).poisoned([2], "random_vandal"),
    "other kind": Holding.full(4).poisoned([1], "extreme_vandal"),
    "both": Holding.full(4).poisoned([1], "random_vandal").poisoned([2], "extreme_vandal"),
    "both swapped": Holding.full(4).poisoned([2], "random_vandal").poisoned([1], "extreme_vandal"),
    "parameter": Holding.full(4).poisoned([1], Poison("random_vandal", (("rate", 0.5),))),
    "some arrived": Holding.full(4, np.array([True, True, True, False, False, True])),
    "others arrived": Holding.full(4, np.array([True, True, True, True, False, False])),
}


def test_digest_tells_different_holdings_apart():
    assert len({holding.digest for holding in DIFFERENT.values()}) == len(DIFFERENT)


FULL = Holding.full(4)
SAME = {
    "mask or numbers": (FULL.without([2]), Holding.of([True, True, False, True])),
    "order of leaving": (FULL.without([1]).without([2]), FULL.without([2, 1])),
    "poisoned, then gone": (FULL.poisoned([2], "random_vandal").without([2]), FULL.without([2])),
    "unused kind after": (
        FULL.poisoned([1], "random_vandal").poisoned([2], "extreme_vandal").without([2]),
        FULL.without([2]).poisoned([1], "random_vandal"),
    ),
    "unused kind before": (
        FULL.poisoned([2], "random_vandal").poisoned([1], "extreme_vandal").without([2]),
        FULL.without([2]).poisoned([1], "extreme_vandal"),
    ),
    "order of kinds": (
        FULL.poisoned([1], "random_vandal").poisoned([2], "extreme_vandal"),
        FULL.poisoned([2], "extreme_vandal").poisoned([1], "random_vandal"),
    ),
    "name or poison": (
        FULL.poisoned([1], "random_vandal"),
        FULL.poisoned([1], Poison("random_vandal")),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_digest_is_equal_for_the_same_records_in_the_same_state(name):
    one, other = SAME[name]
    assert one.digest == other.digest


def test_digest_of_arrivals_is_by_value():
    arrived = np.array([True, False, True, True, False, True])
    assert Holding.full(4, arrived).digest == Holding.full(4, arrived.copy()).digest
    assert Holding.full(4, arrived).digest != Holding.full(4).digest
