"""Whatever laws, tools and campaigns are in force: nothing appears at a company that nobody gave."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abm.actions import WITHHOLD
from abm.decisions import DecisionRule
from abm.ledger import Move
from learners.holdings import ABSENT, GENUINE
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

SHARE = st.floats(0, 1)
FIELDS = {
    PortabilityLaw: {"success": SHARE, "form": st.sampled_from(["one_off", "continuous", "symmetric"])},
    DeletionRight: {"granted": st.booleans(), "delay": st.integers(0, 3), "executed": SHARE},
    Interoperability: {"degree": SHARE},
    Assistant: {"trust": SHARE, "gap": st.booleans(), "sign_ups": st.booleans(), "pledges": st.booleans()},
    TrackingBlocker: {"breakage": SHARE},
    ConsentDefault: {"consent": SHARE, "opt_in_rate": SHARE, "awareness": SHARE},
    OrganiserSubsidy: {},
    ConditionalPledge: {
        "stance": st.sampled_from(["strike", "cdc_delete", "move"]),
        "goal": st.floats(0.05, 1),
        "duration": st.integers(1, 3),
        "leakage": SHARE,
    },
    Seeding: {"stance": st.sampled_from(["cdc", "boycott", "strike"])},
}
assert set(FIELDS) == set(get_args(get_args(Interventions)[0]))

PHASE = {"start": st.integers(0, 4), "ramp": st.integers(1, 3), "coverage": st.sampled_from([1.0, 0.6])}
LAWS = st.lists(
    st.sampled_from(list(FIELDS)).flatmap(
        lambda kind: st.builds(kind, end=st.none() | st.integers(5, 7), **PHASE, **FIELDS[kind])
    ),
    max_size=5,
)
POLICIES = st.fixed_dictionaries(
    {name: st.booleans() for name in ("revocation_right", "return_restores", "keeps_archive")}
)


class RandomMoves(DecisionRule):
    """Some users take any permitted stance, or pledge, at random."""

    def __init__(self, seed):
        self.seed = seed

    def choose(self, view):
        rng = np.random.default_rng([self.seed, view.tick])
        permitted = view.permitted(np.arange(view.population.n_users))
        wanted = (rng.random(permitted.shape) * permitted).argmax(1)
        return np.where(rng.random(len(wanted)) < 0.4, wanted, view.population.stance).astype(np.int8)

    def would_join(self, view, rows, stance, share):
        return np.random.default_rng([self.seed, view.tick, 1]).random(len(rows)) < 0.5


class Watch:
    """What both companies hold, as sets of records: of owners where records do not arrive one by one."""

    def __init__(self, model):
        self.model = model
        self.owners = model.record_owners
        self.contributes = model.small.known.copy()  # whom it starts with is a draw, not a move
        self.asked = np.zeros(model.population.n_users, np.bool_)
        self.large, self.small = self.now(model.large), self.now(model.small)
        self.barred = model.large.consent.barred.copy()

    def now(self, company):
        return company.store.holding().record_mask(self.owners)

    def step(self):
        model = self.model
        model.step()
        moved = {move: np.zeros(len(self.asked), np.bool_) for move in Move}
        for entry in model.ledger.at(model.tick):
            moved[entry.move][entry.users] = True
        self.contributes = (self.contributes | moved[Move.CONTRIBUTE]) & ~moved[Move.REVOKE]
        self.asked = (self.asked | moved[Move.DELETE]) & ~moved[Move.RECONSENT]
        barred = model.large.consent.barred.copy()
        self._check_small(moved)
        self._check_large(moved, barred)
        self.large, self.small, self.barred = self.now(model.large), self.now(model.small), barred

    def _check_small(self, moved):
        held = self.now(self.model.small)
        assert self.contributes[self.owners[held & ~self.small]].all()
        assert moved[Move.REVOKE][self.owners[self.small & ~held]].all()
        assert not (held & ~self._exist()).any()

    def _check_large(self, moved, barred):
        model = self.model
        held = self.now(model.large)
        blocked = np.broadcast_to(model.policy.of("tracking_blocked"), len(barred))
        withholds = model.stances.bits[model.population.stance, WITHHOLD]
        new = held & ~self.large
        flows = (model.clock._due == model.tick) if model.clock.streaming else np.zeros(len(held), np.bool_)
        may_flow = flows & ~(barred | blocked | withholds)[self.owners]
        back = moved[Move.RECONSENT] | (self.barred & ~barred)
        assert (may_flow | back[self.owners])[new].all()
        assert (self.asked | barred)[self.owners[self.large & ~held]].all()
        assert not held[barred[self.owners]].any()
        assert not (held & ~self._exist()).any()

    def _exist(self):
        clock = self.model.clock
        return clock.arrived if clock.streaming else np.ones(len(self.owners), np.bool_)


def play(use_case, society, laws, policy, seed, clock):
    model = society(
        use_case,
        decision=RandomMoves(seed),
        interventions=laws,
        policy={"portability_success": 0.7, **policy},
        companies={"small": {"starts_with": 0.1}},
        clock=clock,
        rng=seed,
    )
    watch = Watch(model)
    for _ in range(8):
        watch.step()
        row = model.ticks[-1]
        for name, company in (("large", model.large), ("small", model.small)):
            assert row[f"records_{name}"] == watch.now(company).sum()
            assert row[f"owners_{name}"] == (company.store.codes != ABSENT).sum()
        assert set(np.unique(model.small.store.codes)) <= {ABSENT, GENUINE}


QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@QUICK
@given(laws=LAWS, policy=POLICIES, seed=st.integers(0, 99))
def test_nothing_appears_that_nobody_gave(few_digits, society, laws, policy, seed):
    play(few_digits, society, laws, policy, seed, None)


@settings(QUICK, max_examples=30)
@given(laws=LAWS, policy=POLICIES, seed=st.integers(0, 99))
def test_nothing_appears_that_nobody_gave_where_records_arrive(untrained, society, laws, policy, seed):
    play(untrained, society, laws, policy, seed, {"kind": "stream", "at_start": 0.5, "slices": 7})


def test_the_watch_notices_what_nobody_gave(untrained, society):
    model = society(untrained, decision=RandomMoves(1), clock={"kind": "stream", "at_start": 0.5})
    watch = Watch(model)
    watch.step()
    stranger = int(np.flatnonzero(~model.small.known & ~model.population.has_copy)[0])
    model.small.store.put(np.array([stranger]), model.clock.arrived)
    with pytest.raises(AssertionError):
        watch.step()
