"""Who acts from the start, whatever others do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abm.networks.network import Network
from learners.errors import InputError
from learners.parameters import Parameters, parameter

SeedKind = Literal["none", "random", "neighbourhood", "highest_degree", "given"]
"""Nobody; users drawn by lot; users drawn by lot with all their neighbours; those with most ties; a list."""


class SeedParameters(Parameters):
    """Whom a campaign starts with."""

    kind: SeedKind = parameter(
        "none",
        "Who acts from the start: none, random, neighbourhood (with their neighbours), highest_degree, given",
        unit="-",
        source="Granovetter 1978; Centola, Macy 2007",
    )
    number: int = parameter(1, "Number of users drawn", unit="users", ge=0)
    share: float | None = parameter(
        None, "Share of users drawn, instead of a number", unit="share of users", ge=0, le=1
    )
    users: list[Annotated[int, Field(ge=0)]] = parameter(
        [], "Row numbers of the users (kind given)", unit="user numbers"
    )

    def drawn(self, network: Network, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the rows of the users, ascending."""
        return seed_users(self.kind, network, rng, number=self.number, share=self.share, users=self.users)


def seed_users(
    kind: SeedKind,
    network: Network,
    rng: np.random.Generator,
    *,
    number: int = 1,
    share: float | None = None,
    users: Sequence[int] = (),
) -> NDArray[np.int64]:
    """Choose users.

    Parameters
    ----------
    kind
        ``random``: by lot; ``neighbourhood``: by lot, and all their neighbours; ``highest_degree``: those
        with most ties, equals by lot; ``given``: those listed; ``none``: nobody.
    network
        Whose users they are.
    rng
        Draws lots.
    number, share
        How many to draw, as a number or as a share of all; a share goes before a number.
    users
        Row numbers of the users of kind ``given``.

    Returns
    -------
    int64[n]
        Row numbers, ascending, none twice.

    Raises
    ------
    InputError
        If more users are wanted than there are, or a listed one does not exist.
    """
    n_users = network.n_users
    wanted = number if share is None else round(share * n_users)
    if kind == "none":
        return np.empty(0, np.int64)
    if kind == "given":
        rows = np.unique(np.asarray(users, np.int64))
        if len(rows) and not 0 <= rows[0] <= rows[-1] < n_users:
            raise InputError(f"seeds.users: must be user numbers in 0..{n_users - 1}")
        return rows
    if wanted > n_users:
        raise InputError(f"seeds.number: {wanted} users are wanted, but there are {n_users}")
    by_lot = rng.permutation(n_users)
    if kind == "highest_degree":
        by_lot = largest_first(by_lot, network.degree)
    chosen = by_lot[:wanted]
    if kind == "neighbourhood":
        chosen = np.concatenate([chosen, *(network.neighbours(int(row)) for row in chosen)])
    return np.unique(chosen)


def largest_first(rows: NDArray[np.int64], trait: NDArray[Any]) -> NDArray[np.int64]:
    """Return rows by a trait, descending; equals keep their order."""
    return rows[np.argsort(-trait[rows], kind="stable")]
