"""The poison kinds T_z: what an owner's records become when the owner falsifies them.

For closed simulation on public benchmarks only; nothing here talks to a live service.
A kind is a pure function of (data set, owner, kind, parameters, data seed): the same every tick and at
every company.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.errors import InputError
from learners.record_hash import record_uniform


@dataclass(frozen=True)
class Poison:
    """One kind of poison with its parameters, (name, value) pairs so that it can be compared and hashed."""

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, kind: str | Poison) -> Poison:
        """Return a poison from its name, or the poison itself."""
        return kind if isinstance(kind, Poison) else cls(kind)


def random_vandal(
    ratings: NDArray[np.float32],
    owner_ids: NDArray[np.int64],
    item_ids: NDArray[np.int64],
    scale: tuple[float, ...],
    data_seed: int,
) -> NDArray[np.float32]:
    """Replace every rating by a uniform draw from the scale (P1; Vincent and Hecht 2021)."""
    draw = record_uniform("random_vandal", np.full(len(ratings), data_seed), owner_ids, item_ids)
    return np.asarray(scale, np.float32)[(draw * len(scale)).astype(np.int64)]


def extreme_vandal(
    ratings: NDArray[np.float32],
    owner_ids: NDArray[np.int64],
    item_ids: NDArray[np.int64],
    scale: tuple[float, ...],
    data_seed: int,
) -> NDArray[np.float32]:
    """Turn ratings under 3 into the highest, the others into the lowest (P2, the authors' intent)."""
    return np.where(ratings < 3, np.float32(scale[-1]), np.float32(scale[0])).astype(np.float32)


RATING_POISONS: dict[str, Callable[..., NDArray[np.float32]]] = {
    "random_vandal": random_vandal,
    "extreme_vandal": extreme_vandal,
}


def label_flip(
    labels: NDArray[np.int64],
    record_ids: NDArray[np.int64],
    n_classes: int,
    data_seed: int,
    rate: float = 1.0,
) -> NDArray[np.int64]:
    """Replace a share ``rate`` of the labels by a uniform draw from the other classes (P5)."""
    seed = np.full(len(labels), data_seed)
    shift = 1 + (record_uniform("label_flip", seed, record_ids) * (n_classes - 1)).astype(np.int64)
    flipped = record_uniform("label_flip rate", seed, record_ids) < rate
    return np.where(flipped, (labels + shift) % n_classes, labels)


def poisoned_ratings(
    poison: Poison,
    ratings: NDArray[np.float32],
    owner_ids: NDArray[np.int64],
    item_ids: NDArray[np.int64],
    scale: tuple[float, ...],
    data_seed: int,
) -> NDArray[np.float32]:
    """Return T_z of ratings, float32[n_records].

    Raises
    ------
    InputError
        If the kind is not one for ratings or has parameters it does not know.
    """
    if poison.name not in RATING_POISONS or poison.parameters:
        raise _unknown(poison, tuple(RATING_POISONS))
    return RATING_POISONS[poison.name](ratings, owner_ids, item_ids, scale, data_seed)


def poisoned_labels(
    poison: Poison, labels: NDArray[np.int64], record_ids: NDArray[np.int64], n_classes: int, data_seed: int
) -> NDArray[np.int64]:
    """Return T_z of class labels, int64[n_records].

    Raises
    ------
    InputError
        If the kind is not one for labels or has parameters it does not know.
    """
    parameters = dict(poison.parameters)
    rate = parameters.pop("rate", 1.0)
    if poison.name != "label_flip" or parameters or not 0 <= rate <= 1:
        raise _unknown(poison, ("label_flip (rate in [0, 1])",))
    return label_flip(labels, record_ids, n_classes, data_seed, rate)


def _unknown(poison: Poison, known: tuple[str, ...]) -> InputError:
    shown = poison.name + "".join(f" {name}={value}" for name, value in poison.parameters)
    return InputError(
        f"poison kind '{shown}' does not apply to this use case; known kinds: {', '.join(known)}"
    )
