"""How fast this machine computes and copies, for floors: what a task costs if nothing but the work is done.

Core Objects: MachineSpeed, Work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

_SIDE = 2048
_COPIED = 2**26
_REPEATS = 5


@dataclass(frozen=True)
class Work:
    """Operations that a task cannot do without, and bytes that it cannot but read and write."""

    flops: float
    bytes: float

    def __add__(self, other: Work) -> Work:
        return Work(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times: float) -> Work:
        return Work(self.flops * times, self.bytes * times)


@dataclass(frozen=True)
class MachineSpeed:
    """Rates of one thread.

    Attributes
    ----------
    flops_per_second
        Of a product of single-precision matrices of 2,048 rows.
    bytes_per_second
        Read and written while 256 MiB are copied.
    """

    flops_per_second: float
    bytes_per_second: float

    @classmethod
    def measured(cls) -> MachineSpeed:
        """Measure both rates, the best of a few attempts."""
        one, other, product = torch.ones(_SIDE, _SIDE), torch.ones(_SIDE, _SIDE), torch.empty(_SIDE, _SIDE)
        source, target = torch.ones(_COPIED), torch.zeros(_COPIED)
        return cls(
            2 * _SIDE**3 / _least_seconds(lambda: torch.mm(one, other, out=product)),
            2 * source.nbytes / _least_seconds(lambda: target.copy_(source)),
        )

    def floor(self, work: Work) -> float:
        """Return the CPU seconds under which the work cannot be done at these rates."""
        return max(work.flops / self.flops_per_second, work.bytes / self.bytes_per_second)


def _least_seconds(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(_REPEATS):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)
