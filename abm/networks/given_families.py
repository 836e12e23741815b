"""Families of networks that follow something given: degrees, a list of ties, or communities people join."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from abm.networks import random_graphs
from abm.networks.family import Family, NetworkUsers
from abm.networks.memberships import joined_communities, ties_inside
from abm.networks.network import Network
from abm.networks.tie_files import read_degrees, read_ties
from abm.networks.ties import Ties
from learners.parameters import parameter


class Configuration(Family):
    """A random network with given degrees: heavy-tailed ones, or those in a file."""

    family: Literal["configuration"] = parameter(
        "configuration", "Family of networks", unit="-", source="Molloy, Reed (1995)"
    )
    degree: float = parameter(10.0, "Expected mean degree, without a file", unit="neighbours", gt=0.0)
    exponent: float = parameter(
        2.5,
        "Exponent of the tail of the degrees, without a file",
        unit="-",
        source="Newman, Strogatz, Watts 2001 (2-3 in many networks)",
        gt=2.0,
        le=20.0,
    )
    degrees: str | None = parameter(
        None, "A file with each user's degree, a line a user, instead of drawn degrees", unit="path"
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The file of degrees, if any."""
        return () if self.degrees is None else (self.degrees,)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        if self.degrees is not None:
            return random_graphs.configuration(read_degrees(Path(self.degrees), users.n_users), rng)
        users.require_room(self.degree, users.n_users - 1)
        drawn = random_graphs.power_law_degrees(users.n_users, self.degree, self.exponent, rng)
        return random_graphs.configuration(drawn, rng)


class Empirical(Family):
    """A network that was observed: its ties are read from a file."""

    family: Literal["empirical"] = parameter("empirical", "Family of networks", unit="-")
    path: str = parameter(
        ..., "A CSV or TSV file, a line a tie: two user numbers, counted from 0", unit="path"
    )

    @model_validator(mode="after")
    def _stays_as_observed(self) -> Self:
        if self.homophily is not None:
            raise ValueError("homophily: an observed network keeps the ties it has")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The list of ties."""
        return (self.path,)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Read the ties; nothing is drawn."""
        return read_ties(Path(self.path), users.n_users)


class Communities(Family):
    """Users belong to several communities, small and large, and are tied to some of their fellow members."""

    family: Literal["communities"] = parameter(
        "communities", "Family of networks", unit="-", source="Breiger (1974); Newman, Park (2003)"
    )
    communities: int = parameter(50, "Number of communities", unit="communities", ge=1)
    memberships: int = parameter(3, "Communities that a user belongs to", unit="communities", ge=1)
    exponent: float = parameter(
        1.0,
        "Skew of community sizes: rank r attracts as rank ** -exponent; 0: none",
        unit="-",
        ge=0.0,
        le=3.0,
    )
    degree: float = parameter(
        10.0, "Expected degree where communities are large and overlap little", unit="neighbours", gt=0.0
    )

    @model_validator(mode="after")
    def _enough_communities(self) -> Self:
        if self.memberships > self.communities:
            raise ValueError(
                f"memberships is {self.memberships}, but there are only {self.communities} communities"
            )
        return self

    def network(self, users: NetworkUsers, rng: np.random.Generator) -> Network:
        """Draw memberships, then ties between fellow members; homophily redraws ties wherever they are."""
        users.require_room(self.degree, users.n_users - 1)
        joined = joined_communities(users.n_users, self.communities, self.memberships, self.exponent, rng)
        ties = self.by_homophily(ties_inside(joined, self.degree, rng), users, rng)
        return Network.from_edges(*ties, users.n_users, communities=joined)
