import numpy as np
import pandas as pd
import pytest

from abm.attribution import LEVERS, OUTCOMES, attribution_columns
from abm.model import DataLeverageModel
from learners.curves.published_curves import published_curve
from learners.errors import InputError


def shares(row, outcome):
    return {lever: row[f"attribution_{outcome}_{lever}"] for lever in LEVERS}


def scripted(**stances):
    return {"rule": "scripted", "steps": [{"tick": 1, "shares": stances}]}


def on_a_curve(decision=None, ticks=10, every=5, **given):
    model = DataLeverageModel(
        "ml-10m",
        curve=published_curve("ml-10m", "surrogate"),
        population={"users": 2000},
        decision=decision,
        record={"attribution": every},
        rng=1,
        **given,
    )
    for _ in range(ticks):
        model.step()
    return model


def test_off_by_default():
    model = DataLeverageModel("digits", rng=1)
    model.step()
    assert all(np.isnan(model.ticks[-1][column]) for column in attribution_columns())


@pytest.mark.parametrize("perspective", ["served", "holdout"])
def test_shares_add_up_to_what_the_run_measured(perspective):
    model = on_a_curve(leverage={"perspective": perspective})
    assert np.isnan(model.ticks[4]["attribution_dlp_cdc_remove"])
    for tick in (5, 10):
        row, start = model.ticks[tick], model.ticks[0]
        for outcome in OUTCOMES:
            total = sum(shares(row, outcome).values())
            assert total == pytest.approx(row[outcome] - start[outcome], abs=1e-9)
            assert total != 0


def test_levers_nobody_uses_get_nothing():
    row = on_a_curve(scripted(strike=0.4), ticks=5).ticks[-1]
    strike = shares(row, "dlp_strike")
    assert strike["remove"] == pytest.approx(row["dlp_strike"])
    assert row["dlp_strike"] > 0.02
    assert [strike[lever] for lever in ("contribute", "poison", "leave")] == [0, 0, 0]
    assert shares(row, "dlp_cdc") == dict.fromkeys(LEVERS, 0)


def test_each_lever_is_credited_with_its_own_company():
    row = on_a_curve(scripted(strike=0.3, cdc=0.2, boycott_leave=0.2), ticks=5).ticks[-1]
    assert shares(row, "dlp_cdc")["contribute"] == pytest.approx(row["dlp_cdc"])
    assert shares(row, "dlp_cdc")["remove"] == 0
    revenue = shares(row, "revenue_large")
    assert revenue["leave"] == pytest.approx(-0.2, abs=0.01)  # a fifth of the customers
    assert revenue["remove"] < 0
    assert revenue["contribute"] < 0


def test_what_small_started_with_is_nobodys_contribution():
    model = on_a_curve(scripted(cdc=0.1), ticks=5, companies={"small": {"starts_with": 0.3}})
    row, start = model.ticks[-1], model.ticks[0]
    assert start["dlp_cdc"] > 0.5
    assert shares(row, "dlp_cdc")["contribute"] == pytest.approx(row["dlp_cdc"] - start["dlp_cdc"])


def test_shadows_of_real_models_leave_the_run_alone(few_digits):
    decision = scripted(strike=0.3, cdc=0.2, **{"poison:label_flip": 0.3})

    def run(every):
        model = DataLeverageModel(few_digits, decision=decision, record={"attribution": every}, rng=2)
        for _ in range(3):
            model.step()
        return model.ticks

    off, on = run("off"), run(1)
    timed = [column for column in off[-1] if column.startswith("seconds")]
    for before, after in zip(off, on, strict=True):
        for column in before.keys() - {*attribution_columns(), *timed}:
            np.testing.assert_equal(after[column], before[column])
    row, start = on[-1], on[0]
    for outcome in OUTCOMES:
        total = sum(shares(row, outcome).values())
        assert total == pytest.approx(row[outcome] - start[outcome], abs=0.02)
    strike = shares(row, "dlp_strike")
    assert strike["poison"] > 0.01
    assert strike["remove"] > 0.01
    assert strike["contribute"] == strike["leave"] == 0


def test_no_shadows_in_a_replay():
    recorded = pd.DataFrame(on_a_curve(scripted(strike=0.4), every="off", ticks=2).ticks)
    known = {"beliefs": {"linear": 1.0, "pessimist": 0.0, "true": 0.0}}
    with pytest.raises(InputError, match=r"record\.attribution: must be 'off' in mode replay"):
        DataLeverageModel("ml-10m", replay=recorded, population=known, record={"attribution": 1})
