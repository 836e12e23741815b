"""Laws and tools that keep data from Large Co. without their owners' doing, and requests it executes late."""

import numpy as np
import pytest

from abm.actions import DELETE, WITHHOLD, Stances
from abm.consent import ConsentRegister, automatic_bits
from abm.policy import Policy
from abm.streams import Streams
from abm.targeting import Target
from learners.holdings import ABSENT, FIRST_POISON, GENUINE
from scenarios.interventions import ConsentDefault, DeletionRight, TrackingBlocker

STREAM = {"kind": "stream", "at_start": 0.5, "slices": 6}
EVERYBODY = np.arange(60)


@pytest.fixture
def play(untrained, society, prescribed):
    """Return a function: moves and interventions -> a model of sixty raters after some ticks."""

    def run(ticks, *interventions, moves=None, **groups):
        model = society(untrained, decision=prescribed(moves or {}), interventions=interventions, **groups)
        for _ in range(ticks):
            model.step()
        return model

    return run


def owned(model, users):
    """Records at Large Co. of some users."""
    held = model.large.store.holding().record_mask(model.record_owners)
    return np.bincount(model.record_owners[held], minlength=60)[users].sum()


# Who consents


def test_consent_is_drawn_once_and_the_stricter_law_bars_more():
    barred = {}
    for consent in (0.2, 0.5, 1.0):
        register = ConsentRegister(500, Streams(3))
        policy = Policy(consent=consent)
        new, cleared = register.update(policy, 1)
        assert len(new) == pytest.approx(500 * (1 - consent), abs=40)
        assert not len(cleared)
        assert not len(register.update(policy, 2)[0])
        barred[consent] = set(new.tolist())
    assert barred[0.2] > barred[0.5] > barred[1.0] == set()


def test_the_end_of_the_law_clears_all_and_opting_in_outlasts_it():
    register = ConsentRegister(100, Streams(3))
    strict = Policy(consent=0.0)
    assert len(register.update(strict, 1)[0]) == 100
    register.opt_in(np.array([4, 7]))
    assert register.update(strict, 2)[1].tolist() == [4, 7]
    assert len(register.update(Policy(), 3)[1]) == 98
    assert register.update(strict, 4)[0].tolist() == [u for u in range(100) if u not in (4, 7)]


def test_who_is_asked_again_gives_in_at_the_given_rate():
    register = ConsentRegister(1000, Streams(3))
    policy = Policy(consent=0.0, opt_in_rate=0.2)
    left = []
    for tick in range(1, 6):
        register.update(policy, tick)
        left.append(register.barred.mean())
    # Nobody is asked again at the tick of the first question.
    assert left == pytest.approx([0.8**k for k in range(5)], abs=0.04)


def test_automatic_bits():
    stances = Stances.of([])
    present = np.array([stances.code(name) for name in ("stay", "strike", "stay")], np.int8)
    assert automatic_bits(Policy(), np.zeros(3, np.bool_), stances, present) is None
    barred = automatic_bits(Policy(), np.array([True, True, False]), stances, present)
    assert barred[:, DELETE].tolist() == barred[:, WITHHOLD].tolist() == [True, False, False]
    blocking = Policy().model_copy(update={"tracking_blocked": np.array([False, True, True])})
    blocked = automatic_bits(blocking, np.zeros(3, np.bool_), stances, present)
    assert blocked[:, WITHHOLD].tolist() == [False, True, True]
    assert blocked.sum() == 2


# Consent and what Large Co. holds


@pytest.mark.parametrize("start", [0, 1, 3])
def test_from_its_first_tick_on_large_co_has_only_who_consents(play, start):
    model = play(0, ConsentDefault(start=start, consent=0.4))
    for tick in range(5):
        in_force = tick >= start
        barred = model.large.consent.barred
        assert 20 < barred.sum() < 50 if in_force else not barred.any()
        np.testing.assert_array_equal(model.large.deleted, barred)
        assert model.ticks[-1]["owners_large"] == 60 - barred.sum()
        model.step()
    assert (model.population.stance == 0).all()
    assert not model.ledger.entries


def test_an_opt_in_law_for_some_leaves_the_others_alone(play, untrained):
    women = untrained.groups["gender"] == "F"
    model = play(2, ConsentDefault(start=1, consent=0.0, target=Target(group="gender", label="F")))
    np.testing.assert_array_equal(model.large.deleted, women)


def test_phased_in_it_bars_ever_more(play):
    model = play(0, ConsentDefault(start=1, consent=0.0, ramp=4))
    held = []
    for _ in range(5):
        model.step()
        held.append(model.ticks[-1]["owners_large"])
    assert held == sorted(held, reverse=True)
    assert held[0] == pytest.approx(45, abs=10)
    assert held[3:] == [0, 0]


