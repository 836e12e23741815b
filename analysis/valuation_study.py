"""What groups of a use case's owners are worth: planned, retrained in one process or several, and summed up.

Core Objects: ValuationPlan, run_valuation, groups_of_owners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from abm.streams import Streams
from analysis.run_pool import Batch, measure
from analysis.valuation import (
    MOST_EXACT,
    OUTCOMES,
    Background,
    Groups,
    RetrainedWorth,
    exact_shares,
    gray_code,
    sampled_shares,
)
from learners.errors import InputError
from learners.usecase import Effort, Reference, UseCase, load_use_case

CHAIN = 128
"""Sets in a chain of retrainings, each going on from the one before; chains can run side by side."""

SHARES = ("strike", "shapley", "banzhaf")


@dataclass(frozen=True)
class ValuationPlan:
    """What is to be measured.

    Attributes
    ----------
    use_case
        Name of the data set and learner.
    groups
        See :func:`groups_of_owners`.
    background, effort
        See :class:`analysis.valuation.RetrainedWorth`.
    seeds
        Of the learners; with several, the spread over them is reported.
    permutations, sets, tolerance
        See :func:`analysis.valuation.sampled_shares`; of use with more than eight groups.
    """

    use_case: str
    groups: str
    background: Background = "present"
    effort: Effort = "shadow"
    seeds: tuple[int, ...] = (0,)
    permutations: int = 20
    sets: int = 100
    tolerance: float = 0.002


@dataclass(frozen=True)
class Valuation:
    """What was measured.

    Attributes
    ----------
    shares
        One row an outcome and group: people, records, and means over seeds of ``strike``, ``shapley`` and
        ``banzhaf`` with standard deviations (``_sd``, NaN with one seed) and, where they are estimates, mean
        standard errors (``_se``).
    sets
        One row a set of groups and seed with its outcomes; empty where shares are estimates.
    residual
        Greatest difference between the sum of an outcome's Shapley shares and what they divide.
    """

    shares: pd.DataFrame
    sets: pd.DataFrame
    residual: float


def groups_of_owners(use_case: UseCase, chosen: str) -> Groups:
    """Return groups of owners.

    Parameters
    ----------
    chosen
        Name of a grouping of the data set, such as ``gender``; ``records:K``, owners in K equal parts by
        their numbers of records; or ``lot:K``, drawn.

    Raises
    ------
    InputError
        If there is no such grouping.
    """
    kind, colon, number = chosen.partition(":")
    if kind in use_case.groups and not colon:
        return Groups.of_labels(use_case.groups[kind])
    known = ", ".join([*use_case.groups, "records:K", "lot:K"])
    if kind not in ("records", "lot") or not number.isdecimal() or not 2 <= int(number) <= 100:
        raise InputError(f"groups: '{chosen}' is not one of {known} with K from 2 to 100")
    n, parts = use_case.owners, min(int(number), use_case.owners)
    by_lot = Streams(0).generator("groups by lot").permutation(n)
    order = by_lot if kind == "lot" else np.lexsort((by_lot, use_case.records_per_owner))
    codes = np.empty(n, np.int16)
    codes[order] = np.arange(n) * parts // n
    return Groups(tuple(f"{kind} {part + 1}" for part in range(parts)), codes)


def run_valuation(
    plan: ValuationPlan,
    *,
    groups: Groups | None = None,
    workers: int = 1,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Callable[[str, int, int], None] | None = None,
) -> Valuation:
    """Retrain on sets of the groups and divide what all of them achieve.

    Parameters
    ----------
    groups
        Instead of those that the plan names.
    workers
        Number of processes; the result does not depend on it.

    Raises
    ------
    InputError
        If the use case or the grouping does not exist.
    """
    load = Loading(plan.use_case, data_dir, device)
    use_case = load()
    groups = groups or groups_of_owners(use_case, plan.groups)
    if len(groups.codes) != use_case.owners:
        raise InputError(f"groups: {len(groups.codes)} people, but {plan.use_case} has {use_case.owners}")
    batches: list[Batch] = []
    for seed in plan.seeds:
        if len(groups.names) > MOST_EXACT:
            batches.append(SampleBatch(load, plan, groups, seed))
            continue
        order = gray_code(groups.names)
        batches += [
            ChainBatch(load, plan, groups, seed, tuple(order[first : first + CHAIN]))
            for first in range(0, len(order), CHAIN)
        ]
    total, results = sum(map(len, batches)), list[tuple[Any, Any]]()

    def finished(key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        results.append((key, result))
        if progress:
            progress(f"{plan.use_case}: {len(results)} of {total} sets", len(results), total)

    measure(batches, workers, finished)
    return _summed_up(results, use_case, groups)


def _summed_up(results: list[tuple[Any, Any]], use_case: UseCase, groups: Groups) -> Valuation:
    tables, sets, residual = [], [], 0.0
    for seed in sorted({key["seed"] for key, _ in results}):
        of_seed = {key["groups"]: result for key, result in results if key["seed"] == seed}
        if None in of_seed:
            table = pd.DataFrame(of_seed[None]["rows"])
            divided = of_seed[None]["divided"]
        else:
            table = exact_shares(of_seed, groups.names)
            everybody, nobody = of_seed[frozenset(groups.names)], of_seed[frozenset()]
            divided = {outcome: everybody[outcome] - nobody[outcome] for outcome in OUTCOMES}
            # In the order of the sequence, whatever the order in which processes finished.
            sets += [
                {"seed": seed, "groups": " + ".join(name for name in groups.names if name in chosen)}
                | of_seed[chosen]
                for chosen in gray_code(groups.names)
            ]
        given = table.groupby("outcome")["shapley"].sum()
        residual = max(residual, *(abs(given[outcome] - divided[outcome]) for outcome in OUTCOMES))
        tables.append(table)
    by_group = pd.concat(tables).groupby(["outcome", "group"], sort=False)
    means = by_group.mean()
    spread = by_group[list(SHARES)].std().add_suffix("_sd")
    shares = means.join(spread).reset_index()
    sizes = pd.DataFrame(
        {
            "group": groups.names,
            "people": groups.sizes().astype(int),
            "records": groups.sizes(use_case.records_per_owner.astype(np.float64)).astype(int),
        }
    )
    return Valuation(shares.merge(sizes, on="group"), pd.DataFrame(sets), float(residual))


@dataclass(frozen=True)
class Loading:
    """How a process gets at the use case and its reference models; the last ones are kept."""

    name: str
    data_dir: Path | None
    device: str

    def __call__(self) -> UseCase:
        """Return the use case."""
        return _loaded(self)

    def reference(self, seed: int) -> Reference:
        """Return its reference models."""
        return _reference(self, seed)


@lru_cache(maxsize=1)
def _loaded(load: Loading) -> UseCase:
    return load_use_case(load.name, load.data_dir, load.device)


@lru_cache(maxsize=1)
def _reference(load: Loading, seed: int) -> Reference:
    return Reference(load(), seed)


@dataclass(frozen=True, eq=False)
class ChainBatch:
    """Sets of groups, each retrained from the one before."""

    load: Loading
    plan: ValuationPlan
    groups: Groups
    seed: int
    chain: tuple[frozenset[str], ...]

    def __len__(self) -> int:
        return len(self.chain)

    def measure(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield each set and its outcomes."""
        worth = _worth(self.load, self.plan, self.groups, self.seed)
        for present in self.chain:
            yield {"seed": self.seed, "groups": present}, worth(present)


@dataclass(frozen=True, eq=False)
class SampleBatch:
    """Shares of many groups, estimated with one seed."""

    load: Loading
    plan: ValuationPlan
    groups: Groups
    seed: int

    def __len__(self) -> int:
        return 1

    def measure(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Yield the estimates, and what they divide."""
        worth = _worth(self.load, self.plan, self.groups, self.seed)
        plan = self.plan
        table = sampled_shares(
            worth,
            self.groups.names,
            Streams(self.seed).generator("orders of arrival"),
            plan.permutations,
            plan.sets,
            plan.tolerance,
        )
        best, none = worth(frozenset(self.groups.names)), worth(frozenset())
        divided = {outcome: best[outcome] - none[outcome] for outcome in OUTCOMES}
        yield {"seed": self.seed, "groups": None}, {"rows": table.to_dict("records"), "divided": divided}


def _worth(load: Loading, plan: ValuationPlan, groups: Groups, seed: int) -> RetrainedWorth:
    return RetrainedWorth(load.reference(seed), groups, plan.background, plan.effort)
