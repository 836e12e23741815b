"""Downloads: the ticks as a table, the figures, and the whole run."""

from __future__ import annotations

import time

import solara

from scenarios.dashboard import commands as asked
from scenarios.dashboard.exports import figure_file, ticks_csv
from scenarios.dashboard.panels.elements import tag
from scenarios.dashboard.session import Player, Session

_PATIENCE = 120.0
"""Seconds within which a worker must have packed a run."""


@solara.component
def Export(session: Session) -> None:
    """Show the downloads of the run in play."""
    facts = session.live.facts.value
    with tag("section", classes="card", aria_label="Export"):
        tag("h2", "Export")
        if facts is None:
            tag("p", "As soon as there is something.", classes="faint")
            return
        with solara.Div(classes=["line"]):
            for kind in ("CSV", "PNG", "SVG", "Run as zip"):
                Download(session.live, kind).key(kind)
        tag("p", "The table has one line a tick; columns are those of ticks.parquet.", classes="faint")


@solara.component
def Download(player: Player, kind: str) -> None:
    """Show the download of one kind of file, which is made when it is asked for."""

    def made() -> str | bytes:
        snapshot = player.snapshot.value
        assert snapshot.facts is not None
        if kind == "CSV":
            return ticks_csv(snapshot.rows)
        if kind == "Run as zip":
            return packed(player)
        return figure_file(snapshot.rows, snapshot.events, snapshot.facts, "png" if kind == "PNG" else "svg")

    same = solara.use_memo(lambda: made, [player])
    facts = player.facts.value
    name = f"{facts.name}-seed-{facts.seed}" if facts else "run"
    with solara.FileDownload(same, f"{name}.{kind.rpartition(' ')[2].lower()}"):
        solara.Button(kind, icon_name="mdi-download", outlined=True, small=True)


def packed(player: Player) -> bytes:
    """Return the run so far as an archive, which the worker makes between two ticks."""
    player.archive.value = b""
    player.send(asked.Write())
    waited = time.monotonic() + _PATIENCE
    while not player.archive.value and time.monotonic() < waited:
        time.sleep(0.05)
    return player.archive.value
