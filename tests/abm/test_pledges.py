import numpy as np
import pytest
from pydantic import ValidationError

from abm.decisions import DecisionRule
from abm.targeting import Target
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from scenarios.interventions import Assistant, ConditionalPledge, DeletionRight

STRIKE, CDC = "strike", "cdc"


class Willing(DecisionRule):
    """Given users are willing to pledge from given ticks on; by themselves all want to stay."""

    requests_portability = False

    def __init__(self, ticks, wants=None):
        self.ticks = np.asarray(ticks)
        self.wants = wants or {}
        self.asked = []

    def choose(self, view):
        wanted = np.zeros(view.population.n_users, np.int8)
        wanted[view.population.has_copy] = view.stances.code("cdc")
        for name, users in self.wants.items():
            wanted[users] = view.stances.code(name)
        return wanted

    def would_join(self, view, rows, stance, share):
        self.asked.append((view.tick, rows.tolist(), view.stances.names[stance], share))
        return self.ticks[rows] <= view.tick


@pytest.fixture
def drive(few_digits, society):
    """Return a function that builds a society of forty: the rule, and the fields of the pledge."""

    def build(ticks, wants=None, others=(), **fields):
        pledge = ConditionalPledge(**{"start": 1, "goal": 0.5, "deadline": 4, "duration": 3} | fields)
        return society(few_digits, decision=Willing(ticks, wants), interventions=[pledge, *others])

    return build


def strikers(model, ticks):
    """Number of users in the pledged stance after each tick."""
    counts = []
    for _ in range(ticks):
        model.step()
        counts.append(int((model.population.stance == model.stances.code(STRIKE)).sum()))
    return counts


def told(model):
    events = model.events.table().query("kind == 'pledge'")
    return [(row.tick, row.text.partition(":")[0]) for row in events.itertuples()]


# Forty users: so many are willing from each tick on

SLOW = np.repeat([1, 2, 3, 9], [8, 8, 8, 16])


def test_when_enough_have_pledged_all_of_them_act_at_once_and_keep_to_it(drive):
    model = drive(SLOW)
    # 8, then 16, then 24 pledges, of 20 that are needed; then three ticks of striking, and back.
    assert strikers(model, 7) == [0, 0, 24, 24, 24, 0, 0]
    ticks = [row["share_pledged"] for row in model.ticks]
    assert ticks == [0, 0.2, 0.4, 0.6, 0.6, 0.6, 0, 0]
    assert told(model) == [(1, "opened"), (3, "reached")]
    assert model.large.deleted.sum() == 0


def test_too_few_by_the_deadline_do_nothing(drive):
    model = drive(SLOW, deadline=2)
    assert strikers(model, 6) == [0] * 6
    assert [row["share_pledged"] for row in model.ticks] == [0, 0.2, 0.4, 0, 0, 0, 0]
    assert told(model) == [(1, "opened"), (3, "lapsed")]
    assert not model.ledger.entries


def test_nobody_is_asked_again_who_has_pledged_or_acts_already(drive):
    model = drive(SLOW, wants={STRIKE: np.arange(36, 40)}, deadline=3)
    for _ in range(2):
        model.step()
    first, second = model.rule.asked
    # At the first tick those who strike of their own accord do not yet.
    assert first == (1, list(range(40)), STRIKE, 0.5)
    assert second == (2, list(range(8, 36)), STRIKE, 0.5)


def test_who_acts_already_counts_towards_the_goal(drive):
    alone = drive(SLOW, goal=0.7)
    assert max(strikers(alone, 4)) == 0
    helped = drive(SLOW, goal=0.7, wants={STRIKE: np.arange(30, 40)})
    assert strikers(helped, 4) == [10, 10, 34, 34]


