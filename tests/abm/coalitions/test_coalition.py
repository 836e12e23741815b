"""A data union: who joins, how it decides, whom it binds, who leaves, and what membership costs."""

import numpy as np
import pytest

from abm.coalitions import Coalition
from abm.goals import GOALS
from learners.errors import InputError
from scenarios.organising import CoalitionCampaign

PRIVACY = GOALS.index("privacy")
OPEN = {
    "start": 1,
    "budget": 0.0,
    "consideration": 1.0,
    "minimum": 0.0,
    "loyalty": 1.0,
    "reconsideration": 0.0,
}


def members(model):
    return model.organisations.membership.coalition >= 0


def step(model, ticks=1):
    for _ in range(ticks):
        model.step()
    return model


# Joining


def test_those_join_whom_it_is_worth_to_given_goals_neighbours_and_dues(town):
    worth = np.random.default_rng(1).uniform(-0.6, 0.6, 200)
    goals = {"pay": 0.5, "privacy": 0.5}
    union = CoalitionCampaign(**OPEN | {"dues": 0.05, "goal_weight": 0.2, "ties_weight": 0.4})
    model = town(union, worth=worth, population={"goals": {**dict.fromkeys(GOALS, 0.0), **goals}})
    step(model)
    apart = model.population.goal == PRIVACY
    assert 50 < apart.sum() < 150
    first = worth - 0.2 * apart - 0.05 > 0
    np.testing.assert_array_equal(members(model), first)
    # From now on there are members among the neighbours.
    near = model.network.neighbour_counts(first) / model.network.degree
    step(model)
    second = first | (worth - 0.2 * apart - 0.05 + 0.4 * near > 0)
    np.testing.assert_array_equal(members(model), second)
    assert second.sum() > first.sum()


def test_being_asked_persuades_and_costs_effort(town):
    worth = np.full(200, -0.2)
    model = town(
        CoalitionCampaign(**OPEN | {"consideration": 0.0, "budget": 30.0, "ties_weight": 0.0}), worth=worth
    )
    step(model, 3)
    assert members(model).sum() == 45
    assert model.ticks[-1]["organiser_effort"] == 90
    unmoved = town(
        CoalitionCampaign(**OPEN | {"consideration": 0.0, "budget": 30.0, "ties_weight": 0.0}),
        worth=worth,
        coalitions={"effort": {"persuasion": 0.1}},
    )
    step(unmoved, 3)
    assert not members(unmoved).any()
    assert unmoved.ticks[-1]["organiser_effort"] == 90
    dearer = town(
        CoalitionCampaign(**OPEN | {"consideration": 0.0, "budget": 30.0, "ties_weight": 0.0}),
        worth=worth,
        coalitions={"effort": {"recruit": 10.0}},
    )
    assert members(step(dearer, 3)).sum() == 9


def test_people_count_on_the_members_or_on_the_minimum_and_on_their_loyalty(town, opinionated):
    rule = opinionated(np.where(np.arange(200) < 100, 1.0, -1.0))
    model = town(CoalitionCampaign(**OPEN | {"minimum": 0.2, "loyalty": 0.5}), decision=rule)
    step(model, 2)
    # Joining at tick 1; the vote there; joining at tick 2 with half of the people inside.
    assert rule.blocs[:3] == pytest.approx([0.1, 0.25, 0.25])


def test_nobody_is_in_two_coalitions_and_the_first_comes_first(town):
    unions = [
        CoalitionCampaign(**OPEN | {"name": name, "stance": stance})
        for name, stance in (("one", "strike"), ("two", "cdc"))
    ]
    worth = np.where(np.arange(200) < 120, 1.0, -1.0)
    model = step(town(*unions, worth=worth))
    sizes = [union.size for union in model.organisations.coalitions]
    assert sizes == [120, 0]
    assert model.ticks[-1]["coalitions"] == 1
    assert model.ticks[-1]["share_in_coalitions"] == model.ticks[-1]["share_in_largest_coalition"] == 0.6


def test_only_the_people_reached_can_join(town):
    model = step(town(CoalitionCampaign(**OPEN, coverage=0.4), worth=np.ones(200)), 3)
    reached = model.policy_schedule.reached(0)
    assert 50 < reached.sum() < 110
    np.testing.assert_array_equal(members(model), reached)


# Acting


