"""The timing of the dashboard in a browser, on small worlds."""

from __future__ import annotations

import shutil

import pytest

from scenarios.benchmarks.dashboard_speed import dashboard_speed
from scenarios.benchmarks.registry import lines


@pytest.mark.slow
def test_clicks_and_ticks_are_timed_by_the_browser(tmp_path):
    result = dashboard_speed(tmp_path, rounds=1, seconds=2, crowds={5_000: 1.0})
    if "skipped" in result:
        pytest.skip(result["skipped"])
    digits, crowd = result["rows"]  # there is no MovieLens in an empty folder
    assert digits["ticks_a_second"] > 0
    assert crowd["world"].startswith("5,000 people")
    assert crowd["updates_a_second"] > 0
    for row in (digits, crowd):
        assert row["clicks"] == 6
        assert 0 < row["answer_seconds"] <= row["effect_seconds"] <= row["effect_seconds_longest"]
    assert len(lines(result)) == 3 + 2


def test_without_a_browser_it_is_left_out_and_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "there is no browser" in dashboard_speed(None)["skipped"]
