"""Which of several entrants people would give a copy of their data to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from abm.companies.parameters import SmallParameters
from abm.networks.network import Network
from abm.streams import Streams


class EntrantChoice:
    """A multinomial logit (McFadden 1974) of worth, of what neighbours use, and of a taste that stays.

    U_ij = w_q q_j + w_n s_ij + eps_ij, where q_j is the worth of entrant j to those it knows, s_ij the share
    it holds of the copies that i's neighbours gave to anybody, and eps_ij a standard Gumbel variable that is
    drawn once. With both weights 0 the entrants are drawn by an even lot.

    Parameters
    ----------
    parameters
        Number of entrants and weights.
    network
        Who is near.
    streams
        A stream for each entrant: one more in a run leaves everybody's taste for the others alone.
    """

    def __init__(self, parameters: SmallParameters, network: Network, streams: Streams) -> None:
        self._parameters = parameters
        self._network = network
        n, k = network.n_users, parameters.entrants
        drawn = [streams.generator(f"taste for entrant {j}").gumbel(size=n) for j in range(1, k + 1)]
        self._tastes = np.stack(drawn, axis=1).astype(np.float32)

    def best(
        self, worth: NDArray[np.float64], holder: NDArray[np.int8], in_market: Sequence[bool]
    ) -> NDArray[np.int8]:
        """Return the number of the entrant that each user likes best, int8[N]; 0 where all have left.

        Parameters
        ----------
        worth
            float64[k]: of each entrant, to those it knows, in [0, 1].
        holder
            int8[N]: number of the entrant that holds a user's copy, -1 for none.
        in_market
            Whether each can be given anything.
        """
        p = self._parameters
        utility = self._tastes + np.float32(p.by_quality) * worth.astype(np.float32)
        if p.by_neighbours > 0:
            near = self._network.neighbour_shares((holder + 1).astype(np.int8), len(worth) + 1)[:, 1:]
            copies = near.sum(axis=1, keepdims=True)
            shares = np.divide(near, copies, out=np.zeros_like(near), where=copies > 0)
            utility += np.float32(p.by_neighbours) * shares
        utility[:, ~np.asarray(in_market)] = -np.inf
        return utility.argmax(axis=1).astype(np.int8)
