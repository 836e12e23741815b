"""Tables, each of them one element: thousands of cells would be slow to draw as elements of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate


class RowsWidget(VuetifyTemplate):
    """Rows of texts, never read as HTML, under a head.

    Attributes
    ----------
    said
        What the table is called.
    strong
        Numbers of the rows that stand out.
    empty
        Shown where there are no rows.
    """

    template_file = (__file__, "rows.vue")
    head = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List(traitlets.List()).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    strong = traitlets.List(traitlets.Int()).tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)


def Rows(head: list[str], rows: list[list[str]], said: str) -> Any:
    """Return a table as an element."""
    return RowsWidget.element(head=head, rows=rows, said=said)


def table(frame: pd.DataFrame, columns: Sequence[str], said: str) -> Any:
    """Return some columns of a table; numbers have three decimals."""
    rows = frame[list(columns)].astype(object).to_numpy().tolist()
    return Rows(head=list(columns), rows=[[_cell(value) for value in row] for row in rows], said=said)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3f}"
    return str(value)
