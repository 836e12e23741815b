"""Users as Mesa agents: thin handles on the rows of the population's arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mesa

if TYPE_CHECKING:
    from abm.decisions import DecisionView
    from abm.model import DataLeverageModel


@dataclass(frozen=True)
class UserView:
    """What one user knows when deciding.

    Attributes
    ----------
    tick
        The present tick.
    stance
        Name of the present stance.
    choice
        Name of the stance that the model's decision rule would take.
    permitted
        Names of the stances open to the user.
    neighbour_shares
        Stance to the share of neighbours in it at the last tick.
    everyone
        What is public: the array view that decision rules see.
    """

    tick: int
    stance: str
    choice: str
    permitted: tuple[str, ...]
    neighbour_shares: dict[str, float]
    everyone: DecisionView


class _Column:
    """An attribute of a user that lives in row ``row`` of an array of the population."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, user: User | None, owner: type | None = None) -> Any:
        return self if user is None else getattr(user.model.population, self.name)[user.row].item()


class User(mesa.Agent):
    """One user; ``row`` is its number in the arrays, whatever Mesa's ``unique_id`` is.

    Override :meth:`decide` in a subclass and pass it as ``user_class`` to change what users, or one of
    them, do; everybody else keeps the model's rule.
    """

    model: DataLeverageModel
    records = _Column()
    interest = _Column()
    grievance = _Column()
    privacy = _Column()
    skill = _Column()
    has_copy = _Column()

    def __init__(self, model: DataLeverageModel, row: int) -> None:
        super().__init__(model)
        self.row = row

    @property
    def stance(self) -> str:
        """Name of the present stance."""
        return self.model.stances.names[self.model.population.stance[self.row]]

    def decide(self, view: UserView) -> str:
        """Return the name of the stance that the user wants; by default what the model's rule chose."""
        return view.choice
