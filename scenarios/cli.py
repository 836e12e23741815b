"""The command line. Heavy imports wait until a command needs them, so that --help is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from learners.errors import InputError, OutputError
from scenarios.commands.curves import curve
from scenarios.commands.datasets import data
from scenarios.commands.options import DataDir, Device, Json, stdout
from scenarios.commands.reports import report
from scenarios.commands.reproductions import reproduce
from scenarios.commands.studies import status, study
from scenarios.commands.valuation import value
from scenarios.progress import RunProgress

# One thread: more are slower for models of this size, and results depend on their number. Set before NumPy
# and torch are imported, whatever the environment says.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

EXIT_FAULT, EXIT_INPUT, EXIT_OUTPUT = 1, 2, 4

app = typer.Typer(
    name="data-leverage",
    help="Collective data action, with companies that retrain real models every tick.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data, name="data")
app.add_typer(reproduce, name="reproduce")


@app.command()
def run(
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario or the path of a .yaml file.")
    ] = "digits-default",
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of the scenario.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    ticks: Annotated[int | None, typer.Option(help="Length of the run.")] = None,
    mode: Annotated[str | None, typer.Option(help="live, grid, surrogate or replay.")] = None,
    audit: Annotated[
        int,
        typer.Option(metavar="K", help="At K ticks of a grid or surrogate run, train for real and compare."),
    ] = 0,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; the default is results/NAME.")] = None,
    json: Json = False,
) -> None:
    """Play a scenario and write its tables, figures and summary."""
    from scenarios.run_directory import RunDirectory, json_text
    from scenarios.scenario import load_scenario

    settings = list(setting or [])
    for key, given in (("seed", seed), ("ticks", ticks), ("mode", mode)):
        if given is not None:
            settings.append(f"{key}={given}")
    loaded = load_scenario(scenario, settings)
    directory = RunDirectory(out or Path("results") / loaded.name)
    from scenarios.runs import play

    with directory, RunProgress(loaded.name, loaded.ticks) as progress:
        played = play(loaded, data_dir=data_dir, device=device, progress=progress, audits=audit)
        played.write(directory)
    if json:
        sys.stdout.write(json_text(played.record() | {"out": str(directory.out)}) + "\n")
        return
    stdout.print(Markdown(played.summary()))
    stdout.print(f"\n[bold]Written to {escape(str(directory.out))}[/bold]", soft_wrap=True)
    for name, what in (
        ("summary.md", "this summary"),
        ("figures/overview.png", "who acts, leverage, quality, revenue (also one by one, and as .svg)"),
        ("ticks.parquet", "one row a tick"),
        ("events.parquet", "laws, moves of data, retrainings"),
        ("agents.parquet", "one row a user at the end"),
        ("run.json", "the scenario as played, seed, versions, checksums"),
        ("assumptions.csv", "every parameter in use: value, unit, what is allowed, where it is from"),
        *([("audit.csv", "the curve against models trained on what the companies held")] if audit else []),
    ):
        stdout.print(f"  {name:<22}{what}", soft_wrap=True)


@app.command()
def scenarios() -> None:
    """List the shipped scenarios and studies, a line each."""
    from scenarios.scenario import load_scenario, shipped
    from scenarios.study import load_study, shipped_studies

    table = Table("scenario", "use case", "ticks", "question", box=None)
    for name in shipped():
        found = load_scenario(name)
        table.add_row(name, found.use_case, str(found.ticks), found.question)
    stdout.print(table)
    studies = Table("study", "runs", "question", box=None)
    for name in shipped_studies():
        plan = load_study(name)
        studies.add_row(name, str(len(plan.plan())), plan.file.question)
    stdout.print(studies)


@app.command()
def assumptions(
    scenario: Annotated[
        str | None,
        typer.Argument(help="A shipped scenario or the path of a .yaml file; all parameters, if none."),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of the scenario.")
    ] = None,
    ours: Annotated[bool, typer.Option("--ours", help="Only those that no publication gives.")] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a CSV file instead.")
    ] = None,
    json: Json = False,
) -> None:
    """List every parameter of the model: value, unit, what is allowed, and where it is from."""
    from analysis.durable_files import replace_file
    from scenarios.assumption_ledger import ledger_csv, ledger_record, ledger_summary, ledger_text
    from scenarios.assumptions import assumptions as ledger
    from scenarios.run_directory import json_text
    from scenarios.scenario import load_scenario

    if setting and scenario is None:
        raise InputError("--set: name the scenario that it changes")
    if csv is not None and csv.is_dir():
        raise OutputError(f"{csv} is a folder, not a file")
    loaded = None if scenario is None else load_scenario(scenario, setting or ())
    lines = ledger(loaded)
    shown = [line for line in lines if line.ours] if ours else lines
    if csv is not None:
        replace_file(csv, ledger_csv(shown).encode())
    if json:
        sys.stdout.write(json_text(ledger_record(lines, shown, loaded.name if loaded else None)) + "\n")
        return
    if csv is None:
        for line in ledger_text(shown):
            stdout.print(line, soft_wrap=True, highlight=False)
        stdout.print()
    else:
        stdout.print(f"Written to {escape(str(csv))}", soft_wrap=True)
    stdout.print(ledger_summary(lines), soft_wrap=True, highlight=False)


app.command()(curve)
app.command()(study)
app.command()(status)
app.command()(report)
app.command()(value)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark; all, if none.")] = "",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Measure speed as ratios to a floor or a peer in the same run."""
    from scenarios.benchmarks.registry import BENCHMARKS, lines
    from scenarios.run_directory import json_text

    if name and name not in BENCHMARKS:
        raise InputError(f"there is no benchmark '{name}'; there are {', '.join(BENCHMARKS)}")
    for chosen in [name] if name else list(BENCHMARKS):
        result = BENCHMARKS[chosen](data_dir)
        if json:
            sys.stdout.write(json_text({key: result[key] for key in result if key != "text"}) + "\n")
        else:
            for line in lines(result):
                stdout.print(escape(line), soft_wrap=True, highlight=False)


@app.command()
def dashboard(
    port: Annotated[
        int, typer.Option(help="Port on this machine; 0 for any that is free.", min=0, max=65535)
    ] = 8765,
    results: Annotated[Path, typer.Option(help="Folder of runs and studies to read.")] = Path("results"),
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name by which a proxy in front of it is addressed."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Play scenarios, compare them and read studies in a browser, on this machine only."""
    try:
        from scenarios.dashboard.server import serve
    except ModuleNotFoundError as error:
        needed = f"the dashboard needs {error.name}: pip install 'data-leverage[dashboard]'"
        raise InputError(needed) from None

    serve(
        port,
        data_dir=data_dir,
        results=results,
        hosts=tuple(host or ()),
        say=lambda address: stdout.print(f"The dashboard is at {address} (Ctrl-C ends it)", soft_wrap=True),
    )


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check the environment, a line each."""
    from scenarios.doctor import check_environment

    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    findings = check_environment(data_dir)
    for finding in findings:
        stdout.print(
            f"[{colours[finding.status]}]{finding.status:<5}[/] {escape(finding.text)}", soft_wrap=True
        )
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(EXIT_FAULT)


def main() -> None:
    """Run the command line; every error a user can mend is one line on stderr."""
    try:
        app()
    except InputError as error:
        _fail(error, EXIT_INPUT)
    except OutputError as error:
        _fail(error, EXIT_OUTPUT)


def _fail(error: Exception, code: int) -> NoReturn:
    sys.stderr.write(f"{error}\n")
    sys.exit(code)
