"""Curves on disk: curve.csv, a row a measurement, and curve.json, which says of what.

Core Objects: load_curve, read_measurements, read_record.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from learners.curves.curve_table import Curve, CurveValue, Mode, Points, PoisonEffect
from learners.curves.measuring import Measurement
from learners.errors import InputError
from learners.metrics import ACCURACY, AUC, HIT_RATE, RMSE

FORMAT = "data-leverage curve 1"
"""The value of the ``format`` key of curve.json."""

ROWS, RECORD = "curve.csv", "curve.json"

_MEASURED = ("quality", "baseline", "best", "utility", "utility_baseline", "utility_best")
"""Columns that are not a number where there is nobody to measure it on."""

METRICS = {metric.name: metric for metric in (RMSE, ACCURACY, HIT_RATE, AUC)}


def load_curve(path: Path, use_case: str, mode: Mode) -> Curve:
    """Read a curve that ``data-leverage curve`` measured.

    Parameters
    ----------
    path
        A curve.csv, with its curve.json beside it, or their folder.
    use_case
        What the curve must be of.

    Raises
    ------
    InputError
        With one line that says what is missing or wrong, and where.
    """
    rows_path = path / ROWS if path.is_dir() else path
    content = _bytes(rows_path)
    record = read_record(rows_path.with_name(RECORD))
    if record["use_case"] != use_case:
        raise InputError(f"curve: {rows_path} was measured on {record['use_case']}, not on {use_case}")
    table = _kept(read_measurements(content, str(rows_path)), str(rows_path))
    points = _clean_points(table, str(rows_path))
    for view in ("company", "holdout", *(("served", "known", "stranger") if record["personalised"] else ())):
        if view not in points:
            raise InputError(f"curve: {rows_path} has no {view} rows")
    return Curve(
        use_case,
        str(rows_path),
        hashlib.sha256(content).hexdigest(),
        mode,
        METRICS[record["metric"]],
        record["personalised"],
        points,
        _poison_effects(table, str(rows_path)),
        record["data"],
    )


def read_record(path: Path) -> dict[str, Any]:
    """Read a curve.json.

    Raises
    ------
    InputError
        If it is not there or is none of ours.
    """
    content = _bytes(path)
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"curve: {path} is not JSON") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"curve: {path} does not describe a curve of ours")
    if (
        not all(isinstance(record.get(key), str) for key in ("use_case", "data"))
        or record.get("metric") not in METRICS
        or not isinstance(record.get("personalised"), bool)
    ):
        raise InputError(f"curve: {path} lacks one of use_case, data, metric, personalised")
    return record


def read_measurements(content: bytes, name: str) -> list[Measurement]:
    """Read the rows of a curve.csv; what a killed measurement left of its last point is passed over.

    Raises
    ------
    InputError
        With the line of what is not a measurement.
    """
    text = content.decode("utf-8", errors="replace")
    lines = text[: text.rfind("\n") + 1].splitlines()
    header, *body = list(csv.reader(lines)) or [[]]
    if tuple(header) != Measurement._fields:
        raise InputError(f"curve: {name}:1: the columns must be {','.join(Measurement._fields)}")
    kinds = typing.get_type_hints(Measurement)
    rows = []
    for number, cells in enumerate(body, start=2):
        try:
            values = [kinds[field](cell) for field, cell in zip(header, cells, strict=True)]
        except ValueError:
            raise InputError(f"curve: {name}:{number}: not a measurement: {','.join(cells):.80}") from None
        for field, value in zip(header, values, strict=True):
            if isinstance(value, float) and not _possible(field, value):
                raise InputError(f"curve: {name}:{number}: {field} is {value:g}; it must be a number")
        rows.append(Measurement(*values))
    # A point's rows end with its holdout's.
    while rows and rows[-1].perspective != "holdout":
        rows.pop()
    return rows


def _possible(field: str, value: float) -> bool:
    """Return whether a cell can hold a number: what is measured can be undefined, nothing can be infinite."""
    return math.isfinite(value) or (field in _MEASURED and math.isnan(value))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"curve: {path}: no such file; `data-leverage curve` measures one") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"curve: {path} cannot be read ({reason})") from None


_POINT = ["clean_share", "poison", "poisoned_share"]


def _kept(rows: list[Measurement], name: str) -> pd.DataFrame:
    """Return the rows of the repeats that measured the most points, with the share of the data held."""
    table = pd.DataFrame(rows, columns=list(Measurement._fields))
    table = table.drop_duplicates([*_POINT, "repeat", "perspective"])
    whole = table[(table["clean_share"] == 1) & (table["perspective"] == "holdout")]
    everything = table["repeat"].map(whole.set_index("repeat")["train_records"])
    points = table[table["perspective"] == "holdout"].groupby("repeat").size()
    if not len(whole) or points.max() < 2:
        raise InputError(f"curve: {name} holds no share measured between nothing and everything")
    table["share"] = table["train_records"] / everything
    return table[table["repeat"].isin(points.index[points == points.max()])]


def _clean_points(table: pd.DataFrame, name: str) -> dict[str, Points]:
    counted = table["utility"].notna() | (table["perspective"] == "company")
    clean = table[(table["poison"] == "") & table["quality"].notna() & counted]
    points = {}
    for perspective, rows in clean.groupby("perspective"):
        means = rows.groupby("clean_share")[["share", *CurveValue._fields]].mean()
        shares, values = means["share"].to_numpy(), means[list(CurveValue._fields)].to_numpy()
        if shares[-1] != 1 or (np.diff(shares) <= 0).any():
            raise InputError(f"curve: {name}: the {perspective} rows do not ascend to all of the data")
        points[str(perspective)] = Points(shares, values)
    return points


def _poison_effects(table: pd.DataFrame, name: str) -> dict[str, dict[str, PoisonEffect]]:
    columns = list(CurveValue._fields)
    table = table[table["perspective"] != "planted"].assign(
        held=(table["clean_share"] + table["poisoned_share"]).round(6),
        fraction=lambda rows: (rows["poisoned_share"] / rows["held"]).round(6),
    )
    clean = table[table["poison"] == ""].groupby(["perspective", "held"])[columns].mean()
    effects: dict[str, dict[str, PoisonEffect]] = {}
    for (kind, perspective), rows in table[table["poison"] != ""].groupby(["poison", "perspective"]):
        of_kind = table[table["poison"] == kind]
        shares, fractions = (np.unique(of_kind[axis]) for axis in ("held", "fraction"))
        grid = rows.groupby(["held", "fraction"])[columns].mean()
        grid = grid.reindex(pd.MultiIndex.from_product([shares, fractions]))
        if perspective == "known":  # nobody is where all are poisoned: the effect on the last of them stands
            grid = grid.groupby(level=0).ffill()
        values = grid.to_numpy().reshape(len(shares), len(fractions), len(columns))
        unpoisoned = clean.xs(perspective).reindex(shares).to_numpy()
        added = np.zeros((len(shares) + 1, len(fractions) + 1, len(columns)))
        added[1:, 1:] = values - unpoisoned[:, None]
        if np.isnan(added[..., 0]).any() or shares[-1] != 1 or fractions[-1] != 1:
            raise InputError(f"curve: {name}: poison '{kind}' is not measured on all of its grid")
        effect = PoisonEffect(np.insert(shares, 0, 0.0), np.insert(fractions, 0, 0.0), added)
        effects.setdefault(str(kind), {})[str(perspective)] = effect
    return effects
