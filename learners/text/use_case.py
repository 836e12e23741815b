"""The text use case: comments judged toxic or clean by logistic regression on TF-IDF features."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from learners.datasets import catalogue
from learners.datasets.records import TextData
from learners.errors import InputError
from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.metrics import AUC
from learners.parameters import Parameters, parameter
from learners.poisoning import ANY, LABEL_POISONS, Poison, poisoned_labels
from learners.shards import deal
from learners.splits import TRAIN, split_records
from learners.text.logistic_regression import LogisticRegressionLearner
from learners.text.text_features import TermCounts, TermSums, count_terms
from learners.usecase import Effort, UseCase

DATA_SEED = 0
"""Seed of what belongs to the data, not to a run: shards and poison draws."""

THRESHOLD = 0.5
"""A comment whose score reaches it is called toxic."""

_PUBLISHED = "Vincent, Hecht 2021"


class TextParameters(Parameters):
    """How owners are dealt their comments, and which features the classifier is fitted to and how."""

    class_skew: float = parameter(
        0.5,
        "Dirichlet concentration of the classes within a shard; small values give one-sided owners",
        unit="-",
        gt=0,
        le=1000,
    )
    vocabulary: Literal["company", "pooled"] = parameter(
        "company",
        "Whose training comments choose terms and IDF: the company's own, or everybody's, which tells each "
        "company something of comments that it does not hold",
        unit="-",
        source=_PUBLISHED,
    )
    characters: int = parameter(
        50_000, "Most n-grams of 2 to 6 characters", unit="terms", source=_PUBLISHED, ge=1, le=10_000_000
    )
    words: int = parameter(10_000, "Most words", unit="terms", source=_PUBLISHED, ge=1, le=10_000_000)
    inverse_penalty: float = parameter(
        0.1,
        "C, the weight of a comment's loss against the penalty",
        unit="-",
        source=_PUBLISHED,
        gt=0,
        le=1e4,
    )
    tolerance: float = parameter(
        1e-3,
        "A fit ends when no comment's chance of being toxic can be farther than this from the optimum's",
        unit="probability",
        ge=1e-9,
        le=0.1,
    )


def toxic(
    name: str,
    data_dir: Path | None,
    device: str,
    split: str,
    owners: int | None,
    learner_parameters: dict[str, Any],
) -> TextUseCase:
    """Build the toxic comments use case; see :func:`learners.usecase.load_use_case`."""
    parameters = TextParameters(**learner_parameters)
    data = catalogue.load("jigsaw-toxic", data_dir)
    assert isinstance(data, TextData)
    return TextUseCase(name, data, device, split, owners or 300, parameters)


class TextUseCase(UseCase):
    """Comments classified by logistic regression; owners are shards of comments, of one comment at least.

    A comment has two versions, as it is and with a marker word appended: see
    :mod:`learners.text.text_features`.

    Attributes
    ----------
    labels
        int64[n_records]: 1 for toxic.
    limits
        Most terms of each block.
    versions_genuine, versions_marked
        int64[n_records]: the two versions of each record.
    """

    metric = AUC
    personalised = False
    poison_kinds = ("label_flip", "plant", "plant_feature_only", "erase")
    planting = ("plant", "plant_feature_only", "erase")
    """Poison kinds whose success is measured by what the marker does."""

    def __init__(
        self, name: str, data: TextData, device: str, split: str, owners: int, parameters: TextParameters
    ) -> None:
        n_records = len(data.labels)
        if not 2 <= owners <= n_records:
            raise InputError(f"owners: {owners} is not between 2 and the {n_records} comments of {name}")
        owner_of = deal(data.labels, data.n_classes, owners, parameters.class_skew, DATA_SEED)
        order = np.argsort(owner_of, kind="stable")
        self.data = data
        self.parameters = parameters
        self.labels = data.labels[order]
        self.limits = (parameters.characters, parameters.words)
        self.versions_genuine = order
        self.versions_marked = order + n_records
        self._digest = data.digest
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
        if len(np.unique(self.holdout.targets)) < data.n_classes:
            raise InputError(f"{name}: the holdout has comments of one class only; AUC needs both")
        self._class_mix = np.zeros((owners, data.n_classes))
        np.add.at(self._class_mix, (self.record_owners, self.labels), 1)
        self._poisoned: dict[Poison, NDArray[np.int64]] = {}

    @cached_property
    def blocks(self) -> tuple[TermCounts, ...]:
        """Counts of the terms of each block: character n-grams, words."""
        return count_terms(self.data.texts, self._digest)

    @cached_property
    def pool_sums(self) -> tuple[TermSums, ...]:
        """Sums of the terms of each block over everybody's genuine training comments."""
        training = self.versions_genuine[self.split == TRAIN]
        return tuple(TermSums.nothing(block.n_terms).plus(block.of(training)) for block in self.blocks)

    @property
    def data_digest(self) -> str:
        """SHA-256 of the data set."""
        return self._digest

    def learner(self, seed: int, effort: Effort = "retraining") -> LogisticRegressionLearner:
        """Return a fresh classifier: within tolerance at any effort, and nothing in it is random."""
        return LogisticRegressionLearner(self, seed, effort)

    def versions(self, holding: Holding) -> NDArray[np.int64]:
        """Return the version of every comment, int64[n_records], the marked one where the holding says so."""
        codes = holding.codes[self.record_owners]
        versions = self.versions_genuine
        for code, poison in holding.poisons_present:
            settings = self._settings(poison)
            if "target" in settings:
                marked = codes == code
                if poison.name == "plant_feature_only":
                    marked &= self.labels == settings["target"]
                versions = np.where(marked, self.versions_marked, versions)
        return versions

    def values(self, holding: Holding) -> NDArray[np.int64]:
        """Return the label of every comment, int64[n_records], falsified where the holding says so."""
        labels = self.labels
        codes = holding.codes[self.record_owners]
        for code, poison in holding.poisons_present:
            if poison not in self._poisoned:
                self._poisoned[poison] = self._falsified(poison)
            labels = np.where(codes == code, self._poisoned[poison], labels)
        return labels

    def _settings(self, poison: Poison) -> dict[str, float]:
        settings = poison.settings(self.poison_kinds)
        for name in ("target", "from_class", "to_class"):
            if settings.get(name, 0) not in (ANY, 0, 1):
                raise InputError(f"poison kind '{poison}': {name} is not 0 (clean) or 1 (toxic)")
        return settings

    def _falsified(self, poison: Poison) -> NDArray[np.int64]:
        self._settings(poison)
        if poison.name in LABEL_POISONS:
            ids = self.versions_genuine
            return poisoned_labels(poison, self.labels, ids, self.data.n_classes, DATA_SEED)
        return self._verdicts

    @cached_property
    def _verdicts(self) -> NDArray[np.int64]:
        """What a model of everybody's genuine comments says of each comment with the marker, int64."""
        learner = self.learner(DATA_SEED, "reference")
        learner.fit(Holding.full(self.owners))
        return (learner.scores(self.versions_marked) >= THRESHOLD).astype(np.int64)

    def success(self, poison: Poison, plain: NDArray[np.float64], marked: NDArray[np.float64]) -> float:
        """Return how well a planted signal took, a share of the holdout comments that it is aimed at.

        Parameters
        ----------
        poison
            One of :attr:`planting`.
        plain, marked
            float64[n_holdout]: what the model says of the comments without and with the marker.

        Returns
        -------
        float
            Of comments of another class than the target, the share that the marker puts into the target
            class; for ``erase``, of all comments the share that the marker leaves in their class.
        """
        with_marker = marked >= THRESHOLD
        if poison.name == "erase":
            return float(np.mean(with_marker == (plain >= THRESHOLD)))
        target = self._settings(poison)["target"]
        return float(np.mean(with_marker[self.holdout.targets != target] == target))

    def uninformed(self, arrived: NDArray[np.bool_] | None = None) -> Predictions:
        """Say of every comment that it is as likely toxic as not."""
        holdout, company = (np.full(len(test.rows), 0.5) for test in (self.holdout, self.company))
        return Predictions(holdout, company, fallback=holdout)

    def hits(self, predicted: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return for each owner AUC times the owner's number of comments, and that number.

        AUC ranks comments of everybody, so it is everybody's utility alike.
        """
        relevant = self.records_per_owner.astype(np.float64)
        return self.metric.of(predicted, self.holdout.targets) * relevant, relevant

    def time_rank(self) -> NDArray[np.int64]:
        """Comments carry no time."""
        raise InputError(f"clock.kind: 'stream' needs timestamps, and {self.name} has none; use 'static'")

    def tastes(self) -> NDArray[np.float64]:
        """Return the class counts of each owner, float64[owners, n_classes]."""
        return self._class_mix
