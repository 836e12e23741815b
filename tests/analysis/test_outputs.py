import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from analysis.outputs import Outputs, columns_of, of_run

TICKS = {
    "dlp": np.array([0.0, 0.2, np.nan, 0.6, 0.4]),
    "share": np.array([0.0, 1.0, 3.0, 2.0, 0.0]),
    "stale": np.array([False, True, True, False, True]),
}


def outputs(*given):
    return TypeAdapter(list[Outputs]).validate_python(list(given))


def test_every_kind_of_output():
    asked = outputs(
        "share",
        {"take": "at", "column": "share", "tick": 1},
        {"take": "mean", "column": "dlp", "start": 1},
        {"take": "mean", "column": "share", "start": 1, "end": 2, "name": "early"},
        {"take": "area", "column": "share"},
        {"take": "first_above", "column": "dlp", "threshold": 0.5},
        {"take": "first_below", "column": "share", "threshold": 0.0, "start": 1},
        {"column": "stale", "name": "was_stale"},
    )
    assert of_run(asked, TICKS) == {
        "share": 0.0,
        "share_at_1": 1.0,
        "dlp_mean": pytest.approx(0.4),  # of the ticks at which it is defined
        "early": 2.0,
        "share_area": 6.0,
        "dlp_first_above": 3.0,
        "share_first_below": 4.0,
        "was_stale": 1.0,
    }
    assert columns_of(asked) == {"share", "dlp", "stale"}


def test_what_never_happens_is_undefined_and_not_zero():
    asked = outputs(
        {"take": "first_above", "column": "share", "threshold": 9},
        {"take": "first_below", "column": "dlp", "threshold": -1},
        {"take": "area", "column": "dlp"},
        {"take": "mean", "column": "dlp", "start": 2, "end": 2},
    )
    assert all(np.isnan(value) for value in of_run(asked, TICKS).values())


def test_a_threshold_is_reached_when_it_is_met():
    (at,) = outputs({"take": "first_above", "column": "share", "threshold": 3})
    assert at.of(TICKS) == 2.0
    (later,) = outputs({"take": "first_above", "column": "share", "threshold": 1, "start": 2})
    assert later.of(TICKS) == 2.0  # ticks of the run, not of the stretch


def test_last_tick_that_is_needed():
    asked = outputs(
        "share",
        {"take": "at", "column": "share", "tick": 7},
        {"take": "area", "column": "share", "start": 3, "end": 9},
        {"take": "mean", "column": "share", "start": 4},
    )
    assert [output.last_tick for output in asked] == [0, 7, 9, 4]


@pytest.mark.parametrize(
    "given",
    [
        {"take": "last", "column": "share"},
        {"take": "at", "column": "share"},
        {"take": "at", "column": "share", "tick": -1},
        {"take": "first_above", "column": "share", "threshold": np.nan},
        {"column": "share", "threshold": 1},
        {"column": "Share!"},
        3,
    ],
)
def test_unknown_outputs_are_refused(given):
    with pytest.raises(ValidationError):
        outputs(given)


EARNED = {
    "small": np.array([0.0, 1.0, 1.0, 3.0]),
    "large": np.array([0.0, 3.0, 1.0, 1.0]),
    "other": np.array([1.0, 1.0, 1.0, 1.0]),
}


def test_columns_are_taken_together_tick_by_tick():
    share, net, closed, mean = outputs(
        {"column": "small", "over": ["small", "large"], "name": "share_of_revenue"},
        {"take": "area", "column": "small", "less": ["large"], "name": "net"},
        {"take": "at", "tick": 2, "column": "small", "plus": ["other"], "over": ["large"], "name": "ratio"},
        {"take": "mean", "column": "small", "over": ["small", "large"], "name": "mean_share"},
    )
    assert share.of(EARNED) == pytest.approx(0.75)
    assert net.of(EARNED) == pytest.approx(0 / 2 - 2 + 0 + 2 / 2)
    assert closed.of(EARNED) == pytest.approx(2.0)
    # The mean of the shares, and not the share of the means; where nobody earns, there is no share.
    assert mean.of(EARNED) == pytest.approx((0.25 + 0.5 + 0.75) / 3)
    assert columns_of([share, net, closed]) == {"small", "large", "other"}