@pytest.mark.parametrize("restores", [True, False])
def test_repealed_it_gives_back_what_can_come_back(play, restores):
    law = ConsentDefault(start=1, end=3, consent=0.0)
    striking = np.array([3, 8])
    model = play(
        2, law, moves={1: {"strike": striking}, 4: {"stay": striking}}, policy={"return_restores": restores}
    )
    assert model.large.deleted.all()
    model.step()
    # Who has deleted stays away, and who can return only by returning does not come back by law.
    expected = striking.tolist() if restores else EVERYBODY.tolist()
    assert np.flatnonzero(model.large.deleted).tolist() == expected
    model.step()
    assert model.large.deleted.sum() == (0 if restores else 60)


def test_under_the_stream_clock_only_new_records_come_back(play):
    law = ConsentDefault(start=1, end=3, consent=0.0)
    model = play(2, law, clock=STREAM)
    assert owned(model, EVERYBODY) == 0
    model.step()
    new = owned(model, EVERYBODY)
    assert 0 < new < 0.2 * model.clock.arrived.sum()
    assert not model.large.deleted.any()


def test_who_comes_back_from_a_strike_has_opted_in(play):
    law = ConsentDefault(start=1, consent=0.0)
    model = play(3, law, moves={1: {"strike": np.array([5])}, 3: {"stay": np.array([5])}})
    assert np.flatnonzero(~model.large.deleted).tolist() == [5]
    assert np.flatnonzero(~model.large.consent.barred).tolist() == [5]


def test_poison_waits_for_consent(play):
    users = np.array([2, 9])
    law = ConsentDefault(start=1, end=3, consent=0.0)
    model = play(2, law, moves={2: {"poison:random_vandal": users}})
    assert (model.large.store.codes == ABSENT).all()
    model.step()
    codes = model.large.store.codes
    assert (codes[users] >= FIRST_POISON).all()
    assert (np.delete(codes, users) == GENUINE).all()


def test_who_is_not_aware_can_only_stay(play, untrained, society):
    law = ConsentDefault(start=1, consent=1.0, awareness=0.4)
    model = society(untrained, decision={"revision_probability": 1.0, "cost_scale": 0.3}, interventions=[law])
    for _ in range(4):
        model.step()
    permitted = model._information().permitted(EVERYBODY)
    unaware = ~permitted[:, 1:].any(axis=1)
    assert 20 < unaware.sum() < 50
    assert permitted[unaware, 0].all()
    active = model.population.stance != 0
    assert not active[unaware].any()
    assert active[~unaware].mean() > 0.7


def test_who_acts_when_awareness_is_lost_can_go_on(play):
    law = ConsentDefault(start=2, consent=1.0, awareness=0.0)
    model = play(3, law, moves={1: {"strike": np.array([5])}})
    permitted = model._information().permitted(np.array([4, 5]))
    names = [model.stances.names[code] for code in np.flatnonzero(permitted[1])]
    assert names == ["stay", "strike"]
    assert permitted[0].sum() == 1


# Without consent nothing more is gained by striking


def utilities(society, use_case, interventions, **groups):
    model = society(use_case, interventions=interventions, decision={"revision_probability": 0.0}, **groups)
    model.step()
    rows = np.arange(model.population.n_users)
    return model, model.rule.utilities(model._information(), rows)


def test_without_consent_a_strike_costs_and_brings_nothing(society, untrained):
    barred = ConsentDefault(consent=0.0)
    costless = {"costs": {"legal_delete": 0.0, "exposure_delete": 0.0}}
    model, utility = utilities(society, untrained, [barred], population=costless)
    stay, strike = (utility[:, model.stances.code(name)] for name in ("stay", "strike"))
    # What is left is the reward of having acted, less the inertia of who stays.
    warm = model.rule.parameters.warm_glow * model.population.grievance
    np.testing.assert_allclose(strike - stay, warm - model.rule.parameters.inertia, atol=1e-5)


# Tracking blockers


def test_a_blocker_keeps_new_records_away_and_no_old_ones(play):
    law = TrackingBlocker(start=2, end=4, coverage=0.5)
    model = play(1, law, clock=STREAM)
    blocked = None
    before = owned(model, EVERYBODY)
    for tick in range(2, 6):
        model.step()
        if tick == 2:
            blocked = model.policy.of("tracking_blocked")
            missed = np.flatnonzero(blocked[model.record_owners] & (model.clock._due == 2))
    assert 15 < blocked.sum() < 45
    held = model.large.store.arrived
    due = model.clock._due
    lost = np.flatnonzero(model.clock.arrived & ~held)
    assert owned(model, EVERYBODY) > before
    assert len(missed) > 3
    assert set(lost) == set(np.flatnonzero(blocked[model.record_owners] & np.isin(due, [2, 3])))


