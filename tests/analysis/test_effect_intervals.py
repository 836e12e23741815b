"""Effects of arms with their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.effect_intervals import MOST_ARMS, effect_intervals


def effects_of(arms=("law", "tool", "pledge"), outputs=("participation", "dlp_cdc")):
    rows = [
        {
            "output": output,
            "arm": arm,
            "reference": "none",
            "n": 8,
            "effect": effect,
            "low": effect - 0.05,
            "high": effect + 0.05,
        }
        for output in outputs
        for arm, effect in zip(arms, np.linspace(0.2, -0.2, len(arms)), strict=True)
    ]
    return pd.DataFrame(rows)


def test_each_arm_has_its_effect_and_interval_on_its_own_line():
    figure = effect_intervals(effects_of(), "Which help?")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["participation", "dlp cdc"]
    for axes in figure.axes:
        zero, *drawn = axes.lines
        assert list(zero.get_xdata()) == [0, 0]
        intervals, dots = drawn[::2], drawn[1::2]
        np.testing.assert_allclose(
            [line.get_xdata() for line in intervals], [[0.15, 0.25], [-0.05, 0.05], [-0.25, -0.15]]
        )
        assert [dot.get_ydata()[0] for dot in dots] == [0, 1, 2]
        assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first arm is not on top"
        more, none, less = dots
        assert none.get_markerfacecolor() == "white"
        assert len({more.get_color(), none.get_color(), less.get_color()}) == 3
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["law", "tool", "pledge"]
    figure.canvas.draw()


def test_what_is_undefined_is_left_out():
    effects = effects_of(outputs=("dlp_cdc",))
    effects.loc[1, ["effect", "low", "high"]] = np.nan
    [axes] = effect_intervals(effects, "Which help?").axes
    assert len(axes.lines) == 1 + 2 * 2


@pytest.mark.parametrize("arms", [0, MOST_ARMS + 1])
def test_what_nobody_could_read_is_not_drawn(arms):
    effects = effects_of([f"arm{k}" for k in range(max(arms, 1))]).head(0 if arms == 0 else None)
    assert effect_intervals(effects, "title") is None
