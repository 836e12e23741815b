import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.reproduction import COLUMNS, markdown_table, number, percent, tidy, verdict, write_files
from learners.errors import OutputError


def row(ours, published, tolerance):
    return {"use_case": "digits", "ours": ours, "published": published, "tolerance": tolerance}


def test_table_compares_where_something_is_published_and_judges_where_there_is_a_tolerance():
    rows = [row(0.76, 0.733, 0.03), row(0.77, 0.733, 0.03), row(0.7, 0.733, np.nan), row(0.7, np.nan, 0.03)]
    table = tidy(rows, ["tolerance"])
    assert tuple(table.columns) == (*COLUMNS, "tolerance")
    assert table["difference"].tolist()[:3] == pytest.approx([0.027, 0.037, -0.033])
    assert math.isnan(table["difference"][3])
    assert table["within"].tolist() == [True, False, None, None]
    assert table["lever"].isna().all()


def test_no_rows_are_a_table_all_the_same():
    assert tuple(tidy([], ["tolerance"]).columns) == (*COLUMNS, "tolerance")


def test_verdict_is_one_line():
    first, second, third = tidy(
        [row(0.76, 0.733, 0.03), row(1.05, 0.733, 0.03), row(-0.001, 0.733, np.nan)], ["tolerance"]
    ).to_dict("records")
    assert verdict("here", first) == "here: .760, published .733, difference +.027, within .030"
    assert verdict("here", second) == "here: 1.050, published .733, difference +.317, OUTSIDE .030"
    assert verdict("here", third) == "here: -.001, published .733, difference -.734, for orientation"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, ".500"),
        (-0.5, "-.500"),
        (10.25, "10.250"),
        (1, "1.000"),
        (-0.0001, ".000"),
        (math.nan, "undefined"),
    ],
)
def test_numbers_have_three_decimals(value, text):
    assert number(value) == text


def test_shares_are_per_cent():
    assert [percent(share) for share in (0.01, 0.375, 0.3, 1)] == ["1 %", "37.5 %", "30 %", "100 %"]


def test_markdown_table():
    assert markdown_table(["", "a"], [["x", "1"]]) == "|  | a |\n| --- | ---: |\n| x | 1 |"


def written(folder):
    figure = Figure()
    figure.add_axes((0, 0, 1, 1)).plot([1, 2])
    write_files(
        folder, {"t": pd.DataFrame({"a": [0.1, None]})}, {"report.md": "wörter\n"}, {"sub-figure": figure}
    )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def test_files_are_written_whole_and_the_same_each_time(tmp_path):
    first = written(tmp_path)
    assert set(first) == {"t.csv", "report.md", "figures/sub-figure.png", "figures/sub-figure.svg"}
    assert pd.read_csv(tmp_path / "t.csv", skip_blank_lines=False)["a"].fillna(-1).tolist() == [0.1, -1]
    assert first["report.md"].decode() == "wörter\n"
    assert written(tmp_path) == first


def test_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        written(tmp_path)
