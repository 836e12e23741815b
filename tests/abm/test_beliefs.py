import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.beliefs import FAMILIES, LEVERS, BeliefParameters, Beliefs, hill
from learners.errors import InputError
from learners.parameters import parsed

LINEAR, PESSIMIST, TRUE, BIASED = (
    FAMILIES.index(family) for family in ("linear", "pessimist", "true", "biased")
)
K, H = st.floats(0.005, 100), st.floats(0.25, 6)
SHARE = st.floats(0, 1)


def root(x):
    """A measured curve that is far from every prior."""
    return np.sqrt(x)


def beliefs(learning_rate=0.2, curve=root):
    return Beliefs(BeliefParameters(learning_rate=learning_rate), curve)


# Curves


@given(K, H)
def test_nobody_achieves_nothing_and_everybody_everything(k, h):
    assert hill(0, k, h) == 0
    assert hill(1, k, h) == pytest.approx(1, abs=1e-12)


@given(SHARE, SHARE, K, H)
def test_more_people_never_achieve_less(x, y, k, h):
    low, high = sorted((x, y))
    assert hill(low, k, h) <= hill(high, k, h) + 1e-12


def test_hill_worked_value():
    # x = 1/2, K = 1, h = 2, so s = log 2: (1/4) (1 + 1) / (1/4 + 1)
    assert hill(0.5, 2, np.log(2)) == pytest.approx(0.4)
    log_odds = np.log(2) + 2 * np.log(0.5) - np.log(1 - 0.25)
    assert np.log(0.4 / 0.6) == pytest.approx(log_odds)


@pytest.mark.parametrize(("x", "effect"), [(0.3, 0.9), (0.05, 0.6), (0.6, 0.1), (0.02, 0.02)])
def test_every_prior_comes_to_believe_what_is_published_again_and_again(x, effect):
    learner = beliefs()
    for _ in range(60):
        learner.observe("contribute", x, effect)
    believed = learner.effect("contribute", x)
    families = [FAMILIES.index("linear"), FAMILIES.index("pessimist")]
    np.testing.assert_allclose(believed[families], effect, atol=0.05)


@pytest.mark.parametrize("lever", LEVERS)
def test_prior_families(lever):
    x = np.linspace(0, 1, 11)
    effects = np.array([beliefs().effect(lever, share) for share in x])
    assert effects.shape == (11, len(FAMILIES))
    np.testing.assert_allclose(effects[:, LINEAR], x, atol=0.01)
    # Next to nothing until most take part.
    assert effects[5, PESSIMIST] < 0.07
    assert effects[8, PESSIMIST] < 0.45
    np.testing.assert_allclose(effects[:, PESSIMIST], x**4, atol=0.01)


def test_the_true_family_knows_the_measured_curve():
    known = beliefs()
    for x in (0.0, 0.1, 0.5, 1.0):
        assert known.effect("contribute", x)[TRUE] == pytest.approx(np.sqrt(x))
        # What a company loses is what it no longer has.
        assert known.effect("remove", x)[TRUE] == pytest.approx(1 - np.sqrt(1 - x))
        # Revenue lost is the share that leaves.
        assert known.effect("leave", x)[TRUE] == pytest.approx(x, abs=0.01)


def test_the_curve_is_not_asked_for_where_nobody_knows_it():
    def refuse(x):
        raise AssertionError("a curve was measured")

    unknown = Beliefs(BeliefParameters(linear=0.7, true=0.0), refuse)
    assert unknown.effect("contribute", 0.25)[LINEAR] == pytest.approx(0.25, abs=0.01)
    with pytest.raises(AssertionError, match="a curve was measured"):
        Beliefs(BeliefParameters(linear=0.6, true=0.0, biased=0.1), refuse).effect("contribute", 0.25)


@pytest.mark.parametrize("kappa", [0.5, 1.0, 3.0])
def test_the_biased_know_the_curve_bent(kappa):
    bent = Beliefs(BeliefParameters(linear=0.5, true=0.0, biased=0.2, kappa=kappa), root)
    for x in (0.0, 0.2, 0.7, 1.0):
        assert bent.effect("contribute", x)[BIASED] == pytest.approx(x ** (kappa / 2))
        assert bent.effect("remove", x)[BIASED] == pytest.approx((1 - np.sqrt(1 - x)) ** kappa)
        assert bent.effect("leave", x)[BIASED] == pytest.approx(x, abs=0.01)
    bent.observe("contribute", 0.3, 0.9)
    assert bent.effect("contribute", 0.2)[BIASED] == pytest.approx(0.2 ** (kappa / 2))


def test_who_thinks_an_effect_below_nothing_is_left_at_nothing():
    """A measured curve can start below its baseline; no power of that is a number."""
    bent = Beliefs(BeliefParameters(linear=0.5, true=0.0, biased=0.2, kappa=0.5), lambda x: x - 0.1)
    assert bent.effect("contribute", 0.05)[BIASED] == 0


def test_true_marginal_effects_are_those_of_the_measured_curve():
    joining, staying = beliefs().true_marginal("contribute", 0.25, 0.11)
    assert joining == pytest.approx(0.6 - 0.5)
    assert staying == pytest.approx(0.5 - np.sqrt(0.14))
    assert beliefs().true_marginal("leave", 0.2, 0.1) == pytest.approx((0.1, 0.1))


