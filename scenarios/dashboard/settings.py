"""What a visitor has set: a shipped scenario and what of it is changed. As a link, as JSON, and undone.

Core Objects: Settings, History.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode

from learners.curves.published_curves import PUBLISHED
from learners.errors import InputError
from learners.parameters import parsed
from scenarios.assumptions import assumptions
from scenarios.interventions import Interventions
from scenarios.scenario import DEFAULT, LIBRARY, Scenario, load_scenario, shipped
from scenarios.yaml_file import YamlDocument, set_key

VERSION = "1"
FORMAT = "data-leverage settings 1"

MOST_BYTES = 100_000
MOST_USERS = 1_000_000
MOST_TICKS = 1_000

Changes = Mapping[str, Any]
"""Dotted keys of a scenario file, and their values."""


@dataclass(frozen=True)
class Settings:
    """A shipped scenario and what is changed in it.

    Attributes
    ----------
    preset
        Name of the scenario.
    changes
        Dotted keys and values, in the order in which they are set.
    """

    preset: str = DEFAULT
    changes: Changes = field(default_factory=lambda: MappingProxyType({}))

    def changed(self, key: str, value: Any) -> Settings:
        """Return the settings with one more change; a value that is the preset's own is no change."""
        kept = {name: old for name, old in self.changes.items() if name != key}
        if value != value_of(played_preset(self.preset), key):
            kept[key] = value
        return replace(self, changes=MappingProxyType(kept))

    def without(self, key: str) -> Settings:
        """Return the settings with the preset's own value of a key."""
        return replace(
            self,
            changes=MappingProxyType({name: old for name, old in self.changes.items() if name != key}),
        )

    def scenario(self) -> Scenario:
        """Return the scenario that is meant.

        Raises
        ------
        InputError
            If a key or a value is not possible, or more than a dashboard can bear; one line each.
        """
        if self.preset not in shipped():
            raise InputError(
                f"preset: there is no scenario {self.preset!r}; there are {', '.join(shipped())}"
            )
        try:
            scenario = played_preset(self.preset, self.changes)
        except InputError as error:  # where on this machine a scenario's file is concerns no visitor
            raise InputError(str(error).replace(f"{LIBRARY}/", "")) from None
        _refuse_files(scenario, load_scenario(self.preset))
        users = scenario.population.users
        if isinstance(users, int) and users > MOST_USERS:
            raise InputError(
                f"population.users: {users} is more than the {MOST_USERS} that a dashboard plays"
            )
        if scenario.ticks > MOST_TICKS:
            raise InputError(f"ticks: {scenario.ticks} is more than the {MOST_TICKS} that a dashboard plays")
        return scenario

    def query(self) -> dict[str, str]:
        """Return the settings as parameters of a link."""
        found = {"preset": self.preset}
        if self.changes:
            found["set"] = _compact(dict(self.changes))
        return found

    def json(self) -> str:
        """Return the settings as a file for people."""
        record = {"format": FORMAT, "preset": self.preset, "set": dict(self.changes)}
        return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Settings:
        """Read what :meth:`json` wrote, checked in every value.

        Raises
        ------
        InputError
            If it is not that, with one line for each problem.
        """
        record = _parsed(text, "the file")
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise InputError(f"the file does not hold settings: its 'format' is not {FORMAT!r}")
        if unknown := record.keys() - {"format", "preset", "set"}:
            raise InputError(f"the file has unknown keys: {', '.join(sorted(unknown))}")
        return _checked(record.get("preset", DEFAULT), record.get("set", {}), "set")


def played_preset(preset: str, changes: Changes = MappingProxyType({})) -> Scenario:
    """Return a shipped scenario as the dashboard plays it, with changes.

    The composition gap, whose many retrainings would hold up play for seconds, is not measured unless the
    scenario or a change says when.
    """
    asked = "composition" in load_scenario(preset).record.model_fields_set
    left_out = {} if asked else {"record.composition": "off"}
    return load_scenario(preset, **{**left_out, **changes})


def link(page: str, settings: Settings, other: Settings | None = None) -> str:
    """Return the query part of a link to a page with these settings; ``other`` is the world B of a pair."""
    parameters = {"v": VERSION, "page": page, **settings.query()}
    if other is not None:
        parameters |= {f"b_{name}": value for name, value in other.query().items()}
    return "?" + urlencode(parameters)


@dataclass(frozen=True)
class Linked:
    """What a link says.

    Attributes
    ----------
    other
        The settings of world B, if it gives any.
    problem
        Why it was not followed, in words; the settings are then the default ones.
    """

    page: str
    settings: Settings
    other: Settings | None = None
    problem: str = ""


