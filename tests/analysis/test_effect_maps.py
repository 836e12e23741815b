import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation

from analysis.effect_maps import MOST_POINTS, effect_map

POINTS = [{"shape": shape} for shape in ("linear", "accelerating", "third order")]


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


def cells_of(axes):
    return [text for text in axes.texts if not isinstance(text, Annotation)]


def below(axes):
    """Return what stands below a panel, line by line."""
    lines = {}
    for text in axes.texts:
        if isinstance(text, Annotation):
            lines.setdefault(text.xyann[1], []).append(text.get_text())
    return lines


def test_a_cell_is_what_its_arm_changes_at_its_point():
    figure = effect_map(effects_of(outputs=("participation", "dlp_cdc")), POINTS, "Which help?")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["participation", "dlp cdc"]
    for axes in figure.axes:
        np.testing.assert_allclose(axes.images[0].get_array(), [[0, 0.1, 0.2], [-0.05, 0.05, 0.15]])
        cells = {text.get_position(): text for text in cells_of(axes)}
        assert cells[2, 1].get_text() == "+.15"
        assert cells[0, 0].get_text() == "0"
        assert [cells[x, 1].get_fontweight() for x in range(3)] == ["normal", "normal", "bold"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["tool", "pledge"]
    shapes = ["linear", "accelerating", "third order"]
    assert below(figure.axes[0]) == {-4: ["shape", *shapes]}
    assert below(figure.axes[1]) == {-4: shapes}  # beside the first, which names them
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
    assert len(cells_of(axes)) == len(effects) - 1


@pytest.mark.parametrize(("arms", "points"), [(1, 3), (1, MOST_POINTS + 1), (20, 3)])
def test_what_nobody_could_read_is_not_drawn(arms, points):
    effects = effects_of([f"arm{k}" for k in range(arms)], points=points)
    assert effect_map(effects, [{"k": k} for k in range(points)], "title") is None


def test_points_of_several_axes_have_a_line_for_each():
    points = [{"network.degree": 4, "population.interest.median": median} for median in (1.0, 2.0, 4.0)]
    axes = effect_map(effects_of(), points, "Which help?").axes[-1]
    assert below(axes) == {
        -4: ["network.degree", "4", "4", "4"],
        -18.4: ["interest.median", "1.0", "2.0", "4.0"],
    }


def test_small_effects_have_a_digit_more():
    effects = effects_of()
    effects[["effect", "low", "high"]] /= 10
    axes = effect_map(effects, POINTS, "Which help?").axes[0]
    assert {text.get_position(): text.get_text() for text in cells_of(axes)}[2, 0] == "+.020"


def test_long_names_of_points_stand_at_an_angle():
    points = [{"curve": f"template:third_order_{k}", "degree": k} for k in range(3)]
    labels = effect_map(effects_of(), points, "Which help?").axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == [f"template:third_order_{k}, {k}" for k in range(3)]
    assert {label.get_rotation() for label in labels} == {50}