def test_what_is_made_of_columns_needs_a_name():
    with pytest.raises(ValidationError, match="what is made of small, large needs a name"):
        outputs({"column": "small", "over": ["large"]})


def test_change_is_last_less_first():
    (change,) = outputs({"take": "change", "column": "share", "start": 1, "end": 3})
    assert change.of(TICKS) == 1.0
    assert change.label == "share_change"


CLIMB = {"closed": np.array([0.95, 0.2, 0.95, 0.5, 0.92, np.nan, 0.9, 0.91, 0.95])}


def test_time_to_reach_counts_every_run_and_says_which_never_got_there():
    until, reached, first = outputs(
        {"take": "ticks_until", "column": "closed", "threshold": 0.9, "hold": 3, "start": 1},
        {"take": "reached", "column": "closed", "threshold": 0.9, "hold": 3, "start": 1},
        {"take": "first_above", "column": "closed", "threshold": 0.9, "hold": 3},
    )
    # One tick above is not enough, and NaN breaks a row: ticks 6 to 8 are the first three.
    assert (until.of(CLIMB), reached.of(CLIMB), first.of(CLIMB)) == (5.0, 1.0, 6.0)
    never = {"closed": np.where(np.arange(9) < 8, CLIMB["closed"], 0.0)}
    assert (until.of(never), reached.of(never)) == (6.0, 0.0)
    assert np.isnan(first.of(never))
    assert until.longest(8) == 6.0  # ticks 1 to 6 could begin three in a row
    assert reached.longest(8) == np.inf
    assert until.last_tick == 3


def test_ticks_count_only_while_a_condition_holds():
    asked = {"take": "ticks_until", "column": "closed", "threshold": 0.9, "start": 1}
    served = {"column": "owners", "at_least": 13}
    good = {"column": "quality", "at_least": 0.0}
    always, served, both = outputs(asked, {**asked, "given": [served]}, {**asked, "given": [served, good]})
    quality = np.array([1, 1, 1, 1, 1, 1, -1, np.nan, 0.0])
    ticks = {**CLIMB, "owners": np.array([0, 1, 12, 12, 12, 13, 13, 14, 15]), "quality": quality}
    assert (always.of(ticks), served.of(ticks), both.of(ticks)) == (1.0, 5.0, 7.0)
    assert both.columns == ("closed", "owners", "quality")
    assert served.told.startswith(
        "ticks from tick 1 until closed is at or above 0.9 while owners is at least 13; where"
    )
    assert served.of({**ticks, "owners": np.zeros(9)}) == served.longest(8) == 8.0


def test_the_longest_time_is_longer_than_any_that_is_seen():
    (until,) = outputs({"take": "ticks_until", "column": "x", "threshold": 1, "start": 2, "end": 6})
    last_moment = {"x": np.array([0, 0, 0, 0, 0, 0, 1.0])}
    assert until.of(last_moment) == 4.0
    assert until.of({"x": np.zeros(9)}) == until.longest(8) == 5.0


def test_a_stretch_shorter_than_what_must_hold_is_refused():
    with pytest.raises(ValidationError, match="there are not as many ticks from 3 to 4"):
        outputs({"take": "reached", "column": "x", "threshold": 1, "hold": 3, "start": 3, "end": 4})


def test_numbers_are_told_in_words():
    share, until = outputs(
        {"column": "small", "plus": ["other"], "over": ["small", "large"], "name": "share_of_all"},
        {"take": "ticks_until", "column": "closed", "threshold": 0.9, "hold": 3, "start": 1},
    )
    assert share.told == "(small + other) / (small + large) at the last tick"
    assert until.told.startswith(
        "ticks from tick 1 until closed is at or above 0.9 for 3 ticks in a row; where it never is"
    )
