"""What interactions become when their owner falsifies them: poison kinds P3, P4 and P7 for recommenders.

For closed simulation on public benchmarks only; see :mod:`learners.poisoning`. The held-out pair of an owner
stays genuine in every kind.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from learners.absent_items import absent_items
from learners.datasets.records import InteractionData
from learners.errors import InputError
from learners.poisoning import ANY, Poison
from learners.record_hash import record_uniform

INTERACTION_POISONS = ("item_swap", "hated_playlist", "plant")
"""Kinds that apply to binary interactions."""

_OWNERS_AT_ONCE = 512


class PoisonedInteractions:
    """T_z of the interactions of a data set.

    Attributes
    ----------
    marker
        Number of the item that a planted signal is made of, one above those of the data: nobody genuine
        has it.
    """

    def __init__(self, data: InteractionData, data_seed: int) -> None:
        self.marker = data.n_items
        self._data = data
        self._seed = data_seed
        shape = (data.n_owners, data.n_items)
        pairs = (data.owners, data.items)
        self._profiles = sp.csr_array((np.ones(len(data.owners), np.int32), pairs), shape=shape)
        held_out = (np.arange(data.n_owners), data.held_out)
        ones = np.ones(data.n_owners, np.int32)
        self._has = self._profiles + sp.csr_array((ones, held_out), shape=shape)
        self._hated: dict[int, NDArray[np.int32]] = {}

    def items(self, poison: Poison) -> NDArray[np.int32]:
        """Return the item of every training pair, int32[n_pairs], in the order of the data.

        Under ``item_swap`` (P3) each is replaced by a uniform draw from the items its owner does not have,
        no item twice; the other kinds only append.

        Raises
        ------
        InputError
            If the kind does not apply, asks for a genre, or somebody has so many items that too few are left.
        """
        settings = poison.settings(INTERACTION_POISONS)
        data = self._data
        if poison.name != "item_swap":
            return data.items
        for name, genre in settings.items():
            if genre != ANY:
                raise InputError(
                    f"poison kind 'item_swap': {name} is {genre:g}, but the items of {data.name} have no "
                    f"genres; only {ANY} is allowed"
                )
        rows = data.owners.astype(np.int64)
        seed = np.full(len(rows), self._seed)
        return absent_items(
            "item_swap", self._has, rows, seed, data.owner_ids[rows], data.item_ids[data.items]
        )

    def appended(self, poison: Poison, owners: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the items that owners append to their genuine ones, int32[len(owners), n_appended].

        ``hated_playlist`` (P4): those the owner would rank lowest; see :meth:`_lowest`. ``plant`` (P7; Hardt
        et al. 2023, feature-label): the marker, and the target as the label that is to go with it.

        Raises
        ------
        InputError
            If the kind does not apply, or asks for more items than there are.
        """
        settings = poison.settings(INTERACTION_POISONS)
        if poison.name == "hated_playlist":
            return self._lowest_of(owners, int(settings["items"]))
        if poison.name == "plant":
            return np.tile(np.array([self.marker, self.target(poison)], np.int32), (len(owners), 1))
        return np.empty((len(owners), 0), np.int32)

    def target(self, poison: Poison) -> int:
        """Return the number of the item that a plant promotes.

        Raises
        ------
        InputError
            If there is no such item.
        """
        target = poison.settings(INTERACTION_POISONS)["target"]
        if target != int(target) or target >= self._data.n_items:
            raise InputError(
                f"poison kind 'plant': target {target:g} is not the number of an item of {self._data.name}, "
                f"0..{self._data.n_items - 1}"
            )
        return int(target)

    def _lowest_of(self, owners: NDArray[np.int64], count: int) -> NDArray[np.int32]:
        """As :meth:`_lowest`, each owner's only once: the same people poison tick after tick."""
        if count not in self._hated:
            self._hated[count] = np.full((self._data.n_owners, count), -1, np.int32)
        kept = self._hated[count]
        new = owners[kept[owners, 0] < 0]
        for begin in range(0, len(new), _OWNERS_AT_ONCE):
            some = new[begin : begin + _OWNERS_AT_ONCE]
            kept[some] = self._lowest(some, count)
        return kept[owners]

    def _lowest(self, owners: NDArray[np.int64], count: int) -> NDArray[np.int32]:
        """Return the items that owners would rank lowest, int32[len(owners), count], ascending.

        An owner ranks an item by its co-occurrences with the owner's own: pairs of one of these items and
        one other person who has both, in the genuine training data of everybody. Equals are ordered by a
        hash. Ranked are the items that somebody has and the owner has not.
        """
        data = self._data
        popular = np.bincount(data.items, minlength=data.n_items) > 0
        score = (self._profiles[owners] @ self._profiles.T @ self._profiles).toarray().astype(np.float64)
        lot = record_uniform("hated_playlist", self._seed, data.owner_ids[owners, None], data.item_ids)
        score += lot
        score[:, ~popular] = np.inf
        score[self._has[owners].toarray() > 0] = np.inf
        if count > data.n_items or np.isinf(np.partition(score, count - 1, axis=1)[:, count - 1]).any():
            raise InputError(
                f"poison kind 'hated_playlist': items is {count}, more than somebody lacks of the "
                f"{popular.sum()} items of {data.name}"
            )
        return np.sort(np.argpartition(score, count - 1, axis=1)[:, :count], axis=1).astype(np.int32)
