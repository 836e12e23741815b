"""The top-n use case: which items people have, and whether a held-out one is recommended to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from learners.datasets import catalogue
from learners.datasets.records import InteractionData
from learners.errors import InputError
from learners.evaluation import Predictions
from learners.holdings import ABSENT, FIRST_POISON, GENUINE, Holding
from learners.metrics import HIT_RATE, TOP, hit_rate_at, ndcg_at
from learners.poisoning import Poison
from learners.record_hash import record_uniform
from learners.splits import HOLDOUT, TRAIN
from learners.topn.candidate_lists import CandidateLists
from learners.topn.item_knn import ItemKNNLearner, ItemKNNParameters
from learners.topn.poisoned_interactions import INTERACTION_POISONS, PoisonedInteractions
from learners.usecase import Effort, UseCase

DATA_SEED = 0
"""Seed of what belongs to the data, not to a run: poison draws, samples of owners, order of equals."""

UNTESTED = -1
"""Split of a held-out record that neither trains nor tests, its owner not being in the sample."""


def pinterest(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> TopNUseCase:
    """Build the Pinterest use case; see :func:`learners.usecase.load_use_case`."""
    data = catalogue.load(name, data_dir)
    assert isinstance(data, InteractionData)
    if owners is not None:
        data = _sampled(data, owners)
    return TopNUseCase(name, data, device, split, ItemKNNParameters(**learner_parameters))


class TopNUseCase(UseCase):
    """Items recommended by item-kNN, tested by leaving one item of each owner out.

    Records are the owner's training pairs and, last, the held-out one. It stays genuine in every poison. The
    held-out items are the holdout and the company's test set in one: a company tests on those of the owners
    whose data it has. Predictions are the places, from 0, of held-out items among their negatives.
    """

    metric = HIT_RATE
    personalised = True
    poison_kinds = INTERACTION_POISONS

    def __init__(
        self, name: str, data: InteractionData, device: str, split: str, parameters: ItemKNNParameters
    ) -> None:
        if split not in ("live", "holdout"):
            raise InputError(
                f"split: '{split}' is not one of 'live', 'holdout', which both leave one item of an owner out"
            )
        self.data = data
        self.parameters = parameters
        self.n_columns = data.n_items + 1
        """Items and, last, a marker that nobody genuine has."""
        tested, told = self._test_sample(name)
        record_owners, items, codes = _records(data, tested)
        super().__init__(
            name,
            device,
            record_owners=record_owners,
            owners=data.n_owners,
            split=codes,
            values=items,
            warnings=data.warnings + told,
        )
        self.company = self.holdout
        training = np.flatnonzero(codes == TRAIN).astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(self.records_per_owner - 1)])
        shape = (data.n_owners, self.n_columns)
        self._training = sp.csr_array((training, items[training], starts), shape=shape)
        """Numbers of the training records, by owner and item."""
        self.lists = self._lists(np.flatnonzero(tested), data.held_out)
        self._poisons = PoisonedInteractions(data, DATA_SEED)
        self._poisoned: dict[Poison, NDArray[np.int32]] = {}
        self._planted_lists: dict[Poison, tuple[CandidateLists, sp.csr_array]] = {}

    def _test_sample(self, name: str) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
        """Return whose held-out item is ranked, bool[owners], and what to tell of a sample."""
        owners, wanted = self.data.n_owners, self.parameters.test_owners
        if wanted == "all" or wanted >= owners:
            return np.ones(owners, np.bool_), ()
        lot = record_uniform("test owners", np.full(owners, DATA_SEED), self.data.owner_ids)
        sample = np.zeros(owners, np.bool_)
        sample[np.argsort(lot, kind="stable")[:wanted]] = True
        error = f"{0.5 / np.sqrt(wanted):.2g}".removeprefix("0")
        told = f"a fixed sample of {wanted:,} of {owners:,} people, standard error at most {error}"
        return sample, (f"{name}: {self.metric.name} is measured on {told}",)

    def _lists(self, owners: NDArray[np.int64], sought: NDArray[np.int32]) -> CandidateLists:
        """Return the lists in which owners are to find ``sought``, int32[owners of the data]."""
        items = np.column_stack([sought[owners], self.data.negatives[owners]])
        keys = self.data.owner_ids[owners, None], self.data.item_ids[items]
        return CandidateLists(owners, items, record_uniform("order of equals", *keys))

    @property
    def data_digest(self) -> str:
        """SHA-256 of the data set."""
        return self.data.digest

    def learner(self, seed: int, effort: Effort = "retraining") -> ItemKNNLearner:
        """Return a fresh item-kNN: exact at any effort, and nothing in it is random."""
        return ItemKNNLearner(self, seed, self.parameters)

    def values(self, holding: Holding) -> NDArray[np.int32]:
        """Return the item of every record, int32[n_records], swapped where the holding says so."""
        values: NDArray[np.int32] = self.genuine_values
        codes = holding.codes[self.record_owners]
        for code, poison in holding.poisons_present:
            values = np.where(codes == code, self._poisoned_values(poison), values)
        return values

    def _poisoned_values(self, poison: Poison) -> NDArray[np.int32]:
        if poison not in self._poisoned:
            values: NDArray[np.int32] = self.genuine_values.copy()
            values[self.split == TRAIN] = self._poisons.items(poison)
            self._poisoned[poison] = values
        return self._poisoned[poison]

    def changed(self, before: Holding, after: Holding) -> NDArray[np.int64]:
        """Return the owners whose profile may not be the same in two holdings, ascending."""
        code_after = np.full(FIRST_POISON + len(before.poisons), -1)
        code_after[[ABSENT, GENUINE]] = ABSENT, GENUINE
        for k, poison in enumerate(before.poisons):
            if poison in after.poisons:
                code_after[FIRST_POISON + k] = FIRST_POISON + after.poisons.index(poison)
        differs = code_after[before.codes] != after.codes
        if before.arrived is not None or after.arrived is not None:
            one, other = (
                np.ones(len(self.record_owners), np.bool_) if holding.arrived is None else holding.arrived
                for holding in (before, after)
            )
            differs[self.record_owners[one != other]] = True
        return np.flatnonzero(differs)

    def profiles(self, holding: Holding, owners: NDArray[np.int64]) -> sp.csr_array:
        """Return what a company has of some owners to train on, poison included.

        Returns
        -------
        csr_array[len(owners), n_columns] of int32
            Ones; rows of owners who are absent are empty.
        """
        genuine = self._training[owners]
        rows = np.repeat(np.arange(len(owners)), np.diff(genuine.indptr))
        items, codes = genuine.indices, holding.codes[owners]
        held = codes[rows] != ABSENT
        if holding.arrived is not None:
            held &= holding.arrived[genuine.data]
        pairs = []
        for code, poison in holding.poisons_present:
            items = np.where(codes[rows] == code, self._poisoned_values(poison)[genuine.data], items)
            poisoners = np.unique(rows[held & (codes[rows] == code)])
            added = self._poisons.appended(poison, owners[poisoners])
            pairs.append((np.repeat(poisoners, added.shape[1]), added.ravel()))
        pairs.append((rows[held], items[held]))
        return self._binary(
            np.concatenate([part for part, _ in pairs]),
            np.concatenate([part for _, part in pairs]),
            len(owners),
        )

    def _binary(self, rows: NDArray[np.int64], items: NDArray[np.int32], n_rows: int) -> sp.csr_array:
        ones = np.ones(len(rows), np.int32)
        matrix = sp.csr_array((ones, (rows, items)), shape=(n_rows, self.n_columns))
        matrix.data[:] = 1  # who plants a target may have it already
        return matrix

    def planted_lists(self, poison: Poison) -> tuple[CandidateLists, sp.csr_array]:
        """Return lists in which the planted target is to be found, and the profiles to find it by.

        Of the tested owners those who neither have the target nor find it among their negatives, with their
        genuine profile and the marker.
        """
        if poison not in self._planted_lists:
            data, target = self.data, self._poisons.target(poison)
            aimed = np.zeros(self.owners, np.bool_)
            aimed[self.lists.owners] = ~(self.lists.items == target).any(axis=1)
            aimed[data.owners[data.items == target]] = False
            owners = np.flatnonzero(aimed)
            lists = self._lists(owners, np.full(self.owners, target, np.int32))
            genuine = self._training[owners]
            rows = np.repeat(np.arange(len(owners)), np.diff(genuine.indptr))
            marker = np.full(len(owners), self._poisons.marker, np.int32)
            profiles = self._binary(
                np.concatenate([rows, np.arange(len(owners))]),
                np.concatenate([genuine.indices, marker]),
                len(owners),
            )
            self._planted_lists[poison] = lists, profiles
        return self._planted_lists[poison]

    def uninformed(self, arrived: NDArray[np.bool_] | None = None) -> Predictions:
        """Rank by popularity, the number of people who have an item: TopPop."""
        training = self.split == TRAIN
        if arrived is not None:
            training = training & arrived
        counts = np.bincount(self.genuine_values[training], minlength=self.data.n_items)
        ranks = self.lists.places(counts[self.lists.items])
        return Predictions(ranks, ranks, fallback=ranks)

    def hits(self, predicted: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return 1 for each owner whose held-out item is among the first five, and 1 for each tested one."""
        hits, relevant = np.zeros(self.owners), np.zeros(self.owners)
        hits[self.holdout.owners] = predicted < TOP
        relevant[self.holdout.owners] = 1
        return hits, relevant

    def time_rank(self) -> NDArray[np.int64]:
        """Pins carry no time."""
        raise InputError(f"clock.kind: 'stream' needs timestamps, and {self.name} has none; use 'static'")

    def tastes(self) -> sp.csr_array:
        """Return who trains on which item, sparse float64[owners, n_items]."""
        data = self.data
        return sp.csr_array(
            (np.ones(len(data.owners)), (data.owners, data.items)), shape=(data.n_owners, data.n_items)
        )


