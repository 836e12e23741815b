"""The learner of a network that is trained whole on every holding, and never twice on the same."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.images.poisoned_images import planted_success
from learners.images.resnet import CODE_VERSION, Classifier, ResNetParameters, half_precision
from learners.result_cache import cached
from learners.usecase import Learner

if TYPE_CHECKING:
    from learners.images.use_case import ResNetImageUseCase

logger = logging.getLogger(__name__)

WORTH_TELLING = 60.0
"""Seconds: a training that is estimated to take longer is announced."""

_TIMED_IMAGES = 64
_TIMED_STEPS = 2


class ResNetLearner(Learner):
    """A ResNet-9 trained from scratch on each holding; what it says of the test records is kept on disk."""

    use_case: ResNetImageUseCase

    def __init__(self, use_case: ResNetImageUseCase, seed: int, parameters: ResNetParameters) -> None:
        super().__init__(use_case, seed)
        self.parameters = parameters

    def fit(self, holding: Holding) -> Predictions:
        """Train, or take from the cache what a training on exactly this holding gave."""
        use_case = self.use_case
        planted = list(use_case.planted(holding))
        found = cached("resnet", self._depends_on(holding), lambda: self._trained(holding))
        hidden = use_case.holdout
        genuine = found["holdout"].astype(np.int64)
        one_hot = np.eye(use_case.data.n_classes)
        return Predictions(
            one_hot[genuine],
            one_hot[found["company"]],
            fallback=one_hot[genuine],
            planted={
                poison: planted_success(
                    poison, settings, hidden.targets, genuine, found[f"stamped_{side}"].astype(np.int64)
                )
                for poison, settings, side in planted
            },
        )

    def estimate(self, n_images: int) -> float:
        """Return about how many seconds a training on so many images takes, predictions included.

        A few steps of a network of this size are timed, once for a learner and its forks.
        """
        train, predict = self._seconds_per_image
        batch = self.parameters.batch_size
        trained = n_images // batch * batch * self.parameters.epochs
        predicted = len(self.use_case.holdout.rows) + len(self.use_case.company.rows)
        return trained * train + predicted * predict

    @cached_property
    def _seconds_per_image(self) -> tuple[float, float]:
        """Seconds an image of training and of prediction."""
        n = min(_TIMED_IMAGES, self.parameters.batch_size)
        short = self.parameters.model_copy(update={"batch_size": n, "epochs": 1})
        classifier = Classifier(short, self.use_case.data.n_classes, 0, self.use_case.device)
        images = torch.from_numpy(self.use_case.images[np.arange(n)])
        labels = torch.from_numpy(self.use_case.labels[:n])
        return (
            _seconds(lambda: classifier.train(images, labels), self.use_case.device) / n,
            _seconds(lambda: classifier.classes(images), self.use_case.device) / n,
        )

    def _depends_on(self, holding: Holding) -> dict[str, Any]:
        half = half_precision(self.parameters.precision, self.use_case.device)
        return {
            "data": self.use_case.data_digest,
            "layout": self.use_case.layout,
            "holding": holding.digest,
            "parameters": self.parameters.model_dump(mode="json"),
            "seed": self.seed,
            "device": torch.device(self.use_case.device).type,
            "precision": str(half),
            "torch": torch.__version__,
            "version": CODE_VERSION,
        }

    def _trained(self, holding: Holding) -> dict[str, NDArray[Any]]:
        use_case = self.use_case
        rows = np.flatnonzero(use_case.training_mask(holding))
        seconds = self.estimate(len(rows))
        if seconds > WORTH_TELLING:
            logger.warning(
                "%s: training on %d images takes an estimated %.1f minutes",
                use_case.name,
                len(rows),
                seconds / 60,
            )
        sides = use_case.patch_sides(holding)
        classifier = Classifier(self.parameters, use_case.data.n_classes, self.seed, use_case.device)
        classifier.train(self._inputs(rows, sides[rows]), torch.from_numpy(use_case.values(holding)[rows]))

        def classes(rows: NDArray[np.int64], sides: NDArray[np.int16]) -> NDArray[np.uint8]:
            return classifier.classes(self._inputs(rows, sides)).numpy().astype(np.uint8)

        hidden, company = use_case.holdout.rows, use_case.company.rows
        result = {"holdout": classes(hidden, sides[hidden] * 0), "company": classes(company, sides[company])}
        for side in {side for _, _, side in use_case.planted(holding)}:
            result[f"stamped_{side}"] = classes(hidden, np.full(len(hidden), side, np.int16))
        return result

    def _inputs(self, rows: NDArray[np.int64], sides: NDArray[np.int16]) -> Tensor:
        return torch.from_numpy(self.use_case.inputs(rows, sides))


def _seconds(run: Callable[[], object], device: str) -> float:
    """Return the mean wall time of a call after a first one."""
    run()
    _wait_for(device)
    start = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        run()
    _wait_for(device)
    return (time.perf_counter() - start) / _TIMED_STEPS


def _wait_for(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
