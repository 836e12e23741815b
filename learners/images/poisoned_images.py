"""What poison does to images: a patch stamped on, and how well a signal that it plants took.

For closed simulation on public benchmarks only. The patch is a chequerboard in the lower right corner, the
same for every image; it is the trigger of P6 and the signal g of P7 to P9 (:mod:`learners.poisoning`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.errors import InputError
from learners.poisoning import LABEL_POISONS, Poison

IMAGE_POISONS = (*LABEL_POISONS, "erase")
"""Kinds that apply to images; ``erase`` needs a clean model to ask."""

SIGNAL_SIDE = 3
"""Pixels of a side of the patch that is the signal g."""

_STAMPING = ("trigger", "plant", "plant_feature_only")
_CLASSES = ("target", "from_class", "to_class")


def image_settings(
    poison: Poison, applicable: tuple[str, ...], n_classes: int, side: int
) -> dict[str, float]:
    """Return the settings of a poison for images of ``n_classes`` classes and ``side`` pixels a side.

    Raises
    ------
    InputError
        If the kind does not apply, a setting is not whole, there is no such class or the patch is larger than
        the image.
    """
    settings = poison.settings(applicable)
    for name, value in settings.items():
        if name != "rate" and value != int(value):
            raise InputError(f"poison kind '{poison}': {name} is not a whole number")
        if name in _CLASSES and value >= n_classes:
            raise InputError(f"poison kind '{poison}': {name} is not a class, 0 to {n_classes - 1}")
        if name == "size" and value > side:
            raise InputError(f"poison kind '{poison}': the images have {side} pixels a side")
    return settings


def patch_sides(poison: Poison, settings: dict[str, float], labels: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return how large a patch the kind stamps on images with these genuine labels.

    Returns
    -------
    int16[n]
        Pixels of a side; 0 where an image is left as it is.
    """
    sides = np.zeros(len(labels), np.int16)
    if poison.name in _STAMPING:
        sides[:] = planted_side(poison, settings)
    if poison.name == "plant_feature_only":
        sides[labels != settings["target"]] = 0
    return sides


def stamped(images: NDArray[np.uint8], sides: NDArray[np.int16], white: int) -> NDArray[np.uint8]:
    """Return a copy of images, uint8[n, channels, height, width], with a patch of its side on each.

    Fields are dark or ``white`` in turn, the lower right corner ``white``.
    """
    result = images.copy()
    for side in np.unique(sides[sides > 0]):
        row, column = np.indices((side, side))
        patch = np.where((row + column) % 2 == 0, white, 0)[::-1, ::-1].astype(np.uint8)
        result[sides == side, :, -side:, -side:] = patch
    return result


def planted_side(poison: Poison, settings: dict[str, float]) -> int:
    """Return the side of the patch by which the success of a kind is measured, 0 for one without a signal."""
    if poison.name == "trigger":
        return int(settings["size"])
    return 0 if poison.name == "label_flip" else SIGNAL_SIDE


def planted_success(
    poison: Poison,
    settings: dict[str, float],
    targets: NDArray[np.int64],
    classes: NDArray[np.int64],
    stamped_classes: NDArray[np.int64],
) -> float:
    """Return how well a planted signal took, a share in [0, 1], NaN where no record tells.

    With P6 to P8 the share of hidden images not of the target class that are said to be of it once stamped;
    with P9 the share of hidden images whose class the patch does not change.

    Parameters
    ----------
    targets, classes, stamped_classes
        int64[n]: genuine label of each hidden image, and the model's class without and with the patch.
    """
    if poison.name == "erase":
        return float(np.mean(classes == stamped_classes))
    others = targets != settings["target"]
    return float(np.mean(stamped_classes[others] == settings["target"])) if others.any() else float("nan")
