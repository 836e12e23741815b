"""What the report of a study says, section by section; files are read elsewhere.

Core Objects: StudyStory, study_report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.report import (
    Cell,
    Listing,
    Part,
    Picture,
    Report,
    Section,
    Table,
    Words,
    intervals,
    number,
    span,
)
from analysis.report_texts import AssumptionRow, ledger_parts, said, told


@dataclass(frozen=True)
class StudyStory:
    """What is known of a study.

    Attributes
    ----------
    texts
        What its base scenario says about itself.
    arms, swept
        Each arm's name and what it sets, each swept key and its values, in words.
    runs, effects, thresholds, sensitivity
        Its tables.
    outputs
        Names of the outputs, and the columns that they are taken of.
    parameters
        Columns of ``effects`` that tell points apart.
    sensitivity_lines
        What sensitivity says, in words.
    failures
        What went wrong, by run_id.
    """

    name: str
    question: str
    texts: Mapping[str, str]
    arms: Mapping[str, str]
    reference: str
    swept: Mapping[str, str]
    over_points: bool
    replicates: int
    runs: pd.DataFrame
    effects: pd.DataFrame
    thresholds: pd.DataFrame
    sensitivity: pd.DataFrame
    outputs: Mapping[str, str]
    parameters: Sequence[str]
    sensitivity_lines: Sequence[str]
    failures: Mapping[str, str]
    figures: Mapping[str, bytes]
    assumptions: Sequence[AssumptionRow]
    study_file: str
    codes: Sequence[str] = ()
    left_out: Sequence[str] = ()


def study_report(study: StudyStory, made_by: str = "") -> Report:
    """Return the report of a study."""
    return Report(
        "Report of a study",
        study.name,
        study.question,
        [
            Section("What was asked", _asked(study)),
            Section("Runs", _runs(study)),
            Section("What the arms change", _effects(study)),
            Section("Thresholds", _thresholds(study)),
            Section("Figures", _study_pictures(study)),
            Section("What the results depend on", _sensitivity(study)),
            Section("How to reproduce it", _study_again(study)),
            Section("Assumptions of the base", ledger_parts(study.assumptions)),
            Section("The study file", [Listing(study.study_file)]),
        ],
        made_by,
    )


def _asked(study: StudyStory) -> list[Part]:
    parts: list[Part] = [Words(told(study.texts))] if study.texts else []
    rows = [
        (
            f"{name} (reference)" if name == study.reference and len(study.arms) > 1 else name,
            text or "nothing: the base",
        )
        for name, text in study.arms.items()
    ]
    parts.append(Table("Arms, and what each sets", ("Arm", "Sets"), rows))
    if study.swept:
        caption = "Sampled assumptions" if study.over_points else "Swept"
        parts.append(Table(caption, ("Key", "Values"), list(study.swept.items())))
    return parts


def _runs(study: StudyStory) -> list[Part]:
    runs = study.runs
    points = runs["point"].nunique()
    counts = runs["status"].value_counts()
    ended = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("finished", "failed", "missing"))
    lead = (
        f"{len(study.arms)} arm{_s(len(study.arms))} x {points} point{_s(points)} x {study.replicates} "
        f"replicate{_s(study.replicates)}: {ended}. All arms share their seeds, replicate by replicate."
    )
    lost = runs[runs["status"] != "finished"]
    notes = [f"Left out: {text}" for text in study.left_out]
    if len(study.codes) > 1:
        notes.append(f"The runs were made by {len(study.codes)} versions of the code.")
    parts: list[Part] = [Words([lead])]
    if len(lost):
        notes.append(
            f"{len(lost)} of {len(runs)} runs are missing or have failed; nothing stands in for them."
        )
        rows = [
            (*(row[key] for key in ("run_id", "arm", "point", "replicate", "status")), _why(study, row))
            for row in lost.to_dict("records")
        ]
        columns = ("Run", "Arm", "Point", "Replicate", "Status", "Why")
        parts.append(Table("Runs that are not finished", columns, rows, elsewhere=" in runs.parquet"))
    return [parts[0], Words(notes, "warning"), *parts[1:]] if notes else parts


def _why(study: StudyStory, row: Mapping[Any, Any]) -> str:
    return study.failures.get(row["run_id"], "")


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _effects(study: StudyStory) -> list[Part]:
    effects = study.effects
    if effects.empty:
        return _means(study)
    over = "points, the mean over replicates at each" if study.over_points else "replicates"
    lead = (
        f"Differences to arm {study.reference}, taken pair by pair with equal seeds; intervals cover 95 % "
        f"and are bootstrapped over {over}. In the drawings the dot is the difference, the bar its interval, "
        "and the dashed line no difference."
    )
    return [
        Words([lead]),
        *(_of_output(study, str(name), rows) for name, rows in effects.groupby("output", sort=False)),
    ]


def _of_output(study: StudyStory, output: str, effects: pd.DataFrame) -> Table:
    """Return the effects on one output; the column of lost pairs only where there are any."""
    place = intervals(list(effects[["low", "effect", "high"]].itertuples(index=False, name=None)))
    lost = bool(effects[["missing", "undefined"]].to_numpy().any())
    rows: list[tuple[Cell, ...]] = []
    for row in effects.to_dict("records"):
        lacking = ", ".join(f"{row[what]} {what}" for what in ("missing", "undefined") if row[what])
        rows.append(
            (
                row["arm"],
                *(_swept_value(row[name]) for name in study.parameters),
                row["mean_reference"],
                row["mean"],
                row["effect"],
                span(row["low"], row["high"]),
                place(row["low"], row["effect"], row["high"]),
                row["n"],
                *((lacking or "none",) if lost else ()),
            )
        )
    columns = [
        "Arm",
        *study.parameters,
        study.reference,
        "With arm",
        "Difference",
        "95 % interval",
        "Drawn",
        "n",
    ]
    numbers = frozenset({study.reference, "With arm", "Difference", "95 % interval", "n"})
    return Table(output, [*columns, *(["Pairs lost"] if lost else [])], rows, numbers, " in effects.csv")


def _means(study: StudyStory) -> list[Part]:
    """Return the outputs of a study of one arm: there is nothing to compare."""
    finished = study.runs[study.runs["status"] == "finished"]
    rows = [
        (output, float(finished[output].mean()), float(finished[output].std()), int(finished[output].count()))
        for output in study.outputs
    ]
    columns = ("Output", "Mean", "Standard deviation", "n")
    return [Table("Outputs of the only arm, over all its runs", columns, rows, frozenset(columns[1:]))]


def _swept_value(value: Any) -> Cell:
    return value if isinstance(value, str | int | float) else said(value)


def _thresholds(study: StudyStory) -> list[Part]:
    rows = []
    for row in study.thresholds.to_dict("records"):
        others = [
            f"{name} = {said(row[name])}" for name in study.swept if name in row and name != row["along"]
        ]
        rows.append(
            (
                f"{row['output']} reaches {number(row['level'])}",
                ", ".join([row["arm"], *others]),
                row["along"],
                row["threshold"],
                span(row["low"], row["high"]),
                f"{row['share_reached']:.0%}",
                row["n"],
            )
        )
    columns = ("What", "Arm", "Along", "At", "95 % interval", "Replicates that reach it", "n")
    numbers = frozenset({"At", "95 % interval", "n"})
    caption = "Where along a sweep outputs reach a level; inf: not by its highest value"
    return [Table(caption, columns, rows, numbers, " in thresholds.csv")] if rows else []


def _study_pictures(study: StudyStory) -> list[Part]:
    return [
        Picture(
            data,
            _arms_alt(name, study),
            f"{name.replace('_', ' ')}, tick by tick: the mean of each arm, and where most replicates lie.",
        )
        for name, data in study.figures.items()
    ]


def _arms_alt(column: str, study: StudyStory) -> str:
    finished = study.runs[study.runs["status"] == "finished"]
    told = []
    for output, of_column in study.outputs.items():
        if of_column == column and len(finished):
            means = finished.groupby("arm", sort=False)[output].mean()
            values = ", ".join(f"{arm} {number(float(mean))}" for arm, mean in means.items())
            told.append(f" Mean {output} over all points: {values}.")
    return f"Lines of {column.replace('_', ' ')} by tick, one for each arm.{''.join(told)}"


def _sensitivity(study: StudyStory) -> list[Part]:
    table = study.sensitivity
    if table.empty:
        return []
    # What is indented belongs to the line before it.
    paragraphs = re.split(r"\n(?! )", "\n".join(study.sensitivity_lines))
    parts: list[Part] = [Words([text.replace("\n  ", "\n– ") for text in paragraphs])]  # noqa: RUF001
    return [*parts, *(_indices(table) if "index" in table.columns else _signs(table))]


def _indices(table: pd.DataFrame) -> list[Part]:
    parts: list[Part] = []
    for (output, arm, reference), group in table[table["refused"] == ""].groupby(
        ["output", "arm", "reference"], sort=False
    ):
        place = intervals([(0.0, 0.0, 1.0)])
        rows = []
        for row in group.sort_values("value", ascending=False, kind="stable").to_dict("records"):
            what = f"{row['parameter']} x {row['other']}" if row["other"] else row["parameter"]
            between = span(row["low"], row["high"])
            rows.append(
                (what, row["index"], row["value"], between, place(row["low"], row["value"], row["high"]))
            )
        what = f"{output}, arm {arm}" + (f" less {reference}" if reference else "")
        columns = ("Assumption", "Order", "Index", "95 % interval", "Drawn, 0 to 1")
        numbers = frozenset({"Index", "95 % interval"})
        parts.append(Table(f"Sobol indices of {what}", columns, rows, numbers, " in sensitivity.csv"))
    return parts


def _signs(table: pd.DataFrame) -> list[Part]:
    parts: list[Part] = []
    for (output, arm), group in table.groupby(["output", "arm"], sort=False):
        place = intervals([(-1.0, 0.0, 1.0)])
        rows = []
        for row in group.sort_values("chance", kind="stable").to_dict("records"):
            ends = (row["correlation_low"], row["correlation"], row["correlation_high"])
            undefined = pd.isna(row["chance"])
            rows.append(
                (
                    row["parameter"],
                    row["correlation"],
                    span(ends[0], ends[2]),
                    place(*ends),
                    "" if undefined else said(row["split"]),
                    "" if undefined else f"{row['share_below']:.0%}",
                    "" if undefined else f"{row['share_above']:.0%}",
                    "" if undefined else f"{row['chance']:.3f}",
                )
            )
        columns = (
            *("Assumption", "Partial rank correlation", "95 % interval", "Drawn, −1 to 1"),  # noqa: RUF001
            *("Best split", "Positive below, or elsewhere", "Positive above, or there", "By chance, p"),
        )
        numbers = frozenset(columns) - {"Assumption", columns[3]}
        parts.append(Table(f"What turns the effect of {arm} on {output}", columns, rows, numbers))
    return parts


def _study_again(study: StudyStory) -> list[Part]:
    how = (
        "Save the study at the end of this page as study.yaml, beside the files it names, and play it: "
        "data-leverage study study.yaml. The same code, data and versions give the same numbers."
    )
    if study.codes:
        how += f" Digest of the code: {', '.join(study.codes)}."
    return [Words([how])]
