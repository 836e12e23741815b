from typing import get_args

import pytest
from pydantic import ValidationError

from abm.assistant import AssistantParameters
from abm.campaigns import SeededStance
from abm.money.dividends import DividendParameters
from abm.money.licences import LicenceParameters
from abm.pledges import PledgeParameters
from abm.policy import Intervention, Policy, PolicySchedule
from abm.targeting import Target
from learners.errors import InputError
from scenarios.interventions import (
    Assistant,
    ConditionalPledge,
    ConsentDefault,
    DeletionRight,
    Interoperability,
    Interventions,
    OrganiserSubsidy,
    PortabilityLaw,
    Seeding,
    TrackingBlocker,
)
from scenarios.money import Credits, DataDividend, DataLicence, Voice
from scenarios.regulation import Audit, WeightDeletionOrder
from scenarios.runs import play
from scenarios.scenario import load_scenario

KINDS = get_args(get_args(Interventions)[0])


@pytest.mark.parametrize(
    ("intervention", "changes"),
    [
        (PortabilityLaw(), {"portability_success": 1.0, "contribution_tool": 0.8}),
        (PortabilityLaw(success=0.5, tool=0.25), {"portability_success": 0.5, "contribution_tool": 0.25}),
        (DeletionRight(), {"deletion_right": True, "deletion_tool": 0.0}),
        (DeletionRight(granted=False, tool=0.5), {"deletion_right": False, "deletion_tool": 0.5}),
        (
            PortabilityLaw(form="continuous"),
            {"portability_success": 1.0, "contribution_tool": 0.8, "portability_continuous": True},
        ),
        (
            PortabilityLaw(form="symmetric"),
            {
                "portability_success": 1.0,
                "contribution_tool": 0.8,
                "portability_continuous": True,
                "portability_symmetric": True,
            },
        ),
        (DeletionRight(delay=4, executed=0.5), {"deletion_delay": 4, "deletion_executed": 0.5}),
        (Interoperability(), {"interoperability": 1.0}),
        (Interoperability(degree=0.25), {"interoperability": 0.25}),
        (
            Assistant(trust=0.25, forecast=False, sign_ups=True, search_tool=0.125),
            {
                "assistant_access": True,
                "assistant": AssistantParameters(
                    trust=0.25, forecast=False, sign_ups=True, search_tool=0.125
                ).model_dump(),
            },
        ),
        (TrackingBlocker(breakage=0.125), {"tracking_blocked": True, "site_breakage": 0.125}),
        (
            ConsentDefault(opt_in_rate=0.5, opt_out_cost=0.25, awareness=0.75),
            {"consent": 0.3, "opt_in_rate": 0.5, "opt_out_cost": 0.25, "awareness": 0.75},
        ),
        (OrganiserSubsidy(budget=7), {"organiser_budget": 7}),
        (
            DataDividend(share=0.125, unit="group", group="age", transform="clip"),
            {
                "dividend_share": 0.125,
                "dividend": DividendParameters(unit="group", group="age", transform="clip").model_dump(),
            },
        ),
        (Credits(price=0.25), {"credit_price": 0.25}),
        (Voice(), {"voice": True}),
        (
            DataLicence(term="pay", least=0.25),
            {"licensed": True, "licence": LicenceParameters(term="pay", least=0.25).model_dump()},
        ),
        (WeightDeletionOrder(), {"weight_deletion": True}),
        (Audit(probability=0.25, fine=0.5), {"audit_probability": 0.25, "audit_fine": 0.5}),
        (ConditionalPledge(), {}),
        (Seeding(), {}),
    ],
)
def test_each_law_moves_its_own_policy_parameters_and_no_others(intervention, changes):
    base = Policy(revocation_right=True, keeps_archive=False, portability_success=0.125)
    policy = PolicySchedule(base, [intervention]).at(0)
    assert policy.model_dump() == base.model_dump() | changes


def test_laws_hold_from_their_start_to_before_their_end():
    schedule = PolicySchedule(Policy(), [Interoperability(start=3, end=5)])
    assert [schedule.at(tick).interoperability for tick in range(7)] == [0, 0, 0, 1, 1, 0, 0]


