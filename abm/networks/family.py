"""What all families of networks share: the users to tie, and the preference for one's own group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.networks.network import Network
from abm.networks.redrawing import far_ends_redrawn
from abm.networks.ties import TasteProfiles, Ties
from learners.errors import InputError
from learners.parameters import Parameters, parameter


@dataclass(frozen=True)
class NetworkUsers:
    """What ties may depend on: the number of users, the groups they belong to and their tastes."""

    n_users: int
    groups: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    tastes: TasteProfiles | None = None

    def __post_init__(self) -> None:
        for name, rows in [*self.groups.items(), ("tastes", self.tastes)]:
            if rows is not None and rows.shape[0] != self.n_users:
                raise InputError(
                    f"network: {name} has {rows.shape[0]} rows, but there are {self.n_users} users"
                )

    def group(self, key: str, name: str) -> NDArray[np.int64]:
        """Return int64[n_users], the number of each user's label in the group that parameter `key` names."""
        if name not in self.groups:
            known = ", ".join(sorted(self.groups)) or "none"
            raise InputError(f"{key} is {name!r}; the user groups here are: {known}")
        numbers: NDArray[np.int64] = np.unique(self.groups[name], return_inverse=True)[1]
        return numbers

    def require_room(self, degree: float, most: int) -> None:
        """Raise InputError where the degree exceeds `most`, the highest that this many users allow."""
        if degree > most:
            raise InputError(
                f"network.degree is {degree:g}; with {self.n_users} user(s) it can be at most {max(most, 0)}"
            )


class Homophily(Parameters):
    """Each tie is drawn within the group with probability `strength`, and as the family has it otherwise."""

    group: str = parameter(..., "User group whose members prefer one another", unit="-")
    strength: float = parameter(
        ..., "Probability that a tie across groups is redrawn within one", unit="probability", ge=0.0, le=1.0
    )


class Family(Parameters):
    """What all families share; a further one says what its ties are."""

    homophily: Homophily | None = parameter(None, "Preference for one's own group, if any", unit="-")

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that the network is made from."""
        return ()

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties, before homophily."""
        raise NotImplementedError

    def network(self, users: NetworkUsers, rng: np.random.Generator) -> Network:
        """Draw the network, homophily included."""
        return Network.from_edges(*self.by_homophily(self.ties(users, rng), users, rng), users.n_users)

    def by_homophily(self, ties: Ties, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Return the ties with those across groups redrawn, where people prefer their own group."""
        if self.homophily is None:
            return ties
        group = users.group("network.homophily.group", self.homophily.group)
        across = group[ties[0]] != group[ties[1]]
        redrawn = across & (rng.random(len(across)) < self.homophily.strength)
        return far_ends_redrawn(ties, redrawn, group, rng)
