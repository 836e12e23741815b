"""What is recorded: one row a tick, events, and one row a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from abm.actions import ACTIONS, STAY
from abm.assistant import advice
from abm.attribution import attribution_columns
from abm.companies import answer_columns
from abm.goals import GOALS
from abm.leverage import leverage
from abm.money.credits import reuse_columns
from abm.training import COMPOSITION_GAPS, LARGE, SMALL, scale_column
from learners.evaluation import PERSPECTIVES
from learners.holdings import GENUINE
from learners.leverage import VARIANTS
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class RecordParameters(Parameters):
    """What is recorded, and how often."""

    agents: Literal["end"] | Annotated[int, Field(ge=1)] = parameter(
        "end", "Users are recorded at the end, or every so many ticks", unit="ticks"
    )
    composition: Annotated[int, Field(ge=1)] | Literal["off"] = parameter(
        10, "Ticks between measurements of the composition gap", unit="ticks"
    )
    attribution: Annotated[int, Field(ge=1)] | Literal["off"] = parameter(
        "off", "Ticks between divisions of the effect among the levers in use", unit="ticks"
    )
    shadows: int = parameter(
        5, "Shadow retrainings of random sets for each composition gap", unit="retrainings", ge=2, le=100
    )

    @field_validator("agents", "composition", "attribution", mode="before")
    @classmethod
    def _at_least_every_tick(cls, every: object) -> object:
        if isinstance(every, int) and every < 1:
            raise ValueError("must be at least 1")
        return every


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
        service = company.service  # of several entrants that of the leading one, but for hits and attention
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
    row |= model.paymaster.columns | model.concessions.columns | reuse_columns(model)
    row |= _market_columns(model)
    row |= _composition_columns(model)
    row |= {column: model.attribution.get(column, np.nan) for column in attribution_columns()}
    for key, company in companies:
        row[f"owners_{key}"] = company.owners
        row[f"records_{key}"] = company.records
    row["poisoned_large"] = model.large.poisoned_records
    row["poison_planted_large"] = model.large.service.planted
    row |= answer_columns(model) | model.small.columns
    row |= _service_columns(model)
    row["share_pledged"] = model.campaigns.share_pledged
    row |= model.organisations.columns()
    row |= _belief_columns(model)
    row |= {f"welfare_{group}": mean for group, mean in model.welfare.by_group(model).items()}
    if model.represents is not None:
        row |= {f"people_{action}": row[f"share_{action}"] * model.represents for action in ACTIONS}
    row["seconds_decide"] = model.seconds_decide
    row["seconds_retrain_large"] = model.large.service.seconds
    row["seconds_retrain_small"] = model.small.service.seconds
    return row


def _market_columns(model: DataLeverageModel) -> dict[str, float]:
    """Shares of attention and who changed the company; and leverage by the head of who exerts it."""
    market = model.market_shares
    contributors = int(np.count_nonzero(model.small.known & ~model.started_at_small))
    removers = int(np.count_nonzero(model.large.store.codes != GENUINE))
    gain = model.dlp["cdc"] - model.dlp_cdc_at_start
    return {
        "market_share_large": market.large,
        "market_share_small": market.small,
        "hhi": market.concentration,
        "changed_to_large": market.to_large,
        "changed_to_small": market.to_small,
        "leverage_per_contributor": gain / contributors if contributors else np.nan,
        "leverage_per_remover": model.dlp["strike"] / removers if removers else np.nan,
    }


def _composition_columns(model: DataLeverageModel) -> dict[str, float]:
    """Return each gap and the ends of its interval; NaN between measurements."""
    columns = {}
    for name in COMPOSITION_GAPS:
        gap = model.composition_gaps.get(name)
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
    leading = model.small.leading
    for key, known, service in ((LARGE, model.large.knows, large), (SMALL, leading.known, leading.service)):
        columns[f"loss_{key}_known"] = service.known_loss
        columns[f"loss_{key}_unknown"] = service.unknown_loss
        group = known.astype(np.float64)
        relevant, hits, all_hits = service.relevant @ group, service.hits @ group, service.hits.sum()
        for label, n, found in (("known", relevant, hits), ("unknown", total - relevant, all_hits - hits)):
            columns[f"utility_{key}_{label}"] = float(found / n if n > 0 else all_hits / total)
    return columns


def _belief_columns(model: DataLeverageModel) -> dict[str, float]:
    """Errors of what users believe; NaN where no curve is measured, which is not done for this alone."""
    beliefs, family = model.beliefs, model.population.family
    told = advice(model.policy, model.population.n_users, model.streams, model.tick)
    trust, error = (told.forecast_trust, told.error) if told else (0.0, 0.0)
    shares = {"contribute": model.share_at_small, "remove": model.share_removed}
    known = model.training.curve_at_hand
    return {
        f"belief_error_{lever}": beliefs.error(lever, x, family, trust, error) if known else np.nan
        for lever, x in shares.items()
    }


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
            "goal": pd.Categorical.from_codes(population.goal, pd.Index(GOALS)),
            "coalition": model.organisations.membership.coalition,
            "community": model.organisations.communities_of_users,
            "degree": model.network.degree,
            "at_large": ~model.large.deleted,
            "at_small": model.small.known,
            "contributed": population.has_copy,
            "entrant": model.small.entrant + 1,
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
