import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON, WITHHOLD, Stances
from abm.costs import CostParameters, action_costs, barriers_left
from abm.policy import Policy
from abm.population import Population, PopulationParameters
from abm.streams import Streams
from learners.parameters import parsed

STANCES = Stances.of(["random_vandal"])
USERS = np.arange(50)


@pytest.fixture
def people():
    """Fifty users, a third of whom have contributed."""
    population = Population(PopulationParameters(), np.full(50, 4), Streams(11))
    population.has_copy[::3] = True
    return population


def bits_of(population):
    bits = np.tile(STANCES.bits, (population.n_users, 1, 1))
    bits[population.has_copy, :, CONTRIBUTE] = True
    return bits


def scalar_cost(population, user, bits, deleted, policy):
    """The cost of one stance to one user, written out."""
    c = population.parameters.costs
    skill = 1 - c.skill_discount * float(population.skill[user])
    risk, privacy = float(population.risk[user]), float(population.privacy[user])
    cost = 0.0
    if bits[WITHHOLD]:
        cost += c.barrier_withhold * skill * (1 - policy.deletion_tool) + c.exposure_withhold * privacy
    if bits[DELETE] and not deleted:
        once = c.barrier_delete * skill * (1 - policy.deletion_tool)
        cost += (once + c.legal_delete * risk + c.exposure_delete * privacy) / c.cost_horizon
    if bits[CONTRIBUTE]:
        if not population.has_copy[user]:
            once = c.barrier_contribute * skill * (1 - policy.contribution_tool) + c.legal_contribute * risk
            cost += once / c.cost_horizon
        cost += c.exposure_copy * privacy
    if bits[POISON]:
        cost += c.barrier_poison * skill + c.legal_poison * risk
    if bits[LEAVE]:
        cost += c.barrier_leave * skill
    return cost


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.integers(0, 49), min_size=1, max_size=8, unique=True),
    gone=st.integers(0, 2**50 - 1),
    contribution_tool=st.floats(0, 1),
    deletion_tool=st.floats(0, 1),
)
def test_costs_are_those_written_out(people, rows, gone, contribution_tool, deletion_tool):
    policy = Policy(contribution_tool=contribution_tool, deletion_tool=deletion_tool)
    deleted = np.array([bool(gone >> user & 1) for user in USERS])
    rows = np.array(rows)
    bits = bits_of(people)[rows]
    costs = action_costs(people, rows, bits, deleted[rows], policy)
    expected = [
        [scalar_cost(people, user, bits[i, k], deleted[user], policy) for k in range(len(STANCES))]
        for i, user in enumerate(rows)
    ]
    assert costs.dtype == np.float32
    np.testing.assert_allclose(costs, expected, rtol=1e-5, atol=1e-6)


def costs_of(people, deleted=False, copy=False, **policy):
    people.has_copy[:] = copy
    rows = USERS
    bits = bits_of(people)
    return action_costs(people, rows, bits, np.full(50, deleted), parsed(Policy, policy, "policy"))


def column(costs, name):
    return costs[:, STANCES.code(name)]


def test_costs_add_over_bits(people):
    costs = costs_of(people)
    assert (column(costs, "stay") == 0).all()
    withhold = column(costs, "strike_withhold")
    delete = column(costs, "strike") - withhold
    leave = column(costs, "boycott_leave") - withhold
    contribute = column(costs, "cdc")
    np.testing.assert_allclose(column(costs, "boycott"), withhold + delete + leave, atol=1e-6)
    np.testing.assert_allclose(column(costs, "cdc_delete"), withhold + delete + contribute, atol=1e-6)
    np.testing.assert_allclose(column(costs, "move"), withhold + delete + contribute + leave, atol=1e-6)
    for bit in (withhold, delete, leave, contribute):
        assert np.abs(bit).max() > 0.01


