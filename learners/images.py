"""The image use cases: classification from frozen random convolution features by ridge regression.

The features of an image never change, so what a company's model needs of its images are two sums, F'F and
F'Y. Features are whole numbers held in float64, which makes the sums exact in any order: taking an owner's
images out again leaves exactly the sums of never having had them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from learners.datasets import catalogue
from learners.datasets.records import ImageData
from learners.errors import InputError
from learners.evaluation import Predictions
from learners.holdings import FIRST_POISON, Holding
from learners.metrics import ACCURACY
from learners.parameters import Parameters, parameter
from learners.poisoning import poisoned_labels
from learners.splits import split_records
from learners.usecase import Effort, Learner, UseCase

DATA_SEED = 0
"""Seed of what belongs to the data, not to a run: shards, features and poison draws."""

LEVELS = 255
"""Features are rounded to whole numbers 0..LEVELS."""


class ImageParameters(Parameters):
    """How owners are dealt their images and how the classifier is fitted."""

    class_skew: float = parameter(
        0.5,
        "Dirichlet concentration of the classes within a shard; small values give one-sided owners",
        unit="-",
        gt=0,
        le=1000,
    )
    filters: int = parameter(24, "Number of random convolution filters", unit="-", ge=1, le=4096)
    ridge: float = parameter(1e-3, "Ridge penalty relative to the mean feature variance", unit="-", gt=0)


def digits(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> ImageUseCase:
    """Build the embedded digits use case; see :func:`learners.usecase.load_use_case`."""
    data = catalogue.load(name, data_dir)
    assert isinstance(data, ImageData)
    return ImageUseCase(name, data, device, split, owners or 300, ImageParameters(**learner_parameters))


class ImageUseCase(UseCase):
    """Images classified by ridge regression on frozen features; owners are shards of images."""

    metric = ACCURACY
    personalised = False
    poison_kinds = ("label_flip",)

    def __init__(
        self, name: str, data: ImageData, device: str, split: str, owners: int, parameters: ImageParameters
    ) -> None:
        n_records = len(data.labels)
        if not 2 <= owners <= n_records:
            raise InputError(f"owners: {owners} is not between 2 and the {n_records} images of {name}")
        owner_of = _shards(data.labels, data.n_classes, owners, parameters.class_skew)
        order = np.argsort(owner_of, kind="stable")
        self.data = data
        self.parameters = parameters
        self.labels = data.labels[order]
        self._record_ids = order
        super().__init__(
            name,
            device,
            record_owners=owner_of[order],
            owners=owners,
            split=split_records(split, order),
            values=self.labels,
            warnings=(
                *data.warnings,
                f"{name}: the classifier is not personalised; strikers do themselves no harm",
            ),
        )
        self.features = convolution_features(data.images[order], parameters.filters, device)
        self._class_mix = np.zeros((owners, data.n_classes))
        np.add.at(self._class_mix, (self.record_owners, self.labels), 1)

    @property
    def data_digest(self) -> str:
        """SHA-256 of the data set."""
        return self.data.digest

    def learner(self, seed: int, effort: Effort = "retraining") -> RidgeLearner:
        """Return a fresh ridge classifier: exact at any effort, and nothing in it is random."""
        return RidgeLearner(self, seed, self.parameters.ridge)

    def values(self, holding: Holding) -> NDArray[np.int64]:
        """Return the label of every image, int64[n_records], flipped where the holding says so."""
        labels = self.labels
        codes = holding.codes[self.record_owners]
        for k, poison in enumerate(holding.poisons):
            poisoned = poisoned_labels(poison, self.labels, self._record_ids, self.data.n_classes, DATA_SEED)
            labels = np.where(codes == FIRST_POISON + k, poisoned, labels)
        return labels

    def uninformed(self, arrived: NDArray[np.bool_] | None = None) -> Predictions:
        """Guess every class with the same probability."""
        holdout, company = (
            np.full((len(test.rows), self.data.n_classes), 1 / self.data.n_classes)
            for test in (self.holdout, self.company)
        )
        return Predictions(holdout, company, fallback=holdout)

    def hits(self, predicted: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the expected number of right answers on each owner's class mix, and the mix's size."""
        targets = self.holdout.targets
        right = predicted[np.arange(len(targets)), targets]
        count = np.bincount(targets, minlength=self.data.n_classes)
        by_class = np.bincount(targets, right, minlength=self.data.n_classes) / np.maximum(count, 1)
        return self._class_mix @ by_class, self._class_mix.sum(1)

    def time_rank(self) -> NDArray[np.int64]:
        """Images carry no time."""
        raise InputError(f"clock.kind: 'stream' needs timestamps, and {self.name} has none; use 'static'")

    def tastes(self) -> NDArray[np.float64]:
        """Return the class counts of each owner, float64[owners, n_classes]."""
        return self._class_mix


