"""The explorable curve is what the model plays, along published and measured curves."""

from __future__ import annotations

import pytest

from learners.curves.published_curves import published_curve
from scenarios.dashboard.leverage_curves import (
    PEOPLE,
    POINTS,
    CurveSource,
    assumptions_behind,
    origin,
    played,
    sources,
)


def test_contribution_follows_the_published_points():
    curve = played(CurveSource("pinterest-20"), "cdc")
    assert curve.leverage("company")[0] == pytest.approx(0, abs=1e-9)
    assert curve.leverage("company")[-1] == pytest.approx(1)
    published = published_curve("pinterest-20", "surrogate")
    step = POINTS // 5
    assert curve.held("small", step) == pytest.approx(0.2)
    assert curve.columns["quality_small_company"][step] == pytest.approx(published.at("company", 0.2).quality)
    assert (0.2, published.at("company", 0.2).quality) in curve.points


def test_the_critical_mass_is_where_leverage_reaches_the_aim():
    curve = played(CurveSource("toxic"), "strike")
    mass = curve.critical_mass(0.5, "company")
    leverage = curve.leverage("company")
    below, above = int(mass * POINTS), int(mass * POINTS) + 1
    assert leverage[below] < 0.5 <= leverage[above]
    assert curve.critical_mass(0.0, "company") == 0.0
    assert curve.critical_mass(5.0, "company") is None
    earlier = played(CurveSource("toxic"), "cdc").critical_mass(0.5, "company")
    assert earlier < 0.1 < 0.9 < mass  # the steep end and the flat end of one curve


def test_measured_curves_of_the_folder_are_offered_and_links_are_not(tmp_path):
    from learners.usecase import load_use_case
    from scenarios.curves import measured_curve

    folder = tmp_path / "curves" / "digits"
    measured_curve(load_use_case("digits", filters=8), folder, rates=(0.1, 0.5), repeats=1)
    (tmp_path / "curves" / "link").symlink_to(folder)
    found = [source for source in sources(tmp_path) if source.path]
    assert [(source.use_case, source.label) for source in found] == [("digits", "digits (measured)")]
    curve = played(found[0], "cdc")
    assert curve.leverage("holdout")[-1] == pytest.approx(1)
    assert {round(share, 1) for share, _ in curve.points} >= {0.1, 0.5, 1.0}
    assert origin(found[0]).startswith(
        "The measured curve of digits is the mean of real models trained at 4 shares"
    )
    assert "300 people, with seed 1" in origin(found[0])
    assert {line.key: line.value for line in assumptions_behind(found[0], "strike")}["use_case"] == "digits"


def test_what_is_played_along_a_curve_is_what_the_ledger_lists():
    source = CurveSource("toxic")
    lines = {line.key: line for line in assumptions_behind(source, "strike")}
    assert lines["population.users"].value == PEOPLE
    assert lines["population.beliefs.linear"].changed
    assert lines["decision.rule"].value == "scripted"
    assert lines["curve"].value == "published"
    assert not any(key.startswith("decision.steps.") for key in lines)
    assert any(key.startswith("companies.") and line.ours for key, line in lines.items())
    assert "Vincent and Hecht (2021)" in origin(source)
