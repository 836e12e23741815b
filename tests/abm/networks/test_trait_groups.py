from typing import Literal

import numpy as np
import pytest

from abm.model import DataLeverageModel
from abm.networks.family import Family
from abm.networks.trait_groups import trait_groups
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.parameters import parameter


def test_quarters_of_interest_and_power_users():
    interest = np.random.default_rng(0).lognormal(size=400)
    records = np.arange(400.0)
    groups = trait_groups(interest, records)
    assert np.bincount(groups["interest_quarter"]).tolist() == [0, 100, 100, 100, 100]
    assert interest[groups["interest_quarter"] == 1].max() < interest[groups["interest_quarter"] == 2].min()
    assert np.flatnonzero(groups["power_user"]).tolist() == list(range(360, 400))
    assert "power_user" not in trait_groups(interest, np.ones(400))


def model(network):
    curve = published_curve("ml-10m", "surrogate")
    return DataLeverageModel("ml-10m", curve=curve, population={"users": 1000}, network=network, rng=3)


def test_the_interested_flock_together():
    apart = model({"family": "erdos_renyi"})
    together = model({"family": "erdos_renyi", "homophily": {"group": "interest_quarter", "strength": 0.8}})
    quarter = apart.groups["interest_quarter"]
    assert apart.network.within_group_share(quarter) == pytest.approx(0.25, abs=0.03)
    assert together.network.within_group_share(quarter) == pytest.approx(0.85, abs=0.03)


def test_where_all_own_as_much_there_are_no_power_users():
    with pytest.raises(InputError, match="'power_user'; the user groups here are: interest_quarter"):
        model({"homophily": {"group": "power_user", "strength": 0.5}})


class Pairs(Family):
    """Users 2 k and 2 k + 1 are tied."""

    family: Literal["pairs"] = parameter("pairs", "Family of networks", unit="-")
    degree: int = parameter(1, "Degree", unit="neighbours")

    def ties(self, users, rng):
        """Return the ties."""
        return np.arange(0, users.n_users, 2), np.arange(1, users.n_users, 2)


def test_a_family_of_ones_own():
    network = model(Pairs()).network
    np.testing.assert_array_equal(network.indices, np.arange(1000) ^ 1)
