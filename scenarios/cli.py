"""The command line. Heavy imports wait until a command needs them, so that --help is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from learners.errors import InputError, OutputError
from scenarios.commands.reports import report
from scenarios.commands.studies import status, study
from scenarios.commands.valuation import value
from scenarios.progress import RunProgress, StepProgress, stderr

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
data = typer.Typer(help="Data sets: list, fetch, add, check.", no_args_is_help=True)
app.add_typer(data, name="data")
reproduce = typer.Typer(
    help="Published studies: run their protocol with our learners, beside what was published.",
    no_args_is_help=True,
)
app.add_typer(reproduce, name="reproduce")

stdout = Console()

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the data sets.", envvar="DATA_LEVERAGE_DATA")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


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
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
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
    from scenarios.assumption_ledger import ledger_csv, ledger_record, ledger_summary, ledger_text
    from scenarios.assumptions import assumptions as ledger
    from scenarios.durable_files import replace_file
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


@app.command()
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
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
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
    workers: Annotated[int, typer.Option(help="Number of processes.", min=1)] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
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
    workers: Annotated[int, typer.Option(help="Number of processes.", min=1)] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
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


@data.command("list")
def data_list(data_dir: DataDir = None) -> None:
    """List the data sets, which are here, and on what terms."""
    from learners.datasets.catalogue import data_directory
    from learners.datasets.local import status

    folder = data_directory(data_dir)
    table = Table("data set", "here", "what", "terms", box=None)
    for row in status(folder):
        table.add_row(row.name, "yes" if row.present else "no", row.title, row.licence)
    stdout.print(table)
    stdout.print(f"Folder: {escape(str(folder))}", soft_wrap=True)


@data.command()
def fetch(name: str, data_dir: DataDir = None) -> None:
    """Download a data set from its publisher."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from learners.datasets import catalogue
    from learners.datasets.download import fetch as download

    wanted, folder = catalogue.entry(name), catalogue.data_directory(data_dir)
    if catalogue.is_present(name, folder):
        stdout.print(f"{name} is there already, in {escape(str(folder))}", soft_wrap=True)
        return
    stdout.print(f"{wanted.title}: {wanted.licence}", soft_wrap=True)
    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=stderr) as bar:
        task = bar.add_task(name, total=None)
        path = download(name, folder, lambda done, total: bar.update(task, completed=done, total=total))
    stdout.print(f"{name} is in {escape(str(path))}", soft_wrap=True)


@data.command()
def add(name: str, path: Path, data_dir: DataDir = None) -> None:
    """Take in a data set from a folder or an archive that you have."""
    from learners.datasets.catalogue import data_directory
    from learners.datasets.local import add as take_in

    stdout.print(f"{name} is in {escape(str(take_in(name, path, data_directory(data_dir))))}", soft_wrap=True)


@data.command()
def check(name: str, data_dir: DataDir = None) -> None:
    """Compare a data set with what its publisher publishes."""
    from learners.datasets.catalogue import data_directory
    from learners.datasets.local import check as compare

    findings = compare(name, data_directory(data_dir))
    for finding in findings:
        stdout.print(escape(finding), soft_wrap=True)
    if not findings:
        stdout.print(f"{name} is the published data set", soft_wrap=True)


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
