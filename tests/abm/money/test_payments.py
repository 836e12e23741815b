import numpy as np
import pytest

from abm.money.payments import Payments


def test_utility_follows_where_the_data_are():
    payments = Payments(np.array([1.0, 2.0, 4.0]), np.array([0.25, 0.5, 0.0]), anyway=0.125, worth=2.0)
    rows = np.array([2, 0])
    known, contributed = np.array([True, False]), np.array([True, True])
    np.testing.assert_allclose(payments.utility(rows, known, contributed), 2 * np.array([4.125, 0.375]))


def utilities(model):
    rows = np.arange(model.population.n_users)
    return model.rule.utilities(model._information(), rows)


def test_strikers_forgo_the_dividend_when_they_decide(few_digits, society):
    policy = {"dividend_share": 0.1, "dividend": {"transform": "equal"}}
    population = {"money_worth": 3.0}
    paid = society(few_digits, policy=policy, population=population)
    names = paid.stances.names
    gain = utilities(paid) - utilities(society(few_digits, population=population))
    deletes = np.array([name in ("strike", "cdc_delete", "boycott", "move") for name in names])
    assert deletes.sum() == 4
    np.testing.assert_allclose(gain[:, ~deletes], 3.0 * 0.1, rtol=1e-5)
    np.testing.assert_allclose(gain[:, deletes], 0, atol=1e-6)


def test_contributors_count_on_credits(few_digits, society):
    paid = society(few_digits, policy={"credit_price": 0.5})
    gain = utilities(paid) - utilities(society(few_digits))
    contributes = np.array(["cdc" in name or name == "move" for name in paid.stances.names])
    records = paid.population.records
    expected = 0.5 * 0.5 * records / records.mean()
    np.testing.assert_allclose(gain[:, contributes], expected[:, None].repeat(3, 1), rtol=1e-4)
    np.testing.assert_allclose(gain[:, ~contributes], 0, atol=1e-6)


def test_what_is_paid_counts_in_welfare(few_digits, society, prescribed):
    moves = {1: {"cdc": np.arange(10), "strike": np.arange(10, 20)}}
    policy = {"dividend_share": 0.1, "dividend": {"transform": "equal"}, "credit_price": 0.25}
    welfare = []
    for law in ({}, policy):
        model = society(few_digits, policy=law, decision=prescribed(moves))
        model.step()
        welfare.append(model.welfare.utilities(model))
    gained = welfare[1] - welfare[0]
    assert (gained[10:20] == 0).all()
    dividend = 0.5 * 40 * 0.1 * model.revenue.large / 30
    np.testing.assert_allclose(gained[20:], dividend, rtol=1e-4)
    np.testing.assert_allclose(
        gained[:10],
        dividend + 0.5 * 0.25 * model.population.records[:10] / model.population.records.mean(),
        rtol=1e-4,
    )


def test_nothing_is_paid_where_nothing_is_due(few_digits, society):
    model = society(few_digits)
    assert model.paymaster.payments is None
    row = model.ticks[-1]
    assert row["net_revenue_large"] == row["revenue_large"]
    assert row["net_revenue_small"] == row["revenue_small"]
    assert row["dividend_paid"] == row["dividend_fund"] == row["credits_paid"] == 0


def test_dividends_of_law_and_concession_add_up_to_no_more_than_everything(few_digits, society):
    model = society(few_digits, policy={"dividend_share": 0.7})
    model.concessions.dividend = 0.5
    model.step()
    assert model.ticks[-1]["dividend_paid"] == pytest.approx(model.revenue.large)
    assert model.ticks[-1]["net_revenue_large"] == pytest.approx(0)
