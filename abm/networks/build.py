"""All families of networks, told apart by name, and the network that parameters describe."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from abm.networks.family import Family, NetworkUsers
from abm.networks.given_families import Communities, Configuration, Empirical
from abm.networks.network import Network
from abm.networks.random_families import (
    BarabasiAlbert,
    ErdosRenyi,
    RandomGeometric,
    StochasticBlock,
    TasteSimilarity,
    WattsStrogatz,
)
from abm.networks.regular_families import Centralised, Complete, Lattice, Ring, Star
from abm.networks.ties import TasteProfiles
from learners.parameters import parsed, tagged

NetworkParameters: TypeAlias = Annotated[
    WattsStrogatz
    | BarabasiAlbert
    | ErdosRenyi
    | StochasticBlock
    | TasteSimilarity
    | RandomGeometric
    | Complete
    | Ring
    | Lattice
    | Star
    | Centralised
    | Configuration
    | Empirical
    | Communities,
    Field(discriminator="family"),
    BeforeValidator(partial(tagged, tag="family", default="watts_strogatz")),
]
"""Any shipped family's parameters, told apart by `family`."""

SHIPPED: tuple[type[Family], ...] = typing.get_args(typing.get_args(NetworkParameters)[0])


def network_parameters(given: Any, degree: int | None = None) -> Family:
    """Return parameters from an object, of any family there is or of one's own, or from a mapping.

    Parameters
    ----------
    given
        A :class:`abm.networks.family.Family`, a mapping of the fields of a shipped one, or ``None`` for the
        default.
    degree
        Overrides the field of that name.

    Raises
    ------
    InputError
        If a field is unknown or its value out of range.
    """
    own = isinstance(given, Family) and not isinstance(given, SHIPPED)
    kind = type(given) if own else NetworkParameters
    parameters: Family = parsed(kind, WattsStrogatz() if given is None else given, "network", degree=degree)
    return parameters


def build_network(
    parameters: Family,
    n_users: int,
    rng: np.random.Generator,
    *,
    groups: Mapping[str, NDArray[Any]] | None = None,
    tastes: TasteProfiles | None = None,
) -> Network:
    """Draw a network; equal parameters and generator states give equal networks.

    Parameters
    ----------
    parameters
        The family and its parameters, with or without homophily.
    n_users
        Number of users; a user's number is also the place on the ring, the order of arrival, or the place
        among the artificial blocks.
    rng
        Source of all randomness.
    groups
        Group name to one label a user, int or str [n_users].
    tastes
        float[n_users, n_features], dense or sparse, for the family ``taste_similarity``.

    Raises
    ------
    InputError
        If so few users cannot have that degree, a group is unknown or tastes are missing.
    """
    return parameters.network(NetworkUsers(n_users, groups or {}, tastes), rng)
