import numpy as np
import pytest

from abm.actions import STAY
from abm.assistant import Advice, AssistantParameters, advice, critical_mass, search_relief
from abm.beliefs import FAMILIES, BeliefParameters, Beliefs
from abm.policy import Policy
from abm.streams import Streams
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from scenarios.interventions import Assistant

LINEAR, PESSIMIST = FAMILIES.index("linear"), FAMILIES.index("pessimist")
ROWS = np.arange(4)
HAS = np.array([True, True, True, False])
FAMILY = np.array([LINEAR, PESSIMIST, LINEAR, LINEAR], np.int8)
INSIDE = np.array([False, False, True, False])


def root(x):
    return np.sqrt(x)


def square(x):
    return np.asarray(x, float) ** 2


def believed(content, x=0.16, joins=0.09, stays=0.07, curve=root, error=0.0, lever="contribute"):
    """What four users believe, and what they would believe alone."""
    beliefs = Beliefs(BeliefParameters(linear=0.7, true=0.0), curve)
    joining, staying = beliefs.marginal(lever, x, joins)[0], beliefs.marginal(lever, x, stays)[1]
    alone = np.where(INSIDE, staying[FAMILY], joining[FAMILY])
    told = Advice(AssistantParameters(**content), HAS, error)
    return told.believed(beliefs, lever, x, joins, stays, INSIDE, FAMILY, ROWS, alone), alone


# What users are told


def test_a_forecast_is_weighed_against_own_belief():
    with_tool, alone = believed({"trust": 0.25})
    # sqrt(.25) - sqrt(.16) for who joins, sqrt(.16) - sqrt(.09) for who is in.
    forecast = np.array([0.1, 0.1, 0.1, np.nan])
    np.testing.assert_allclose(with_tool[:3], 0.75 * alone[:3] + 0.25 * forecast[:3])
    assert with_tool[3] == alone[3]
    assert len(set(alone)) == 3


def test_a_forecast_can_be_wrong_for_those_who_trust_it():
    right, _ = believed({"trust": 0.5})
    wrong, _ = believed({"trust": 0.5}, error=-0.2)
    np.testing.assert_allclose(wrong - right, [-0.1, -0.1, -0.1, 0])


@pytest.mark.parametrize(
    "content", [{"trust": 0.0}, {"forecast": False}, {"forecast": False, "sign_ups": True}]
)
def test_without_a_forecast_beliefs_stay_as_they_are_and_no_curve_is_measured(content):
    def refuse(x):
        raise AssertionError("a curve was measured")

    with_tool, alone = believed(content, curve=refuse, error=0.3)
    np.testing.assert_array_equal(with_tool, alone)


@pytest.mark.parametrize(
    ("curve", "lever", "mass"),
    # sqrt(x) and 1 - (1 - x)^2 reach 1/2; what leaves is revenue lost; the last curve never gets there.
    [
        (root, "contribute", 0.25),
        (square, "remove", 1 - np.sqrt(0.5)),
        (square, "contribute", np.sqrt(0.5)),
        (root, "leave", 0.5),
        (lambda x: 0.3 * x, "contribute", 1.0),
    ],
)
def test_critical_mass_is_where_half_of_the_effect_is_had(curve, lever, mass):
    assert critical_mass(Beliefs(BeliefParameters(), curve), lever) == pytest.approx(mass, abs=1.1e-3)


def test_who_is_told_that_the_critical_mass_is_near_counts_on_the_group_that_closes_the_gap():
    content = {"trust": 0.4, "forecast": False, "gap": True, "reach": 0.2}
    with_tool, alone = believed(content, x=0.55, joins=0.05, curve=square)
    mass = critical_mass(Beliefs(BeliefParameters(), square), "contribute")
    together = np.array([mass - 0.55, mass**4 - 0.55**4])
    np.testing.assert_allclose(with_tool[:2], 0.6 * alone[:2] + 0.4 * together, atol=1e-6)
    assert (with_tool[:2] > alone[:2]).all()
    # Who is in already, and who has no tool, goes by what they thought.
    np.testing.assert_array_equal(with_tool[2:], alone[2:])


