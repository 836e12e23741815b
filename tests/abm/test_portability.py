"""What flows between the companies when a law says so, on sixty raters whose records arrive over time."""

import numpy as np
import pytest

from abm.targeting import Target
from scenarios.interventions import PortabilityLaw

STREAM = {"kind": "stream", "at_start": 0.5, "slices": 6}
GIVERS = np.arange(0, 60, 3)


@pytest.fixture
def play(untrained, society, prescribed):
    """Return a function: moves and a law -> a model after some ticks, requests always granted."""

    def run(ticks, form, moves, clock=STREAM, policy=None, **phase):
        model = society(
            untrained,
            decision=prescribed(moves),
            interventions=[PortabilityLaw(form=form, **phase)],
            clock=clock,
            policy=policy,
        )
        for _ in range(ticks):
            model.step()
        return model

    return run


def held(company, model):
    """Row numbers of the records that a company holds."""
    return set(np.flatnonzero(company.store.holding().record_mask(model.record_owners)).tolist())


def records_of(model, users, until=None):
    """Row numbers of users' records that exist; with ``until``, that existed at that tick."""
    arrived = model.clock.arrived if until is None else model.clock._due <= until
    return set(np.flatnonzero(arrived & np.isin(model.record_owners, users)).tolist())


def test_one_off_is_what_there_was_and_continuous_what_there_is(play):
    moves = {2: {"cdc": GIVERS}}
    once, kept = (play(5, form, moves) for form in ("one_off", "continuous"))
    assert held(once.small, once) == records_of(once, GIVERS, until=2)
    assert held(kept.small, kept) == records_of(kept, GIVERS)
    assert held(once.small, once) < held(kept.small, kept)
    assert held(once.large, once) == held(kept.large, kept) == records_of(once, np.arange(60))


def test_what_flows_starts_and_ends_with_the_law(play):
    model = play(6, "continuous", {1: {"cdc": GIVERS}}, start=3, end=5)
    expected = records_of(model, GIVERS, until=1) | (
        records_of(model, GIVERS, until=4) - records_of(model, GIVERS, until=2)
    )
    assert held(model.small, model) == expected


def test_it_flows_for_the_target_only(play, untrained):
    women = np.flatnonzero(untrained.groups["gender"] == "F")
    everybody = np.arange(60)
    model = play(4, "continuous", {1: {"cdc": everybody}}, target=Target(group="gender", label="F"))
    men = np.setdiff1d(everybody, women)
    assert held(model.small, model) == records_of(model, women) | records_of(model, men, until=1)


def test_what_is_withheld_from_large_co_flows_only_from_an_archive(play):
    moves = {1: {"cdc": GIVERS}, 2: {"cdc_delete": GIVERS}}
    own = play(4, "continuous", moves)
    assert held(own.small, own) == records_of(own, GIVERS)
    none = play(4, "continuous", moves, policy={"keeps_archive": False})
    assert held(none.small, none) == records_of(none, GIVERS, until=1)
    flows = play(4, "continuous", {1: {"cdc": GIVERS}}, policy={"keeps_archive": False})
    assert held(flows.small, flows) == records_of(flows, GIVERS)


def test_a_revoked_copy_stays_gone(play):
    moves = {1: {"cdc": GIVERS}, 3: {"stay": GIVERS}}
    model = play(5, "continuous", moves, policy={"revocation_right": True})
    assert held(model.small, model) == set()


@pytest.mark.parametrize(("form", "until"), [("one_off", None), ("continuous", None), ("symmetric", 4)])
def test_who_returns_brings_back_what_small_co_holds_under_a_symmetric_law_only(play, form, until):
    moves = {1: {"cdc": GIVERS}, 2: {"cdc_delete": GIVERS}, 4: {"cdc": GIVERS}}
    model = play(4, form, moves)
    others = records_of(model, np.setdiff1d(np.arange(60), GIVERS))
    back = held(model.large, model) - others
    assert held(model.large, model) >= others
    now = records_of(model, GIVERS, until=4) - records_of(model, GIVERS, until=3)
    assert back == (now if until is None else records_of(model, GIVERS))


def test_who_gave_small_co_nothing_brings_nothing(play):
    moves = {2: {"strike": GIVERS}, 4: {"stay": GIVERS}}
    model = play(4, "symmetric", moves)
    back = held(model.large, model) & records_of(model, GIVERS)
    assert back == records_of(model, GIVERS, until=4) - records_of(model, GIVERS, until=3)


def test_under_the_static_clock_a_symmetric_law_undoes_deletion_for_good(play):
    moves = {
        1: {"cdc": GIVERS},
        2: {"move": GIVERS, "strike": np.array([1, 2])},
        3: {"cdc": GIVERS, "stay": [1, 2]},
    }
    gone = {"return_restores": False}
    for form, absent in (("one_off", 22), ("symmetric", 2)):
        model = play(3, form, moves, clock=None, policy=gone)
        assert model.large.deleted.sum() == absent
        view = model._information()
        assert view.returns_restore.sum() == (0 if form == "one_off" else 20)
        assert model.warnings == ()


@pytest.mark.parametrize(
    ("form", "restores"), [("continuous", True), ("continuous", False), ("symmetric", True)]
)
def test_a_form_that_cannot_matter_is_warned_of(play, form, restores):
    idle = play(0, form, {}, clock=None, policy={"return_restores": restores})
    assert [warning.partition(":")[0] for warning in idle.warnings] == ["portability_law"]
    assert play(0, form, {}, policy={"return_restores": restores}).warnings == ()


def test_whoever_small_co_started_with_does_not_pass_on_new_records(untrained, society, prescribed):
    model = society(
        untrained,
        decision=prescribed({}),
        interventions=[PortabilityLaw(form="continuous")],
        clock=STREAM,
        companies={"small": {"starts_with": 0.5}},
    )
    start = held(model.small, model)
    assert start
    for _ in range(3):
        model.step()
    assert held(model.small, model) == start
