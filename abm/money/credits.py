"""Credits for contributions, and the reuse of contributions in place of the site they were made for.

Who attends to Small Co., whose model is trained on what users contributed, visits Large Co.'s site less and
leaves fewer records there. Small Co.'s retrained model is the substitute: the better it is, the more it is
attended to. Credits that are paid for records can make up for that, as far as people respond to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from learners.holdings import Holding
from learners.parameters import Parameters, parameter

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class ReuseParameters(Parameters):
    """How the making of new records follows attention and pay (stream clock)."""

    substitution: float = parameter(
        0.0,
        "Share of a user's new records that is never made as all attention goes to Small Co.",
        unit="share",
        source="del Rio-Chanona et al. 2024 (a quarter fewer posts on Stack Overflow)",
        ge=0,
        le=1,
    )
    response: float = parameter(
        0.0,
        "Increase of the records made, as a share of them, per unit of credit price that their maker gets",
        unit="1/price",
        ge=0,
        le=100,
    )


def credit_rates(model: DataLeverageModel, records_at_start: float) -> tuple[NDArray[np.float64], float]:
    """Return what each user gets per tick for a copy of the user's records, and what is paid in all.

    The price is paid per tick for each record that Small Co. has from who contributed, in units of what Large
    Co. earned per existing record and tick at tick 0, of which there were ``records_at_start``.

    Returns
    -------
    float64[N]
        In units of what Large Co. earned of a user on average at tick 0: of those with a copy at Small Co.
        for what it holds, of the others for what they could contribute.
    float
        In units of Large Co.'s revenue at tick 0.
    """
    n, contributed = model.population.n_users, model.population.has_copy
    held = model.small.records_held
    existing = model.large.records_by_user(Holding.full(n, model.clock.arrived))
    price = model.policy.of("credit_price") / records_at_start
    rates = price * np.where(contributed, held, existing)
    return n * rates, float((rates * contributed).sum())


def makes_records(model: DataLeverageModel, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the records that are due at the present tick are made, bool[n].

    A record is made with probability min(1, (1 - s a) (1 + e p)): a is the owner's attention to Small Co. at
    the last tick, s the substitution, p the credit price where Small Co. gets the owner's new records, too (0
    elsewhere), and e the response to it. No more records are made than there are in the data.

    Parameters
    ----------
    rows
        int64[n]: row numbers of the records.
    """
    parameters = model.company_parameters.reuse
    if parameters.substitution == 0:
        return np.ones(len(rows), np.bool_)
    owners = model.record_owners[rows]
    chance = 1 - parameters.substitution * model.attention.small
    flows = model.population.has_copy & model.policy.of("portability_continuous")
    chance = chance * (1 + parameters.response * model.policy.of("credit_price") * flows)
    lots = model.streams.generator("records made", model.tick).random(len(model.record_owners))
    return np.asarray(lots[rows] < chance[owners])


def reuse_columns(model: DataLeverageModel) -> dict[str, float]:
    """Return what is recorded of traffic: attention to Large Co. a user, and the records that are not made.

    The latter as a share of all records in the data; 0 under a static clock.
    """
    every = len(model.record_owners) if model.clock.streaming else 1
    return {
        "traffic_large": float(model.attention.large.mean()),
        "records_never_made": model.clock.never / every,
    }
