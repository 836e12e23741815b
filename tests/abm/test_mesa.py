"""What somebody who knows Mesa expects of the model."""

import gc
import inspect
import weakref

import mesa
import numpy as np
import pandas as pd
import pytest
from mesa.batchrunner import batch_run

from abm.agents import User, UserView
from abm.companies import Company, LargeCompany, SmallCompany
from abm.decisions import DecisionRule, DecisionView
from abm.model import DataLeverageModel
from learners.errors import InputError

# All of it without a deprecated call of ours, whatever Mesa's version.
pytestmark = pytest.mark.filterwarnings(
    "error::DeprecationWarning:abm",
    "error::PendingDeprecationWarning:abm",
    "error::FutureWarning:abm",
)


def frames(model):
    """Return what was recorded and what Mesa collected, wall seconds left out."""
    recorded = pd.DataFrame(model.ticks)
    collected = model.datacollector.get_model_vars_dataframe().reset_index(drop=True)
    dropped = [column for column in recorded if column.startswith("seconds")]
    return recorded.drop(columns=dropped), collected.drop(columns=dropped)


@pytest.mark.filterwarnings("error::DeprecationWarning", "error::FutureWarning")
def test_the_model_needs_no_argument():
    model = DataLeverageModel()
    assert isinstance(model, mesa.Model)
    assert (model.steps, model.tick, len(model.ticks)) == (0, 0, 1)
    model.step()
    assert (model.steps, model.tick, len(model.ticks)) == (1, 1, 2)
    assert model.population.n_users == 300
    assert model.running


@pytest.mark.parametrize("rng", [0, 5, np.int64(7), 2**63 - 1])
def test_rng_is_a_seed(few_digits, society, ticks_of, rng):
    one, other = (ticks_of(society(few_digits, rng=rng), 3) for _ in range(2))
    assert one.equals(other)


def test_without_rng_every_run_differs(few_digits, society):
    one, other = (society(few_digits, rng=None) for _ in range(2))
    assert not np.array_equal(one.population.interest, other.population.interest)


def test_data_collector_holds_the_ticks(few_digits, society):
    model = society(few_digits, policy={"portability_success": 1.0})
    for _ in range(4):
        model.step()
    recorded, collected = frames(model)
    assert recorded["tick"].tolist() == [0, 1, 2, 3, 4]
    pd.testing.assert_frame_equal(collected, recorded, check_dtype=False)


# Batches


def run_batch(parameters, seeds, **options):
    """Run Mesa's batch runner, whose seeds moved from a parameter to an argument in Mesa 3.4."""
    if "rng" in inspect.signature(batch_run).parameters:
        options["rng"] = seeds
    else:
        parameters = parameters | {"rng": seeds}
    rows = batch_run(
        DataLeverageModel, parameters, number_processes=1, display_progress=False, max_steps=3, **options
    )
    return pd.DataFrame(rows)


FIXED = {"record": [{"composition": "off"}], "population": [{"beliefs": {"linear": 0.7, "true": 0.0}}]}


def test_batch_run_over_scalars(few_digits):
    rows = run_batch(
        FIXED
        | {
            "use_case": [few_digits],
            "social_weight": [0.0, 1.5],
            "precision": [2.0, np.float64(9.0)],
            "degree": [4, 10],
        },
        seeds=[1],
        data_collection_period=1,
    )
    assert len(rows) == 8 * 4
    assert {"tick", "participation", "dlp_cdc", "revenue_small", "social_weight", "degree"} <= set(rows)
    assert (rows["Step"].astype(int) == rows["tick"]).all()
    assert set(rows.groupby(["social_weight", "precision", "degree"]).size()) == {4}