@pytest.mark.parametrize("x", [0.3, 0.69, 0.9])
def test_a_gap_that_is_too_wide_or_no_wider_than_the_own_group_changes_nothing(x):
    content = {"trust": 1.0, "forecast": False, "gap": True, "reach": 0.2}
    with_tool, alone = believed(content, x=x, joins=0.05, curve=square)
    np.testing.assert_array_equal(with_tool, alone)


def test_gap_and_forecast_together_count_on_the_true_effect_of_closing_it():
    content = {"trust": 1.0, "gap": True, "reach": 0.2}
    with_tool, _ = believed(content, x=0.55, joins=0.05, curve=square, error=0.01)
    np.testing.assert_allclose(with_tool[:2], 0.5 - 0.55**2 + 0.01, atol=2e-3)


def test_sign_ups_mix_everybody_into_the_neighbours():
    neighbours = np.array([[1, 0, 0], [0.5, 0.5, 0]], np.float32)
    stances = np.array([0, 0, 2, 1], np.int8)
    rows = np.array([1, 3])
    shown = Advice(AssistantParameters(sign_ups=True, trust=0.5), HAS, 0.0).shares(neighbours, rows, stances)
    np.testing.assert_allclose(shown, [[0.75, 0.125, 0.125], [0.5, 0.5, 0]])
    assert shown.dtype == np.float32
    hidden = Advice(AssistantParameters(trust=0.5), HAS, 0.0).shares(neighbours, rows, stances)
    assert hidden is neighbours


def test_campaign_search_finds_what_anybody_does():
    policy = Policy(assistant_access=True, assistant=AssistantParameters(campaigns=True, search_tool=0.4))
    policy = policy.model_copy(update={"assistant_access": HAS})
    relief = search_relief(policy, np.array([0, 2, 0, 0], np.int8), np.array([0, 3]), 4)
    np.testing.assert_allclose(relief, [[0.4, 0, 0.4, 0], [0, 0, 0, 0]])


def test_one_error_a_tick_from_a_stream_of_its_own():
    policy = Policy(assistant_access=True, assistant=AssistantParameters(forecast_bias=0.1, forecast_sd=0.2))
    errors = np.array([advice(policy, 3, Streams(5), tick).error for tick in range(300)])
    assert errors.mean() == pytest.approx(0.1, abs=0.04)
    assert errors.std() == pytest.approx(0.2, abs=0.03)
    assert advice(policy, 3, Streams(5), 7).error == errors[7]
    assert advice(Policy(), 3, Streams(5), 7) is None


# What comes of it


@pytest.fixture
def town(society, ticks_of):
    """Return a function that plays a society on a published curve with an assistant for all."""

    def play(content, ticks=4, use_case="cifar-10", beliefs=None, **groups):
        model = society(
            use_case,
            curve=published_curve(use_case, "surrogate"),
            population={"users": 1500, "beliefs": beliefs or {"linear": 1.0, "pessimist": 0.0, "true": 0.0}},
            interventions=[] if content is None else [Assistant(**content)],
            policy={"portability_success": 1.0},
            **groups,
        )
        return ticks_of(model, ticks)

    return play


ONLY = {"contribute": ["weight_harm", "weight_revenue"], "remove": ["weight_help", "weight_revenue"]}
"""What must not count for people to care for one lever alone."""


