"""Our figures beside a peer's, of one run: seconds, quality, ratio, and the floor under ours."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

NAN = float("nan")

HOW_TO_INSTALL = "not installed: pip install 'data-leverage[bench]'"


@dataclass(frozen=True)
class Comparison:
    """One row of a benchmark.

    Attributes
    ----------
    measured, peer
        What was timed.
    seconds, peer_seconds
        CPU seconds; NaN where there is nothing to time.
    ratio_required
        How many times as long the peer is to take at least; NaN where nothing is asked.
    metric, quality, peer_quality
        Of both models on the same test records; NaN where the task has none.
    floor_seconds
        CPU seconds that the operations and bytes of the task take on this machine.
    note
        Why something is missing, or how a figure is to be read.
    """

    measured: str
    peer: str = ""
    seconds: float = NAN
    peer_seconds: float = NAN
    ratio_required: float = NAN
    metric: str = ""
    quality: float = NAN
    peer_quality: float = NAN
    floor_seconds: float = NAN
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes."""
        return self.peer_seconds / self.seconds

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what is required; ``None`` where it is not known or nothing is required."""
        known = math.isfinite(self.ratio) and math.isfinite(self.ratio_required)
        return self.ratio >= self.ratio_required if known else None

    def row(self) -> dict[str, Any]:
        """Return all of it as one mapping."""
        over_floor = self.seconds / self.floor_seconds
        return asdict(self) | {"ratio": self.ratio, "reached": self.reached, "times_floor": over_floor}

    def lines(self) -> list[str]:
        """Return it as text for people."""
        told = [self.measured]
        ours = _figures(self.seconds, self.metric, self.quality)
        if math.isfinite(self.floor_seconds):
            times = self.seconds / self.floor_seconds
            ours += f"; floor {self.floor_seconds:.3g} s, {times:.3g} times it"
        if math.isfinite(self.seconds):
            told.append(f"  ours   {ours}")
        if math.isfinite(self.peer_seconds):
            told.append(
                f"  peer   {_figures(self.peer_seconds, self.metric, self.peer_quality)}: {self.peer}"
            )
        elif self.peer:
            told.append(f"  peer   {self.peer}")
        if math.isfinite(self.ratio):
            verdict = {True: ", reached", False: ", NOT reached", None: ""}[self.reached]
            required = f" (required: {self.ratio_required:g}{verdict})" if verdict else ""
            told.append(f"  ratio  {self.ratio:.3g}{required}")
        return [*told, f"  note   {self.note}"] if self.note else told


def _figures(seconds: float, metric: str, quality: float) -> str:
    text = f"{seconds:.3g} CPU-s"
    return f"{text}, {metric} {quality:.4f}" if math.isfinite(quality) else text
