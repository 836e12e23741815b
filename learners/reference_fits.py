"""Reference models that were fitted before in this process, for runs that would fit the same once more.

Runs of a study that have the same seed, data and arrivals, such as its arms, have the same reference models
tick by tick, whatever else differs. What is taken from here is what fitting would give, bit for bit.

Core Objects: ReferenceFits, Fit, History.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from learners.evaluation import Predictions
    from learners.usecase import Learner

MOST_BYTES = 256 * 2**20
"""Arrays that are kept at most."""


class Fit(NamedTuple):
    """A fitted reference: the learner on everything that had arrived, and the un-informed method."""

    learner: Learner
    uninformed: Predictions


class History(NamedTuple):
    """How a reference came to be.

    Attributes
    ----------
    first
        A digest of the seed and what it was fitted to first; empty before that.
    all
        A digest of the seed and all that it was fitted to in turn.
    """

    first: str
    all: str

    def then(self, holding: str) -> History:
        """Return the history with one more fit, to the holding of this digest."""
        longer = hashlib.sha256(f"{self.all} {holding}".encode()).hexdigest()
        return History(self.first or longer, longer)


class ReferenceFits:
    """A bounded memory of fits, each known by its history.

    Fits that began elsewhere make room for new ones; of one long history the beginning is kept.

    Parameters
    ----------
    most_bytes
        Arrays that are kept at most.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[History, tuple[Fit, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, history: History) -> Fit | None:
        """Return the fit with this history, apart from whoever else has it, or ``None``."""
        if history not in self._kept:
            return None
        self._kept.move_to_end(history)
        fit, _ = self._kept[history]
        return fit._replace(learner=fit.learner.fork(fit.learner.effort))

    def put(self, history: History, fit: Fit) -> None:
        """Keep a fit, if there is room for it."""
        fit = fit._replace(learner=fit.learner.fork(fit.learner.effort))
        size = array_bytes(fit, {id(fit.learner.use_case)})
        for other in [key for key in self._kept if key.first != history.first]:
            if self.bytes + size <= self._most:
                break
            self.bytes -= self._kept.pop(other)[1]
        if self.bytes + size <= self._most and history not in self._kept:
            self._kept[history] = (fit, size)
            self.bytes += size


def array_bytes(value: Any, seen: set[int]) -> int:
    """Return the size of all arrays that an object holds, leaving out objects whose ids are ``seen``."""
    if id(value) in seen or value is None or isinstance(value, (str, bytes, int, float, type)):
        return 0
    seen.add(id(value))
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = list(value)
    elif hasattr(value, "__dict__"):
        inner = list(vars(value).values())
    return sum(array_bytes(part, seen) for part in inner)
