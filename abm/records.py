"""What is recorded: one row a tick, events, and one row a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import field_validator

from abm.actions import ACTIONS, STAY
from abm.training import LARGE, SMALL, scale_column
from learners.evaluation import PERSPECTIVES
from learners.leverage import VARIANTS, LeverageScale
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from abm.services import Service


class LeverageParameters(Parameters):
    """Which of the measured leverages is the headline."""

    perspective: Literal["served", "company", "holdout"] = parameter(
        "served", "Test records behind dlp_cdc, dlp_strike and dlp_cdc_delete", unit="-"
    )
    baseline: Literal["principled", "published"] = parameter(
        "principled",
        "W and B from reference models of this run, or the constants of the published tables",
        unit="-",
    )


class RecordParameters(Parameters):
    """What is recorded, and how often."""

    agents: Literal["end"] | int = parameter(
        "end", "Users are recorded at the end, or every so many ticks", unit="ticks"
    )
    composition: int | Literal["off"] = parameter(
        10, "Ticks between measurements of the composition gap", unit="ticks"
    )
    shadows: int = parameter(
        5, "Shadow retrainings of random sets for each composition gap", unit="retrainings", ge=2, le=100
    )

    @field_validator("agents", "composition")
    @classmethod
    def _at_least_every_tick(cls, every: str | int) -> str | int:
        if isinstance(every, int) and every < 1:
            raise ValueError("must be at least 1")
        return every


def leverage(
    large: Service, small: Service, perspective: str, published: LeverageScale | None
) -> dict[str, float]:
    """Return the three DLPs, each company measured against W and B on its own test records.

    On one common scale the third is (q_S - W) / (q_L - W) exactly; on two scales it is the ratio of the
    normalised qualities. NaN where Large Co. is at its baseline.
    """
    on_large = published or LeverageScale(large.baseline[perspective], large.best[perspective])
    on_small = published or LeverageScale(small.baseline[perspective], small.best[perspective])
    cdc = float(on_small.cdc(small.quality[perspective]))
    left = float(on_large.normalised(large.quality[perspective]))
    return {
        "cdc": cdc,
        "strike": float(on_large.strike(large.quality[perspective])),
        "cdc_delete": cdc / left if left else np.nan,
    }


def tick_row(model: DataLeverageModel) -> dict[str, float | int | str | bool]:
    """Return the row of the present tick; columns and units are those of the README's table of outputs."""
    population, stances = model.population, model.stances
    users, data = population.shares(stances)
    row: dict[str, float | int | str | bool] = {
        "tick": model.tick,
        "mode": model.training.mode,
        "random_participation_assumed": model.training.random_participation_assumed,
        "stale": model.large.service.stale or model.small.service.stale,
    }
    for prefix, shares in (("share", users), ("data_share", data)):
        by_action = np.bincount(stances.action, shares, minlength=len(ACTIONS))
        row |= {f"{prefix}_{action}": float(share) for action, share in zip(ACTIONS, by_action, strict=True)}
    row["participation"] = float(1 - users[STAY])
    row["data_participation"] = float(1 - data[STAY])
    row["switch_rate"] = model.switch_rate
    companies = ((LARGE, model.large), (SMALL, model.small))
    for key, company in companies:
        service = company.service
        row |= {f"quality_{key}_{p}": service.quality[p] for p in PERSPECTIVES}
        row |= {scale_column("baseline", key, p): service.baseline[p] for p in PERSPECTIVES}
        row |= {scale_column("best", key, p): service.best[p] for p in PERSPECTIVES}
        row[f"n_test_{key}"] = service.n_test["served"]
    row |= {f"dlp_{variant}": model.dlp[variant] for variant in VARIANTS}
    # Level and gain: a Small Co. that starts with data starts with leverage nobody exerts.
    row["dlp_cdc_gain"] = model.dlp["cdc"] - model.dlp_cdc_at_start
    for perspective in PERSPECTIVES:
        measured = leverage(model.large.service, model.small.service, perspective, None)
        row |= {f"dlp_{variant}_{perspective}": measured[variant] for variant in VARIANTS}
    row["revenue_large"] = model.revenue.large
    row["revenue_small"] = model.revenue.small
    row["consumer_power"] = model.revenue.consumer_power
    row["labour_power"] = model.revenue.labour_power
    large = model.large.service
    row["surfaced_hits_large"] = float(large.hits @ model.uses_large) / float(large.relevant.sum())
    row |= _composition_columns(model)
    for key, company in companies:
        row[f"owners_{key}"] = int(np.count_nonzero(company.store.codes))
        row[f"records_{key}"] = company.records
    row["poisoned_large"] = model.large.poisoned_records
    row["poison_planted_large"] = model.large.service.planted
    row |= _service_columns(model)
    row["seconds_decide"] = model.seconds_decide
    row["seconds_retrain_large"] = model.large.service.seconds
    row["seconds_retrain_small"] = model.small.service.seconds
    return row