def test_one_decision_moves_the_data_of_all_members_at_once(town, striking):
    worth = np.where(np.arange(200) < 60, 1.0, -1.0)
    model = town(CoalitionCampaign(**OPEN), worth=worth)
    step(model)
    assert striking(model) == set(range(60))
    deletes = [entry for entry in model.ledger.at(1) if entry.move == "delete"]
    assert [len(entry.users) for entry in deletes] == [60]
    assert model.ticks[-1]["coalitions_active"] == 1
    assert model.ticks[-1]["share_bound"] == 0.3
    assert model.large.records == pytest.approx(model.population.records[60:].sum())


def test_it_waits_for_its_minimum_and_ends_when_it_falls_below(town, striking):
    worth = np.where(np.arange(200) < 60, 1.0, -1.0)
    small = step(town(CoalitionCampaign(**OPEN | {"minimum": 0.31}), worth=worth), 3)
    assert members(small).sum() == 60
    assert not striking(small)
    enough = step(town(CoalitionCampaign(**OPEN | {"minimum": 0.3}), worth=worth), 3)
    assert len(striking(enough)) == 60
    union = enough.organisations.coalitions[0]
    enough.organisations.membership.leave(np.arange(5))
    assert step(enough).ticks[-1]["coalitions_active"] == 0
    assert not union.active
    assert "coalition end" in set(enough.events.table()["kind"])


@pytest.mark.parametrize(
    ("decides", "share", "acts"),
    [
        ("majority", 0.6, True),
        ("majority", 0.4, False),
        ("quorum", 0.6, False),
        ("quorum", 0.7, True),
        ("unanimity", 0.99, False),
        ("unanimity", 1.0, True),
    ],
)
def test_members_decide(town, striking, opinionated, decides, share, acts):
    """Everybody joins, as they are sure of it; then some think otherwise."""
    rule = opinionated(np.ones(200))
    model = step(
        town(CoalitionCampaign(**OPEN | {"decides": decides, "minimum": 1.0, "term": 2}), decision=rule)
    )
    assert striking(model)
    rule.worth = np.where(np.arange(200) < 200 * share, 1.0, -1.0)
    assert len(striking(step(model))) == 200  # a decision stands for its term
    step(model)
    assert model.organisations.coalitions[0].active is acts


def test_the_leader_is_the_member_of_most_interest(town, opinionated):
    rule = opinionated(np.ones(200))
    model = step(town(CoalitionCampaign(**OPEN | {"decides": "leader", "term": 1}), decision=rule))
    leader = int(model.population.interest.argmax())
    rule.worth = np.where(np.arange(200) == leader, -1.0, 1.0)
    assert not step(model).organisations.coalitions[0].active
    rule.worth = -rule.worth
    assert step(model).organisations.coalitions[0].active


def test_the_loyal_are_the_same_people_and_the_others_choose_for_themselves(town, striking):
    model = step(town(CoalitionCampaign(**OPEN | {"loyalty": 0.7}), worth=np.ones(200)))
    loyal = striking(model)
    assert 110 < len(loyal) < 170
    for _ in range(5):
        assert striking(step(model)) == loyal
    more = step(town(CoalitionCampaign(**OPEN | {"loyalty": 0.9}), worth=np.ones(200)))
    assert loyal < striking(more)


def test_bound_members_do_not_act_where_the_law_forbids_it(town, striking):
    law = {"deletion_right": False}
    model = step(town(CoalitionCampaign(**OPEN), worth=np.ones(200), policy=law))
    assert members(model).all()
    assert not striking(model)


def test_any_stance_can_be_asked_poison_included(town):
    union = CoalitionCampaign(**OPEN | {"stance": "poison:random_label"})
    with pytest.raises(InputError, match=r"^interventions\.0: stance 'poison:random_label' is not one of"):
        town(union, worth=np.ones(200))
    model = step(town(CoalitionCampaign(**OPEN | {"stance": "cdc_delete"}), worth=np.ones(200)))
    assert model.ticks[-1]["share_cdc_delete"] == 1
    assert model.population.has_copy.all()


# Leaving


def test_who_is_disappointed_leaves_and_does_not_come_back(town):
    """A strike of three in ten achieves next to nothing; people hoped for more."""
    worth = np.where(np.arange(200) < 60, 1.0, -1.0)
    terms = OPEN | {"reconsideration": 1.0, "tolerance": 0.1, "minimum": 0.3}
    model = step(town(CoalitionCampaign(**terms), worth=worth))
    before = members(model)
    hoped, achieved = model.organisations.membership.hoped, model.ticks[-1]["dlp_strike"]
    assert achieved < 0.1
    short = model.population.interest * (hoped - achieved) > 0.1
    step(model)
    gone = before & short
    assert 5 < gone.sum() < 60
    np.testing.assert_array_equal(members(model), before & ~gone)
    assert not members(step(model, 4))[gone].any()


