"""What a strike study found, beside what "Data Strikes" (Vincent, Hecht and Sen 2019) published.

Surfaced hits are shares of all relevant test records, whoever's, so that those of participants and of the
others add up. A normalised loss is the lost share of the gap between the full model and item means. Of a
group it is taken from the group's own gap, and also as the authors do: the group's change in per cent over
the gap of everybody in per cent.

Core Objects: strike_results, group_results, counts_of_groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.reproduction import tidy
from learners.published import strike_table

FURTHER = ("learner", "who", "quantity", "tolerance", "missing_share")
"""Columns after the common ones; ``missing_share`` is the strikers' share of all ratings."""

PUBLISHED_USE_CASE = "ml-1m"

LEARNERS = {"ours": "our factorisation", "surprise": "scikit-surprise SVD"}
"""Learner to what reports call it."""

HITS_TOLERANCE, LOSS_TOLERANCE, BOYCOTT_TOLERANCE = 0.003, 0.08, 0.01
"""How near their model in our harness comes to what they published of it."""

GROUPS_HARDER, GROUPS_PUBLISHED, POWER_PUBLISHED = 39, 50, 1.84
"""Published of the groups: in how many a strike hits similar users harder than others, out of how many, and
the most that a strike of power users exceeds expectation."""

SUMS = tuple(f"{what}_{model}" for what in ("hits", "squares") for model in ("item_mean", "before", "after"))


