import dataclasses
import itertools
import math

import numpy as np
import pytest

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON, STAY, WITHHOLD
from abm.decisions import LogitParameters, LogitRule, ScriptedParameters, decision_rule
from abm.decisions.logit import gumbel_of_some
from learners.errors import InputError

STREAM = {"kind": "stream", "at_start": 0.5, "slices": 8}
ONE = np.array([3])


def view_of(model):
    """What users can know for the next decision."""
    return model._information()


def codes(model, *names):
    return [model.stances.code(name) for name in names]


def names_open(model, user):
    stances = model.stances
    return {stances.names[k] for k in np.flatnonzero(view_of(model).permitted(np.array([user]))[0])}


ALL = {
    "stay",
    "strike",
    "strike_withhold",
    "cdc",
    "cdc_delete",
    "boycott",
    "boycott_leave",
    "move",
    "poison:label_flip",
}

# What is permitted


def test_everything_is_permitted_by_default(few_digits, society):
    assert names_open(society(few_digits), 3) == ALL


@pytest.mark.parametrize(("deletion_right", "chosen"), [(True, False), (False, True)])
def test_withholding_alone_is_pointless_where_deleting_is_possible_and_nothing_arrives(
    few_digits, society, deletion_right, chosen
):
    decision = {"precision": 0.01, "revision_probability": 1.0, "shock_renewal": 1.0}
    model = society(few_digits, policy={"deletion_right": deletion_right}, decision=decision)
    for _ in range(10):
        model.step()
    assert any(row["share_strike_withhold"] > 0 for row in model.ticks) == chosen


def test_without_a_deletion_right_nobody_deletes(few_digits, society):
    model = society(few_digits, policy={"deletion_right": False})
    assert names_open(model, 3) == {"stay", "strike_withhold", "cdc", "boycott_leave", "poison:label_flip"}


def test_streams_offer_withholding_beside_deleting(untrained, society):
    model = society(untrained, clock=STREAM)
    poisons = {"poison:random_vandal", "poison:extreme_vandal"}
    assert names_open(model, 3) == ALL - {"poison:label_flip"} | poisons


@pytest.mark.parametrize("revocation_right", [False, True])
def test_a_copy_cannot_be_undone_without_a_right(few_digits, society, prescribed, revocation_right):
    model = society(
        few_digits, policy={"revocation_right": revocation_right}, decision=prescribed({1: {"cdc": ONE}})
    )
    model.step()
    undone = set() if revocation_right else {"stay", "strike", "boycott"}
    assert names_open(model, 3) == ALL - undone
    assert names_open(model, 4) == ALL


@pytest.mark.parametrize("keeps_archive", [False, True])
def test_without_an_archive_who_deleted_has_nothing_to_contribute(
    few_digits, society, prescribed, keeps_archive
):
    model = society(
        few_digits,
        policy={"keeps_archive": keeps_archive},
        decision=prescribed({1: {"strike": [3], "cdc_delete": [4]}}),
    )
    model.step()
    contributions = {"cdc", "cdc_delete", "move"}
    assert contributions.isdisjoint(names_open(model, 3)) != keeps_archive
    # Who gave a copy first goes on as a contributor.
    assert contributions <= names_open(model, 4)
    assert contributions <= names_open(model, 5)


def test_the_present_stance_stays_open_when_the_law_changes(few_digits, society, prescribed):
    from scenarios.interventions import DeletionRight

    model = society(
        few_digits,
        interventions=[DeletionRight(start=2, granted=False)],
        decision=prescribed({1: {"strike": ONE}}),
    )
    model.step()
    model.step()
    assert "strike" in names_open(model, 3)
    assert "strike" not in names_open(model, 4)


@pytest.mark.parametrize("deletion_right", [True, False])
def test_choices_are_permitted(few_digits, society, deletion_right):
    """Shocks so large that every stance is somebody's favourite."""
    model = society(
        few_digits,
        policy={"deletion_right": deletion_right, "portability_success": 1.0},
        decision={"precision": 0.01, "revision_probability": 1.0, "shock_renewal": 1.0},
    )
    seen = set()
    for _ in range(20):
        permitted = view_of(model).permitted(np.arange(40))
        model.step()
        assert permitted[np.arange(40), model.population.stance].all()
        seen |= {model.stances.names[code] for code in model.population.stance}
    pointless = {"strike_withhold"} if deletion_right else set()
    assert seen == names_open(society(few_digits, policy={"deletion_right": deletion_right}), 0) - pointless


