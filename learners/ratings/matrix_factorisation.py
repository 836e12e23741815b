"""Variational-Bayes matrix factorisation of ratings, retrained from where it stood.

The model is r_ui = mu + p_u . q_i + b_u + c_i + noise with Gaussian priors (Lim and Teh 2007; Salakhutdinov
and Mnih 2008). The bias is one more coordinate: an owner's vector is (p_u, b_u) against (q_i, 1), an item's
(q_i, c_i) against (p_u, 1). The posterior of a vector is Gaussian; of the other side's posteriors only the
means and variances enter (diagonal covariance), which loses nothing measurable and halves the work. Prior
and noise precisions are re-estimated every sweep (empirical Bayes), so there is no penalty to tune.

A sweep solves all owners, then all items (:mod:`learners.ratings.factor_posteriors`).

Departed owners need no special case: a row without records gets mean zero, and mu + c_i is the fallback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.evaluation import Predictions, TestSet
from learners.holdings import GENUINE, Holding
from learners.parameters import Parameters, parameter
from learners.ratings.factor_posteriors import Factors, Side, sides_of, solved
from learners.usecase import Effort, Learner

if TYPE_CHECKING:
    from learners.ratings.use_case import RatingUseCase

PROBES = 20_000
"""Test records whose predictions tell when a fit has settled; their ratings are not looked at."""

GROWTH = 2
"""A holding with this many times the fewest genuine ratings since the last fresh start is fitted afresh.

On few ratings, or many that are noise, the priors shut taste dimensions down, and a warm start reopens them
too slowly to notice.
"""


class FactorisationParameters(Parameters):
    """How the factorisation is fitted."""

    dimensions: int = parameter(15, "Length of the factor vectors, biases apart", unit="-", ge=1, le=127)
    tolerance: float = parameter(
        5e-3,
        "A fit ends when a sweep changes predictions by less, root mean square",
        unit="rating points",
        gt=0,
        le=1,
    )
    max_sweeps: int = parameter(40, "Most sweeps of a retraining", unit="sweeps", ge=1, le=1000)
    shadow_sweeps: int = parameter(
        20, "Most sweeps of a fit that is only compared with others like it", unit="sweeps", ge=1, le=1000
    )
    reference_sweeps: int = parameter(
        100, "Most sweeps of a fresh fit of the reference model", unit="sweeps", ge=1, le=1000
    )
    fresh_tolerance: float = parameter(
        1e-3,
        "As tolerance, for a fresh fit, which later retrainings should have nothing to add to",
        unit="rating points",
        gt=0,
        le=1,
    )

    def most_sweeps(self, effort: Effort, fresh: bool) -> int:
        """Return the most sweeps of a fit; only a fresh reference is worth more than a retraining."""
        if effort == "shadow":
            return self.shadow_sweeps
        return self.reference_sweeps if effort == "reference" and fresh else self.max_sweeps


@dataclass(frozen=True)
class Fit:
    """A fit that is about to begin: the ratings from both sides, where to look at it, and when it ends.

    Attributes
    ----------
    owner_side, item_side
        The ratings.
    squares
        Sum of their squared residuals.
    probe
        Owners and items, int64[n] each, whose predictions tell when the fit has settled.
    tolerance, most_sweeps
        When it ends.
    items
        int32[n_records]: the item of every record as it is held.
    """

    owner_side: Side
    item_side: Side
    squares: float
    probe: tuple[Tensor, Tensor]
    tolerance: float
    most_sweeps: int
    items: NDArray[np.int32]


class FactorisationLearner(Learner):
    """Matrix factorisation that warm-starts on every new holding."""

    use_case: RatingUseCase

    def __init__(
        self,
        use_case: RatingUseCase,
        seed: int,
        parameters: FactorisationParameters,
        effort: Effort = "retraining",
    ) -> None:
        super().__init__(use_case, seed, effort)
        self.parameters = parameters
        self.device = torch.device(use_case.device)
        self.n_items = use_case.data.n_items
        self.owners: Factors | None = None
        self.items: Factors | None = None
        self.noise_variance = 1.0
        self.mean = 0.0
        self._fewest = 0
        self.sweeps = 0
        """Sweeps of the last retraining."""

    def fit(self, holding: Holding) -> Predictions:
        """Sweep until predictions settle, then predict the test records."""
        return fit_together([self], [holding])[0]

    @classmethod
    def fit_worlds(cls, learners: Sequence[Self], holdings: Sequence[Holding]) -> list[Predictions]:
        """Fit learners as one batch on a GPU, which a world alone leaves idle; in turn on a CPU."""
        if learners[0].use_case.worlds_at_once == 1:
            return super().fit_worlds(learners, holdings)
        return fit_together(learners, holdings)

    def begun(self, holding: Holding) -> Fit:
        """Prepare a fit, from fresh factors where those at hand are of no use."""
        data = self.use_case.data
        rows = np.flatnonzero(self.use_case.training_mask(holding))
        ratings = self.use_case.values(holding)[rows]
        items = self.use_case.items(holding)
        self.mean = float(ratings.mean(dtype=np.float64))
        residuals = ratings - np.float32(self.mean)
        owner_side, item_side = sides_of(
            data.owners[rows], items[rows], residuals, (data.n_owners, self.n_items), self.device
        )
        genuine = self._genuine(holding, rows)
        fresh = self.owners is None or self.items is None or genuine > GROWTH * self._fewest
        if fresh:
            self.owners, self.items = self._initial(item_side)
            self.noise_variance = 1.0
            self._fewest = genuine
        self._fewest = min(self._fewest, genuine)
        return Fit(
            owner_side,
            item_side,
            squares=float(np.square(residuals, dtype=np.float64).sum()),
            probe=self._probe(holding, items),
            tolerance=self.parameters.fresh_tolerance if fresh else self.parameters.tolerance,
            most_sweeps=self.parameters.most_sweeps(self.effort, fresh),
            items=items,
        )

    @property
    def factors(self) -> tuple[Factors, Factors]:
        """Of the owners and of the items, once a fit has begun."""
        assert self.owners is not None
        assert self.items is not None
        return self.owners, self.items

    def _genuine(self, holding: Holding, rows: NDArray[np.int64]) -> int:
        """Return how many of some training records are as their owners made them."""
        if not holding.poisons_present:
            return len(rows)
        return int(np.count_nonzero(holding.codes[self.use_case.record_owners[rows]] == GENUINE))

    def _initial(self, item_side: Side) -> tuple[Factors, Factors]:
        """Return small random item factors with shrunken item means; owners are solved first."""
        n_owners, width = self.use_case.owners, self.parameters.dimensions + 1
        generator = torch.Generator().manual_seed(self.seed)
        items = 0.1 * torch.randn(self.n_items, width, generator=generator)
        items[:, -1] = 0
        items = items.to(self.device)
        totals = item_side.residuals @ torch.ones(n_owners, 1, device=self.device)
        items[item_side.rows, -1] = totals[:, 0] / (item_side.counts + 5)
        prior = torch.full((1, width), 2.0, device=self.device)
        owners = torch.zeros(n_owners, width, device=self.device)
        no_variance = torch.zeros_like(owners), torch.zeros_like(items)
        return Factors(owners, no_variance[0], prior), Factors(items, no_variance[1], prior)

    def _probe(self, holding: Holding, held_items: NDArray[np.int32]) -> tuple[Tensor, Tensor]:
        """Return owners and items of up to :data:`PROBES` test records of known owners."""
        data = self.use_case.data
        rows = np.concatenate([self.use_case.holdout.rows, self.use_case.company.rows])
        rows = rows[holding.present[data.owners[rows]]]
        rows = rows[:: max(1, len(rows) // PROBES)]
        return self._on_device(data.owners[rows]), self._on_device(held_items[rows])

    def _on_device(self, numbers: NDArray[np.int32]) -> Tensor:
        return torch.from_numpy(numbers.astype(np.int64)).to(self.device)

    def score(self, owners: Tensor, items: Tensor) -> Tensor:
        """Return mu + b_u + c_i + p_u . q_i; an unknown owner's vector is zero."""
        of_owners, of_items = self.factors
        p, q = of_owners.mean[owners], of_items.mean[items]
        return self.mean + p[:, -1] + q[:, -1] + (p[:, :-1] * q[:, :-1]).sum(1)

    def predictions(self, held_items: NDArray[np.int32]) -> Predictions:
        """Predict the holdout as it is, and the company's test records as it holds them."""
        data, use_case = self.use_case.data, self.use_case
        low, high = data.scale[0], data.scale[-1]

        def clipped(scores: Tensor) -> NDArray[np.float32]:
            clamped: NDArray[np.float32] = scores.clamp(low, high).cpu().numpy()
            return clamped

        def served(test: TestSet, items: NDArray[np.int32]) -> NDArray[np.float32]:
            return clipped(self.score(self._on_device(test.owners), self._on_device(items[test.rows])))

        item_means = self.mean + self.factors[1].mean[:, -1]
        fallback = clipped(item_means[self._on_device(data.items[use_case.holdout.rows])])
        return Predictions(
            served(use_case.holdout, data.items), served(use_case.company, held_items), fallback
        )


