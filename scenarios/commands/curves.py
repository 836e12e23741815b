"""The command ``curve``. Heavy imports wait until it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from scenarios.commands.options import DataDir, Device, stdout
from scenarios.progress import StepProgress


def curve(
    use_case: Annotated[str, typer.Argument(help="Which use case.")],
    rates: Annotated[
        str | None, typer.Option(help="Shares of the owners, such as .05,.2,.5; mirrors are added.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Random orders of the owners.")] = 3,
    poison: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Measure a kind of poison, too.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.", min=0)] = 1,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; the default is results/curves/USE_CASE.")
    ] = None,
) -> None:
    """Measure what models reach on random shares of the data; a restart goes on where it stopped."""
    from analysis.curves import PERSPECTIVES, leverage_by_rate
    from learners.curves.measuring import RATES
    from learners.usecase import load_use_case
    from scenarios.curves import measured_curve
    from scenarios.reproductions import fractions

    shares = fractions(rates, "rates") if rates else RATES
    folder = out or Path("results") / "curves" / use_case
    loaded = load_use_case(use_case, data_dir, device)
    with StepProgress(f"{use_case}: first fit") as bar:
        rows = measured_curve(
            loaded, folder, rates=shares, repeats=repeats, poisons=poison or (), seed=seed, progress=bar.point
        )
    table = Table("lever", "rate", *PERSPECTIVES, box=None)
    for (lever, rate), group in leverage_by_rate(rows).groupby(["lever", "rate"], sort=False):
        cells = {row.perspective: f"{row.mean:.3f} ± {row.sd:.3f}" for row in group.itertuples()}
        table.add_row(
            str(lever), f"{rate:.0%}", *(cells.get(view, "").replace(" ± nan", "") for view in PERSPECTIVES)
        )
    measured = len({row.repeat for row in rows})
    stdout.print(f"Leverage (DLP), mean ± standard deviation; repeats: {measured}", soft_wrap=True)
    stdout.print(table)
    stdout.print(f"Written to {escape(str(folder))}", soft_wrap=True)
