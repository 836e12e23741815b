"""What the report of a run says, section by section; files are read elsewhere.

Core Objects: RunStory, run_report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.palette import STANCES
from analysis.report import Listing, Part, Picture, Report, Section, Table, Words, number
from analysis.report_texts import AssumptionRow, ledger_parts, listed, mapping, said, told

_ORDER = ("participation", "leverage", "quality", "revenue")

_CAPTIONS = {
    "participation": "Who acts, tick by tick.",
    "leverage": "Leverage: 0 is no effect; 1 takes Large Co. down to its un-informed baseline, or brings "
    "Small Co. up to the model that has all the data.",
    "quality": "Quality of both models.",
    "revenue": "Revenue, in units of Large Co.'s before anybody acted.",
}


@dataclass(frozen=True)
class RunStory:
    """What is known of a run: its manifest, its summary and ticks, its figures by name, its assumptions."""

    manifest: Mapping[str, Any]
    summary: str
    ticks: pd.DataFrame
    figures: Mapping[str, bytes]
    assumptions: Sequence[AssumptionRow] | None
    scenario_file: str
    left_out: Sequence[str] = ()


def run_report(run: RunStory, made_by: str = "") -> Report:
    """Return the report of a run."""
    manifest, scenario = run.manifest, mapping(run.manifest.get("scenario"))
    warnings = [f"Warning: {said(text)}" for text in listed(manifest.get("warnings"))]
    warnings += [f"Left out: {text}" for text in run.left_out]
    name = said(scenario.get("name")) or "a run"
    return Report(
        "Report of a run",
        name,
        said(scenario.get("question")),
        [
            Section("What was asked", [Words(told(scenario)), *_interventions(scenario)]),
            Section("Warnings", [Words(warnings, "warning")] if warnings else []),
            Section("What happened", [Words(_paragraphs(run.summary, scenario))] if run.summary else []),
            Section("Figures", _run_pictures(run)),
            Section("Network", _network(mapping(manifest.get("network")))),
            Section("How to reproduce it", _run_again(run)),
            Section("Assumptions in use", ledger_parts(run.assumptions)),
            Section("The scenario as played", [Listing(run.scenario_file)]),
        ],
        made_by,
    )


def _paragraphs(summary: str, scenario: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs of a summary that the report does not have elsewhere."""
    elsewhere = {said(scenario.get("question")), said(scenario.get("note"))}
    paragraphs = [text.strip() for text in summary.split("\n\n")]
    return [text for text in paragraphs if text not in elsewhere and not text.startswith(("# ", "Warning: "))]


def _interventions(scenario: Mapping[str, Any]) -> list[Part]:
    rows = []
    for entry in map(mapping, listed(scenario.get("interventions"))):
        others = {
            key: entry[key] for key in entry if key not in ("kind", "start", "end") and entry[key] is not None
        }
        end = entry.get("end")
        rows.append(
            (
                said(entry.get("kind")).replace("_", " "),
                said(entry.get("start")),
                "the end" if end is None else said(end),
                said(others) or "–",  # noqa: RUF001
            )
        )
    return [Table("Interventions", ("What", "From tick", "To", "Settings"), rows)] if rows else []


def _run_pictures(run: RunStory) -> list[Part]:
    several = any(name in run.figures for name in _ORDER)
    names = [name for name in _ORDER if name in run.figures]
    names += [name for name in run.figures if name not in names and not (name == "overview" and several)]
    perspective = said(mapping(mapping(run.manifest.get("scenario")).get("leverage")).get("perspective"))
    return [
        Picture(
            run.figures[name],
            _run_alt(name, run.ticks, perspective),
            _CAPTIONS.get(name, f"{name.replace('_', ' ')}."),
        )
        for name in names
    ]


def _run_alt(name: str, ticks: pd.DataFrame, perspective: str) -> str:
    """Return what a figure of a run shows: its lines, with their first and last values."""
    columns = {
        "participation": {f"share_{stance}": look.label for stance, look in STANCES.items()},
        "leverage": {"dlp_cdc": "contribution", "dlp_strike": "withdrawal from Large Co."},
        "quality": {f"quality_large_{perspective}": "Large Co.", f"quality_small_{perspective}": "Small Co."},
        "revenue": {"revenue_large": "Large Co.", "revenue_small": "Small Co."},
    }.get(name, {})
    parts = []
    for column, label in columns.items():
        if column in ticks.columns and len(ticks):
            first, last = (float(ticks[column].iloc[place]) for place in (0, -1))
            if (ticks[column] != 0).any():
                parts.append(f"{label} from {number(first)} to {number(last)}")
    ends = f", over {len(ticks) - 1} ticks: {'; '.join(parts)}" if parts else ""
    return f"Lines of {name.replace('_', ' ')}{ends}."


def _network(network: Mapping[str, Any]) -> list[Part]:
    rows = [
        (f"{above}{str(key).replace('_', ' ')}", said(value))
        for above, entries in _flat(network)
        for key, value in entries.items()
        if not isinstance(value, Mapping) and value is not None
    ]
    return (
        [Table("The network that was played", ("Statistic", "Value"), rows, frozenset({"Value"}))]
        if rows
        else []
    )


def _flat(entries: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Mapping[str, Any]]]:
    yield above, entries
    for key, value in entries.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{str(key).replace('_', ' ')}: ")


def _run_again(run: RunStory) -> list[Part]:
    manifest = run.manifest
    rows = [
        ("Seed", said(manifest.get("seed"))),
        ("data-leverage", said(manifest.get("version"))),
        ("Digest of its code", said(manifest.get("code"))),
        ("Python", said(manifest.get("python"))),
        ("Machine", said(manifest.get("platform"))),
        ("Device", said(manifest.get("device")) or "none: nothing was trained"),
        ("Seconds of wall time", said(manifest.get("wall_seconds"))),
        *((said(name), said(version)) for name, version in mapping(manifest.get("versions")).items()),
        *((f"SHA-256 of {name}", said(digest)) for name, digest in mapping(manifest.get("data")).items()),
    ]
    how = (
        "Save the scenario at the end of this page as scenario.yaml, beside the files it names, and play it: "
        "data-leverage run scenario.yaml. The same code, data and versions give the same numbers."
    )
    return [
        Words([how]),
        Table("What it was made with", ("What", "Value"), [row for row in rows if row[1]]),
    ]
