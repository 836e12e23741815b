import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures import run_figures
from analysis.palette import COMPANIES, LEVERS, STANCES

PANELS = ("participation", "leverage", "quality", "revenue")


def tick_table(length: int = 41) -> pd.DataFrame:
    """A law-like rise in contribution beside a few of every other stance."""
    random = np.random.default_rng(1)
    tick = np.arange(length)
    columns = {"tick": tick, "mode": "live", "stale": False}
    for index, stance in enumerate(name for name in STANCES if name != "stay"):
        columns[f"share_{stance}"] = 0.03 / (1 + np.exp(6 + index - tick))
    columns["share_cdc"] = 0.3 / (1 + np.exp(19 - tick))
    columns["share_stay"] = 1 - sum(columns[f"share_{stance}"] for stance in STANCES if stance != "stay")
    columns["dlp_cdc"] = np.sqrt(columns["share_cdc"]) + random.normal(scale=0.01, size=length)
    columns["dlp_strike"] = random.normal(scale=0.02, size=length)
    columns["dlp_cdc_delete"] = columns["dlp_cdc"] * 3
    for view in ("served", "holdout"):
        columns[f"baseline_{view}"], columns[f"best_{view}"] = 1.02, 0.91
        columns[f"quality_large_{view}"] = 0.91 + random.normal(scale=0.002, size=length)
        columns[f"quality_small_{view}"] = 1.02 - columns["dlp_cdc"] * 0.11
    columns["revenue_large"] = 1 - columns["share_boycott"]
    columns["revenue_small"] = columns["share_move"]
    return pd.DataFrame(columns)


def event_table(*rows: tuple[int, str, float]) -> pd.DataFrame:
    laws = [
        (tick, "intervention", subject, value, "in force: portability_success = 1.0")
        for tick, subject, value in rows
    ]
    return pd.DataFrame(
        [(3, "retrain", "large", 0.1, "seconds of wall time"), *laws],
        columns=["tick", "kind", "subject", "value", "text"],
    )


EVENTS = event_table((15, "portability_law", 1.0), (18, "deletion_right", 1.0), (30, "portability_law", 0.0))


def drawn(
    ticks: pd.DataFrame, events: pd.DataFrame = EVENTS, perspective: str = "served"
) -> dict[str, Figure]:
    return run_figures(ticks, events, "a-law", "RMSE", perspective, "rating points")


