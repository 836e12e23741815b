"""The shipped studies: that they are whole, and that they find what their scenarios say."""

import pytest

from scenarios.batch.designs import Sampled, Sobol
from scenarios.scenario import load_scenario, shipped
from scenarios.study import STUDIES, load_study, shipped_studies


@pytest.mark.parametrize("name", shipped_studies())
def test_study_is_whole(name):
    study = load_study(name)
    assert study.name == name
    assert study.file.question.endswith("?")
    # Where a space of assumptions is sampled, its points make up for replicates.
    if not isinstance(study.file.parameters, Sobol):  # which asks what one arm's results depend on
        assert study.file.replicates >= (3 if isinstance(study.file.parameters, Sampled) else 10)
        assert len(study.file.arms) > 1
    assert len(study.plan()) == len({(run.cell.arm, run.cell.point, run.seed) for run in study.plan()})


@pytest.mark.parametrize("name", shipped_studies())
def test_base_of_a_study_is_shipped_or_written_out_whole(name):
    base = load_study(name).document.values["base"]
    if isinstance(base, str):
        assert base in shipped()
        assert {"held_fixed", "changed", "expectation"} <= load_scenario(base).model_fields_set


def test_a_study_that_is_not_shipped_is_told_from_a_path():
    with pytest.raises(ValueError, match=r"there is no study 'nosuch'; shipped are .*organiser"):
        load_study("nosuch")
    assert load_study(STUDIES / "organiser.yaml").name == "organiser"


@pytest.fixture(scope="module")
def differences(tmp_path_factory):
    """Name of a study, and settings, to (arm, output, value swept) -> the row of its effects."""
    found = {}

    def play(name, *settings):
        if (name, settings) not in found:
            result = load_study(name, list(settings)).run(tmp_path_factory.mktemp("study"), workers=1)
            assert not result.failures
            swept = [key for key in load_study(name).file.swept if key in result.effects]
            found[name, settings] = {
                (row["arm"], row["output"], *(row[key] for key in swept)): row
                for _, row in result.effects.iterrows()
            }
        return found[name, settings]

    return play


@pytest.mark.slow
def test_conformity_locks_in_what_reinforcement_and_seeds_unlock(differences):
    found = differences("conformity-lock-in", "replicates=3")
    unlocked = found["reinforcement", "participation"]
    assert unlocked["mean_reference"] < 0.1  # three in ten seeded or not, the same people
    assert unlocked["low"] > 0.5
    assert found["conformity-seeded", "participation"]["low"] > 0.3


@pytest.mark.slow
def test_a_true_forecast_depresses_the_early_strike_and_pledges_repair_it_where_the_goal_is_worth_it(
    differences,
):
    found = differences("pledge-or-forecast", "replicates=4")
    for interest in (1.0, 2.0, 4.0):
        assert found["forecast", "participation_at_4", interest]["high"] < 0
        assert found["pledge", "participation_at_4", interest]["effect"] == 0  # the drive begins at tick 5
    assert found["pledge", "participation", 2.0]["low"] > 0.4
    assert found["both", "participation", 2.0]["high"] < 0  # the goal, truthfully judged, is not worth it
    assert found["both", "participation", 4.0]["low"] > 0.4
    assert found["both", "dlp_strike", 4.0]["low"] > 0.5


@pytest.mark.slow
def test_organisers_need_a_network_in_which_they_know_many(differences):
    found = differences("organiser", "replicates=4")
    chosen, by_lot, scattered = (
        found[arm, "participation"] for arm in ("most-at-stake", "by-lot", "decentralised")
    )
    assert chosen["mean_reference"] == 0
    assert chosen["low"] > 0.5
    assert chosen["mean"] > by_lot["mean"] + 0.2
    assert scattered["mean"] == 0


@pytest.mark.slow
def test_from_a_cold_start_contribution_begins_and_stalls_and_a_strike_needs_commitment(differences):
    found = differences("cold-start", "replicates=2", "base.population.users=500")
    for use_case in ("pinterest-20", "ml-10m", "cifar-10", "toxic"):
        contribution = found["strike", "participation", use_case]["mean_reference"]
        assert 0.1 < contribution < 0.6
        assert found["strike", "participation", use_case]["mean"] < 0.12
        # Half committed bring next to nobody along, nine in ten everybody.
        assert found["strike-half-committed", "participation", use_case]["mean"] < 0.75
        assert found["strike-nine-in-ten-committed", "participation", use_case]["mean"] > 0.98


