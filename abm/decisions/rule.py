"""What every decision rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abm.actions import CAMPAIGN, Stances
from abm.decisions.view import DecisionView
from abm.networks.network import Network
from abm.policy import Policy
from abm.production import MeasuredCurves
from abm.streams import Streams
from learners.errors import InputError


@dataclass(frozen=True, eq=False)
class Start:
    """What a run offers its decision rule before the first tick; the policy is that without interventions."""

    stances: Stances
    network: Network
    streams: Streams
    curves: MeasuredCurves
    policy: Policy


class DecisionRule(ABC):
    """A way to choose stances."""

    requests_portability = True
    """Whether contributing takes a request that can fail; a script's contributions are given."""

    @property
    def campaign_stance(self) -> str | None:
        """Name of the stance that the rule's campaign asks for; ``None`` where it knows no campaign."""
        return None

    def stance_asked(self, name: str) -> str:
        """Return the name of a stance; ``campaign`` stands for the one that the rule's campaign asks for.

        Raises
        ------
        InputError
            If the rule knows no campaign.
        """
        if name != CAMPAIGN:
            return name
        if self.campaign_stance is None:
            raise InputError(f"stance: '{CAMPAIGN}' needs a rule with a campaign, not {type(self).__name__}")
        return self.campaign_stance

    @property
    def contacts(self) -> int:
        """Contacts that organisers within the rule have made so far."""
        return 0

    def begin(self, start: Start) -> None:  # noqa: B027 (not every rule needs it)
        """Take note of what the run offers; by default nothing.

        Raises
        ------
        InputError
            If the run lacks what the rule needs.
        """

    @abstractmethod
    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the stance that each user wants, int8[N]; the present one for who does not reconsider."""

    def would_join(
        self, view: DecisionView, rows: NDArray[np.int64], stance: int, share: float
    ) -> NDArray[np.bool_]:
        """Return which of some users would be better off in a stance if a share of the data acted, bool[n].

        They are sure that the others act if they do: it is asked of who considers a conditional pledge. A
        rule that does not override this knows no such thing, and pledges are refused in a run under it.
        """
        raise NotImplementedError

    def advantage(
        self, view: DecisionView, rows: NDArray[np.int64], stance: int, bloc: float
    ) -> NDArray[np.floating]:
        """Return by how much a stance beats the best other one for some users, float[n], in utility.

        Each thinks of a share ``bloc`` of the data as moving with them; -inf where the law does not permit
        the stance. It is asked of who considers an organised action. Under a rule that does not override this
        users cannot weigh it, and are indifferent.
        """
        return np.zeros(len(rows))
