import json

import numpy as np
import pytest

from learners.curves.curve_files import FORMAT, load_curve, read_measurements, read_record
from learners.curves.measuring import CurvePoint, Measurement, measured_points, planned_points
from learners.errors import InputError

HEADER = ",".join(Measurement._fields)


def line(row):
    return ",".join(str(cell) for cell in row)


def text(rows):
    return "".join(f"{each}\n" for each in [HEADER, *map(line, rows)])


@pytest.fixture(scope="module")
def rows(ratings):
    points = planned_points(ratings, [0.1, 0.5], repeats=2, poisons=["random_vandal"])
    return [row for _, group in measured_points(ratings, points, seed=1) for row in group]


@pytest.fixture
def folder(tmp_path, ratings):
    """Return a function that writes rows and a record into a folder."""

    def write(rows, **changes):
        record = {
            "format": FORMAT,
            "use_case": ratings.name,
            "metric": "RMSE",
            "personalised": True,
            "data": ratings.data_digest,
        }
        (tmp_path / "curve.json").write_text(json.dumps(record | changes))
        (tmp_path / "curve.csv").write_text(rows if isinstance(rows, str) else text(rows))
        return tmp_path

    return write


def mean(rows, perspective, column="quality", **point):
    chosen = CurvePoint(**{"repeat": 0, **point})
    values = [
        getattr(row, column)
        for row in rows
        if row.perspective == perspective
        and (row.clean_share, row.poison, row.poisoned_share)
        == (chosen.clean_share, chosen.poison, chosen.poisoned_share)
    ]
    assert len(values) == 2
    return np.mean(values)


def shares(rows, share):
    """Return the mean share of the records that a share of the owners has."""
    held = mean(rows, "holdout", "train_records", clean_share=share)
    return held / mean(rows, "holdout", "train_records", clean_share=1.0)


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
@pytest.mark.parametrize("path", ["", "curve.csv"])
def test_a_curve_passes_through_the_means_of_its_repeats(folder, rows, mode, path):
    curve = load_curve(folder(rows) / path, "synthetic", mode)
    for share in (0.1, 0.5, 0.9, 1.0):
        read = curve.at("company", shares(rows, share))
        for column in ("quality", "baseline", "best"):
            assert getattr(read, column) == pytest.approx(mean(rows, "company", column, clean_share=share))
        stranger = curve.at("stranger", shares(rows, share))
        assert stranger.quality == pytest.approx(mean(rows, "stranger", clean_share=share))
    if mode == "grid":
        for view in ("holdout", "served", "known"):
            read = curve.at(view, shares(rows, 0.5))
            assert read.quality == pytest.approx(mean(rows, view, clean_share=0.5))
            assert read.utility == pytest.approx(mean(rows, view, "utility", clean_share=0.5))
    assert curve.source.endswith("curve.csv")
    assert (curve.mode, curve.metric.name, curve.personalised, curve.measured) == (mode, "RMSE", True, True)


def test_the_share_is_that_of_the_records(folder, rows):
    assert shares(rows, 0.1) != pytest.approx(0.1, abs=1e-4)
    curve = load_curve(folder(rows), "synthetic", "grid")
    assert curve.at("holdout", 0.1).quality != pytest.approx(mean(rows, "holdout", clean_share=0.1))


@pytest.mark.parametrize("view", ["company", "holdout", "served", "stranger"])
def test_poison_is_read_at_its_points(folder, rows, view):
    curve = load_curve(folder(rows), "synthetic", "grid")
    assert curve.poison_kinds == ("random_vandal",)
    for clean, poisoned in ((0.8, 0.2), (0.5, 0.5), (0.0, 1.0)):
        read = curve.at(view, 1.0, {"random_vandal": poisoned})
        point = {"clean_share": clean, "poison": "random_vandal", "poisoned_share": poisoned}
        assert read.quality == pytest.approx(mean(rows, view, **point))
    half = curve.at(view, 0.5, {"random_vandal": 0.5}).quality - curve.at(view, 0.5).quality
    point = {"clean_share": 0.25, "poison": "random_vandal", "poisoned_share": 0.25}
    assert half == pytest.approx(mean(rows, view, **point) - mean(rows, view, clean_share=0.5))


def test_nobody_known_is_left_by_all_poison_and_the_last_effect_stands(folder, rows):
    curve = load_curve(folder(rows), "synthetic", "grid")
    known = [curve.at("known", 1.0, {"random_vandal": z}).quality for z in (0.5, 0.8, 1.0)]
    assert known == pytest.approx([known[0]] * 3)
    point = {"clean_share": 0.5, "poison": "random_vandal", "poisoned_share": 0.5}
    assert known[0] == pytest.approx(mean(rows, "known", **point))


def test_a_repeat_that_was_not_finished_is_left_out(folder, rows):
    first = [row for row in rows if row.repeat == 0]
    whole = load_curve(folder(first), "synthetic", "grid")
    begun = [row for row in rows if row.repeat == 1][:12]
    both = load_curve(folder(first + begun), "synthetic", "grid")
    for share in (0.05, 0.3, 0.95):
        assert both.at("holdout", share) == whole.at("holdout", share)


def test_rows_read_twice_count_once(folder, rows):
    curve = load_curve(folder(rows), "synthetic", "grid")
    again = load_curve(folder(rows + rows[:7] + rows[7:13]), "synthetic", "grid")
    assert again.at("served", 0.3) == curve.at("served", 0.3)


