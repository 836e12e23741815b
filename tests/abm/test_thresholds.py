"""Distributions of thresholds."""

import numpy as np
import pytest

from abm.population import Population, PopulationParameters
from abm.streams import Streams
from learners.errors import InputError
from learners.parameters import parsed

USERS = 5000


def thresholds(given, users=USERS, seed=1):
    parameters = parsed(PopulationParameters, {"threshold": given}, "population")
    return Population(parameters, np.ones(users), Streams(seed)).threshold


def test_normal():
    drawn = thresholds({"mean": 0.3, "sd": 0.1})
    assert (drawn.mean(), drawn.std()) == pytest.approx((0.3, 0.1), abs=0.005)
    np.testing.assert_array_equal(drawn, thresholds({"kind": "normal", "mean": 0.3, "sd": 0.1}))


def test_uniform():
    drawn = thresholds({"kind": "uniform", "low": 2.0, "high": 6.0})
    np.testing.assert_allclose(np.quantile(drawn, [0, 0.25, 0.5, 1]), [2, 3, 4, 6], atol=0.1)


def test_constant_ladder_and_given():
    assert set(thresholds({"kind": "constant", "value": 0.4})) == {0.4}
    ladder = thresholds({"kind": "ladder"})
    np.testing.assert_array_equal(np.sort(ladder), np.arange(USERS))
    assert not np.array_equal(ladder, np.arange(USERS))
    np.testing.assert_array_equal(
        thresholds({"kind": "values", "values": [0.5, 0.1, 0.9]}, 3), [0.5, 0.1, 0.9]
    )


def test_bad_distributions():
    with pytest.raises(
        InputError, match=r"^population\.threshold\.uniform: [^\n]*high is 1, below low, 2[^\n]*$"
    ):
        thresholds({"kind": "uniform", "low": 2.0, "high": 1.0})
    with pytest.raises(
        InputError, match=r"^population\.threshold\.values: 2 thresholds are given for 5000 users$"
    ):
        thresholds({"kind": "values", "values": [0.5, 0.1]})
    with pytest.raises(InputError, match=r"^population\.threshold\.normal\.sd: [^\n]*$"):
        thresholds({"sd": -1.0})


def test_other_traits_do_not_move():
    """A stream of their own."""
    one, other = (
        Population(parsed(PopulationParameters, {"threshold": given}, "p"), np.ones(50), Streams(1))
        for given in ({"kind": "ladder"}, {"kind": "uniform"})
    )
    for trait in ("interest", "grievance", "privacy", "skill", "risk", "family"):
        np.testing.assert_array_equal(getattr(one, trait), getattr(other, trait))
