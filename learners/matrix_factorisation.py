"""Variational-Bayes matrix factorisation of ratings, retrained from where it stood.

The model is r_ui = mu + p_u . q_i + b_u + c_i + noise with Gaussian priors (Lim and Teh 2007; Salakhutdinov
and Mnih 2008). The bias is one more coordinate: an owner's vector is (p_u, b_u) against (q_i, 1), an item's
(q_i, c_i) against (p_u, 1). The posterior of a vector is Gaussian; of the other side's posteriors only the
means and variances enter (diagonal covariance), which loses nothing measurable and halves the work. Prior
and noise precisions are re-estimated every sweep (empirical Bayes), so there is no penalty to tune.

A sweep solves all owners, then all items. All normal equations of a side come from one product of the
sparse ratings pattern with the other side's second moments, upper triangles only. Of each row's covariance
only the diagonal is wanted: with precision L L', it is the column sums of squares of the inverse of L.

Departed owners need no special case: a row without records gets mean zero, and mu + c_i is the fallback.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from learners.evaluation import Predictions, TestSet
from learners.holdings import GENUINE, Holding
from learners.parameters import Parameters, parameter
from learners.usecase import Effort, Learner

if TYPE_CHECKING:
    from learners.ratings import RatingUseCase

PROBES = 20_000
"""Test records whose predictions tell when a fit has settled; their ratings are not looked at."""

GROWTH = 2
"""A holding with this many times the fewest genuine ratings since the last fresh start is fitted afresh.

On few ratings, or many that are noise, the priors shut taste dimensions down, and a warm start reopens them
too slowly to notice.
"""

ALIGNMENT = 8
"""What a sparse product multiplies is padded to a multiple of so many columns: it is a fifth faster then."""


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
class Side:
    """The ratings seen from one side, only rows that have any.

    ``pattern`` and ``residuals`` are sparse [n_rows, n_others]: ones, and ratings less their mean.
    """

    rows: Tensor
    pattern: Tensor
    residuals: Tensor
    counts: Tensor


@dataclass(frozen=True)
class Factors:
    """Posterior of one side: mean and variance [n, D], bias last, and the prior precision [D]."""

    mean: Tensor
    variance: Tensor
    prior: Tensor


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
        data = self.use_case.data
        rows = np.flatnonzero(self.use_case.training_mask(holding))
        ratings = self.use_case.values(holding)[rows]
        items = self.use_case.items(holding)
        self.mean = float(ratings.mean(dtype=np.float64))
        residuals = ratings - np.float32(self.mean)
        owner_side, item_side = _sides(
            data.owners[rows], items[rows], residuals, (data.n_owners, self.n_items), self.device
        )
        genuine = self._genuine(holding, rows)
        fresh = self.owners is None or self.items is None or genuine > GROWTH * self._fewest
        if fresh:
            self.owners, self.items = self._initial(item_side)
            self.noise_variance = 1.0
            self._fewest = genuine
        self._fewest = min(self._fewest, genuine)
        tolerance = self.parameters.fresh_tolerance if fresh else self.parameters.tolerance
        assert self.owners is not None
        assert self.items is not None
        squares = float(np.square(residuals, dtype=np.float64).sum())
        probe = self._probe(holding, items)
        before = self._score(*probe)
        for sweep in range(1, self.parameters.most_sweeps(self.effort, fresh) + 1):
            noise = self.noise_variance
            self.owners, noise = _solved(owner_side, self.owners, self.items, noise, squares)
            self.items, self.noise_variance = _solved(item_side, self.items, self.owners, noise, squares)
            self.sweeps = sweep
            now = self._score(*probe)
            settled = (now - before).square().mean().sqrt() < tolerance
            before = now
            if settled:
                break
        return self._predictions(items)

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
        prior = torch.full((width,), 2.0, device=self.device)
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

    def _score(self, owners: Tensor, items: Tensor) -> Tensor:
        """Return mu + b_u + c_i + p_u . q_i; an unknown owner's vector is zero."""
        assert self.owners is not None
        assert self.items is not None
        p, q = self.owners.mean[owners], self.items.mean[items]
        return self.mean + p[:, -1] + q[:, -1] + (p[:, :-1] * q[:, :-1]).sum(1)

    def _predictions(self, held_items: NDArray[np.int32]) -> Predictions:
        """Predict the holdout as it is, and the company's test records as it holds them."""
        data, use_case = self.use_case.data, self.use_case
        low, high = data.scale[0], data.scale[-1]

        def clipped(scores: Tensor) -> NDArray[np.float32]:
            clamped: NDArray[np.float32] = scores.clamp(low, high).cpu().numpy()
            return clamped

        def served(test: TestSet, items: NDArray[np.int32]) -> NDArray[np.float32]:
            return clipped(self._score(self._on_device(test.owners), self._on_device(items[test.rows])))

        assert self.items is not None
        item_means = self.mean + self.items.mean[:, -1]
        fallback = clipped(item_means[self._on_device(data.items[use_case.holdout.rows])])
        return Predictions(
            served(use_case.holdout, data.items), served(use_case.company, held_items), fallback
        )