def _composition_columns(model: DataLeverageModel) -> dict[str, float]:
    """Gaps of who removed data and, ``cdc``, of who contributed; NaN between measurements."""
    columns = {}
    for name, gap in (
        ("composition_gap", model.removal_gap),
        ("composition_gap_cdc", model.contribution_gap),
    ):
        for suffix, value in (
            ("", gap.gap if gap else np.nan),
            ("_low", gap.low if gap else np.nan),
            ("_high", gap.high if gap else np.nan),
        ):
            columns[name + suffix] = value
    return columns


def _service_columns(model: DataLeverageModel) -> dict[str, float]:
    """Return what known and unknown users get, pooled: enough to replay a run."""
    large = model.large.service
    total = float(large.relevant.sum())
    columns = {
        "utility_best": float(large.best_hits.sum()) / total,
        "utility_baseline": float(large.baseline_hits.sum()) / total,
    }
    for key, known, service in (
        (LARGE, model.large.knows, large),
        (SMALL, model.small.known, model.small.service),
    ):
        columns[f"loss_{key}_known"] = service.known_loss
        columns[f"loss_{key}_unknown"] = service.unknown_loss
        group = known.astype(np.float64)
        relevant, hits, all_hits = service.relevant @ group, service.hits @ group, service.hits.sum()
        for label, n, found in (("known", relevant, hits), ("unknown", total - relevant, all_hits - hits)):
            columns[f"utility_{key}_{label}"] = float(found / n if n > 0 else all_hits / total)
    return columns


def agent_table(model: DataLeverageModel) -> pd.DataFrame:
    """Return one row a user: traits, stance, where the user's data are, attention and hits."""
    population = model.population
    return pd.DataFrame(
        {
            "tick": np.full(population.n_users, model.tick, np.int32),
            "user": np.arange(population.n_users, dtype=np.int32),
            "stance": pd.Categorical.from_codes(population.stance, pd.Index(model.stances.names)),
            "records": population.records,
            "interest": population.interest,
            "grievance": population.grievance,
            "privacy": population.privacy,
            "skill": population.skill,
            "risk": population.risk,
            "degree": model.network.degree,
            "at_large": ~model.large.deleted,
            "at_small": model.small.known,
            "contributed": population.has_copy,
            "attention_large": model.attention.large,
            "attention_small": model.attention.small,
            "hits_large": model.large.service.hits,
            "hits_small": model.small.service.hits,
        }
    )


class EventLog:
    """What happened, as rows: tick, kind, subject, value, text."""

    COLUMNS = ("tick", "kind", "subject", "value", "text")

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, str, float, str]] = []

    def add(self, tick: int, kind: str, subject: str, value: float, text: str) -> None:
        """Append one event."""
        self._rows.append((tick, kind, subject, float(value), text))

    def table(self) -> pd.DataFrame:
        """Return all events."""
        types = {"tick": "int64", "kind": "str", "subject": "str", "value": "float64", "text": "str"}
        return pd.DataFrame(self._rows, columns=list(self.COLUMNS)).astype(types)