def read_link(search: str | None, pages: tuple[str, ...]) -> Linked:
    """Read the query part of a link; what cannot be followed is said, and the default is taken."""
    given = {name: values[-1] for name, values in parse_qs((search or "")[:MOST_BYTES]).items()}
    page = given.get("page", pages[0])
    try:
        if given.get("v", VERSION) != VERSION:
            raise InputError(
                f"it is of version {given['v'][:20]}, and this dashboard reads version {VERSION}"
            )
        if page not in pages:
            raise InputError(f"there is no page {page[:40]!r}; there are {', '.join(pages)}")
        settings = _linked(given, "")
        other = _linked(given, "b_") if "b_preset" in given or "b_set" in given else None
    except InputError as error:
        return Linked(pages[0], Settings(), problem=f"The link could not be followed: {error}")
    return Linked(page, settings, other)


def _linked(given: Mapping[str, str], prefix: str) -> Settings:
    changes = _parsed(given.get(f"{prefix}set", "{}"), f"{prefix}set")
    return _checked(given.get(f"{prefix}preset", DEFAULT), changes, f"{prefix}set")


@dataclass(frozen=True)
class History:
    """Settings with those before and those undone.

    Attributes
    ----------
    now
        The present ones.
    past, undone
        The latest last.
    """

    now: Settings
    past: tuple[Settings, ...] = ()
    undone: tuple[Settings, ...] = ()

    def then(self, settings: Settings) -> History:
        """Return the history with new settings; what was undone is gone."""
        return self if settings == self.now else History(settings, (*self.past, self.now)[-100:])

    def undo(self) -> History:
        """Return the history one step back."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (*self.undone, self.now))

    def redo(self) -> History:
        """Return the history one step forward again."""
        if not self.undone:
            return self
        return History(self.undone[-1], (*self.past, self.now), self.undone[:-1])


def value_of(scenario: Scenario, key: str) -> Any:
    """Return the value of a dotted key as a file would have it; ``None`` where there is none."""
    value: Any = scenario.model_dump(mode="json")
    for part in key.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def read_value(text: str) -> Any:
    """Return the value that a text stands for, as in a scenario file.

    Raises
    ------
    InputError
        If the text is no value.
    """
    return set_key(YamlDocument({}, {}), "value", text).values["value"]


def differences(a: Scenario, b: Scenario) -> list[tuple[str, str, str]]:
    """Return what differs between two scenarios: a key, and its value in each, as text.

    A law that only one of them has is one line, not one for each of its fields.
    """
    laws = [[each.model_dump(mode="json") for each in scenario.interventions] for scenario in (a, b)]
    found = [
        (f"law: {law['kind'].replace('_', ' ')}", *(_law(law) if law in own else "not there" for own in laws))
        for law in [*laws[0], *(law for law in laws[1] if law not in laws[0])]
        if not all(law in own for own in laws)
    ]
    lines = [
        {line.key: line.value for line in assumptions(scenario) if not line.key.startswith("interventions.")}
        for scenario in (a, b)
    ]
    for key in dict.fromkeys([*lines[0], *lines[1]]):
        first, second = (_shown(of.get(key, "not there")) for of in lines)
        if first != second:
            found.append((key, first, second))
    return [(key, first, second) for key, first, second in found]


def _law(law: Mapping[str, Any]) -> str:
    """Return from when to when a law holds, and what of it is not the default."""
    end = "" if law["end"] is None else f" to tick {law['end']}"
    usual = parsed(Interventions, {"kind": law["kind"]}, "law").model_dump(mode="json")
    more = [
        f"{name} {_shown(value)}"
        for name, value in law.items()
        if name not in ("start", "end") and value != usual[name]
    ]
    return f"from tick {law['start']}{end}" + (f" ({', '.join(more)})" if more else "")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _parsed(text: str | bytes, what: str) -> Any:
    if len(text) > MOST_BYTES:
        raise InputError(f"{what} is longer than {MOST_BYTES} bytes")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not JSON ({str(error)[:80]})") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _checked(preset: object, changes: object, what: str) -> Settings:
    if not isinstance(preset, str) or not isinstance(changes, dict):
        raise InputError(f"{what}: a preset is a name, and its changes are keys with values")
    settings = Settings(preset, MappingProxyType(dict(changes)))
    try:
        settings.scenario()
    except RecursionError:
        raise InputError(f"{what} is nested too deeply") from None
    return settings


def _refuse_files(scenario: Scenario, preset: Scenario) -> None:
    """Refuse files that the preset does not name: a visitor may not choose what the server reads."""
    own = {line.key: line.value for line in assumptions(preset) if line.unit == "path"}
    for line in assumptions(scenario):
        if line.unit == "path" and line.value not in (None, PUBLISHED, own.get(line.key)):
            raise InputError(f"{line.key}: files cannot be chosen in the dashboard; use the command line")