def test_patience_and_rare_doubts_keep_members(town):
    worth = np.where(np.arange(200) < 60, 1.0, -1.0)
    patient = step(
        town(CoalitionCampaign(**OPEN | {"reconsideration": 1.0, "tolerance": 50.0}), worth=worth), 5
    )
    assert members(patient).sum() == 60
    never = step(town(CoalitionCampaign(**OPEN | {"tolerance": 0.0}), worth=worth), 5)
    assert members(never).sum() == 60


def test_hopes_are_the_members_own(town):
    model = step(town(CoalitionCampaign(**OPEN | {"minimum": 0.5, "loyalty": 0.8}), worth=np.ones(200)))
    by_family = model.beliefs.effect("remove", 0.4)
    # The beliefs of tick 0, since nothing was published before tick 1.
    fresh = town(worth=np.ones(200)).beliefs.effect("remove", 0.4)
    hoped = model.organisations.membership.hoped
    np.testing.assert_allclose(hoped, fresh[model.population.family], rtol=1e-6)
    assert by_family.shape == fresh.shape


def test_dues_alone_drive_out_who_tolerates_less(town):
    worth = np.ones(200)
    waiting = OPEN | {"minimum": 1.0, "coverage": 0.5, "reconsideration": 1.0}
    cheap = step(town(CoalitionCampaign(**waiting, dues=0.1, tolerance=0.2), worth=worth), 3)
    dear = step(town(CoalitionCampaign(**waiting, dues=0.3, tolerance=0.2), worth=worth), 3)
    assert members(cheap).sum() > 50
    assert not members(dear).any()


def test_the_end_of_a_campaign_dissolves_it(town, striking):
    model = town(CoalitionCampaign(**OPEN, end=4), worth=np.ones(200))
    step(model, 3)
    union = model.organisations.coalitions[0]
    assert union in set(model.agents)
    assert len(striking(model)) == 200
    step(model)
    assert union.ended
    assert not members(model).any()
    assert union not in set(model.agents)
    assert model.ticks[-1]["share_bound"] == 0
    assert model.ticks[-1]["coalitions"] == 0


# What it costs


def test_members_bear_dues(town):
    worth = np.where(np.arange(200) < 80, 1.0, -1.0)
    utilities = {}
    for dues in (0.0, 0.15):
        model = step(town(CoalitionCampaign(**OPEN, dues=dues), worth=worth), 2)
        utilities[dues] = model.welfare.utilities(model)
    paid = utilities[0.0] - utilities[0.15]
    np.testing.assert_allclose(paid, np.where(members(model), 0.15, 0.0), atol=1e-6)
    assert model.ticks[-1]["dues_paid"] == pytest.approx(80 * 0.15)


def test_a_subsidy_takes_over_costs_in_welfare_and_in_decisions(town):
    """Of who acts, the part of the cost; of who waits, the cost that they would have."""
    worth = np.where(np.arange(200) < 80, 1.0, -1.0)
    spent = {}
    for subsidy in (0.0, 0.25, 1.0):
        model = step(town(CoalitionCampaign(**OPEN, subsidy=subsidy), worth=worth), 2)
        spent[subsidy] = model.welfare.utilities(model)
        strikes = members(model)
    gained = spent[1.0] - spent[0.0]
    assert (gained[~strikes] == 0).all()
    assert gained[strikes].min() > 0.05
    np.testing.assert_allclose(spent[0.25] - spent[0.0], gained / 4, atol=1e-6)


def test_a_subsidy_changes_what_logit_users_make_of_the_stance(town):
    union = CoalitionCampaign(**OPEN | {"minimum": 1.0, "subsidy": 1.0, "coverage": 0.6})
    model = step(town(union, decision={"revision_probability": 0.0}))
    rows, view = np.arange(200), model._information()
    with_it = model.rule.utilities(view, rows)
    model.population.relief = None
    without = model.rule.utilities(view, rows)
    strike, leave = model.stances.code("strike"), model.stances.code("boycott_leave")
    inside = members(model)
    assert 0 < inside.sum() < 200
    assert (with_it[inside, strike] > without[inside, strike]).all()
    assert (with_it[~inside] == without[~inside]).all()
    # Of a boycott it pays for what is a part of the strike, withholding, and not for leaving.
    gain = with_it - without
    assert (gain[inside, leave] < gain[inside, strike]).all()
    assert (gain[:, model.stances.code("cdc")] == 0).all()


