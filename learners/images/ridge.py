"""Ridge regression on frozen features to one-hot labels, retrained by what changed.

What a company's model needs of its images are two sums, F'F and F'Y. Features are whole numbers, so the sums
are exact in any order: taking an owner's images out again, or an image with another label or a patch on it,
leaves exactly the sums of never having had them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.images.poisoned_images import planted_success
from learners.poisoning import Poison
from learners.usecase import Learner

if TYPE_CHECKING:
    from learners.images.use_case import FrozenImageUseCase

ROWS = 1024
"""Records whose features are converted to float64 at a time."""


class RidgeLearner(Learner):
    """Ridge regression whose sums go up and down exactly with owners who come, leave and poison.

    Parameters
    ----------
    ridge, ridge_images
        With n images the penalty is ridge + ridge_images / n, relative to the mean diagonal of F'F: a share
        of the energy of what is held, and the energy of so many images, however many are held.
    """

    use_case: FrozenImageUseCase

    def __init__(
        self, use_case: FrozenImageUseCase, seed: int, ridge: float = 0.0, ridge_images: float = 0.0
    ) -> None:
        super().__init__(use_case, seed)
        self.ridge = ridge
        self.ridge_images = ridge_images
        n_features, n_classes = use_case.features.n_features, use_case.data.n_classes
        self.gram = torch.zeros(n_features, n_features, dtype=torch.float64, device=use_case.device)
        self.moment = torch.zeros(n_features, n_classes, dtype=torch.float64, device=use_case.device)
        self.weights = torch.zeros_like(self.moment)
        self._held = np.zeros(len(use_case.labels), np.bool_)
        self._labels = use_case.labels
        self._sides = np.zeros(len(use_case.labels), np.int16)

    def fit(self, holding: Holding) -> Predictions:
        """Take out and put in what changed since the last holding, and solve."""
        held = self.use_case.training_mask(holding)
        labels, sides = self.use_case.values(holding), self.use_case.patch_sides(holding)
        changed = (labels != self._labels) | (sides != self._sides)
        leaving = self._held & (~held | changed)
        coming = held & (~self._held | changed)
        if leaving.sum() + coming.sum() > held.sum():
            self.gram, self.moment = torch.zeros_like(self.gram), torch.zeros_like(self.moment)
            coming = held
        else:
            self._add(-1, leaving, self._labels, self._sides)
        self._add(+1, coming, labels, sides)
        self._held, self._labels, self._sides = held, labels, sides
        self._solve(int(held.sum()))
        return self._predictions(holding, sides)

    def _add(
        self, sign: int, chosen: NDArray[np.bool_], labels: NDArray[np.int64], sides: NDArray[np.int16]
    ) -> None:
        rows = np.flatnonzero(chosen)
        gram, moment = self.gram.clone(), self.moment.clone()
        for start in range(0, len(rows), ROWS):
            block = rows[start : start + ROWS]
            features = self.use_case.features.of(block, sides[block])
            classes = torch.from_numpy(labels[block]).to(features.device)
            one_hot = functional.one_hot(classes, self.moment.shape[1]).to(features.dtype)
            gram.addmm_(features.T, features, alpha=sign)
            moment.addmm_(features.T, one_hot, alpha=sign)
        self.gram, self.moment = gram, moment

    def _solve(self, n_images: int) -> None:
        penalty = (self.ridge + self.ridge_images / n_images) * self.gram.diagonal().mean()
        penalised = self.gram.clone()
        penalised.diagonal().add_(penalty)
        self.weights = torch.cholesky_solve(self.moment, torch.linalg.cholesky(penalised))

    def classes(self, rows: NDArray[np.int64], sides: NDArray[np.int16]) -> NDArray[np.int64]:
        """Return the class that the model gives to records, each with a patch of its side, int64[n]."""
        found = [
            (
                self.use_case.features.of(rows[start : start + ROWS], sides[start : start + ROWS])
                @ self.weights
            )
            .argmax(1)
            .cpu()
            .numpy()
            for start in range(0, len(rows), ROWS)
        ]
        return np.concatenate([np.empty(0, np.int64), *found])

    def _predictions(self, holding: Holding, sides: NDArray[np.int16]) -> Predictions:
        company = self.use_case.company.rows
        hidden = self.use_case.holdout.rows
        genuine = self.classes(hidden, np.zeros(len(hidden), np.int16))
        one_hot = np.eye(self.moment.shape[1])
        return Predictions(
            one_hot[genuine],
            one_hot[self.classes(company, sides[company])],
            fallback=one_hot[genuine],
            planted=self._planted(holding, genuine),
        )

    def _planted(self, holding: Holding, genuine: NDArray[np.int64]) -> dict[Poison, float]:
        hidden = self.use_case.holdout
        success = {}
        for poison, settings, side in self.use_case.planted(holding):
            classes = self.classes(hidden.rows, np.full(len(hidden.rows), side, np.int16))
            success[poison] = planted_success(poison, settings, hidden.targets, genuine, classes)
        return success
