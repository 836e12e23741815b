import numpy as np
import pytest

from abm.money.credits import makes_records

STREAM = {"kind": "stream", "at_start": 0.5, "slices": 5}


def contributing(society, ratings, prescribed, reuse, price=0.0, form=True, users=30, rng=1):
    return society(
        ratings,
        decision=prescribed({1: {"cdc": np.arange(users)}}),
        policy={"credit_price": price, "portability_continuous": form},
        companies={"reuse": reuse},
        population={"switching_cost": 0.0},
        clock=STREAM,
        rng=rng,
    )


def test_small_co_pays_per_record_that_it_has_from_contributors(ratings, society, prescribed):
    model = society(
        ratings,
        decision=prescribed({1: {"cdc": np.arange(20)}}),
        policy={"credit_price": 0.5},
        companies={"small": {"starts_with": 0.3}},
    )
    assert model.ticks[0]["credits_paid"] == 0  # whom it starts with, it does not pay
    model.step()
    records = model.population.records
    paid = 0.5 * records[:20].sum() / records.sum()
    assert model.ticks[-1]["credits_paid"] == pytest.approx(paid)
    assert model.ticks[-1]["net_revenue_small"] == pytest.approx(model.revenue.small - paid)
    rates = model.paymaster.payments.at_small / 60
    np.testing.assert_allclose(rates, 0.5 * records / records.sum())


def test_records_that_flow_on_are_paid_as_they_come(ratings, society, prescribed):
    model = contributing(society, ratings, prescribed, {}, price=1.0)
    for _ in range(4):
        model.step()
        held = np.bincount(model.record_owners[model.small.store.arrived], minlength=60)[:30].sum()
        at_start = (model.clock._due == 0).sum()
        assert model.ticks[-1]["credits_paid"] == pytest.approx(held / at_start)


def test_without_substitution_every_record_is_made(ratings, society, prescribed):
    model = contributing(society, ratings, prescribed, {"response": 5.0}, price=1.0)
    for _ in range(5):
        model.step()
    assert model.clock.never == 0
    assert model.clock.arrived.all()
    assert model.clock.pending_share == 0


def test_who_attends_to_small_co_makes_fewer_records(ratings, society, prescribed):
    model = contributing(society, ratings, prescribed, {"substitution": 1.0})
    for _ in range(5):
        model.step()
    missing = np.bincount(model.record_owners[~model.clock.arrived], minlength=60)
    late = np.bincount(model.record_owners[model.clock._due > 1], minlength=60)
    assert (missing[30:] == 0).all()  # Small Co. does not serve them
    attention = model.attention.small[:30].mean()
    assert 0.1 < attention < 0.9
    expected = attention * late[:30].sum()
    assert abs(missing[:30].sum() - expected) < 4 * np.sqrt(expected)
    assert model.clock.never == missing.sum()
    assert model.ticks[-1]["records_never_made"] == pytest.approx(missing.sum() / len(model.record_owners))
    assert model.ticks[-1]["traffic_large"] == pytest.approx(1 - attention / 2)
    assert model.clock.pending_share == pytest.approx(0)
    # Neither company has what was never made.
    for company in (model.large, model.small):
        assert not (company.store.arrived & ~model.clock.arrived).any()


def test_a_response_to_credits_makes_up_for_it_where_new_records_flow(ratings, society, prescribed):
    made = {}
    for form in (True, False):
        for response in (0.0, 0.5, 100.0):
            reuse = {"substitution": 0.8, "response": response}
            model = contributing(society, ratings, prescribed, reuse, price=1.0, form=form)
            model.step()
            rows = np.flatnonzero(model.clock._due == 2)
            made[form, response] = set(rows[makes_records(model, rows)].tolist())
    everything = set(np.flatnonzero(model.clock._due == 2).tolist())
    assert made[True, 0.0] < made[True, 0.5] < made[True, 100.0] == everything
    assert made[False, 0.0] == made[False, 0.5] == made[False, 100.0] == made[True, 0.0]


def test_a_better_substitute_makes_the_same_records_and_fewer(ratings, society, prescribed):
    """Lots belong to records: with more substitution some more are not made, and no other is."""
    made = {}
    for substitution in (0.2, 0.6):
        model = contributing(society, ratings, prescribed, {"substitution": substitution})
        model.step()
        rows = np.flatnonzero(model.clock._due == 2)
        made[substitution] = set(rows[makes_records(model, rows)].tolist())
    assert made[0.6] < made[0.2]