# Voice


def test_with_voice_the_company_knows_what_those_want_who_act(town):
    worth = np.where(np.arange(200) < 80, 1.0, -1.0)
    for voice in (True, False):
        model = town(CoalitionCampaign(**OPEN, goal="privacy", voice=voice, goal_weight=0.0), worth=worth)
        assert (model.organisations.stated_goals == -1).all()
        step(model)
        union = model.organisations.coalitions[0]
        assert union.stated_goal == ("privacy" if voice else None)
        expected = np.where(members(model) & voice, PRIVACY, -1)
        np.testing.assert_array_equal(model.organisations.stated_goals, expected)


def test_size_is_a_poll_of_each_goal(town):
    worth = np.where(np.arange(200) < 80, 1.0, -1.0)
    row = step(town(CoalitionCampaign(**OPEN, goal="health", goal_weight=0.0), worth=worth)).ticks[-1]
    assert {goal: row[f"poll_{goal}"] for goal in GOALS} == {**dict.fromkeys(GOALS, 0.0), "health": 0.4}


def test_what_is_granted_ends_the_action(town, striking):
    model = step(town(CoalitionCampaign(**OPEN, goal="pay"), worth=np.ones(200)))
    assert model.organisations.coalitions[0].active
    model.concessions.conceded[GOALS.index("health")] = True
    assert step(model).organisations.coalitions[0].active
    model.concessions.conceded[GOALS.index("pay")] = True
    assert not step(model, 8).organisations.coalitions[0].active


# What others read, and what is recorded


def test_a_standing_coalition_is_there_from_the_start(town, striking):
    standing = {
        "standing": [{k: v for k, v in OPEN.items() if k != "start"} | {"demand": 0.1, "name": "old"}]
    }
    model = town(worth=np.where(np.arange(200) < 50, 1.0, -1.0), coalitions=standing)
    union = model.organisations.coalitions[0]
    assert isinstance(union, Coalition)
    assert union in set(model.agents)
    assert (union.size, union.active, union.demand, union.reservation) == (0, False, 0.1, 0.02)
    step(model)
    assert (union.size, union.share, union.active) == (50, 0.25, True)
    assert union.data_share == pytest.approx(0.25)
    np.testing.assert_array_equal(union.members, np.arange(200) < 50)
    assert model.stances.names[union.stance] == "strike"
    assert striking(model) == set(range(50))


def test_what_happens_is_told(town):
    events = step(town(CoalitionCampaign(**OPEN, end=5), worth=np.ones(200)), 6).events.table()
    told = events[events["kind"].str.startswith("coalition")]
    assert told["kind"].tolist() == [
        f"coalition {what}" for what in ("founded", "join", "vote", "act", "end", "dissolved")
    ]
    assert set(told["subject"]) == {"data union"}
    assert told["value"].tolist()[1:4] == [200, 1, 200]


def test_no_two_coalitions_are_called_alike(town):
    laws = [CoalitionCampaign(**OPEN, name=name) for name in ("union", "union 2", "union", "union")]
    model = step(town(*laws))
    names = ["union", "union 2", "union 3", "union 4"]
    assert [coalition.name for coalition in model.organisations.coalitions] == names
    told = model.events.table()
    assert told["subject"][told["kind"] == "coalition founded"].tolist() == names


def test_no_coalition_is_the_world_without_coalitions(town, ticks_of):
    plain, other = (ticks_of(town(decision={}, coalitions=given), 6) for given in (None, {"moderators": 7}))
    assert plain.equals(other)
    assert (plain["share_in_coalitions"] == 0).all()
    assert plain["leverage_per_effort_strike"].isna().all()


def test_bad_terms_are_refused(town):
    for fields, message in (
        ({"stance": "stay"}, "'stay' is not one of"),
        ({"goal": "fame"}, "goal"),
        ({"demand": 0.1, "reservation": 0.2}, "above the demand"),
        ({"loyalty": 1.5}, "less than or equal to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            CoalitionCampaign(**fields)
    with pytest.raises(InputError, match=r"^coalitions\.moderators: .*greater than or equal to 1"):
        town(coalitions={"moderators": 0})
    with pytest.raises(InputError, match=r"stance: 'campaign' needs a rule with a campaign, not Opinionated"):
        town(CoalitionCampaign(stance="campaign"))
