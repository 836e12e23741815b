import numpy as np
import pytest

from abm.money.dividends import MOST_VALUED, DividendParameters, Dividends, strike_values
from abm.money.inequality import gini, pay_weights
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.holdings import Holding

SHARE = 0.2


def paying(society, use_case, **fields):
    share, policy = (
        fields.pop("share", SHARE),
        {"dividend": {k: fields.pop(k) for k in [*fields] if k in DividendParameters.model_fields}},
    )
    return society(use_case, policy=policy | {"dividend_share": share}, **fields)


def received(model):
    """What each user was paid at the last tick, in units of Large Co.'s revenue at tick 0."""
    at_large = model.paymaster.payments.at_large * ~model.large.deleted
    return (at_large + model.paymaster.payments.anyway) / model.population.n_users


def test_by_the_record_whoever_still_has_data_there_shares_what_strikers_forgo(ratings, society, prescribed):
    model = paying(society, ratings, decision=prescribed({1: {"strike": np.arange(20)}}))
    records = model.population.records
    np.testing.assert_allclose(received(model), SHARE * records / records.sum())
    model.step()
    expected = SHARE * model.revenue.large * np.where(np.arange(60) < 20, 0, records / records[20:].sum())
    np.testing.assert_allclose(received(model), expected)
    row = model.ticks[-1]
    assert row["dividend_paid"] == pytest.approx(SHARE * model.revenue.large)
    assert row["net_revenue_large"] == pytest.approx((1 - SHARE) * model.revenue.large)
    assert row["gini_dividend"] == pytest.approx(gini(expected))
    # A striker who came back would have a part of the same pot.
    back = model.paymaster.payments.at_large[7] / 60
    assert back == pytest.approx(SHARE * model.revenue.large * records[7] / (records[20:].sum() + records[7]))


def test_new_records_earn_and_deleted_ones_do_not(ratings, society, prescribed):
    model = paying(
        society,
        ratings,
        decision=prescribed({2: {"strike_withhold": np.arange(30)}}),
        clock={"kind": "stream", "at_start": 0.5, "slices": 4},
    )
    for _ in range(4):
        model.step()
    held = np.bincount(model.record_owners[model.large.store.arrived], minlength=60)
    assert (held[:30] < model.population.records[:30]).all()
    np.testing.assert_allclose(received(model), SHARE * model.revenue.large * held / held.sum())


def test_a_fund_pays_everybody_alike_whatever_they_do(few_digits, society, prescribed):
    model = paying(society, few_digits, unit="fund", decision=prescribed({1: {"boycott": np.arange(10)}}))
    model.step()
    row = model.ticks[-1]
    np.testing.assert_allclose(received(model), SHARE * model.revenue.large / 40)
    assert row["dividend_fund"] == pytest.approx(received(model).sum())
    assert row["dividend_paid"] == 0
    assert np.isnan(row["gini_dividend"])
    assert row["net_revenue_large"] == pytest.approx((1 - SHARE) * model.revenue.large)


@pytest.mark.parametrize("transform", ["shift", "absolute", "clip", "bin"])
def test_pay_by_what_each_ones_data_are_worth(few_digits, society, transform):
    model = paying(society, few_digits, transform=transform, bins=4)
    reference = model.training.reference
    scale = reference.scale("holdout", reference.evaluation)
    without = [
        reference.learner.fork("shadow").update(Holding.full(40).without([user])).holdout
        for user in range(40)
    ]
    values = np.array([1 - scale.cdc(quality) for quality in without])
    assert values.min() < 0 < values.max()
    np.testing.assert_allclose(received(model), SHARE * pay_weights(values, transform, bins=4))


def test_groups_share_by_worth_and_their_members_by_head(ratings, society, prescribed):
    strikers = np.arange(0, 60, 2)
    model = paying(
        society,
        ratings,
        unit="group",
        group="gender",
        transform="absolute",
        decision=prescribed({1: {"strike": strikers}}),
    )
    women = model.groups["gender"] == "F"
    values = np.abs(strike_values(model, women.astype(np.int64)))
    parts = values / values.sum()
    model.step()
    pay = received(model)
    assert (pay[strikers] == 0).all()
    stays = ~np.isin(np.arange(60), strikers)
    for is_woman, part in zip((False, True), parts, strict=True):
        members = (women == is_woman) & stays
        np.testing.assert_allclose(pay[members], SHARE * model.revenue.large * part / members.sum())


