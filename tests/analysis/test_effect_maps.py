import numpy as np
import pandas as pd
import pytest

from analysis.effect_maps import MOST_POINTS, effect_map

POINTS = ["linear", "accelerating", "third order"]


def effects_of(arms=("tool", "pledge"), outputs=("participation",), points=3):
    rows = [
        {
            "output": output,
            "arm": arm,
            "reference": "none",
            "point": point,
            "n": 10,
            "effect": 0.1 * point - 0.05 * row,
            "low": 0.1 * point - 0.05 * row - 0.06,
            "high": 0.1 * point - 0.05 * row + 0.06,
        }
        for output in outputs
        for row, arm in enumerate(arms)
        for point in range(points)
    ]
    return pd.DataFrame(rows)


def test_a_cell_is_what_its_arm_changes_at_its_point():
    figure = effect_map(effects_of(outputs=("participation", "dlp_cdc")), POINTS, "Which help?")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["participation", "dlp cdc"]
    for axes in figure.axes:
        np.testing.assert_allclose(axes.images[0].get_array(), [[0, 0.1, 0.2], [-0.05, 0.05, 0.15]])
        assert [text.get_text() for text in axes.get_yticklabels()] == ["tool", "pledge"]
        cells = {(text.get_position()): text for text in axes.texts}
        assert cells[2, 1].get_text() == "+.15"
        assert cells[0, 0].get_text() == "0"
        assert [cells[x, 1].get_fontweight() for x in range(3)] == ["normal", "normal", "bold"]
    assert [text.get_text() for text in figure.axes[-1].get_xticklabels()] == POINTS
    figure.canvas.draw()


def test_more_and_less_have_colours_of_one_strength():
    image = effect_map(effects_of(), POINTS, "Which help?").axes[0].images[0]
    assert image.norm.vmax == -image.norm.vmin == pytest.approx(0.2)
    more, less = image.cmap(1.0), image.cmap(0.0)
    assert more[2] > more[0] > more[1]  # purple
    assert less[0] > less[1] > less[2]  # orange


def test_what_is_not_defined_stays_empty():
    effects = effects_of()
    effects.loc[0, ["effect", "low", "high"]] = np.nan
    axes = effect_map(effects, POINTS, "Which help?").axes[0]
    assert len(axes.texts) == len(effects) - 1


@pytest.mark.parametrize(("arms", "points"), [(1, 3), (1, MOST_POINTS + 1), (20, 3)])
def test_what_nobody_could_read_is_not_drawn(arms, points):
    effects = effects_of([f"arm{k}" for k in range(arms)], points=points)
    assert effect_map(effects, [str(k) for k in range(points)], "title") is None
