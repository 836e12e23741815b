"""The commands ``reproduce``. Heavy imports wait until one is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from learners.errors import InputError
from scenarios.commands.options import DataDir, Device, Workers, stdout
from scenarios.progress import StepProgress

reproduce = typer.Typer(
    help="Published studies: run their protocol with our learners, beside what was published.",
    no_args_is_help=True,
)


@reproduce.command()
def cdc(
    use_case: Annotated[
        list[str] | None, typer.Option("--use-case", metavar="NAME", help="Which; all whose data are here.")
    ] = None,
    rates: Annotated[
        str | None, typer.Option(help="Shares of owners who contribute, such as .05,.2,.5.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(help="Random draws of contributors.", min=1)] = None,
    large: Annotated[
        bool | None,
        typer.Option(
            "--large/--no-large", help="Train Large Co.; the default is yes, but for cifar-10 on a CPU."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.", min=0)] = 0,
    workers: Workers = 1,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("results/reproduction/cdc"),
) -> None:
    """Let owners contribute as in Conscious Data Contribution (Vincent and Hecht 2021); a restart goes on."""
    from scenarios.reproductions import fractions, reproduce_contributions

    shares = fractions(rates, "rates") if rates else ()
    with StepProgress("reproduce cdc") as bar:
        lines = reproduce_contributions(
            out,
            use_case or (),
            rates=shares,
            repeats=repeats,
            large=large,
            seed=seed,
            workers=workers,
            data_dir=data_dir,
            device=device,
            progress=bar.step,
        )
    _reproduced(lines, out)


@reproduce.command()
def strikes(
    use_case: Annotated[
        str, typer.Option("--use-case", help="ml-1m as published, or another MovieLens.")
    ] = "ml-1m",
    sizes: Annotated[str | None, typer.Option(help="Shares of people who strike, such as .1,.3.")] = None,
    samples: Annotated[int, typer.Option(help="Random draws of strikers of each size.", min=1)] = 3,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.", min=2)] = 5,
    learner: Annotated[str, typer.Option(help="ours, or surprise: the published model.")] = "ours",
    groups: Annotated[bool, typer.Option("--groups", help="Let halves of groups strike, too.")] = False,
    seed: Annotated[int, typer.Option(help="Seed that draws the strikers.", min=0)] = 0,
    workers: Workers = 1,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("results/reproduction/strikes"),
) -> None:
    """Let people strike as in Data Strikes (Vincent, Hecht and Sen 2019); a restart goes on."""
    from analysis.strike_study import SIZES, StrikePlan
    from scenarios.reproductions import fractions, reproduce_strikes

    if learner not in ("ours", "surprise"):
        raise InputError(f"learner: '{learner}' is not one of ours, surprise")
    shares = fractions(sizes, "sizes") if sizes else SIZES
    model: Literal["ours", "surprise"] = "surprise" if learner == "surprise" else "ours"
    plan = StrikePlan(use_case, shares, samples, folds, model, groups)
    with StepProgress("reproduce strikes") as bar:
        lines = reproduce_strikes(
            out, plan, seed=seed, workers=workers, data_dir=data_dir, device=device, progress=bar.step
        )
    _reproduced(lines, out)


def _reproduced(lines: list[str], out: Path) -> None:
    for line in lines:
        stdout.print(escape(line), soft_wrap=True, highlight=False)
    stdout.print(f"[bold]Written to {escape(str(out))}[/bold]", soft_wrap=True)
    for name, what in (
        ("report.md", "verdicts, tables, what is incomplete"),
        ("reproduction.csv", "one row a point: ours, published, difference"),
        ("figures/", "as .png and .svg"),
        ("runs.jsonl", "one line a trained model; keep it to go on from here"),
    ):
        stdout.print(f"  {name:<22}{what}", soft_wrap=True)
