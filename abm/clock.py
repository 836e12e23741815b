"""The data clock: when records come into being."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from learners.parameters import Parameters, parameter
from learners.usecase import UseCase


class ClockParameters(Parameters):
    """Whether records exist from the start or arrive."""

    kind: Literal["static", "stream"] = parameter(
        "static", "static: all records exist at tick 0; stream: each owner's arrive in time order", unit="-"
    )
    at_start: float = parameter(
        0.6, "Share of each owner's records that exist before tick 0 (stream)", unit="share", gt=0, le=1
    )
    slices: int | None = parameter(
        None,
        "Ticks over which the rest arrives (stream); by default a scenario's length, or 40",
        unit="ticks",
        ge=1,
    )


class Clock:
    """Which records exist. Each owner's records arrive in the owner's own time order.

    Everybody is there from the start with a share of their records: data sets tell when people rated, not
    when they would have joined this society. The rest of each owner's records arrives evenly.

    Attributes
    ----------
    arrived
        bool[n_records], or ``None`` under the static clock.
    never
        Number of records that will never be made.
    """

    def __init__(self, parameters: ClockParameters, use_case: UseCase | None) -> None:
        self.arrived: NDArray[np.bool_] | None = None
        self.never = 0
        self._due = np.empty(0, np.int64)
        if parameters.kind == "stream" and use_case is not None:
            # A record's place in its owner's life, in (0, 1), says at which tick it is due.
            life = (use_case.time_rank() + 0.5) / use_case.records_per_owner[use_case.record_owners]
            late = np.maximum(life - parameters.at_start, 0) / max(1 - parameters.at_start, 1e-9)
            self._due = np.ceil(late * (parameters.slices or 40)).astype(np.int64)
            self.arrived = self._due == 0

    @property
    def streaming(self) -> bool:
        """Whether records arrive."""
        return self.arrived is not None

    def advance(
        self, tick: int, made: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None
    ) -> NDArray[np.int64]:
        """Let the records of a tick arrive and return their row numbers; ticks count from 1.

        ``made`` says which of some rows are made, bool[n]; the others never arrive. By default all are.
        """
        rows = np.flatnonzero(self._due == tick)
        if made is not None and len(rows):
            due, rows = len(rows), rows[made(rows)]
            self.never += due - len(rows)
        if self.arrived is not None and len(rows):
            self.arrived = self.arrived.copy()
            self.arrived[rows] = True
        return rows

    @property
    def pending_share(self) -> float:
        """Share of all records that has yet to arrive."""
        if self.arrived is None:
            return 0.0
        pending = float(1 - self.arrived.mean())
        return pending - self.never / len(self.arrived) if self.never else pending
