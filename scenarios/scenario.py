"""Scenarios: everything that is needed to run once, from a shipped name or a YAML file."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from abm.clock import ClockParameters
from abm.coalitions import OrganisationParameters
from abm.companies import CompanyParameters
from abm.decisions import DecisionParameters, LogitParameters
from abm.leverage import LeverageParameters
from abm.networks.build import NetworkParameters
from abm.networks.random_families import WattsStrogatz
from abm.policy import Policy
from abm.population import PopulationParameters
from abm.records import RecordParameters
from learners.curves.curve_files import load_curve
from learners.curves.curve_table import Mode
from learners.curves.published_curves import PUBLISHED, published_curve
from learners.curves.template_curves import PREFIX, TEMPLATES, template_curve
from learners.errors import InputError
from learners.parameters import Parameters, parameter
from learners.usecase import REGISTRY, load_use_case
from scenarios.interventions import Interventions
from scenarios.yaml_file import YamlDocument, read_mapping, set_key, validated, with_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from abm.model import DataLeverageModel
    from learners.curves.curve_table import Curve
    from learners.usecase import UseCase

LIBRARY = Path(__file__).parent / "library"
"""Folder of the shipped scenarios."""

CURVE_MODES = typing.get_args(Mode)
"""Modes in which quality is read off a learning curve."""

_PATHS = (("population", "survey"), ("network", "path"), ("network", "degrees"))
"""Keys of files that belong to a scenario."""

DEFAULT = "digits-default"
"""What runs when no scenario is named."""


class Scenario(Parameters):
    """One run, whole: what is asked, the world, the rule, the laws, and what is recorded."""

    name: str = parameter(
        ..., "Shown everywhere; names the output folder", unit="-", pattern=r"^[a-z0-9-]{1,64}$"
    )
    question: str = parameter("", "What the scenario asks", unit="-")
    held_fixed: str = parameter("", "What is the same in all comparisons", unit="-")
    changed: str = parameter("", "What differs", unit="-")
    expectation: str = parameter("", "What to expect, and why", unit="-")
    note: str = parameter("", "What a reader must know before trusting the result", unit="-")
    use_case: str = parameter(..., "Data set and learner", unit="-")
    learner: dict[str, Any] = parameter({}, "Parameters of the learner", unit="-")
    ticks: int = parameter(40, "Length of the run", unit="ticks", ge=1, le=100_000)
    seed: int = parameter(1, "Seed of everything random", unit="-", ge=0, lt=2**63)
    mode: Literal["live", "grid", "surrogate", "replay"] = parameter(
        "live",
        "live: models are retrained every tick; grid, surrogate: quality is read off a learning curve; "
        "replay: recorded qualities are played again",
        unit="-",
    )
    replay: str | None = parameter(None, "A ticks.parquet to play again (mode replay)", unit="path")
    curve: str | None = parameter(
        None,
        f"A curve.csv or its folder, 'published', {', '.join(TEMPLATES)} (modes grid and surrogate)",
        unit="path",
    )
    represents: int | None = parameter(
        None, "People whom the population stands for: outputs then also count these", unit="people", ge=1
    )
    population: PopulationParameters = Field(default_factory=PopulationParameters)
    network: NetworkParameters = Field(default_factory=WattsStrogatz)
    decision: DecisionParameters = Field(default_factory=LogitParameters)
    coalitions: OrganisationParameters = Field(default_factory=OrganisationParameters)
    companies: CompanyParameters = Field(default_factory=CompanyParameters)
    leverage: LeverageParameters = Field(default_factory=LeverageParameters)
    policy: Policy = Field(default_factory=Policy)
    clock: ClockParameters = Field(default_factory=ClockParameters)
    interventions: list[Interventions] = Field(default_factory=list)
    record: RecordParameters = Field(default_factory=RecordParameters)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.use_case not in REGISTRY:
            raise ValueError(f"use_case '{self.use_case}' is not one of {', '.join(REGISTRY)}")
        if (self.mode == "replay") != (self.replay is not None):
            raise ValueError("replay names the ticks.parquet of mode 'replay', and only of that mode")
        if self.mode in CURVE_MODES and self.curve is None:
            raise ValueError(
                f"mode '{self.mode}' needs curve: the curve.csv that 'data-leverage curve {self.use_case}' "
                "measures, or 'published'"
            )
        if self.mode not in CURVE_MODES and self.curve is not None:
            raise ValueError(f"curve is for modes 'grid' and 'surrogate', not for '{self.mode}'")
        on_no_data = self.curve is not None and (self.curve == PUBLISHED or self.curve.startswith(PREFIX))
        if self.learner and on_no_data:
            raise ValueError("learner must be left out where nothing is trained and no data are read")
        for number, intervention in enumerate(self.interventions):
            if intervention.start > self.ticks:
                raise ValueError(
                    f"interventions.{number}.start is {intervention.start}, after the last tick, {self.ticks}"
                )
            if intervention.end is not None and intervention.end <= intervention.start:
                raise ValueError(
                    f"interventions.{number}.end is {intervention.end}, not after start, {intervention.start}"
                )
        return self

    def build(
        self,
        seed: int | None = None,
        *,
        data_dir: Path | str | None = None,
        device: str = "auto",
        use_case: UseCase | None = None,
    ) -> DataLeverageModel:
        """Return the model at tick 0.

        Parameters
        ----------
        seed
            Instead of the scenario's own.
        data_dir
            Folder of the data sets.
        device
            ``auto``, ``cpu`` or ``cuda``.
        use_case
            The scenario's own, where another run of it has loaded it already.

        Raises
        ------
        InputError
            If the data set is missing or does not fit the scenario.
        """
        from abm.model import DataLeverageModel

        users, curve = self.population.users, self._curve()
        owned = self.mode == "live" or (curve is not None and curve.measured and users == "all")
        if owned and use_case is None:
            sample = None if users == "all" else users
            use_case = load_use_case(self.use_case, data_dir, device, owners=sample, **self.learner)
        return DataLeverageModel(
            use_case or self.use_case,
            population=self.population,
            network=self.network,
            decision=self.decision,
            coalitions=self.coalitions,
            companies=self.companies,
            leverage=self.leverage,
            policy=self.policy,
            clock=self.clock.model_copy(update={"slices": self.clock.slices or self.ticks}),
            record=self.record,
            interventions=self.interventions,
            replay=None if self.replay is None else _recorded_ticks(Path(self.replay)),
            curve=curve,
            represents=self.represents,
            rng=self.seed if seed is None else seed,
        )

    def _curve(self) -> Curve | None:
        if self.curve is None:
            return None
        mode: Mode = "grid" if self.mode == "grid" else "surrogate"
        if self.curve == PUBLISHED:
            return published_curve(self.use_case, mode)
        if self.curve.startswith(PREFIX):
            return template_curve(self.use_case, self.curve, mode)
        return load_curve(Path(self.curve), self.use_case, mode)


def shipped() -> list[str]:
    """Return the names of the shipped scenarios, the default first."""
    return sorted((path.stem for path in LIBRARY.glob("*.yaml")), key=lambda name: (name != DEFAULT, name))


def load_scenario(
    name_or_path: str | Path = DEFAULT, settings: Sequence[str] = (), **overrides: Any
) -> Scenario:
    """Load a scenario.

    Parameters
    ----------
    name_or_path
        A shipped name, or the path of a YAML file.
    settings
        ``KEY=VALUE`` with dotted keys and YAML values, as the command line's ``--set``.
    overrides
        Top-level keys, or dotted keys, and their values.

    Raises
    ------
    InputError
        One line for each problem: file, line, key, and what is allowed.
    """
    document = scenario_document(name_or_path)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: write --set KEY=VALUE")
        document = set_key(document, key, value)
    for key, value in overrides.items():
        document = with_value(document, key, value, f"{key}={value!r}")
    return validated(document, Scenario)


def _beside(document: YamlDocument, folder: Path) -> YamlDocument:
    """Return the document with relative paths of a survey or network as seen from the file's folder."""
    for group, key in _PATHS:
        fields = document.values.get(group)
        path = fields.get(key) if isinstance(fields, dict) else None
        if isinstance(path, str) and "://" not in path and path.strip():
            origin = document.positions[group, key]
            document = with_value(document, f"{group}.{key}", str(folder / path), origin)
    return document


def scenario_document(name_or_path: str | Path, folder: Path | None = None) -> YamlDocument:
    """Read the file of a scenario; nothing in it is checked yet.

    Parameters
    ----------
    name_or_path
        A shipped name, or the path of a YAML file.
    folder
        Where a relative path begins; the current folder by default.

    Raises
    ------
    InputError
        If there is no such scenario, or the file is not readable as one.
    """
    path = LIBRARY / f"{name_or_path}.yaml" if str(name_or_path) in shipped() else Path(name_or_path)
    if not path.suffix:
        raise InputError(
            f"there is no scenario {str(name_or_path)!r}; shipped are {', '.join(shipped())}, "
            "or name a .yaml file"
        )
    path = path if folder is None else folder / path
    return _beside(read_mapping(path), path.parent)


def _recorded_ticks(path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_parquet(path, engine="pyarrow", page_checksum_verification=True)
    except FileNotFoundError:
        raise InputError(f"replay: {path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"replay: {path} is not a readable Parquet file ({error})") from None
