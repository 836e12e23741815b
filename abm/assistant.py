"""The data leverage assistant: a tool that tells its users what acting on their data would do.

What it shows can be switched on piece by piece. How each piece works on its users is an assumption of ours:

sign-ups
    Users weigh what everybody does, beside what their neighbours do, in the social term of their utility.
    A page that shows nothing else is the control of a comparison: no forecast, only numbers.
forecast
    Users' belief about the effect of acting moves towards the true effect, which the assistant knows but for
    an error.
gap
    Users who are told that the critical mass is near think of the group that would reach it as moving with
    them, instead of a group of the usual size.
campaigns
    Users find what others already do and how to join it, so that part of its barrier falls.
pledges
    Users are shown campaigns of conditional pledges (:mod:`abm.pledges`).

The first three count with the weight ``trust``, the others apply to whoever has the tool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.beliefs import Beliefs
from learners.parameters import Parameters, constant, parameter

if TYPE_CHECKING:
    from abm.policy import Policy
    from abm.streams import Streams


_ENOUGH = constant(
    "policy.assistant.enough",
    0.5,
    "Share of a lever's full effect at which its mass is critical",
    unit="share of the full effect",
)


class AssistantParameters(Parameters):
    """What the assistant shows, and how far its users believe it."""

    trust: float = parameter(
        0.5,
        "Weight lambda of what the assistant says beside what users know without it",
        unit="share",
        ge=0,
        le=1,
    )
    sign_ups: bool = parameter(False, "Whether it shows what everybody does", unit="-")
    forecast: bool = parameter(True, "Whether it forecasts the effect of acting now", unit="-")
    gap: bool = parameter(False, "Whether it shows how far the critical mass is", unit="-")
    campaigns: bool = parameter(False, "Whether it finds what others do and how to join them", unit="-")
    pledges: bool = parameter(False, "Whether it shows campaigns of conditional pledges", unit="-")
    forecast_bias: float = parameter(0.0, "Mean error of the forecast", unit="DLP", ge=-1, le=1)
    forecast_sd: float = parameter(
        0.0, "Spread of the forecast's error, drawn once a tick", unit="DLP", ge=0, le=1
    )
    reach: float = parameter(
        0.2, "Largest gap to the critical mass that users count on closing", unit="share of data", ge=0, le=1
    )
    search_tool: float = parameter(
        0.5,
        "Share of the barriers to what anybody already does that the search for campaigns removes",
        unit="share",
        ge=0,
        le=1,
    )

    @property
    def needs_curve(self) -> bool:
        """Whether what it shows rests on the true production function."""
        return self.trust > 0 and (self.forecast or self.gap)


@dataclass(frozen=True, eq=False)
class Advice:
    """What the assistants of one tick tell their users.

    Attributes
    ----------
    content
        What is shown.
    has
        bool[N]: who has the tool.
    error
        Error of all forecasts of the tick, in DLP.
    """

    content: AssistantParameters
    has: NDArray[np.bool_]
    error: float

    @property
    def forecast_trust(self) -> NDArray[np.float64]:
        """float64[N]: weight of the forecast in what users believe."""
        return np.where(self.has & self.content.forecast, self.content.trust, 0.0)

    def believed(
        self,
        beliefs: Beliefs,
        lever: str,
        x: float,
        joins: float,
        stays: float,
        taking_part: NDArray[np.bool_],
        family: NDArray[np.int8],
        rows: NDArray[np.int64],
        alone: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return what users who may have the tool believe their group's taking part achieves, float64[n].

        With the forecast, beliefs are (1 - lambda) b + lambda (P + error): the error is of the effect that
        taking part has, whether of joining or of staying in. With the gap, who is not in yet and is told that
        the critical mass p* is near believes (1 - lambda) times that plus lambda times the effect of a group
        that brings the share from x to p*.

        Parameters
        ----------
        lever, x
            As in :meth:`abm.beliefs.Beliefs.marginal`.
        joins, stays
            Shares of the data thought of as moving with who joins, and with who is in.
        taking_part
            bool[n]: who is in.
        family
            int8[n]: the users' belief families.
        rows
            int64[n]: the users.
        alone
            float64[n]: what they believe without the tool.
        """
        content = self.content
        if not content.needs_curve:
            return alone
        trust = np.where(self.has[rows], content.trust, 0.0)
        told = content.trust if content.forecast else 0.0
        believed = alone
        if content.forecast:
            joining, _ = beliefs.true_marginal(lever, x, joins)
            _, staying = beliefs.true_marginal(lever, x, stays)
            forecast = np.where(taking_part, staying, joining) + self.error
            believed = alone + trust * (forecast - alone)
        if content.gap:
            mass = critical_mass(beliefs, lever)
            if joins < mass - x <= content.reach:
                together = (beliefs.effect(lever, mass) - beliefs.effect(lever, x))[family]
                true_together = float(beliefs.truth(lever, mass) - beliefs.truth(lever, x)) + self.error
                together += told * (true_together - together)
                believed = np.where(taking_part, believed, believed + trust * (together - believed))
        return believed

    def shares(
        self, neighbours: NDArray[np.float32], rows: NDArray[np.int64], stances: NDArray[np.int8]
    ) -> NDArray[np.float32]:
        """Return the shares in each stance that users go by, float32[n, K].

        Those of their ``neighbours``, float32[n, K], and with sign-ups, to the share lambda, everybody's, of
        ``stances``, int8[N].
        """
        if not self.content.sign_ups:
            return neighbours
        everybody = np.bincount(stances, minlength=neighbours.shape[1]) / len(stances)
        trust = np.where(self.has[rows], self.content.trust, 0.0)[:, None]
        return (neighbours + trust * (everybody - neighbours)).astype(np.float32)


def advice(policy: Policy, n_users: int, streams: Streams, tick: int) -> Advice | None:
    """Return what assistants tell at a tick; ``None`` where nobody has one."""
    has = np.broadcast_to(policy.of("assistant_access"), n_users)
    if not has.any():
        return None
    content = policy.assistant
    lot = float(streams.generator("forecast error", tick).standard_normal())
    return Advice(content, has, content.forecast_bias + content.forecast_sd * lot)


def search_relief(
    policy: Policy, stances: NDArray[np.int8], rows: NDArray[np.int64], k: int
) -> NDArray[np.float32]:
    """Return the share of the barriers to each stance that the search for campaigns removes, float32[n, K].

    A stance can be found once anybody, of ``stances``, int8[N], is in it.
    """
    searches = np.broadcast_to(policy.of("assistant_access"), len(stances))[rows]
    found = np.bincount(stances, minlength=k) > 0
    return np.float32(policy.assistant.search_tool) * (searches[:, None] & found)


def critical_mass(beliefs: Beliefs, lever: str) -> float:
    """Return the least share of the data with which a lever has half of its full effect; 1 if none has.

    Half of the effect is defined for a curve of every shape. The steepest place is not: on a decelerating
    curve it is where nobody takes part, and on a measured one it moves with the noise.
    """
    shares = np.linspace(0.0, 1.0, 1001)
    enough = beliefs.truth(lever, shares) >= _ENOUGH
    return float(shares[enough.argmax()]) if enough.any() else 1.0
