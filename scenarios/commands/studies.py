"""The commands ``study`` and ``status``. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json as json_format
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from learners.errors import InputError
from scenarios.batch.worker_processes import start_server
from scenarios.commands.options import DataDir, Device, Json, stdout
from scenarios.progress import StepProgress

if TYPE_CHECKING:
    import pandas as pd

    from scenarios.batch.loop import StudyResult
    from scenarios.study import Study

EXIT_FAILED_RUNS, EXIT_INTERRUPTED = 3, 130

MOST_SHOWN = 40
"""Rows of a table, or failures, that are printed."""


def study(
    study: Annotated[
        str, typer.Argument(help="A shipped study or the path of a .yaml file.", show_default=False)
    ] = "",
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of the study.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local, dask or ray.")] = "local",
    workers: Annotated[int | None, typer.Option(help="Processes; one a core by default.", min=1)] = None,
    address: Annotated[str | None, typer.Option(help="Of the scheduler of a Dask or Ray cluster.")] = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; the default is results/NAME.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be played, and how long one run takes.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of study files, for editors.")
    ] = False,
    json: Json = False,
) -> None:
    """Play many runs and compare their arms; a restart goes on where it stopped."""
    if engine == "local" and study and (not Path(study).suffix or Path(study).is_file()):
        start_server()  # its imports go on while this process imports and plans
    from scenarios.study import load_study, shipped_studies, study_schema

    if schema:
        sys.stdout.write(json_format.dumps(study_schema(), indent=2) + "\n")
        return
    if not study:
        raise InputError(f"study: name one of {', '.join(shipped_studies())}, or a .yaml file")
    loaded = load_study(study, setting or [])
    if dry_run:
        _plan(loaded, engine, workers, address, data_dir, device, json)
        return
    with StepProgress(loaded.name) as bar:
        result = loaded.run(
            out,
            engine=engine,
            workers=workers,
            address=address,
            data_dir=data_dir,
            device=device,
            progress=bar.step,
        )
    if json:
        from scenarios.run_directory import json_text

        sys.stdout.write(json_text(_record(result)) + "\n")
    else:
        _tell(loaded, result)
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if result.failures:
        raise typer.Exit(EXIT_FAILED_RUNS)


def _plan(
    loaded: Study,
    engine: str,
    workers: int | None,
    address: str | None,
    data_dir: Path | None,
    device: str,
    json: bool,
) -> None:
    """Say what a study would play, and how long; one run is played for it, and not stored."""
    from scenarios.batch.engines import available_cores, open_engine
    from scenarios.batch.loop import play_pilot

    plan = loaded.plan()
    different = len({run.run_id for run in plan})
    pilot_engine = open_engine(engine, 1, address)
    try:
        pilot = play_pilot(loaded, plan, pilot_engine, data_dir, device)
    finally:
        pilot_engine.close()
    used = workers or available_cores()
    record = {
        "study": loaded.name,
        "arms": list(loaded.file.arms),
        "points": len(plan.cells) // len(loaded.file.arms),
        "replicates": len(plan.seeds),
        "rows": len(plan),
        "runs": different,
        "seconds_to_load": round(pilot.loading, 2),
        "seconds_per_run": round(pilot.playing, 3),
        "workers": used,
        "seconds_estimated": round(pilot.total(different, used), 1),
    }
    if json:
        sys.stdout.write(json_format.dumps(record) + "\n")
        return
    arms = f"{len(loaded.file.arms)} arms ({', '.join(loaded.file.arms)})"
    _print(
        f"{loaded.name}: {arms} x {record['points']} points x {len(plan.seeds)} replicates = {len(plan)} runs"
    )
    if different < len(plan):
        _print(f"{len(plan) - different} of them are the same as others; {different} are played")
    if loaded.file.parameters is not None:
        _print(f"Swept: {', '.join(loaded.file.parameters.keys)}")
    _print(f"Outputs: {', '.join(output.label for output in loaded.file.outputs)}")
    _print(
        f"Pilot: {pilot.playing:.2f} s a run after {pilot.loading:.1f} s to start and load; "
        f"about {_duration(pilot.total(different, used))} on {used} workers"
    )


def _record(result: StudyResult) -> dict[str, Any]:
    from scenarios.batch.store import counted

    return {
        "out": str(result.out),
        "runs": len(result.runs),
        **counted(result.runs),
        "played": result.played,
        "interrupted": result.interrupted,
        "failures": result.failures,
        "effects": result.effects.to_dict(orient="records"),
        "thresholds": result.thresholds.to_dict(orient="records"),
        "claims": result.claims.to_dict(orient="records"),
        "sensitivity": result.sensitivity.to_dict(orient="records"),
        "decays": result.decays.to_dict(orient="records"),
    }


def _tell(loaded: Study, result: StudyResult) -> None:
    from scenarios.batch.store import counted

    counts = counted(result.runs)
    if loaded.file.question:
        _print(loaded.file.question)
    _print(", ".join(f"{number} {status}" for status, number in counts.items() if number))
    _tell_failures(result.failures)
    if not result.effects.empty:
        _tell_effects(loaded, result.effects)
    if not result.thresholds.empty:
        _tell_thresholds(loaded, result.thresholds)
    for line in (
        *loaded.claim_lines(result.claims),
        *loaded.decay_lines(result.decays),
        *loaded.sensitivity_lines(result.sensitivity),
    ):
        _print(line)
    _print(f"Written to {result.out}")
    if result.interrupted:
        done = counts["finished"] + counts["failed"]
        _print(f"Interrupted; done {done} of {len(result.runs)}. The same command goes on from there.")


def _tell_failures(failures: dict[str, str]) -> None:
    for run_id, why in list(failures.items())[:MOST_SHOWN]:
        _print(f"failed: {run_id}: {why} (failures/{run_id}.txt)")
    if len(failures) > MOST_SHOWN:
        _print(f"... and {len(failures) - MOST_SHOWN} more in failures/")


def _tell_effects(loaded: Study, effects: pd.DataFrame) -> None:
    """Print the effects as a table: difference, interval, number of pairs."""
    where = [name for name in effects.columns[: list(effects.columns).index("output")] if name != "point"]
    names = ["output", "arm", "against", *where]
    rows = [[*names, "mean there", "mean", "difference", "from", "to", "n", ""]]
    for _, row in effects.head(MOST_SHOWN).iterrows():
        numbers = [f"{row[name]:.4g}" for name in ("mean_reference", "mean", "effect", "low", "high")]
        lacking = [f"{row[what]} {what}" for what in ("missing", "undefined") if row[what]]
        compared = [row["output"], row["arm"], row["reference"]]
        said = [*compared, *(row[name] for name in where), *numbers, row["n"]]
        rows.append([*map(str, said), ", ".join(lacking)])
    _print("Paired differences between arms, with 95 % bootstrap intervals")
    _print_columns(rows)
    if len(effects) > MOST_SHOWN:
        _print(f"... and {len(effects) - MOST_SHOWN} more rows in effects.csv")


def _tell_thresholds(loaded: Study, found: pd.DataFrame) -> None:
    """Print where along a sweep outputs reach their levels."""
    swept = [name for name in loaded.file.swept if name in found.columns]
    rows = [["output", "reaches", "along", "arm", *swept, "at", "from", "to", "n", "reached by", ""]]
    for _, row in found.head(MOST_SHOWN).iterrows():
        said = [row["output"], f"{row['level']:g}", row["along"], row["arm"], *(row[name] for name in swept)]
        numbers = [f"{row[name]:.4g}" for name in ("threshold", "low", "high")]
        lacking = f"{row['missing']} missing" if row["missing"] else ""
        rows.append([*map(str, [*said, *numbers, row["n"], f"{row['share_reached']:.0%}"]), lacking])
    _print("Thresholds, with 95 % bootstrap intervals; inf: not reached by the highest value of the sweep")
    _print_columns(rows)


def _print_columns(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        _print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def status(
    folder: Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="The folder of a study.")],
    csv: Annotated[Path | None, typer.Option(help="Also write the table of runs to this file.")] = None,
    json: Json = False,
) -> None:
    """Say what of a study is done, what failed, and what is left."""
    from scenarios.batch.status import study_status

    found = study_status(folder)
    if csv is not None:
        from analysis.durable_files import replace_file
        from scenarios.batch.store import csv_text

        replace_file(csv, csv_text(found.runs).encode())
    if json:
        from scenarios.run_directory import json_text

        sys.stdout.write(json_text(found.record()) + "\n")
        return
    for line in found.lines():
        _print(line)
    _tell_failures(found.failures)


def _print(text: str) -> None:
    stdout.print(escape(text), soft_wrap=True, highlight=False)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
