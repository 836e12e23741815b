"""Traits from a survey: respondents whom users are or are drawn from, or one distribution a trait.

Core Objects: Survey, Respondents, Distributions, TRAITS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abm.streams import Streams
from abm.trait_distributions import TraitDistribution
from learners.errors import InputError

TRAITS = {
    "interest": (0.0, 1000.0),
    "grievance": (0.0, 1.0),
    "privacy": (0.0, 1.0),
    "skill": (0.0, 1.0),
    "risk": (0.0, 1.0),
    "threshold": (-1e6, 1e6),
    "cost": (0.0, 100.0),
    "barrier_withhold": (0.0, 10.0),
    "barrier_delete": (0.0, 10.0),
    "barrier_contribute": (0.0, 10.0),
    "barrier_poison": (0.0, 10.0),
    "barrier_leave": (0.0, 10.0),
}
"""Trait to its least and greatest value. A threshold is a share or a number of others, as the decision
rule has it; ``cost`` is a factor on all costs of a user; the barriers are a user's own, in place of those in
:class:`abm.costs.CostParameters`."""


class Survey(ABC):
    """What a survey file says.

    Attributes
    ----------
    name
        The path as given.
    digest
        SHA-256 of the file.
    warnings
        One line for each thing a reader of results should know.
    """

    def __init__(self, name: str, digest: str) -> None:
        self.name = name
        self.digest = digest
        self.warnings: tuple[str, ...] = ()

    @property
    def respondents(self) -> int | None:
        """Number of respondents; ``None`` for distributions."""
        return None

    @abstractmethod
    def values(
        self, n_users: int, groups: Mapping[str, NDArray[Any]], streams: Streams
    ) -> dict[str, NDArray[np.float64]]:
        """Return trait to the value of each user, float64[n_users], NaN where the survey says nothing.

        Parameters
        ----------
        n_users
            Number of users N.
        groups
            Group name to one label a user, [N].
        streams
            The draw is from the stream ``survey``.

        Raises
        ------
        InputError
            If the survey does not fit these users.
        """

    def _problem(self, text: str, line: int | None = None) -> InputError:
        return survey_problem(self.name, text, line)


class Distributions(Survey):
    """A distribution for each of some traits, drawn independently."""

    def __init__(self, name: str, digest: str, traits: dict[str, TraitDistribution]) -> None:
        super().__init__(name, digest)
        self.traits = traits

    def values(
        self, n_users: int, groups: Mapping[str, NDArray[Any]], streams: Streams
    ) -> dict[str, NDArray[np.float64]]:
        """Return a draw of each trait, each from a stream of its own."""
        return {
            trait: distribution.quantile(streams.generator(f"survey {trait}").random(n_users))
            for trait, distribution in self.traits.items()
        }


@dataclass(frozen=True, eq=False)
class Answers:
    """The columns of a file of respondents.

    Attributes
    ----------
    lines
        int64[R]: where each respondent is in the file.
    traits
        Trait to float64[R], NaN where nothing was answered.
    labels
        User group to the respondents' labels, str[R].
    weight
        float64[R], each at least 0.
    user
        int64[R], the users that the rows are of; ``None`` where users are drawn.
    """

    lines: NDArray[np.int64]
    traits: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    labels: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    weight: NDArray[np.float64] | None = None
    user: NDArray[np.int64] | None = None


class Respondents(Survey):
    """People who answered; users are these people, or drawn from them."""

    def __init__(self, name: str, digest: str, answers: Answers) -> None:
        super().__init__(name, digest)
        self.answers = answers

    @property
    def respondents(self) -> int | None:
        """Number of respondents."""
        return len(self.answers.lines)

    def values(
        self, n_users: int, groups: Mapping[str, NDArray[Any]], streams: Streams
    ) -> dict[str, NDArray[np.float64]]:
        """Return the answers of the respondent that each user is, or is drawn to be."""
        labels = {name: np.asarray(groups[name]).astype(str) for name in self.answers.labels}
        if self.answers.user is not None:
            rows = self._assigned(self.answers.user, n_users, labels)
        else:
            rows = self._drawn(labels, streams.generator("survey").random(n_users))
        return {trait: answers[rows] for trait, answers in self.answers.traits.items()}

    def _assigned(
        self, user: NDArray[np.int64], n_users: int, labels: Mapping[str, NDArray[np.str_]]
    ) -> NDArray[np.int64]:
        """Return the row of each user, int64[n_users]."""
        beyond = np.flatnonzero(user >= n_users)
        if len(beyond):
            first = beyond[0]
            raise self._problem(
                f"user: {user[first]} is not one of 0 to {n_users - 1}", int(self.answers.lines[first])
            )
        if len(user) != n_users:
            raise self._problem(
                f"{len(user)} respondents are given as users, but there are {n_users} users; "
                "give a row for each, or leave the column user out to draw"
            )
        for name, label in labels.items():
            other = np.flatnonzero(self.answers.labels[name] != label[user])
            if len(other):
                first = other[0]
                raise self._problem(
                    f"{name}: user {user[first]} is {str(label[user[first]])!r} "
                    f"(got {str(self.answers.labels[name][first])!r})",
                    int(self.answers.lines[first]),
                )
        rows = np.empty(n_users, np.int64)
        rows[user] = np.arange(n_users)
        return rows

    def _drawn(self, labels: Mapping[str, NDArray[np.str_]], lot: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the row of the respondent drawn for each user, int64[N], by lots in [0, 1)."""
        n, weight = len(lot), self._weight()
        cell = np.zeros(n + len(weight), np.int64)
        for name, label in labels.items():
            both = np.unique(np.concatenate([label, self.answers.labels[name]]), return_inverse=True)[1]
            cell = np.unique(cell * (both.max() + 1) + both, return_inverse=True)[1]
        of_users, of_rows = cell[:n], cell[n:]
        rows = np.flatnonzero(weight > 0)
        rows = rows[np.argsort(of_rows[rows], kind="stable")]
        begin, end = (np.searchsorted(of_rows[rows], of_users, side=side) for side in ("left", "right"))
        self._check_met(begin == end, labels)
        self._warn_of_unmet(np.isin(of_rows, of_users), labels)
        total = np.concatenate([[0.0], np.cumsum(weight[rows])])
        place = np.searchsorted(total, total[begin] + lot * (total[end] - total[begin]), side="right") - 1
        return rows[np.clip(place, begin, end - 1)]  # sums are rounded

    def _weight(self) -> NDArray[np.float64]:
        weight = self.answers.weight
        return np.ones(len(self.answers.lines)) if weight is None else weight

    def _check_met(self, unmet: NDArray[np.bool_], labels: Mapping[str, NDArray[np.str_]]) -> None:
        if unmet.any():
            first = np.flatnonzero(unmet)[0]
            like = np.logical_and.reduce([unmet, *(label == label[first] for label in labels.values())])
            who = " and ".join(f"{name} {str(label[first])!r}" for name, label in labels.items())
            raise self._problem(
                f"no respondent of positive weight has {who}, as {like.sum()} users have; "
                f"add some, or leave {', '.join(labels)} out"
            )

    def _warn_of_unmet(self, met: NDArray[np.bool_], labels: Mapping[str, NDArray[np.str_]]) -> None:
        if not met.all():
            text = "respondents stand for nobody: no user has their"
            unmet = f"{np.count_nonzero(~met)} of {len(met)} {text} {' and '.join(labels)}"
            self.warnings = (f"{self.name}: {unmet}",)


def survey_problem(name: str, text: str, line: int | None = None) -> InputError:
    """Return an error that names the file and, if there is one, the line."""
    where = name if line is None else f"{name}:{line}"
    return InputError(f"population.survey: {where}: {text}")
