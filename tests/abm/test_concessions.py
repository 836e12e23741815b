import numpy as np
import pytest

from abm.goals import GOALS
from learners.curves.published_curves import published_curve

ALL = {goal: float(goal == "privacy") for goal in GOALS}


def answering(society, prescribed, stance="boycott", users=30, goals=None, policy=None, rng=1, **concessions):
    """Forty people on a published curve, of whom some act from tick 1 on."""
    return society(
        "ml-10m",
        curve=published_curve("ml-10m", "surrogate"),
        population={"users": 40, "goals": goals or {}, "beliefs": {"linear": 0.7, "true": 0.0}},
        decision=prescribed({1: {stance: np.arange(users)}}),
        companies={"concessions": {"rule": "profit", "every": 1, **concessions}},
        policy=policy or {},
        rng=rng,
    )


def ticks(model, n):
    for _ in range(n):
        model.step()
    return model.ticks[-1]


def kinds(model):
    events = model.events.table()
    return events[events["kind"] == "concession"]["subject"].tolist()


def test_it_concedes_as_soon_as_the_loss_that_it_expects_exceeds_the_cost(society, prescribed):
    # Three in four leave at tick 1, and on the trend of two points everybody is gone at the next.
    model = answering(society, prescribed, horizon=3, discount=0.5, memory=2, cost=100.0)
    ticks(model, 1)
    loss = 1 - model.revenue.large
    assert loss == pytest.approx(0.75, abs=0.01)
    assert model.concessions.expected_loss() == pytest.approx(0.5 + 0.25 + 0.125)
    ticks(model, 1)  # flat by now
    assert model.concessions.expected_loss() == pytest.approx(loss * (0.5 + 0.25 + 0.125))
    assert kinds(model) == []
    for cost, concedes in ((0.65, True), (0.66, False)):
        model = answering(society, prescribed, horizon=3, discount=0.5, memory=2, every=2, cost=cost)
        ticks(model, 2)
        assert (len(kinds(model)) == 1) is concedes


def test_it_does_not_concede_to_nobody_nor_what_never_pays(society, prescribed):
    quiet = answering(society, prescribed, users=0, cost=0.0)
    assert ticks(quiet, 5)["conceded"] == 0
    never = answering(society, prescribed, rule="never", cost=0.0)
    assert ticks(never, 5)["conceded"] == 0
    assert never.ticks[-1]["participation"] == 0.75


def test_pay_costs_the_dividend_too(society, prescribed):
    goals = {goal: float(goal == "pay") for goal in GOALS}
    model = answering(
        society, prescribed, goals=goals, policy={"voice": True}, dividend=0.2, cost=0.1, returning=0.0,
        memory=2, every=2, horizon=2, discount=0.5,
    )  # fmt: skip
    ticks(model, 1)
    assert kinds(model) == []
    ticks(model, 1)
    assert kinds(model) == ["pay"]
    revenue = model.revenue.large
    assert model.concessions.expected_cost(0.2) == pytest.approx(0.1 + 0.2 * revenue * 0.75)
    assert model.concessions.expected_cost(0.0) == pytest.approx(0.1)
    assert model.ticks[-1]["dividend_paid"] == 0
    assert model.ticks[-1]["net_revenue_large"] == pytest.approx(revenue - 0.1)
    row = ticks(model, 1)
    assert row["dividend_paid"] == pytest.approx(0.2 * model.revenue.large)
    assert row["net_revenue_large"] == pytest.approx(0.8 * model.revenue.large)


def test_with_a_voice_it_meets_what_most_want_and_they_return(society, prescribed):
    model = answering(society, prescribed, goals=ALL, policy={"voice": True}, cost=0.2, returning=1.0)
    row = ticks(model, 1)
    assert kinds(model) == ["privacy"]
    assert (row["conceded"], row["conceded_privacy"], row["share_goal_met"]) == (1, 1, 1.0)
    assert row["share_satisfied"] == 1.0
    assert row["participation"] == 0.75  # they learn of it at the next tick
    row = ticks(model, 1)
    assert row["participation"] == 0
    assert not model.large.deleted.any()  # with them return their data
    assert row["revenue_large"] == pytest.approx(1)


def test_without_a_voice_it_guesses(society, prescribed):
    firsts = []
    for seed in range(40):
        model = answering(society, prescribed, goals=ALL, cost=0.2, returning=1.0, rng=seed)
        ticks(model, 1)
        firsts += kinds(model)
    assert len(firsts) == 40
    counts = np.array([firsts.count(goal) for goal in GOALS])
    assert (counts >= 2).all()
    assert counts.max() <= 18
    # It goes on until it has met what they want, and never concedes the same twice.
    row = ticks(model, 6)
    assert row["participation"] == 0
    assert len(kinds(model)) == len(set(kinds(model)))


