"""Families of networks whose shape is given: complete, ring, lattice, star, and ties gathered in hubs."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from abm.networks import lattices
from abm.networks.complete import CompleteNetwork
from abm.networks.family import Family, NetworkUsers
from abm.networks.network import Network
from abm.networks.ties import Ties
from learners.errors import InputError
from learners.parameters import parameter


class Complete(Family):
    """Everybody is tied to everybody: what the theory of collective action mostly assumes."""

    family: Literal["complete"] = parameter(
        "complete", "Family of networks", unit="-", source="Granovetter (1978)"
    )

    @model_validator(mode="after")
    def _leaves_nothing_to_prefer(self) -> Self:
        if self.homophily is not None:
            raise ValueError("homophily: a complete network has no tie that could be drawn elsewhere")
        return self

    def network(self, users: NetworkUsers, rng: np.random.Generator) -> Network:
        """Return the network in closed form."""
        return CompleteNetwork(users.n_users)


class Ring(Family):
    """Everybody is tied to the nearest on a ring, as many to either side."""

    family: Literal["ring"] = parameter("ring", "Family of networks", unit="-")
    degree: int = parameter(10, "Degree, even", unit="neighbours", ge=2, multiple_of=2)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Return the ties; nothing is drawn."""
        users.require_room(self.degree, users.n_users - 1)
        return lattices.ring(users.n_users, self.degree)


class Lattice(Family):
    """Everybody is tied to the nearest on a grid whose opposite sides are joined, the squarest that fits."""

    family: Literal["lattice"] = parameter("lattice", "Family of networks", unit="-")
    degree: Literal[4, 8] = parameter(
        8,
        "4: left, right, above and below; 8: the diagonal ones too",
        unit="neighbours",
        source="Centola, Macy 2007 (8)",
    )

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Return the ties; nothing is drawn."""
        rows, columns = lattices.sides(users.n_users)
        if rows < 3:
            raise InputError(
                f"network.family is 'lattice', which {users.n_users} users do not fill: their number must be "
                "a product of two whole numbers from 3"
            )
        return lattices.torus(rows, columns, self.degree)


class Star(Family):
    """Everybody is tied to the hubs, the lowest user numbers, and the hubs to one another."""

    family: Literal["star"] = parameter("star", "Family of networks", unit="-", source="Freeman (1979)")
    hubs: int = parameter(1, "Number of hubs", unit="users", ge=1)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Return the ties; nothing is drawn."""
        _require_others(self.hubs, users)
        return lattices.star(users.n_users, self.hubs)


class Centralised(Family):
    """Part of the ties have a hub at one end, the others are between users who are none."""

    family: Literal["centralised"] = parameter(
        "centralised", "Family of networks", unit="-", source="Marwell, Oliver, Prahl (1988)"
    )
    degree: float = parameter(10.0, "Mean degree", unit="neighbours", gt=0.0)
    hubs: int = parameter(5, "Number of hubs, the lowest user numbers", unit="users", ge=1)
    centralisation: float = parameter(
        0.5, "Share of the ties that have a hub at one end", unit="share", ge=0.0, le=1.0
    )

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties; their number is fixed."""
        users.require_room(self.degree, users.n_users - 1)
        others = _require_others(self.hubs, users)
        n_ties = round(users.n_users * self.degree / 2)
        to_hubs = round(self.centralisation * n_ties)
        for n, pairs, whom in (
            (to_hubs, self.hubs * others, "hubs with others"),
            (n_ties - to_hubs, others * (others - 1) // 2, "others"),
        ):
            if n > pairs:
                raise InputError(
                    f"network: degree {self.degree:g} with centralisation {self.centralisation:g} needs {n} "
                    f"ties of {whom}, but only {pairs} pairs are there; change hubs or lower degree"
                )
        return lattices.centralised(users.n_users, self.hubs, to_hubs, n_ties - to_hubs, rng)


def _require_others(hubs: int, users: NetworkUsers) -> int:
    """Return the number of users who are no hubs; raise InputError where there is none."""
    if hubs >= users.n_users:
        raise InputError(
            f"network.hubs is {hubs}; with {users.n_users} user(s) it can be at most "
            f"{max(users.n_users - 1, 0)}"
        )
    return users.n_users - hubs
