"""What every reproduction has in common: a tidy table of ours beside published, verdicts, the files.

Core Objects: tidy, verdict, write_files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.durable_files import replace_file
from analysis.figure_files import rendered
from learners.errors import OutputError

COLUMNS = (
    "use_case",
    "perspective",
    "lever",
    "rate",
    "repeats",
    "quality_large",
    "quality_small",
    "baseline",
    "best",
    "ours",
    "ours_sd",
    "published",
    "difference",
    "within",
)
"""The columns that every reproduction.csv begins with."""

Row = Mapping[str, Any]


def tidy(rows: Iterable[Row], further: Sequence[str]) -> pd.DataFrame:
    """Return one row a point, ours compared with what is published.

    Parameters
    ----------
    rows
        :data:`COLUMNS` but ``difference`` and ``within``, which follow, and ``further`` ones; what a row
        leaves out is NaN. ``tolerance`` must be among them: where it is NaN, or nothing is published, there
        is no verdict.
    further
        Names of the other columns, in order.
    """
    table = pd.DataFrame(list(rows)).reindex(columns=[*COLUMNS, *further])
    table["difference"] = table["ours"].astype(float) - table["published"].astype(float)
    judged = table["difference"].notna() & table["tolerance"].notna()
    within = table["difference"].abs() <= table["tolerance"].astype(float)
    table["within"] = within.astype(object).where(judged, None)
    return table


def verdict(label: str, row: Row) -> str:
    """Return one line: ours, published, their difference, and whether it is small enough.

    Without a tolerance the published value stands there for orientation only.
    """
    judged = "for orientation"
    if row["within"] is not None:
        judged = f"{'within' if row['within'] else 'OUTSIDE'} {number(row['tolerance'])}"
    return (
        f"{label}: {number(row['ours'])}, published {number(row['published'])}, "
        f"difference {number(row['difference'], sign='+')}, {judged}"
    )


def number(value: float, sign: str = "-") -> str:
    """Return a number with three decimals and no leading zero; ``sign`` is that of a format specification."""
    if np.isnan(value):
        return "undefined"
    # Adding zero turns the -0.0 that rounding leaves into 0.0.
    text = f"{round(value, 3) + 0.0:{sign}.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def percent(share: float) -> str:
    """Return a share as per cent, such as ``37.5 %``."""
    return f"{100 * share:.6g} %"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is aligned left, the others right."""
    rule = ["---", *(["---:"] * (len(header) - 1))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def listed(lines: Sequence[str], otherwise: str) -> str:
    """Return a Markdown list of the lines, or what is said where there are none."""
    return "\n".join(f"- {line}" for line in lines) or otherwise


def write_files(
    out: Path, tables: Mapping[str, pd.DataFrame], texts: Mapping[str, str], figures: Mapping[str, Figure]
) -> None:
    """Write a study's results into its folder, each file whole or not at all.

    Parameters
    ----------
    out
        The folder; it is made where there is none.
    tables
        File stem to a table, written as ``.csv``.
    texts
        File name to its content.
    figures
        File stem, in the folder ``figures``, to a figure, written as ``.png`` and ``.svg``.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    files = {f"{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    files |= {name: text.encode() for name, text in texts.items()}
    for name, figure in figures.items():
        files |= {f"figures/{name}.{suffix}": data for suffix, data in rendered(figure).items()}
    folder = out / "figures" if figures else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from None
    for name, data in files.items():
        replace_file(out / name, data)
