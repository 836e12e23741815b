"""Whom an intervention reaches: a group of users, those with the most data, or a random share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from abm.streams import Streams
from learners.errors import InputError
from learners.parameters import Parameters, parameter


class Target(Parameters):
    """A kind of user: a label of a known group, or the power users."""

    group: str | None = parameter(None, "Name of a known grouping of users, such as gender", unit="-")
    label: str | None = parameter(None, "The label, in that grouping, of the users who are meant", unit="-")
    power_users: bool = parameter(
        False,
        "The tenth of the users who own the most records instead",
        unit="-",
        source="Vincent, Hecht, Sen 2019",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        named = self.group is not None, self.label is not None
        if named not in ((True, True), (False, False)) or named[0] == self.power_users:
            raise ValueError("takes either group and label, or power_users: true")
        return self


class Audience:
    """The users as interventions see them.

    Parameters
    ----------
    records
        float64[N], records owned.
    groups
        Grouping to the label of each user, [N].
    streams
        For lots.
    """

    def __init__(
        self, records: NDArray[np.float64], groups: Mapping[str, NDArray[Any]], streams: Streams
    ) -> None:
        self.n_users = len(records)
        self._records = records
        self._groups = groups
        self._streams = streams

    def members(self, target: Target | None) -> NDArray[np.bool_]:
        """Return who is meant, bool[N]; everybody without a target.

        Raises
        ------
        InputError
            If the grouping or the label is not known here, or all users own equally much.
        """
        if target is None:
            return np.ones(self.n_users, np.bool_)
        if target.power_users:
            return self._power_users()
        if target.group is None or target.group not in self._groups:
            known = ", ".join(self._groups) or "none"
            raise InputError(f"target.group: '{target.group}' is no grouping of these users (known: {known})")
        labels = np.asarray(self._groups[target.group]).astype(str)
        members: NDArray[np.bool_] = labels == target.label
        if not members.any():
            known = ", ".join(np.unique(labels)[:20])
            raise InputError(f"target.label: no user's {target.group} is '{target.label}' (known: {known})")
        return members

    def lots(self, purpose: str) -> NDArray[np.float64]:
        """Return a lot in [0, 1) for each user, the same throughout a run, float64[N].

        A share p of the users are those whose lot is below p, so a larger share contains a smaller one.
        """
        return self._streams.generator(f"coverage of {purpose}").random(self.n_users)

    def _power_users(self) -> NDArray[np.bool_]:
        if (self._records == self._records[0]).all():
            raise InputError("target.power_users: all users own equally many records")
        # Equal numbers of records are ranked by lot, as row order has a meaning of its own.
        order = np.lexsort((self.lots("power users"), -self._records))
        members = np.zeros(self.n_users, np.bool_)
        members[order[: -(-self.n_users // 10)]] = True
        return members
