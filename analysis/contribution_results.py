"""What a contribution study found, beside what "Conscious Data Contribution" (2021) published.

As the authors do, means over the repeats come first and ratios after; worst and best quality are one pair for
each use case and perspective; at one half, where both companies are alike, both are averaged; contribution
with deletion is not measured beyond one half; a threshold is the least tested rate strictly above it.

Core Objects: leverage_table, lever_orders, thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.contribution_study import MIRROR
from analysis.reproduction import tidy
from learners.leverage import PUBLISHED_SCALES, LeverageScale, published_scale
from learners.published import contribution_rows, contribution_table

FURTHER = (
    "quantity",
    "scale",
    "basis",
    "compared_with",
    "tolerance",
    "train_records_small",
    "train_records_large",
    "test_records_small",
    "test_records_large",
)
"""Columns after the common ones; ``quantity`` is DLP or the metric that ``ours`` and ``published`` are in."""

EQUAL_RECORDS = "equal training records"
"""The value of ``basis`` where not shares but numbers of training records are equal."""

PERSPECTIVES = ("company", "holdout")
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
TIE = 0.01
"""Levers nearer to each other than this are in no order."""

DLP_TOLERANCE, LEAST_RATE = 0.03, 0.05
"""DLPs are held to the published ones from this rate on; at 1 % only their magnitude means anything."""

AUC_TOLERANCE, ACCURACY_TOLERANCE = 0.015, 0.03


class Counterpart(NamedTuple):
    """The published use case that one of ours stands beside, and what differs, if more than the copy."""

    use_case: str
    difference: str = ""

    def __str__(self) -> str:
        return f"{self.use_case} ({self.difference})" if self.difference else self.use_case


COUNTERPARTS = {
    "ml-100k": Counterpart("ml-10m", "other data"),
    "ml-1m": Counterpart("ml-10m", "other data"),
    "digits": Counterpart("cifar-10", "other data and another model"),
    "cifar-10-features": Counterpart("cifar-10", "another model"),
    **{name: Counterpart(name) for name in PUBLISHED_SCALES},
}

JUDGED = {"pinterest-20": "principled", "ml-10m": "published"}
"""Use cases whose DLP is held to the published one, and on which scale; others by quality, or not at all."""


def leverage_table(cases: Mapping[str, Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each use case, perspective, lever, rate and quantity.

    Parameters
    ----------
    cases, runs
        Of the log of a study (:class:`analysis.run_log.RunLog`).

    Returns
    -------
    DataFrame
        :data:`analysis.reproduction.COLUMNS` and :data:`FURTHER`. Qualities are means over the repeats in the
        metric's unit; ``ours_sd`` is the standard deviation over repeats, NaN with a single one.
    """
    table = pd.DataFrame(runs, columns=["use_case", "company", "basis", "rate", "repeat", *_MEASURED])
    rows = [
        row
        for name in cases
        for perspective in PERSPECTIVES
        for row in _rows(_Case(name, cases[name], table[table["use_case"] == name], perspective))
    ]
    return tidy(rows, FURTHER)


_MEASURED = ("owners", "train_records", "company_records", "company_quality", "holdout_quality")


class _Case(NamedTuple):
    """A use case seen from one perspective."""

    name: str
    described: Mapping[str, Any]
    runs: pd.DataFrame
    perspective: str

    @property
    def counterpart(self) -> Counterpart:
        return COUNTERPARTS[self.name]

    def measured(self, company: str, basis: str = "share", rate: float | None = None) -> pd.DataFrame:
        """Return runs by repeat, their quality from this perspective in the column ``quality``."""
        chosen = (self.runs["company"] == company) & (self.runs["basis"] == basis)
        if rate is not None:
            chosen &= self.runs["rate"] == rate
        found = self.runs[chosen].set_index("repeat").sort_index()
        return found.assign(quality=found[f"{self.perspective}_quality"].astype(float))

    def scales(self) -> dict[str, LeverageScale]:
        """Return the principled scale, where the model of everything was trained, and the published one."""
        worst, best = (float(self.measured(company)["quality"].mean()) for company in ("nobody", "full"))
        scales = {} if np.isnan(best) else {"principled": LeverageScale(worst, best)}
        return scales | ({"published": published_scale(self.name)} if self.name in PUBLISHED_SCALES else {})

    def published(self) -> pd.DataFrame:
        """Return what is published from this perspective, by rate."""
        return published_from(self.counterpart.use_case, self.perspective)


