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
from scenarios.money import Credits, DataDividend, DataLicence, Voice
from scenarios.organising import Canvass, CoalitionCampaign, CommunityAction
from scenarios.regulation import Audit, WeightDeletionOrder

SHARE = st.floats(0, 1)
ASKED = st.sampled_from(
    ["strike", "strike_withhold", "cdc", "cdc_delete", "boycott", "boycott_leave", "move"]
)
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
    CoalitionCampaign: {
        "stance": ASKED,
        "budget": st.floats(0, 50),
        "consideration": SHARE,
        "minimum": st.floats(0, 0.5),
        "decides": st.sampled_from(["leader", "majority", "quorum", "unanimity"]),
        "term": st.integers(1, 3),
        "loyalty": SHARE,
        "reconsideration": SHARE,
        "subsidy": SHARE,
    },
    Canvass: {"stance": ASKED, "budget": st.floats(0, 30), "duration": st.integers(1, 3)},
    CommunityAction: {
        "stance": ASKED,
        "budget": st.floats(0, 200),
        "consideration": SHARE,
        "duration": st.integers(1, 3),
        "dissent": SHARE,
    },
}
FIELDS |= {
    DataDividend: {
        "share": SHARE,
        "unit": st.sampled_from(["individual", "group", "fund"]),
        "transform": st.sampled_from(["clip", "absolute", "bin", "equal", "per_record"]),
        "group": st.just("interest_quarter"),
    },
    Credits: {"price": st.floats(0, 3)},
    Voice: {"heard": st.booleans()},
    DataLicence: {
        "term": st.sampled_from(["values", "pay"]),
        "least": st.floats(0, 1.5),
        "protection": SHARE,
    },
}
FIELDS |= {WeightDeletionOrder: {}, Audit: {"probability": SHARE, "fine": st.floats(0, 2)}}
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
LARGE = st.fixed_dictionaries(
    {
        "forgetting": st.sampled_from(["retrain", "launder", "launder", "unlearn"]),
        "cold_retrain_every": st.none() | st.integers(2, 4),
        "cold_retrain_ticks": st.integers(0, 3),
        "retrain_every": st.integers(1, 2),
        "detection": st.fixed_dictionaries(
            {"most_found": SHARE, "learning_rate": st.sampled_from([0.0, 0.01, 1.0]), "false_alarms": SHARE}
        ),
    }
)
SMALL = st.fixed_dictionaries(
    {
        "viable_revenue": st.sampled_from([0.0, 0.05, 0.3, 2.0]),
        "patience": st.integers(1, 4),
        "value_drift": SHARE,
        "entrants": st.sampled_from([1, 1, 2, 3]),
        "by_quality": st.sampled_from([0.0, 5.0]),
        "by_neighbours": st.sampled_from([0.0, 5.0]),
        "serves_strangers": st.booleans(),
    }
)
COMPANIES = st.fixed_dictionaries({"large": LARGE, "small": SMALL})


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

    def advantage(self, view, rows, stance, bloc):
        return np.random.default_rng([self.seed, view.tick, 2]).uniform(-0.5, 1, len(rows))


class Watch:
    """What companies hold, as sets of records: of owners where records do not arrive one by one."""

    def __init__(self, model):
        self.model = model
        self.owners = model.record_owners
        self.contributes = model.small.known.copy()  # whom it starts with is a draw, not a move
        self.asked = np.zeros(model.population.n_users, np.bool_)
        self.large, self.small = self.now(model.large), self.now(model.small)
        self.barred = model.large.consent.barred.copy()
        self.weights = model.large.unscreened.record_mask(self.owners)

    def now(self, company):
        if company is self.model.large:
            return company.store.holding().record_mask(self.owners)
        held = [member.store.holding().record_mask(self.owners) for _, member in company.members]
        assert np.sum(held, axis=0).max() <= 1, "one copy is at two companies"
        return np.any(held, axis=0)

    def step(self):
        model = self.model
        model.step()
        moved = {move: np.zeros(len(self.asked), np.bool_) for move in Move}
        for entry in model.ledger.at(model.tick):
            moved[entry.move][entry.users] = True
            # Who is left without a copy by one that leaves the market can give it to another at once.
            if entry.move in (Move.CONTRIBUTE, Move.REVOKE):
                self.contributes[entry.users] = entry.move is Move.CONTRIBUTE
        self.asked = (self.asked | moved[Move.DELETE]) & ~moved[Move.RECONSENT]
        barred = model.large.consent.barred.copy()
        self._check_small(moved)
        self._check_large(moved, barred)
        self._check_weights()
        self.large, self.small, self.barred = self.now(model.large), self.now(model.small), barred

    def _check_small(self, moved):
        held = self.now(self.model.small)
        assert self.contributes[self.owners[held & ~self.small]].all()
        # A company that leaves the market leaves nothing behind, not even what it started with.
        members = [company for _, company in self.model.small.members]
        assert moved[Move.REVOKE][self.owners[self.small & ~held]].all() or not all(
            company.in_market for company in members
        )
        assert not any(company.known.any() for company in members if not company.in_market)
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

    def _check_weights(self):
        """Weights know what is in the store, or what they knew before and were allowed to keep."""
        large, tick = self.model.large, self.model.tick
        held, before = self.now(large), self.weights
        self.weights = weights = large.unscreened.record_mask(self.owners)
        trained = large.trained_on.record_mask(self.owners)
        assert not (trained & ~weights).any()
        assert (self.model.ticks[-1]["weights_void_large"] == 1) == large.weights_void
        if not large.retrains_at(tick):
            np.testing.assert_array_equal(weights, before)
            return
        assert not (weights & ~(held | before)).any()
        if large.weights_void:
            assert not trained.any()
            return
        # All that is not trained on was taken for poison, and nothing is kept that was.
        flagged = large.detector.flagged(large.unscreened.codes)
        np.testing.assert_array_equal(trained, weights & ~flagged[self.owners])
        assert self.model.ticks[-1]["laundered_large"] == (weights & ~held).sum()
        cold = tick in {event[0] for event in self.model.events._rows if event[1] == "cold retrain"}
        if cold or large._parameters.forgetting != "launder":
            np.testing.assert_array_equal(weights, held)

    def _exist(self):
        clock = self.model.clock
        return clock.arrived if clock.streaming else np.ones(len(self.owners), np.bool_)