@pytest.mark.slow
def test_a_boycott_costs_more_revenue_than_a_strike_that_looks_stronger_in_quality(
    differences, prepared, monkeypatch
):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    found = differences("strike-or-boycott", "replicates=3")
    for size in ("3-in-10", "half"):
        strike, boycott = f"strike-{size}", f"boycott-{size}"
        assert found[boycott, "revenue_large"]["mean"] < found[strike, "revenue_large"]["mean"] - 0.1
        assert found[strike, "dlp_strike"]["mean"] > found[boycott, "dlp_strike"]["mean"] + 0.1


INTEREST = "population.interest.median: [1.0, 4.0]"
ONE_PRICE = f"parameters={{design: grid, axes: {{{INTEREST}, coalitions.effort.recruit: [1.0]}}}}"


@pytest.mark.slow
def test_at_equal_effort_a_union_pays_where_it_waits_for_many_and_people_care(differences):
    found = differences("data-union", "replicates=3", ONE_PRICE)
    waits = found["union-of-three-in-ten", "dlp_strike", 4.0, 1.0]
    assert waits["low"] > 0.3
    assert found["union", "dlp_strike", 1.0, 1.0]["high"] < 0
    for interest in (1.0, 4.0):
        for arm in ("union", "union-of-three-in-ten"):
            assert found[arm, "organiser_effort", interest, 1.0]["effect"] == 0


UNEVEN_OR_DEAR = (
    "parameters={design: points, points: ["
    "{network.exponent: 1.0, coalitions.effort.moderator: 5.0, population.interest.median: 4.0}, "
    "{network.exponent: 0.0, coalitions.effort.moderator: 80.0, population.interest.median: 4.0}]}"
)


@pytest.mark.slow
def test_at_equal_effort_communities_pay_where_some_are_large_and_moderators_easily_won(differences):
    found = differences("community-action", "replicates=4", UNEVEN_OR_DEAR)
    assert found["communities", "dlp_strike", 1.0, 5.0, 4.0]["low"] > 0.1
    assert found["communities", "dlp_strike", 0.0, 80.0, 4.0]["high"] < -0.02
    for point in ((1.0, 5.0, 4.0), (0.0, 80.0, 4.0)):
        assert found["communities", "organiser_effort", *point]["effect"] == 0


LIVE_UNION = (
    "arms={individuals: {interventions: [{kind: canvass, start: 2, budget: 3.0}]}, union-of-three-in-ten: "
    "{interventions: [{kind: coalition, start: 2, budget: 3.0, minimum: 0.3}]}}"
)


@pytest.mark.slow
def test_a_union_that_waits_pays_where_every_strike_is_trained_on(differences, prepared, monkeypatch):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    interest = "parameters={design: grid, axes: {population.interest.median: [2.0]}}"
    found = differences("data-union-live", "replicates=2", interest, LIVE_UNION)
    waits = found["union-of-three-in-ten", "dlp_strike", 2.0]
    assert waits["low"] > 0.15
    assert waits["mean_reference"] > 0.15  # asked one by one, people strike, too
    assert found["union-of-three-in-ten", "organiser_effort", 2.0]["effect"] == 0


LIVE_COMMUNITIES = (
    "arms={individuals: {interventions: [{kind: canvass, start: 1, budget: 3.0}]}, "
    "communities-at-five-contacts: {coalitions.effort.moderator: 5.0}}"
)


@pytest.mark.slow
def test_cheap_moderators_of_uneven_communities_pay_where_every_strike_is_trained_on(
    differences, prepared, monkeypatch
):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    uneven = "parameters={design: grid, axes: {network.exponent: [1.0]}}"
    found = differences("community-action-live", "replicates=2", uneven, LIVE_COMMUNITIES)
    assert found["communities-at-five-contacts", "dlp_strike_all_along", 1.0]["low"] > 0.05
    assert found["communities-at-five-contacts", "organiser_effort", 1.0]["effect"] == 0
