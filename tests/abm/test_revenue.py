import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.revenue import RevenueParameters, boost_revenue, revenue
from abm.services import Attention, Service

N_USERS = 100
EVERYBODY = np.ones(N_USERS, bool)
SHARE = st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0])


def service(best, baseline, loss):
    """A service whose users have these normalised losses, float64[N] each."""
    return Service({}, {}, {}, {}, 0, 1, best - loss * (best - baseline), best, baseline, best)


def books(large, uses_large, known, model="hits", boost=2.0):
    attention = Attention(large=uses_large.astype(float), small=np.zeros(N_USERS))
    nothing = service(large.best_hits, large.baseline_hits, np.ones(N_USERS))
    at_start = float(large.best_hits.sum())
    return revenue(
        RevenueParameters(model=model), large, nothing, attention, uses_large, known, at_start, boost
    )


def campaign(share, loss_of_others, loss_of_strikers, model, boost, best=None):
    """Return Large Co.'s books under a boycott and under a strike of the same people."""
    best = np.full(N_USERS, 8.0) if best is None else best
    acting = np.arange(N_USERS) < share * N_USERS
    loss = np.where(acting, loss_of_strikers, loss_of_others)
    large = service(best, 0.98 * best, loss)
    return books(large, ~acting, ~acting, model, boost), books(large, EVERYBODY, ~acting, model, boost)


# The boost model


@pytest.mark.parametrize(
    ("boycotters", "loss", "expected"),
    [(0.3, 0.2537, 0.611), (0.0, 0.5024, 0.749), (0.0, 0.0, 1.0), (1.0, 0.4, 0.0), (0.3, 0.0, 0.7)],
)
def test_movielens_worked_numbers(boycotters, loss, expected):
    """ML-1M, 30 % taking part: those who stay lose .2537 of the personalisation, all together .5024."""
    left, consumer, labour = boost_revenue(boycotters, loss, boost=2.0)
    assert left == pytest.approx(expected, abs=5e-4)
    assert consumer == boycotters
    assert labour == pytest.approx(1 - boycotters - left)


def test_without_a_boost_labour_has_no_power():
    assert boost_revenue(0.3, 0.9, boost=1.0) == (0.7, 0.3, 0.0)


@given(st.floats(0, 1), st.floats(-1, 5), st.floats(1, 100))
def test_revenue_is_never_negative(boycotters, loss, boost):
    assert boost_revenue(boycotters, loss, boost)[0] >= 0


def test_consumer_power_is_the_boycotters_share_of_hits_not_of_heads():
    best = np.where(np.arange(N_USERS) < 10, 45.0, 5.0)
    boycott, _ = campaign(0.1, 0.0, 0.0, "boost", 2.0, best)
    assert boycott.consumer_power == pytest.approx(0.5)
    assert boycott.large == pytest.approx(0.5)
    assert boycott.labour_power == pytest.approx(0)


def test_labour_power_follows_from_the_hits_of_those_who_stay():
    boycott, strike = campaign(0.3, 0.2537, 1.08, "boost", 2.0)
    assert boycott.large == pytest.approx(0.611, abs=5e-4)
    assert boycott.labour_power == pytest.approx(0.7 * 0.5 * 0.2537)
    assert strike.consumer_power == 0
    assert strike.labour_power == pytest.approx(0.5 * (0.7 * 0.2537 + 0.3 * 1.08))
    assert strike.large == pytest.approx(0.749, abs=5e-4)


@pytest.mark.parametrize("model", ["hits", "boost"])
@given(
    share=SHARE,
    others=st.floats(0, 1),
    strikers=st.floats(0, 1.08),
    boost=st.sampled_from([1.0, 1.02, 2.0, 8.0, 14.0, 100.0]),
    seed=st.integers(0, 50),
)
def test_a_boycott_costs_at_least_as_much_as_a_strike_of_the_same_people(
    model, share, others, strikers, boost, seed
):
    best = np.random.default_rng(seed).integers(1, 40, N_USERS).astype(float)
    boycott, strike = campaign(share, others, strikers, model, boost, best)
    assert boycott.large <= strike.large + 1e-12
    assert boycott.large >= 0


