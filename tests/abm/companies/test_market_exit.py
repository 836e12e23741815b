"""A rival that cannot live on what it earns, and one that is no longer what its users took it for."""

import numpy as np
import pytest

from abm.ledger import Move
from learners.holdings import ABSENT

MOVES = {1: {"cdc": [0, 1, 2], "cdc_delete": [3, 4], "move": [5, 6], "boycott": [7], "strike": [8]}}


@pytest.fixture
def failing(few_digits, society, prescribed):
    def build(moves=MOVES, decision=None, **small):
        small = {"viable_revenue": 5.0, "patience": 3, "starts_with": 0.1} | small
        return society(few_digits, decision=decision or prescribed(moves), companies={"small": small})

    return build


def stances(model):
    return [model.stances.names[code] for code in model.population.stance[:9]]


def test_a_rival_that_earns_too_little_for_too_long_is_gone(failing):
    model = failing()
    for _ in range(2):
        model.step()
    assert stances(model) == ["cdc"] * 3 + ["cdc_delete"] * 2 + ["move"] * 2 + ["boycott", "strike"]
    served = int(model.small.known.sum())
    model.step()
    assert [row["small_in_market"] for row in model.ticks] == [1, 1, 1, 0]
    assert (model.small.store.codes == ABSENT).all()
    row = model.ticks[-1]
    assert (row["owners_small"], row["records_small"], row["revenue_small"]) == (0, 0, 0)
    assert row["market_share_large"] == 1
    # Who had moved to it is back at Large Co., data and all; who strikes goes on striking.
    assert stances(model) == ["stay"] * 3 + ["strike"] * 2 + ["stay"] * 2 + ["boycott", "strike"]
    assert np.flatnonzero(~model.uses_large).tolist() == [7]
    assert np.flatnonzero(model.large.deleted).tolist() == [3, 4, 7, 8]
    assert not model.population.has_copy.any()
    moves = {entry.move: entry.users.tolist() for entry in model.ledger.at(3)}
    assert moves == {
        Move.REVOKE: list(range(7)),
        Move.RECONSENT: [5, 6],
        Move.RESUME: [5, 6],
        Move.RETURN: [5, 6],
    }
    (event,) = model.events.table().query("kind == 'market exit'").itertuples()
    assert (event.tick, event.subject, event.value) == (3, "Small Co.", served)
    assert event.text == f"leaves the market; {served} users' copies end, 2 users return to Large Co."


def test_nobody_can_contribute_to_a_company_that_is_gone(failing):
    model = failing({**MOVES, 4: {"cdc": [9, 10], "move": [11], "cdc_delete": [12]}})
    for _ in range(5):
        model.step()
    names = [model.stances.names[code] for code in model.population.stance[9:13]]
    assert names == ["stay", "stay", "stay", "strike"]
    assert not model.small.known.any()
    permitted = model._information().permitted(np.arange(40))
    open_ = {name for name, column in zip(model.stances.names, permitted.T, strict=True) if column.any()}
    assert open_ & {"cdc", "cdc_delete", "move"} == set()
    assert {"stay", "strike", "boycott"} <= open_


def test_people_who_choose_never_choose_what_is_gone(failing):
    model = failing(decision={"revision_probability": 0.8, "precision": 1.0}, serves_strangers=True)
    for _ in range(2):
        model.step()
    assert model.population.has_copy.any()
    assert model.small_open.all()
    for _ in range(5):
        model.step()
        row = model.ticks[-1]
        assert row["share_cdc"] == row["share_cdc_delete"] == row["share_move"] == 0
    assert not model.small_open.any()
    assert model.attention.small.max() == 0


def test_a_good_tick_ends_the_lean_ones(failing):
    model = failing(viable_revenue=0.05, patience=2, starts_with=0.0)
    for lean, revenue in ((1, 0.0), (0, 0.05), (1, 0.049), (0, 1.0), (1, 0.0)):
        model.small.review(revenue)
        assert model.small._lean == lean
        assert model.small.in_market
    model.small.review(0.0)
    assert not model.small.in_market


def test_a_rival_that_lives_on_anything_stays(failing, few_digits, society, prescribed, ticks_of):
    content = failing(viable_revenue=0.0, patience=1)
    plain = society(few_digits, decision=prescribed(MOVES), companies={"small": {"starts_with": 0.1}})
    assert ticks_of(content, 5).equals(ticks_of(plain, 5))


def test_helping_a_rival_counts_for_less_as_its_values_drift(digits, society):
    rows = np.arange(300)

    def utilities(drift, ticks):
        model = society(
            digits,
            decision={"revision_probability": 0.0, "warm_glow": 0.0, "social_weight": 0.0},
            companies={"small": {"value_drift": drift}},
        )
        for _ in range(ticks):
            model.step()
        return model.rule.utilities(model._information(), rows), model

    plain, model = utilities(0.0, 2)
    cdc = model.stances.code("cdc")
    helps = plain[:, cdc] - utilities(1.0, 2)[0][:, cdc]  # all of what helping counts for
    assert (helps > 0).all()
    for drift in (0.1, 0.5):
        drifted, model = utilities(drift, 2)
        assert model.small.value_match == pytest.approx((1 - drift) ** 2)
        np.testing.assert_allclose(plain[:, cdc] - drifted[:, cdc], (1 - (1 - drift) ** 2) * helps, atol=1e-6)
        strike = model.stances.code("strike")
        np.testing.assert_array_equal(plain[:, strike], drifted[:, strike])
