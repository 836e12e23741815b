"""The data clock: when records come into being (decisions A2)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from learners.parameters import Parameters, parameter
from learners.usecase import UseCase


class ClockParameters(Parameters):
    """Whether records exist from the start or arrive."""

    kind: Literal["static", "stream"] = parameter(
        "static", "static: all records exist at tick 0; stream: they arrive in time order", unit="-"
    )
    at_start: float = parameter(0.6, "Share of records that exist before tick 0 (stream)", unit="share", ge=0, le=1)
    slices: int | None = parameter(
        None, "Ticks over which the rest arrives in equal parts (stream); the run's length by default", unit="ticks", ge=1
    )


class Clock:
    """Which records exist.

    Attributes
    ----------
    arrived
        bool[n_records], or ``None`` under the static clock.
    """

    def __init__(self, parameters: ClockParameters, use_case: UseCase | None) -> None:
        self.arrived: NDArray[np.bool_] | None = None
        self._slices: list[NDArray[np.int64]] = []
        if parameters.kind == "stream" and use_case is not None:
            order = use_case.arrival_order()
            first = round(parameters.at_start * len(order))
            self._slices = np.array_split(order[first:], parameters.slices or 1)
            self.arrived = np.zeros(len(order), np.bool_)
            self.arrived[order[:first]] = True

    @property
    def streaming(self) -> bool:
        """Whether records arrive."""
        return self.arrived is not None

    def advance(self, tick: int) -> NDArray[np.int64]:
        """Let the records of a tick arrive and return their row numbers; ticks count from 1."""
        if self.arrived is None or tick > len(self._slices):
            return np.empty(0, np.int64)
        rows = self._slices[tick - 1]
        self.arrived = self.arrived.copy()
        self.arrived[rows] = True
        return rows

    @property
    def pending_share(self) -> float:
        """Share of all records that has yet to arrive."""
        return 0.0 if self.arrived is None else float(1 - self.arrived.mean())
