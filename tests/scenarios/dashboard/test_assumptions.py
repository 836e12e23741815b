"""The assumption ledger beside the answers: what it lists, where from, and what is changed."""

from __future__ import annotations

import pytest

from scenarios.dashboard.settings import Settings

solara = pytest.importorskip("solara")

from scenarios.dashboard.panels.assumptions import Assumptions, ledger_of  # noqa: E402
from scenarios.dashboard.panels.tables import RowsWidget  # noqa: E402


def rows(panel, label=None):
    """Return the rows of the panel by key, after a choice of which are listed."""
    import ipyvuetify

    _, found = solara.render(panel, handle_error=False)
    if label is not None:
        found.find(ipyvuetify.Select).widget.v_model = label
    return {row[0]: row[1:] for row in found.find(RowsWidget).widget.rows}


def test_a_parameter_is_listed_with_value_unit_bounds_source_and_meaning():
    lines = ledger_of(Settings("published-curves"))
    listed = rows(Assumptions(lines), "there are")
    value, allowed, source, what = listed["policy.deletion_delay"]
    assert value == "0 ticks"
    assert allowed == "0 to 100000"
    assert source == "ours"
    assert what.startswith("Ticks that pass")
    assert listed["policy.deletion_right"][2] == "Vincent et al. 2021 (FAccT)"
    assert len(listed) > 100


def test_what_no_publication_gives_is_shown_first():
    listed = rows(Assumptions(ledger_of(Settings("published-curves"))))
    assert "policy.deletion_delay" in listed
    assert "policy.deletion_right" not in listed


def test_a_changed_parameter_is_under_changed_and_no_other():
    settings = Settings("digits-default", {"interventions": []})
    which = "are changed from their defaults"
    before = rows(Assumptions(ledger_of(settings)), which)
    after = rows(Assumptions(ledger_of(settings.changed("decision.precision", 7.0))), which)
    assert "decision.precision" not in before
    assert after.keys() - before.keys() == {"decision.precision"}
    assert after["decision.precision"][0] == "7.0 1/utility"


def test_settings_that_cannot_be_played_have_no_ledger():
    assert ledger_of(Settings("digits-default", {"seed": -1})) == []
