"""One look for each stance, lever and company, in every figure and on every screen.

Colours are those of Okabe and Ito (2008), which people with colour-blindness can tell apart. Colour is never
the only cue: every stance has its own marker, and stances of one colour differ in line style.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

DARK, FAINT = "#222222", "#6B6B6B"
"""Of words in figures, and of what stands behind them."""


class Look(NamedTuple):
    """How a line is drawn and named.

    ``dash`` is matplotlib's: ``"solid"``, or the points on and off.
    """

    label: str
    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str


_BLACK, _GREY, _SKY_BLUE, _GREEN = "#000000", "#999999", "#56B4E9", "#009E73"
_ORANGE, _BLUE, _VERMILION, _PURPLE = "#E69F00", "#0072B2", "#D55E00", "#CC79A7"
_DASHED = (0, (5.0, 2.0))
_DOTTED = (0, (1.2, 1.6))
_DASH_DOTTED = (0, (6.0, 1.6, 1.2, 1.6))

STANCES = {
    "stay": Look("stay", _GREY, _DOTTED, ""),
    "strike": Look("strike", _BLUE, "solid", "o"),
    "strike_withhold": Look("withhold new data", _BLUE, _DASHED, "s"),
    "cdc": Look("contribute", _SKY_BLUE, "solid", "^"),
    "cdc_delete": Look("contribute and delete", _SKY_BLUE, _DASHED, "v"),
    "boycott": Look("boycott", _GREEN, "solid", "D"),
    "boycott_leave": Look("leave without deleting", _GREEN, _DASHED, "P"),
    "move": Look("move to Small Co.", _BLACK, _DASH_DOTTED, "*"),
    "poison": Look("poison", _VERMILION, _DASHED, "X"),
}
"""Stance to its look, in the order of the stances."""

LEVERS = {
    "cdc": STANCES["cdc"]._replace(label="contribution (Small Co. against its baseline)"),
    "strike": STANCES["strike"]._replace(label="strike (Large Co.'s loss)"),
    "cdc_delete": STANCES["cdc_delete"]._replace(label="contribution with deletion"),
}
"""Variant of data leverage power to its look: that of the stance it measures."""

COMPANIES = {
    "large": Look("Large Co.", _ORANGE, "solid", "o"),
    "small": Look("Small Co.", _PURPLE, _DASHED, "s"),
}

REFERENCES = {
    "baseline": Look("nobody's data (baseline)", _GREY, _DOTTED, ""),
    "best": Look("everybody's data (best)", _BLACK, _DOTTED, ""),
}
"""The two ends of the quality scale."""

_ARMS: tuple[tuple[str, str | tuple[int, tuple[float, ...]], str], ...] = (
    (_BLACK, "solid", "o"),
    (_BLUE, _DASHED, "s"),
    (_ORANGE, _DASH_DOTTED, "^"),
    (_GREEN, _DOTTED, "D"),
    (_VERMILION, "solid", "v"),
    (_PURPLE, _DASHED, "P"),
    (_SKY_BLUE, _DASH_DOTTED, "*"),
)


def arm_looks(arms: Sequence[str]) -> dict[str, Look]:
    """Return a look for each arm of a study, in order; the eighth looks like the first again."""
    looks = zip(arms, cycle(_ARMS), strict=False)
    return {arm: Look(arm.replace("-", " "), *look) for arm, look in looks}
