"""The data clock: what comes back, what does not, and what goes on accruing."""

import numpy as np
import pytest

from abm.clock import Clock, ClockParameters
from learners.errors import InputError

STREAM = {"kind": "stream", "at_start": 0.5, "slices": 8}
ONE = np.array([3])


def clock(use_case, **parameters):
    return Clock(ClockParameters(**parameters), use_case)


def held(company, user):
    """Return the rows of a user's records that a company holds."""
    owners = company.model.record_owners
    return set(np.flatnonzero(company.store.holding().record_mask(owners) & (owners == user)).tolist())


def existing(model, user):
    return set(np.flatnonzero(model.clock.arrived & (model.record_owners == user)).tolist())


@pytest.fixture
def stream(untrained, society, prescribed):
    """Return a function: prescribed moves -> a society under the stream clock."""

    def build(moves, use_case=untrained, **groups):
        return society(use_case, clock=STREAM, decision=prescribed(moves), **groups)

    return build


# When records arrive


def test_static_clock_has_everything_from_the_start(untrained):
    still = clock(untrained)
    assert not still.streaming
    assert still.arrived is None
    assert still.pending_share == 0
    assert len(still.advance(1)) == 0


@pytest.mark.parametrize("at_start", [0.05, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("slices", [1, 7])
def test_stream_delivers_each_record_once_in_its_owners_order(untrained, at_start, slices):
    running = clock(untrained, kind="stream", at_start=at_start, slices=slices)
    when = np.where(running.arrived, 0, -1)
    for tick in range(1, slices + 1):
        before = running.pending_share
        rows = running.advance(tick)
        assert (when[rows] == -1).all()
        assert running.arrived[rows].all()
        assert running.pending_share == pytest.approx(before - len(rows) / len(when))
        when[rows] = tick
    assert (when >= 0).all()
    assert running.pending_share == 0
    for owner in range(untrained.owners):
        # Records are sorted by owner, then time.
        assert (np.diff(when[untrained.record_owners == owner]) >= 0).all()


def test_share_at_the_start_and_equal_slices(untrained):
    slices = 5
    running = clock(untrained, kind="stream", at_start=0.6, slices=slices)
    total = len(running.arrived)
    assert running.arrived.mean() == pytest.approx(0.6, abs=0.02)
    arrivals = [len(running.advance(tick)) for tick in range(1, slices + 1)]
    np.testing.assert_allclose(np.array(arrivals) / total, 0.4 / slices, atol=0.03)
    for owner in np.flatnonzero(untrained.records_per_owner >= 4):
        own = clock(untrained, kind="stream", at_start=0.6).arrived[untrained.record_owners == owner]
        assert own.sum() == pytest.approx(0.6 * len(own), abs=0.5)


def test_records_without_timestamps_are_refused(rating_case, society):
    with pytest.raises(InputError, match=r"^clock\.kind: 'stream' needs a timestamp [^\n]*use 'static'$"):
        society(rating_case(timed=False), clock=STREAM)


def test_images_are_refused(few_digits, society):
    with pytest.raises(InputError, match=r"^clock\.kind: 'stream' needs timestamps[^\n]*use 'static'$"):
        society(few_digits, clock=STREAM)


# The stream clock: what is deleted is gone, what was withheld was never there


def test_deleted_records_never_return_and_new_ones_accrue(stream):
    model = stream({2: {"strike": ONE}, 5: {"stay": ONE}})
    model.step()
    model.step()
    assert held(model.large, 3) == set()
    before_return = existing(model, 3)
    for _ in range(2):
        model.step()
        assert held(model.large, 3) == set()
        before_return |= existing(model, 3)
    while model.tick < 8:
        model.step()
        # Exactly the records that came into being since the return.
        assert held(model.large, 3) == existing(model, 3) - before_return
    assert model.clock.pending_share == 0
    assert held(model.large, 3)
    assert not model.large.deleted[3]
    other = 4
    assert held(model.large, other) == existing(model, other)


def test_withholding_stops_the_flow_and_the_gap_stays(stream):
    model = stream({2: {"strike_withhold": ONE}, 6: {"stay": ONE}})
    model.step()
    known = existing(model, 3)
    assert held(model.large, 3) == known
    for _ in range(4):
        model.step()
        assert held(model.large, 3) == known
    gap = existing(model, 3) - known
    assert gap
    while model.tick < 8:
        model.step()
    assert held(model.large, 3) == existing(model, 3) - gap
    assert existing(model, 3) - gap > known


def test_leaving_also_stops_the_flow(stream):
    model = stream({1: {"boycott_leave": ONE}})
    known = existing(model, 3)
    for _ in range(8):
        model.step()
    assert held(model.large, 3) == known < existing(model, 3)


def test_a_copy_does_not_grow(stream):
    model = stream({3: {"cdc": ONE}})
    for _ in range(3):
        model.step()
    # What its owner has at that moment, this tick's records included.
    copy = existing(model, 3)
    assert held(model.small, 3) == copy
    while model.tick < 8:
        model.step()
    assert held(model.small, 3) == copy < existing(model, 3)
    assert held(model.large, 3) == existing(model, 3)
    assert model.small.records == len(copy)


def test_a_copy_made_while_deleting_holds_what_is_deleted(stream):
    model = stream({4: {"cdc_delete": ONE}})
    for _ in range(4):
        model.step()
    assert held(model.small, 3) == existing(model, 3)
    assert held(model.large, 3) == set()


@pytest.mark.parametrize("keeps_archive", [True, False])
def test_who_deleted_contributes_from_an_archive_only(stream, keeps_archive):
    model = stream(
        {2: {"strike": ONE}, 4: {"stay": ONE}, 6: {"cdc": ONE}}, policy={"keeps_archive": keeps_archive}
    )
    for _ in range(5):
        model.step()
    # Large Co.'s records since the return are all that is left to copy without an archive.
    at_large = held(model.large, 3)
    assert at_large < existing(model, 3)
    model.step()
    copy = held(model.small, 3)
    if keeps_archive:
        assert copy == existing(model, 3)
    else:
        assert at_large <= copy <= held(model.large, 3)


def test_return_restores_changes_nothing_under_the_stream_clock(stream, ticks_of):
    moves = {2: {"strike": ONE}, 4: {"stay": ONE}}
    runs = [ticks_of(stream(moves, policy={"return_restores": restores}), 8) for restores in (True, False)]
    assert runs[0].equals(runs[1])


def test_records_large_counts_what_was_not_withheld(stream):
    model = stream({1: {"strike_withhold": np.arange(30)}})
    for _ in range(8):
        model.step()
    assert model.ticks[-1]["records_large"] == sum(len(held(model.large, user)) for user in range(60))
    assert model.ticks[-1]["records_large"] < len(model.record_owners)


def test_reference_models_follow_what_has_arrived(ratings, society, prescribed):
    """Best quality is that of a model trained on everything that exists at the tick."""
    model = society(ratings, clock=STREAM, decision=prescribed({}))
    for _ in range(8):
        model.step()
        # Large Co. holds everything that exists: so it is the reference.
        assert model.ticks[-1]["dlp_strike_holdout"] == 0
    best = [row["best_holdout"] for row in model.ticks]
    assert len(set(best)) == len(best)


def test_ml_100k_streams(prepared, society, prescribed):
    from learners.usecase import load_use_case

    use_case = load_use_case("ml-100k", prepared("ml-100k"), device="cpu", owners=120)
    struck = np.arange(40)
    model = society(
        use_case,
        clock={"kind": "stream", "at_start": 0.6, "slices": 4},
        decision=prescribed({1: {"strike": struck, "cdc": [50]}, 3: {"stay": struck}}),
    )
    for _ in range(2):
        model.step()
    gone = existing(model, 7)
    assert held(model.large, 7) == set()
    copy = held(model.small, 50)
    assert model.dlp["strike"] > 0
    for _ in range(2):
        model.step()
    assert held(model.large, 7) == existing(model, 7) - gone
    assert held(model.large, 7)
    assert held(model.small, 50) == copy < existing(model, 50)


# The static clock: a return is a new consent


@pytest.mark.parametrize("restores", [True, False])
def test_a_return_restores_or_not(few_digits, society, prescribed, restores):
    model = society(
        few_digits,
        policy={"return_restores": restores},
        decision=prescribed({1: {"strike": ONE}, 2: {"stay": ONE}}),
    )
    everything = held(model.large, 3)
    assert everything
    model.step()
    assert held(model.large, 3) == set()
    for _ in range(3):
        model.step()
        assert held(model.large, 3) == (everything if restores else set())
    assert model.ticks[-1]["share_stay"] == 1
    assert model.ticks[-1]["owners_large"] == few_digits.owners - (not restores)


def test_withholding_alone_takes_nothing_under_the_static_clock(few_digits, society, prescribed, ticks_of):
    model = society(few_digits, decision=prescribed({1: {"strike_withhold": np.arange(20)}}))
    ticks = ticks_of(model, 3)
    assert (ticks["records_large"] == ticks["records_large"][0]).all()
    assert ticks["share_strike_withhold"].tolist() == [0, 0.5, 0.5, 0.5]
    assert (ticks["dlp_strike_holdout"] == 0).all()
