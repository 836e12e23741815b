"""Groups of people of whom a half strikes: the demographics, fans of a genre, power users.

Core Objects: groups_of, half_of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abm.streams import Streams
from learners.ratings.use_case import RatingUseCase

Groups = dict[tuple[str, str], NDArray[np.bool_]]
"""Kind and label of a group to its members, bool[owners]."""

FAN_RATINGS, FAN_MEAN = 10, 4.0
"""Fans of a genre gave it more ratings than this, of at least this mean (Vincent, Hecht and Sen 2019)."""

POWER_SHARE = 0.1
"""Power users are this share of the people: those with most ratings."""


def groups_of(use_case: RatingUseCase) -> Groups:
    """Return the groups of at least two people: gender, age, occupation, genre fans, power users."""
    groups: Groups = {
        (kind, str(label)): labels == label
        for kind, labels in use_case.groups.items()
        for label in np.unique(labels)
    }
    groups |= _fans(use_case)
    ranked = np.argsort(-use_case.records_per_owner, kind="stable")
    power = np.zeros(use_case.owners, np.bool_)
    power[ranked[: round(POWER_SHARE * use_case.owners)]] = True
    groups["power users", "top tenth"] = power
    return {name: members for name, members in groups.items() if np.count_nonzero(members) > 1}


def _fans(use_case: RatingUseCase) -> Groups:
    data = use_case.data
    if data.genres is None:
        return {}
    fans: Groups = {}
    for column, genre in enumerate(data.genre_names):
        chosen = data.genres[data.items, column]
        count = np.bincount(data.owners[chosen], minlength=data.n_owners)
        total = np.bincount(data.owners[chosen], data.ratings[chosen], minlength=data.n_owners)
        fans["genre fans", genre] = (count > FAN_RATINGS) & (total >= FAN_MEAN * count)
    return fans


def half_of(members: NDArray[np.bool_], kind: str, label: str, sample: int, seed: int) -> NDArray[np.bool_]:
    """Draw a half of a group, bool[owners]; the odd one out stays."""
    ids = np.flatnonzero(members)
    chosen = Streams(seed).generator(f"half/{kind}/{label}", sample).permutation(ids)[: len(ids) // 2]
    half = np.zeros_like(members)
    half[chosen] = True
    return half
