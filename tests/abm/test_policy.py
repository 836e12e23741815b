import numpy as np
import pytest

from abm.policy import Intervention, Policy, PolicySchedule
from scenarios.interventions import DeletionRight, Interoperability, PortabilityLaw


class Sets(Intervention):
    """An intervention that sets the interoperability."""

    degree: float = 0.5

    def changes(self):
        return {"interoperability": self.degree}


# Schedules


@pytest.mark.parametrize(
    ("start", "end", "in_force"),
    [(0, None, range(8)), (3, None, range(3, 8)), (2, 5, range(2, 5)), (0, 1, [0])],
)
def test_an_intervention_holds_from_its_start_until_before_its_end(start, end, in_force):
    law = Sets(start=start, end=end)
    assert [tick for tick in range(8) if law.in_force(tick)] == list(in_force)
    schedule = PolicySchedule(Policy(interoperability=0.1), [law])
    degrees = [schedule.at(tick).interoperability for tick in range(8)]
    assert degrees == [0.5 if tick in in_force else 0.1 for tick in range(8)]


def test_the_later_listed_of_two_wins():
    both = PolicySchedule(Policy(), [Sets(start=1, degree=0.3), Sets(start=0, end=3, degree=0.9)])
    assert [both.at(tick).interoperability for tick in range(5)] == [0.9, 0.9, 0.9, 0.3, 0.3]


def test_a_law_leaves_other_parameters_alone():
    base = Policy(revocation_right=True, deletion_tool=0.3)
    law = PolicySchedule(base, [PortabilityLaw(success=0.9, tool=0.4)]).at(5)
    assert law == base.model_copy(update={"portability_success": 0.9, "contribution_tool": 0.4})
    assert base == Policy(revocation_right=True, deletion_tool=0.3)


def test_begin_and_end_are_events(few_digits, society, prescribed):
    model = society(few_digits, interventions=[Sets(start=2, end=4)], decision=prescribed({}))
    for _ in range(5):
        model.step()
    events = model.events.table().query("kind == 'intervention'")
    assert events[["tick", "value"]].to_numpy().tolist() == [[2, 1], [4, 0]]
    assert events["text"].iloc[0] == "in force: interoperability = 0.5"


def test_a_law_of_tick_0_holds_from_the_first_books_on(few_digits, society):
    settings = {"companies": {"small": {"starts_with": 0.4}}}
    by_law = society(few_digits, interventions=[Interoperability()], **settings)
    by_policy = society(few_digits, policy={"interoperability": 1.0}, **settings)
    without = society(few_digits, **settings)
    assert by_law.revenue == by_policy.revenue != without.revenue
    assert by_law.events.table().query("kind == 'intervention'")["tick"].tolist() == [0]


# An intervention at the value of the world without it changes nothing, bit for bit

LAWS = {
    "portability law": (
        PortabilityLaw(start=3, success=0.2, tool=0.2),
        PortabilityLaw(start=3, success=0.9, tool=0.2),
        PortabilityLaw(start=3, success=0.2, tool=1.0),
    ),
    "deletion right": (
        DeletionRight(start=3, granted=True, tool=0.0),
        DeletionRight(start=3, granted=False),
        DeletionRight(start=3, tool=1.0),
    ),
    "interoperability": (Interoperability(start=3, degree=0.0), Interoperability(start=3, degree=0.6)),
}
LIVELY = {"revision_probability": 0.6, "cost_scale": 0.8}


@pytest.fixture(params=["digits", "stream"])
def played(request, digits, ratings, society, ticks_of):
    """Return a function: interventions -> ticks of a lively run."""
    setting = {
        "digits": {"use_case": digits},
        "stream": {"use_case": ratings, "clock": {"kind": "stream", "at_start": 0.5, "slices": 10}},
    }[request.param]

    def play(*laws):
        model = society(
            interventions=laws,
            decision=LIVELY,
            companies={"small": {"starts_with": 0.1}},
            population={"costs": {"cost_horizon": 1.0}},
            rng=4,
            **setting,
        )
        return ticks_of(model, 10)

    return play


@pytest.mark.parametrize("law", LAWS)
def test_an_intervention_that_changes_nothing_changes_nothing(played, law):
    without = played()
    nothing, *others = LAWS[law]
    assert played(nothing).equals(without)
    for other in others:
        changed = played(other)
        assert not changed.equals(without)
        # Not a tick before it is in force.
        assert changed[:3].equals(without[:3])


def test_draws_of_one_law_do_not_shift_other_draws(digits, society):
    """Where nobody minds what others do, who is granted nothing lives the same life under any law."""
    alone = LIVELY | {"social_weight": 0.0, "weight_help": 0.0, "weight_harm": 0.0, "weight_revenue": 0.0}
    lives, granted = {}, {}
    for success in (0.0, 0.3):
        model = society(
            digits,
            policy={"portability_success": success},
            decision=alone,
            companies={"consumption": {"full_service": 0.0}},
        )
        lives[success] = []
        for _ in range(8):
            model.step()
            lives[success].append(model.population.stance.copy())
        granted[success] = model.population.has_copy
    same = (np.array(lives[0.0]) == np.array(lives[0.3])).all(axis=0)
    assert not granted[0.0].any()
    assert 30 < granted[0.3].sum() < 270
    assert same[~granted[0.3]].all()
    assert not same[granted[0.3]].any()


def test_portability_grants_more_to_the_same_people(few_digits, society, prescribed):
    """The lot of a user at a tick is the same whatever the law: a better one adds grants, and moves none."""
    granted = {}
    for success in (0.2, 0.5, 0.9):
        model = society(
            few_digits,
            policy={"portability_success": success},
            decision=prescribed({1: {"cdc": np.arange(40)}}, requests_portability=True),
        )
        model.step()
        granted[success] = set(np.flatnonzero(model.population.has_copy).tolist())
    assert granted[0.2] < granted[0.5] < granted[0.9]


def test_an_answer_does_not_depend_on_who_else_asks(few_digits, society, prescribed):
    granted = {}
    for name, asking in (("all", np.arange(40)), ("some", np.arange(1, 40, 3))):
        model = society(
            few_digits,
            policy={"portability_success": 0.5},
            decision=prescribed({1: {"cdc": asking}}, requests_portability=True),
        )
        model.step()
        granted[name] = set(np.flatnonzero(model.population.has_copy).tolist())
    assert 0 < len(granted["some"]) < 13
    assert granted["some"] == granted["all"] & set(range(1, 40, 3))
