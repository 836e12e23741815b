"""Named random streams: every draw of a run comes from one, and no stream disturbs another."""

from __future__ import annotations

import zlib

import numpy as np


class Streams:
    """Random generators keyed by a name and, within a run, the tick.

    The generators are stateless in the sense that ``generator(name, tick)`` always starts at the same point:
    a law or an option that skips a draw shifts nobody else's (common random numbers between arms).
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def generator(self, name: str, tick: int = 0) -> np.random.Generator:
        """Return a fresh generator for one purpose at one tick."""
        key = (zlib.crc32(name.encode()), tick)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key)))

    def integer(self, name: str) -> int:
        """Return a seed for something that takes an integer, such as a learner."""
        return int(self.generator(name).integers(2**31))