def fit_together(learners: Sequence[FactorisationLearner], holdings: Sequence[Holding]) -> list[Predictions]:
    """Fit learners of one use case, each to its holding, as one problem.

    Each ends as if it were alone, up to rounding; those that have settled are swept along with the others.
    """
    fits = [learner.begun(holding) for learner, holding in zip(learners, holdings, strict=True)]
    size = learners[0].use_case.owners, learners[0].n_items
    owner_side = Side.stacked([fit.owner_side for fit in fits], size[0])
    item_side = Side.stacked([fit.item_side for fit in fits], size[1])
    squares = [fit.squares for fit in fits]
    owners = Factors.stacked([learner.factors[0] for learner in learners])
    items = Factors.stacked([learner.factors[1] for learner in learners])
    noise = [learner.noise_variance for learner in learners]
    before = [learner.score(*fit.probe) for learner, fit in zip(learners, fits, strict=True)]
    unsettled = dict(enumerate(zip(learners, fits, strict=True)))
    for sweep in count(1):
        owners, noise = solved(owner_side, owners, items, noise, squares)
        items, noise = solved(item_side, items, owners, noise, squares)
        for world, (learner, fit) in [*unsettled.items()]:
            learner.owners, learner.items = owners.of(world), items.of(world)
            learner.noise_variance, learner.sweeps = noise[world], sweep
            now = learner.score(*fit.probe)
            change = (now - before[world]).square().mean().sqrt()
            before[world] = now
            if change < fit.tolerance or sweep == fit.most_sweeps:
                del unsettled[world]
        if not unsettled:
            break
    return [learner.predictions(fit.items) for learner, fit in zip(learners, fits, strict=True)]
