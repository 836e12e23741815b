"""A measured learning curve as leverage: what contributing, striking and poisoning achieve at each rate."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from learners.curves.measuring import Measurement

PERSPECTIVES = ("company", "served", "holdout")


def leverage_by_rate(rows: Sequence[Measurement]) -> pd.DataFrame:
    """Return the leverage of each lever at rates up to one half, mean and spread over the repeats.

    A share p that contributes leaves Small Co. with that share, one that strikes Large Co. with the share
    1 - p. Poison is compared with everything held genuine.

    Returns
    -------
    DataFrame
        Columns ``lever`` (``cdc``, ``strike``, ``poison:KIND``), ``rate`` (share of the owners),
        ``perspective``, ``mean`` and ``sd`` in DLP units, ``repeats``; the sd of one repeat is NaN.
    """
    measured = pd.DataFrame(rows, columns=list(Measurement._fields))
    measured = measured[measured["perspective"].isin(PERSPECTIVES) & measured["quality"].notna()].copy()
    # Ratios of means, as published: a few test records can put both ends of one repeat's scale together.
    # A repeat's part in the spread is by how much its gain differs from that share of its own scale.
    by_point = [measured[key] for key in ("clean_share", "poison", "poisoned_share", "perspective")]
    gain, span = measured["quality"] - measured["baseline"], measured["best"] - measured["baseline"]
    mean_gain, mean_span = (part.groupby(by_point).transform("mean") for part in (gain, span))
    mean_span = mean_span.where(mean_span != 0)
    ratio = mean_gain / mean_span
    measured["reached"] = ratio + (gain - ratio * span) / mean_span
    clean = measured[(measured["poison"] == "") & (measured["clean_share"] < 1)]
    everything_held = (measured["clean_share"] + measured["poisoned_share"]).round(6) == 1
    poisoned = measured[(measured["poison"] != "") & everything_held]
    levers = pd.concat(
        [
            clean.assign(lever="cdc", rate=clean["clean_share"], leverage=clean["reached"]),
            clean.assign(
                lever="strike", rate=(1 - clean["clean_share"]).round(6), leverage=1 - clean["reached"]
            ),
            poisoned.assign(
                lever="poison:" + poisoned["poison"],
                rate=poisoned["poisoned_share"],
                leverage=1 - poisoned["reached"],
            ),
        ]
    )
    levers = levers[levers["rate"] <= 0.5]
    groups = levers.groupby(["lever", "rate", "perspective"], sort=False)["leverage"]
    table = groups.agg(mean="mean", sd="std", repeats="size").reset_index()
    # cdc before strike before poison, then by rate.
    table["order"] = table["lever"].map({"cdc": 0, "strike": 1}).fillna(2)
    return table.sort_values(["order", "lever", "rate"], kind="stable").drop(columns="order")
