"""Agents that do not keep their model alive when nobody else does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import mesa


class _Numbers:
    """Counters of agents, one a model, for as long as there is the model."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[mesa.Model, Iterator[int]] = WeakKeyDictionary()

    def __getitem__(self, model: mesa.Model) -> Iterator[int]:
        return self._of.setdefault(model, itertools.count(1))


class ModelAgent(mesa.Agent):
    """An agent as Mesa's, numbered from 1 within its model.

    Mesa before 3.4 counts in a dictionary that holds every model for ever, and with it the data and the
    weights of every run of a process; this one holds none.
    """

    _ids = _Numbers()
