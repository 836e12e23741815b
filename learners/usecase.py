"""A use case: a data set, the learner a company would train on it, and how its quality is measured.

Adding one takes a data-set module, a subclass of :class:`UseCase` and an entry in :data:`REGISTRY`.
"""

from __future__ import annotations

import copy
import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from learners.errors import InputError
from learners.evaluation import Evaluation, Predictions, TestSet, evaluate
from learners.holdings import Holding
from learners.leverage import LeverageScale, published_scale
from learners.metrics import Metric
from learners.parameters import Parameters
from learners.reference_fits import Fit, History, ReferenceFits
from learners.splits import COMPANY, HOLDOUT, TRAIN

if TYPE_CHECKING:
    import scipy.sparse as sp


class Entry(NamedTuple):
    """Where a use case is to be found, as ``module:name``; imported only when asked for: models are heavy.

    Attributes
    ----------
    builder
        The function that builds it.
    parameters
        The class of what :func:`load_use_case` takes as parameters of its learner.
    """

    builder: str
    parameters: str


_MOVIELENS = Entry(
    "learners.ratings.use_case:movielens", "learners.ratings.matrix_factorisation:FactorisationParameters"
)

REGISTRY = {
    "digits": Entry("learners.images.use_case:digits", "learners.images.use_case:ImageParameters"),
    "ml-100k": _MOVIELENS,
    "ml-1m": _MOVIELENS,
    "ml-10m": _MOVIELENS,
    "pinterest-20": Entry("learners.topn.use_case:pinterest", "learners.topn.item_knn:ItemKNNParameters"),
    "toxic": Entry("learners.text.use_case:toxic", "learners.text.use_case:TextParameters"),
    "cifar-10": Entry("learners.images.use_case:cifar_resnet", "learners.images.resnet:ResNetParameters"),
    "cifar-10-features": Entry(
        "learners.images.use_case:cifar_features", "learners.images.use_case:PatchParameters"
    ),
}
"""Name of each use case to its entry."""


Effort = Literal["reference", "retraining", "shadow"]
"""What a first fit is for."""


