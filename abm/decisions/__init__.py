"""How users choose a stance: one class a rule, each on arrays.

A rule sees a :class:`DecisionView` and returns the stance that every user wants. A further rule is one
parameter class in :data:`DecisionParameters` and one subclass of :class:`DecisionRule`; where users only
decide whether to take part in something, of :class:`CampaignRule`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

from abm.decisions.campaign import Campaign, CampaignParameters, CampaignRule
from abm.decisions.critical_mass import CriticalMassParameters, CriticalMassRule
from abm.decisions.learning import LearningParameters, LearningRule
from abm.decisions.logit import LogitParameters, LogitRule
from abm.decisions.rule import DecisionRule, Start
from abm.decisions.scripted import ScriptedParameters, ScriptedRule, ScriptedStep
from abm.decisions.threshold import (
    ComplexContagionParameters,
    ComplexContagionRule,
    ThresholdParameters,
    ThresholdRule,
    WattsParameters,
    WattsRule,
)
from abm.decisions.view import DecisionView
from learners.parameters import Parameters, tagged

__all__ = [
    "Campaign",
    "CampaignParameters",
    "CampaignRule",
    "ComplexContagionParameters",
    "CriticalMassParameters",
    "DecisionParameters",
    "DecisionRule",
    "DecisionView",
    "LearningParameters",
    "LogitParameters",
    "LogitRule",
    "ScriptedParameters",
    "ScriptedRule",
    "ScriptedStep",
    "Start",
    "ThresholdParameters",
    "WattsParameters",
    "decision_rule",
]

DecisionParameters: TypeAlias = Annotated[
    LogitParameters
    | ScriptedParameters
    | ThresholdParameters
    | WattsParameters
    | ComplexContagionParameters
    | CriticalMassParameters
    | LearningParameters,
    Field(discriminator="rule"),
    BeforeValidator(partial(tagged, tag="rule", default="logit")),
]
"""Any rule's parameters, told apart by ``rule``."""

_RULES: dict[type[Parameters], Callable[[Any], DecisionRule]] = {
    LogitParameters: LogitRule,
    ScriptedParameters: ScriptedRule,
    ThresholdParameters: ThresholdRule,
    WattsParameters: WattsRule,
    ComplexContagionParameters: ComplexContagionRule,
    CriticalMassParameters: CriticalMassRule,
    LearningParameters: LearningRule,
}


def decision_rule(parameters: DecisionParameters) -> DecisionRule:
    """Return the rule that the parameters describe."""
    return _RULES[type(parameters)](parameters)
