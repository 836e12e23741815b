"""The protocol of "Conscious Data Contribution" (Vincent and Hecht 2021), run with our learners.

A random share of the owners contributes: Small Co. trains on their records, Large Co. on everybody else's.
Owners are people where the data are a recommender's and single records elsewhere. Small Co. is trained from
nothing; Large Co. starts from the model of everything, whose optimum it leaves for its own.

Every trained model is one run. What is drawn and trained depends on the seed, the use case, the rate and the
repeat alone, so runs may come in any order.

Core Objects: run_contributions, Plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abm.streams import Streams
from analysis.run_log import RunLog
from analysis.run_pool import measure
from learners.datasets import catalogue
from learners.datasets.records import ImageData, TextData
from learners.errors import InputError
from learners.evaluation import Evaluation, evaluate
from learners.holdings import Holding
from learners.leverage import PUBLISHED_SCALES
from learners.published import contribution_rows
from learners.usecase import REGISTRY, Reference, UseCase, load_use_case, torch_device

RATES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of owners who contribute, as published."""

MIRROR = 0.5
"""The share at which both companies are alike; the published rows beyond it mirror those below."""

REPEATS = 5
"""Random draws of contributors at each rate, as published."""

ROW_REPEATS = 10
"""Least repeats at a published number of training records: the test splits of so few records are noisy."""

_DATA_SETS = {"toxic": "jigsaw-toxic", "cifar-10-features": "cifar-10"}
"""Use case to its data set, where they are not called the same."""

_HOURS_ON_CPU = "cifar-10"
"""The use case whose models of much data take hours without a GPU."""

Company = Literal["nobody", "full", "small", "large"]
Basis = Literal["share", "rows"]


@dataclass(frozen=True)
class Plan:
    """What is to be measured of one use case.

    Attributes
    ----------
    rates
        Shares of owners who contribute; for Toxic also the published rates whose records are matched.
    repeats
        Random draws of contributors at each.
    large
        Whether Large Co. and the model of everything are trained; without them there is only contribution,
        on the published scale.
    """

    use_case: str
    rates: tuple[float, ...]
    repeats: int
    large: bool = True


def default_use_cases(data_dir: Path | None) -> tuple[list[str], list[str]]:
    """Return the use cases of the paper whose data are here, and notes on what stands in or is missing."""
    folder = catalogue.data_directory(data_dir)

    def is_here(name: str) -> bool:
        return catalogue.is_present(_DATA_SETS.get(name, name), folder)

    films = "ml-10m" if is_here("ml-10m") or not is_here("ml-1m") else "ml-1m"
    wanted = ["pinterest-20", films, "toxic", "cifar-10", "cifar-10-features"]
    notes = [f"{name} is left out: its data are not in {folder}" for name in wanted if not is_here(name)]
    if films == "ml-1m":
        notes.append("ml-1m stands in for ml-10m, whose data are not here: the same protocol on other data")
    return [name for name in wanted if is_here(name)], notes


def default_plan(use_case: str, device: str) -> tuple[Plan, str]:
    """Return the published plan, or what of it a CPU does within minutes, and a note on the difference.

    Raises
    ------
    InputError
        If the use case or the device does not exist.
    """
    if use_case not in REGISTRY:
        raise InputError(f"use_case: '{use_case}' is not one of {', '.join(REGISTRY)}")
    if use_case == _HOURS_ON_CPU and torch_device(device) == "cpu":
        note = (
            f"{use_case} without a GPU: Small Co. alone, at {RATES[0]:.0%} unless --rates says more; --large "
            "trains Large Co. too, which takes hours"
        )
        return Plan(use_case, RATES[:1], REPEATS, large=False), note
    return Plan(use_case, RATES, REPEATS), ""


@dataclass(frozen=True)
class Run:
    """One model: whose it is, at which rate, and the how-manieth draw of contributors.

    ``basis`` is ``rows`` where the contributors are so many that Small Co. has the number of training records
    that it had in the published run at this rate, ``share`` where they are that share of the owners.
    """

    use_case: str
    company: Company
    basis: Basis
    rate: float
    repeat: int

    @property
    def key(self) -> dict[str, Any]:
        """What tells a run from all others."""
        return asdict(self)


