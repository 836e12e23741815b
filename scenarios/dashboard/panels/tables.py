"""Tables, each of them one element: thousands of cells would be slow to draw as elements of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import solara


@solara.component_vue("rows.vue")
def Rows(head: list[str], rows: list[list[str]], said: str, strong: list[int] = []) -> None:  # noqa: B006
    """Show rows of texts, never read as HTML, under a head; those numbered in ``strong`` stand out."""


def table(frame: pd.DataFrame, columns: Sequence[str], said: str) -> Any:
    """Return some columns of a table; numbers have three decimals."""
    rows = frame[list(columns)].astype(object).to_numpy().tolist()
    return Rows(head=list(columns), rows=[[_cell(value) for value in row] for row in rows], said=said)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3f}"
    return str(value)
