"""Learning curves in the shapes that the theory of collective action tells apart, measured on nothing.

They stand beside measured and published curves to ask what would be if data paid in that shape (Oliver,
Marwell, Teixeira 1985). Quality goes from 0 without data to 1 with all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from learners.curves.curve_table import Curve, Mode, Points
from learners.errors import InputError
from learners.metrics import ACCURACY

PREFIX = "template:"
"""What the names of these curves begin with."""

_SHAPES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "linear": lambda x: x,
    "accelerating": lambda x: x**2,
    "decelerating": np.sqrt,
    "third_order": lambda x: x * x * (3 - 2 * x),
}
"""Shares of the data to normalised quality."""

TEMPLATES = tuple(PREFIX + shape for shape in _SHAPES)

_STEPS = 400


def template_curve(use_case: str, name: str, mode: Mode) -> Curve:
    """Return the curve of a name in :data:`TEMPLATES`; nothing is personal on it, so strikers harm nobody.

    Parameters
    ----------
    use_case
        What the run is called to be of; of its data nothing enters.
    name
        Such as ``template:accelerating``.
    mode
        How to read between the points, which are dense.

    Raises
    ------
    InputError
        If there is no template of that name.
    """
    shape = _SHAPES.get(name.removeprefix(PREFIX))
    if shape is None:
        raise InputError(f"curve: '{name}' is not one of {', '.join(TEMPLATES)}")
    shares = np.arange(1, _STEPS + 1) / _STEPS
    quality = shape(shares)
    values = np.column_stack([quality, np.zeros(_STEPS), np.ones(_STEPS)] * 2)
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    return Curve(use_case, name, digest, mode, ACCURACY, False, {"company": Points(shares, values)})
