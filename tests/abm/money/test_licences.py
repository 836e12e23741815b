import numpy as np
import pytest

from abm.actions import CONTRIBUTE
from abm.ledger import Move
from scenarios.money import Credits, DataLicence

MOVES = {1: {"cdc": [0, 1, 2], "cdc_delete": [3, 4], "move": [5, 6], "strike": [8]}}


def licensed(society, few_digits, prescribed, laws, moves=MOVES, ticks=2, **small):
    model = society(
        few_digits,
        decision=prescribed(moves),
        interventions=laws,
        companies={"small": small | {"starts_with": 0.1}},
    )
    for _ in range(ticks):
        model.step()
    return model


def test_copies_end_when_values_drift_too_far(few_digits, society, prescribed):
    laws = [DataLicence(term="values", least=0.75)]
    model = licensed(society, few_digits, prescribed, laws, value_drift=0.1)  # .81 at tick 2, .729 at tick 3
    started = model.started_at_small
    assert model.population.has_copy[:7].all()
    assert model.licences.kept
    model.step()
    assert not model.licences.kept
    assert not model.population.has_copy.any()
    assert not model.small.known[:7][~started[:7]].any()
    names = [model.stances.names[code] for code in model.population.stance[:9]]
    assert names == ["stay"] * 3 + ["strike"] * 2 + ["stay"] * 3 + ["strike"]
    assert model.uses_large.all()
    moved = {entry.move: entry.users.tolist() for entry in model.ledger.at(3)}
    assert moved[Move.REVOKE] == [*range(7)]
    assert moved[Move.RETURN] == [5, 6]
    (event,) = model.events.table().query("kind == 'licence'").itertuples()
    assert (event.tick, event.value) == (3, 7)
    # Whom Small Co. had from the start, it goes on having, and nobody can give it anything on broken terms.
    assert (model.small.known == started | model.population.has_copy).sum() >= 35
    assert not model._information().permitted(np.arange(40))[:, model.stances.bits[:, CONTRIBUTE]].any()


def test_without_a_licence_copies_outlast_the_drift(few_digits, society, prescribed):
    model = licensed(society, few_digits, prescribed, [], ticks=6, value_drift=0.2)
    assert model.population.has_copy[:7].all()
    assert model.licences.kept


def test_pay_is_a_term_too_and_ends_with_the_pay(few_digits, society, prescribed):
    laws = [Credits(price=0.5, end=4), DataLicence(term="pay", least=0.5)]
    model = licensed(society, few_digits, prescribed, laws, ticks=3)
    assert model.population.has_copy[:7].all()
    model.step()
    assert not model.population.has_copy.any()
    assert model.ticks[-1]["credits_paid"] == 0


def test_only_licensed_copies_end(few_digits, society, prescribed):
    laws = [DataLicence(term="values", least=0.99, start=3, coverage=0.5)]
    moves = {1: {"cdc": np.arange(40)}}
    model = licensed(society, few_digits, prescribed, laws, moves=moves, ticks=3, value_drift=0.1)
    reached = model.policy_schedule.reached(0)
    assert 8 < reached.sum() < 32
    np.testing.assert_array_equal(model.population.has_copy, ~reached)
    view = model._information()
    cdc = model.stances.code("cdc")
    np.testing.assert_array_equal(view.permitted(np.arange(40))[:, cdc], ~reached)


def test_a_licence_takes_away_some_of_the_exposure(few_digits, society):
    costs = {}
    for protection in (None, 0.0, 0.5):
        laws = [] if protection is None else [DataLicence(least=0.0, protection=protection)]
        model = society(few_digits, interventions=laws)
        costs[protection] = model.rule.utilities(model._information(), np.arange(40))
    np.testing.assert_array_equal(costs[None], costs[0.0])
    gain = costs[0.5] - costs[None]
    contributes = model.stances.bits[:, CONTRIBUTE]
    expected = 1.3 * 0.5 * 0.5 * model.population.privacy
    np.testing.assert_allclose(gain[:, contributes], expected[:, None].repeat(3, 1), rtol=1e-4, atol=1e-6)
    assert (gain[:, ~contributes] == 0).all()


def test_terms_that_cannot_be_kept_are_warned_of(few_digits, society):
    law = DataLicence(term="pay", least=0.5)
    assert "pays nothing" in society(few_digits, interventions=[law]).warnings[0]
    assert (
        society(few_digits, interventions=[law, Credits()]).warnings == ()
        or "data_licence" not in society(few_digits, interventions=[law, Credits()]).warnings[0]
    )
    assert society(few_digits, interventions=[law], policy={"credit_price": 0.5}).warnings == ()


@pytest.mark.parametrize(
    ("term", "match", "price", "kept"),
    [("values", 0.8, 0, True), ("values", 0.79, 9, False), ("pay", 0, 0.8, True), ("pay", 1, 0.7, False)],
)
def test_terms(term, match, price, kept):
    assert DataLicence(term=term, least=0.8).kept(match, price) is kept