def _sides(
    owners: NDArray[np.int32],
    items: NDArray[np.int32],
    residuals: NDArray[np.float32],
    size: tuple[int, int],
    device: torch.device,
) -> tuple[Side, Side]:
    """Return ratings, given in the order of their owners, as the owners and as the items see them.

    Within a row ratings keep the order in which they were given.
    """
    starts = np.zeros(size[0] + 1, np.int32)
    np.cumsum(np.bincount(owners, minlength=size[0]), out=starts[1:])
    by_owner = sp.csr_array((residuals, items, starts), shape=size)
    # Regrouping is linear in the number of ratings, where sorting is not.
    by_item = by_owner.tocsc()
    ones = torch.ones(len(residuals), device=device)
    return _side(by_owner, size[1], ones), _side(by_item, size[0], ones)


def _side(grouped: sp.csr_array | sp.csc_array, n_others: int, ones: Tensor) -> Side:
    counts = np.diff(grouped.indptr)
    rows = np.flatnonzero(counts)
    # 32-bit indices: what MKL takes; torch converts 64-bit ones at every product.
    starts = np.concatenate([[0], np.cumsum(counts[rows])]).astype(np.int32)
    layout = torch.from_numpy(starts).to(ones.device), torch.from_numpy(grouped.indices).to(ones.device)
    size = (len(rows), n_others)
    return Side(
        torch.from_numpy(rows).to(ones.device),
        _sparse(layout, ones, size),
        _sparse(layout, torch.from_numpy(grouped.data).to(ones.device), size),
        torch.from_numpy(counts[rows]).to(ones.device, torch.float32),
    )


def _solved(
    side: Side, own: Factors, other: Factors, noise_variance: float, squares: float
) -> tuple[Factors, float]:
    """Return the posterior of one side given the other, and the noise variance that fits best.

    With F the other side's means whose bias is replaced by 1, the normal equations of a row are
    A = sum of E[f f'], b = sum of (r - mu - bias) f over the row's ratings.
    """
    width = other.mean.shape[1]
    bias = other.mean[:, -1:]
    features = torch.cat([other.mean[:, :-1], torch.ones_like(bias)], dim=1)
    row, column = torch.triu_indices(width, width, device=features.device)
    moments = features.index_select(1, row) * features.index_select(1, column)
    moments[:, row == column] += torch.cat([other.variance[:, :-1], torch.zeros_like(bias)], dim=1)
    # E[bias^2] rides along, for the noise.
    bias_square = bias.square() + other.variance[:, -1:]
    sums = side.pattern @ _aligned(moments, bias * features, bias_square)
    moment_sums, bias_sums, bias_square_sums = sums.tensor_split([len(row), len(row) + width], dim=1)
    with_residuals = side.residuals @ _aligned(features, bias)

    triangle = torch.empty(width, width, dtype=torch.int64, device=features.device)
    triangle[row, column] = triangle[column, row] = torch.arange(len(row), device=features.device)
    b = with_residuals[:, :width] - bias_sums
    precision = (moment_sums / noise_variance).index_select(1, triangle.flatten()).view(-1, width, width)
    precision.diagonal(dim1=1, dim2=2).add_(own.prior)
    factor = torch.linalg.cholesky_ex(precision)[0]
    identity = torch.eye(width, device=features.device).expand_as(factor)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
    mean = (inverse.mT @ (inverse @ (b / noise_variance).unsqueeze(-1))).squeeze(-1)
    variance = inverse.square().sum(1)

    # The expected squared error sum_u y'y - 2 b'm + m'A m + tr(A C), with A = noise (C^-1 - prior) put in.
    # Scalars in double, so that they do not depend on the order of summation.
    n = len(side.rows)
    second = mean.double().square().sum(0) + variance.double().sum(0)
    error = (
        squares
        - 2 * _total(with_residuals[:, width])
        + _total(bias_square_sums[:, 0])
        - _total(b * mean)
        + noise_variance * (n * width - float(own.prior.double() @ second))
    )
    prior = ((n + 1) / (second + 1)).to(own.prior.dtype)
    all_means = torch.zeros_like(own.mean)
    all_means[side.rows] = mean
    all_variances = (1 / prior).expand_as(own.variance).clone()
    all_variances[side.rows] = variance
    return Factors(all_means, all_variances, prior), error / float(side.counts.double().sum())


def _aligned(*columns: Tensor) -> Tensor:
    """Return blocks of columns side by side, then zeros."""
    table = torch.cat(columns, dim=1)
    return functional.pad(table, (0, -table.shape[1] % ALIGNMENT))


def _sparse(layout: tuple[Tensor, Tensor], data: Tensor, size: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Sparse CSR tensor support is in beta", category=UserWarning
        )
        return torch.sparse_csr_tensor(*layout, data, size, check_invariants=False)


def _total(x: Tensor) -> float:
    return float(x.double().sum())