def test_a_goal_in_data_counts_records(ratings, society):
    """The tenth with most records owns more than a tenth of them."""
    records = ratings.records_per_owner
    heavy = np.argsort(records)[-12:]
    ticks = np.full(len(records), 99)
    ticks[heavy] = 1
    share = records[heavy].sum() / records.sum()
    assert share > 0.25
    for measure, reached in (("users", False), ("data", True)):
        pledge = ConditionalPledge(start=1, goal=0.25, measure=measure)
        model = society(ratings, decision=Willing(ticks), interventions=[pledge])
        model.step()
        assert (model.population.stance == model.stances.code(STRIKE)).sum() == (12 if reached else 0)


@pytest.mark.parametrize("leakage", [0.0, 0.25, 1.0])
def test_who_leaks_does_not_act(drive, leakage):
    model = drive(np.ones(40, int), leakage=leakage, goal=1.0)
    acting = strikers(model, 2)
    assert acting[0] == acting[1]
    assert acting[0] == pytest.approx(40 * (1 - leakage), abs=8 if 0 < leakage < 1 else 0)
    leaky = drive(np.ones(40, int), leakage=0.6, goal=1.0)
    leaky.step()
    acts = leaky.population.stance == leaky.stances.code(STRIKE)
    assert set(np.flatnonzero(acts)) <= set(np.flatnonzero(model.population.stance)) or leakage > 0.6


def test_who_is_not_sure_to_consider_it_pledges_later(drive):
    model = drive(np.ones(40, int), consideration=0.3, goal=1.0, deadline=50)
    shares = []
    for _ in range(6):
        model.step()
        shares.append(model.ticks[-1]["share_pledged"])
    assert shares[0] == pytest.approx(0.3, abs=0.25)
    assert 0 < shares[0] < shares[2] < shares[5]


def test_only_the_target_is_asked(ratings, society):
    pledge = ConditionalPledge(start=1, goal=0.1, target=Target(group="gender", label="F"))
    women = ratings.groups["gender"] == "F"
    model = society(ratings, decision=Willing(np.ones(len(women), int)), interventions=[pledge])
    model.step()
    np.testing.assert_array_equal(model.population.stance != 0, women)


def test_a_drive_that_is_called_off_lapses(drive):
    model = drive(SLOW, end=3)
    assert max(strikers(model, 5)) == 0
    assert told(model) == [(1, "opened"), (3, "lapsed")]


def test_pledges_through_the_assistant_need_one_that_shows_them(drive):
    everybody = np.ones(40, int)
    assert strikers(drive(everybody, through_assistant=True), 2) == [0, 0]
    blind = Assistant(forecast=False)
    assert strikers(drive(everybody, through_assistant=True, others=[blind]), 2) == [0, 0]
    shown = Assistant(forecast=False, pledges=True, start=2)
    model = drive(everybody, through_assistant=True, others=[shown])
    assert strikers(model, 2) == [0, 40]
    assert told(model) == [(2, "opened"), (2, "reached")]


def test_what_the_law_forbids_cannot_be_kept(drive):
    ban = DeletionRight(granted=False, start=2)
    model = drive(np.ones(40, int), others=[ban])
    model.step()
    assert model.large.deleted.all()
    later = drive(SLOW, others=[ban])
    assert strikers(later, 4) == [0] * 4


def test_pledged_contributions_are_requested_until_they_succeed(few_digits, society):
    rule = Willing(np.ones(40, int))
    rule.requests_portability = True
    pledge = ConditionalPledge(stance=CDC, start=1, goal=0.5, duration=30)
    model = society(few_digits, decision=rule, interventions=[pledge], policy={"portability_success": 0.3})
    held = []
    for _ in range(25):
        model.step()
        held.append(int(model.small.known.sum()))
    assert 3 < held[0] < 25
    assert held == sorted(held)
    assert held[-1] == 40


def test_two_drives_at_once(few_digits, society):
    ticks = np.ones(40, int)
    drives = [
        ConditionalPledge(start=1, goal=0.9, stance=CDC, duration=9),
        ConditionalPledge(start=2, goal=0.9, stance=STRIKE, duration=9),
    ]
    model = society(few_digits, decision=Willing(ticks), interventions=drives)
    model.step()
    assert model.small.known.all()
    assert not model.large.deleted.any()
    model.step()
    assert model.large.deleted.all()
    assert model.small.known.all()