def test_a_blocker_makes_withholding_free_and_breaks_sites(society, ratings):
    setting = {"clock": STREAM, "population": {"beliefs": {"linear": 1.0, "pessimist": 0.0, "true": 0.0}}}
    model, without = utilities(society, ratings, [], **setting)
    _, blocked = utilities(society, ratings, [TrackingBlocker(breakage=0.4)], **setting)
    code = model.stances.code
    gained = blocked - without
    # Who stays pays for broken sites; who leaves does not.
    leaves = gained[:, code("boycott_leave")] - gained[:, code("stay")]
    assert (leaves > 0.4).mean() > 0.7
    # Withholding alone is now what everybody does: no cost, no effect of its own.
    rule = model.rule.parameters
    alone = blocked[:, code("strike_withhold")] - blocked[:, code("stay")]
    warm = rule.warm_glow * model.population.grievance - rule.inertia
    social = model.network.neighbour_shares(model.population.stance, len(model.stances))[:, 1:].sum(1)
    assert (social == 0).all()
    np.testing.assert_allclose(alone, warm, atol=1e-5)


def test_forms_make_withholding_dearer(society, untrained):
    _, plain = utilities(society, untrained, [])
    model, hard = utilities(society, untrained, [ConsentDefault(consent=1.0, opt_out_cost=0.5)])
    dearer = plain - hard
    bits = model.stances.bits[:, WITHHOLD]
    assert (dearer[:, bits] > 0.5 * 1.3 * 0.49).all()
    assert (dearer[:, ~bits] == 0).all()


def test_a_blocker_and_a_continuous_law_warn_under_the_static_clock(play):
    assert any("static clock" in warning for warning in play(0, TrackingBlocker()).warnings)
    assert play(0, TrackingBlocker(), clock=STREAM).warnings == ()


# Requests to delete


def test_requests_wait_for_their_tick(play):
    law = DeletionRight(delay=2)
    moves = {1: {"strike": np.array([1, 2])}, 2: {"boycott": np.array([7])}}
    model = play(0, law, moves=moves)
    gone = []
    for _ in range(5):
        model.step()
        gone.append(np.flatnonzero(model.large.deleted).tolist())
    assert gone == [[], [], [1, 2], [1, 2, 7], [1, 2, 7]]
    late = model.events.table().query("kind == 'late deletion'")
    assert late[["tick", "value"]].values.tolist() == [[3, 2], [4, 1]]


def test_who_returns_in_time_withdraws_the_request(play):
    users = np.array([1, 2])
    moves = {1: {"strike": users}, 2: {"stay": users[:1]}, 3: {"stay": users[1:]}}
    model = play(6, DeletionRight(delay=2), moves=moves, policy={"return_restores": False})
    # The first takes it back before it is due, the second at the tick at which it is.
    assert not model.large.deleted.any()
    assert not model.events.table()["kind"].eq("late deletion").any()


def test_a_request_counts_as_made_while_it_waits(play):
    model = play(1, DeletionRight(delay=9), moves={1: {"strike": np.array([1])}})
    view = model._information()
    assert not view.deleted.any()
    assert np.flatnonzero(view.asked_to_delete).tolist() == [1]


def test_only_the_given_share_is_ever_executed(play):
    model = play(8, DeletionRight(delay=1, executed=0.5), moves={1: {"strike": EVERYBODY}})
    gone = model.large.deleted
    assert 18 < gone.sum() < 42
    assert model.large.asked_to_delete.all()
    more = play(8, DeletionRight(delay=1, executed=0.9), moves={1: {"strike": EVERYBODY}}).large.deleted
    assert (gone <= more).all()
    assert not play(8, DeletionRight(executed=0.0), moves={1: {"strike": EVERYBODY}}).large.deleted.any()


def test_under_the_stream_clock_all_that_is_held_when_it_is_due_goes(play):
    moves = {1: {"strike": np.array([4])}}
    model = play(2, DeletionRight(delay=2), moves=moves, clock=STREAM)
    assert owned(model, [4]) > 0
    model.step()
    assert owned(model, [4]) == 0
    assert owned(model, [5]) > 0


def test_who_is_unaware_can_go_on_with_a_copy_that_cannot_be_taken_back(few_digits, society):
    model = society(few_digits, policy={"awareness": 0.0})
    model.population.has_copy[3] = True
    names = model.stances.names
    permitted = model._information().permitted(np.array([3, 4]))
    open_ = [{name for name, is_open in zip(names, row, strict=True) if is_open} for row in permitted]
    assert open_ == [{"stay", "cdc"}, {"stay"}]  # "stay" is where both are
