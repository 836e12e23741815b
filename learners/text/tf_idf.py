"""TF-IDF features of a company's texts as three factors, of which only the small ones ever change.

The features are D T I: T the values 1 + ln(count) of each text, I the IDF of the company's terms, 0 for terms
that it does not use, and D one over the length of each row of T I, all a block of terms at a time. Products
with a vector take the factors one by one. So when a company's texts change, nothing of the size of T is
written: rows are added to T where they are new, and a row that is gone gets no weight from its user.

Products read each number of T once and compute little with it, so how fast they are is how few bytes T has.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from learners.text.text_features import TermCounts

Vector: TypeAlias = NDArray[np.float64]

Precision: TypeAlias = type[np.float32] | type[np.float64]
"""Of the numbers in T and of products with it; vectors are float64 before and after."""

Terms: TypeAlias = tuple[NDArray[np.int64], ...]
"""Terms of each block, ascending."""


class TorchMatrix:
    """A sparse matrix on a torch device that multiplies NumPy vectors as a SciPy one does.

    The transpose is kept as a matrix of its own, since torch multiplies only compressed rows.
    """

    def __init__(self, rows: torch.Tensor, columns: torch.Tensor) -> None:
        self._rows = rows
        self._columns = columns

    @classmethod
    def of(cls, matrix: sp.csr_array, device: str) -> TorchMatrix:
        """Copy a matrix to a device."""
        return cls(_compressed(matrix, device), _compressed(matrix.T.tocsr(), device))

    @property
    def T(self) -> TorchMatrix:  # noqa: N802 (SciPy's name)
        """The transpose."""
        return TorchMatrix(self._columns, self._rows)

    def __matmul__(self, vector: NDArray[Any]) -> NDArray[Any]:
        product: NDArray[Any] = (self._rows @ torch.from_numpy(vector).to(self._rows.device)).cpu().numpy()
        return product


def _compressed(matrix: sp.csr_array, device: str) -> torch.Tensor:
    starts, columns = (torch.from_numpy(a.astype(np.int64)) for a in (matrix.indptr, matrix.indices))
    data = torch.from_numpy(matrix.data)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Sparse CSR tensor support is in beta", category=UserWarning
        )
        return torch.sparse_csr_tensor(
            starts, columns, data, matrix.shape, device=device, check_invariants=False
        )


Matrix: TypeAlias = sp.csr_array | TorchMatrix


@dataclass(frozen=True, eq=False)
class Part:
    """Rows that were made together: which they are, T, and the squares of T."""

    rows: slice
    values: Matrix
    squares: Matrix


class TfIdfRows:
    """The factor T for some versions of texts and, a block at a time, some terms.

    Attributes
    ----------
    terms
        For each block of terms those that are kept, int64 ascending; none at first.
    versions
        int64[n_rows]: the version of a text (see :mod:`learners.text.text_features`) that each row is of.
    """

    def __init__(
        self, blocks: tuple[TermCounts, ...], device: str, precision: Precision = np.float64
    ) -> None:
        self.precision = precision
        self.terms: Terms = tuple(np.zeros(0, np.int64) for _ in blocks)
        self.versions = np.zeros(0, np.int64)
        self._blocks = blocks
        self._device = device
        self._row_of = np.full(blocks[0].n_versions, -1, np.int64)
        self._parts: tuple[tuple[Part, ...], ...] = tuple(() for _ in blocks)

    def keeping(self, terms: Terms) -> TfIdfRows:
        """Return these rows with other terms; only blocks whose terms are others are made anew."""
        if all(map(np.array_equal, self.terms, terms)):
            return self
        rows = slice(0, len(self.versions))
        parts = []
        for block, old, new, made in zip(self._blocks, self.terms, terms, self._parts, strict=True):
            anew = len(self.versions) and not np.array_equal(old, new)
            parts.append((self._part(block, new, rows, self.versions),) if anew else made)
        changed = copy.copy(self)
        changed.terms, changed._parts = terms, tuple(parts)
        return changed

    def including(self, versions: NDArray[np.int64]) -> TfIdfRows:
        """Return these rows and, after them, those of the versions that are not among them."""
        missing = versions[self._row_of[versions] < 0]
        if not len(missing):
            return self
        more = copy.copy(self)
        rows = slice(len(self.versions), len(self.versions) + len(missing))
        more.versions = np.concatenate([self.versions, missing])
        more._row_of = self._row_of.copy()
        more._row_of[missing] = np.arange(rows.start, rows.stop)
        blocks = zip(self._blocks, self.terms, self._parts, strict=True)
        more._parts = tuple((*made, self._part(block, terms, rows, missing)) for block, terms, made in blocks)
        return more

    def _part(
        self, block: TermCounts, terms: NDArray[np.int64], rows: slice, versions: NDArray[np.int64]
    ) -> Part:
        counts = block.of(versions)[:, terms]
        values = np.log(counts.data, dtype=self.precision)
        values += 1
        of_values, of_squares = (
            sp.csr_array((data, counts.indices, counts.indptr), shape=counts.shape)
            for data in (values, np.square(values))
        )
        if self._device == "cpu":
            return Part(rows, of_values, of_squares)
        return Part(rows, *(TorchMatrix.of(matrix, self._device) for matrix in (of_values, of_squares)))

    def row_of(self, versions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each version, int64[n_versions]."""
        return self._row_of[versions]

    def scaled(self, idf: tuple[Vector, ...]) -> TfIdf:
        """Return the features with the IDF of each term kept, float64 a block."""
        return TfIdf(self._parts, idf, len(self.versions), self.precision)


class TfIdf:
    """Features D T I [n_rows, n_terms], the terms of one block after those of another."""

    def __init__(
        self,
        parts: tuple[tuple[Part, ...], ...],
        idf: tuple[Vector, ...],
        n_rows: int,
        precision: Precision,
    ) -> None:
        self._precision = precision
        self._parts = parts
        self._idf = idf
        self._n_rows = n_rows
        self._lengths = [np.ones(n_rows) for _ in parts]
        for of_block, i, length in zip(parts, idf, self._lengths, strict=True):
            square: NDArray[Any] = (i * i).astype(precision)
            for part in of_block:
                squares = part.squares @ square
                # A row without a term stays as it is.
                length[part.rows] = np.sqrt(np.where(squares > 0, squares, 1))

    def times(self, weights: Vector) -> Vector:
        """Return the product with weights, float64[n_terms], of each row."""
        product = np.zeros(self._n_rows)
        start = 0
        for of_block, i, length in zip(self._parts, self._idf, self._lengths, strict=True):
            scaled: NDArray[Any] = (i * weights[start : start + len(i)]).astype(self._precision)
            start += len(i)
            for part in of_block:
                product[part.rows] += (part.values @ scaled) / length[part.rows]
        return product

    def transposed_times(self, residuals: Vector) -> Vector:
        """Return the product of the transpose with residuals, float64[n_rows], of each term."""
        products = []
        for of_block, i, length in zip(self._parts, self._idf, self._lengths, strict=True):
            product = np.zeros(len(i))
            scaled: NDArray[Any] = (residuals / length).astype(self._precision)
            for part in of_block:
                product += part.values.T @ scaled[part.rows]
            products.append(i * product)
        return np.concatenate(products)
