"""What users can know when they decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE, STAY, Stances
from abm.assistant import Advice
from abm.beliefs import Beliefs
from abm.entrant_shares import EntrantShares
from abm.money.payments import Payments
from abm.networks.network import Network
from abm.policy import Policy
from abm.population import Population
from abm.services import ConsumptionParameters, Service
from abm.streams import Streams


@dataclass(frozen=True, eq=False)
class DecisionView:
    """What users can know when they decide at a tick; nothing in it is of this tick but policy.

    Attributes
    ----------
    deleted, known_to_small
        bool[N]: whose data Large Co. has deleted; whom Small Co. knows.
    returns_restore
        bool[N]: whom Large Co. knows again if they return to it after deleting.
    pending_share
        Share of all data that has yet to arrive, which withholding can still keep from Large Co.
    small_share, removed_share, left_share
        Shares of the data: at Small Co.; withheld, deleted or poisoned at Large Co.; owned by those who left.
    large, small
        The services as last measured.
    asked_to_delete
        bool[N]: whose data Large Co. has deleted or was asked to delete; ``None`` where that is ``deleted``.
    automatic
        bool[N, 5]: bits that hold for users whatever stance they take; ``None`` where there are none.
    advice
        What assistants tell; ``None`` where nobody has one.
    small_in_market
        Whether there is a Small Co. to contribute to.
    value_match
        What is left of Small Co.'s match with users' values, in [0, 1].
    payments
        What companies paid at the last tick for users' data; ``None`` where nothing.
    licences_kept
        Whether Small Co. keeps the terms of licences; otherwise it is given nothing under one.
    entrants
        Who holds how much where there are several small companies, ``None`` where there is one. Then
        ``small_share`` is of the one that holds most, and ``small`` is each user's own.
    """

    tick: int
    policy: Policy
    population: Population
    stances: Stances
    network: Network
    beliefs: Beliefs
    streams: Streams
    deleted: NDArray[np.bool_]
    known_to_small: NDArray[np.bool_]
    returns_restore: NDArray[np.bool_]
    pending_share: float
    small_share: float
    removed_share: float
    left_share: float
    large: Service
    small: Service
    consumption: ConsumptionParameters
    small_serves_strangers: bool
    asked_to_delete: NDArray[np.bool_] | None = None
    automatic: NDArray[np.bool_] | None = None
    advice: Advice | None = None
    small_in_market: bool = True
    value_match: float = 1.0
    payments: Payments | None = None
    licences_kept: bool = True
    entrants: EntrantShares | None = None

    def permitted(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[n, K]: the stances open to some users; the present one always is.

        Who has contributed cannot undo it without a right of revocation: for them ``stay`` is ``cdc`` and
        so on. Who deleted without keeping an archive has nothing to contribute. Who is not aware of what data
        are used for can only stay.
        """
        stances, population = self.stances, self.population
        right, revocable, archive, awareness = (
            np.asarray(self.policy.of(name, rows))
            for name in ("deletion_right", "revocation_right", "keeps_archive", "awareness")
        )
        lawful = right[..., None] | ~stances.bits[:, DELETE]
        open_ = np.broadcast_to(lawful, (len(rows), len(stances))).copy()
        if not revocable.all():
            undone = stances.with_copy != np.arange(len(stances))
            open_ &= ~((population.has_copy[rows] & ~revocable)[:, None] & undone)
        if not archive.all():
            empty = self.deleted[rows] & ~population.has_copy[rows] & ~archive
            open_ &= ~(empty[:, None] & stances.bits[:, CONTRIBUTE])
        if not self.small_in_market:
            open_ &= ~stances.bits[:, CONTRIBUTE]
        if not self.licences_kept:
            refused = ~population.has_copy[rows] & np.asarray(self.policy.of("licensed", rows))
            open_ &= ~(refused[:, None] & stances.bits[:, CONTRIBUTE])
        if (awareness < 1).any():
            aware = self.streams.generator("awareness").random(population.n_users)[rows] < awareness
            open_[~aware, STAY + 1 :] = False
            # With a copy that cannot be taken back, to stay is to go on with it.
            open_[~aware & population.has_copy[rows], stances.with_copy[STAY]] = self.small_in_market
        open_[np.arange(len(rows)), population.stance[rows]] = True
        return open_

    def taken(self, rows: NDArray[np.int64], stance: int) -> NDArray[np.int8]:
        """int8[n]: what a stance is for some users: a copy that Small Co. holds stays there."""
        has_copy = self.population.has_copy[rows]
        return np.where(has_copy, self.stances.with_copy[stance], stance).astype(np.int8)

    def put(self, wanted: NDArray[np.int8], rows: NDArray[np.int64], stance: int) -> NDArray[np.int8]:
        """int8[N]: what users want, int8[N], once some are put into a stance, where the law permits it."""
        if not len(rows):
            return wanted
        bound = self.taken(rows, stance)
        open_ = self.permitted(rows)[np.arange(len(rows)), bound]
        wanted = wanted.copy()
        wanted[rows[open_]] = bound[open_]
        return wanted