def strike_results(cases: Mapping[str, Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each learner, lever, size, group of people and quantity.

    Parameters
    ----------
    cases, runs
        Of the log of a study (:class:`analysis.run_log.RunLog`).

    Returns
    -------
    DataFrame
        :data:`analysis.reproduction.COLUMNS` and :data:`FURTHER`; ``rate`` is the share of people who strike.
        ``ours`` is a mean over the samples, each of all folds, ``ours_sd`` the standard deviation over
        samples; where nobody strikes, over folds.
    """
    rows: list[dict[str, Any]] = []
    for use_case, described in cases.items():
        sums = _sums(runs, described)
        published = strike_table() if use_case == PUBLISHED_USE_CASE else strike_table().iloc[:0]
        for learner in sums["learner"].unique():
            study = _Study(use_case, str(learner), published, sums[sums["learner"] == learner])
            rows += [*study.nobody(), *study.strikes()]
    return tidy(rows, FURTHER)


def _sums(runs: Sequence[Mapping[str, Any]], described: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row a run and group of people: hits, shares of all of a fold, squared errors, records."""
    rows = [
        {name: run[name] for name in ("learner", "kind", "label", "size", "sample", "fold", "missing")}
        | {"who": who}
        | sums
        for run in runs
        for who, sums in run["who"].items()
    ]
    table = pd.DataFrame(
        rows,
        columns=["learner", "kind", "label", "size", "sample", "fold", "missing", "who", "records", *SUMS],
    )
    hits = [name for name in SUMS if name.startswith("hits")]
    table[hits] /= described["hits_per_fold"]
    return table[_is_complete(table, described["folds"])]


def _is_complete(table: pd.DataFrame, folds: int) -> pd.Series:
    """Return whether all folds of a row's sample are there; an interrupted study leaves some without."""
    sample = ["learner", "kind", "label", "size", "sample", "who"]
    return table.groupby(sample)["fold"].transform("nunique") == folds


class _Study:
    """All runs of one learner."""

    def __init__(self, use_case: str, learner: str, published: pd.DataFrame, sums: pd.DataFrame) -> None:
        self.use_case = use_case
        self.learner = learner
        self.published = published
        self.sums = sums

    def nobody(self) -> Iterator[dict[str, Any]]:
        """Yield the full model and item means, everybody served."""
        folds = self.sums[(self.sums["kind"] == "none") & (self.sums["who"] == "all")]
        if folds.empty:
            return
        for who, model in (("full_model", "before"), ("item_mean", "item_mean")):
            rmse = (folds[f"squares_{model}"] / folds["records"]) ** 0.5
            for quantity, values in (("surfaced_hits", folds[f"hits_{model}"]), ("rmse", rmse)):
                # Item means are the same whoever's model stands beside them.
                is_theirs = self.learner == "surprise" or model == "item_mean"
                tolerance = HITS_TOLERANCE if quantity == "surfaced_hits" and is_theirs else np.nan
                row = self._row("none", 0.0, who, quantity, values, tolerance)
                yield row | {"quality_large": row["ours"], "missing_share": 0.0}

    def strikes(self) -> Iterator[dict[str, Any]]:
        """Yield what strikes and boycotts of random people do, by size."""
        random = self.sums[self.sums["kind"] == "random"]
        for size, of_size in random.groupby("size"):
            # Folds add up to the whole data set, so sums over them come first.
            samples = of_size.groupby(["who", "sample"])[["records", *SUMS]].sum()
            hits = [name for name in SUMS if name.startswith("hits")]
            samples[hits] /= of_size["fold"].nunique()
            missing = {"missing_share": float(of_size["missing"].mean())}
            by_who = {who: sums.droplevel("who") for who, sums in samples.groupby(level="who")}
            for row in self._of_size(float(str(size)), by_who):
                yield row | missing

    def _of_size(self, size: float, by_who: Mapping[Any, pd.DataFrame]) -> Iterator[dict[str, Any]]:
        everybody = by_who["all"]
        is_theirs = self.learner == "surprise"
        for who, sums in by_who.items():
            ends = {
                "quality_large": sums["hits_after"].mean(),
                "baseline": sums["hits_item_mean"].mean(),
                "best": sums["hits_before"].mean(),
            }
            tolerance = HITS_TOLERANCE if is_theirs and who == "all" else np.nan
            yield self._row("strike", size, who, "surfaced_hits", sums["hits_after"], tolerance) | ends
            tolerance = LOSS_TOLERANCE if is_theirs and who == "all" else np.nan
            # Of means, not the mean of ratios: the gap of one sample of strikers is small and noisy.
            for quantity, loss in (("normalised_loss", _loss), ("normalised_percent_change", _percent_loss)):
                row = self._row("strike", size, who, quantity, loss(sums, everybody), tolerance)
                yield row | ends | {"ours": float(loss(_mean(sums), _mean(everybody)).iloc[0])}
            rmse = {name: (sums[f"squares_{name}"] / sums["records"]) ** 0.5 for name in _MODELS}
            yield self._row("strike", size, who, "rmse", rmse["after"], np.nan) | {
                end: rmse[name].mean() for end, name in _MODEL_ENDS.items()
            }
        ends = {"baseline": everybody["hits_item_mean"].mean(), "best": everybody["hits_before"].mean()}
        for lever, model in (("boycott", "after"), ("traditional_boycott", "before")):
            # Who has left finds nothing; without deletion the model stays as it was.
            values = by_who["non_participants"][f"hits_{model}"]
            tolerance = BOYCOTT_TOLERANCE if is_theirs else np.nan
            row = self._row(lever, size, "all", "surfaced_hits", values, tolerance)
            yield row | ends | {"quality_large": row["ours"]}

    def _row(
        self, lever: str, size: float, who: str, quantity: str, values: pd.Series, tolerance: float
    ) -> dict[str, Any]:
        return {
            "use_case": self.use_case,
            "perspective": "all_users",
            "lever": lever,
            "rate": size,
            "repeats": len(values),
            "ours": float(values.mean()),
            "ours_sd": float(values.std()),
            "published": self._looked_up(lever, size, who, quantity),
            "tolerance": tolerance,
            "learner": self.learner,
            "who": who,
            "quantity": quantity,
        }

    def _looked_up(self, lever: str, size: float, who: str, quantity: str) -> float:
        if lever == "traditional_boycott":
            lever, who = "none", "non_participants"
        quantity = quantity.replace("percent_change", "loss")
        who = who.replace("full_model", "svd")
        table = self.published
        found = table[
            (table["quantity"] == quantity)
            & (table["who"] == who)
            & (table["lever"] == lever)
            & (table["rate"] == size)
        ]
        return float(found["value"].iloc[0]) if len(found) else np.nan


_MODELS = ("item_mean", "before", "after")
_MODEL_ENDS = {"quality_large": "after", "baseline": "item_mean", "best": "before"}


def _mean(sums: pd.DataFrame) -> pd.DataFrame:
    return sums.mean().to_frame().T


def _loss(sums: pd.DataFrame, everybody: pd.DataFrame) -> pd.Series:
    """Return the share of their own gap that these people lose."""
    return (sums["hits_before"] - sums["hits_after"]) / (sums["hits_before"] - sums["hits_item_mean"])


def _percent_loss(sums: pd.DataFrame, everybody: pd.DataFrame) -> pd.Series:
    """Return these people's change in per cent over the gap of everybody in per cent."""
    gap = 1 - everybody["hits_item_mean"] / everybody["hits_before"]
    return (1 - sums["hits_after"] / sums["hits_before"]) / gap


def group_results(cases: Mapping[str, Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a group of whom a half struck.

    Returns
    -------
    DataFrame
        ``learner``, ``kind``, ``label``, ``samples``, ``missing_share`` (of all ratings); ``change_similar``
        (the other half), ``change_others`` (everybody outside the group), ``change_non_participants`` (both),
        relative changes in surfaced hits, means over samples, with standard deviations ``sd_...``; ``ratio``
        of the first two; ``loss_similar``, ``loss_others``, the same as shares of each one's own gap to item
        means; ``expected``, the change of non-participants in a random strike with as many missing ratings,
        by linear interpolation between the sizes measured; ``against_expected``, the ratio to it, NaN where
        nothing is expected to be lost.
    """
    tables = []
    for described in cases.values():
        sums = _sums(runs, described)
        for learner, of_learner in sums.groupby("learner"):
            tables.append(_groups(str(learner), of_learner))
    return pd.concat(tables, ignore_index=True)[list(_GROUP_COLUMNS)]


_CHANGES = ("similar", "others", "non_participants")
_GROUP_COLUMNS = (
    "learner",
    "kind",
    "label",
    "samples",
    "missing_share",
    *(f"{what}_{who}" for who in _CHANGES for what in ("change", "sd")),
    "ratio",
    "loss_similar",
    "loss_others",
    "expected",
    "against_expected",
)


def _groups(learner: str, sums: pd.DataFrame) -> pd.DataFrame:
    is_group = ~sums["kind"].isin(["none", "random"])
    changes = _changes(sums[is_group], ["kind", "label"])
    random = _changes(sums[sums["kind"] == "random"], ["size"]).sort_values("missing_share")
    known = [0.0, *random["missing_share"]], [0.0, *random["change_non_participants"]]
    if changes.empty:
        return pd.DataFrame(columns=_GROUP_COLUMNS)
    changes["learner"] = learner
    changes["ratio"] = changes["change_similar"] / changes["change_others"]
    reached = changes["missing_share"] <= max(known[0])
    changes["expected"] = np.where(reached, np.interp(changes["missing_share"], *known), np.nan)
    against = changes["change_non_participants"] / changes["expected"]
    changes["against_expected"] = against.where(changes["expected"] < 0)
    return changes


def _changes(sums: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return relative changes in surfaced hits by strike, means and deviations over samples."""
    samples = sums.groupby([*by, "who", "sample"], sort=False)[list(SUMS)].sum()
    change = (samples["hits_after"] / samples["hits_before"] - 1).rename("change").reset_index()
    totals = samples.groupby([*by, "who"], sort=False).sum()
    loss = _loss(totals, totals).rename("loss").reset_index()
    found = pd.DataFrame(
        {
            "samples": sums.groupby(by, sort=False)["sample"].nunique(),
            "missing_share": sums.groupby(by, sort=False)["missing"].mean(),
        }
    )
    for who in _CHANGES:
        grouped = change[change["who"] == who].groupby(by, sort=False)["change"]
        found[f"change_{who}"], found[f"sd_{who}"] = grouped.mean(), grouped.std()
        found[f"loss_{who}"] = loss[loss["who"] == who].set_index(by)["loss"]
    return found.reset_index()


class GroupCounts(NamedTuple):
    """Of how many groups, in how many similar users lose more than others do."""

    groups: int
    by_change: int
    """In surfaced hits, relative to their own: the published comparison."""

    by_gap: int
    """In shares of their own gap between the full model and item means."""


def counts_of_groups(groups: pd.DataFrame) -> GroupCounts:
    """Count the groups in which a strike hits similar users harder than others."""
    by_change = groups["change_similar"] < groups["change_others"]
    by_gap = groups["loss_similar"] > groups["loss_others"]
    return GroupCounts(len(groups), int(by_change.sum()), int(by_gap.sum()))
