import numpy as np
import pandas as pd
import pytest

from abm.training import replay_columns
from learners.errors import InputError


@pytest.fixture(scope="module")
def recorded(few_digits, society, ticks_of):
    """A lively recorded run."""
    decision = {"revision_probability": 0.8, "cost_scale": 0.6}
    return ticks_of(society(few_digits, decision=decision, policy={"portability_success": 1.0}), 6)


def quality_columns(ticks):
    return [c for c in ticks if c.startswith(("quality_", "baseline_", "best_", "loss_", "dlp_", "n_test_"))]


def test_qualities_are_those_recorded(society, ticks_of, recorded):
    replayed = ticks_of(society("digits", replay=recorded), 6)
    columns = quality_columns(recorded)
    assert len(columns) > 30
    assert recorded["quality_small_served"].nunique() > 2
    pd.testing.assert_frame_equal(replayed[columns], recorded[columns], rtol=1e-12)
    assert (replayed["mode"] == "replay").all()
    assert (recorded["mode"] == "live").all()


def test_each_tick_has_its_row_and_the_last_holds_beyond_the_end(society, ticks_of, recorded):
    numbered = recorded.assign(quality_large_company=0.5 + 0.01 * recorded["tick"])
    replayed = ticks_of(society("digits", replay=numbered), 9)
    expected = [0.5 + 0.01 * min(tick, 6) for tick in range(10)]
    assert replayed["quality_large_company"].tolist() == pytest.approx(expected)
    for column in quality_columns(recorded):
        assert replayed[column].iloc[7:].nunique(dropna=False) == 1


@pytest.mark.parametrize("users", [12, 40, 777])
def test_any_number_of_users(society, ticks_of, recorded, users):
    model = society("digits", replay=recorded, population={"users": users})
    ticks = ticks_of(model, 3)
    assert model.population.n_users == users
    columns = quality_columns(recorded)
    pd.testing.assert_frame_equal(ticks[columns], recorded.loc[:3, columns], rtol=1e-12)
    assert ticks["records_large"][0] == users
    assert ticks["revenue_large"][0] == pytest.approx(1)


def test_as_many_users_as_recorded_by_default(society, recorded):
    assert society("digits", replay=recorded).population.n_users == 40


def test_hits_are_pooled_utilities(society, prescribed, recorded):
    model = society("digits", replay=recorded, decision=prescribed({2: {"strike": np.arange(10)}}))
    model.step()
    model.step()
    row = recorded.loc[2]
    hits = model.large.service.hits
    assert hits[:10] == pytest.approx(row["utility_large_unknown"])
    assert hits[10:] == pytest.approx(row["utility_large_known"])
    assert model.large.service.best_hits == pytest.approx(row["utility_best"])


def test_nobody_poisons_what_is_not_trained_on(society, recorded):
    assert not any(name.startswith("poison") for name in society("digits", replay=recorded).stances.names)


def test_no_composition_gap(society, recorded):
    model = society("digits", replay=recorded, record={"composition": 1})
    model.step()
    assert np.isnan(model.ticks[-1]["composition_gap"])


def test_the_data_are_not_loaded(society, recorded, monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(tmp_path))
    assert society("ml-10m", replay=recorded).population.n_users == 40


def test_the_true_family_cannot_be_asked_for(society, recorded):
    with pytest.raises(InputError, match=r"^population\.beliefs\.true: must be 0 in a replay[^\n]*$"):
        society("digits", replay=recorded, population={"beliefs": {"linear": 0.6, "true": 0.1}}).step()


@pytest.mark.parametrize("column", [*replay_columns()[::7], "utility_baseline", "owners_large"])
@pytest.mark.parametrize("users", ["all", 20])
def test_a_missing_column_is_named(society, recorded, column, users):
    with pytest.raises(InputError, match=rf"^replay: the recorded ticks have no column '{column}'$"):
        society("digits", replay=recorded.drop(columns=column), population={"users": users})


@pytest.mark.parametrize("users", ["all", 20])
def test_an_empty_recording_is_refused(society, recorded, users):
    with pytest.raises(InputError, match=r"^replay: the recorded ticks have no row$"):
        society("digits", replay=recorded.iloc[:0], population={"users": users})