def test_later_listed_law_wins_and_both_leave_no_trace():
    laws = [PortabilityLaw(start=1, end=4, success=0.9), PortabilityLaw(start=2, end=3, success=0.4)]
    schedule = PolicySchedule(Policy(portability_success=0.3), laws)
    assert [schedule.at(tick).portability_success for tick in range(5)] == [0.3, 0.9, 0.4, 0.9, 0.3]
    assert schedule.at(4) == Policy(portability_success=0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written_in_a_file_and_sets_policy_parameters(kind):
    name = kind.model_fields["kind"].default
    (law,) = load_scenario("digits-default", interventions=[{"kind": name, "start": 2}]).interventions
    assert law == kind(start=2)
    assert set(law.changes()) <= set(Policy.model_fields)
    Policy(**law.changes())  # the values are ones that a policy takes
    without = {key: getattr(Policy(), key) for key in law.changes()}
    campaigns = any(each is not None for each in (law.pledge(), law.seeding(), law.organising()))
    assert (law.changes() != without) != campaigns or kind is DeletionRight


def test_campaigns_are_handed_on_whole():
    fields = {"stance": "cdc", "goal": 0.25, "measure": "data", "deadline": 3, "consideration": 0.5}
    fields |= {"leakage": 0.125, "duration": 7, "through_assistant": True}
    assert set(fields) == set(PledgeParameters.model_fields)
    assert ConditionalPledge(start=4, **fields).pledge() == PledgeParameters(**fields)
    seeds = {"kind": "given", "users": [1, 2]}
    whole = Seeding(seeds=seeds, stance="boycott", duration=4)
    assert whole.seeding() == SeededStance(seeds=seeds, stance="boycott", duration=4)
    assert PortabilityLaw().pledge() is None is PortabilityLaw().seeding()


def test_every_intervention_class_is_listed():
    ours = {kind for kind in Intervention.__subclasses__() if kind.__module__.startswith("scenarios.")}
    assert set(KINDS) == ours


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (PortabilityLaw, {"success": 1.01}),
        (PortabilityLaw, {"tool": -0.1}),
        (PortabilityLaw, {"success": True}),
        (DeletionRight, {"granted": 1}),
        (DeletionRight, {"tool": 2.0}),
        (Interoperability, {"degree": float("nan")}),
        (Interoperability, {"start": -1}),
        (Interoperability, {"end": 0}),
        (Interoperability, {"strength": 1.0}),
        (Interoperability, {"kind": "portability_law"}),
        (Interoperability, {"ramp": 0}),
        (Interoperability, {"coverage": 1.5}),
        (Interoperability, {"target": {"group": "gender"}}),
        (PortabilityLaw, {"form": "twice"}),
        (DeletionRight, {"delay": -1}),
        (DeletionRight, {"executed": 1.5}),
        (Assistant, {"trust": 2.0}),
        (Assistant, {"shows": "forecast"}),
        (TrackingBlocker, {"breakage": -1.0}),
        (ConsentDefault, {"consent": 1.5}),
        (OrganiserSubsidy, {"budget": -1}),
        (OrganiserSubsidy, {"budget": 1.5}),
        (DataDividend, {"share": 1.5}),
        (DataDividend, {"transform": "square"}),
        (DataDividend, {"unit": "family"}),
        (Credits, {"price": -0.5}),
        (Voice, {"heard": 1}),
        (DataLicence, {"term": "love"}),
        (DataLicence, {"protection": 1.5}),
        (Audit, {"probability": 1.5}),
        (Audit, {"fine": -1.0}),
        (Seeding, {"seeds": {"kind": "loudest"}}),
        (Seeding, {"duration": 0}),
    ],
)
def test_values_out_of_range_are_refused(kind, fields):
    with pytest.raises(ValidationError):
        kind(**fields)


def test_events_say_when_a_law_comes_and_goes(small_scenario, tmp_path):
    path = tmp_path / "town.yaml"
    path.write_text(small_scenario)
    model = load_scenario(path).build()
    for _ in range(4):
        model.step()
    events = model.events.table()
    laws = events[events["kind"] == "intervention"]
    assert laws[["tick", "subject", "value"]].values.tolist() == [
        [2, "portability_law", 1.0],
        [4, "portability_law", 0.0],
    ]
    assert "portability_success = 1.0" in laws["text"].iloc[0]
    assert laws["text"].iloc[1] == "no longer in force"
    assert model.policy == Policy()


def test_targets_phases_and_coverage_are_written_in_the_file(small_scenario, tmp_path):
    path = tmp_path / "town.yaml"
    path.write_text(
        small_scenario.partition("interventions:")[0]
        + """interventions:
  - {kind: portability_law, start: 2, end: 8, ramp: 3, coverage: 0.5, form: continuous}
  - {kind: deletion_right, delay: 2, target: {group: gender, label: F}}
  - {kind: seeding, start: 1, stance: cdc, seeds: {kind: given, users: [0]}, target: {power_users: true}}
"""
    )
    law, right, seeding = load_scenario(path).interventions
    assert law == PortabilityLaw(start=2, end=8, ramp=3, coverage=0.5, form="continuous")
    assert right.target == Target(group="gender", label="F")
    assert seeding.target == Target(power_users=True)
    with pytest.raises(InputError, match=r"^interventions\.1\.target\.group: 'gender' is no grouping"):
        load_scenario(path).build()


def test_what_cannot_matter_is_warned_of_in_the_manifest(small_scenario, tmp_path):
    path = tmp_path / "town.yaml"
    path.write_text(small_scenario)
    laws = [{"kind": "tracking_blocker"}, {"kind": "portability_law", "form": "symmetric"}]
    run = play(load_scenario(path, interventions=laws, ticks=1))
    warned = [warning for warning in run.manifest["warnings"] if "static clock" in warning]
    assert [warning.partition(":")[0] for warning in warned] == ["tracking_blocker", "portability_law"]


def test_an_assistant_is_warned_of_where_nobody_decides_by_beliefs(small_scenario, tmp_path):
    path = tmp_path / "town.yaml"
    path.write_text(small_scenario)
    script = {"rule": "scripted", "steps": [{"shares": {"strike": 0.5}}]}
    for fields, warned in (({}, True), ({"forecast": False, "pledges": True}, False)):
        scenario = load_scenario(path, decision=script, interventions=[{"kind": "assistant"} | fields])
        warnings = scenario.build().warnings
        assert warnings == (("assistant: ScriptedRule heeds nothing of what it shows but pledges",) * warned)
