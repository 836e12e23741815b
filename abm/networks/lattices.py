"""Regular graphs and stars as arrays of ties, in which nothing is drawn, and ties gathered in hubs."""

from __future__ import annotations

import numpy as np

from abm.networks.random_graphs import within_pairs
from abm.networks.ties import Ties

_NEIGHBOURHOODS = {4: ((0, 1), (1, 0)), 8: ((0, 1), (1, 0), (1, 1), (1, -1))}
"""Number of neighbours to half of them, as steps over rows and columns (von Neumann's, Moore's)."""


def ring(n_users: int, degree: int) -> Ties:
    """Tie user u to u +- 1 .. degree / 2 around a ring.

    Parameters
    ----------
    n_users
        At least ``degree + 1``.
    degree
        Even.
    """
    users = np.repeat(np.arange(n_users), degree // 2)
    return users, (users + np.tile(np.arange(1, degree // 2 + 1), n_users)) % n_users


def sides(n_users: int) -> tuple[int, int]:
    """Return the rows and columns of the squarest grid that so many users fill."""
    rows = next(side for side in range(int(n_users**0.5), 0, -1) if n_users % side == 0)
    return rows, n_users // rows


def torus(rows: int, columns: int, neighbours: int) -> Ties:
    """Tie users on a grid, row by row, whose opposite sides are joined.

    Parameters
    ----------
    rows, columns
        At least 3.
    neighbours
        4, those in the same row or column, or 8, the diagonal ones too.
    """
    users = np.arange(rows * columns)
    row, column = np.divmod(users, columns)
    ends = [
        (row + down) % rows * columns + (column + right) % columns
        for down, right in _NEIGHBOURHOODS[neighbours]
    ]
    return np.tile(users, len(ends)), np.concatenate(ends)


def star(n_users: int, hubs: int) -> Ties:
    """Tie the first ``hubs`` users, fewer than all, to everybody, one another included."""
    hub = np.repeat(np.arange(hubs), np.arange(n_users - 1, n_users - hubs - 1, -1))
    other = np.concatenate([np.arange(first + 1, n_users) for first in range(hubs)])
    return hub, other


def centralised(
    n_users: int, hubs: int, n_hub_ties: int, n_other_ties: int, rng: np.random.Generator
) -> Ties:
    """Draw so many ties between the first ``hubs`` users and the others, and so many among the others."""
    others = n_users - hubs
    hub, other = np.divmod(rng.choice(hubs * others, n_hub_ties, replace=False, shuffle=False), others)
    src, dst = within_pairs(
        rng.choice(others * (others - 1) // 2, n_other_ties, replace=False, shuffle=False)
    )
    return np.concatenate([hub, hubs + src]), np.concatenate([hubs + other, hubs + dst])