class UseCase(ABC):
    """The records of U owners, who owns them, which of them test, and the learner.

    Attributes
    ----------
    name
        Name in :data:`REGISTRY`.
    owners
        Number of owners U.
    record_owners
        int32[n_records]: owner of each record, ascending.
    records_per_owner
        int64[owners], the test records included.
    split
        int8[n_records]: training, holdout or company test record.
    metric
        The headline quality measure.
    personalised
        Whether the model serves an owner better for knowing the owner's data.
    poison_kinds
        Names of the poison kinds that apply.
    device
        The torch device the learner trains on.
    warnings
        One line for each thing a reader of results should know of the data.
    worlds_at_once
        How many learners are worth training together, see :func:`update_worlds`; each takes memory.
    reference_fits
        Where reference models are kept for further runs; ``None``, the default, where there are none.
    """

    worlds_at_once = 1
    reference_fits: ReferenceFits | None = None
    name: str
    metric: Metric
    personalised: bool
    poison_kinds: tuple[str, ...]
    device: str

    def __init__(
        self,
        name: str,
        device: str,
        record_owners: NDArray[np.int32],
        owners: int,
        split: NDArray[np.int8],
        values: NDArray[Any],
        warnings: tuple[str, ...],
    ) -> None:
        self.name = name
        self.device = device
        self.owners = owners
        self.record_owners = record_owners
        self.records_per_owner = np.bincount(record_owners, minlength=owners)
        self.split = split
        self.warnings = warnings
        self.genuine_values = values
        self.holdout = self._test_set(HOLDOUT)
        self.company = self._test_set(COMPANY)
        if len(self.holdout.rows) < 100:
            self.warnings += (f"{name}: the holdout has only {len(self.holdout.rows)} records",)

    def _test_set(self, code: int) -> TestSet:
        rows = np.flatnonzero(self.split == code)
        return TestSet(rows, self.record_owners[rows], self.genuine_values[rows])

    @property
    def higher_is_better(self) -> bool:
        """Direction of the metric."""
        return self.metric.higher_is_better

    @property
    def has_time(self) -> bool:
        """Whether every record has a timestamp, as a stream clock needs."""
        return False

    @property
    @abstractmethod
    def data_digest(self) -> str:
        """SHA-256 of the data set, before any split."""

    @abstractmethod
    def learner(self, seed: int, effort: Effort = "retraining") -> Learner:
        """Return a fresh learner; everything random in it comes from ``seed``.

        ``effort`` matters to learners that approach their optimum step by step: a ``reference`` is fitted
        until later retrainings have nothing to add, a ``shadow`` is only compared with others like it.
        """

    @abstractmethod
    def values(self, holding: Holding) -> NDArray[Any]:
        """Return the value (rating, label) of each record [n_records], poisoned where the holding says so."""

    @abstractmethod
    def uninformed(self, arrived: NDArray[np.bool_] | None = None) -> Predictions:
        """Return the predictions of the un-personalised, un-informed method that sets the baseline W."""

    @abstractmethod
    def hits(self, predicted: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return hits and relevant counts, each float64[owners], of predictions of the holdout records."""

    @abstractmethod
    def time_rank(self) -> NDArray[np.int64]:
        """Return each record's rank in its owner's time order, from 0, int64[n_records].

        Raises
        ------
        InputError
            If records have no timestamps.
        """

    @abstractmethod
    def tastes(self) -> NDArray[np.float64] | sp.csr_array:
        """Return what makes owners alike, [owners, n_features], dense or scipy sparse."""

    @property
    def groups(self) -> dict[str, NDArray[Any]]:
        """Known groups of owners: name to labels [owners]."""
        return {}

    def training_mask(self, holding: Holding) -> NDArray[np.bool_]:
        """bool[n_records]: the training records in the holding."""
        training: NDArray[np.bool_] = holding.record_mask(self.record_owners) & (self.split == TRAIN)
        return training

    def quality(
        self, predicted: NDArray[np.floating[Any]], targets: NDArray[Any], chosen: NDArray[np.bool_]
    ) -> float:
        """Return the metric over the chosen test records, NaN where none is chosen."""
        return self.metric.of(predicted[chosen], targets[chosen]) if chosen.any() else float("nan")

    def scale(
        self, perspective: str = "holdout", baseline: str = "principled", evaluation: Evaluation | None = None
    ) -> LeverageScale:
        """Return the DLP scale of a use case without a data clock, its reference models fitted with seed 0.

        See :meth:`Reference.scale`; on the company and served views an ``evaluation`` says whose records
        count, without one it is everybody's.
        """
        if baseline == "published":
            return published_scale(self.name)
        if not hasattr(self, "_reference"):
            self._reference = Reference(self, seed=0)
        return self._reference.scale(perspective, evaluation or self._reference.evaluation)


class Learner(ABC):
    """Retrains a model on each holding it is given; cost follows the change since the last one."""

    def __init__(self, use_case: UseCase, seed: int, effort: Effort = "retraining") -> None:
        self.use_case = use_case
        self.seed = seed
        self.effort = effort
        self.evaluation: Evaluation | None = None
        """Of the last model trained, on the holding of this ``digest``."""
        self.digest = ""

    @abstractmethod
    def fit(self, holding: Holding) -> Predictions:
        """Train on the training records of the holding, of which there is at least one, and predict."""

    @classmethod
    def fit_worlds(cls, learners: Sequence[Self], holdings: Sequence[Holding]) -> list[Predictions]:
        """Fit learners of one use case, each to its holding; one batch where a subclass has that faster."""
        return [learner.fit(holding) for learner, holding in zip(learners, holdings, strict=True)]

    def update(self, holding: Holding, uninformed: Predictions | None = None) -> Evaluation:
        """Retrain on exactly this holding and measure; the same holding again costs nothing.

        A holding without a training record is served by ``uninformed``, by default the un-informed method
        on everything.
        """
        return update_worlds([self], [holding], uninformed)[0]

    def fork(self, effort: Effort = "retraining") -> Learner:
        """Return a learner that continues from this one's state; neither sees what the other does next.

        Implementations replace their state, never write into it, so a shallow copy is enough.
        """
        twin = copy.copy(self)
        twin.effort = effort
        return twin


def update_worlds(
    learners: Sequence[Learner], holdings: Sequence[Holding], uninformed: Predictions | None = None
) -> list[Evaluation]:
    """Update learners of one kind and use case, each with its holding, as :meth:`Learner.update` does one.

    Worlds that differ only in holdings train as one batch where that is faster.
    """
    trainable = [
        learner.use_case.training_mask(holding).any()
        for learner, holding in zip(learners, holdings, strict=True)
    ]
    digests = [holding.digest for holding in holdings]
    due = [w for w, learner in enumerate(learners) if trainable[w] and learner.digest != digests[w]]
    if due:
        fitted = type(learners[0]).fit_worlds([learners[w] for w in due], [holdings[w] for w in due])
        for w, predictions in zip(due, fitted, strict=True):
            learners[w].evaluation = evaluate(learners[w].use_case, predictions, holdings[w])
            learners[w].digest = digests[w]
    evaluations = []
    for learner, holding, trained in zip(learners, holdings, trainable, strict=True):
        if trained:
            assert learner.evaluation is not None
            evaluations.append(learner.evaluation)
        else:
            use_case = learner.use_case
            evaluations.append(evaluate(use_case, uninformed or use_case.uninformed(), holding))
    return evaluations


class Reference:
    """The two reference models of a run: the un-informed method (W) and the learner on everything (B).

    Their predictions are kept, so that on every perspective W and B are measured on exactly the records
    that a quality is measured on: the comparison is paired.
    """

    def __init__(self, use_case: UseCase, seed: int, arrived: NDArray[np.bool_] | None = None) -> None:
        self.use_case = use_case
        self.learner = use_case.learner(seed, effort="reference")
        self._history = History("", str(seed))
        self.refit(arrived)

    def refit(self, arrived: NDArray[np.bool_] | None) -> None:
        """Fit both on everything that has arrived (``None``: on everything)."""
        holding = Holding.full(self.use_case.owners, arrived)
        self._history = self._history.then(holding.digest)
        kept = self.use_case.reference_fits
        fit = None if kept is None else kept.get(self._history)
        if fit is not None and fit.learner.evaluation is not None:
            self.learner, self.uninformed = fit
            self.evaluation = fit.learner.evaluation
            return
        self.uninformed = self.use_case.uninformed(arrived)
        self.evaluation = self.learner.update(holding)
        if kept is not None and self.learner.digest == holding.digest:
            kept.put(self._history, Fit(self.learner, self.uninformed))

    def scale(self, perspective: str, evaluation: Evaluation) -> LeverageScale:
        """Return W and B on the records that ``evaluation`` was measured on from this perspective."""
        view = evaluation.views[perspective]
        test = "company" if perspective == "company" else "holdout"
        worst, best = (
            self.use_case.quality(getattr(model, test), view.targets, view.chosen)
            for model in (self.uninformed, self.evaluation.predictions)
        )
        return LeverageScale(worst, best)

    def loss(self, predicted: NDArray[np.floating[Any]], served: NDArray[np.bool_]) -> float:
        """Return the normalised loss of those served, bool[owners]: 0 at the best model, 1 at the baseline.

        ``predicted`` are predictions of the holdout records; with no record of theirs, of all records.
        """
        holdout = self.use_case.holdout
        chosen = served[holdout.owners]
        if not chosen.any():
            chosen = np.ones(len(chosen), np.bool_)
        q, worst, best = (
            self.use_case.quality(p, holdout.targets, chosen)
            for p in (predicted, self.uninformed.holdout, self.evaluation.predictions.holdout)
        )
        return float(LeverageScale(worst, best).strike(q))


def load_use_case(
    name: str,
    data_dir: Path | str | None = None,
    device: str = "auto",
    split: str = "live",
    owners: int | None = None,
    **learner_parameters: object,
) -> UseCase:
    """Load a use case by name.

    Parameters
    ----------
    name
        A key of :data:`REGISTRY`.
    data_dir
        Folder with the data sets; the default is the platform's (see ``data-leverage data list``).
    device
        ``auto``, ``cpu`` or ``cuda``.
    split
        See :func:`learners.splits.split_records`.
    owners
        Raters to sample, or shards to deal the records of a point data set into.
    learner_parameters
        Parameters of the learner.

    Raises
    ------
    InputError
        If the name, a parameter or the data are not usable.
    """
    if name not in REGISTRY:
        raise InputError(f"use_case: '{name}' is not one of {', '.join(REGISTRY)}")
    build = _found(REGISTRY[name].builder)
    try:
        use_case: UseCase = build(
            name,
            None if data_dir is None else Path(data_dir),
            torch_device(device),
            split,
            owners,
            learner_parameters,
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(parameters_of(name).model_fields)
            raise InputError(f"learner parameter '{key}' is not one of {known}") from None
        raise InputError(f"learner parameter {key}: {first['msg']} (got {first['input']!r})") from None
    return use_case


def parameters_of(name: str) -> type[Parameters]:
    """Return the class of the parameters of a use case's learner."""
    found: type[Parameters] = _found(REGISTRY[name].parameters)
    return found


def _found(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def torch_device(device: str) -> str:
    """Resolve ``auto`` to the best device at hand.

    Raises
    ------
    InputError
        If the device is unknown or absent.
    """
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device: '{device}' is not one of auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: 'cuda' was asked for, but torch sees no CUDA device; use 'auto' or 'cpu'")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
