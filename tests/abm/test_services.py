import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.services import (
    ConsumptionParameters,
    Service,
    attention_by_state,
    divided_attention,
    service_values,
)

LOSS = st.floats(-0.5, 3)
BOOST = st.floats(1, 100)
FLAG = st.booleans()


def service(known_loss, unknown_loss):
    nothing = np.zeros(1)
    return Service({}, {}, {}, {}, known_loss, unknown_loss, nothing, nothing, nothing, nothing)


def value(large, small, boost=2.0, full=0.5, serves_strangers=False, **state):
    """Return one user's consumption; states not given are False."""
    flags = [np.array([state.get(flag, False)]) for flag in ("known_to_large", "known_to_small", "leaves")]
    parameters = ConsumptionParameters(full_service=full, personalisation_boost=boost)
    return service_values(large, small, *flags, parameters, serves_strangers)[0]


# What a service is worth


def test_worth_of_the_best_the_baseline_and_worse():
    assert service(0.0, 1.0).worth(True, boost=2) == 1
    assert service(0.0, 1.0).worth(False, boost=2) == 0.5
    assert service(0.0, 1.0).worth(False, boost=8) == pytest.approx(1 / 8)
    assert service(0.0, 5.0).worth(False, boost=2) == 0
    # Where personalisation is worth nothing, nothing is lost.
    assert service(0.7, 3.0).worth(False, boost=1) == 1


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"known_to_large": True}, 0.5 * 0.9),
        ({}, 0.5 * 0.5),
        ({"leaves": True}, 0.0),
        ({"leaves": True, "known_to_small": True}, 0.5 * 0.75),
        ({"leaves": True, "serves_strangers": True}, 0.5 * 0.4),
        ({"known_to_large": True, "known_to_small": True}, 0.5 * 0.9),
        ({"known_to_large": True, "leaves": True}, 0.0),
    ],
)
def test_worked_values(state, expected):
    assert value(service(0.2, 1.0), service(0.5, 1.2), **state) == pytest.approx(expected)


@given(LOSS, LOSS, LOSS, LOSS, BOOST, st.floats(0, 10), FLAG, FLAG, FLAG, FLAG)
def test_leaving_costs_no_less_than_striking_unless_the_outside_option_is_better(
    large_known,
    large_unknown,
    small_known,
    small_unknown,
    boost,
    full,
    serves,
    copy,
    deletes,
    knows_from_elsewhere,
):
    """Whatever the losses: who leaves consumes no more than who strikes, or Small Co. is the better."""
    large, small = service(large_known, large_unknown), service(small_known, small_unknown)
    known = copy or knows_from_elsewhere
    given_ = {"boost": boost, "full": full, "serves_strangers": serves, "known_to_small": known}
    striking = value(large, small, known_to_large=not deletes, **given_)
    leaving = value(large, small, known_to_large=not deletes, leaves=True, **given_)
    if leaving > striking:
        served = known or serves
        assert served
        assert small.worth(known, boost) > large.worth(not deletes, boost)
    assert min(striking, leaving) >= 0


@given(LOSS, LOSS, BOOST)
def test_a_stranger_to_both_gets_nothing_by_leaving(large_loss, small_loss, boost):
    large, small = service(large_loss, large_loss), service(small_loss, small_loss)
    assert value(large, small, boost=boost, leaves=True) == 0


def test_strikers_of_a_service_that_is_not_personalised_lose_nothing(digits, society, prescribed):
    model = society(digits, decision=prescribed({1: {"strike": np.arange(60)}}))
    model.step()
    assert model.large.service.known_loss == model.large.service.unknown_loss
    assert model.large.service.known_loss == pytest.approx(0, abs=0.05)


def test_strikers_of_a_personalised_service_lose_their_personalisation(rating_case, society, prescribed):
    raters = rating_case(n_owners=120, n_items=60)
    model = society(raters, decision=prescribed({1: {"strike": np.arange(0, 60, 3)}}))
    model.step()
    assert model.large.service.known_loss < 0.3
    assert model.large.service.unknown_loss > 0.9


# Attention


WORTH = st.floats(0, 1)