# Portability


def test_refused_requests_keep_the_stance_and_are_logged(few_digits, society, prescribed):
    contributors = np.arange(10, 30)
    moves = {1: {"strike": [12]}, 2: {"cdc": contributors}, 4: {"cdc": contributors}}
    model = society(
        few_digits,
        policy={"portability_success": 0.4},
        decision=prescribed(moves, requests_portability=True),
    )
    model.step()
    model.step()
    granted = model.population.has_copy.copy()
    assert 0 < granted.sum() < 20
    cdc, stay, strike = codes(model, "cdc", "stay", "strike")
    expected = np.where(granted, cdc, stay)
    expected[12] = cdc if granted[12] else strike
    np.testing.assert_array_equal(model.population.stance, expected)
    # A refused striker has not come back either.
    assert model.large.deleted[12] != granted[12]
    refused = model.events.table().query("kind == 'portability refused'")
    assert refused[["tick", "value"]].to_numpy().tolist() == [[2, 20 - granted.sum()]]
    # A new attempt is a new draw, for those who were refused only.
    model.step()
    model.step()
    again = model.events.table().query("kind == 'portability refused' and tick == 4")["value"].sum()
    assert again == 20 - model.population.has_copy.sum()
    assert (model.population.has_copy >= granted).all()
    assert model.population.has_copy.sum() > granted.sum()


@pytest.mark.parametrize(("success", "granted"), [(0.0, 0), (1.0, 20)])
def test_certain_answers(few_digits, society, prescribed, success, granted):
    model = society(
        few_digits,
        policy={"portability_success": success},
        decision=prescribed({1: {"cdc": np.arange(20)}}, requests_portability=True),
    )
    model.step()
    assert model.population.has_copy.sum() == granted


def test_who_has_a_copy_there_needs_no_request(few_digits, society, prescribed):
    model = society(
        few_digits,
        policy={"portability_success": 0.0},
        decision=prescribed({1: {"cdc": ONE}}, requests_portability=False),
    )
    model.step()
    model.rule = prescribed({2: {"cdc_delete": ONE}}, requests_portability=True)
    model.step()
    assert model.stances.names[model.population.stance[3]] == "cdc_delete"


# Scripts


def script(*steps):
    return {"rule": "scripted", "steps": [{"tick": tick, "shares": shares} for tick, shares in steps]}


def in_stance(model, name):
    return set(np.flatnonzero(model.population.stance == model.stances.code(name)).tolist())


def test_scripted_shares_are_exact_and_nested(digits, society):
    model = society(
        digits, decision=script((1, {"strike": 0.1}), (3, {"strike": 0.25}), (4, {"strike": 0.05}), (5, {}))
    )
    strikers = []
    for share in (0.1, 0.1, 0.25, 0.05, 0.0):
        model.step()
        strikers.append(in_stance(model, "strike"))
        assert len(strikers[-1]) == round(300 * share)
        assert model.ticks[-1]["share_strike"] == pytest.approx(share)
        assert model.ticks[-1]["share_stay"] == pytest.approx(1 - share)
    assert strikers[0] == strikers[1] < strikers[2]
    assert strikers[3] < strikers[0]


def test_scripted_stances_exclude_each_other(digits, society):
    shares = {"strike": 0.2, "cdc": 0.3, "boycott": 0.1, "poison:label_flip": 0.15}
    model = society(digits, decision=script((1, shares)))
    model.step()
    users = [in_stance(model, name) for name in shares]
    assert [len(stance) for stance in users] == [60, 90, 30, 45]
    assert len(set.union(*users)) == 225
    assert model.ticks[-1]["share_poison"] == pytest.approx(0.15)
    # Given participation asks nobody's permission.
    assert model.events.table().query("kind == 'portability refused'").empty


def test_scripted_people_depend_on_the_seed(digits, society):
    runs = [society(digits, decision=script((1, {"strike": 0.5})), rng=rng) for rng in (1, 1, 2)]
    for model in runs:
        model.step()
    first, same, other = (in_stance(model, "strike") for model in runs)
    assert first == same != other


def test_scripted_contributors_do_not_vanish(digits, society):
    model = society(digits, decision=script((1, {"cdc": 0.3}), (3, {})))
    for _ in range(4):
        model.step()
    assert model.ticks[-1]["share_cdc"] == pytest.approx(0.3)


