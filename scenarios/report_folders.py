"""Read a run's or a study's folder for its report, whoever made it.

Only files that lie in the folder are read, no links, and nothing too large; tables are Parquet or CSV, texts
are JSON, YAML or Markdown. What is not as it should be is said in one line.

Core Objects: read_story.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.report_texts import TEXTS, AssumptionRow, mapping, said
from analysis.run_report import RunStory
from analysis.study_report import StudyStory
from learners.errors import InputError
from scenarios import run_directory
from scenarios.batch import store
from scenarios.batch.designs import Range, Sampled
from scenarios.batch.run_files import PARTS, RUNS, DamagedRunError, RunFiles
from scenarios.yaml_file import read_mapping, validated, with_value, written

if TYPE_CHECKING:
    from scenarios.scenario import Scenario
    from scenarios.study import Study

MOST_BYTES = 64_000_000
"""Of a file that is read, and of a table once it is read."""

MOST_PICTURE_BYTES, MOST_PICTURES = 4_000_000, 24

MOST_TABLE_ROWS = 1_000_000

_MOST_CODES = 50
"""Finished runs that are asked which version of the code made them."""

_STATUSES = {"finished", "failed", "missing"}


def read_story(folder: Path) -> RunStory | StudyStory:
    """Return what is known of the run or the study in a folder.

    Raises
    ------
    InputError
        If it holds neither, or a file of it is a link, too large, or not what it should be.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    if (folder / run_directory.MANIFEST).exists():
        return _run_story(folder)
    if (folder / store.PLAN).exists() and (folder / store.TABLE).exists():
        return _study_story(folder)
    raise InputError(
        f"{folder} holds no run ({run_directory.MANIFEST}) and no study ({store.PLAN}, {store.TABLE})"
    )


def _run_story(folder: Path) -> RunStory:
    path = folder / run_directory.MANIFEST
    content = _bytes(path)
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{path} is not JSON") from None
    if not isinstance(manifest, dict) or manifest.get("format") != run_directory.FORMAT:
        raise InputError(f"{path} does not describe a run of ours")
    scenario = mapping(manifest.get("scenario"))
    figures, left_out = _figures(folder)
    ticks = folder / "ticks.parquet"
    return RunStory(
        manifest,
        _optional(folder / "summary.md"),
        _table(ticks) if ticks.exists() else pd.DataFrame(),
        figures,
        _stored_ledger(folder / "assumptions.csv"),
        written(dict(scenario)),
        left_out,
    )


def _stored_ledger(path: Path) -> list[AssumptionRow] | None:
    """Return the ledger that a run has beside it."""
    if not path.exists():
        return None
    text_file = io.StringIO(_bytes(path).decode(errors="replace"), newline="")
    try:
        rows = list(csv.DictReader(text_file))
    except csv.Error as error:
        raise InputError(f"{path} is not a table ({error})") from None

    def text(row: Mapping[str | Any, str | Any], key: str) -> str:
        value = row.get(key)
        # An apostrophe keeps spreadsheets from taking a text for a formula.
        return value.removeprefix("'") if isinstance(value, str) else ""

    return [
        AssumptionRow(
            key=text(row, "key"),
            value=text(row, "value"),
            unit=text(row, "unit"),
            allowed=text(row, "allowed"),
            source=text(row, "source"),
            description=text(row, "description"),
            ours=text(row, "ours") == "true",
            changed=text(row, "changed") == "true",
        )
        for row in rows
    ]