def test_reading_back_loses_nothing(rows):
    assert [repr(row) for row in read_measurements(text(rows).encode(), "x")] == [repr(row) for row in rows]


@pytest.mark.parametrize("cut", [1, 5, 60, 300, 700])
def test_what_a_killed_measurement_left_of_its_last_point_is_passed_over(rows, cut):
    whole = text(rows).encode()
    read = read_measurements(whole[:-cut], "x")
    assert len(rows) - 10 <= len(read) < len(rows)
    assert read[-1].perspective == "holdout"
    assert [repr(row) for row in read] == [repr(row) for row in rows[: len(read)]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace("perspective", "view", 1), "curve.csv:1: the columns must be use_case,repeat,"),
        (lambda t: "", "curve.csv:1: the columns must be use_case,"),
        (
            lambda t: t.replace(",RMSE", "").replace("synthetic,0,0.1", "synthetic,0,few", 1),
            "curve.csv:7: not a",
        ),
        (
            lambda t: t.replace("\nsynthetic,0", "\nsynthetic", 1),
            "curve.csv:2: not a measurement: synthetic,",
        ),
    ],
)
def test_bad_rows_are_named(folder, rows, change, message):
    path = folder(change(text(rows)))
    with pytest.raises(InputError, match=r"^curve: [^\n]*$") as caught:
        load_curve(path, "synthetic", "grid")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("clean_share", "nan"),
        ("poisoned_share", "inf"),
        ("quality", "inf"),
        ("baseline", "-inf"),
        ("utility_best", "1e999"),
        ("seconds", "nan"),
    ],
)
def test_what_is_no_number_is_refused_by_its_line(folder, rows, column, value):
    cells = text(rows).splitlines()
    changed = cells[4].split(",")
    changed[Measurement._fields.index(column)] = value
    cells[4] = ",".join(changed)
    shown = f"{float(value):g}"
    with pytest.raises(
        InputError, match=rf"^curve: \S*curve\.csv:5: {column} is {shown}; it must be a number$"
    ):
        load_curve(folder("\n".join(cells) + "\n"), "synthetic", "grid")


def test_too_few_points_are_refused(folder, rows):
    everything = [row for row in rows if row.clean_share == 1]
    for few in (everything, [], [row for row in rows if row.clean_share < 1]):
        with pytest.raises(InputError, match="holds no share measured between nothing and everything"):
            load_curve(folder(few), "synthetic", "grid")
    without_grid = [row for row in rows if (row.clean_share, row.poisoned_share) != (0.8, 0.2)]
    with pytest.raises(InputError, match="poison 'random_vandal' is not measured on all of its grid"):
        load_curve(folder(without_grid), "synthetic", "grid")


def test_a_missing_perspective_is_named(folder, rows):
    for view in ("company", "stranger"):
        with pytest.raises(InputError, match=rf"^curve: \S*curve\.csv has no {view} rows$"):
            load_curve(folder([row for row in rows if row.perspective != view]), "synthetic", "grid")


def test_another_use_case_is_refused(folder, rows):
    with pytest.raises(InputError, match=r"^curve: \S*curve\.csv was measured on synthetic, not on ml-100k$"):
        load_curve(folder(rows), "ml-100k", "grid")


def test_bad_records_are_refused(folder, rows, tmp_path):
    for changes, message in (
        ({"format": "something"}, "does not describe a curve of ours"),
        ({"metric": "beauty"}, "lacks one of use_case, data, metric, personalised"),
        ({"personalised": "yes"}, "lacks one of"),
        ({"data": None}, "lacks one of"),
    ):
        with pytest.raises(InputError, match=message):
            load_curve(folder(rows, **changes), "synthetic", "grid")
    for broken in ("{", "[]", "[" * 100_000, '"x"'):
        (tmp_path / "curve.json").write_text(broken)
        with pytest.raises(InputError, match=r"^curve: [^\n]*curve\.json"):
            read_record(tmp_path / "curve.json")
    (tmp_path / "curve.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not JSON"):
        read_record(tmp_path / "curve.json")


def test_missing_files_are_named(folder, rows, tmp_path):
    with pytest.raises(
        InputError, match=r"^curve: nosuch: no such file; `data-leverage curve` measures one$"
    ):
        load_curve(type(tmp_path)("nosuch"), "synthetic", "grid")
    (folder(rows) / "curve.csv").unlink()
    with pytest.raises(InputError, match=r"^curve: \S*curve\.csv: no such file"):
        load_curve(tmp_path, "synthetic", "grid")


def test_a_classifiers_curve_needs_no_people(digits, folder):
    points = planned_points(digits, [0.5], repeats=1)
    rows = [row for _, group in measured_points(digits, points, seed=1) for row in group]
    path = folder(rows, use_case="digits", metric="accuracy", personalised=False)
    for mode in ("grid", "surrogate"):
        curve = load_curve(path, "digits", mode)
        half = next(row for row in rows if row.clean_share == 0.5 and row.perspective == "holdout")
        share = half.train_records / rows[0].train_records
        assert curve.at("holdout", share).quality == pytest.approx(half.quality)
        for everybody in ("known", "served", "stranger"):
            assert curve.at(everybody, share) == curve.at("holdout", share)