def test_deleting_costs_once(people):
    before, after = costs_of(people), costs_of(people, deleted=True)
    once = column(before, "strike") - column(before, "strike_withhold")
    assert np.abs(once).max() > 0.01
    np.testing.assert_allclose(column(after, "strike"), column(after, "strike_withhold"), atol=1e-6)
    np.testing.assert_array_equal(column(before, "cdc"), column(after, "cdc"))


def test_contributing_costs_once_and_its_exposure_every_tick(people):
    before, after = costs_of(people), costs_of(people, copy=True)
    exposure = 0.5 * people.privacy
    np.testing.assert_allclose(column(after, "cdc"), exposure, rtol=1e-5)
    assert (column(before, "cdc") > exposure).all()
    # The copy is out there whatever its owner does now.
    np.testing.assert_allclose(column(after, "stay"), exposure, rtol=1e-5)
    np.testing.assert_allclose(
        column(after, "strike") - column(before, "strike"), exposure, rtol=1e-4, atol=1e-6
    )


def test_a_longer_horizon_makes_one_off_costs_smaller():
    populations = [
        Population(PopulationParameters(costs=CostParameters(cost_horizon=h)), np.full(50, 4), Streams(11))
        for h in (1.0, 10.0)
    ]
    short, long = (costs_of(population) for population in populations)
    for name in ("cdc", "strike"):
        state = column(costs_of(populations[0], deleted=True, copy=True), name)
        if name == "strike":
            state = column(short, "strike_withhold")
        np.testing.assert_allclose(
            column(short, name) - state, 10 * (column(long, name) - state), rtol=1e-3, atol=1e-5
        )
    np.testing.assert_array_equal(column(short, "boycott_leave"), column(long, "boycott_leave"))


def test_tools_lower_their_own_barriers_only(people):
    plain = costs_of(people, contribution_tool=0.0, deletion_tool=0.0)
    contribution = costs_of(people, contribution_tool=1.0, deletion_tool=0.0)
    deletion = costs_of(people, contribution_tool=0.0, deletion_tool=1.0)
    for name in STANCES.names:
        code = STANCES.code(name)
        contributes, withholds = STANCES.bits[code, CONTRIBUTE], STANCES.bits[code, WITHHOLD]
        assert (column(contribution, name) < column(plain, name)).all() == contributes, name
        assert (column(deletion, name) < column(plain, name)).all() == withholds, name
    # A perfect tool leaves no barrier: only the gain in privacy.
    np.testing.assert_allclose(column(deletion, "strike_withhold"), -0.1 * people.privacy, rtol=1e-5)


def test_skill_lowers_barriers(people):
    plain = costs_of(people)
    unskilled = people.skill.copy()
    people.skill = np.ones_like(unskilled)
    able = costs_of(people)
    assert (able[:, 1:] < plain[:, 1:]).all()
    # Full skill takes half a barrier away; leaving is nothing but a barrier.
    leave = column(able, "boycott_leave") - column(able, "strike_withhold")
    np.testing.assert_allclose(leave, 0.3, atol=1e-6)


def test_published_orders_of_barriers_and_risks():
    """Poison over strike over contribution in effort; poison over contribution over strike in law."""
    c = CostParameters()
    assert c.barrier_poison > c.barrier_delete > c.barrier_contribute
    assert c.legal_poison > c.legal_contribute > c.legal_delete
    assert c.exposure_copy > 0 > c.exposure_delete


def test_tools_of_some_lower_the_barriers_of_these(people):
    some = USERS % 3 == 1
    policy = Policy().model_copy(update={"deletion_tool": np.where(some, 1.0, 0.0)})
    mixed = action_costs(people, USERS, bits_of(people), np.zeros(50, np.bool_), policy)
    with_tool, without = (
        action_costs(
            people, USERS, bits_of(people), np.zeros(50, np.bool_), Policy(deletion_tool=float(tool))
        )
        for tool in (1, 0)
    )
    np.testing.assert_array_equal(mixed, np.where(some[:, None], with_tool, without))
    assert (column(mixed, "strike") != column(without, "strike")).sum() == some.sum()
    rows = USERS[10:20]
    of_some = action_costs(people, rows, bits_of(people)[rows], np.zeros(10, np.bool_), policy)
    np.testing.assert_array_equal(of_some, mixed[rows])


