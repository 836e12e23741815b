import numpy as np
import pytest
from scipy.stats import spearmanr

from abm.actions import Stances
from abm.beliefs import FAMILIES
from abm.model import DataLeverageModel
from abm.population import Population, PopulationParameters, poisons_on_offer
from abm.streams import Streams
from learners.errors import InputError
from learners.parameters import parsed
from learners.usecase import load_use_case

RECORDS = np.random.default_rng(2).permutation(5000) + 1


def people(seed=1, records=RECORDS, **parameters):
    return Population(parsed(PopulationParameters, parameters, "population"), records, Streams(seed))


def test_interest_is_lognormal():
    interest = people(interest={"median": 2.0, "sigma": 0.6}).interest
    assert np.median(interest) == pytest.approx(2.0, rel=0.05)
    assert np.log(interest).std() == pytest.approx(0.6, rel=0.05)
    assert (people(interest={"median": 2.0, "sigma": 0.0}).interest == 2).all()
    assert (people(interest={"median": 0.0}).interest == 0).all()


@pytest.mark.parametrize("correlation", [-1.0, -0.5, 0.0, 0.6, 1.0])
def test_interest_goes_with_the_number_of_records(correlation):
    interest = people(interest={"data_correlation": correlation}).interest
    # Rank correlation of two normals of correlation r: 6 asin(r / 2) / pi.
    expected = 6 / np.pi * np.arcsin(correlation / 2)
    assert spearmanr(interest, RECORDS).statistic == pytest.approx(expected, abs=0.03)
    assert np.median(interest) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("trait", ["grievance", "privacy"])
def test_traits_in_zero_to_one_have_the_mean_asked_for(trait):
    for mean in (0.1, 2 / 7, 0.8):
        values = getattr(people(**{f"{trait}_mean": mean}), trait)
        assert values.mean() == pytest.approx(mean, abs=0.01)
        # A beta variable of concentration 7.
        assert values.var() == pytest.approx(mean * (1 - mean) / 8, rel=0.1)
        assert ((values >= 0) & (values <= 1)).all()


def test_belief_families_have_their_shares():
    shares = {"linear": 0.2, "pessimist": 0.7, "true": 0.1}
    family = people(beliefs=shares).family
    for code, name in enumerate(FAMILIES):
        assert (family == code).mean() == pytest.approx(shares.get(name, 0.0), abs=0.02)
    assert set(people(beliefs={"linear": 1.0, "pessimist": 0.0, "true": 0.0}).family) == {0}
    assert set(people(beliefs={"linear": 0.0, "pessimist": 0.0, "true": 1.0}).family) == {2}


def test_traits_are_drawn_apart():
    users = people()
    traits = np.array([users.interest, users.grievance, users.privacy, users.skill, users.risk, users.family])
    correlations = np.corrcoef(traits)[np.triu_indices(6, 1)]
    assert np.abs(correlations).max() < 0.05


def test_changing_one_trait_leaves_the_others_as_they_were():
    one, other = people(), people(grievance_mean=0.6, interest={"median": 3.0})
    for trait in ("privacy", "skill", "risk", "family"):
        np.testing.assert_array_equal(getattr(one, trait), getattr(other, trait))
    assert not np.array_equal(one.grievance, other.grievance)
    np.testing.assert_allclose(other.interest, 3 * one.interest, rtol=1e-5)


def test_seeds_make_different_people():
    assert np.array_equal(people(1).interest, people(1).interest)
    assert not np.array_equal(people(1).interest, people(2).interest)


def test_shares_by_heads_and_by_data():
    users = people(records=np.array([1, 2, 3, 4]))
    stances = Stances.of(())
    users.stance[:] = [stances.code(name) for name in ("stay", "cdc", "cdc", "strike")]
    heads, data = users.shares(stances)
    assert heads[stances.code("cdc")] == 0.5
    assert data[stances.code("cdc")] == pytest.approx(0.5)
    assert data[stances.code("strike")] == pytest.approx(0.4)
    assert data[stances.code("stay")] == pytest.approx(0.1)
    assert heads.sum() == data.sum() == pytest.approx(1)


def test_everybody_starts_with_nothing_done(few_digits, society):
    model = society(few_digits)
    assert model.population.n_users == few_digits.owners
    np.testing.assert_array_equal(model.population.records, few_digits.records_per_owner)
    assert (model.population.stance == 0).all()
    assert not model.population.has_copy.any()


# How many users


def test_a_number_of_users_is_dealt_the_images(society):
    model = society("digits", population={"users": 50})
    assert model.population.n_users == len(model.network.degree) == 50
    assert model.population.records.sum() == 1797


def test_a_sample_of_raters(prepared, society, monkeypatch):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    model = society("ml-100k", population={"users": 30})
    whole = load_use_case("ml-100k", device="cpu")
    assert model.population.n_users == 30
    assert 0 < model.population.records.sum() < whole.records_per_owner.sum()
    # The sampled raters bring all their records.
    assert set(model.population.records) <= set(whole.records_per_owner)


@pytest.mark.parametrize("users", [0, 1, -5, 1798, 50.0, "some", None, True])
def test_impossible_numbers_of_users(society, users):
    with pytest.raises(InputError, match=r"^(population\.users|owners)[^\n]*$"):
        society("digits", population={"users": users})


def test_a_loaded_use_case_has_its_users(few_digits, society):
    assert society(few_digits, population={"users": 40}).population.n_users == 40
    with pytest.raises(InputError, match=r"^population\.users: 41 is not the 40 owners [^\n]*$"):
        society(few_digits, population={"users": 41})


def test_the_common_poisons_that_apply_are_on_offer_unless_others_are_chosen():
    applicable = ("label_flip", "plant", "erase")
    assert poisons_on_offer(None, applicable) == ["label_flip"]
    assert poisons_on_offer(["plant target=3", "erase"], applicable) == ["plant target=3", "erase"]
    assert poisons_on_offer([], applicable) == []
    with pytest.raises(InputError, match="poison kind 'random_vandal' does not apply"):
        poisons_on_offer(["random_vandal"], applicable)


def test_chosen_poisons_are_the_stances_of_a_run():
    model = DataLeverageModel(
        "digits",
        population={"poisons": ["label_flip rate=0.5", "label_flip"]},
        decision={
            "rule": "scripted",
            "steps": [{"tick": 1, "shares": {"poison:label_flip rate=0.5": 0.3, "poison:label_flip": 0.2}}],
        },
        rng=1,
    )
    model.step()
    assert model.ticks[-1]["share_poison"] == pytest.approx(0.5, abs=0.01)
    assert {str(poison) for _, poison in model.large.store.holding().poisons_present} == {
        "label_flip rate=0.5",
        "label_flip",
    }