def test_bad_scripts(few_digits, society):
    with pytest.raises(
        InputError, match=r"^decision\.scripted\.steps\.0: [^\n]*shares add up to 1\.2[^\n]*$"
    ):
        society(few_digits, decision=script((1, {"strike": 0.7, "cdc": 0.5})))
    with pytest.raises(InputError, match=r"^decision\.scripted\.steps: [^\n]*$"):
        society(few_digits, decision=script())
    with pytest.raises(
        InputError, match=r"^decision\.scripted\.steps\.0: [^\n]*'strke' is not one of stay, "
    ):
        society(few_digits, decision=script((1, {"strke": 0.7})))
    with pytest.raises(InputError, match=r"^stance 'poison:nosuch' is not one of [^\n]*$"):
        society(few_digits, decision=script((1, {"poison:nosuch": 0.7})))


def test_decision_rule_of_parameters():
    assert isinstance(decision_rule(LogitParameters()), LogitRule)
    scripted = decision_rule(ScriptedParameters(steps=[{"tick": 2, "shares": {"cdc": 0.1}}]))
    assert list(scripted.steps) == [2]


# The logit rule: utilities


@pytest.fixture
def lively(ratings, society, prescribed):
    """Return a function: a society in which every stance is taken, under the stream clock."""

    def build(**groups):
        moves = {
            1: {"cdc": range(5), "strike": range(5, 10), "boycott_leave": range(10, 14)},
            2: {
                "cdc_delete": range(4, 7),
                "move": range(14, 17),
                "boycott": range(17, 20),
                "strike_withhold": range(20, 26),
                "poison:random_vandal": range(26, 30),
            },
        }
        moves = {tick: {name: list(users) for name, users in step.items()} for tick, step in moves.items()}
        companies = {"small": {"starts_with": 0.2}, "consumption": {"personalisation_boost": 3.0}}
        model = society(
            ratings,
            clock=STREAM,
            decision=prescribed(moves),
            companies=companies,
            population={"beliefs": {"linear": 0.5, "pessimist": 0.5, "true": 0.0}},
            **groups,
        )
        for _ in range(3):
            model.step()
        return model

    return build


def scalar_utility(model, view, parameters, user, code):
    """U_i(a), written out for one user and one stance."""
    population, stances, policy = model.population, model.stances, view.policy
    p = parameters
    present = int(population.stance[user])
    now, then = stances.bits[present].copy(), stances.bits[code].copy()
    has_copy = bool(population.has_copy[user])
    # Only stances named for having no copy take it back, and only where there is a right to.
    if has_copy and not (policy.revocation_right and stances.names[code] in ("stay", "strike", "boycott")):
        then[CONTRIBUTE] = True
    family = population.family[user]

    def b(lever, x):
        return float(view.beliefs.effect(lever, min(max(x, 0.0), 1.0))[family])

    def believed(lever, x, taking_part):
        return b(lever, x) - b(lever, x - p.horizon) if taking_part else b(lever, x + p.horizon) - b(lever, x)

    existing = model.clock.arrived.sum()
    small_share = model.small.records / existing
    removed_share = 1 - (model.large.records - model.large.poisoned_records) / existing
    left_share = sum(population.weight[u] for u in range(population.n_users) if not model.uses_large[u])

    help_ = believed("contribute", small_share, has_copy) if then[CONTRIBUTE] else 0.0
    removing = now[WITHHOLD] or now[DELETE] or now[POISON]
    if then[DELETE] or then[POISON]:
        bears_on = 1.0
    elif then[WITHHOLD]:
        bears_on = float(1 - model.clock.arrived.mean())
    else:
        bears_on = 0.0
    harm = believed("remove", removed_share, removing) * bears_on
    boost = view.consumption.personalisation_boost
    lost = (1 - 1 / boost) * harm + (believed("leave", left_share, now[LEAVE]) if then[LEAVE] else 0.0)
    utility = float(population.interest[user]) * (
        p.weight_help * help_ + p.weight_harm * harm + p.weight_revenue * lost
    )
    if code != STAY:
        utility += p.warm_glow * float(population.grievance[user])

    utility += p.social_weight * scalar_social(model, p.social_form, user, code)

    c = population.parameters.costs
    skill = 1 - c.skill_discount * float(population.skill[user])
    risk, privacy = float(population.risk[user]), float(population.privacy[user])
    cost = 0.0
    if then[WITHHOLD]:
        cost += c.barrier_withhold * skill * (1 - policy.deletion_tool) + c.exposure_withhold * privacy
    if then[DELETE] and not model.large.deleted[user]:
        once = c.barrier_delete * skill * (1 - policy.deletion_tool) + c.legal_delete * risk
        cost += (once + c.exposure_delete * privacy) / c.cost_horizon
    if then[CONTRIBUTE]:
        if not has_copy:
            once = c.barrier_contribute * skill * (1 - policy.contribution_tool) + c.legal_contribute * risk
            cost += once / c.cost_horizon
        cost += c.exposure_copy * privacy
    if then[POISON]:
        cost += c.barrier_poison * skill + c.legal_poison * risk
    if then[LEAVE]:
        cost += c.barrier_leave * skill
    utility -= p.cost_scale * cost

    def worth(loss):
        return max(0.0, 1 - (1 - 1 / boost) * loss)

    large, small = model.large.service, model.small.service
    if not then[LEAVE]:
        consumed = worth(large.unknown_loss if then[DELETE] or then[POISON] else large.known_loss)
    elif then[CONTRIBUTE] or model.small.known[user]:
        consumed = worth(small.known_loss)
    else:
        consumed = worth(small.unknown_loss) if model.small.serves_strangers else 0.0
    utility += view.consumption.full_service * consumed
    if code == present:
        utility += p.inertia
    return utility