def test_a_group_without_anybody_left_leaves_its_part_to_the_others(ratings, society, prescribed):
    women = np.flatnonzero(np.arange(60) % 3)
    model = paying(
        society, ratings, unit="group", group="gender", decision=prescribed({1: {"strike": women}})
    )
    model.step()
    pay = received(model)
    assert (pay[women] == 0).all()
    assert pay.sum() == pytest.approx(SHARE * model.revenue.large)
    assert gini(pay) == pytest.approx(2 / 3)


@pytest.mark.parametrize("transform", ["per_record", "absolute"])
def test_coalitions_share_by_worth_and_their_members_by_head(ratings, society, prescribed, transform):
    quiet = {"budget": 0.0, "consideration": 0.0, "reconsideration": 0.0, "minimum": 1.0}
    model = paying(
        society,
        ratings,
        unit="group",
        group="coalition",
        transform=transform,
        decision=prescribed({1: {"strike": np.array([0, 21])}}),
        coalitions={"standing": [quiet | {"name": "one"}, quiet | {"name": "two"}]},
    )
    assert model.ticks[0]["dividend_paid"] == 0  # nobody is in any
    join = model.organisations.membership.join
    join(np.arange(10), 0, np.zeros(10, np.float32))
    join(np.arange(20, 26), 1, np.zeros(6, np.float32))
    model.step()
    codes = model.organisations.membership.coalition.astype(np.int64)  # some may have joined
    records, stays = model.population.records, ~np.isin(np.arange(60), [0, 21])
    worth = (
        np.array([records[codes == k].sum() for k in (0, 1)])
        if transform == "per_record"
        else np.abs(strike_values(model, codes))
    )
    pay = received(model)
    for k, part in enumerate(worth / worth.sum()):
        members = (codes == k) & stays
        np.testing.assert_allclose(pay[members], SHARE * model.revenue.large * part / members.sum())
    assert (pay[(codes < 0) | ~stays] == 0).all()
    assert pay.sum() == pytest.approx(SHARE * model.revenue.large)


def test_worth_is_measured_once_and_only_where_it_matters(few_digits, society, monkeypatch):
    asked = []
    monkeypatch.setattr(
        Dividends, "_values", lambda self, group, codes: asked.append(group) or np.arange(40.0)
    )
    model = paying(society, few_digits, transform="equal")
    model.step()
    assert asked == []
    model = paying(society, few_digits, transform="shift")
    assert asked == [""]
    monkeypatch.undo()
    model = paying(society, few_digits, transform="shift")
    shadow = model.training.shadow
    model.training.shadow = lambda *_: pytest.fail("measured again")
    model.step()
    model.training.shadow = shadow


def test_who_is_not_covered_gets_nothing_and_takes_nothing_from_others(few_digits, society):
    from scenarios.interventions import DataDividend

    laws = [DataDividend(share=SHARE, transform="equal", coverage=0.5)]
    model = society(few_digits, interventions=laws)
    reached = model.policy_schedule.reached(0)
    assert 5 < reached.sum() < 35
    np.testing.assert_allclose(received(model), SHARE * reached / 40)


def test_strike_values_on_a_curve_follow_the_records(society):
    curve = published_curve("ml-10m", "surrogate")
    model = society(
        "ml-10m",
        curve=curve,
        population={"users": 50, "beliefs": {"linear": 1.0, "pessimist": 0.0, "true": 0.0}},
    )
    values = strike_values(model, np.arange(50) // 10)
    expected = 1 - model.training.true_curve(0.8)
    np.testing.assert_allclose(values, expected, atol=1e-12)
    assert expected > 0


def test_bad_input(few_digits, society, recorded_digits):
    with pytest.raises(
        InputError, match=r"dividend\.group: 'None' is no grouping .* \(known: interest_quarter"
    ):
        paying(society, few_digits, unit="group")
    with pytest.raises(InputError, match=f"at most {MOST_VALUED}"):
        strike_values(society(few_digits), np.arange(MOST_VALUED + 1))
    with pytest.raises(InputError, match="takes 'equal' or 'per_record' in mode replay"):
        paying(society, few_digits, transform="clip", replay=recorded_digits)
    replayed = paying(society, few_digits, transform="equal", replay=recorded_digits)
    assert received(replayed).sum() == pytest.approx(SHARE)
