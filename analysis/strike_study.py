"""The protocol of "Data Strikes" (Vincent, Hecht and Sen 2019) on MovieLens, run with our learner or theirs.

People strike: their ratings leave the training data, and they go on being served, by the fallback of a model
that does not know them. Cross-validation in K folds puts a K-th of everybody's ratings, the strikers'
included, into each test set. Quality is surfaced hits, always over the same K-th of all relevant ratings.

Every trained model is one run. Whose strike it is depends on the seed, the size and the sample alone; the
strikers of a sample are the same in every fold.

Core Objects: run_strikes, StrikePlan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abm.streams import Streams
from analysis.group_strikes import Groups, groups_of, half_of
from analysis.run_log import RunLog
from analysis.run_pool import measure
from analysis.surprise_svd import svd_predictions
from learners.errors import InputError
from learners.holdings import Holding
from learners.ratings.use_case import RELEVANT, RatingUseCase
from learners.usecase import REGISTRY, Learner, load_use_case

SIZES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.375, 0.5, 0.8, 0.99)
"""Shares of people who strike; the published numbers at hand are of .3 and .375."""

SAMPLES = 3
FOLDS = 5

WARM = 0.5
"""Strikes of up to this share are retrained from the model of everything.

A company that lost more trains afresh: few ratings move a model too slowly from where the lost ones put it.
"""

LearnerName = Literal["ours", "surprise"]
Predicted = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class StrikePlan:
    """What is to be measured.

    Attributes
    ----------
    sizes
        Shares of people who strike.
    samples
        Random draws of strikers at each size, and of halves of each group.
    folds
        K of the cross-validation.
    learner
        Our matrix factorisation, or the SVD of scikit-surprise.
    groups
        Whether halves of groups strike, too.
    """

    use_case: str = "ml-1m"
    sizes: tuple[float, ...] = SIZES
    samples: int = SAMPLES
    folds: int = FOLDS
    learner: LearnerName = "ours"
    groups: bool = False


@dataclass(frozen=True)
class StrikeRun:
    """One model: who strikes, in which sample and fold.

    ``kind`` is ``none``, ``random`` (a share ``size`` of all people) or the kind of group of which a half
    strikes, ``label`` the group.
    """

    learner: LearnerName
    kind: str
    label: str
    size: float
    sample: int
    fold: int

    @property
    def key(self) -> dict[str, Any]:
        """What tells a run from all others."""
        return asdict(self)


def run_strikes(
    log: RunLog,
    plan: StrikePlan,
    *,
    seed: int,
    workers: int = 1,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Measure what of a plan is not in the log yet; the parameters are those of a contribution study.

    Raises
    ------
    InputError
        If the use case is no rating use case, the data or the learner are not there, or the log belongs to
        other data.
    """
    first = FoldLoading(plan.use_case, data_dir, device, 1, plan.folds)
    use_case = first()
    log.claim(plan.use_case, _described(use_case, plan.folds))
    groups = groups_of(use_case) if plan.groups else {}
    runs = _planned(plan, groups)
    pending = [run for run in runs if run.key not in log]
    batches = [
        FoldBatch(FoldLoading(plan.use_case, data_dir, device, fold, plan.folds), seed, chosen)
        for fold in range(1, plan.folds + 1)
        if (chosen := tuple(run for run in pending if run.fold == fold))
    ]
    done = len(runs) - len(pending)
    if progress:
        progress(f"{plan.use_case}: {done} of {len(runs)} runs are in the log", done, len(runs))

    def finished(key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        nonlocal done
        log.append(key, result)
        done += 1
        if progress:
            who = f"{key['label']} #{key['sample'] + 1}" if key["label"] else f"strike of {key['size']:g}"
            what = f"{plan.use_case}: fold {key['fold']}, {who}, {result['cpu_seconds']:.1f} s"
            progress(what, done, len(runs))

    measure(batches, workers, finished)


def _planned(plan: StrikePlan, groups: Groups) -> list[StrikeRun]:
    runs = []
    for fold in range(1, plan.folds + 1):
        runs.append(StrikeRun(plan.learner, "none", "", 0.0, 0, fold))
        for sample in range(plan.samples):
            runs += [StrikeRun(plan.learner, "random", "", size, sample, fold) for size in plan.sizes]
            runs += [StrikeRun(plan.learner, *group, 0.5, sample, fold) for group in groups]
    return runs


def _described(use_case: RatingUseCase, folds: int) -> dict[str, Any]:
    return {
        "data": use_case.data_digest,
        "folds": folds,
        "people": use_case.owners,
        "ratings": len(use_case.record_owners),
        "hits_per_fold": int(np.count_nonzero(use_case.data.ratings >= RELEVANT)) / folds,
        "device": use_case.device,
        "warnings": list(use_case.warnings),
    }


@dataclass(frozen=True)
class FoldLoading:
    """How a process gets at one fold; the last one loaded is kept."""

    name: str
    data_dir: Path | None
    device: str
    fold: int
    folds: int

    def __call__(self) -> RatingUseCase:
        """Return the use case whose holdout is this fold."""
        return _loaded(self)


@lru_cache(maxsize=1)
def _loaded(load: FoldLoading) -> RatingUseCase:
    if not load.name.startswith("ml-"):
        rated = ", ".join(name for name in REGISTRY if name.startswith("ml-"))
        raise InputError(f"use_case: '{load.name}' has no ratings; strikes are measured on {rated}")
    use_case = load_use_case(load.name, load.data_dir, load.device, split=f"fold:{load.fold}/{load.folds}")
    assert isinstance(use_case, RatingUseCase)
    return use_case


@dataclass(frozen=True)
class FoldBatch:
    """The runs of one fold that are to be measured."""

    load: FoldLoading
    seed: int
    runs: tuple[StrikeRun, ...]

    def __len__(self) -> int:
        return len(self.runs)

    def measure(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield key and result of each run as it finishes."""
        use_case = self.load()
        groups = groups_of(use_case)
        start = time.process_time()  # the first run is told to have cost what all of them share
        company = _Company(use_case, self.runs[0].learner)
        item_means = _by_owner(use_case, use_case.uninformed().holdout)
        before = _by_owner(use_case, company.full)
        nobody = np.zeros(use_case.owners, np.bool_)
        for run in self.runs:
            strikers, masks = nobody, {"all": ~nobody}
            if run.kind == "random":
                strikers = _random_strikers(run, use_case, self.seed)
            elif run.kind != "none":
                members = groups[run.kind, run.label]
                strikers = half_of(members, run.kind, run.label, run.sample, self.seed)
                masks |= {"similar": members & ~strikers, "others": ~members}
            if strikers.any():
                masks |= {"participants": strikers, "non_participants": ~strikers}
            after = _by_owner(use_case, company.without(strikers)) if strikers.any() else before
            served = {"item_mean": item_means, "before": before, "after": after}
            result = {
                "missing": float(use_case.records_per_owner[strikers].sum() / len(use_case.record_owners)),
                "who": {name: _summed(mask, served) for name, mask in masks.items()},
                "cpu_seconds": time.process_time() - start,
            }
            yield run.key, result
            start = time.process_time()


def _random_strikers(run: StrikeRun, use_case: RatingUseCase, seed: int) -> NDArray[np.bool_]:
    """Draw who strikes, bool[owners]; a larger strike of a sample is another draw, not one that grew."""
    order = Streams(seed).generator(f"strikers/{run.size!r}", run.sample).permutation(use_case.owners)
    strikers = np.zeros(use_case.owners, np.bool_)
    strikers[order[: max(1, round(run.size * use_case.owners))]] = True
    return strikers


class _Company:
    """Trains on those who do not strike; ``full`` are the predictions of its model of everybody."""

    def __init__(self, use_case: RatingUseCase, learner: LearnerName) -> None:
        self.use_case = use_case
        self.everybody = Holding.full(use_case.owners)
        self.reference: Learner | None = None
        if learner == "surprise":
            self.full: Predicted = svd_predictions(use_case, use_case.training_mask(self.everybody))
        else:
            # One seed for every fold: as in the study, folds differ by their data alone.
            self.reference = use_case.learner(0, effort="reference")
            self.full = self.reference.update(self.everybody).predictions.holdout

    def without(self, strikers: NDArray[np.bool_]) -> Predicted:
        """Return predictions of the test records by the model without the strikers."""
        holding = self.everybody.without(strikers)
        if self.reference is None:
            return svd_predictions(self.use_case, self.use_case.training_mask(holding))
        if np.count_nonzero(strikers) <= WARM * self.use_case.owners:
            return self.reference.fork().update(holding).predictions.holdout
        return self.use_case.learner(0, effort="reference").update(holding).predictions.holdout


@dataclass(frozen=True)
class _Served:
    """What a model gives each owner, each [owners]: number of test records, hits, sum of squared errors."""

    records: NDArray[np.integer[Any]]
    hits: NDArray[np.float64]
    squares: NDArray[np.float64]


def _by_owner(use_case: RatingUseCase, predicted: Predicted) -> _Served:
    owners, targets = use_case.holdout.owners, use_case.holdout.targets
    squares = np.square(predicted.astype(np.float64) - targets)
    return _Served(
        np.bincount(owners, minlength=use_case.owners),
        use_case.hits(predicted)[0],
        np.asarray(np.bincount(owners, squares, minlength=use_case.owners), np.float64),
    )


def _summed(people: NDArray[np.bool_], served: Mapping[str, _Served]) -> dict[str, float]:
    """Return what these people get from each model, and of how many test records."""
    found = {"records": float(served["before"].records[people].sum())}
    for name, model in served.items():
        found[f"hits_{name}"] = float(model.hits[people].sum())
        found[f"squares_{name}"] = float(model.squares[people].sum())
    return found