@pytest.mark.parametrize(
    ("lever", "columns", "sign"),
    [("contribute", ["share_cdc"], 1), ("remove", ["share_strike"], -1)],
)
def test_a_truthful_forecast_moves_early_participation_as_the_curve_says(town, lever, columns, sign):
    """A decelerating lever gets a better start, an accelerating one a worse, than linear beliefs give it."""
    decision = {"revision_probability": 0.5, "social_weight": 0.0} | dict.fromkeys(ONLY[lever], 0.0)
    alone = town(None, decision=decision)[columns].sum(axis=1).iloc[-1]
    told = town({"trust": 1.0}, decision=decision)[columns].sum(axis=1).iloc[-1]
    half = town({"trust": 1.0, "coverage": 0.5}, decision=decision)[columns].sum(axis=1).iloc[-1]
    assert sign * (told - alone) > 0.01
    assert sign * (told - half) > 0 < sign * (half - alone)


def test_who_knows_the_truth_learns_nothing_from_a_truthful_forecast(town):
    truth = {"linear": 0.0, "pessimist": 0.0, "true": 1.0}
    assert town({"trust": 1.0}, beliefs=truth).equals(town(None, beliefs=truth))
    assert not town({"trust": 1.0, "forecast_bias": 0.3}, beliefs=truth).equals(town(None, beliefs=truth))


def test_forecasts_end_belief_errors(town):
    errors = ["belief_error_contribute", "belief_error_remove"]
    alone, told = (town(content)[errors].iloc[0] for content in (None, {"trust": 1.0}))
    assert (alone >= 0).all()
    start = town(None, companies={"small": {"starts_with": 0.3}})[errors].iloc[0]
    assert start["belief_error_contribute"] > 0.3
    assert (told == 0).all()
    half = town({"trust": 0.5}, companies={"small": {"starts_with": 0.3}})[errors].iloc[0]
    assert half["belief_error_contribute"] == pytest.approx(start["belief_error_contribute"] / 2)


def test_only_who_has_the_tool_acts_on_it(society):
    """Nobody minds others here, so that nothing but the tool differs between two towns."""
    lives = {}
    for share in (0.0, 0.4):
        model = society(
            "cifar-10",
            curve=published_curve("cifar-10", "surrogate"),
            population={"users": 1500},
            interventions=[Assistant(trust=1.0, coverage=share)],
            decision={"revision_probability": 1.0, "social_weight": 0.0},
        )
        model.step()
        lives[share] = model.population.stance.copy()
    has = model.policy.of("assistant_access")
    assert has.mean() == pytest.approx(0.4, abs=0.05)
    differs = lives[0.0] != lives[0.4]
    assert differs.sum() > 20
    assert not differs[~has].any()


def test_sign_ups_are_heard_by_people_without_acting_neighbours(society):
    """With conformity and no other motive, the control draws people to what the many do."""
    lonely = {}
    for sign_ups in (False, True):
        model = society(
            "cifar-10",
            curve=published_curve("cifar-10", "surrogate"),
            population={"users": 400},
            network={"family": "watts_strogatz", "degree": 2, "rewire": 0.0},
            interventions=[Assistant(trust=1.0, forecast=False, sign_ups=sign_ups)],
            decision={
                "social_form": "conformity",
                "social_weight": 50.0,
                "revision_probability": 1.0,
                "weight_help": 0.0,
                "weight_harm": 0.0,
                "weight_revenue": 0.0,
                "inertia": 0.0,
            },
        )
        # A tenth strikes, as neighbours on the ring: half of them see strikers only.
        model.population.stance[:40] = model.stances.code("strike")
        model.step()
        lonely[sign_ups] = model.population.stance[5:35]
    assert (lonely[False] == model.stances.code("strike")).all()
    assert (lonely[True] == STAY).mean() > 0.9


def test_a_replay_has_nothing_to_forecast_from(society, recorded_digits):
    with pytest.raises(InputError, match=r"^assistant: a forecast or a gap needs a measured curve"):
        society("digits", replay=recorded_digits, interventions=[Assistant()])
    quiet = society(
        "digits", replay=recorded_digits, interventions=[Assistant(forecast=False, sign_ups=True)]
    )
    quiet.step()
    assert np.isnan(quiet.ticks[-1]["belief_error_remove"])
