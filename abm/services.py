"""What the companies' products are worth to each user now, and how users divide their attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.parameters import Parameters, parameter


class ConsumptionParameters(Parameters):
    """Value of being served."""

    full_service: float = parameter(
        0.5, "Value u0 of a fully personalised service", unit="utility/tick", ge=0, le=100
    )
    personalisation_boost: float = parameter(
        2.0,
        "Engagement of personalised over un-personalised users, b",
        unit="ratio",
        source="Vincent, Hecht, Sen 2019 (grid 1.02-8)",
        ge=1,
        le=100,
    )
    attention_precision: float = parameter(
        5.0,
        "Precision of the logit by which users divide attention between the companies",
        unit="-",
        ge=0,
        le=100,
    )


@dataclass(frozen=True, eq=False)
class Service:
    """One company's served model as users and bookkeepers see it.

    Attributes
    ----------
    quality, baseline, best, n_test
        By perspective: q, W and B on the same test records, and how many these are.
    known_loss, unknown_loss
        Normalised loss (0 at the best model, 1 at the baseline) of users whose genuine data the model was
        trained on and of the others, pooled over each group: an owner's own few test records are mostly
        noise. Equal where nothing is personalised: then striking does the striker no harm.
    hits, best_hits, baseline_hits
        float64[N]: relevant records that each user finds with this model and with the references.
    relevant
        float64[N]: relevant records each user could find.
    seconds
        Wall seconds that retraining took.
    stale
        Whether the model was not retrained on the present holding.
    planted
        How well the signals took that poison planted in the model, a mean over the kinds; NaN where none.
    """

    quality: dict[str, float]
    baseline: dict[str, float]
    best: dict[str, float]
    n_test: dict[str, int]
    known_loss: float
    unknown_loss: float
    hits: NDArray[np.float64]
    best_hits: NDArray[np.float64]
    baseline_hits: NDArray[np.float64]
    relevant: NDArray[np.float64]
    seconds: float = 0.0
    stale: bool = False
    planted: float = np.nan

    def worth(
        self, known: bool, boost: float, rows: NDArray[np.int64] | None = None
    ) -> float | NDArray[np.float64]:
        """Return the worth of the service in [0, 1] to users known or not: 1 - (1 - 1/b) loss, at least 0.

        One number for all users; where they are served by several companies, one for each user or for some.
        """
        return max(0.0, 1 - (1 - 1 / boost) * (self.known_loss if known else self.unknown_loss))


@dataclass(frozen=True, eq=False)
class Attention:
    """How users divide themselves: float64[N] to Large and to Small Co., summing to 1 or, outside both, 0."""

    large: NDArray[np.float64]
    small: NDArray[np.float64]


def divided_attention(
    worth_large: NDArray[np.float64],
    worth_small: NDArray[np.float64],
    uses_large: NDArray[np.bool_],
    may_use_small: NDArray[np.bool_],
    switching_cost: float | NDArray[np.float64],
    precision: float,
) -> Attention:
    """Divide attention by a logit of personal worth less the switching cost.

    Who left Large Co. attends to Small Co. wholly, if it serves them at all.
    """
    advantage = worth_small - worth_large - switching_cost
    small = np.where(uses_large, 1 / (1 + np.exp(-precision * advantage)), 1.0) * may_use_small
    return Attention(large=np.where(uses_large, 1 - small, 0.0), small=small)


def attention_by_state(
    large: Service,
    small: Service,
    known_to_large: NDArray[np.bool_],
    known_to_small: NDArray[np.bool_],
    uses_large: NDArray[np.bool_],
    switching_cost: float | NDArray[np.float64],
    parameters: ConsumptionParameters,
    small_serves_strangers: bool,
) -> Attention:
    """Divide the attention of users, bool[N] each; ``switching_cost`` is one for all or float64[N]."""
    boost = parameters.personalisation_boost
    worth_known, worth_unknown = small.worth(True, boost), small.worth(False, boost)

    def divided(
        at_large: NDArray[np.bool_], at_small: NDArray[np.bool_], uses: NDArray[np.bool_]
    ) -> Attention:
        return divided_attention(
            np.where(at_large, large.worth(True, boost), large.worth(False, boost)),
            np.where(at_small, worth_known, worth_unknown),
            uses,
            at_small | small_serves_strangers,
            switching_cost,
            parameters.attention_precision,
        )

    if isinstance(switching_cost, np.ndarray) or isinstance(worth_known, np.ndarray):
        return divided(known_to_large, known_to_small, uses_large)
    # Users in the same state divide alike: eight states, whatever the number of users.
    by_state = divided(*(np.arange(8)[:, None] >> np.arange(3) & 1).astype(bool).T)
    state = known_to_large + 2 * known_to_small.astype(np.int8) + 4 * uses_large.astype(np.int8)
    return Attention(by_state.large[state], by_state.small[state])


def service_values(
    large: Service,
    small: Service,
    known_to_large: NDArray[np.bool_],
    known_to_small: NDArray[np.bool_],
    leaves: NDArray[np.bool_],
    parameters: ConsumptionParameters,
    small_serves_strangers: bool,
    breakage: float | NDArray[np.float64] = 0.0,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the value of what users consume, per tick, for any states of any users (arrays of one shape).

    Who stays gets Large Co.'s service, personalised if known there. Who leaves gets the outside option: Small
    Co.'s, if it knows them or serves strangers, else nothing. So leaving never costs less consumption than
    striking unless the outside option is better: striking keeps a service worth at least nothing, but for the
    ``breakage`` of sites under a tracking blocker, in utility per tick, which who leaves is spared.

    Parameters
    ----------
    rows
        int64[n]: the users, along the first axis of the states; all by default.
    """
    b = parameters.personalisation_boost
    inside = np.where(known_to_large, large.worth(True, b), large.worth(False, b))
    along = (-1, *[1] * (np.ndim(known_to_small) - 1))
    known, unknown = (np.reshape(small.worth(k, b, rows), along) for k in (True, False))
    outside = np.where(known_to_small, known, unknown if small_serves_strangers else 0.0)
    return parameters.full_service * np.where(leaves, outside, inside) - np.where(leaves, 0.0, breakage)