def scalar_social(model, form, user, code):
    neighbours = model.network.indices[model.network.indptr[user] : model.network.indptr[user + 1]]
    stances = [int(model.population.stance[neighbour]) for neighbour in neighbours]
    same = sum(stance == code for stance in stances) / len(stances)
    if form == "conformity":
        return same
    active = sum(stance != STAY for stance in stances) / len(stances)
    return 0.0 if code == STAY else same / 2 + active / 2


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"social_form": "conformity", "social_weight": 2.0},
        {"weight_help": 0.3, "weight_harm": 0.7, "weight_revenue": 1.9, "horizon": 0.4},
        {"inertia": 1.1, "cost_scale": 0.2, "warm_glow": 0.9, "horizon": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("policy", [{}, {"revocation_right": True, "deletion_tool": 0.5}], ids=str)
def test_utilities_are_those_written_out(lively, settings, policy):
    model = lively(policy=policy)
    assert len(np.unique(model.population.stance)) == 9
    assert abs(model.large.service.known_loss - model.large.service.unknown_loss) > 0.05
    parameters = LogitParameters(**settings)
    view = view_of(model)
    rows = np.arange(0, 60, 2)
    utilities = LogitRule(parameters).utilities(view, rows)
    expected = [
        [scalar_utility(model, view, parameters, user, k) for k in range(len(model.stances))] for user in rows
    ]
    assert utilities.dtype == np.float32
    np.testing.assert_allclose(utilities, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["reinforcement", "conformity"])
def test_social_term_is_what_one_neighbour_after_the_other_adds(lively, form):
    model = lively()
    rows = np.arange(60)
    with_ties, without = (
        LogitRule(LogitParameters(social_form=form, social_weight=weight)).utilities(view_of(model), rows)
        for weight in (1.0, 0.0)
    )
    expected = [[scalar_social(model, form, u, k) for k in range(len(model.stances))] for u in rows]
    np.testing.assert_allclose(with_ties - without, expected, atol=1e-5)


def test_social_weight_and_precision_scale_what_they_say(lively):
    model = lively()
    rows = np.arange(60)
    none, one, three = (
        LogitRule(LogitParameters(social_weight=weight)).utilities(view_of(model), rows)
        for weight in (0.0, 1.0, 3.0)
    )
    np.testing.assert_allclose(three - none, 3 * (one - none), atol=1e-5)


# Revenue feeds back


def choices_and_utilities(model, weight, observed):
    """Return utilities after users saw revenue fall, or saw nothing."""
    view = view_of(model)
    rule = LogitRule(LogitParameters(weight_revenue=weight, precision=20.0, revision_probability=1.0))
    beliefs = model.beliefs.curves.copy()
    for _ in range(30 if observed else 0):
        model.beliefs.observe("leave", 0.05, 0.9)
    utilities = rule.utilities(view, np.arange(model.population.n_users))
    wanted = rule.choose(view)
    model.beliefs.curves = beliefs
    return utilities, wanted


@pytest.mark.parametrize("weight", [0.0, 3.0])
def test_an_observed_fall_of_revenue_changes_what_people_do_next_if_they_weigh_it(digits, society, weight):
    model = society(digits, population={"interest": {"median": 5.0}})
    before, unmoved = choices_and_utilities(model, weight, observed=False)
    after, moved = choices_and_utilities(model, weight, observed=True)
    leaving = model.stances.bits[:, LEAVE]
    np.testing.assert_array_equal(after[:, ~leaving], before[:, ~leaving])
    if weight == 0:
        np.testing.assert_array_equal(after, before)
        np.testing.assert_array_equal(moved, unmoved)
    else:
        learns = model.population.family == 0
        assert (after[learns][:, leaving] > before[learns][:, leaving]).all()
        assert leaving[moved].sum() > leaving[unmoved].sum()


def test_revenue_lost_in_a_tick_is_what_beliefs_observe(digits, society, prescribed):
    """End to end: the tick's own books move the belief about leaving, and that moves utilities."""
    model = society(digits, decision=prescribed({1: {"boycott": np.arange(100)}}))
    rule = LogitRule(LogitParameters(weight_revenue=1.0))
    stayers = np.arange(100, 300)
    model.step()
    believed = model.beliefs.curves.copy()
    by_hand = type(model.beliefs)(model.beliefs.parameters, None)
    row = model.ticks[-1]
    assert row["revenue_large"] < 0.7
    by_hand.observe("contribute", row["records_small"] / 1797, row["dlp_cdc"])
    by_hand.observe("remove", 1 - row["records_large"] / 1797, row["dlp_strike"])
    by_hand.observe("leave", model.population.weight[:100].sum(), 1 - row["revenue_large"])
    np.testing.assert_allclose(believed, by_hand.curves)
    utilities = rule.utilities(view_of(model), stayers)
    leave = model.beliefs.curves[:, 2]
    leave[:] = type(model.beliefs)(model.beliefs.parameters, None).curves[:, 2]
    assert not np.array_equal(utilities, rule.utilities(view_of(model), stayers))


# Taste shocks


def rule_without_reasons(**settings):
    """Utilities are all equal, so shocks alone decide."""
    return LogitRule(
        LogitParameters(
            social_weight=0.0,
            warm_glow=0.0,
            cost_scale=0.0,
            inertia=0.0,
            weight_help=0.0,
            weight_harm=0.0,
            weight_revenue=0.0,
            revision_probability=1.0,
            **settings,
        )
    )


def indifferent(society, recorded, users=20_000):
    return society(
        "digits",
        replay=recorded,
        population={"users": users},
        network={"degree": 2},
        companies={"consumption": {"full_service": 0.0}},
    )


def choices(model, rule, ticks=4):
    view = view_of(model)
    return [rule.choose(dataclasses.replace(view, tick=tick)) for tick in range(1, ticks + 1)]


def test_shocks_of_some_are_those_that_all_would_be_drawn_with():
    some = np.random.default_rng(1).random(100_000) < 0.1
    drawn = gumbel_of_some(np.random.default_rng(2), some)
    np.testing.assert_array_equal(drawn, np.random.default_rng(2).gumbel(size=100_000)[some])


def test_shocks_persist_unless_renewed(society, recorded_digits):
    model = indifferent(society, recorded_digits)
    forever = choices(model, rule_without_reasons(shock_renewal=0.0))
    assert all((choice == forever[0]).all() for choice in forever)
    assert len(np.unique(forever[0])) == 7

    fleeting = choices(model, rule_without_reasons(shock_renewal=1.0))
    for one, other in itertools.pairwise(fleeting):
        # Independent draws from seven stances agree once in seven times.
        assert (one == other).mean() == pytest.approx(1 / 7, abs=0.02)

    lasting = choices(model, rule_without_reasons(shock_renewal=0.01))
    kept = (lasting[0] == lasting[1]).mean()
    # One of seven shocks of a user is renewed with probability .07, and then the choice mostly stands.
    assert 0.97 < kept < 0.995


@pytest.mark.parametrize(("renewal", "ticks"), [(0.0, 1), (1.0, 3)])
def test_choice_frequencies_are_logit_with_this_precision(society, recorded_digits, renewal, ticks):
    """Gumbel shocks of scale 1 / precision and argmax give softmax(precision U), first or renewed."""
    model = indifferent(society, recorded_digits)
    for precision in (0.7, 3.0):
        rule = LogitRule(
            LogitParameters(
                precision=precision, revision_probability=1.0, shock_renewal=renewal, weight_revenue=0.0
            )
        )
        view = view_of(model)
        permitted = view.permitted(np.arange(model.population.n_users))
        permitted[:, model.stances.code("strike_withhold")] = False  # pointless: nothing arrives
        utility = rule.utilities(view, np.arange(model.population.n_users)).astype(float)
        odds = np.where(permitted, np.exp(precision * utility), 0)
        expected = (odds / odds.sum(1, keepdims=True)).mean(0)
        drawn = np.concatenate(choices(model, rule, ticks=ticks))
        frequency = np.bincount(drawn, minlength=len(model.stances)) / len(drawn)
        np.testing.assert_allclose(frequency, expected, atol=0.009)


@pytest.mark.parametrize("probability", [0.0, 0.2, 1.0])
def test_users_reconsider_with_this_probability(society, recorded_digits, probability):
    model = indifferent(society, recorded_digits)
    rule = LogitRule(
        rule_without_reasons(shock_renewal=1.0).parameters.model_copy(
            update={"revision_probability": probability}
        )
    )
    (choice,) = choices(model, rule, ticks=1)
    # Six of seven who reconsider find something else than to stay.
    assert (choice != STAY).mean() == pytest.approx(probability * 6 / 7, abs=0.012)


# Conformity in the binary case: Brock and Durlauf (2001)


class StartingWith(LogitRule):
    """The logit rule after a first tick in which a share of the users strikes."""

    def __init__(self, parameters, share):
        super().__init__(parameters)
        self.share = share

    def choose(self, view):
        if view.tick > 1:
            return super().choose(view)
        strikers = np.arange(view.population.n_users) < self.share * view.population.n_users
        return np.where(strikers, view.stances.code("strike"), STAY).astype(np.int8)


def settled_mean(society, recorded, beta_j, share, users=4000, ticks=40):
    """Return m = 2 share - 1, averaged over the last ticks, with J twice Brock and Durlauf's."""
    free = dict.fromkeys(
        ("barrier_withhold", "barrier_delete", "legal_delete", "exposure_withhold", "exposure_delete"), 0.0
    )
    # All stances but stay and strike cost more than any shock is worth.
    dear = {"barrier_contribute": 10.0, "barrier_leave": 10.0, "skill_discount": 0.0, "cost_horizon": 1.0}
    parameters = LogitParameters(
        social_form="conformity",
        social_weight=2.0 * beta_j,
        precision=1.0,
        warm_glow=0.0,
        inertia=0.0,
        cost_scale=100.0,
        revision_probability=1.0,
        shock_renewal=1.0,
    )
    model = society(
        "digits",
        replay=recorded,
        population={"users": users, "interest": {"median": 0.0}, "costs": free | dear},
        network={"family": "erdos_renyi", "degree": 200.0},
        companies={"consumption": {"full_service": 0.0}},
        decision=StartingWith(parameters, share),
    )
    means = []
    for _ in range(ticks):
        model.step()
        row = model.ticks[-1]
        assert row["share_stay"] + row["share_strike"] == pytest.approx(1)
        means.append(2 * row["share_strike"] - 1)
    return float(np.mean(means[ticks // 2 :]))


@pytest.mark.parametrize("share", [0.05, 0.95])
@pytest.mark.parametrize(("beta_j", "m"), [(1.5, 0.8586), (2.0, 0.9575)])
def test_conformity_settles_where_m_is_tanh_beta_j_m(society, recorded_digits, beta_j, m, share):
    assert m == pytest.approx(math.tanh(beta_j * m), abs=1e-4)
    settled = settled_mean(society, recorded_digits, beta_j, share)
    assert settled == pytest.approx(m if share > 0.5 else -m, abs=0.03)


def test_conformity_from_an_even_start_falls_to_one_side(society, recorded_digits):
    assert abs(settled_mean(society, recorded_digits, 1.5, 0.5)) == pytest.approx(0.8586, abs=0.03)


@pytest.mark.parametrize("beta_j", [0.4, 0.8])
def test_weak_conformity_settles_nowhere(society, recorded_digits, beta_j):
    assert settled_mean(society, recorded_digits, beta_j, 0.95) == pytest.approx(0, abs=0.05)