@given(WORTH, WORTH, FLAG, FLAG, st.floats(0, 2), st.floats(0, 50))
def test_attention_is_divided_without_remainder(large, small, uses_large, may_use_small, cost, precision):
    attention = divided_attention(
        np.array([large]),
        np.array([small]),
        np.array([uses_large]),
        np.array([may_use_small]),
        cost,
        precision,
    )
    total = attention.large[0] + attention.small[0]
    assert total == pytest.approx(1 if uses_large or may_use_small else 0)
    assert 0 <= attention.large[0] <= 1
    assert 0 <= attention.small[0] <= 1
    if not uses_large:
        assert attention.large[0] == 0
    if not may_use_small:
        assert attention.small[0] == 0


def test_attention_is_a_logit_of_worth_less_the_switching_cost():
    everybody = np.array([True])
    attention = divided_attention(np.array([0.6]), np.array([0.9]), everybody, everybody, 0.5, 5.0)
    assert attention.small[0] == pytest.approx(1 / (1 + np.exp(-5 * (0.9 - 0.6 - 0.5))))
    even = divided_attention(np.array([0.6]), np.array([0.9]), everybody, everybody, 0.3, 5.0)
    assert even.small[0] == pytest.approx(0.5)
    indifferent = divided_attention(np.array([0.0]), np.array([1.0]), everybody, everybody, 0.5, 0.0)
    assert indifferent.small[0] == 0.5


def test_every_user_divides_by_the_own_state(few_digits, society, prescribed):
    """Attention of the model against each user's, one at a time."""
    moves = {
        1: {
            "strike": [1, 2],
            "cdc": [3, 4],
            "poison:label_flip": [8],
            "cdc_delete": [5],
            "boycott": [6],
            "move": [7],
        }
    }
    model = society(few_digits, decision=prescribed(moves), companies={"small": {"starts_with": 0.2}})
    model.step()
    large, small = model.large.service, model.small.service
    for user in range(40):
        held, copied = user not in (1, 2, 5, 6, 7, 8), bool(model.small.known[user])
        stays = user not in (6, 7)
        advantage = small.worth(copied, 2.0) - large.worth(held, 2.0) - 0.5
        expected = (1 / (1 + np.exp(-5 * advantage)) if stays else 1.0) * copied
        assert model.attention.small[user] == pytest.approx(expected)
        assert model.attention.large[user] == pytest.approx(1 - expected if stays else 0)


# Sites that break


def test_broken_sites_cost_who_stays():
    flags = np.array([[True, True], [False, False]])
    leaves = np.array([[False, True], [False, True]])
    breakage = np.array([[0.3], [0.0]])
    parameters = ConsumptionParameters()
    plain, broken = (
        service_values(service(0.2, 1.0), service(0.5, 1.2), flags, flags, leaves, parameters, True, *cost)
        for cost in ((), (breakage,))
    )
    np.testing.assert_allclose(plain - broken, [[0.3, 0], [0, 0]])


# Attention of many


@pytest.mark.parametrize("strangers", [True, False])
def test_users_with_costs_of_their_own_divide_as_each_would_alone(strangers):
    states = (np.arange(16)[:, None] >> np.arange(3) & 1).astype(bool).T
    costs = np.where(np.arange(16) < 8, 0.5, 0.1)
    parameters = ConsumptionParameters()
    companies = service(0.1, 0.9), service(0.4, 1.1)

    def attention(cost):
        return attention_by_state(*companies, *states, cost, parameters, strangers)

    own, dear, cheap = attention(costs), attention(0.5), attention(0.1)
    for company in ("large", "small"):
        of_own, of_dear, of_cheap = (getattr(a, company) for a in (own, dear, cheap))
        np.testing.assert_array_equal(of_own[:8], of_dear[:8])
        np.testing.assert_array_equal(of_own[8:], of_cheap[8:])
        assert not np.array_equal(of_dear, of_cheap)


def test_attention_depends_on_what_a_user_is():
    known_to_large, known_to_small, uses_large = states = np.array(
        [[True, False, True, False], [False, True, True, False], [True, True, False, False]]
    )
    parameters = ConsumptionParameters(attention_precision=4.0)
    large, small = service(0.1, 0.9), service(0.4, 1.1)
    attention = attention_by_state(large, small, *states, 0.2, parameters, False)
    advantage = small.worth(True, 2.0) - large.worth(False, 2.0) - 0.2
    expected = [0.0, 1 / (1 + np.exp(-4 * advantage)), 1.0, 0.0]
    np.testing.assert_allclose(attention.small, expected)
    np.testing.assert_allclose(attention.large, np.where(uses_large, 1 - np.array(expected), 0))
    assert known_to_large.sum() == known_to_small.sum() == 2
