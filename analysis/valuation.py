"""What the data of groups of people are worth, together and apart.

A worth function says what a company achieves with the data of a set of groups. Over all sets of up to
:data:`MOST_EXACT` groups the shares are exact; beyond that, orders of arrival and sets are drawn.

Core Objects: RetrainedWorth, gray_code, exact_shares, sampled_shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from learners.attribution import shapley_shares
from learners.errors import InputError
from learners.holdings import Holding
from learners.usecase import Effort, Learner, Reference

Worth: TypeAlias = Callable[[frozenset[str]], Mapping[str, float]]
"""Set of groups to outcomes by name."""

Background: TypeAlias = Literal["present", "absent"]
"""Whether the company has, beside the groups', the data of everybody who is in none of them."""

OUTCOMES = ("quality", "revenue")
"""Normalised quality on the holdout (0 un-informed, 1 with everybody's data); and revenue, surfaced hits of
all people, who stay as customers whatever their data do, as a share of those with everybody's data."""

MOST_EXACT = 8
"""With more groups than these, shares are estimated: each further one would double the retrainings."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Disjoint groups of owners.

    Attributes
    ----------
    names
        Of the groups, K of them.
    codes
        int16[owners]: number of each owner's group; -1 for who is in none.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int16]

    def __post_init__(self) -> None:
        if len(self.names) < 2:
            raise InputError("groups: there must be at least 2")
        empty = set(range(len(self.names))) - set(np.unique(self.codes).tolist())
        if empty:
            raise InputError(f"groups: nobody is in {', '.join(self.names[k] for k in sorted(empty))}")

    @classmethod
    def of_labels(cls, labels: Iterable[object]) -> Groups:
        """Make a group of everybody with the same label; ``None``, NaN and the empty label are no group."""
        text = pd.Series(list(labels), dtype=object)
        codes, names = pd.factorize(text.where(text.notna() & (text != "")).astype("string"), sort=True)
        return cls(tuple(str(name) for name in names), codes.astype(np.int16))

    def members(self, present: frozenset[str]) -> NDArray[np.bool_]:
        """bool[owners]: who is in one of these groups."""
        chosen = [k for k, name in enumerate(self.names) if name in present]
        return np.isin(self.codes, chosen)

    def sizes(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the number of people, or the sum of their weights, in each group, float64[K]."""
        inside = self.codes >= 0
        return np.bincount(
            self.codes[inside], None if weights is None else weights[inside], minlength=len(self.names)
        ).astype(np.float64)


class RetrainedWorth:
    """What a model achieves on the data of some groups, retrained from where the last set left it.

    Neighbouring sets are cheap: an update costs what changed. A set asked for again is not trained again.

    Parameters
    ----------
    reference
        The models of nobody's and of everybody's data, the two ends of the scale.
    groups
        Whose data come and go.
    background
        Whether the data of all others are there.
    effort
        Of the retrainings.
    """

    def __init__(
        self,
        reference: Reference,
        groups: Groups,
        background: Background = "present",
        effort: Effort = "shadow",
    ) -> None:
        self._reference = reference
        self._groups = groups
        self._others = (groups.codes < 0) & (background == "present")
        self._scale = reference.scale("holdout", reference.evaluation)
        self._hits = float(reference.evaluation.hits.sum())
        self._learner: Learner = reference.learner.fork(effort)
        self._known: dict[frozenset[str], dict[str, float]] = {}

    def __call__(self, present: frozenset[str]) -> dict[str, float]:
        """Return the outcomes, see :data:`OUTCOMES`, with the data of these groups."""
        if present not in self._known:
            holding = Holding.of(self._others | self._groups.members(present))
            trained = self._learner.update(holding, self._reference.uninformed)
            self._known[present] = {
                "quality": float(self._scale.cdc(trained.holdout)),
                "revenue": float(trained.hits.sum()) / self._hits,
            }
        return self._known[present]


def gray_code(players: Sequence[str]) -> list[frozenset[str]]:
    """Return all 2 ** k sets of players, everybody first, each one player apart from the one before.

    The complements of the binary-reflected sequence (Gray 1953).
    """
    numbers = [number ^ (number >> 1) for number in range(2 ** len(players))]
    return [
        frozenset(player for bit, player in enumerate(players) if not number >> bit & 1) for number in numbers
    ]


