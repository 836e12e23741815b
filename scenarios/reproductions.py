"""Reproduce the published studies: go on with the log in a folder, then write what all of it says.

Core Objects: reproduce_contributions, reproduce_strikes, fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from analysis.contribution_report import contribution_report, order_lines, verdicts
from analysis.contribution_results import leverage_table, thresholds
from analysis.contribution_study import default_plan, default_use_cases, run_contributions
from analysis.reproduction import write_files
from analysis.reproduction_figures import contribution_figures, strike_figures
from analysis.run_log import RunLog
from analysis.strike_report import group_lines, strike_report, strike_verdicts
from analysis.strike_results import group_results, strike_results
from analysis.strike_study import StrikePlan, run_strikes
from learners.errors import InputError

Progress = Callable[[str, int, int], None]


def fractions(text: str, name: str) -> tuple[float, ...]:
    """Return the numbers of a list such as ``.05,.2,.5``, ascending, each once.

    Raises
    ------
    InputError
        If one is not a number between 0 and 1, both excluded.
    """
    try:
        values = sorted({float(part) for part in text.split(",")})
    except ValueError:
        values = []
    if not values or not all(0 < value < 1 for value in values):
        raise InputError(f"{name}: {text!r} is not a list of numbers between 0 and 1, such as .05,.2,.5")
    return tuple(values)


def reproduce_contributions(
    out: Path,
    use_cases: Sequence[str] = (),
    *,
    rates: Sequence[float] = (),
    repeats: int | None = None,
    large: bool | None = None,
    seed: int = 0,
    workers: int = 1,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> list[str]:
    """Run the protocol of Conscious Data Contribution and write table, report and figures.

    Parameters
    ----------
    out
        Folder of the log and the results.
    use_cases, rates, repeats, large
        What to measure; what is not given is as published, as far as the data are here.
    seed, workers, data_dir, device, progress
        See :func:`analysis.contribution_study.run_contributions`.

    Returns
    -------
    list of str
        What was left out, and a line for each comparison; they are about everything in the log.
    """
    notes: list[str] = []
    if not use_cases:
        use_cases, notes = default_use_cases(data_dir)
        if not use_cases:
            raise InputError("; ".join(notes) + "; see data-leverage data list")
    plans = []
    for name in use_cases:
        plan, note = default_plan(name, device)
        if large is not None:
            plan, note = replace(plan, large=large), ""
        plans.append(replace(plan, rates=tuple(rates) or plan.rates, repeats=repeats or plan.repeats))
        notes += [note] if note else []
    with RunLog(out, {"study": "cdc", "seed": seed}) as log:
        for plan in plans:
            run_contributions(
                log, plan, seed=seed, workers=workers, data_dir=data_dir, device=device, progress=progress
            )
        table = leverage_table(log.cases, log.runs)
        report = contribution_report(table, log.cases, seed, notes)
        tables = {"reproduction": table, "thresholds": thresholds(table)}
        write_files(out, tables, {"report.md": report}, contribution_figures(table))
    return [*notes, *verdicts(table), *order_lines(table)]


def reproduce_strikes(
    out: Path,
    plan: StrikePlan,
    *,
    seed: int = 0,
    workers: int = 1,
    data_dir: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> list[str]:
    """Run the protocol of Data Strikes and write tables, report and figures.

    Returns
    -------
    list of str
        A line for each comparison and finding; they are about everything in the log.
    """
    settings = {"study": "strikes", "seed": seed, "use_case": plan.use_case, "folds": plan.folds}
    with RunLog(out, settings) as log:
        run_strikes(
            log, plan, seed=seed, workers=workers, data_dir=data_dir, device=device, progress=progress
        )
        table, groups = strike_results(log.cases, log.runs), group_results(log.cases, log.runs)
        tables = {"reproduction": table} | ({"groups": groups} if len(groups) else {})
        report = strike_report(table, groups, log.cases, seed)
        write_files(out, tables, {"report.md": report}, strike_figures(table, groups))
    return [*strike_verdicts(table), *group_lines(groups)]
