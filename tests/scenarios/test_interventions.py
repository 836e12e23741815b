from typing import get_args

import pytest
from pydantic import ValidationError

from abm.policy import Intervention, Policy, PolicySchedule
from scenarios.interventions import DeletionRight, Interoperability, Interventions, PortabilityLaw
from scenarios.scenario import load_scenario

KINDS = get_args(get_args(Interventions)[0])


@pytest.mark.parametrize(
    ("intervention", "changes"),
    [
        (PortabilityLaw(), {"portability_success": 1.0, "contribution_tool": 0.8}),
        (PortabilityLaw(success=0.5, tool=0.25), {"portability_success": 0.5, "contribution_tool": 0.25}),
        (DeletionRight(), {"deletion_right": True, "deletion_tool": 0.0}),
        (DeletionRight(granted=False, tool=0.5), {"deletion_right": False, "deletion_tool": 0.5}),
        (Interoperability(), {"interoperability": 1.0}),
        (Interoperability(degree=0.25), {"interoperability": 0.25}),
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
    assert law.changes() != {key: getattr(Policy(), key) for key in law.changes()} or kind is DeletionRight


def test_every_intervention_class_is_listed():
    ours = {kind for kind in Intervention.__subclasses__() if kind.__module__ == "scenarios.interventions"}
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