def exact_shares(worth: Mapping[frozenset[str], Mapping[str, float]], players: Sequence[str]) -> pd.DataFrame:
    """Divide what all players achieve, given what every set of them does.

    Returns
    -------
    pandas.DataFrame
        One row an outcome and a player: ``strike``, what all lose without the player; ``shapley``, the mean
        over orders of arrival of what the player adds (Shapley 1953); ``banzhaf``, the mean over sets of the
        others (Banzhaf 1965). Shapley shares add up to what everybody achieves beyond nobody.
    """
    everybody = frozenset(players)
    shares = shapley_shares(worth.__getitem__, players)
    rows = []
    for outcome, of_players in shares.items():
        for player in players:
            others = [p for p in players if p != player]
            added = [
                worth[frozenset(chosen) | {player}][outcome] - worth[frozenset(chosen)][outcome]
                for size in range(len(players))
                for chosen in combinations(others, size)
            ]
            rows.append(
                {
                    "outcome": outcome,
                    "group": player,
                    "strike": worth[everybody][outcome] - worth[everybody - {player}][outcome],
                    "shapley": of_players[player],
                    "banzhaf": float(np.mean(added)),
                }
            )
    return pd.DataFrame(rows)


def sampled_shares(
    worth: Worth,
    players: Sequence[str],
    rng: np.random.Generator,
    permutations: int = 20,
    sets: int = 100,
    tolerance: float = 0.0,
) -> pd.DataFrame:
    """Estimate the shares of many players from random orders of arrival and random sets.

    An order is broken off when all outcomes are within ``tolerance`` of what everybody achieves; who comes
    later then adds nothing (Ghorbani, Zou 2019). A Banzhaf share is the mean worth of the sets with the
    player less that of those without (Wang, Jia 2023).

    Parameters
    ----------
    worth
        What a set achieves.
    permutations, sets
        Numbers of orders and of sets drawn, at least 2 and 4.

    Returns
    -------
    pandas.DataFrame
        As of :func:`exact_shares`, with standard errors ``shapley_se`` and ``banzhaf_se``.

    Raises
    ------
    InputError
        If too few are drawn for a standard error.
    """
    if permutations < 2 or sets < 4:
        raise InputError(f"at least 2 orders and 4 sets must be drawn (got {permutations} and {sets})")
    everybody = frozenset(players)
    best, none = dict(worth(everybody)), dict(worth(frozenset()))
    outcomes = list(best)
    arrivals = np.zeros((permutations, len(players), len(outcomes)))
    for order in arrivals:
        present, before = frozenset[str](), none
        for k in rng.permutation(len(players)):
            if present and all(abs(best[o] - before[o]) <= tolerance for o in outcomes):
                break
            present |= {players[k]}
            after = dict(worth(present))
            order[k] = [after[o] - before[o] for o in outcomes]
            before = after
    drawn = rng.random((sets, len(players))) < 0.5
    values = np.array(
        [
            [*worth(frozenset(p for p, here in zip(players, row, strict=True) if here)).values()]
            for row in drawn
        ]
    )
    rows = []
    for o, outcome in enumerate(outcomes):
        for k, player in enumerate(players):
            inside, outside = values[drawn[:, k], o], values[~drawn[:, k], o]
            spread = np.sqrt(_squared_error(inside) + _squared_error(outside))
            rows.append(
                {
                    "outcome": outcome,
                    "group": player,
                    "strike": best[outcome] - worth(everybody - {player})[outcome],
                    "shapley": arrivals[:, k, o].mean(),
                    "banzhaf": inside.mean() - outside.mean() if inside.size and outside.size else np.nan,
                    "shapley_se": np.sqrt(_squared_error(arrivals[:, k, o])),
                    "banzhaf_se": spread,
                }
            )
    return pd.DataFrame(rows)


def _squared_error(values: NDArray[np.float64]) -> float:
    """Return the squared standard error of a mean."""
    return float(values.var(ddof=1) / values.size) if values.size > 1 else np.nan
