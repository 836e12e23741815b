"""Training that can be broken off: the company goes on serving its last model, and the tick is whole.

Core Objects: InterruptibleTraining, Interruptions.
"""

from __future__ import annotations

import copy
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.services import Service
from abm.training import LiveTraining
from learners.composition import CompositionGap
from learners.holdings import Holding


class BrokenOffError(BaseException):
    """A visitor has broken off what was being computed."""


class Interruptions:
    """Whether the main thread is in a stretch that can be broken off, and how another thread does it.

    Python runs signal handlers in the main thread between two of its instructions, so an exception raised
    there leaves the stretch as an error of its own would.
    """

    def __init__(self) -> None:
        self._inside = False
        self._asked = False
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Install the handler; in the main thread of a worker process."""
        signal.signal(signal.SIGINT, self._handle)

    @property
    def inside(self) -> bool:
        """Whether the main thread is in a stretch."""
        return self._inside

    def ask(self) -> bool:
        """Break off what the main thread does, from another thread; return whether there is anything."""
        with self._lock:
            if not self._inside:
                return False
            self._asked = True
        signal.raise_signal(signal.SIGINT)
        return True

    @contextmanager
    def stretch(self) -> Iterator[None]:
        """Mark what can be broken off, by :class:`BrokenOffError`."""
        with self._lock:
            self._asked, self._inside = False, True
        try:
            yield
        finally:
            with self._lock:
                self._inside = False

    @contextmanager
    def meanwhile(self) -> Iterator[bool]:
        """Say in another thread whether the main thread is in a stretch, and keep it there until the end."""
        with self._lock:
            yield self._inside

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked and self._inside:
            self._asked = self._inside = False
            raise BrokenOffError


class InterruptibleTraining:
    """Live training of which each part can be broken off.

    It stands in for what it wraps: whatever is not said here, that does.

    A company whose retraining was broken off serves its last model, marked as stale; the next tick retrains
    it on what it holds then. Reference models that were not refitted stay as they are.

    Parameters
    ----------
    inner
        What trains.
    interruptions
        How it is broken off.
    stage
        Told what begins, in words, and whether it can be broken off.
    names
        What the companies are called, by their keys.
    """

    def __init__(
        self,
        inner: LiveTraining,
        interruptions: Interruptions,
        stage: Callable[[str, bool], None],
        names: Mapping[str, str],
    ) -> None:
        self.inner = inner
        self._interruptions = interruptions
        self._stage = stage
        self._names = names
        self.broken_off: set[str] = set()
        """What of the present tick was broken off: keys of companies, and ``reference``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def new_tick(self, tick: int, arrived: NDArray[np.bool_] | None, refit: bool) -> None:
        """Refit the reference models where records arrive."""
        self.broken_off = set()
        if not refit or arrived is None:
            self.inner.new_tick(tick, arrived, refit)
            return
        spare = copy.copy(self.inner.reference)
        spare.learner = spare.learner.fork(spare.learner.effort)
        stage = "the reference models learn from the new records"
        if not self._done(stage, "reference", lambda: self.inner.new_tick(tick, arrived, refit)):
            self.inner.reference = spare

    def retrain(self, company: str, holding: Holding) -> None:
        """Train on exactly this holding, unless it is broken off."""
        name = self._names[company]
        spare = self.inner.learners[company].fork(self.inner.learners[company].effort)
        if not self._done(f"{name} retrains", company, lambda: self.inner.retrain(company, holding)):
            self.inner.learners[company] = spare

    def service(self, company: str, consuming: NDArray[np.bool_], seconds: float, stale: bool) -> Service:
        """Measure the last trained model; it is stale if the retraining of this tick was broken off."""
        service = self.inner.service(company, consuming, seconds, stale)
        if company in self.broken_off:
            service = dataclasses.replace(service, stale=True)
        return service

    def composition_gaps(self, *sets: Any, **how: Any) -> dict[str, CompositionGap]:
        """Measure the gaps; none if it is broken off."""
        found: dict[str, CompositionGap] = {}
        stage = "random sets of people are compared with those who act"
        self._done(stage, "composition", lambda: found.update(self.inner.composition_gaps(*sets, **how)))
        return found

    def _done(self, stage: str, part: str, work: Callable[[], object]) -> bool:
        """Do a part of a tick; return whether it was done and not broken off."""
        self._stage(stage, True)
        try:
            with self._interruptions.stretch():
                work()
        except BrokenOffError:
            self.broken_off.add(part)
            return False
        finally:
            self._stage("", False)
        return True