# With the rule that people decide by


@pytest.fixture
def town(society):
    """Return a function that plays 1,500 people on a curve on which early strikes do nothing."""

    def play(*interventions, ticks=6, **decision):
        model = society(
            "cifar-10",
            curve=published_curve("cifar-10", "surrogate"),
            population={
                "users": 1500,
                "interest": {"median": 2.5},
                "beliefs": {"linear": 0.0, "pessimist": 1.0, "true": 0.0},
            },
            decision={
                "social_weight": 0.0,
                "weight_help": 0.0,
                "weight_revenue": 0.0,
                "revision_probability": 0.5,
                **decision,
            },
            interventions=interventions,
        )
        for _ in range(ticks):
            model.step()
        return model

    return play


def test_pledges_bring_about_what_nobody_starts_alone(town):
    """Who thinks that nothing happens until most take part takes part once most do."""

    def strikes(model):
        return [row["share_strike"] for row in model.ticks]

    alone = strikes(town())
    assert max(alone) < 0.15
    pledged = strikes(town(ConditionalPledge(start=1, goal=0.8, duration=3)))
    assert min(pledged[1:4]) > 0.8
    # Once most take part, staying in pays by itself.
    assert min(pledged) == 0 < 5 * alone[-1] < pledged[-1]
    # A goal that achieves nothing assures nobody of anything.
    small = strikes(town(ConditionalPledge(start=1, goal=0.1, duration=3)))
    assert max(small) < 0.15


def test_who_would_pledge_is_who_is_better_off_together(town):
    model = town(ticks=1)
    view, rule = model._information(), model.rule
    rows, stance = np.arange(model.population.n_users), model.stances.code(STRIKE)
    willing = {share: rule.would_join(view, rows, stance, share) for share in (0.01, 0.4, 0.8, 1.0)}
    shares = [willing[share].mean() for share in (0.01, 0.4, 0.8, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.15 < 0.8 < shares[2]
    # A share below what people think of as moving with them assures them of nothing more than that.
    np.testing.assert_array_equal(willing[0.01], rule.would_join(view, rows, stance, 0.05))
    interest = model.population.interest
    assert interest[willing[0.8]].mean() > interest[~willing[0.8]].mean()
    some = rows[100:200]
    np.testing.assert_array_equal(rule.would_join(view, some, stance, 0.8), willing[0.8][some])


def test_asking_who_would_pledge_changes_no_draw(town):
    quiet = town(ticks=4)
    asked = town(ConditionalPledge(start=1, goal=1.0, deadline=99), ticks=4)
    np.testing.assert_array_equal(quiet.population.stance, asked.population.stance)
    assert asked.ticks[-1]["share_pledged"] > 0.2


# What is refused


@pytest.mark.parametrize(
    ("rule", "fields", "message"),
    [
        ("logit", {"stance": "poison:nothing"}, r"^interventions\.0: stance 'poison:nothing' is not one of"),
        ("logit", {"stance": "march"}, r"^interventions\.0: stance 'march' is not one of"),
        ("scripted", {}, r"^interventions\.0: conditional_pledge: ScriptedRule cannot weigh a pledge$"),
    ],
)
def test_what_cannot_be_pledged_is_refused_at_once(few_digits, society, rule, fields, message):
    decision = {"rule": "scripted", "steps": [{"shares": {"cdc": 0.1}}]} if rule == "scripted" else None
    with pytest.raises(InputError, match=message):
        society(few_digits, decision=decision, interventions=[ConditionalPledge(**fields)])


@pytest.mark.parametrize(
    "fields",
    [{"goal": 0.0}, {"goal": 1.1}, {"deadline": 0}, {"duration": 0}, {"leakage": -0.1}, {"measure": "ties"}],
)
def test_values_out_of_range_are_refused(fields):
    with pytest.raises(ValidationError):
        ConditionalPledge(**fields)