def ranking_report(ranks: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Return hit rates with their standard errors, and NDCG, of places from 0 of held-out items."""
    report = {}
    for k in (5, 10):
        rate = hit_rate_at(ranks, k)
        report[f"HR@{k}"] = rate
        report[f"HR@{k} standard error"] = float(np.sqrt(rate * (1 - rate) / len(ranks)))
        report[f"NDCG@{k}"] = ndcg_at(ranks, k)
    return report


def _records(
    data: InteractionData, tested: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    """Return owner, item and split of each record: an owner's training pairs, then the held-out one."""
    everybody = np.arange(data.n_owners, dtype=np.int32)
    ends = np.searchsorted(data.owners, everybody, side="right")
    codes = np.insert(
        np.full(len(data.owners), TRAIN, np.int8), ends, np.where(tested, HOLDOUT, UNTESTED).astype(np.int8)
    )
    return np.insert(data.owners, ends, everybody), np.insert(data.items, ends, data.held_out), codes


def _sampled(data: InteractionData, owners: int) -> InteractionData:
    if not 2 <= owners <= data.n_owners:
        raise InputError(f"owners: {owners} is not between 2 and the {data.n_owners} people of {data.name}")
    lot = record_uniform("owners", np.full(data.n_owners, DATA_SEED), data.owner_ids)
    return data.restricted(np.sort(np.argsort(lot, kind="stable")[:owners]))
