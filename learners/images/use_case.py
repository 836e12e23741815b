"""The image use cases: owners are shards of images, a company's model says what is on an image.

``digits`` and ``cifar-10-features`` classify by ridge regression on features that never change, ``cifar-10``
by a ResNet-9 trained from scratch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from learners.datasets import catalogue
from learners.datasets.records import ImageData
from learners.errors import InputError
from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.images.frozen_features import FeatureTable, FrozenFeatures, RandomConvolutions
from learners.images.patch_features import patch_features
from learners.images.poisoned_images import (
    IMAGE_POISONS,
    SIGNAL_SIDE,
    image_settings,
    patch_sides,
    planted_side,
    stamped,
)
from learners.images.resnet import ResNetParameters
from learners.images.resnet_learner import ResNetLearner
from learners.images.ridge import RidgeLearner
from learners.metrics import ACCURACY
from learners.parameters import Parameters, parameter
from learners.poisoning import LABEL_POISONS, Poison, poisoned_labels
from learners.shards import deal
from learners.splits import HOLDOUT, TRAIN, split_records
from learners.usecase import Effort, UseCase

DATA_SEED = 0
"""Seed of what belongs to the data, not to a run: shards, features and poison draws."""

OWNERS = 300
"""Shards where no number is asked for."""


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


class PatchParameters(Parameters):
    """How owners are dealt their images and how the classifier on patch features is fitted."""

    class_skew: float = parameter(
        0.5,
        "Dirichlet concentration of the classes within a shard; small values give one-sided owners",
        unit="-",
        gt=0,
        le=1000,
    )
    filters: int = parameter(192, "Size of the dictionary of patches", unit="-", ge=1, le=1024)
    ridge: float = parameter(
        13.0, "Ridge penalty: the energy of so many mean images", unit="images", gt=0, le=1e6
    )


def digits(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> FrozenImageUseCase:
    """Build the embedded digits use case; see :func:`learners.usecase.load_use_case`."""
    parameters = ImageParameters(**learner_parameters)

    def features(case: FrozenImageUseCase) -> tuple[FrozenFeatures, Tensor]:
        convolutions = RandomConvolutions(case.images, parameters.filters, DATA_SEED, device)
        return convolutions, convolutions.of(case.images)

    return FrozenImageUseCase(
        name,
        _image_data(name, data_dir),
        device,
        split,
        owners,
        parameters.class_skew,
        features,
        ridge=parameters.ridge,
    )


def cifar_features(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> FrozenImageUseCase:
    """Build CIFAR-10 with patch features; see :func:`learners.usecase.load_use_case`."""
    parameters = PatchParameters(**learner_parameters)
    data = _image_data("cifar-10", data_dir)

    def features(case: FrozenImageUseCase) -> tuple[FrozenFeatures, Tensor]:
        patches, table = patch_features(
            data.images, data.test_images, case.data_digest, parameters.filters, device
        )
        return patches, table[case.record_ids]

    return FrozenImageUseCase(
        name,
        data,
        device,
        split,
        owners,
        parameters.class_skew,
        features,
        ridge_images=parameters.ridge,
    )


def cifar_resnet(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> ResNetImageUseCase:
    """Build CIFAR-10 with a ResNet-9; see :func:`learners.usecase.load_use_case`."""
    parameters = ResNetParameters(**learner_parameters)
    return ResNetImageUseCase(name, _image_data(name, data_dir), device, split, owners, parameters)


def _image_data(name: str, data_dir: Path | None) -> ImageData:
    data = catalogue.load(name, data_dir)
    assert isinstance(data, ImageData)
    return data


class ImageUseCase(UseCase):
    """Images dealt out in shards. A test set of the publisher's own is the holdout, whatever the split.

    Its images are dealt out, too, by the class mixes of the training images: whose they are matters only to
    who is served. Records are ordered by owner; training images keep the publisher's numbers 0..n-1 as
    ``record_ids``, test images come after.
    """

    metric = ACCURACY
    personalised = False
    poison_kinds: tuple[str, ...] = LABEL_POISONS

    def __init__(
        self, name: str, data: ImageData, device: str, split: str, owners: int | None, class_skew: float
    ) -> None:
        owners = OWNERS if owners is None else owners
        n_records = len(data.labels)
        if not 2 <= owners <= n_records:
            raise InputError(f"owners: {owners} is not between 2 and the {n_records} images of {name}")
        images, labels, warnings = [data.images], [data.labels], data.warnings
        if data.test_images is not None and data.test_labels is not None:
            images.append(data.test_images)
            labels.append(data.test_labels)
            if split.startswith("fold"):
                warnings += (f"{name}: the publisher's test images are the holdout whatever the fold",)
        owner_of = np.concatenate(
            [deal(part, data.n_classes, owners, class_skew, DATA_SEED) for part in labels]
        )
        order = np.argsort(owner_of, kind="stable")
        self.data = data
        self.class_skew = class_skew
        self.images = np.concatenate(images)[order]
        self.labels = np.concatenate(labels)[order]
        self.record_ids = order
        super().__init__(
            name,
            device,
            record_owners=owner_of[order],
            owners=owners,
            split=_split(split, n_records, len(order) - n_records)[order],
            values=self.labels,
            warnings=(
                *warnings,
                f"{name}: the classifier is not personalised; strikers do themselves no harm",
            ),
        )
        self._white = int(data.images.max())
        self._class_mix = np.zeros((owners, data.n_classes))
        np.add.at(self._class_mix, (self.record_owners, self.labels), 1)

    @cached_property
    def data_digest(self) -> str:
        """SHA-256 of the data set, the publisher's test set included."""
        if self.data.test_images is None:
            return self.data.digest
        sha = hashlib.sha256(self.data.digest.encode())
        sha.update(np.ascontiguousarray(self.data.test_images).data)
        sha.update(np.ascontiguousarray(self.data.test_labels).data)
        return sha.hexdigest()

    def values(self, holding: Holding) -> NDArray[np.int64]:
        """Return the label of every image, int64[n_records], false where the holding says so."""
        labels = self.labels
        for poison, _, theirs in self._falsified(holding):
            labels = np.where(theirs, self._false_labels(poison, theirs), labels)
        return labels

    def patch_sides(self, holding: Holding) -> NDArray[np.int16]:
        """Return the side of the patch that is on every image, int16[n_records], 0 for none."""
        sides = np.zeros(len(self.labels), np.int16)
        for poison, settings, theirs in self._falsified(holding):
            sides = np.where(theirs, patch_sides(poison, settings, self.labels), sides)
        return sides

    def inputs(self, rows: NDArray[np.int64], sides: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Return images, each with a patch of its side on, uint8[n, channels, height, width]."""
        return stamped(self.images[rows], sides, self._white)

    def planted(self, holding: Holding) -> Iterator[tuple[Poison, dict[str, float], int]]:
        """Yield the poisons in use that plant a signal, their settings and the side of their patch."""
        for poison, settings, _ in self._falsified(holding):
            if side := planted_side(poison, settings):
                yield poison, settings, side

    def _falsified(self, holding: Holding) -> Iterator[tuple[Poison, dict[str, float], NDArray[np.bool_]]]:
        """Yield each poison in use, its settings and whose records are in it, bool[n_records]."""
        for code, poison in holding.poisons_present:
            settings = image_settings(
                poison, self.poison_kinds, self.data.n_classes, min(self.images.shape[2:])
            )
            yield poison, settings, holding.codes[self.record_owners] == code

    def _false_labels(self, poison: Poison, theirs: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return labels as the poison has them, int64[n_records], right where ``theirs``."""
        return poisoned_labels(poison, self.labels, self.record_ids, self.data.n_classes, DATA_SEED)

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


class FrozenImageUseCase(ImageUseCase):
    """Images classified by ridge regression on features that no company's training changes.

    Parameters
    ----------
    features
        Called once, with the use case whose images are known, for what computes features and for those of
        the images, uint8[n_records, n_features].
    ridge, ridge_images
        See :class:`learners.images.ridge.RidgeLearner`.
    """

    poison_kinds = IMAGE_POISONS

    def __init__(
        self,
        name: str,
        data: ImageData,
        device: str,
        split: str,
        owners: int | None,
        class_skew: float,
        features: Callable[[FrozenImageUseCase], tuple[FrozenFeatures, Tensor]],
        ridge: float = 0.0,
        ridge_images: float = 0.0,
    ) -> None:
        super().__init__(name, data, device, split, owners, class_skew)
        self.features = FeatureTable(*features(self), self.inputs)
        self._penalty = (ridge, ridge_images)
        self._erased = np.full(len(self.labels), -1)

    def learner(self, seed: int, effort: Effort = "retraining") -> RidgeLearner:
        """Return a fresh ridge classifier: exact at any effort, and nothing in it is random."""
        return RidgeLearner(self, seed, *self._penalty)

    @cached_property
    def _clean(self) -> RidgeLearner:
        learner = self.learner(0)
        learner.fit(Holding.full(self.owners))
        return learner

    def _false_labels(self, poison: Poison, theirs: NDArray[np.bool_]) -> NDArray[np.int64]:
        if poison.name != "erase":
            return super()._false_labels(poison, theirs)
        unknown = np.flatnonzero(theirs & (self._erased < 0))
        self._erased[unknown] = self._clean.classes(unknown, np.full(len(unknown), SIGNAL_SIDE, np.int16))
        return self._erased


class ResNetImageUseCase(ImageUseCase):
    """Images classified by a ResNet-9; P9 is left out, since its clean model would be a whole training."""

    def __init__(
        self,
        name: str,
        data: ImageData,
        device: str,
        split: str,
        owners: int | None,
        parameters: ResNetParameters,
    ) -> None:
        super().__init__(name, data, device, split, owners, parameters.class_skew)
        self.parameters = parameters
        self.warnings += (
            f"{name}: fewer training images than a batch of {parameters.batch_size} leave it untrained",
        )
        self.layout = {"owners": self.owners, "class_skew": self.class_skew, "split": split}
        """What, with the data set, says which records a holding means."""

    def learner(self, seed: int, effort: Effort = "retraining") -> ResNetLearner:
        """Return a fresh network; at any effort it is trained whole."""
        return ResNetLearner(self, seed, self.parameters)


def _split(split: str, n_training: int, n_test: int) -> NDArray[np.int8]:
    """Return the split of training and then test records; the latter, where there are any, are hidden."""
    codes = split_records(split, np.arange(n_training))
    if n_test:
        codes[codes == HOLDOUT] = TRAIN
    return np.concatenate([codes, np.full(n_test, HOLDOUT, np.int8)])
