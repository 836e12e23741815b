import dataclasses
import itertools
from typing import get_args

import numpy as np
import pytest

from abm.policy import Intervention, Policy, PolicySchedule
from abm.streams import Streams
from abm.targeting import Audience, Target
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
from scenarios.organising import Canvass, CoalitionCampaign, CommunityAction
from scenarios.regulation import Audit, WeightDeletionOrder


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


# Phases and people

USERS = np.arange(200)


def audience():
    gender = np.where(USERS % 4, "M", "F")
    return Audience(1.0 + USERS, {"gender": gender}, Streams(8))


def in_force(law, ticks, name="interoperability", base=None):
    schedule = PolicySchedule(base or Policy(), [law], audience())
    return [schedule.at(tick).of(name) for tick in range(ticks)]


@pytest.mark.parametrize(
    ("phase", "degrees"),
    [
        ({"start": 2, "ramp": 4}, [0, 0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8]),
        ({"start": 1, "ramp": 2, "end": 4}, [0, 0.4, 0.8, 0.8, 0.4, 0, 0, 0]),
        # Repealed before it is fully in force, it goes as it came.
        ({"start": 1, "ramp": 4, "end": 3}, [0, 0.2, 0.4, 0.2, 0, 0, 0, 0]),
        ({"start": 0, "ramp": 1, "end": 1}, [0.8, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_a_number_moves_in_equal_steps_and_back(phase, degrees):
    assert in_force(Interoperability(degree=0.8, **phase), 8) == pytest.approx(degrees)


def test_a_step_starts_from_what_is_in_force():
    base = Policy(portability_success=0.4)
    ramped = in_force(PortabilityLaw(success=1.0, ramp=3), 4, "portability_success", base)
    assert ramped == pytest.approx([0.6, 0.8, 1.0, 1.0])
    both = PolicySchedule(base, [PortabilityLaw(success=0.8, end=5), PortabilityLaw(success=0.2, ramp=2)])
    assert [both.at(tick).portability_success for tick in (0, 1, 5)] == pytest.approx([0.5, 0.2, 0.2])


def test_whole_numbers_stay_whole():
    delays = in_force(DeletionRight(delay=5, ramp=4), 5, "deletion_delay")
    assert delays == [1, 2, 4, 5, 5]
    assert all(isinstance(delay, int | np.integer) for delay in delays)


def test_what_is_true_or_false_comes_to_hold_for_ever_more_people():
    reached = in_force(TrackingBlocker(start=1, ramp=4, end=6, coverage=0.8), 9, "tracking_blocked")
    assert reached[0] is False
    shares = [np.mean(who) for who in reached[1:]]
    assert shares == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.6, 0.4, 0.2][: len(shares)], abs=0.08)
    for fewer, more in itertools.pairwise(reached[1:5]):
        assert (fewer <= more).all()
    np.testing.assert_array_equal(reached[6], reached[3])


def test_only_the_target_is_touched():
    women = USERS % 4 == 0
    schedule = PolicySchedule(
        Policy(),
        [DeletionRight(granted=False, tool=0.5, target=Target(group="gender", label="F"))],
        audience(),
    )
    policy = schedule.at(0)
    np.testing.assert_array_equal(policy.of("deletion_right"), ~women)
    np.testing.assert_array_equal(policy.of("deletion_tool"), np.where(women, 0.5, 0.0))
    np.testing.assert_array_equal(policy.of("deletion_tool", np.array([4, 5])), [0.5, 0.0])
    assert policy.of("deletion_tool", 5) == 0
    assert policy.interoperability == 0.0


def test_coverage_is_of_the_target_and_the_same_at_every_tick():
    law = Interoperability(degree=1.0, coverage=0.3, target=Target(group="gender", label="M"))
    first, *others = in_force(law, 4)
    assert not first[USERS % 4 == 0].any()
    assert first[USERS % 4 > 0].mean() == pytest.approx(0.3, abs=0.08)
    for later in others:
        np.testing.assert_array_equal(first, later)


def test_interventions_compose_person_by_person():
    women, men = (Target(group="gender", label=label) for label in "FM")
    schedule = PolicySchedule(
        Policy(portability_success=0.1),
        [
            PortabilityLaw(success=0.5, tool=0.4, target=women),
            PortabilityLaw(success=0.9, tool=0.6, target=men, start=1),
            Interoperability(degree=0.7, target=Target(power_users=True)),
        ],
        audience(),
    )
    policy = schedule.at(1)
    np.testing.assert_array_equal(policy.of("portability_success"), np.where(USERS % 4, 0.9, 0.5))
    np.testing.assert_array_equal(policy.of("interoperability"), np.where(USERS >= 180, 0.7, 0.0))
    np.testing.assert_array_equal(schedule.at(0).of("portability_success"), np.where(USERS % 4, 0.1, 0.5))


def test_whom_a_law_cannot_find_is_an_error_that_names_it():
    laws = [Interoperability(), Interoperability(target=Target(group="age", label="18"))]
    with pytest.raises(InputError, match=r"^interventions\.1\.target\.group: 'age' is no grouping"):
        PolicySchedule(Policy(), laws, audience())
    with pytest.raises(InputError, match="needs users to bear on"):
        PolicySchedule(Policy(), [Interoperability(coverage=0.5)]).at(0)


def test_a_targeted_law_changes_the_life_of_its_target(ratings, society):
    """A ban on deletion for one group is one in fact: nobody else has to stay."""
    women = ratings.groups["gender"] == "F"
    law = DeletionRight(granted=False, target=Target(group="gender", label="F"))
    model = society(ratings, interventions=[law], decision=LIVELY, rng=4)
    for _ in range(8):
        model.step()
    deletes = model.large.deleted
    assert not deletes[women].any()
    assert deletes[~women].sum() > 3


class Rights(Intervention):
    """An intervention that gives one right and takes two others."""

    def changes(self):
        return {"revocation_right": True, "keeps_archive": False, "deletion_right": False}


def test_what_is_permitted_is_each_users_own_law(ratings, society, prescribed):
    women = ratings.groups["gender"] == "F"
    moves = {1: {"cdc": np.arange(20), "strike": np.arange(30, 50)}}
    permitted = {}
    for name, law in {
        "none": [],
        "all": [Rights(start=2)],
        "women": [Rights(start=2, target=Target(group="gender", label="F"))],
    }.items():
        model = society(ratings, interventions=law, decision=prescribed(moves))
        model.step()
        policy = model.policy_schedule.at(2)
        view = dataclasses.replace(model._information(), policy=policy)
        permitted[name] = view.permitted(np.arange(60))
    expected = np.where(women[:, None], permitted["all"], permitted["none"])
    np.testing.assert_array_equal(permitted["women"], expected)
    for first in (0, 30, 50):  # contributors, strikers, the others: each is touched
        assert (permitted["all"] != permitted["none"])[first : first + 10].any()


# An intervention at the value of the world without it changes nothing, bit for bit

KINDS = get_args(get_args(Interventions)[0])
LIVELY = {"revision_probability": 0.6, "cost_scale": 0.8}
SURE = {"trust": 1.0, "forecast": False}
CHANGING = {
    PortabilityLaw: [{"success": 0.9, "tool": 0.2}, {"success": 0.2, "tool": 1.0}],
    DeletionRight: [{"granted": False}, {"tool": 1.0}, {"delay": 3}, {"executed": 0.5}],
    Interoperability: [{"degree": 0.6}],
    Assistant: [
        {"trust": 1.0},
        SURE | {"gap": True, "reach": 1.0},
        SURE | {"sign_ups": True},
        {"trust": 0.0, "campaigns": True, "search_tool": 1.0},
        {"coverage": 0.5, "forecast_bias": 0.2},
    ],
    TrackingBlocker: [{}, {"breakage": 2.0}],
    ConsentDefault: [{}, {"consent": 1.0, "awareness": 0.2}, {"consent": 1.0, "opt_out_cost": 3.0}],
    OrganiserSubsidy: [],  # matters under a rule with an organiser only
    ConditionalPledge: [{"goal": 0.6}],
    Seeding: [{"seeds": {"kind": "random", "share": 0.5}}],
    CoalitionCampaign: [
        {"budget": 600.0},
        {"consideration": 1.0, "minimum": 0.01, "budget": 0.0},
        {"goal": "health", "consideration": 1.0, "minimum": 0.01},
    ],
    Canvass: [{"budget": 100.0}, {"budget": 100.0, "stance": "cdc"}],
    CommunityAction: [{"budget": 200.0}, {"budget": 0.0, "consideration": 0.5}],
    DataDividend: [
        {},
        {"unit": "fund"},
        {"transform": "equal"},
        {"unit": "group", "group": "interest_quarter", "transform": "bin"},
        {"coverage": 0.5},
    ],
    Credits: [{}],
    Voice: [],  # matters where Large Co. concedes only
    DataLicence: [{}, {"term": "pay", "least": 0.1}],
    WeightDeletionOrder: [],  # matters where Large Co. launders only
    Audit: [],  # matters where Large Co. hides something only
}
"""Fields with which each kind does change a lively run."""


@pytest.fixture(scope="module", params=["digits", "stream"])
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
            coalitions={"communities": {"number": 10}},
            rng=4,
            **setting,
        )
        return ticks_of(model, 6)

    return play


@pytest.fixture(scope="module")
def without(played):
    """The ticks of the lively run without any intervention."""
    return played()


def test_every_kind_says_when_it_changes_nothing():
    assert set(CHANGING) == set(KINDS)
    assert all(kind.NO_OP for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_intervention_that_changes_nothing_changes_nothing(played, without, kind):
    assert played(kind(start=3, **kind.NO_OP)).equals(without)
    assert played(kind(start=2, ramp=2, end=5, coverage=0.0)).equals(without)
    for fields in CHANGING[kind]:
        changed = played(kind(start=3, **fields))
        assert not changed.equals(without)
        # Not a tick before it is in force.
        assert changed[:3].equals(without[:3])


def test_who_is_not_reached_lives_as_before_to_the_last_bit(digits, society):
    """Costs, choices and welfare of the others are those of a world without the law."""
    laws = [
        PortabilityLaw(coverage=0.4),
        DeletionRight(tool=0.7, coverage=0.4),
        ConsentDefault(consent=1.0, opt_out_cost=0.3, coverage=0.4),
    ]
    rows, utilities = np.arange(300), []
    for interventions in ([], laws):
        model = society(digits, interventions=interventions, decision={"revision_probability": 0.0})
        model.step()
        utilities.append(model.rule.utilities(model._information(), rows))
    reached = np.logical_or.reduce([model.policy_schedule.reached(number) for number in range(3)])
    assert 0.5 < reached.mean() < 0.95
    same = (utilities[0] == utilities[1]).all(axis=1)
    np.testing.assert_array_equal(same, ~reached)


def test_all_interventions_at_once_that_change_nothing_change_nothing(played, without):
    nothing = [kind(start=1, ramp=3, end=4, **kind.NO_OP) for kind in KINDS]
    assert played(*nothing).equals(without)


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
