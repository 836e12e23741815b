"""Families of networks drawn at random: small worlds, hubs by preference, blocks, and look-alikes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abm.networks import random_graphs
from abm.networks.family import Family, NetworkUsers
from abm.networks.lattices import ring
from abm.networks.redrawing import degree_preserving_rewiring, far_ends_redrawn
from abm.networks.ties import Ties
from learners.errors import InputError
from learners.parameters import parameter


class WattsStrogatz(Family):
    """Small world: a ring of near neighbours with some ties rewired at random."""

    family: Literal["watts_strogatz"] = parameter(
        "watts_strogatz", "Family of networks", unit="-", source="Watts, Strogatz (1998)"
    )
    degree: int = parameter(10, "Mean degree, even", unit="neighbours", ge=2, multiple_of=2)
    rewire: float = parameter(0.05, "Probability that a tie is rewired", unit="probability", ge=0.0, le=1.0)
    rewiring: Literal["rewired", "degree_preserving"] = parameter(
        "rewired",
        "rewired: one end of a tie is drawn anew; degree_preserving: rewired ties exchange ends in pairs",
        unit="-",
        source="Watts, Strogatz 1998; Maslov, Sneppen 2002 as in Centola, Macy 2007",
    )

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties; with no rewiring, user u is tied to u +- 1 .. degree / 2."""
        users.require_room(self.degree, users.n_users - 2)
        if self.rewiring == "degree_preserving":
            return degree_preserving_rewiring(ring(users.n_users, self.degree), self.rewire, rng)
        return random_graphs.watts_strogatz(users.n_users, self.degree, self.rewire, rng)


class BarabasiAlbert(Family):
    """Scale-free: users arrive in turn and prefer those with many ties, so low numbers are hubs."""

    family: Literal["barabasi_albert"] = parameter(
        "barabasi_albert", "Family of networks", unit="-", source="Barabasi, Albert (1999)"
    )
    degree: int = parameter(
        10, "Mean degree, even: a new user brings half as many ties", unit="neighbours", ge=2, multiple_of=2
    )

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        return random_graphs.barabasi_albert(users.n_users, self.degree, rng)


class ErdosRenyi(Family):
    """Every pair of users is tied with the same probability."""

    family: Literal["erdos_renyi"] = parameter(
        "erdos_renyi", "Family of networks", unit="-", source="Erdos, Renyi (1959)"
    )
    degree: float = parameter(10.0, "Expected degree", unit="neighbours", gt=0.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        return random_graphs.erdos_renyi(users.n_users, self.degree, rng)


class StochasticBlock(Family):
    """Communities: most ties stay in a block, which is a label of a user group or an artificial community."""

    family: Literal["stochastic_block"] = parameter(
        "stochastic_block", "Family of networks", unit="-", source="Holland, Laskey, Leinhardt (1983)"
    )
    group: str = parameter(
        "blocks", "User group whose labels are the blocks, or 'blocks' for artificial ones", unit="-"
    )
    blocks: int = parameter(8, "Number of artificial blocks, equal runs of user numbers", unit="blocks", ge=2)
    degree: float = parameter(10.0, "Expected mean degree", unit="neighbours", gt=0.0)
    within: float = parameter(0.8, "Expected share of ties within a block", unit="share", ge=0.0, le=1.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        return random_graphs.stochastic_block(self._block(users), self.degree, self.within, rng)

    def _block(self, users: NetworkUsers) -> NDArray[np.int64]:
        if self.group != "blocks":
            return users.group("network.group", self.group)
        if self.blocks > users.n_users:
            raise InputError(
                f"network.blocks is {self.blocks}; {users.n_users} user(s) allow at most that many"
            )
        return np.arange(users.n_users) * self.blocks // users.n_users


class TasteSimilarity(Family):
    """Users with like tastes are tied, so that contagion runs between people whose data are alike."""

    family: Literal["taste_similarity"] = parameter("taste_similarity", "Family of networks", unit="-")
    degree: int = parameter(10, "Mean degree; everybody has at least half of it", unit="neighbours", ge=2)
    rewire: float = parameter(0.05, "Probability that a tie is rewired", unit="probability", ge=0.0, le=1.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        if users.tastes is None:
            raise InputError(
                "network.family is 'taste_similarity', which needs users with tastes; these have none"
            )
        alike = random_graphs.taste_similarity(users.tastes, self.degree, rng)
        everybody = np.zeros(users.n_users, np.int64)
        return far_ends_redrawn(alike, rng.random(len(alike[0])) < self.rewire, everybody, rng)


class RandomGeometric(Family):
    """Users who live near one another are tied; nobody lives at an edge."""

    family: Literal["random_geometric"] = parameter(
        "random_geometric", "Family of networks", unit="-", source="Gilbert (1961); Dall, Christensen (2002)"
    )
    degree: float = parameter(10.0, "Expected degree", unit="neighbours", gt=0.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        # A disc wider than the square would meet itself and hold fewer.
        users.require_room(self.degree, int(np.pi / 4 * (users.n_users - 1)))
        return random_graphs.random_geometric(users.n_users, self.degree, rng)