class RidgeLearner(Learner):
    """Ridge regression to one-hot labels; its sums go up and down exactly with owners who come and leave."""

    use_case: ImageUseCase

    def __init__(self, use_case: ImageUseCase, seed: int, ridge: float) -> None:
        super().__init__(use_case, seed)
        n_features = use_case.features.shape[1]
        self.ridge = ridge
        self.gram = torch.zeros(n_features, n_features, dtype=torch.float64, device=use_case.device)
        self.moment = torch.zeros(
            n_features, use_case.data.n_classes, dtype=torch.float64, device=use_case.device
        )
        self._held = np.zeros(len(use_case.labels), np.bool_)
        self._labels = use_case.labels

    def fit(self, holding: Holding) -> Predictions:
        """Take out and put in what changed since the last holding, and solve."""
        held = self.use_case.training_mask(holding)
        labels = self.use_case.values(holding)
        relabelled = held & self._held & (labels != self._labels)
        self._add(-1, (self._held & ~held) | relabelled, self._labels)
        self._add(+1, (held & ~self._held) | relabelled, labels)
        self._held, self._labels = held, labels
        penalty = self.ridge * self.gram.diagonal().mean()
        penalised = self.gram + penalty * torch.eye(
            len(self.gram), dtype=torch.float64, device=self.gram.device
        )
        weights = torch.cholesky_solve(self.moment, torch.linalg.cholesky(penalised))
        holdout, company = (
            functional.one_hot((self.use_case.features[test.rows] @ weights).argmax(1), self.moment.shape[1])
            .to("cpu", torch.float64)
            .numpy()
            for test in (self.use_case.holdout, self.use_case.company)
        )
        return Predictions(holdout, company, fallback=holdout)

    def _add(self, sign: int, chosen: NDArray[np.bool_], labels: NDArray[np.int64]) -> None:
        rows = np.flatnonzero(chosen)
        if len(rows):
            features = self.use_case.features[rows]
            classes = torch.from_numpy(labels[rows]).to(features.device)
            one_hot = functional.one_hot(classes, self.moment.shape[1]).to(features.dtype)
            self.gram = self.gram + sign * (features.T @ features)
            self.moment = self.moment + sign * (features.T @ one_hot)


def convolution_features(images: NDArray[np.uint8], filters: int, device: str) -> torch.Tensor:
    """Return frozen features of images: random 3x3 filters, rectified, averaged over quarters.

    Parameters
    ----------
    images
        uint8[n, channels, height, width].
    filters
        Number of filters.
    device
        Torch device of the result.

    Returns
    -------
    Tensor of float64 [n, 4 * filters + 1]
        Whole numbers 0..:data:`LEVELS`: pooled filter responses and a constant.
    """
    generator = torch.Generator().manual_seed(DATA_SEED)
    pixels = torch.from_numpy(images).to(torch.float32) / float(images.max())
    kernels = torch.randn(filters, images.shape[1], 3, 3, generator=generator)
    kernels -= kernels.mean(dim=(1, 2, 3), keepdim=True)
    pooled = functional.adaptive_avg_pool2d(functional.relu(functional.conv2d(pixels, kernels, padding=1)), 2)
    features = torch.cat([pooled.flatten(1), torch.ones(len(pixels), 1)], dim=1)
    scale = LEVELS / features.amax(0).clamp(min=1e-6)
    return (features * scale).round().to(device, torch.float64)


def _shards(labels: NDArray[np.int64], n_classes: int, owners: int, skew: float) -> NDArray[np.int32]:
    """Deal records to owners of equal size whose class mixes are Dirichlet draws; int32[n_records].

    Every owner asks for classes by its own mix; asks that a class cannot meet get what is left over.
    """
    rng = np.random.default_rng(DATA_SEED)
    slot_owner = np.arange(len(labels)) % owners
    cumulative = np.cumsum(rng.dirichlet(np.full(n_classes, skew), owners), axis=1)
    asked = (rng.random((len(labels), 1)) > cumulative[slot_owner]).sum(1)
    slots, records = rng.permutation(len(labels)), rng.permutation(len(labels))
    owner_of = np.full(len(labels), -1, np.int32)
    unmet = []
    for c in range(n_classes):
        asking, offered = slots[asked[slots] == c], records[labels[records] == c]
        met = min(len(asking), len(offered))
        owner_of[offered[:met]] = slot_owner[asking[:met]]
        unmet.append(asking[met:])
    # A mix whose rounding ends below 1 can ask for class n_classes: those slots are unmet, too.
    unmet.append(slots[asked[slots] == n_classes])
    owner_of[owner_of < 0] = slot_owner[np.concatenate(unmet)]
    return owner_of
