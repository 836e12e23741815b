"""Poison detection that learns: the more falsified records a company has seen, the more of them it finds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abm.streams import Streams
from learners.holdings import FIRST_POISON, GENUINE
from learners.parameters import Parameters, parameter


class DetectionParameters(Parameters):
    """How well Large Co. tells falsified records from genuine ones; by default it does not look."""

    most_found: float = parameter(
        0.0, "Share of the poisoners that a detector finds in the end, TPR_max", unit="share", ge=0, le=1
    )
    learning_rate: float = parameter(
        0.001,
        "How fast it learns: kappa in TPR = TPR_max (1 - exp(-kappa E)) of E poisoned records seen so far, "
        "each counted at every tick",
        unit="per record and tick",
        ge=0,
    )
    false_alarms: float = parameter(
        0.0, "Share of the others whose genuine records it takes for poison, FPR", unit="share", ge=0, le=1
    )


class Detector:
    """Whose records Large Co. takes for falsified.

    Each user has one lot for as long as records are falsified and one for as long as they are genuine, so who
    is found once stays found while the detector gets better, and a better one finds the same users and more.

    Attributes
    ----------
    exposure
        E: poisoned records that reached the store, counted at every tick they are there.
    """

    def __init__(self, parameters: DetectionParameters, n_users: int, streams: Streams) -> None:
        self._parameters = parameters
        self._n_users = n_users
        self._streams = streams
        self.exposure = 0.0

    @property
    def looks(self) -> bool:
        """Whether there is a detector at all."""
        return self._parameters.most_found > 0 or self._parameters.false_alarms > 0

    @property
    def true_positive_rate(self) -> float:
        """Share of the poisoners that it finds now."""
        p = self._parameters
        return p.most_found * float(-np.expm1(-p.learning_rate * self.exposure))

    @property
    def false_positive_rate(self) -> float:
        """Share of the others that it takes for poisoners."""
        return self._parameters.false_alarms

    @property
    def false_alarms(self) -> NDArray[np.bool_]:
        """bool[N]: whose records it takes for poison while they are genuine."""
        if self.false_positive_rate == 0:
            return np.zeros(self._n_users, np.bool_)
        return self._lots("false alarm") < self.false_positive_rate

    def flagged(self, codes: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return whose records it takes for poison, bool[N], given their states, int8[N] as in a holding."""
        if not self.looks:
            return np.zeros(self._n_users, np.bool_)
        found = self._lots("poison found") < self.true_positive_rate
        return ((codes >= FIRST_POISON) & found) | ((codes == GENUINE) & self.false_alarms)

    def _lots(self, name: str) -> NDArray[np.float64]:
        return self._streams.generator(name).random(self._n_users)