def test_only_those_are_heard_who_have_a_voice(society, prescribed):
    """Who acts and is heard decides the kind, even if more others act."""
    from scenarios.interventions import Voice

    laws = [Voice(coverage=0.3)]
    found = set()
    for seed in range(6):
        model = society(
            "ml-10m",
            curve=published_curve("ml-10m", "surrogate"),
            population={"users": 40, "beliefs": {"linear": 0.7, "true": 0.0}},
            decision=prescribed({1: {"boycott": np.arange(40)}}),
            companies={"concessions": {"rule": "profit", "every": 1, "cost": 0.2}},
            interventions=laws,
            rng=seed,
        )
        heard = model.policy_schedule.reached(0)
        model.population.goal[:] = np.where(heard, GOALS.index("health"), GOALS.index("privacy"))
        ticks(model, 1)
        found |= set(kinds(model))
    assert found == {"health"}


def test_some_go_on_and_who_is_satisfied_stays_quiet(society, prescribed):
    model = answering(society, prescribed, goals=ALL, policy={"voice": True}, cost=0.2, returning=0.5)
    ticks(model, 1)
    calm = model.concessions.satisfied.copy()
    assert 8 < calm.sum() < 32
    model.rule.moves[2] = {"strike": np.arange(40)}
    ticks(model, 1)
    strikes = model.population.stance == model.stances.code("strike")
    np.testing.assert_array_equal(strikes, ~calm)


def test_a_copy_at_small_co_stays_with_who_is_satisfied(society, prescribed):
    model = answering(
        society, prescribed, stance="move", goals=ALL, policy={"voice": True}, cost=0.2, returning=1.0
    )
    row = ticks(model, 2)
    assert row["share_cdc"] == 0.75
    assert row["share_move"] == 0
    assert model.small.known[:30].all()


def test_by_logit_it_concedes_the_more_often_the_more_it_would_lose(society, prescribed):
    conceded = {}
    for cost in (0.45, 0.656, 0.9):
        conceded[cost] = 0
        for seed in range(16):
            model = answering(
                society, prescribed, rule="logit", precision=10.0, memory=2, every=2, horizon=3, discount=0.5,
                cost=cost, rng=seed, goals=ALL, policy={"voice": True},
            )  # fmt: skip
            ticks(model, 2)
            conceded[cost] += len(kinds(model))
    # Loss .656 after two ticks: probabilities .89, .5, .08.
    assert conceded[0.45] > conceded[0.656] > conceded[0.9]
    assert 3 <= conceded[0.656] <= 13


def with_a_union(society, prescribed, goal="pay", demand=0.3, reservation=0.1, voice=True, **concessions):
    """Return a model whose union of thirty people, of forty, will boycott from tick 1 on."""
    model = society(
        "ml-10m",
        curve=published_curve("ml-10m", "surrogate"),
        population={"users": 40, "goals": ALL, "beliefs": {"linear": 0.7, "true": 0.0}},
        decision=prescribed({}),
        coalitions={
            "standing": [
                {"goal": goal, "demand": demand, "reservation": reservation, "voice": voice}
                | {
                    "stance": "boycott",
                    "loyalty": 1.0,
                    "consideration": 0.0,
                    "budget": 0.0,
                    "reconsideration": 0.0,
                    "term": 99,
                }
            ]
        },
        companies={"concessions": {"rule": "profit", "every": 1, "cost": 0.2, **concessions}},
    )
    union = model.organisations.coalitions[0]
    model.organisations.membership.join(np.arange(30), 0, np.zeros(30, np.float32))
    union.active, union._decided_until = True, 99
    return model


@pytest.mark.parametrize("goal", ["environment", "stop_practice"])
def test_a_union_speaks_for_its_members(society, prescribed, goal):
    """What the union is for is heard, whatever its members want themselves."""
    model = with_a_union(society, prescribed, goal)
    row = ticks(model, 1)
    assert row["share_boycott"] == 0.75
    assert kinds(model) == [goal]
    # What it wanted is granted, so it acts no more; what its members want is another matter.
    row = ticks(model, 2)
    assert not model.organisations.coalitions[0].active
    assert row["share_satisfied"] == 0


def test_a_union_without_a_voice_is_not_heard(society, prescribed):
    model = with_a_union(society, prescribed, voice=False)
    model.organisations.coalitions[0].goal = "health"
    ticks(model, 5)
    assert len(kinds(model)) == 5  # all that there is, before it knows what it was about


@pytest.mark.parametrize(
    ("demand", "reservation", "bargain", "expected"),
    [(0.3, 0.1, 0.5, 0.3), (0.6, 0.1, 0.5, 0.375), (0.6, 0.1, 0.25, 0.1875), (0.6, 0.5, 0.5, None)],
)
def test_a_union_bargains_over_pay(society, prescribed, demand, reservation, bargain, expected):
    """It is offered a share of what Large Co. expects to lose, up to its demand, and has a least."""
    model = with_a_union(
        society, prescribed, demand=demand, reservation=reservation, bargain=bargain, memory=2, every=2
    )
    ticks(model, 2)
    events = model.events.table()
    refused = events[events["kind"] == "offer refused"]
    if expected is None:
        assert kinds(model) == []
        assert refused["value"].iloc[0] == pytest.approx(0.375, abs=0.01)
        return
    assert kinds(model) == ["pay"]
    assert refused.empty
    # It cannot pay out more than it earns.
    assert model.concessions.dividend * model.revenue.large == pytest.approx(min(0.25, expected), abs=0.01)