def test_batch_rows_are_those_of_a_run_alone(few_digits, ticks_of):
    rows = run_batch(
        FIXED | {"use_case": [few_digits], "social_weight": [1.5]}, seeds=[1, 2], data_collection_period=-1
    )
    assert len(rows) == 2
    last = []
    for seed in (1, 2):
        model = DataLeverageModel(
            few_digits, social_weight=1.5, rng=seed, **{key: value[0] for key, value in FIXED.items()}
        )
        last.append(ticks_of(model, 3).iloc[-1])
    expected = pd.DataFrame(last)
    for column in ("tick", "participation", "quality_small_holdout", "revenue_large"):
        assert sorted(rows[column]) == pytest.approx(sorted(expected[column]))
    assert rows["revenue_large"].nunique() == 2


@pytest.mark.parametrize(
    ("scalar", "where"),
    [
        ({"social_weight": 2.5}, lambda model: model.rule.parameters.social_weight),
        ({"precision": 2.5}, lambda model: model.rule.parameters.precision),
        ({"degree": 4}, lambda model: model.network.mean_degree),
    ],
)
def test_scalars_override_their_group(few_digits, society, scalar, where):
    (value,) = scalar.values()
    groups = {"decision": {"social_weight": 0.1, "precision": 7.0}, "network": {"degree": 8}}
    assert where(society(few_digits, **groups, **scalar)) == value
    assert where(society(few_digits, **groups)) in (0.1, 7.0, 8)


# Agents


def test_stepping_makes_no_user_agents(few_digits, society, monkeypatch):
    made = []
    original = User.__init__
    monkeypatch.setattr(User, "__init__", lambda self, *args: (made.append(1), original(self, *args))[1])
    model = society(few_digits)
    for _ in range(3):
        model.step()
    assert made == []
    assert len(model.agents) == 42
    assert len(made) == 40
    model.step()
    assert len(model.agents) == 42
    assert len(made) == 40


def test_agents_by_type(few_digits, society):
    model = society(few_digits)
    assert set(model.agent_types) == {User, LargeCompany, SmallCompany}
    by_type = {kind: list(model.agents_by_type[kind]) for kind in model.agent_types}
    assert [user.row for user in by_type[User]] == list(range(40))
    assert by_type[LargeCompany] == [model.large]
    assert by_type[SmallCompany] == [model.small]
    assert sum(isinstance(agent, Company) for agent in model.agents) == 2
    assert list(model.agents_by_type[User]) == model.users


def test_agent_sets_read_users(few_digits, society, prescribed):
    model = society(few_digits, decision=prescribed({1: {"cdc": [3, 5]}}))
    model.step()
    users = model.agents_by_type[User]
    chosen = users.select(lambda user: user.stance == "cdc")
    assert sorted(chosen.get("row")) == [3, 5]
    assert all(chosen.get("has_copy"))
    for name in ("interest", "grievance", "privacy", "skill", "records"):
        np.testing.assert_array_equal(users.get(name), getattr(model.population, name))
    assert isinstance(next(iter(users)).interest, float)


def test_looking_at_agents_changes_nothing(few_digits, society, ticks_of):
    decision = {"revision_probability": 0.7}
    unseen = society(few_digits, decision=decision)
    seen = society(few_digits, decision=decision)
    for _ in range(5):
        unseen.step()
        seen.step()
        _ = seen.agents, seen.agents_by_type, seen.agent_types
    assert ticks_of(unseen).equals(ticks_of(seen))


# A user of one's own


class Third(User):
    """User 3 strikes; everybody else does what the rule says."""

    def decide(self, view):
        return "strike" if self.row == 3 else view.choice


class Contrarian(User):
    """Everybody does what fewest neighbours do, of three stances."""

    def decide(self, view):
        return min(("stay", "strike", "poison:label_flip"), key=lambda name: view.neighbour_shares[name])


class Watcher(User):
    """Keeps what it saw."""

    def decide(self, view):
        self.model.seen.append((self.row, view))
        return view.choice


class Confused(User):
    def decide(self, view):
        return "strke"


