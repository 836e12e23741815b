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