def published_from(use_case: str, perspective: str) -> pd.DataFrame:
    """Return published means, their standard deviations and DLPs by rate, from either perspective.

    The reports have the company perspective; for the holdout the same is done to the rows, where there are
    any. Columns are those of :func:`learners.published.contribution_table`.
    """
    if perspective == "company":
        return contribution_table(use_case).set_index("rate")
    rows = contribution_rows(use_case)
    both = rows[rows["rate"] == MIRROR]
    rows = pd.concat([rows, both.assign(company=both["company"].map({"small": "large", "large": "small"}))])
    quality = rows.groupby(["rate", "company"])["quality_holdout"]
    mean, sd = quality.mean().unstack("company"), quality.std().unstack("company")
    scale = published_scale(use_case)
    table = pd.DataFrame(index=mean.index)
    for company in ("small", "large"):
        table[f"quality_{company}"] = mean.get(company, pd.Series(dtype=float))
        table[f"sd_{company}"] = sd.get(company, pd.Series(dtype=float))
    small, large = table["quality_small"], table["quality_large"]
    return table.assign(
        cdc=scale.cdc(small), strike=scale.strike(large), cdc_delete=scale.cdc_delete(small, large)
    )


def _rows(case: _Case) -> Iterator[dict[str, Any]]:
    scales = case.scales()
    small = case.measured("small")
    for rate in sorted(small["rate"].unique()):
        point = _Point(case, rate, case.measured("small", rate=rate), case.measured("large", rate=rate))
        yield from point.leverages(scales)
        yield from point.qualities(scales, ACCURACY_TOLERANCE if case.name == "cifar-10" else np.nan)
    for rate in sorted(case.measured("small", "rows")["rate"].unique()):
        point = _Point(case, rate, case.measured("small", "rows", rate), case.measured("large", "rows", rate))
        yield from point.qualities(scales, AUC_TOLERANCE)


class _Point(NamedTuple):
    """The runs of both companies at one rate."""

    case: _Case
    rate: float
    small: pd.DataFrame
    large: pd.DataFrame

    def pooled(self) -> tuple[pd.Series, pd.Series]:
        """Return the qualities of Small Co. and Large Co.; at one half those of both for each."""
        small, large = self.small["quality"], self.large["quality"]
        if self.rate == MIRROR and len(large):
            small = large = pd.concat([small, large], ignore_index=True)
        return small, large

    def leverages(self, scales: Mapping[str, LeverageScale]) -> Iterator[dict[str, Any]]:
        """Yield a row for each lever and scale."""
        published = self.case.published()
        small, large = self.pooled()
        for name, scale in scales.items():
            judged = (
                JUDGED.get(self.case.name) == name
                and self.case.perspective == "company"
                and self.rate >= LEAST_RATE
            )
            values = {"cdc": (scale.cdc(small.mean()), scale.cdc(small))}
            if len(large):
                values["strike"] = (scale.strike(large.mean()), scale.strike(large))
            if len(large) and self.rate <= MIRROR:
                ratios = scale.cdc_delete(small, large.reindex(small.index))
                values["cdc_delete"] = (scale.cdc_delete(small.mean(), large.mean()), ratios)
            for lever, (ours, each) in values.items():
                yield self._row(scale) | {
                    "lever": lever,
                    "repeats": int(np.isfinite(each).sum()),
                    "ours": float(ours),
                    "ours_sd": float(pd.Series(each).std()),
                    "published": _looked_up(published, self.rate, lever),
                    "quantity": "DLP",
                    "scale": name,
                    "tolerance": DLP_TOLERANCE if judged else np.nan,
                }

    def qualities(self, scales: Mapping[str, LeverageScale], tolerance: float) -> Iterator[dict[str, Any]]:
        """Yield a row for each company's quality; the tolerance of accuracy is at least two published sd."""
        published = self.case.published()
        scale = next(iter(scales.values()), LeverageScale(np.nan, np.nan))
        for company, lever, quality in zip(("small", "large"), ("cdc", "strike"), self.pooled(), strict=True):
            if not len(quality):
                continue
            allowed = tolerance
            if self.case.name == "cifar-10":
                allowed = np.fmax(allowed, 2 * _looked_up(published, self.rate, f"sd_{company}"))
            yield self._row(scale) | {
                "lever": lever,
                "repeats": int(quality.notna().sum()),
                "ours": float(quality.mean()),
                "ours_sd": float(quality.std()),
                "published": _looked_up(published, self.rate, f"quality_{company}"),
                "quantity": self.case.described["metric"],
                "scale": "",
                "tolerance": allowed,
            }

    def _row(self, scale: LeverageScale) -> dict[str, Any]:
        basis = self.small["basis"].iloc[0] if len(self.small) else "share"
        return {
            "use_case": self.case.name,
            "perspective": self.case.perspective,
            "rate": self.rate,
            "quality_large": self.large["quality"].mean(),
            "quality_small": self.small["quality"].mean(),
            "baseline": scale.baseline,
            "best": scale.best,
            "basis": {"share": "share of owners", "rows": EQUAL_RECORDS}[basis],
            "compared_with": str(self.case.counterpart),
            "train_records_small": self.small["train_records"].mean(),
            "train_records_large": self.large["train_records"].mean(),
            "test_records_small": self._tested(self.small),
            "test_records_large": self._tested(self.large),
        }

    def _tested(self, runs: pd.DataFrame) -> float:
        return float(runs["company_records"].mean()) if self.case.perspective == "company" else np.nan