# Errors


def test_belief_error_is_the_mean_distance_from_the_truth():
    # At x = 1/4 the truth of the root is 1/2, the linear believe 1/4, the pessimist 1/256.
    family = np.array([LINEAR, LINEAR, PESSIMIST, TRUE], np.int8)
    expected = (2 * 0.25 + (0.5 - 1 / 256) + 0) / 4
    assert beliefs().error("contribute", 0.25, family) == pytest.approx(expected, abs=1e-9)


def test_a_forecast_replaces_errors_by_its_own():
    family = np.array([LINEAR, TRUE], np.int8)
    trust = np.array([0.8, 0.5])
    # The linear user is .25 too low, the forecast .1 too high.
    expected = (abs(0.2 * -0.25 + 0.8 * 0.1) + 0.5 * 0.1) / 2
    assert beliefs().error("contribute", 0.25, family, trust, 0.1) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("lever", LEVERS)
@pytest.mark.parametrize(("x", "horizon"), [(0.0, 0.05), (0.3, 0.1), (0.98, 0.05), (1.0, 0.2), (0.4, 1.0)])
def test_marginal_effects_are_differences_within_zero_and_one(lever, x, horizon):
    joining, staying = beliefs().marginal(lever, x, horizon)
    for family in range(len(FAMILIES)):
        b = lambda share, family=family: beliefs().effect(lever, share)[family]
        assert joining[family] == pytest.approx(b(min(x + horizon, 1)) - b(x), abs=1e-12)
        assert staying[family] == pytest.approx(b(x) - b(max(x - horizon, 0)), abs=1e-12)
    assert (joining >= 0).all()
    assert (staying >= 0).all()


def test_first_joiner_and_last_incumbent():
    joining, staying = beliefs().marginal("contribute", 0.0, 0.05)
    assert (staying == 0).all()
    assert joining[TRUE] == pytest.approx(np.sqrt(0.05))
    joining, staying = beliefs().marginal("contribute", 1.0, 0.05)
    assert (joining == 0).all()
    assert staying[TRUE] == pytest.approx(1 - np.sqrt(0.95))


# Learning


@pytest.mark.parametrize(("x", "effect"), [(0.3, 0.9), (0.3, 0.1), (0.7, 0.2), (0.5, 0.8)])
def test_beliefs_approach_what_is_observed_again_and_again(x, effect):
    learner = beliefs()
    distances = []
    for _ in range(200):
        distances.append(np.abs(learner.effect("contribute", x) - effect))
        learner.observe("contribute", x, effect)
    for family in (LINEAR, PESSIMIST):
        first, last = distances[0][family], distances[-1][family]
        assert last < min(0.12, first / 2)
        assert distances[1][family] < first


def test_learning_leaves_the_true_family_and_other_levers_alone():
    before, learner = beliefs().curves, beliefs()
    for _ in range(20):
        learner.observe("remove", 0.4, 0.9)
    changed = learner.curves != before
    expected = np.zeros_like(changed)
    expected[[LINEAR, PESSIMIST], LEVERS.index("remove")] = True
    np.testing.assert_array_equal(changed.any(axis=2), expected.any(axis=2))


def test_a_faster_learner_gets_further():
    slow, fast = beliefs(0.1), beliefs(0.8)
    for learner in (slow, fast):
        learner.observe("contribute", 0.3, 0.9)
    for family in (LINEAR, PESSIMIST):
        assert fast.effect("contribute", 0.3)[family] > slow.effect("contribute", 0.3)[family]


@pytest.mark.parametrize(
    ("rate", "x", "effect"), [(0.2, 0.0, 0.5), (0.2, 0.3, np.nan), (0.2, 0.3, np.inf), (0.0, 0.3, 0.9)]
)
def test_nothing_is_learned_from_nothing(rate, x, effect):
    learner = beliefs(rate)
    learner.observe("contribute", x, effect)
    np.testing.assert_array_equal(learner.curves, beliefs().curves)


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(-3, 3)), max_size=30), st.floats(0, 1))
def test_beliefs_stay_curves_whatever_is_observed(observations, rate):
    learner = beliefs(rate)
    for x, effect in observations:
        learner.observe("leave", x, effect)
    for x in (0.0, 0.2, 0.9, 1.0):
        effect = learner.effect("leave", x)
        assert ((effect >= -1e-9) & (effect <= 1 + 1e-9)).all()


# Parameters


@pytest.mark.parametrize(
    ("shares", "complaint"),
    [
        ({"linear": 0.5}, r"^beliefs: .*linear, pessimist, true and biased add up to 0\.9, not to 1[^\n]*$"),
        ({"linear": 0.9, "pessimist": 0.3, "true": 0.1}, r"^beliefs: .*add up to 1\.3, not to 1[^\n]*$"),
        ({"linear": -0.1, "pessimist": 1.0}, r"^beliefs\.linear: [^\n]*$"),
    ],
)
def test_shares_of_the_families_sum_to_one(shares, complaint):
    with pytest.raises(InputError, match=complaint):
        parsed(BeliefParameters, shares, "beliefs")
    assert parsed(BeliefParameters, {"linear": 0.2, "pessimist": 0.5, "true": 0.3}, "beliefs").true == 0.3
