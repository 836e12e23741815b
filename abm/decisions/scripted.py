"""Participation by script, as in the published studies."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from abm.actions import NAMED_STANCES, STAY
from abm.decisions.rule import DecisionRule, Start
from abm.decisions.view import DecisionView
from learners.parameters import Parameters, parameter


class ScriptedStep(Parameters):
    """From a tick on, these shares of the users are in these stances; everybody else stays."""

    tick: int = parameter(1, "First tick of the step", unit="tick", ge=0)
    shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = parameter(
        ..., "Stance to share of users", unit="share of users"
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        for name in self.shares:
            if name not in NAMED_STANCES and not name.startswith("poison:"):
                raise ValueError(f"shares: '{name}' is not one of {', '.join(NAMED_STANCES)}, poison:KIND")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares add up to {sum(self.shares.values()):g}, more than 1")
        return self


class ScriptedParameters(Parameters):
    """Participation is given, as in the published studies."""

    rule: Literal["scripted"] = "scripted"
    steps: list[ScriptedStep] = parameter(..., "What holds from which tick", unit="-", min_length=1)


class ScriptedRule(DecisionRule):
    """Users in one random order take the scripted stances; a larger share contains the smaller one."""

    requests_portability = False

    def __init__(self, parameters: ScriptedParameters) -> None:
        self.steps = {step.tick: step for step in parameters.steps}
        self._order: NDArray[np.int64] | None = None

    def begin(self, start: Start) -> None:
        """Refuse a stance that this run does not offer now, not at its tick."""
        for step in self.steps.values():
            for stance in step.shares:
                start.stances.code(stance)

    def choose(self, view: DecisionView) -> NDArray[np.int8]:
        """Return the scripted stances at the tick a step begins, the present ones otherwise."""
        step = self.steps.get(view.tick)
        if step is None:
            return view.population.stance
        n = view.population.n_users
        if self._order is None:
            self._order = view.streams.generator("script").permutation(n)
        wanted = np.full(n, STAY, np.int8)
        taken = 0
        for name, share in step.shares.items():
            until = taken + round(share * n)
            wanted[self._order[taken:until]] = view.stances.code(name)
            taken = until
        return wanted