def test_one_user_of_ones_own(few_digits, society, ticks_of):
    decision = {"revision_probability": 0.5}
    usual = society(few_digits, decision=decision)
    changed = society(few_digits, decision=decision, user_class=Third)
    for model in (usual, changed):
        model.step()
    assert changed.users[3].stance == "strike" != usual.users[3].stance
    others = np.arange(40) != 3
    np.testing.assert_array_equal(changed.population.stance[others], usual.population.stance[others])
    assert changed.large.deleted[3]
    assert list(changed.agents_by_type[Third]) == changed.users


def test_all_users_of_ones_own(few_digits, society):
    model = society(few_digits, user_class=Contrarian)
    model.step()
    # Nobody strikes or poisons at first, so all strike: the first of two least frequent.
    assert {user.stance for user in model.users} == {"strike"}
    model.step()
    assert {user.stance for user in model.users} == {"stay"}


def test_a_subclass_that_overrides_nothing_changes_nothing(few_digits, society, ticks_of):
    plain = type("Plain", (User,), {})
    runs = [
        ticks_of(society(few_digits, user_class=user_class, decision={"revision_probability": 0.7}), 4)
        for user_class in (User, plain, Watcher)
        if user_class is not Watcher
    ]
    assert runs[0].equals(runs[1])


def test_taking_the_rules_choice_changes_nothing(few_digits, society, ticks_of):
    usual, watched = (
        society(few_digits, user_class=user_class, decision={"revision_probability": 0.7})
        for user_class in (User, Watcher)
    )
    watched.seen = []
    assert ticks_of(usual, 4).equals(ticks_of(watched, 4))
    assert len(watched.seen) == 4 * 40


def test_what_a_user_sees(few_digits, society, prescribed):
    moves = {1: {"cdc": np.arange(10)}, 2: {"strike": np.arange(20, 30)}}
    model = society(few_digits, user_class=Watcher, decision=prescribed(moves))
    model.seen = []
    model.step()
    before = model.population.stance.copy()
    model.seen.clear()
    model.step()
    names = model.stances.names
    assert [row for row, _ in model.seen] == list(range(40))
    for row, view in model.seen:
        assert isinstance(view, UserView)
        assert isinstance(view.everyone, DecisionView)
        assert view.tick == 2
        assert view.stance == ("cdc" if row < 10 else "stay")
        assert view.choice == ("strike" if 20 <= row < 30 else view.stance)
        neighbours = model.network.indices[model.network.indptr[row] : model.network.indptr[row + 1]]
        for code, name in enumerate(names):
            assert view.neighbour_shares[name] == pytest.approx(np.mean(before[neighbours] == code))
        expected = set(names) - ({"stay", "strike", "boycott"} if row < 10 else set())
        assert set(view.permitted) == expected


def test_a_stance_that_does_not_exist(few_digits, society):
    model = society(few_digits, user_class=Confused)
    with pytest.raises(InputError, match=r"^stance 'strke' is not one of stay, [^\n]*$"):
        model.step()


# A rule of one's own


class Alternating(DecisionRule):
    """Even rows strike at odd ticks."""

    def choose(self, view):
        wanted = np.zeros(view.population.n_users, np.int8)
        if view.tick % 2:
            wanted[::2] = view.stances.code("strike")
        return wanted


def test_a_rule_of_ones_own(few_digits, society, ticks_of):
    ticks = ticks_of(society(few_digits, decision=Alternating()), 4)
    assert ticks["share_strike"].tolist() == [0, 0.5, 0, 0.5, 0]
    assert ticks["owners_large"].tolist() == [40, 20, 40, 20, 40]
    assert ticks["switch_rate"].tolist() == [0, 0.5, 0.5, 0.5, 0.5]


def test_a_model_that_nobody_holds_is_gone_with_its_data():
    model = DataLeverageModel("digits", rng=1)
    model.step()
    watched = [weakref.ref(thing) for thing in (model, model.use_case, model.training)]
    numbers = [agent.unique_id for agent in model.agents]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    del model
    gc.collect()
    assert [thing() for thing in watched] == [None, None, None]
