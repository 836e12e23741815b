"""Who belongs together: communities of a network, in an order in which users can be drawn.

Core Objects: Communities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import ACTIONS
from abm.networks.complete import CompleteNetwork
from scenarios.dashboard.messages import Community

if TYPE_CHECKING:
    from abm.networks.network import Network

MOST = 16
"""Communities that are told apart; the smaller ones are shown together."""

PIXELS = 40_000
"""Most users that are drawn one by one; where there are more, every so many."""

_SEED = 1


class Communities:
    """Communities of people, the largest first.

    Parameters
    ----------
    network
        Whose communities are looked for.
    homes
        int32[N]: number of the community that each user's records are in, -1 where in none; these are then
        the communities. ``None`` where records are in no communities.

    Attributes
    ----------
    of_user
        int64[N]: number of each user's community.
    shown
        Name and size of each.
    pixel_users
        int64[n]: users who are drawn, by community, ``every`` so manyth of them.
    """

    def __init__(self, network: Network, homes: NDArray[np.int32] | None = None) -> None:
        found = (
            _found(network) if homes is None else np.unique(homes, return_inverse=True)[1].astype(np.int64)
        )
        sizes = np.bincount(found)
        order = np.argsort(-sizes, kind="stable")
        rank = np.empty(len(sizes), np.int64)
        rank[order] = np.arange(len(sizes))
        together = len(sizes) > MOST
        self.of_user = np.minimum(rank[found], MOST - 1)
        counts = np.bincount(self.of_user)
        labels = [str(number + 1) for number in range(len(counts))]
        if together:
            labels[-1] = f"{len(sizes) - MOST + 1} smaller ones"
        self.shown = tuple(Community(label, int(size)) for label, size in zip(labels, counts, strict=True))
        self.every = -(-network.n_users // PIXELS)
        self.pixel_users = np.argsort(self.of_user, kind="stable")[:: self.every]
        self.community_pixels = tuple(
            np.bincount(self.of_user[self.pixel_users], minlength=len(counts)).tolist()
        )

    def acting(self, actions: NDArray[np.int8]) -> tuple[tuple[int, ...], ...]:
        """Return how many users of each community are in each action; ``actions`` is int8[N]."""
        n = len(ACTIONS)
        counts = np.bincount(self.of_user * n + actions, minlength=len(self.shown) * n)
        return tuple(tuple(row) for row in counts.reshape(-1, n).tolist())

    def pixels(self, actions: NDArray[np.int8]) -> bytes:
        """Return the action of each user who is drawn, a byte each."""
        return actions[self.pixel_users].astype(np.uint8).tobytes()


def _found(network: Network) -> NDArray[np.int64]:
    """Return the number of each user's community: as the network was made, or by modularity."""
    if isinstance(network, CompleteNetwork) or not len(network.indices):
        return np.zeros(network.n_users, np.int64)
    if network.communities is not None:
        # Who belongs to several is drawn in the first; who belongs to none, in one of their own.
        joined = network.communities
        first = np.full(network.n_users, joined.shape[1], np.int64)
        some = np.diff(joined.indptr) > 0
        first[some] = joined.indices[joined.indptr[:-1][some]]
        return np.unique(first, return_inverse=True)[1].astype(np.int64)
    import networkit

    networkit.setNumberOfThreads(1)
    networkit.setSeed(_SEED, False)
    src, dst = (ends.astype(np.uint64) for ends in network.edges())  # of another type, networkit crashes
    graph = networkit.GraphFromCoo((src, dst), n=network.n_users)
    partition = networkit.community.PLM(graph, refine=False, maxIter=8)
    partition.run()
    return np.unique(np.asarray(partition.getPartition().getVector()), return_inverse=True)[1].astype(
        np.int64
    )
