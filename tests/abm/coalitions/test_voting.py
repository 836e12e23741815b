"""From opinions to a decision."""

import numpy as np
import pytest

from abm.coalitions.voting import carried

INTEREST = np.array([0.2, 3.0, 1.0, 0.5, 0.1])


def vote(decides, *against, quorum=0.6):
    in_favour = ~np.isin(np.arange(5), against)
    return carried(decides, in_favour, INTEREST, quorum)


@pytest.mark.parametrize(
    ("decides", "against", "expected"),
    [
        ("leader", (0, 2, 3, 4), True),
        ("leader", (1,), False),
        ("majority", (0, 1), True),
        ("majority", (0, 1, 2), False),
        ("quorum", (0, 1), True),  # three of five are exactly .6
        ("quorum", (0, 1, 2), False),
        ("unanimity", (), True),
        ("unanimity", (3,), False),
    ],
)
def test_who_must_be_in_favour(decides, against, expected):
    assert vote(decides, *against) is expected


def test_half_is_no_majority_and_the_quorum_can_be_lower():
    half = np.array([True, False])
    assert not carried("majority", half, INTEREST[:2], 0.5)
    assert carried("quorum", half, INTEREST[:2], 0.5)
    assert not vote("quorum", 0, quorum=0.81)


def test_a_quorum_of_a_third_is_reached_by_a_third():
    assert carried("quorum", np.arange(49) == 3, np.ones(49), 1 / 49)


@pytest.mark.parametrize("decides", ["leader", "majority", "quorum", "unanimity"])
def test_nobody_decides_nothing(decides):
    assert not carried(decides, np.empty(0, bool), np.empty(0), 0.5)
