"""What the report of a study says, section by section; files are read elsewhere.

Core Objects: StudyStory, study_report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.decay_report import decay_parts
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
from analysis.sensitivity_report import sensitivity_parts


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
    meanings
        What the outputs are, by name, in words.
    longest
        Ticks that an output which is a time has where the end of the run came first, by name.
    claims
        Which findings survive, see :func:`analysis.claim_table.claim_table`.
    decays
        How long advantages last, see :func:`analysis.decays.decay_table`.
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
    meanings: Mapping[str, str] = field(default_factory=dict)
    longest: Mapping[str, float] = field(default_factory=dict)
    claims: pd.DataFrame = field(default_factory=pd.DataFrame)
    decays: pd.DataFrame = field(default_factory=pd.DataFrame)


def study_report(study: StudyStory, made_by: str = "") -> Report:
    """Return the report of a study."""
    depends = Section(
        "What the results depend on", sensitivity_parts(study.sensitivity, study.sensitivity_lines)
    )
    return Report(
        "Report of a study",
        study.name,
        study.question,
        [
            Section("What was asked", _asked(study)),
            Section("Runs", _runs(study)),
            Section("Which findings survive", _claims(study)),
            # Where assumptions are sampled, how far a finding holds is the finding.
            *([depends] if study.over_points else []),
            Section("What the arms change", _effects(study)),
            Section("How long advantages last", decay_parts(study.decays)),
            Section("Thresholds", _thresholds(study)),
            Section("Figures", _study_pictures(study)),
            *([] if study.over_points else [depends]),
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
        f"Differences to {_references(study)}, taken pair by pair with equal seeds; intervals cover 95 % "
        f"and are bootstrapped over {over}. In the drawings the dot is the difference, the bar its interval, "
        "and the dashed line no difference."
    )
    parts: list[Part] = [Words([lead])]
    for name, rows in effects.groupby("output", sort=False):
        parts.append(_of_output(study, str(name), rows))
        if str(name) in study.longest:
            parts.append(Words([_unseen(study, str(name))]))
    return parts


def _references(study: StudyStory) -> str:
    others = [name for name in study.effects["reference"].unique() if name != study.reference]
    return f"arm {study.reference}" + (f" and, where said, to {', '.join(others)}" if others else "")


def _of_output(study: StudyStory, output: str, effects: pd.DataFrame) -> Table:
    """Return the effects on one output; the column of lost pairs only where there are any."""
    place = intervals(list(effects[["low", "effect", "high"]].itertuples(index=False, name=None)))
    lost = bool(effects[["missing", "undefined"]].to_numpy().any())
    several = bool(study.effects["reference"].nunique() > 1)
    rows: list[tuple[Cell, ...]] = []
    for row in effects.to_dict("records"):
        lacking = ", ".join(f"{row[what]} {what}" for what in ("missing", "undefined") if row[what])
        first = row["reference"] == study.reference
        rows.append(
            (
                row["arm"] if first else f"{row['arm']} against {row['reference']}",
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
    without = "Without" if several else study.reference
    columns = [
        "Arm",
        *study.parameters,
        without,
        "With arm",
        "Difference",
        "95 % interval",
        "Drawn",
        "n",
    ]
    numbers = frozenset({without, "With arm", "Difference", "95 % interval", "n"})
    meaning = study.meanings.get(output, "")
    caption = f"{output}: {meaning}" if meaning and meaning != output else output
    return Table(caption, [*columns, *(["Pairs lost"] if lost else [])], rows, numbers, " in effects.csv")


def _unseen(study: StudyStory, output: str) -> str:
    """Say in how many runs of each arm the end came before what is waited for."""
    finished = study.runs[study.runs["status"] == "finished"]
    longest = study.longest[output]
    told = [
        f"{arm} {int((values >= longest).sum())} of {len(values)}"
        for arm, values in finished.groupby("arm", sort=False)[output]
    ]
    return (
        f"{output}: not seen by the end of the run, and counted as {longest:g} ticks, in {', '.join(told)}."
    )


def _claims(study: StudyStory) -> list[Part]:
    table = study.claims
    if table.empty:
        return []
    lead = (
        "A finding survives where the 95 % interval over replicates lies on the side of 0 that it claims, "
        "and reverses where it lies on the other; it is undecided where the interval holds 0. Where a rule, "
        "a perspective or a mode has no such number, it is not defined, and nothing stands in for it. "
        "Few replicates make intervals narrower than they should be."
    )
    parts: list[Part] = [Words([lead])]
    for claim, cells in table.groupby("claim", sort=False):
        place = intervals(list(cells[["low", "effect", "high"]].itertuples(index=False, name=None)))
        rows: list[tuple[Cell, ...]] = [
            (
                row["variant"],
                row["verdict"],
                row["effect"],
                span(row["low"], row["high"]),
                place(row["low"], row["effect"], row["high"]),
                row["n"],
                _compared(row),
            )
            for row in cells.to_dict("records")
        ]
        columns = ("Variant", "Verdict", "Number", "95 % interval", "Drawn", "n", "Of what")
        parts.append(Table(str(claim), columns, rows, frozenset(columns[1:4]) | {"n"}, " in claims.csv"))
    return parts


def _compared(row: Mapping[Any, Any]) -> str:
    if not row["arm"]:
        return str(row["why"])
    against = f" less {row['reference']}" if row["reference"] else ""
    why = f" ({row['why']})" if row["why"] else ""
    return f"{row['output']}: {row['arm']}{against}{why}"


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


def _study_again(study: StudyStory) -> list[Part]:
    how = (
        "Save the study at the end of this page as study.yaml, beside the files it names, and play it: "
        "data-leverage study study.yaml. The same code, data and versions give the same numbers."
    )
    if study.codes:
        how += f" Digest of the code: {', '.join(study.codes)}."
    return [Words([how])]
