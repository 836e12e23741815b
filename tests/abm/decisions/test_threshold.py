"""Granovetter (1978), Watts (2002), Centola and Macy (2007), Eckles, Mossel, Rahimian and Sen (2024)."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from abm.networks.lattices import ring
from abm.networks.network import Network
from abm.networks.random_graphs import erdos_renyi
from abm.networks.redrawing import degree_preserving_rewiring
from learners.errors import InputError

NUMBER = {"rule": "threshold", "measure": "number"}


def given(values):
    return {"threshold": {"kind": "values", "values": [float(value) for value in values]}}


# Thresholds in a crowd: Granovetter (1978), American Journal of Sociology 83, 1420-1443


def test_a_ladder_of_thresholds_brings_everybody_in_one_a_tick(people, shares_acting):
    """Thresholds 0, 1, ..., 99 end in a riot of 100."""
    acting = shares_acting(people(100, NUMBER, population={"threshold": {"kind": "ladder"}}))
    np.testing.assert_allclose(acting, np.arange(101) / 100)


def test_one_threshold_of_one_replaced_by_two_leaves_the_instigator_alone(people, shares_acting):
    """Nearly the same crowd, one rioter."""
    thresholds = np.arange(100)
    thresholds[1] = 2
    assert shares_acting(people(100, NUMBER, population=given(thresholds)))[-1] == 0.01


def fixed_point(mean, sd):
    """Return the smallest r = F(r), F the normal distribution of thresholds."""
    r = np.linspace(0, 1, 200_001)
    gap = norm.cdf(r, mean, sd) - r
    first = int(np.argmax(gap <= 0))
    return 1.0 if gap[first] > 0 else brentq(lambda x: norm.cdf(x, mean, sd) - x, r[first - 1], r[first])


@pytest.mark.parametrize(("sd", "share"), [(0.122, 0.0548), (0.123, 1.0)])
def test_a_little_more_dispersion_tips_a_crowd(people, shares_acting, sd, share):
    """With a mean of 25 of 100 the outcome jumps from about 6 to nearly 100."""
    n = 50_000
    quantiles = norm.ppf((np.arange(n) + 0.5) / n, 0.25, sd)
    assert fixed_point(0.25, sd) == pytest.approx(share, abs=1e-4)
    acting = shares_acting(people(n, {"rule": "threshold"}, thresholds=quantiles))
    assert acting[-1] == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize(("sd", "share"), [(0.10, 0.0077), (0.15, 1.0)])
def test_drawn_thresholds_do_what_their_distribution_says(people, shares_acting, sd, share):
    normal = {"threshold": {"kind": "normal", "mean": 0.25, "sd": sd}}
    acting = shares_acting(people(20_000, {"rule": "threshold"}, population=normal))
    assert fixed_point(0.25, sd) == pytest.approx(share, abs=1e-4)
    assert acting[-1] == pytest.approx(share, abs=0.003)


def test_thresholds_of_neighbours_count_neighbours_only(people, decides, shares_acting):
    """On a path of friends everybody waits for one; a stranger who acts moves nobody."""
    path = (np.arange(8), np.arange(1, 9))
    decision = NUMBER | {"reference": "neighbours", "seeds": {"kind": "given", "users": [0]}}
    acting = shares_acting(decides(people(10, thresholds=[1] * 10), decision, path))
    np.testing.assert_allclose(acting, [0, *np.arange(1, 10) / 10, 0.9])


def test_a_share_of_neighbours_is_reached_exactly(people, decides, shares_acting):
    """Three of thirty are a tenth, though 3 / 30 is less in binary."""
    star = (np.zeros(30, int), np.arange(1, 31))
    decision = {
        "rule": "threshold",
        "reference": "neighbours",
        "seeds": {"kind": "given", "users": [1, 2, 3]},
    }
    model = people(31, thresholds=[0.1] + [2.0] * 30)
    assert shares_acting(decides(model, decision, star))[-1] == pytest.approx(4 / 31)


def test_thresholds_fit_the_users(people):
    with pytest.raises(
        InputError, match=r"^population\.threshold\.values: 3 thresholds are given for 5 users$"
    ):
        people(5, NUMBER, population=given([0, 1, 2]))


# Global cascades: Watts (2002), PNAS 99, 5766-5771


def vulnerable(z, phi):
    """Return sum_k k (k - 1) rho_k p_k of a Poisson degree distribution, rho_k = 1 where 1 / k >= phi."""
    k = np.arange(1, 100)
    return float((k * (k - 1) * (1 / k >= phi - 1e-12) * poisson.pmf(k, z)).sum())


@pytest.mark.parametrize(
    ("phi", "window"), [(0.18, (1.02, 5.76)), (0.10, (1.0, 13.66)), (0.25, (1.11, 3.86)), (0.30, None)]
)
def test_window_of_global_cascades(phi, window):
    """The vulnerable cluster percolates where sum_k k (k - 1) rho_k p_k > z."""
    z = np.arange(0.5, 20, 0.01)
    inside = z[[vulnerable(mean, phi) > mean for mean in z]]
    if window is None:
        assert inside.size == 0
    else:
        assert (inside[0], inside[-1]) == pytest.approx(window, abs=0.02)
        assert np.allclose(np.diff(inside), 0.01)


@pytest.mark.parametrize(
    ("phi", "z", "cascades"),
    [
        (0.18, 0.7, False),
        (0.18, 2.0, True),
        (0.18, 4.5, True),
        (0.18, 8.0, False),
        (0.10, 8.0, True),
        (0.30, 3.0, False),
    ],
)
def test_cascades_happen_inside_the_window_only(people, decides, shares_acting, phi, z, cascades):
    """One user acts first; in a window some of such shocks reach a large part of all."""
    rng = np.random.default_rng(5)
    users, reached = 2000, []
    model = people(users)
    for _ in range(3):
        ties = Network.from_edges(*erdos_renyi(users, z, rng), users)
        for user in rng.integers(users, size=10).tolist():
            decision = {"rule": "watts", "fraction": phi, "seeds": {"kind": "given", "users": [user]}}
            reached.append(shares_acting(decides(model, decision, ties))[-1])
    assert (max(reached) > 0.3) == cascades


# Complex contagion: Centola and Macy (2007), American Journal of Sociology 113, 702-734


@pytest.fixture(scope="module")
def spread(people, decides, shares_acting):
    """Return a function: share reached and ticks taken, means over a few rewired rings and seeds."""
    users = 1000
    model = people(users)

    def run(degree, exposures, rewired, noise=0.0, runs=6):
        results = []
        for number in range(runs):
            rng = np.random.default_rng([number, degree, exposures, round(100 * rewired)])
            ties = degree_preserving_rewiring(ring(users, degree), rewired, rng)
            decision = {
                "rule": "complex_contagion",
                "exposures": exposures,
                "noise": noise,
                "seeds": {"kind": "neighbourhood"},
            }
            acting = shares_acting(decides(model, decision, ties, number), still=200 if noise else 1)
            # The seeds take the first tick.
            results.append((acting[-1], int(np.argmax(acting >= acting[-1])) - 1))
        return np.mean(results, axis=0)

    return run


def test_rewiring_speeds_simple_contagion(spread):
    """On a ring of degree 4 everybody is reached, after 247 ticks or, rewired, after 7."""
    assert spread(4, 1, 0.0, runs=1) == pytest.approx((1.0, 248), abs=2)
    assert spread(4, 1, 1.0) == pytest.approx((1.0, 7), abs=1)


def test_little_rewiring_stops_complex_contagion(spread):
    """Where ties are narrow (degree 4, two exposures) rewiring a hundredth of them is enough."""
    assert spread(4, 2, 0.0, runs=1)[0] > 0.98
    assert 0.02 < spread(4, 2, 0.01, runs=12)[0] < 0.35
    assert spread(4, 2, 0.1)[0] < 0.03


def test_wide_bridges_survive_rewiring_and_profit_until_there_are_none(spread):
    """Degree 8, two exposures: all are reached up to p = .3, faster and faster; at p = 1 nobody is."""
    shares, ticks = np.transpose([spread(8, 2, p) for p in (0.0, 0.1, 0.3, 1.0)])
    np.testing.assert_allclose(shares[:3], 1.0, atol=0.002)
    assert ticks[0] == pytest.approx(164, abs=2)
    assert 25 < ticks[1] < 70
    assert ticks[2] == pytest.approx(20, abs=5)
    assert shares[3] == pytest.approx(0.011, abs=0.006)


def test_more_exposures_need_wider_bridges(spread):
    """Degree 8, three exposures: fails between p = .05 and p = .3."""
    assert spread(8, 3, 0.01)[0] > 0.95
    assert spread(8, 3, 0.05, runs=12)[0] > 0.7
    assert 0.15 < spread(8, 3, 0.1, runs=12)[0] < 0.9
    assert spread(8, 3, 0.3)[0] < 0.05


def test_a_little_noise_makes_rewiring_help_again(spread):
    """Eckles, Mossel, Rahimian and Sen (2024), Nature Human Behaviour: 3 % adopt after one exposure."""
    shares, ticks = np.transpose([spread(4, 2, p, noise=0.03, runs=4) for p in (0.0, 0.1, 1.0)])
    np.testing.assert_array_equal(shares, 1.0)
    assert ticks[0] == pytest.approx(479, rel=0.05)
    assert ticks[1] == pytest.approx(112, rel=0.2)
    assert ticks[2] == pytest.approx(81, rel=0.15)


def test_noise_needs_an_exposure(people, decides, shares_acting):
    """Whoever is certain to adopt after one exposure adopts after one, and not after none."""
    decision = {
        "rule": "complex_contagion",
        "exposures": 5,
        "noise": 1.0,
        "seeds": {"kind": "given", "users": [0]},
    }
    acting = shares_acting(decides(people(12), decision, ring(10, 2)))
    np.testing.assert_allclose(acting[:6] * 12, [0, 1, 3, 5, 7, 9])
    assert acting[-1] == pytest.approx(10 / 12)
