"""A finished run from its folder."""

from __future__ import annotations

import solara

from scenarios.dashboard.line_charts import limits
from scenarios.dashboard.messages import Event, Facts
from scenarios.dashboard.panels.assumptions import Assumptions
from scenarios.dashboard.panels.elements import badge, tag
from scenarios.dashboard.panels.run_figures import RunFigure
from scenarios.dashboard.results_folder import StoredRunTables
from scenarios.dashboard.run_charts import marks_of, panels


@solara.component
def StoredRun(tables: StoredRunTables, dark: bool) -> None:
    """Show the charts of a run and its summary."""
    rows = [{str(name): value for name, value in row.items()} for row in tables.ticks.to_dict("records")]
    facts = facts_of(tables)
    events = [
        Event(int(tick), str(kind), str(subject), float(value), str(text))
        for tick, kind, subject, value, text in tables.events[
            ["tick", "kind", "subject", "value", "text"]
        ].itertuples(index=False)
    ]
    ticks = [float(row["tick"]) for row in rows]
    with solara.Div(classes=["line"], style="margin-top: 6px"):
        badge(f"one run, seed {facts.seed}")
    with solara.Div(classes=["charts"], style="margin-top: 10px"):
        for panel in panels(rows, facts):
            axis = limits([line.values for line in panel.lines], panel.within)
            RunFigure(panel, ticks, axis, marks_of(events), ticks[-1], dark).key(panel.key)
    if tables.summary:
        with tag("section", classes="card", aria_label="Summary", style="margin-top: 14px"):
            for paragraph in tables.summary.replace("**", "").split("\n\n"):
                tag("h3" if paragraph.startswith("#") else "p", paragraph.lstrip("# ").strip())
    if tables.assumptions:
        Assumptions(tables.assumptions)


def facts_of(tables: StoredRunTables) -> Facts:
    """Return what does not change in a stored run, from its manifest and its first row."""
    scenario = tables.manifest.get("scenario")
    scenario = scenario if isinstance(scenario, dict) else {}
    leverage = scenario.get("leverage")
    first = tables.ticks.iloc[0]
    return Facts(
        name=str(scenario.get("name", "run")),
        metric="quality",
        unit="",
        higher_is_better=bool(first["best_holdout"] > first["baseline_holdout"]),
        perspective=str(leverage.get("perspective", "served")) if isinstance(leverage, dict) else "served",
        mode=str(scenario.get("mode", "live")),
        users=0,
        ticks=len(tables.ticks) - 1,
        seed=int(tables.manifest.get("seed") or 0),
        stances=(),
        groups={},
        power_users=False,
        communities=(),
        pixel_every=1,
        community_pixels=(),
        warnings=(),
    )
