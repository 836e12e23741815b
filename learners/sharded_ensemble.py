"""A model for each shard of the owners, so that to forget an owner one of them is retrained: SISA.

Bourtoule et al. 2021, *Machine Unlearning*, IEEE Symposium on Security and Privacy: sharded, isolated,
sliced, aggregated; slices within a shard are not built.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.usecase import Effort, Learner, UseCase


class ShardedEnsemble(Learner):
    """Learners of one use case, each of what the owners of its shard have, whose predictions are averaged.

    An update retrains the learners whose shard's holding changed, and no others. Where the use case serves
    people personally, owners whose data a learner has are predicted by that one: to the others they are
    strangers, and averaging these in would only dilute what is known of them. How well signals took that
    poison planted is not measured of the ensemble.

    Parameters
    ----------
    use_case, seed, effort
        Of every learner; the seed also deals the owners out.
    shards
        Number of shards S, of as equal numbers of owners as can be.

    Attributes
    ----------
    shard_of
        int64[owners].
    """

    def __init__(self, use_case: UseCase, seed: int, shards: int, effort: Effort = "retraining") -> None:
        super().__init__(use_case, seed, effort)
        self.shard_of = np.random.default_rng(seed).permutation(use_case.owners) % shards
        self._learners = tuple(use_case.learner(seed, effort=effort) for _ in range(shards))
        self.retrained: tuple[int, ...] = ()
        """Shards whose learners the last update trained."""

    def fit(self, holding: Holding) -> Predictions:
        """Train the learners of shards that changed, and put together what all of them say."""
        # Forks: an ensemble that this one was forked from keeps its learners as they are.
        self._learners = tuple(learner.fork(self.effort) for learner in self._learners)
        said: dict[int, Predictions] = {}
        retrained = []
        for shard, learner in enumerate(self._learners):
            part = holding.without(self.shard_of != shard)
            if not self.use_case.training_mask(part).any():
                continue
            if learner.digest != part.digest:
                retrained.append(shard)
            said[shard] = learner.update(part).predictions
        self.retrained = tuple(retrained)
        use_case = self.use_case
        return Predictions(
            self._together({s: p.holdout for s, p in said.items()}, use_case.holdout.owners, holding),
            self._together({s: p.company for s, p in said.items()}, use_case.company.owners, holding),
            fallback=np.mean([p.fallback for p in said.values()], axis=0),
        )

    def _together(
        self, said: dict[int, NDArray[np.floating[Any]]], owners: NDArray[np.int32], holding: Holding
    ) -> NDArray[np.floating[Any]]:
        """Return what an ensemble says of test records of some owners, given what its models say of them."""
        together: NDArray[np.floating[Any]] = np.mean([*said.values()], axis=0)
        if self.use_case.personalised:
            for shard, predicted in said.items():
                own = holding.present[owners] & (self.shard_of[owners] == shard)
                together[own] = predicted[own]
        return together
