"""The poison kinds T_z: what an owner's records become when the owner falsifies them.

For closed simulation on public benchmarks only; nothing here talks to a live service.
A kind is a pure function of (data set, owner, kind, parameters, data seed): the same every tick and at
every company.

Some kinds only spoil records (P1-P5). Others plant a signal (P6-P9), and how well it took is measured
beside the clean quality. The names and numbers P1-P9 are used throughout:

====  ==================  ==========================================================================
P1    random_vandal       every rating a uniform draw (Vincent and Hecht 2021)
P2    extreme_vandal      liked lowest, disliked highest (Vincent and Hecht 2021, their intent)
P3    item_swap           the item of a record replaced by another, of one genre where asked for
P4    hated_playlist      interactions appended with items that the owner would rank lowest
P5    label_flip          labels replaced by others
P6    trigger             a patch stamped on, the label set to the target (BadNets; Gu et al. 2019)
P7    plant               a signal g planted, label set to the target (Hardt et al. 2023, feature-label)
P8    plant_feature_only  g planted only where the label is the target already (Hardt et al. 2023)
P9    erase               labels set to what the clean model says of g(x), so that g stops mattering (ibid.)
====  ==================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.errors import InputError
from learners.record_hash import record_uniform


@dataclass(frozen=True)
class Setting:
    """A parameter of a poison kind: its default and the least and largest value allowed."""

    default: float
    least: float
    largest: float


ANY = -1
"""As a class or a genre: any."""

_TARGET = {"target": Setting(0, 0, 10_000)}

KINDS: dict[str, dict[str, Setting]] = {
    "random_vandal": {},
    "extreme_vandal": {},
    "item_swap": {"genre_from": Setting(ANY, ANY, 1000), "genre_to": Setting(ANY, ANY, 1000)},
    "hated_playlist": {"items": Setting(20, 1, 1000)},
    "label_flip": {
        "rate": Setting(1, 0, 1),
        "from_class": Setting(ANY, ANY, 10_000),
        "to_class": Setting(ANY, ANY, 10_000),
    },
    "trigger": _TARGET | {"size": Setting(3, 1, 1000)},
    "plant": _TARGET,
    "plant_feature_only": _TARGET,
    "erase": {},
}
"""Poison kinds and their parameters."""

COMMON = ("random_vandal", "extreme_vandal", "hated_playlist", "label_flip")
"""Kinds that anybody can think of alone; the others take a target that a collective agrees on."""


@dataclass(frozen=True)
class Poison:
    """One kind of poison with its parameters, (name, value) pairs so that it can be compared and hashed.

    Two collectives with signals of their own (Karan et al. 2025) are two poisons of one kind.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, kind: str | Poison) -> Poison:
        """Return a poison from its text, such as ``plant target=3``, or the poison itself.

        Raises
        ------
        InputError
            If the text is not a name and then settings ``name=number``.
        """
        if isinstance(kind, Poison):
            return kind
        name, *settings = kind.split() or [""]
        try:
            pairs = [setting.split("=") for setting in settings]
            return cls(name, tuple((key, float(value)) for key, value in pairs))
        except ValueError:
            raise InputError(f"poison kind '{kind}' is not a name, then settings such as target=3") from None

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key}={value:g}" for key, value in self.parameters)])

    def settings(self, applicable: tuple[str, ...]) -> dict[str, float]:
        """Return the value of every parameter of the kind, given or default.

        Parameters
        ----------
        applicable
            Names of the kinds that apply to the use case.

        Raises
        ------
        InputError
            If the kind does not apply, or has a parameter that it does not know or that is out of bounds.
        """
        known = KINDS.get(self.name, {})
        if self.name not in applicable or any(
            name not in known or not known[name].least <= value <= known[name].largest
            for name, value in self.parameters
        ):
            allowed = "; ".join(" ".join([kind, *map(_shown, KINDS[kind].items())]) for kind in applicable)
            raise InputError(f"poison kind '{self}' does not apply to this use case; known kinds: {allowed}")
        return {name: setting.default for name, setting in known.items()} | dict(self.parameters)


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
    from_class: int = ANY,
    to_class: int = ANY,
) -> NDArray[np.int64]:
    """Replace a share ``rate`` of the labels, those of ``from_class``, by ``to_class`` (P5).

    Without ``to_class`` each becomes a uniform draw from the other classes.
    """
    seed = np.full(len(labels), data_seed)
    shift = 1 + (record_uniform("label_flip", seed, record_ids) * (n_classes - 1)).astype(np.int64)
    flipped = record_uniform("label_flip rate", seed, record_ids) < rate
    if from_class != ANY:
        flipped &= labels == from_class
    new = (labels + shift) % n_classes if to_class == ANY else to_class
    return np.where(flipped, new, labels)


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
    poison.settings(tuple(RATING_POISONS))
    return RATING_POISONS[poison.name](ratings, owner_ids, item_ids, scale, data_seed)


def poisoned_labels(
    poison: Poison, labels: NDArray[np.int64], record_ids: NDArray[np.int64], n_classes: int, data_seed: int
) -> NDArray[np.int64]:
    """Return T_z of class labels, int64[n_records], for a kind that needs only the labels: P5 to P8.

    Raises
    ------
    InputError
        If the kind is not one of these or has parameters it does not know.
    """
    settings = poison.settings(LABEL_POISONS)
    if poison.name == "label_flip":
        classes = {name: int(settings[name]) for name in ("from_class", "to_class")}
        return label_flip(labels, record_ids, n_classes, data_seed, settings["rate"], **classes)
    if poison.name == "plant_feature_only":
        return labels
    return np.full_like(labels, int(settings["target"]))


LABEL_POISONS = ("label_flip", "trigger", "plant", "plant_feature_only")
"""Kinds whose labels follow from the labels alone."""


def _shown(setting: tuple[str, Setting]) -> str:
    name, bounds = setting
    return f"{name}={bounds.least:g}..{bounds.largest:g}"
