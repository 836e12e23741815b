"""Half a sweep of variational-Bayes matrix factorisation: the posteriors of one side given the other.

All normal equations of a side come from one product of the sparse ratings pattern with the other side's
second moments, upper triangles only. Of each row's covariance only the diagonal is wanted: with precision
L L', it is the column sums of squares of the inverse of L.

Several worlds, which differ only in who rated what, are one problem: their rows stand below one another, and
the pattern is their patterns along a diagonal. Each has precisions of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

ALIGNMENT = 8
"""What a sparse product multiplies is padded to a multiple of so many columns: it is a fifth faster then."""


@dataclass(frozen=True)
class Side:
    """The ratings of one world or several seen from one side, only rows that have any.

    ``pattern`` and ``residuals`` are sparse [n_rows, n_others]: ones, and ratings less their mean. ``rows``
    are the places of the rows among all. The rows of world w are ``worlds[w]:worlds[w + 1]``.
    """

    rows: Tensor
    pattern: Tensor
    residuals: Tensor
    counts: Tensor
    worlds: tuple[int, ...]

    @classmethod
    def stacked(cls, sides: Sequence[Side], n_own: int) -> Side:
        """Return several worlds of one size, ``n_own`` rows each with those that have no rating, as one."""
        if len(sides) == 1:
            return sides[0]
        starts = [0, *np.cumsum([len(side.rows) for side in sides]).tolist()]
        return cls(
            torch.cat([side.rows + world * n_own for world, side in enumerate(sides)]),
            _diagonal([side.pattern for side in sides]),
            _diagonal([side.residuals for side in sides]),
            torch.cat([side.counts for side in sides]),
            tuple(starts),
        )


@dataclass(frozen=True)
class Factors:
    """Posterior of one side: mean and variance [worlds * n, D], bias last; prior precision [worlds, D]."""

    mean: Tensor
    variance: Tensor
    prior: Tensor

    @classmethod
    def stacked(cls, worlds: Sequence[Factors]) -> Factors:
        """Return several worlds as one."""
        if len(worlds) == 1:
            return worlds[0]
        return cls(
            *(
                torch.cat(parts)
                for parts in zip(*((w.mean, w.variance, w.prior) for w in worlds), strict=True)
            )
        )

    def of(self, world: int) -> Factors:
        """Return one of the worlds."""
        n = len(self.mean) // len(self.prior)
        rows = slice(world * n, (world + 1) * n)
        return Factors(self.mean[rows], self.variance[rows], self.prior[world : world + 1])


def sides_of(
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
        (0, len(rows)),
    )


def solved(
    side: Side, own: Factors, other: Factors, noise_variance: Sequence[float], squares: Sequence[float]
) -> tuple[Factors, list[float]]:
    """Return the posterior of one side given the other, and the noise variance that fits each world best.

    With F the other side's means whose bias is replaced by 1, the normal equations of a row are
    A = sum of E[f f'], b = sum of (r - mu - bias) f over the row's ratings.

    Parameters
    ----------
    noise_variance, squares
        Of each world the noise variance so far and the sum of its squared residuals.
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
    noise = _of_rows(torch.tensor(noise_variance, dtype=b.dtype, device=b.device)[:, None], side)
    precision = (moment_sums / noise).index_select(1, triangle.flatten()).view(-1, width, width)
    precision.diagonal(dim1=1, dim2=2).add_(_of_rows(own.prior, side))
    factor = torch.linalg.cholesky_ex(precision)[0]
    identity = torch.eye(width, device=features.device).expand_as(factor)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
    mean = (inverse.mT @ (inverse @ (b / noise).unsqueeze(-1))).squeeze(-1)
    variance = inverse.square().sum(1)

    # The expected squared error sum_u y'y - 2 b'm + m'A m + tr(A C), with A = noise (C^-1 - prior) put in.
    # Scalars in double, so that they do not depend on the order of summation.
    priors, noises = [], []
    for world, (first, last) in enumerate(pairwise(side.worlds)):
        rows = slice(first, last)
        second = mean[rows].double().square().sum(0) + variance[rows].double().sum(0)
        free = (last - first) * width - float(own.prior[world].double() @ second)
        error = (
            squares[world]
            - 2 * _total(with_residuals[rows, width])
            + _total(bias_square_sums[rows, 0])
            - _total(b[rows] * mean[rows])
            + noise_variance[world] * free
        )
        priors.append(((last - first + 1) / (second + 1)).to(own.prior.dtype))
        noises.append(error / _total(side.counts[rows]))
    prior = torch.stack(priors)
    all_means = torch.zeros_like(own.mean)
    all_means[side.rows] = mean
    all_variances = (1 / prior).repeat_interleave(len(own.mean) // len(prior), dim=0)
    all_variances[side.rows] = variance
    return Factors(all_means, all_variances, prior), noises


def _of_rows(of_worlds: Tensor, side: Side) -> Tensor:
    """Return what each world has, [n_worlds, ...], for the rows of a side: one broadcasts."""
    if len(of_worlds) == 1:
        return of_worlds
    sizes = torch.tensor(np.diff(side.worlds), device=of_worlds.device)
    return of_worlds.repeat_interleave(sizes, dim=0)


def _diagonal(blocks: Sequence[Tensor]) -> Tensor:
    """Return the sparse matrix with these blocks along the diagonal."""
    starts, columns, n_entries, n_columns = [blocks[0].crow_indices()[:1]], [], 0, 0
    for block in blocks:
        starts.append(block.crow_indices()[1:] + n_entries)
        columns.append(block.col_indices() + n_columns)
        n_entries += len(block.values())
        n_columns += block.shape[1]
    layout = torch.cat(starts), torch.cat(columns)
    n_rows = sum(block.shape[0] for block in blocks)
    return _sparse(layout, torch.cat([block.values() for block in blocks]), (n_rows, n_columns))


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