def data_lines(axes: Axes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        line.get_label(): line.get_data(orig=True)
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def test_one_figure_a_subject_and_one_of_all():
    figures = drawn(tick_table())
    assert tuple(figures) == (*PANELS, "overview")
    assert [len(figure.axes) for figure in figures.values()] == [1, 1, 1, 1, 4]
    for index, name in enumerate(PANELS):
        alone, together = figures[name].axes[0], figures["overview"].axes[index]
        assert data_lines(alone).keys() == data_lines(together).keys()
        assert alone.get_ylabel() == together.get_ylabel()


def test_every_stance_ever_taken_is_drawn_as_recorded():
    ticks = tick_table()
    ticks["share_poison"] = 0.0
    ticks.loc[7, "share_poison"] = 1e-6  # one person, one tick
    ticks["share_boycott"] = 0.0
    lines = data_lines(drawn(ticks)["participation"].axes[0])
    assert set(lines) == {look.label for stance, look in STANCES.items() if stance != "boycott"}
    for stance in set(STANCES) - {"boycott"}:
        x, y = lines[STANCES[stance].label]
        np.testing.assert_array_equal(x, ticks["tick"])
        np.testing.assert_array_equal(y, ticks[f"share_{stance}"])


@pytest.mark.parametrize(
    ("panel", "columns"),
    [
        ("leverage", {look.label: f"dlp_{lever}" for lever, look in LEVERS.items()}),
        ("revenue", {look.label: f"revenue_{company}" for company, look in COMPANIES.items()}),
        (
            "quality",
            {
                "Large Co.": "quality_large_served",
                "Small Co.": "quality_small_served",
                "nobody's data (baseline)": "baseline_served",
                "everybody's data (best)": "best_served",
            },
        ),
    ],
)
def test_lines_are_the_columns_of_the_table(panel, columns):
    ticks = tick_table()
    lines = data_lines(drawn(ticks)[panel].axes[0])
    assert set(lines) == set(columns)
    for label, column in columns.items():
        np.testing.assert_array_equal(lines[label][1], ticks[column])


def test_axes_say_what_is_measured_in_which_unit():
    labels = {name: figure.axes[0].get_ylabel() for name, figure in drawn(tick_table()).items()}
    assert labels["participation"] == "Share of people"
    assert labels["leverage"] == "Data leverage power\n(ratio, served view)"
    assert labels["quality"] == "RMSE (rating points)\nserved view, lower is better"
    assert labels["revenue"] == "Revenue per tick\n(1 = Large Co. at tick 0)"
    ticks = tick_table().assign(baseline_holdout=0.1, best_holdout=0.9)
    accuracy = run_figures(ticks, EVENTS, "a", "accuracy", "holdout")["quality"].axes[0]
    assert accuracy.get_ylabel() == "Accuracy\nholdout view, higher is better"
    assert "Tick" in accuracy.get_xlabel()


def test_no_data_are_outside_the_axes():
    ticks = tick_table()
    ticks.loc[5, "dlp_cdc_delete"], ticks.loc[6, "dlp_strike"] = 40.0, -3.0
    for figure in drawn(ticks).values():
        for axes in figure.axes:
            bottom, top = axes.get_ylim()
            for _, y in data_lines(axes).values():
                assert bottom <= np.nanmin(y)
                assert np.nanmax(y) <= top
    assert drawn(tick_table())["participation"].axes[0].get_ylim() == (0, 1)
    assert drawn(tick_table())["revenue"].axes[0].get_ylim()[0] == 0


def test_interventions_are_marked_where_they_start_and_end():
    for axes in drawn(tick_table())["overview"].axes:
        stems = [
            line.get_xdata()[0] for line in axes.lines if line.get_transform() == axes.get_xaxis_transform()
        ]
        assert sorted(stems) == [15, 18, 30]
        marks = {text.get_text(): text.xy[0] for text in axes.texts}
        assert marks == {"portability law": 15, "deletion right": 18, "portability law ends": 30}


def test_run_without_interventions():
    assert not drawn(tick_table(), event_table())["participation"].axes[0].texts


@pytest.mark.parametrize(
    "events",
    [
        EVENTS,
        event_table(*((tick, "data_leverage_assistant", 1.0) for tick in (5, 15, 16, 17, 40))),
        event_table(*((12, law, 1.0) for law in ("portability_law", "deletion_right", "interoperability"))),
    ],
)
def test_texts_neither_overlap_nor_leave_the_page(events):
    ticks = tick_table()
    ticks[[f"share_{stance}" for stance in STANCES]] = 1 / len(STANCES)  # all lines end in one place
    ticks["revenue_small"] = ticks["revenue_large"] = 1.0
    for figure in drawn(ticks, events).values():
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        boxes = {text: text.get_window_extent(renderer) for text in texts(figure)}
        for (one, box), (two, other) in itertools.combinations(boxes.items(), 2):
            overlap_x = min(box.x1, other.x1) - max(box.x0, other.x0)
            overlap_y = min(box.y1, other.y1) - max(box.y0, other.y0)
            # glyphs leave room inside their box, so boxes that only touch are apart
            assert min(overlap_x, overlap_y) < 2.0, (one.get_text(), two.get_text())
        for text, box in boxes.items():
            assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text.get_text()
            assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text.get_text()


def test_figure_says_that_it_is_one_seed_and_what_is_missing():
    ticks = tick_table().assign(dlp_cdc_delete=np.nan)
    ticks.loc[3:4, "stale"] = True
    overview = drawn(ticks)["overview"]
    foot = next(text.get_text() for text in overview.texts if "seed" in text.get_text())
    assert foot == (
        "One run, one seed: no uncertainty is shown. Mode: live.\n"
        "Best and baseline are those of Large Co.'s test records.\n"
        "Undefined throughout: contribution with deletion.\n"
        "Ticks without a retrained model: 2."
    )
    assert "contribution with deletion" not in data_lines(overview.axes[1])
    assert "Best" not in " ".join(t.get_text() for t in drawn(ticks, perspective="holdout")["quality"].texts)


def test_gaps_and_a_single_tick_can_be_drawn():
    ticks = tick_table()
    ticks.loc[20:, "dlp_cdc"] = np.nan
    for table in (ticks, tick_table(1), tick_table(2)):
        for figure in drawn(table).values():
            FigureCanvasAgg(figure).draw()


def test_colour_is_never_the_only_cue():
    looks = [look for stance, look in STANCES.items() if stance != "stay"]
    assert len({look.marker for look in looks}) == len(looks)
    assert len({(look.colour, look.dash) for look in STANCES.values()}) == len(STANCES)
    large, small = COMPANIES.values()
    assert (large.colour, small.colour) == ("#E69F00", "#CC79A7")
    assert large.dash != small.dash