def run_contributions(
    log: RunLog,
    plan: Plan,
    *,
    seed: int,
    workers: int = 1,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Measure what of a plan is not in the log yet.

    Parameters
    ----------
    log
        Takes every finished run.
    plan
        What is to be there in the end.
    seed
        Of everything random.
    workers
        Number of processes; each loads the data set.
    data_dir, device
        See :func:`learners.usecase.load_use_case`.
    progress
        Called with what is going on, the number of finished runs and that of all runs.

    Raises
    ------
    InputError
        If the use case or the data are not usable, or the log belongs to other data.
    """
    load = Loading(plan.use_case, data_dir, device)
    use_case = load()
    log.claim(plan.use_case, _described(use_case))
    runs = _planned(plan, use_case)
    pending = [run for run in runs if run.key not in log]
    # The runs of a repeat share the model of everything.
    batches = [
        RepeatBatch(load, seed, tuple(run for run in pending if run.repeat == repeat))
        for repeat in sorted({run.repeat for run in pending})
    ]
    done = len(runs) - len(pending)
    if progress:
        progress(f"{plan.use_case}: {done} of {len(runs)} runs are in the log", done, len(runs))

    def finished(key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        nonlocal done
        log.append(key, result)
        done += 1
        if progress:
            what = f"{plan.use_case}: {key['company']} {key['rate']:g} #{key['repeat'] + 1}"
            progress(f"{what}, {result['cpu_seconds']:.1f} s", done, len(runs))

    measure(batches, workers, finished)


@dataclass(frozen=True)
class Loading:
    """How a process gets at the use case; the last one loaded is kept."""

    name: str
    data_dir: Path | None
    device: str

    def __call__(self) -> UseCase:
        """Return the use case, its owners people or single records."""
        return _loaded(self)


@lru_cache(maxsize=1)
def _loaded(load: Loading) -> UseCase:
    if load.name not in REGISTRY:
        raise InputError(f"use_case: '{load.name}' is not one of {', '.join(REGISTRY)}")
    data = catalogue.load(_DATA_SETS.get(load.name, load.name), load.data_dir)
    points = len(data.labels) if isinstance(data, ImageData | TextData) else None
    del data
    return load_use_case(load.name, load.data_dir, load.device, owners=points)


def _described(use_case: UseCase) -> dict[str, Any]:
    return {
        "data": use_case.data_digest,
        "owners": use_case.owners,
        "training_records": _records(use_case, Holding.full(use_case.owners)),
        "device": use_case.device,
        "metric": use_case.metric.name,
        "warnings": list(use_case.warnings),
    }


def _records(use_case: UseCase, holding: Holding) -> int:
    return int(np.count_nonzero(use_case.training_mask(holding)))


def published_rows(use_case: str) -> dict[float, int]:
    """Return the published number of Small Co.'s training records at each rate, mean of the seeds."""
    if use_case not in PUBLISHED_SCALES:
        return {}
    rows = contribution_rows(use_case)
    small = rows[(rows["company"] == "small") & rows["train_records"].notna()]
    mean = small.groupby("rate")["train_records"].mean().round().astype(int)
    return dict(zip(mean.index.tolist(), mean.tolist(), strict=True))


def _planned(plan: Plan, use_case: UseCase) -> list[Run]:
    name = plan.use_case
    runs = [Run(name, "nobody", "share", 0.0, 0)]
    for repeat in range(plan.repeats):
        if plan.large:
            runs.append(Run(name, "full", "share", 1.0, repeat))
        for rate in plan.rates:
            runs.append(Run(name, "small", "share", rate, repeat))
            if plan.large:
                runs.append(Run(name, "large", "share", rate, repeat))
    available = _records(use_case, Holding.full(use_case.owners))
    for rate, records in published_rows(name).items():
        if rate in plan.rates and records < available:
            repeats = range(max(plan.repeats, ROW_REPEATS))
            runs += [Run(name, "small", "rows", rate, repeat) for repeat in repeats]
    return runs


@dataclass(frozen=True)
class RepeatBatch:
    """The runs of one repeat that are to be measured."""

    load: Loading
    seed: int
    runs: Sequence[Run]

    def __len__(self) -> int:
        return len(self.runs)

    def measure(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield key and result of each run as it finishes."""
        use_case = self.load()
        streams = Streams(self.seed)
        learner_seed = int(streams.generator("learner", self.runs[0].repeat).integers(2**31))
        reference: Reference | None = None
        for run in self.runs:
            start = time.process_time()
            if run.company in ("full", "large") and reference is None:
                reference = Reference(use_case, learner_seed)
            contributors = _contributors(run, use_case, streams)
            if run.company == "nobody":
                everybody = Holding.full(use_case.owners)
                evaluation = evaluate(use_case, use_case.uninformed(), everybody)
            elif run.company == "small":
                learner = use_case.learner(learner_seed, effort="reference")
                evaluation = learner.update(Holding.of(contributors))
            else:
                assert reference is not None
                evaluation = reference.evaluation
                if run.company == "large":
                    evaluation = reference.learner.fork().update(evaluation.holding.without(contributors))
            yield run.key, _result(evaluation) | {"cpu_seconds": time.process_time() - start}


def _contributors(run: Run, use_case: UseCase, streams: Streams) -> NDArray[np.bool_]:
    """Draw who contributes, bool[owners]."""
    stream = f"contributors/{run.use_case}/{run.basis}/{run.rate!r}"
    order = streams.generator(stream, run.repeat).permutation(use_case.owners)
    if run.basis == "share":
        count = max(1, round(run.rate * use_case.owners)) if run.company in ("small", "large") else 0
    else:
        training = use_case.training_mask(Holding.full(use_case.owners))
        records = np.bincount(use_case.record_owners[training], minlength=use_case.owners)
        count = int(np.searchsorted(np.cumsum(records[order]), published_rows(run.use_case)[run.rate])) + 1
    chosen = np.zeros(use_case.owners, np.bool_)
    chosen[order[:count]] = True
    return chosen


def _result(evaluation: Evaluation) -> dict[str, Any]:
    company = evaluation.views["company"]
    return {
        "owners": int(np.count_nonzero(evaluation.holding.present)),
        "train_records": _records(evaluation.use_case, evaluation.holding),
        "company_records": company.n_test,
        "company_quality": company.quality,
        "holdout_quality": evaluation.holdout,
    }