def test_strikers_earn_large_no_less_than_nothing():
    """At b = 50 strikers at l = 1.08 are past the end of the line; boycotters are not, and must cost more."""
    boycott, strike = campaign(0.3, 0.2537, 1.08, "boost", 50.0)
    assert strike.large == pytest.approx(boycott.large)
    assert strike.labour_power == pytest.approx(0.3 + 0.7 * 0.98 * 0.2537)
    assert strike.large + strike.labour_power == pytest.approx(1)


@pytest.mark.parametrize("model", ["hits", "boost"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_a_boycott_costs_at_least_as_much_as_a_strike_live(digits, society, prescribed, model, share):
    users = np.random.default_rng(0).permutation(300)[: round(share * 300)]
    left = {}
    for stance in ("strike", "boycott"):
        played = society(
            digits, companies={"revenue": {"model": model}}, decision=prescribed({1: {stance: users}})
        )
        played.step()
        left[stance] = played.revenue.large
    assert left["boycott"] <= left["strike"]
    assert left["boycott"] == pytest.approx(1 - share, abs=0.05)


# Both companies


def test_everybody_at_the_best_model_earns_one(few_digits, society):
    for model in ("hits", "boost"):
        played = society(few_digits, companies={"revenue": {"model": model}})
        assert played.revenue.large == pytest.approx(1)
        assert (played.revenue.small, played.revenue.consumer_power) == (0, 0)
        assert played.revenue.labour_power == pytest.approx(0)


def test_hits_revenue_counts_the_hits_attended_to():
    hits = np.arange(1.0, N_USERS + 1)
    large = Service({}, {}, {}, {}, 0, 1, hits, hits + 1, hits * 0.5, hits)
    small = Service({}, {}, {}, {}, 0, 1, hits * 0.5, hits + 1, hits * 0.5, hits)
    rng = np.random.default_rng(1)
    attention = Attention(rng.random(N_USERS), rng.random(N_USERS))
    earned = revenue(RevenueParameters(), large, small, attention, EVERYBODY, EVERYBODY, 5000.0, 2.0)
    assert earned.large == pytest.approx(
        sum(a * h for a, h in zip(attention.large, hits, strict=True)) / 5000
    )
    assert earned.small == pytest.approx(
        sum(a * h / 2 for a, h in zip(attention.small, hits, strict=True)) / 5000
    )


@pytest.mark.parametrize("model", ["hits", "boost"])
def test_small_earns_by_switching_alone(digits, society, prescribed, model):
    """Contributors stay at Large Co.; some of their attention goes where their data make a good service."""
    earned = {}
    for interoperability in (0.0, 0.5, 1.0):
        played = society(
            digits,
            policy={"interoperability": interoperability},
            companies={"revenue": {"model": model}},
            decision=prescribed({1: {"cdc": np.arange(0, 300, 3)}}),
        )
        assert played.revenue.small == 0
        played.step()
        assert played.uses_large.all()
        assert played.ticks[-1]["share_cdc"] == pytest.approx(1 / 3)
        assert played.revenue.consumer_power == 0
        earned[interoperability] = played.revenue
    assert 0 < earned[0.0].small < earned[0.5].small < earned[1.0].small
    assert 1 > earned[0.0].large > earned[0.5].large > earned[1.0].large > 0


def test_revenue_of_who_moves_goes_to_small(digits, society, prescribed):
    played = society(digits, decision=prescribed({1: {"move": np.arange(100)}}))
    played.step()
    assert played.revenue.small == pytest.approx(1 / 3, abs=0.05)
    assert played.revenue.large == pytest.approx(2 / 3, abs=0.02)
