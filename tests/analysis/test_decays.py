"""How long advantages last: exact on made-up paths, and counted where they outlast the run."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.decay_report import decay_parts
from analysis.decays import FIRST, HALVED, LAST, WITHIN, Decay, decay_lines, decay_table
from analysis.report import Table, Words


def society(paths, statuses=None, **points):
    """Return runs, and where their paths are: {arm: [path of each replicate]}."""
    rows, stored = [], {}
    for arm, replicates in paths.items():
        for replicate, path in enumerate(replicates):
            run_id = f"{arm}{replicate}"
            stored[run_id] = np.asarray(path, float)
            status = (statuses or {}).get(run_id, "finished")
            rows.append(
                {"run_id": run_id, "arm": arm, "point": 0, "replicate": replicate, "status": status, **points}
            )
    return pd.DataFrame(rows).sample(frac=1, random_state=2), lambda run_id, column: stored.get(run_id)


def measured(paths, statuses=None, **asked):
    """Return each measure's row of the only decay, that of poison into a strike."""
    runs, path_of = society(paths, statuses)
    decay = Decay(of="poison", into="strike", **{"start": 1, **asked})
    return decay_table(runs, [decay], path_of).set_index("measure")


STRIKE = [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_halving_and_arrival_are_the_ticks_after_which_they_hold_to_the_end():
    #                  start: excess 8, half of it 4, five per cent of the strike .05
    poison = [0.0, 9.0, 5.0, 5.1, 5.0, 1.045, 0.97]
    found = measured({"poison": [poison], "strike": [STRIKE]})
    # At or below half at tick 2, above it at tick 3, for good from tick 4 on.
    assert found["mean"].tolist() == [8.0, 3.0, 4.0, pytest.approx(-0.03)]
    assert (found["censored"] == 0).all()
    assert (found["n"] == 1).all()
    assert found[["start", "end"]].iloc[0].tolist() == [1, 6]
    # Within is of the other arm's value, on both sides of it.
    assert measured({"poison": [poison], "strike": [STRIKE]}, within=0.04).loc[WITHIN, "mean"] == 5.0
    wide = measured({"poison": [[*poison[:5], 1.9, 0.2]], "strike": [STRIKE]}, within=0.5)
    assert wide.loc[WITHIN, ["mean", "censored"]].tolist() == [6.0, 1]


def test_the_first_tick_that_counts_sets_the_first_excess():
    poison = [50.0, 9.0, 5.0, 3.0, 3.0, 2.0, 2.0]
    found = measured({"poison": [poison], "strike": [STRIKE]}, start=2)
    assert found.loc[[FIRST, HALVED], "mean"].tolist() == [4.0, 1.0]
    assert measured({"poison": [poison], "strike": [STRIKE]}).loc[HALVED, "mean"] == 1.0


def test_what_outlasts_the_run_counts_as_long_as_it_was_watched_and_is_said():
    gone, back = [0, 3, 1, 1, 1, 1, 1], [0, 3, 1, 1, 1, 1, 2.5]
    found = measured({"poison": [gone, back, back, gone], "strike": [STRIKE] * 4})
    # Ticks 1 to 6 are watched: halved after one tick in half of the pairs, not seen in the others.
    for measure in (HALVED, WITHIN):
        row = found.loc[measure]
        assert (row["mean"], row["n"], row["censored"]) == ((1 + 6) / 2, 4, 2)
        assert 1.0 <= row["low"] < row["mean"] < row["high"] <= 6.0
    assert found.loc[[FIRST, LAST], "mean"].tolist() == [2.0, 0.75]


def test_pairs_without_an_advantage_count_in_the_excess_and_have_no_times():
    below, above = [0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [0, 3, 1, 1, 1, 1, 1]
    found = measured({"poison": [below, above, STRIKE], "strike": [STRIKE] * 3})
    assert (found["never_above"] == 2).all()
    assert found["n"].tolist() == [3, 1, 1, 3]
    assert found.loc[FIRST, "mean"] == pytest.approx((-0.5 + 2 + 0) / 3)
    assert found.loc[HALVED, "mean"] == 1.0
    never = measured({"poison": [below], "strike": [STRIKE]})
    assert never.loc[[HALVED, WITHIN], "mean"].isna().all()
    assert never.loc[[HALVED, WITHIN], "censored"].tolist() == [0, 0]


@given(arrays(float, (3, 5), elements=st.floats(-5, 5)))
@settings(max_examples=40, deadline=None)
def test_an_arm_has_no_excess_over_one_that_does_the_same(paths):
    found = measured({"poison": paths, "strike": paths})
    assert (found["never_above"] == 3).all()
    excess = found.loc[[FIRST, LAST], ["mean", "low", "high"]]
    assert (excess == 0).all(axis=None)
    assert found.loc[[HALVED, WITHIN], "n"].tolist() == [0, 0]


@given(arrays(float, (6, 8), elements=st.floats(0.5, 5)), st.floats(0.1, 9.0))
@settings(max_examples=40, deadline=None)
def test_a_decay_has_no_unit_and_no_time_is_beyond_what_was_watched(paths, unit):
    pairs = {"poison": paths[:3] * 2, "strike": paths[3:]}
    scaled = {arm: rows * 2.0 ** np.round(unit) for arm, rows in pairs.items()}
    one, other = measured(pairs), measured(scaled)
    times = [HALVED, WITHIN]
    pd.testing.assert_frame_equal(
        one.loc[times, ["n", "mean", "low"]], other.loc[times, ["n", "mean", "low"]]
    )
    assert (one.loc[times, "mean"].dropna() <= 7).all()
    assert (one.loc[times, "censored"] <= one.loc[times, "n"]).all()


def test_pairs_that_are_not_both_there_are_missing_and_undefined_ticks_leave_a_pair_out():
    poison = [0, 3, 1, 1, 1, 1, 1]
    gap = [0, 3, np.nan, 1, 1, 1, 1]
    paths = {"poison": [poison, poison, gap, poison, poison], "strike": [STRIKE] * 4}
    found = measured(paths, {"poison1": "failed", "strike3": "missing"})
    assert (found[["missing", "undefined"]] == [3, 1]).all(axis=None)  # the fifth has no strike at all
    assert (found["n"] == 1).all()
    runs, _ = society(paths)
    nothing = decay_table(runs, [Decay(of="poison", into="strike")], lambda run_id, column: None)
    assert (nothing["missing"] == 5).all()
    assert nothing["mean"].isna().all()
    assert "no pair of runs has been played" in decay_lines(nothing)[0]


def test_points_are_followed_apart_and_intervals_come_from_the_seed():
    rng = np.random.default_rng(3)
    tables, paths = [], {}
    for point, interest in enumerate((1.0, 4.0)):
        strike = np.ones((6, 7))
        poison = strike + rng.uniform(1, 2, (6, 1)) * np.exp(-np.arange(7) * (0.3 + point))
        runs, path_of = society({f"poison{point}": poison, f"strike{point}": strike})
        runs["point"], runs["interest"] = point, interest
        runs["arm"] = runs["arm"].str.rstrip("01")
        tables.append(runs)
        paths |= {run_id: path_of(run_id, "") for run_id in runs["run_id"]}
    runs = pd.concat(tables)
    decay = [Decay(of="poison", into="strike")]

    def table(seed):
        return decay_table(
            runs, decay, lambda run_id, column: paths[run_id], parameters=["interest"], seed=seed
        )

    one = table(1)
    halved = one[one["measure"] == HALVED].set_index("interest")["mean"]
    assert halved.to_dict() == {1.0: 3.0, 4.0: 1.0}  # exp(-.3 t) <= 1/2 from 2.3 on
    pd.testing.assert_frame_equal(one, table(1))
    differs = [(one["low"] != table(2)["low"]).any(), (one["high"] != table(2)["high"]).any()]
    assert any(differs)
    assert "interest 4.0" in decay_lines(one)[1]


def test_words_and_tables_say_what_was_found_and_what_was_not_seen():
    gone, back = [0, 3, 1, 1, 1, 1, 1], [0, 3, 1, 1, 1, 1, 2.5]
    runs, path_of = society({"poison": [gone, back, STRIKE], "strike": [STRIKE] * 3})
    table = decay_table(runs, [Decay(of="poison", into="strike", start=1)], path_of)
    (line,) = decay_lines(table)
    assert line.startswith("poison against strike, dlp_strike: 1.33 [")
    for said in (
        "more at tick 1; halves for good after 3.5 [",
        "ticks (1 of 2 not by tick 6, counted as 6); is within 5% of it for good after 3.5 [",
        "more at tick 6 (n = 3); 1 pairs begin with no advantage",
    ):
        assert said in line
    words, *tables = decay_parts(table)
    assert isinstance(words, Words)
    assert line in words.paragraphs
    assert all(isinstance(part, Table) for part in tables)
    assert [len(part.columns) == len(part.rows[0]) for part in tables] == [True] * 4
    assert tables[1].rows[0][-2:] == (1, 1)
    assert decay_parts(pd.DataFrame()) == []


@pytest.mark.parametrize(
    ("arms", "says"),
    [
        ({"of": "nobody"}, "of is 'nobody', not one of the arms: poison, strike"),
        ({"into": "nobody"}, "into is 'nobody', not one of the arms"),
        ({"into": "poison"}, "into is 'poison': an arm cannot be compared with itself"),
    ],
)
def test_arms_that_are_not_there_are_refused(arms, says):
    decay = Decay(**{"of": "poison", "into": "strike", **arms})
    with pytest.raises(ValueError, match=says):
        decay.check(["poison", "strike"])
