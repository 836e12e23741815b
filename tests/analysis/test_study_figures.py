import numpy as np
import pandas as pd
import pytest

from analysis.palette import arm_looks
from analysis.study_figures import MOST_ARMS, MOST_PANELS, arm_figure


def values_of(arms=("without", "with-law"), points=("a", "b"), replicates=5, ticks=9):
    rows = [
        (arm, point, replicate, tick, (arm == "with-law") * tick + 0.1 * replicate)
        for arm in arms
        for point in points
        for replicate in range(replicates)
        for tick in range(ticks)
    ]
    return pd.DataFrame(rows, columns=["arm", "point", "replicate", "tick", "value"])


def test_lines_are_means_and_bands_hold_most_replicates():
    figure = arm_figure(values_of(), "What a law does", "share")
    panels = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in panels] == ["a", "b"]
    lines = {line.get_label(): line.get_ydata() for line in panels[0].lines}
    np.testing.assert_allclose(lines["without"], np.full(9, 0.2))
    np.testing.assert_allclose(lines["with law"], np.arange(9) + 0.2)
    band = panels[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.02, 0.38))
    assert "n = 5" in figure.get_supxlabel()
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("arms", "points"), [(1, MOST_PANELS + 1), (MOST_ARMS + 1, 1), (MOST_ARMS + 1, MOST_PANELS + 1)]
)
def test_what_nobody_could_read_is_not_drawn(arms, points):
    values = values_of([f"arm{k}" for k in range(arms)], [f"point {k}" for k in range(points)], 1, 2)
    assert arm_figure(values, "title", "value") is None


def test_nothing_to_draw():
    assert arm_figure(values_of().assign(value=np.nan), "title", "value") is None


def test_arms_differ_in_more_than_colour():
    looks = arm_looks([f"arm-{k}" for k in range(MOST_ARMS)]).values()
    assert len({(look.dash, look.marker) for look in looks}) == MOST_ARMS
    assert len({look.colour for look in looks}) == MOST_ARMS
