import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.palette import LEVERS
from analysis.reproduction_figures import contribution_figures, strike_figures
from learners.published import contribution_table

RATES = [0.05, 0.2, 0.5]


def contribution_rows(use_case="pinterest-20", scale="principled", quantity="DLP", tolerance=0.03):
    rows = []
    for perspective in ("company", "holdout"):
        for k, lever in enumerate(("cdc", "strike", "cdc_delete") if scale else ("cdc",)):
            for rate in RATES:
                published = contribution_table("pinterest-20").set_index("rate").loc[rate, lever]
                rows.append(
                    {
                        "use_case": use_case,
                        "perspective": perspective,
                        "lever": lever,
                        "rate": rate,
                        "ours": rate + 0.1 * k,
                        "ours_sd": 0.02,
                        "published": published if perspective == "company" else np.nan,
                        "tolerance": tolerance,
                        "quantity": quantity,
                        "scale": scale,
                        "basis": "share of owners",
                        "train_records_small": 1000 * rate,
                    }
                )
    return rows


def strike_rows(learner="ours", published=0.5):
    rows = []
    for size in (0.1, 0.3, 0.8):
        common = {"use_case": "ml-1m", "rate": size, "learner": learner, "ours": size, "ours_sd": 0.01}
        common["published"] = published if size == 0.3 else np.nan
        for who in ("all", "participants", "non_participants"):
            for quantity in ("normalised_loss", "surfaced_hits"):
                rows.append({**common, "lever": "strike", "who": who, "quantity": quantity})
        for lever in ("boycott", "traditional_boycott"):
            rows.append({**common, "lever": lever, "who": "all", "quantity": "surfaced_hits"})
    return rows


GROUPS = pd.DataFrame(
    {
        "learner": "ours",
        "kind": ["age", "gender"],
        "label": ["18-24", "F"],
        "missing_share": [0.1, 0.2],
        "change_similar": [-0.002, -0.004],
        "sd_similar": [0.001, np.nan],
        "change_others": [-0.001, -0.001],
        "sd_others": [0.001, np.nan],
    }
)
NO_GROUPS = GROUPS.iloc[:0]


def points(axes, hollow):
    """Return what is drawn as filled markers on lines, or as hollow ones, by colour and marker."""
    return {
        (line.get_color(), line.get_marker()): np.column_stack(line.get_data(orig=True)).tolist()
        for line in axes.lines
        if line.get_marker() not in ("", "None", None, "|", "_")
        and (line.get_markerfacecolor() == "none") == hollow
    }


def words(figure):
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return legends, [axes.get_title(loc="left") for axes in figure.axes]


def test_levers_are_drawn_as_measured_beside_what_is_published():
    table = pd.DataFrame(contribution_rows())
    (figure,) = contribution_figures(table[table["scale"] != ""]).values()
    company, holdout = figure.axes
    for k, lever in enumerate(("cdc", "strike", "cdc_delete")):
        look = LEVERS[lever]
        assert points(company, hollow=False)[look.colour, look.marker] == [[r, r + 0.1 * k] for r in RATES]
        published = contribution_table("pinterest-20").set_index("rate")[lever]
        expected = [[rate, published[rate]] for rate in RATES]
        assert points(company, hollow=True)[look.colour, look.marker] == expected
        assert points(holdout, hollow=True)[look.colour, look.marker] == []
    legend, headings = words(figure)
    assert legend == [*(look.label for look in LEVERS.values()), "published (hollow)"]
    assert headings == ["company view", "holdout view"]


def test_quality_is_drawn_where_it_is_what_is_judged():
    rows = contribution_rows() + contribution_rows(scale="", quantity="HR@5")
    rows += contribution_rows("toxic") + contribution_rows("toxic", "", "AUC", np.nan)
    figures = contribution_figures(pd.DataFrame(rows))
    assert list(figures) == ["pinterest-20", "pinterest-20-quality", "toxic"]
    assert figures["pinterest-20-quality"].axes[0].get_ylabel() == "HR@5"


def test_equal_numbers_of_records_are_the_axis_where_they_are_the_basis():
    rows = [row | {"basis": "equal training records"} for row in contribution_rows("toxic", "", "AUC")]
    figure = contribution_figures(pd.DataFrame(rows))["toxic-quality"]
    assert figure.axes[0].get_xscale() == "log"
    ((_, drawn),) = points(figure.axes[0], hollow=False).items()
    assert [x for x, _ in drawn] == [50, 200, 500]


def test_strikes_have_a_panel_a_learner():
    table = pd.DataFrame(strike_rows() + strike_rows("surprise"))
    figures = strike_figures(table, NO_GROUPS)
    assert list(figures) == ["normalised-loss", "surfaced-hits"]
    for figure in figures.values():
        assert words(figure)[1] == ["our factorisation", "scikit-surprise SVD"]
        for axes in figure.axes:
            drawn = points(axes, hollow=False)
            assert len(drawn) == 3
            assert all(line == [[0.1, 0.1], [0.3, 0.3], [0.8, 0.8]] for line in drawn.values())
            assert all(line == [[0.3, 0.5]] for line in points(axes, hollow=True).values())
    levels = [
        line.get_ydata()[0] for line in figures["normalised-loss"].axes[0].lines if len(line.get_xdata()) == 2
    ]
    assert [level for level in levels if 0 < level < 1] == pytest.approx([0.6148], abs=1e-3)  # item kNN


def test_nothing_published_is_not_in_the_legend():
    figures = strike_figures(pd.DataFrame(strike_rows(published=np.nan)), NO_GROUPS)
    for figure in figures.values():
        assert "published (hollow)" not in words(figure)[0]
        assert not any("published" in text.get_text() for text in figure.axes[0].texts)


def test_groups_are_drawn_the_largest_strike_on_top():
    figure = strike_figures(pd.DataFrame(strike_rows()), GROUPS)["groups"]
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["age: 18-24", "gender: F"]
    similar = points(axes, hollow=False)
    drawn = sorted((change, place) for line in similar.values() for change, place in line)
    assert drawn == [(-0.4, 1), (-0.2, 0), (-0.1, 0), (-0.1, 1)]
    both = pd.concat([GROUPS, GROUPS.assign(learner="surprise")])
    names = strike_figures(pd.DataFrame(strike_rows() + strike_rows("surprise")), both)
    assert {"groups-ours", "groups-surprise"} <= set(names)


@pytest.mark.parametrize("learners", [1, 2])
def test_nothing_sticks_out_of_a_figure(learners):
    rows = strike_rows() + (strike_rows("surprise") if learners == 2 else [])
    figures = strike_figures(pd.DataFrame(rows), GROUPS) | contribution_figures(
        pd.DataFrame(contribution_rows())
    )
    for name, figure in figures.items():
        renderer = FigureCanvasAgg(figure).get_renderer()
        whole = figure.bbox
        boxes = [legend.get_window_extent(renderer) for legend in figure.legends]
        boxes += [axes.get_tightbbox(renderer) for axes in figure.axes]
        boxes += [text.get_window_extent(renderer) for text in figure.texts]
        for box in boxes:
            assert box.x0 >= whole.x0 - 1, name
            assert box.x1 <= whole.x1 + 1, name
            assert box.y0 >= whole.y0 - 1, name
            assert box.y1 <= whole.y1 + 1, name