CONCEDING = {"rule": "logit", "every": 2, "cost": 0.05, "horizon": 3, "returning": 0.3}


def check_money(model, row):
    """What companies pay is what users receive, and what they pay is missing from what they keep."""
    payments, n = model.paymaster.payments, model.population.n_users
    dividends = credits = fund = 0.0
    if payments is not None:
        assert (payments.at_large >= 0).all()
        assert (payments.at_small >= 0).all()
        dividends = payments.at_large[model.large.store.codes != ABSENT].sum() / n
        credits = payments.at_small[model.population.has_copy].sum() / n
        fund = payments.anyway
    assert row["dividend_paid"] == pytest.approx(dividends)
    assert row["credits_paid"] == pytest.approx(credits)
    assert row["dividend_fund"] == pytest.approx(fund)
    assert dividends + fund <= model.revenue.large * (1 + 1e-9)
    conceded = CONCEDING["cost"] * (row["conceded"] - model.ticks[-2]["conceded"])
    kept = model.revenue.large - dividends - fund - conceded - model.large.fines
    assert row["net_revenue_large"] == pytest.approx(kept)
    assert row["net_revenue_small"] == pytest.approx(model.revenue.small - credits)


def play(use_case, society, laws, policy, companies, seed, clock):
    model = society(
        use_case,
        decision=RandomMoves(seed),
        interventions=laws,
        policy={"portability_success": 0.7, **policy},
        companies={
            "large": companies["large"],
            "small": {"starts_with": 0.1} | companies["small"],
            "concessions": CONCEDING,
            "reuse": {"substitution": 0.3},
        },
        coalitions={"communities": {"number": 6}},
        clock=clock,
        rng=seed,
    )
    watch = Watch(model)
    for _ in range(8):
        calm = model.concessions.satisfied.copy()
        watch.step()
        row = model.ticks[-1]
        # Who is satisfied does not act, but for a copy that was given before.
        assert {model.stances.names[code] for code in model.population.stance[calm]} <= {"stay", "cdc"}
        for name, company in (("large", model.large), ("small", model.small)):
            assert row[f"records_{name}"] == watch.now(company).sum()
            known = model.small.known if name == "small" else ~model.large.deleted
            assert row[f"owners_{name}"] == known.sum()
        stores = [company.store.codes for _, company in model.small.members]
        assert set(np.unique(stores)) <= {ABSENT, GENUINE}
        np.testing.assert_array_equal(np.any(stores, axis=0), model.small.known)
        if len(stores) > 1:
            parts = [row[f"revenue_small_{j + 1}"] for j in range(len(stores))]
            assert sum(parts) == pytest.approx(row["revenue_small"])
        check_money(model, row)


QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@QUICK
@given(laws=LAWS, policy=POLICIES, companies=COMPANIES, seed=st.integers(0, 99))
def test_nothing_appears_that_nobody_gave(few_digits, society, laws, policy, companies, seed):
    play(few_digits, society, laws, policy, companies, seed, None)


@settings(QUICK, max_examples=30)
@given(laws=LAWS, policy=POLICIES, companies=COMPANIES, seed=st.integers(0, 99))
def test_nothing_appears_that_nobody_gave_where_records_arrive(
    untrained, society, laws, policy, companies, seed
):
    play(untrained, society, laws, policy, companies, seed, {"kind": "stream", "at_start": 0.5, "slices": 7})


def test_the_watch_notices_what_nobody_gave(untrained, society):
    model = society(untrained, decision=RandomMoves(1), clock={"kind": "stream", "at_start": 0.5})
    watch = Watch(model)
    watch.step()
    stranger = int(np.flatnonzero(~model.small.known & ~model.population.has_copy)[0])
    model.small.store.put(np.array([stranger]), model.clock.arrived)
    with pytest.raises(AssertionError):
        watch.step()
