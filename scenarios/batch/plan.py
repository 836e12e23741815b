"""The runs of a study, each resolved, checked, and named by a hash of all that its result depends on.

Core Objects: Plan, PlannedRun, planned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from learners.errors import InputError
from scenarios.batch.designs import Point
from scenarios.explanations import Location
from scenarios.scenario import Scenario
from scenarios.yaml_file import YamlDocument, validated, with_value

if TYPE_CHECKING:
    from scenarios.study import Study

TEXTS = ("name", "question", "held_fixed", "changed", "expectation", "note")
"""Keys of a scenario that are for people: they do not tell runs apart."""

MAX_RUNS = 1_000_000


@dataclass(frozen=True)
class Cell:
    """One arm at one point: what the replicates have in common.

    ``text`` is the resolved scenario without seed and texts, and the digests of the files it names, as JSON.
    """

    arm: str
    point: int
    values: Point
    ticks: int
    text: str


@dataclass(frozen=True)
class PlannedRun:
    """One run; two arms that come to the same scenario share a run."""

    cell: Cell
    replicate: int
    seed: int

    @property
    def text(self) -> str:
        """All that the result depends on but the code, as JSON."""
        return f'{{"seed": {self.seed}, {self.cell.text[1:]}'

    @cached_property
    def run_id(self) -> str:
        """The run's name: a hash of its text."""
        return hashed(self.text)

    def __str__(self) -> str:
        values = ", ".join(f"{key} = {value!r}" for key, value in self.cell.values.items())
        return f"arm {self.cell.arm}{', ' if values else ''}{values}, replicate {self.replicate}"


def hashed(text: str) -> str:
    """Return the name of the run with this text."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def scenario_of(text: str, name: str) -> Scenario:
    """Return the scenario that a run's text says, seed included."""
    record = json.loads(text)
    fields = {"name": name, "seed": record["seed"], **record["scenario"]}
    return Scenario.model_validate_json(json.dumps(fields))


@dataclass(frozen=True)
class Plan:
    """All runs of a study, arm by arm within a point within a replicate.

    Replicates are outermost, so that a study which is stopped early has whole replicates of everything.
    """

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.cells) * len(self.seeds)

    def __iter__(self) -> Iterator[PlannedRun]:
        for replicate, seed in enumerate(self.seeds):
            for cell in self.cells:
                yield PlannedRun(cell, replicate, seed)

    def table(self) -> pd.DataFrame:
        """Return one row a run: run_id, arm, point, replicate, seed and every swept parameter."""
        return pd.DataFrame(
            {
                "run_id": run.run_id,
                "arm": run.cell.arm,
                "point": run.cell.point,
                "replicate": run.replicate,
                "seed": run.seed,
                **{key: _plain(value) for key, value in run.cell.values.items()},
            }
            for run in self
        )


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def planned(study: Study) -> Plan:
    """Resolve and check every run of a study.

    Raises
    ------
    InputError
        One line for each problem: file, line, key, and what is allowed.
    """
    file = study.file
    points = [{}] if file.parameters is None else file.parameters.points(file.seed)
    if (number := len(points) * len(file.arms) * file.replicates) > MAX_RUNS:
        raise InputError(
            f"{study.document.positions[()]}: {len(file.arms)} arms x {len(points)} points x "
            f"{file.replicates} replicates are {number:,} runs, more than {MAX_RUNS:,}"
        )
    base = _set(study.base, file.settings, study.document, ("settings",))
    if file.ticks is not None:
        base = with_value(base, "ticks", file.ticks, study.document.positions["ticks",])
    arms = {
        arm: _set(base, overrides or {}, study.document, ("arms", arm))
        for arm, overrides in file.arms.items()
    }
    cells = []
    for number, point in enumerate(points):
        for arm, document in arms.items():
            cells.append(_cell(study, arm, number, point, _at(study, document, number, point)))
    return Plan(tuple(cells), tuple(file.replicate_seed(r) for r in range(file.replicates)))


def _set(
    document: YamlDocument, overrides: Mapping[str, Any], study: YamlDocument, within: Location
) -> YamlDocument:
    """Return a scenario's document with the values at a place of the study file, and their lines."""
    for key, value in overrides.items():
        place = (*within, key)
        document = with_value(document, key, value, _said(study, place))
        above = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
        deeper = {
            (*above, *location[len(place) :]): position
            for location, position in study.positions.items()
            if location[: len(place)] == place and len(location) > len(place)
        }
        document = YamlDocument(document.values, {**document.positions, **deeper})
    return document


def _said(study: YamlDocument, place: Location) -> str:
    """Return the file, the line and the place within it."""
    return f"{study.positions[study.origin(place)]}: {'.'.join(map(str, place[:-1]))}"


def _at(study: Study, document: YamlDocument, number: int, point: Point) -> YamlDocument:
    design = study.file.parameters
    for key, value in point.items():
        assert design is not None
        document = with_value(
            document, key, value, _said(study.document, ("parameters", *design.place(number, key)))
        )
    return document


def _cell(study: Study, arm: str, number: int, point: Point, document: YamlDocument) -> Cell:
    scenario = validated(document, Scenario)
    for index, output in enumerate(study.file.outputs):
        if output.last_tick > scenario.ticks:
            place = study.document.origin(("outputs", index))
            raise InputError(
                f"{study.document.positions[place]}: outputs.{index} asks for tick {output.last_tick}, after "
                f"the last tick, {scenario.ticks}, of arm {arm}"
            )
    for index, decay in enumerate(study.file.decays):
        if arm in (decay.of, decay.into) and decay.start > scenario.ticks:
            place = study.document.origin(("decays", index))
            raise InputError(
                f"{study.document.positions[place]}: decays.{index} starts at tick {decay.start}, after the "
                f"last tick, {scenario.ticks}, of arm {arm}"
            )
    record = scenario.model_dump(mode="json", exclude={"seed", *TEXTS})
    text = json.dumps({"scenario": record, "files": _digests(scenario)}, allow_nan=False)
    return Cell(arm, number, point, scenario.ticks, text)


def _digests(scenario: Scenario) -> dict[str, str]:
    """Return the files that a scenario names, each with its SHA-256; those not there are left out."""
    named = (scenario.curve, scenario.replay, getattr(scenario.population, "survey", None))
    found = {str(name): _digest(str(name)) for name in named if name is not None}
    return {name: digest for name, digest in found.items() if digest}


@lru_cache(maxsize=64)
def _digest(name: str) -> str | None:
    path = Path(name)
    if path.is_dir():
        path /= "curve.csv"
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
