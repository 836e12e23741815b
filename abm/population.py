"""Who the users are: their traits and present stances, as arrays with one row a user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy.stats import norm

from abm.actions import STAY, Stances
from abm.beliefs import FAMILIES, BeliefParameters
from abm.costs import CostParameters
from abm.goals import GoalParameters
from abm.streams import Streams
from abm.survey import Survey
from abm.survey_file import read_survey
from abm.thresholds import NormalThresholds, ThresholdParameters
from learners.parameters import Parameters, parameter
from learners.poisoning import COMMON, Poison


class InterestParameters(Parameters):
    """Interest v_i in the collective good: lognormal."""

    median: float = parameter(1.0, "Median interest", unit="utility of the full effect", ge=0, le=100)
    sigma: float = parameter(0.6, "Spread of log interest", unit="-", ge=0, le=5)
    data_correlation: float = parameter(
        0.0, "Rank correlation of interest with the number of records owned", unit="-", ge=-1, le=1
    )


class PopulationParameters(Parameters):
    """How many users there are and how they differ."""

    users: Literal["all"] | Annotated[int, Field(ge=2)] = parameter(
        "all", "Number of users: all owners of the data set, or a sample of so many", unit="users"
    )
    interest: InterestParameters = Field(default_factory=InterestParameters)
    costs: CostParameters = Field(default_factory=CostParameters)
    beliefs: BeliefParameters = Field(default_factory=BeliefParameters)
    grievance_mean: float = parameter(
        2 / 7, "Mean grievance against Large Co., a beta variable", unit="-", gt=0, lt=1
    )
    grievance_concentration: float = parameter(
        7.0, "Concentration of grievance: the higher, the more alike are people", unit="-", gt=0, le=1000
    )
    privacy_mean: float = parameter(2 / 7, "Mean privacy concern, a beta variable", unit="-", gt=0, lt=1)
    privacy_concentration: float = parameter(
        7.0,
        "Concentration of privacy concern: the higher, the more alike are people",
        unit="-",
        gt=0,
        le=1000,
    )
    threshold: ThresholdParameters = Field(default_factory=NormalThresholds)
    goals: GoalParameters = Field(default_factory=GoalParameters)
    switching_cost: float = parameter(
        0.5, "Cost of attending to Small Co. instead of Large Co.", unit="share of full service", ge=0, le=10
    )

    money_worth: float = parameter(
        0.5,
        "Worth to a user of as much money as Large Co. earned of a user on average per tick at the start",
        unit="utility/tick",
        ge=0,
        le=100,
    )

    poisons: list[str] | None = parameter(
        None,
        "Poison kinds on offer, such as 'plant target=3'; none given: the common ones that apply",
        unit="-",
    )

    survey: str | None = parameter(
        None, "A CSV file of respondents or distributions from which traits are drawn, if any", unit="path"
    )

    @field_validator("users", mode="before")
    @classmethod
    def _enough_users(cls, users: object) -> object:
        if isinstance(users, int) and users < 2:
            raise ValueError("must be 'all' or at least 2")
        return users

    @field_validator("survey")
    @classmethod
    def _survey_is_here(cls, survey: str | None) -> str | None:
        if survey is not None and (not survey.strip() or "://" in survey):
            raise ValueError("must be the path of a CSV file on this machine")
        return survey


def poisons_on_offer(chosen: list[str] | None, applicable: tuple[str, ...]) -> list[str]:
    """Return the poison kinds that users can choose, of those ``applicable`` to the use case.

    Raises
    ------
    InputError
        If a chosen kind does not apply, or has a setting that is unknown or out of bounds.
    """
    if chosen is None:
        return [kind for kind in applicable if kind in COMMON]
    for kind in chosen:
        Poison.of(kind).settings(applicable)
    return chosen


class Population:
    """Traits that do not change, and what each user does now.

    Attributes
    ----------
    n_users
        Number of users N.
    records
        float64[N], records owned; ``weight`` is the same as a share of all.
    interest, grievance, privacy, skill, risk
        float32[N]: v_i >= 0; the others in [0, 1].
    threshold
        float64[N]: number or share of others, as the decision rule has it, at which the user acts.
    family
        int8[N]: belief family, a number in :data:`abm.beliefs.FAMILIES`.
    goal
        int8[N]: what the user wants of Large Co., a number in :data:`abm.goals.GOALS`.
    stance
        int8[N]: a code of :class:`abm.actions.Stances`.
    has_copy
        bool[N]: whether Small Co. holds a copy that the user contributed.
    cost
        float32[N]: factor on all costs of each user, 1 unless a survey says otherwise.
    barriers
        Barrier to float32[N], each user's own; those of the cost parameters hold for the others.
    relief
        float32[N, 5], share of the cost of each bit that an organisation takes over; ``None`` if none does.
    survey
        Where traits are from, if they are not all drawn from the distributions of the parameters.
    """

    def __init__(
        self,
        parameters: PopulationParameters,
        records: NDArray[Any],
        streams: Streams,
        groups: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        n = len(records)
        self.parameters = parameters
        self.n_users = n
        self.records = records.astype(np.float64)
        self.weight = self.records / self.records.sum()
        interest = parameters.interest
        z = streams.generator("interest").standard_normal(n)
        if interest.data_correlation:
            # Equal numbers of records are ranked by lot: row order is the order of places on a ring.
            order = np.lexsort((streams.generator("rank of records").random(n), records))
            scores = norm.ppf((np.argsort(order) + 0.5) / n)
            r = interest.data_correlation
            z = r * scores + np.sqrt(1 - r * r) * z
        self.interest = (interest.median * np.exp(interest.sigma * z)).astype(np.float32)
        self.grievance = self._beta("grievance", streams)
        self.privacy = self._beta("privacy", streams)
        self.skill = streams.generator("skill").random(n, np.float32)
        self.risk = streams.generator("risk").random(n, np.float32)
        self.threshold = parameters.threshold.draw(n, streams.generator("threshold"))
        shares = [getattr(parameters.beliefs, family) for family in FAMILIES]
        lot = streams.generator("belief family").random(n)
        self.family = np.searchsorted(np.cumsum(shares)[:-1], lot, side="right").astype(np.int8)
        self.goal = parameters.goals.draw(n, streams.generator("goal"))
        self.stance = np.full(n, STAY, np.int8)
        self.has_copy = np.zeros(n, np.bool_)
        self.cost = np.ones(n, np.float32)
        self.barriers: dict[str, NDArray[np.float32]] = {}
        self.relief: NDArray[np.float32] | None = None
        self.survey = self._surveyed(parameters.survey, groups or {}, streams) if parameters.survey else None

    def _beta(self, trait: str, streams: Streams) -> NDArray[np.float32]:
        mean: float = getattr(self.parameters, f"{trait}_mean")
        concentration: float = getattr(self.parameters, f"{trait}_concentration")
        a, b = concentration * mean, concentration * (1 - mean)
        return streams.generator(trait).beta(a, b, self.n_users).astype(np.float32)

    def _surveyed(self, path: str, groups: Mapping[str, NDArray[Any]], streams: Streams) -> Survey:
        """Replace what a survey says of each user; where it says nothing, the user's own draw stays."""
        survey = read_survey(Path(path), groups)
        for trait, values in survey.values(self.n_users, groups, streams).items():
            is_barrier = trait.startswith("barrier_")
            drawn = np.asarray(getattr(self.parameters.costs if is_barrier else self, trait))
            known = np.where(np.isnan(values), drawn, values)
            if is_barrier:
                self.barriers[trait] = known.astype(np.float32)
            else:
                setattr(self, trait, known.astype(drawn.dtype))
        return survey

    def shares(self, stances: Stances) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the share of users and of data in each stance, float64[K] each."""
        k = len(stances)
        return (
            np.bincount(self.stance, minlength=k) / self.n_users,
            np.bincount(self.stance, self.records, minlength=k) / self.records.sum(),
        )