def _study_story(folder: Path) -> StudyStory:
    from scenarios.batch.status import caught_up
    from scenarios.study import load_study

    for name in (RUNS, PARTS, store.FAILURES):
        if (folder / name).is_symlink():
            raise InputError(f"{folder / name} is a link")
    path = folder / store.PLAN
    plan = _bytes(path).decode(errors="replace")
    if not isinstance(read_mapping(path).values.get("base"), dict):
        raise InputError(f"{path}: base: is not written out")
    study = load_study(path)
    runs = caught_up(folder, _runs(folder, study), study.file.outputs)
    figures, left_out = _figures(folder)
    sensitivity, effects = study.sensitivity(runs), study.effects(runs)
    over_points = isinstance(study.file.parameters, Sampled)
    base = _base(study)
    return StudyStory(
        name=study.name,
        question=study.file.question or base.question,
        texts={key: getattr(base, key) for key in TEXTS},
        arms={arm: _setting(overrides or {}) for arm, overrides in study.file.arms.items()},
        reference=study.file.compared_with,
        swept=_swept(study, runs),
        over_points=over_points,
        replicates=int(runs["replicate"].nunique()),
        runs=runs,
        effects=effects,
        thresholds=study.thresholds(runs),
        sensitivity=sensitivity,
        outputs={output.label: output.column for output in study.file.outputs},
        parameters=() if over_points else study.file.swept,
        sensitivity_lines=study.sensitivity_lines(sensitivity),
        failures=_failures(folder, runs),
        figures=figures,
        assumptions=_marked_ledger(study, base),
        study_file=plan,
        codes=_codes(folder, runs),
        left_out=left_out,
        meanings={output.label: output.told for output in study.file.outputs},
        longest=_longest(study, base),
        claims=study.claims(runs),
        decays=study.decays(runs, RunFiles(folder)),
    )


def _longest(study: Study, base: Scenario) -> dict[str, float]:
    """Return what stands for a time that was not seen, by output, where runs are equally long in all arms."""
    if any("ticks" in keys for keys in (*study.file.arms.values(), study.file.swept) if keys):
        return {}
    longest = {output.label: output.longest(base.ticks) for output in study.file.outputs}
    return {label: ticks for label, ticks in longest.items() if np.isfinite(ticks)}


def _base(study: Study) -> Scenario:
    """Return the scenario that all arms start from."""
    from scenarios.scenario import Scenario

    document = study.base
    for key, value in study.file.settings.items():
        document = with_value(document, key, value, f"settings.{key}")
    if study.file.ticks is not None:
        document = with_value(document, "ticks", study.file.ticks, "ticks")
    return validated(document, Scenario)


def _runs(folder: Path, study: Study) -> pd.DataFrame:
    """Return the table of runs, checked: it may be of another study, or made by hand."""
    path = folder / store.TABLE
    table = _table(path)
    outputs = [output.label for output in study.file.outputs]
    needed = {"run_id", "arm", "point", "replicate", "status", *study.file.swept}
    if lacking := sorted(needed - set(table.columns)):
        raise InputError(f"{path} has no column {lacking[0]}: it is not the table of the study beside it")
    # Before the first run has ended, there are no columns of outputs.
    table = table.assign(**{name: np.nan for name in outputs if name not in table.columns})
    whole = all(pd.api.types.is_integer_dtype(table[key]) for key in ("point", "replicate"))
    numbers = all(pd.api.types.is_numeric_dtype(table[name]) for name in outputs)
    fits = (
        whole
        and numbers
        and all(_plain(table[key]) for key in ("run_id", "arm", "status", *study.file.swept))
        and set(table["arm"]) == set(study.file.arms)
        and set(table["status"]) <= _STATUSES
        and bool((table[["point", "replicate"]] >= 0).all(axis=None))
        and not table.duplicated(["arm", "point", "replicate"]).any()
    )
    if not fits:
        raise InputError(f"{path} does not hold the runs of the study beside it")
    return table


def _plain(column: pd.Series[Any]) -> bool:
    """Return whether a column holds numbers, or texts, or nothing, and no lists or other objects."""
    return pd.api.types.is_numeric_dtype(column) or all(
        isinstance(value, str | float | None) for value in column
    )


def _failures(folder: Path, runs: pd.DataFrame) -> dict[str, str]:
    """Return why runs failed, the last line of each; of files that are links or too large, nothing."""
    found = {}
    for run_id in runs.loc[runs["status"] == "failed", "run_id"].astype(str).unique():
        path = folder / store.FAILURES / f"{run_id}.txt"
        if run_id.isalnum() and path.exists():
            found[run_id] = store.last_line(_optional(path))
    return found