def _looked_up(published: pd.DataFrame, rate: float, column: str) -> float:
    return float(published[column].get(rate, np.nan))


def compared_scale(use_case: str, table: pd.DataFrame) -> str:
    """Return the scale on which a use case's DLP is set beside the published one."""
    scales = set(table.loc[table["use_case"] == use_case, "scale"]) - {""}
    wanted = JUDGED.get(use_case, "principled")
    return wanted if wanted in scales else next(iter(scales), wanted)


def _leverages(table: pd.DataFrame, use_case: str, column: str) -> pd.DataFrame:
    """Return levers by rate, company perspective, on the scale that is compared."""
    chosen = table[
        (table["use_case"] == use_case)
        & (table["perspective"] == "company")
        & (table["scale"] == compared_scale(use_case, table))
    ]
    return chosen.pivot_table(index="rate", columns="lever", values=column, dropna=False).astype(float)


def lever_orders(table: pd.DataFrame) -> pd.DataFrame:
    """Compare the order of the three levers with the published one, company perspective.

    Returns
    -------
    DataFrame
        One row a use case and rate: ``use_case``, ``rate``, and ``identical``, whether no two levers that are
        further apart than :data:`TIE` in both tables stand the other way round in ours.
    """
    rows = []
    for use_case in table["use_case"].unique():
        ours, theirs = (_leverages(table, use_case, column) for column in ("ours", "published"))
        for rate in ours.index:
            if ours.columns.size < 3 or theirs.loc[rate].isna().any() or ours.loc[rate].isna().any():
                continue
            signs = [
                [_sign(levers.loc[rate, first] - levers.loc[rate, second]) for levers in (ours, theirs)]
                for first, second in (("cdc_delete", "cdc"), ("cdc", "strike"), ("cdc_delete", "strike"))
            ]
            rows.append((use_case, rate, all(a * b >= 0 for a, b in signs)))
    return pd.DataFrame(rows, columns=["use_case", "rate", "identical"])


def _sign(difference: float) -> int:
    return 0 if abs(difference) <= TIE else int(np.sign(difference))


def thresholds(table: pd.DataFrame) -> pd.DataFrame:
    """Return the least tested rate at which contribution exceeds each DLP, company perspective.

    Returns
    -------
    DataFrame
        ``use_case``, ``dlp``, ``ours``, ``published`` (on the rates that we tested); NaN where none does.
    """
    rows = []
    for use_case in table["use_case"].unique():
        values = [
            _leverages(table, use_case, column).get("cdc", pd.Series(dtype=float))
            for column in ("ours", "published")
        ]
        for level in LEVELS:
            rows.append((use_case, level, *(_least_above(series, level) for series in values)))
    return pd.DataFrame(rows, columns=["use_case", "dlp", "ours", "published"])


def _least_above(by_rate: pd.Series, level: float) -> float:
    above = by_rate.index[by_rate > level]
    return float(above.min()) if len(above) else np.nan
