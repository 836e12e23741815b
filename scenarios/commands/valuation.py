"""The command ``value``. Heavy imports wait until it is needed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from learners.errors import InputError
from scenarios.commands.options import DataDir, Device, Workers, stdout
from scenarios.progress import StepProgress

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.valuation_study import ValuationPlan

PEOPLE = "people"
"""Value of ``--groups`` for everybody's own data."""


def value(
    use_case: Annotated[str, typer.Argument(help="Which use case.")],
    groups: Annotated[
        str,
        typer.Option(
            help=f"A grouping of the data set, such as gender; records:K, K equal parts by numbers of "
            f"records; lot:K; or {PEOPLE}, each one alone."
        ),
    ] = "records:4",
    background: Annotated[
        str, typer.Option(help="Whether data of people in no group are present or absent.")
    ] = "present",
    effort: Annotated[str, typer.Option(help="Of the retrainings: shadow or retraining.")] = "shadow",
    seeds: Annotated[int, typer.Option(help="Seeds of the learners, over which results spread.", min=1)] = 1,
    permutations: Annotated[
        int, typer.Option(help="Orders of arrival that are drawn for more than eight groups.", min=2)
    ] = 20,
    sets: Annotated[
        int, typer.Option(help="Sets of groups that are drawn for more than eight groups.", min=4)
    ] = 100,
    workers: Workers = 1,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; the default is results/value/USE_CASE-GROUPS.")
    ] = None,
) -> None:
    """Measure what people's data are worth, by retraining without them: strike values and Shapley shares."""
    from analysis.reproduction import write_files
    from analysis.valuation_study import ValuationPlan
    from scenarios.run_directory import check_writable

    if background not in ("present", "absent"):
        raise InputError(f"background: '{background}' is not one of present, absent")
    if effort not in ("shadow", "retraining"):
        raise InputError(f"effort: '{effort}' is not one of shadow, retraining")
    plan = ValuationPlan(
        use_case,
        groups,
        "present" if background == "present" else "absent",
        "shadow" if effort == "shadow" else "retraining",
        tuple(range(seeds)),
        permutations,
        sets,
    )
    folder = out or Path("results") / "value" / f"{use_case}-{groups.replace(':', '-')}"
    check_writable(folder)
    measured = _people if groups == PEOPLE else _groups
    tables, figures = measured(plan, workers, data_dir, device)
    write_files(folder, tables, {}, figures)
    stdout.print(f"Written to {escape(str(folder))}", soft_wrap=True, highlight=False)


def _groups(
    plan: ValuationPlan, workers: int, data_dir: Path | None, device: str
) -> tuple[dict[str, pd.DataFrame], dict[str, Figure]]:
    from analysis.valuation_figures import valuation_figure
    from analysis.valuation_study import run_valuation

    with StepProgress(f"{plan.use_case}: first fit") as bar:
        found = run_valuation(plan, workers=workers, data_dir=data_dir, device=device, progress=bar.step)
    shown = Table("outcome", "group", "people", "records", "strike value", "Shapley", "Banzhaf", box=None)
    for row in found.shares.to_dict("records"):
        numbers = (f"{row[kind]:+.4f}" for kind in ("strike", "shapley", "banzhaf"))
        shown.add_row(row["outcome"], row["group"], f"{row['people']:,}", f"{row['records']:,}", *numbers)
    stdout.print(shown)
    stdout.print(
        "Strike values of revenue are bargaining power: what the company loses a tick, as a share of its "
        "revenue, while the group's data are missing and its members stay as customers.",
        soft_wrap=True,
    )
    stdout.print(f"Shapley shares add up to what they divide within {found.residual:.1e}.", soft_wrap=True)
    tables = {"shares": found.shares} | ({} if found.sets.empty else {"sets": found.sets})
    title = f"What people's data are worth: {plan.use_case}, groups by {plan.groups}"
    return tables, {"shares": valuation_figure(found.shares, title)}


def _people(
    plan: ValuationPlan, workers: int, data_dir: Path | None, device: str
) -> tuple[dict[str, pd.DataFrame], dict[str, Figure]]:
    import numpy as np
    import pandas as pd

    from analysis.dividends import dividend_table, leave_one_out, sign_changes
    from analysis.valuation_figures import dividend_figure
    from learners.usecase import Reference, load_use_case

    if workers > 1:
        raise InputError(f"--workers: groups '{PEOPLE}' are measured in one process")
    use_case = load_use_case(plan.use_case, data_dir, device)
    records = use_case.records_per_owner.astype(np.float64)
    values = {}
    with StepProgress(f"{plan.use_case}: first fit") as bar:
        for seed in plan.seeds:
            step = partial(bar.step, f"{plan.use_case}, seed {seed}", total=use_case.owners, every=100)
            values[seed] = leave_one_out(Reference(use_case, seed), step)
    by_person = pd.DataFrame({"user": np.arange(use_case.owners), "records": records.astype(int)})
    for seed, worth in values.items():
        by_person[f"worth_seed_{seed}"] = worth
    table = dividend_table(values, records)
    shown = Table("transform", "Gini", "get nothing", "to the top tenth", box=None)
    for transform, rows in table.groupby("transform", sort=False):
        mean = rows[["gini", "unpaid", "top_tenth"]].mean()
        shown.add_row(
            str(transform), f"{mean['gini']:.3f}", f"{mean['unpaid']:.0%}", f"{mean['top_tenth']:.0%}"
        )
    stdout.print(shown)
    first = next(iter(values.values()))
    stdout.print(f"Worth less than nothing: {np.mean(first < 0):.0%} of the people", soft_wrap=True)
    for seed, again in [*values.items()][1:]:
        changed = f"{sign_changes(first, again):.0%} of the values change sign"
        stdout.print(f"With seed {seed} instead of 0, {changed}", soft_wrap=True)
    title = f"Dividends by what each one's data are worth: {plan.use_case}"
    return {"people": by_person, "dividends": table}, {"dividends": dividend_figure(table, title)}
