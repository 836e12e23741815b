"""A run so far as files: a table, figures, and the folder of a run in an archive.

Core Objects: ticks_csv, figure_file, packed_run.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from abm.records import EventLog
from scenarios.dashboard.messages import BY_HAND, Event, Facts, Row

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from scenarios.scenario import Scenario

_DATE = (1980, 1, 1, 0, 0, 0)
"""Of the files in an archive, so that the same run gives the same bytes."""


def ticks_csv(rows: Sequence[Row]) -> str:
    """Return the ticks so far as CSV: a header, and one line a tick."""
    return pd.DataFrame([dict(row) for row in rows]).to_csv(index=False, lineterminator="\n")


def events_table(events: Sequence[Event]) -> pd.DataFrame:
    """Return the events as events.parquet has them."""
    return pd.DataFrame([asdict(event) for event in events], columns=list(EventLog.COLUMNS))


def figure_file(
    rows: Sequence[Row], events: Sequence[Event], facts: Facts, suffix: Literal["png", "svg"]
) -> bytes:
    """Return who acts, leverage, quality and revenue in one figure, as in the folder of a run."""
    from analysis.figure_files import rendered
    from analysis.figures import run_figures

    figures = run_figures(
        pd.DataFrame([dict(row) for row in rows]),
        events_table(events),
        facts.name,
        facts.metric,
        facts.perspective,
        facts.unit,
    )
    return rendered(figures["overview"])[suffix]


def packed_run(scenario: Scenario, model: DataLeverageModel) -> bytes:
    """Return the files of a run's folder, as far as it has been played, in a zip archive.

    What the visitor did by hand is said in run.json: with it, the scenario alone does not give the same run.
    """
    from scenarios.run_directory import RunDirectory
    from scenarios.runs import Run

    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / scenario.name
        with RunDirectory(folder) as directory:
            Run.of(scenario, model, _said(scenario, model)).write(directory)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    name = zipfile.ZipInfo(f"{scenario.name}/{path.relative_to(folder)}", _DATE)
                    packed.writestr(name, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _said(scenario: Scenario, model: DataLeverageModel) -> dict[str, Any]:
    """Return what the manifest says of a run in a dashboard."""
    events = model.events.table()
    by_hand = events[events["kind"].isin(BY_HAND)]
    return {
        "status": "finished" if model.tick >= scenario.ticks else f"stopped after tick {model.tick}",
        "by_hand": by_hand[["tick", "text"]].to_dict("records"),
    }
