"""Users as Mesa agents: thin handles on the rows of the population's arrays."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mesa

from abm.agent_numbers import ModelAgent

if TYPE_CHECKING:
    from abm.decisions import DecisionView
    from abm.model import DataLeverageModel
    from abm.population import Population


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


class User(ModelAgent):
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

    def __init__(self, model: SocietyModel, row: int) -> None:
        super().__init__(model)
        self.row = row

    @property
    def stance(self) -> str:
        """Name of the present stance."""
        return self.model.stances.names[self.model.population.stance[self.row]]

    def decide(self, view: UserView) -> str:
        """Return the name of the stance that the user wants; by default what the model's rule chose."""
        return view.choice


class SocietyModel(mesa.Model):
    """A Mesa model whose user agents are made when somebody first looks at them.

    A tick runs on arrays and needs no agent; a million handles would cost seconds and half a gigabyte.
    """

    population: Population
    user_class: type[User]

    def __init__(self, rng: int) -> None:
        super().__init__(rng=rng)
        self._users: list[User] | None = None

    @property
    def users(self) -> list[User]:
        """The users as Mesa agents, in the order of the arrays."""
        if self._users is None:
            collecting = gc.isenabled()
            gc.disable()  # halves the time, and nothing here is garbage
            try:
                self._users = [self.user_class(self, row) for row in range(self.population.n_users)]
            finally:
                if collecting:
                    gc.enable()
        return self._users

    @property
    def agents(self) -> Any:
        """All agents, users and companies."""
        self._make_users()
        return super().agents

    @property
    def agents_by_type(self) -> Any:
        """Agents by class."""
        self._make_users()
        return super().agents_by_type

    @property
    def agent_types(self) -> Any:
        """Classes of agents."""
        self._make_users()
        return super().agent_types

    def _make_users(self) -> None:
        # Mesa's own constructor looks at the agents before there is a population.
        if hasattr(self, "population"):
            _ = self.users