def test_what_happens_by_itself_costs_nothing(people):
    people.has_copy[:] = False
    automatic = np.zeros((50, 5), np.bool_)
    automatic[::2, WITHHOLD] = True
    bits = bits_of(people) | automatic[:, None, :]
    costs = action_costs(people, USERS, bits, np.zeros(50, np.bool_), Policy(), automatic)
    plain = costs_of(people)
    assert (column(costs, "strike_withhold")[::2] == 0).all()
    assert (column(costs, "stay") == 0).all()
    np.testing.assert_array_equal(costs[1::2], plain[1::2])
    withhold = column(plain, "strike_withhold")
    np.testing.assert_allclose(
        column(costs, "strike")[::2], (column(plain, "strike") - withhold)[::2], atol=1e-6
    )


def test_forms_that_make_opting_out_hard_are_paid_by_who_withholds(people):
    dearer = costs_of(people, opt_out_cost=0.4) - costs_of(people)
    effort = 0.4 * (1 - 0.5 * people.skill)
    for name in STANCES.names:
        withholds = STANCES.bits[STANCES.code(name), WITHHOLD]
        np.testing.assert_allclose(column(dearer, name), effort * withholds, atol=1e-6)


def test_campaign_search_removes_barriers_and_nothing_else_of_what_anybody_does(people):
    people.has_copy[:] = False
    people.stance[7] = STANCES.code("strike")
    search = {"campaigns": True, "search_tool": 0.6, "forecast": False}
    saved = costs_of(people) - costs_of(people, assistant_access=True, assistant=search)
    c = people.parameters.costs
    skill = 1 - c.skill_discount * people.skill
    barriers = (c.barrier_withhold + c.barrier_delete / c.cost_horizon) * skill
    np.testing.assert_allclose(column(saved, "strike"), 0.6 * barriers, atol=1e-6)
    others = [code for code, name in enumerate(STANCES.names) if name != "strike"]
    assert (saved[:, others] == 0).all()
    # Who has deleted already has that barrier behind them; who has no assistant finds nothing.
    gone = costs_of(people, deleted=True) - costs_of(
        people, deleted=True, assistant_access=True, assistant=search
    )
    np.testing.assert_allclose(column(gone, "strike"), 0.6 * c.barrier_withhold * skill, atol=1e-6)
    assert (costs_of(people) == costs_of(people, assistant=search)).all()


def test_tools_leave_a_part_of_the_barriers_to_a_stance():
    costs, before = CostParameters(), Policy()
    bits = dict(zip(STANCES.names, STANCES.bits, strict=True))
    after = Policy(contribution_tool=0.6, deletion_tool=0.5)
    assert barriers_left(costs, bits["cdc"], before, before) == 1
    assert barriers_left(costs, bits["cdc"], after, before) == pytest.approx(0.4 / 0.8)
    assert barriers_left(costs, bits["strike_withhold"], after, before) == pytest.approx(0.5)
    both = (0.5 * costs.barrier_delete + 0.4 * costs.barrier_contribute) / (
        costs.barrier_delete + 0.8 * costs.barrier_contribute
    )
    names = [name for name in bits if bits[name][DELETE] and bits[name][CONTRIBUTE] and bits[name].sum() == 2]
    for name in names:
        assert barriers_left(costs, bits[name], after, before) == pytest.approx(both)
    assert barriers_left(costs, bits["stay"], after, before) == 1
    some = before.model_copy(update={"contribution_tool": np.array([0.2, 0.6])})
    np.testing.assert_allclose(barriers_left(costs, bits["cdc"], some, before), [1, 0.5])
