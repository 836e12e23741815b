"""The rating use cases: MovieLens and whatever else is a rating of an item by an owner."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from learners.datasets import catalogue
from learners.datasets.records import RatingData
from learners.errors import InputError
from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.metrics import RMSE, surfaced_hits
from learners.poisoning import ANY, RATING_POISONS, Poison, poisoned_ratings
from learners.ratings.matrix_factorisation import FactorisationLearner, FactorisationParameters
from learners.record_hash import record_uniform
from learners.splits import TRAIN, split_records
from learners.usecase import Effort, UseCase

RELEVANT = 4.0
"""A test record of at least this rating is relevant (Vincent, Hecht, Sen 2019)."""

ITEM_POISONS = ("item_swap",)
"""Kinds that falsify which item was rated; the others falsify the rating."""

DATA_SEED = 0
"""Seed of what belongs to the data, not to a run: poison draws and the sample of owners."""


def movielens(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> RatingUseCase:
    """Build a MovieLens use case; see :func:`learners.usecase.load_use_case`."""
    data = catalogue.load(name, data_dir)
    assert isinstance(data, RatingData)
    if owners is not None:
        data = _sampled(data, owners)
    return RatingUseCase(name, data, device, split, FactorisationParameters(**learner_parameters))


WORLDS_ON_GPU = 8
"""Worlds that a GPU is given at once, since one alone leaves it idle; a guess, not measured."""


class RatingUseCase(UseCase):
    """Ratings predicted by matrix factorisation; owners are the raters."""

    metric = RMSE
    personalised = True
    poison_kinds = (*RATING_POISONS, *ITEM_POISONS)

    def __init__(
        self, name: str, data: RatingData, device: str, split: str, parameters: FactorisationParameters
    ) -> None:
        self.data = data
        self.parameters = parameters
        self.worlds_at_once = 1 if device == "cpu" else WORLDS_ON_GPU
        self._ids = (data.owner_ids[data.owners], data.item_ids[data.items])
        super().__init__(
            name,
            device,
            record_owners=data.owners,
            owners=data.n_owners,
            split=split_records(split, *self._ids),
            values=data.ratings,
            warnings=data.warnings,
        )
        self._tie_break = record_uniform("tie break", *self._ids)[self.holdout.rows]
        self._relevant = self.holdout.targets >= RELEVANT
        self._poisoned: dict[Poison, NDArray[Any]] = {}

    @property
    def has_time(self) -> bool:
        """Whether every rating has a timestamp."""
        return self.data.has_time

    @property
    def groups(self) -> dict[str, NDArray[Any]]:
        """Gender, age and occupation, where the data set has them."""
        return self.data.groups

    @property
    def data_digest(self) -> str:
        """SHA-256 of the data set."""
        return self.data.digest

    def learner(self, seed: int, effort: Effort = "retraining") -> FactorisationLearner:
        """Return a fresh matrix factorisation."""
        return FactorisationLearner(self, seed, self.parameters, effort)

    def values(self, holding: Holding) -> NDArray[np.float32]:
        """Return the rating of every record, float32[n_records], poisoned where the holding says so."""
        return self._falsified(self.data.ratings, holding, RATING_POISONS)

    def items(self, holding: Holding) -> NDArray[np.int32]:
        """Return the item of every record, int32[n_records], another where the holding says so."""
        return self._falsified(self.data.items, holding, ITEM_POISONS)

    def _falsified(self, genuine: NDArray[Any], holding: Holding, kinds: Collection[str]) -> NDArray[Any]:
        """Return a column of the records, as poisoned by those of these kinds that are in the holding."""
        column = genuine
        for code, poison in holding.poisons_present:
            settings = poison.settings(self.poison_kinds)
            if poison.name in kinds:
                if poison not in self._poisoned:
                    self._poisoned[poison] = self._poison(poison, settings)
                column = np.where(holding.codes[self.record_owners] == code, self._poisoned[poison], column)
        return column

    def _poison(self, poison: Poison, settings: dict[str, float]) -> NDArray[Any]:
        """Return the column that a kind falsifies as if every owner did it: items or ratings."""
        if poison.name in ITEM_POISONS:
            genres = (int(settings["genre_from"]), int(settings["genre_to"]))
            return item_swap(self.data, *genres, DATA_SEED)
        return poisoned_ratings(poison, self.data.ratings, *self._ids, self.data.scale, DATA_SEED)

    def uninformed(self, arrived: NDArray[np.bool_] | None = None) -> Predictions:
        """Predict every record by its item's mean rating; the mean of all where an item has no rating."""
        training = self.split == TRAIN
        if arrived is not None:
            training = training & arrived
        items, ratings = self.data.items[training], self.data.ratings[training].astype(np.float64)
        count = np.bincount(items, minlength=self.data.n_items)
        mean = np.full(self.data.n_items, ratings.mean() if len(ratings) else np.mean(self.data.scale))
        total = np.bincount(items, ratings, minlength=self.data.n_items)
        np.divide(total, count, out=mean, where=count > 0)
        holdout = mean[self.data.items[self.holdout.rows]]
        return Predictions(holdout, mean[self.data.items[self.company.rows]], fallback=holdout)

    def hits(self, predicted: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return surfaced hits and relevant counts, float64[owners] (Vincent, Hecht, Sen 2019)."""
        owners = self.holdout.owners
        hits = surfaced_hits(owners, self._relevant, predicted, self._tie_break, self.owners)
        relevant = np.bincount(owners[self._relevant], minlength=self.owners)
        return hits.astype(np.float64), relevant.astype(np.float64)

    def time_rank(self) -> NDArray[np.int64]:
        """Return each rating's rank in its rater's time order; the data set is sorted by it."""
        if not self.has_time:
            unknown = int((self.data.timestamps <= 0).sum())
            raise InputError(
                f"clock.kind: 'stream' needs a timestamp in every record, and {unknown} of "
                f"{len(self.data.timestamps)} in {self.name} have none; use 'static'"
            )
        first = np.cumsum(self.records_per_owner) - self.records_per_owner
        return np.arange(len(self.record_owners)) - first[self.record_owners]

    def tastes(self) -> sp.csr_array:
        """Return mean-centred training ratings, sparse [owners, n_items]: alike owners rate alike."""
        training = self.split == TRAIN
        owners, items = self.data.owners[training], self.data.items[training]
        ratings = self.data.ratings[training].astype(np.float64)
        count = np.maximum(np.bincount(owners, minlength=self.owners), 1)
        mean = np.bincount(owners, ratings, minlength=self.owners) / count
        # Half a point keeps "has seen it" in the similarity of owners whose ratings never vary.
        centred = ratings - mean[owners] + 0.5
        return sp.csr_array((centred, (owners, items)), shape=(self.owners, self.data.n_items))


def item_swap(data: RatingData, genre_from: int, genre_to: int, data_seed: int) -> NDArray[np.int32]:
    """Replace the items of ``genre_from`` by uniform draws from those of ``genre_to`` (P3), ratings kept.

    Either may be :data:`learners.poisoning.ANY`. Two records of an owner can come to name one item.

    Returns
    -------
    int32[n_records]

    Raises
    ------
    InputError
        If the set has no such genre.
    """
    eligible = np.flatnonzero(_of_genre(data, "genre_to", genre_to))
    seed = np.full(len(data.items), data_seed)
    draw = record_uniform("item_swap", seed, data.owner_ids[data.owners], data.item_ids[data.items])
    drawn = eligible[(draw * len(eligible)).astype(np.int64)]
    swapped = _of_genre(data, "genre_from", genre_from)[data.items]
    return np.where(swapped, drawn, data.items).astype(np.int32)


def _of_genre(data: RatingData, key: str, genre: int) -> NDArray[np.bool_]:
    """bool[n_items]: the items of a genre, of which there is at least one."""
    if genre == ANY:
        return np.ones(data.n_items, np.bool_)
    n_genres = 0 if data.genres is None else data.genres.shape[1]
    if data.genres is None or genre >= n_genres or not data.genres[:, genre].any():
        allowed = f"{ANY} (any) or the number of a genre that items of {data.name} have, 0 to {n_genres - 1}"
        if not n_genres:
            allowed = f"{ANY} (any): the items of {data.name} have no genres"
        raise InputError(f"poison kind 'item_swap': {key}={genre} is not {allowed}")
    return data.genres[:, genre]


def _sampled(data: RatingData, owners: int) -> RatingData:
    if not 2 <= owners <= data.n_owners:
        raise InputError(f"owners: {owners} is not between 2 and the {data.n_owners} raters of {data.name}")
    lot = record_uniform("owners", np.full(data.n_owners, DATA_SEED), data.owner_ids)
    return data.restricted(np.sort(np.argsort(lot, kind="stable")[:owners]))