def _codes(folder: Path, runs: pd.DataFrame) -> list[str]:
    codes, files = set(), RunFiles(folder)
    for run_id in runs.loc[runs["status"] == "finished", "run_id"].astype(str).unique()[:_MOST_CODES]:
        try:
            stored = files.read(run_id)
        except DamagedRunError:
            continue
        codes |= {stored.code} if stored else set()
    return sorted(codes)


def _setting(overrides: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {said(value)}" for key, value in overrides.items())


def _swept(study: Study, runs: pd.DataFrame) -> dict[str, str]:
    design = study.file.parameters
    if design is None:
        return {}
    if not isinstance(design, Sampled):
        return {key: ", ".join(map(said, runs[key].drop_duplicates())) for key in design.keys}
    told = {}
    for key, axis in design.axes.items():
        if isinstance(axis, Range):
            kinds = [kind for kind, is_so in (("whole", axis.integer), ("logarithmic", axis.log)) if is_so]
            told[key] = f"{axis.low:g} to {axis.high:g}{', ' if kinds else ''}{', '.join(kinds)}"
        else:
            told[key] = f"one of {', '.join(map(said, axis))}"
    return told


def _marked_ledger(study: Study, base: Scenario) -> list[AssumptionRow]:
    """Return the assumptions of the base; those that a study varies are marked."""
    from scenarios.assumptions import assumptions

    arms = {key for overrides in study.file.arms.values() for key in overrides or {}}

    def concerns(key: str, others: set[str]) -> bool:
        return any(f"{key}.".startswith(f"{one}.") or one.startswith(f"{key}.") for one in others)

    rows = []
    for line in assumptions(base):
        marks = [("swept", set(study.file.swept)), ("differs between arms", arms)]
        mark = ", ".join(text for text, keys in marks if concerns(line.key, keys))
        rows.append(
            AssumptionRow(
                key=line.key,
                value=said(line.value),
                unit=line.unit,
                allowed=line.allowed,
                source=line.source,
                description=line.description,
                ours=line.ours,
                changed=line.changed,
                mark=mark,
            )
        )
    return rows


def _figures(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the pictures in figures/ by name, as SVG where there is one, and what was left out and why."""
    place = folder / "figures"
    if place.is_symlink():
        return {}, ["figures is a link"]
    names = sorted({path.stem for path in place.glob("*") if path.suffix in (".svg", ".png")})
    found: dict[str, bytes] = {}
    left_out = [f"{len(names) - MOST_PICTURES} of {len(names)} figures"] if len(names) > MOST_PICTURES else []
    for name in names[:MOST_PICTURES]:
        paths = [path for suffix in ("svg", "png") if (path := place / f"{name}.{suffix}").exists()]
        try:
            found[name] = next(
                _bytes(path, MOST_PICTURE_BYTES)
                for path in paths
                if path.stat().st_size <= MOST_PICTURE_BYTES
            )
        except InputError as error:
            left_out.append(str(error))
        except StopIteration:
            left_out.append(f"figure {name} is larger than {MOST_PICTURE_BYTES // 1_000_000} MB")
    return found, left_out


def _bytes(path: Path, most: int | None = None) -> bytes:
    """Return the content of a file of bounded size that is no link."""
    most = MOST_BYTES if most is None else most
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{path} is no file, or is a link")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from None
    if len(content) > most:
        raise InputError(f"{path} is larger than {most // 1_000_000} MB")
    return content


def _optional(path: Path) -> str:
    """Return a text, or none where there is no file that may be read."""
    try:
        return _bytes(path, MOST_PICTURE_BYTES).decode(errors="replace")
    except InputError:
        return ""


def _table(path: Path) -> pd.DataFrame:
    """Return a Parquet table; one that would grow beyond bounds is refused before it is read."""
    source = pa.BufferReader(_bytes(path))
    try:
        with pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False) as file:
            groups = range(file.metadata.num_row_groups)
            size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
            if file.metadata.num_rows > MOST_TABLE_ROWS or size > 10 * MOST_BYTES:
                raise InputError(f"{path} is too large a table")
            return file.read(use_threads=False).to_pandas()
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not a readable table ({str(error).splitlines()[0][:80]})") from None
