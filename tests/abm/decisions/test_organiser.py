"""Marwell, Oliver, Prahl (1988), Social Networks and Collective Action, American Journal of Sociology 94."""

import numpy as np
import pytest

from abm.decisions import Campaign
from abm.networks.lattices import ring, star
from abm.networks.random_graphs import barabasi_albert
from learners.errors import InputError
from scenarios.interventions import OrganiserSubsidy

USERS = 200


def rule(**organisers):
    return {
        "rule": "critical_mass",
        "production": {"kind": "accelerating"},
        "organisers": {"chosen_by": "degree", "contacts": 10, **organisers},
    }


def organised(people, decides, decision, ties, seed):
    """Return the share of the resources brought together at the first tick."""
    rng = np.random.default_rng(seed)
    interest, resources = rng.lognormal(0, 1, (2, USERS))
    model = people(USERS, interest=interest, resources=resources)
    decides(model, decision, ties, seed)
    acts = model.rule.choose(model._information()) != 0
    return float(model.population.weight @ acts)


@pytest.fixture(scope="module")
def mean_organised(people, decides):
    def mean(ties_of, **organisers):
        return np.mean(
            [organised(people, decides, rule(**organisers), ties_of(seed), seed) for seed in range(12)]
        )

    return mean


def hubs(seed):
    return barabasi_albert(USERS, 10, np.random.default_rng(seed))


def no_hubs(seed):
    return ring(USERS, 10)


def test_centralisation_helps_a_selective_organiser(mean_organised):
    """With as many ties, an organiser in a hub can choose, and to choose is what a hub is good for."""
    central, decentral = mean_organised(hubs), mean_organised(no_hubs)
    by_lot = mean_organised(hubs, selection="lot")
    assert central > 2 * decentral
    assert central > 2 * by_lot
    # Who cannot choose gains little from the hub.
    assert by_lot - mean_organised(no_hubs, selection="lot") < 0.5 * (central - decentral)


def test_an_organiser_reaches_neighbours_only(people, decides):
    """A star's centre reaches all, its rays the centre alone."""
    decision = rule(contacts=1000)
    model = decides(people(50, interest=np.ones(50)), decision, star(50, 1))
    assert (model.rule.choose(model._information()) != 0).all()
    decision["organisers"] = {"chosen_by": "interest", "contacts": 1000}
    model = decides(people(50, interest=np.arange(1.0, 51)), decision, star(50, 1))
    acts = np.flatnonzero(model.rule.choose(model._information()))
    assert set(acts.tolist()) <= {0, 49}


@pytest.mark.parametrize(("cost", "number"), [(0.0, 11), (0.0027, 11), (0.003, 0)])
def test_contacts_must_be_worth_their_cost(people, decides, cost, number):
    """Eleven of 50 bring .0484 of the good and .02 is their share of the cost: .0284 is left for contacts."""
    model = decides(people(50, interest=np.ones(50)), rule(contact_cost=cost), star(50, 1))
    assert np.count_nonzero(model.rule.choose(model._information())) == number


@pytest.mark.parametrize(
    ("selection", "chosen"), [("stake", {1, 3}), ("resources", {2, 3}), ("reach", {4, 5})]
)
def test_whom_organisers_contact(people, decides, selection, chosen):
    interest = np.array([9.0, 8.0, 2.0, 5.0, 2.0, 2.0, 2.0])
    resources = np.array([1.0, 2.0, 5.0, 4.0, 1.0, 1.0, 1.0])
    ties = (np.array([0, 0, 0, 0, 0, 0, 4]), np.array([1, 2, 3, 4, 5, 6, 5]))
    decision = rule(contacts=2, selection=selection) | {"cost": 0.1}
    model = decides(people(7, interest=interest, resources=resources), decision, ties)
    model.rule.choose(model._information())
    campaign = Campaign(model._information(), model.stances.code("strike"))
    organisers, lots = model.rule.organisers, np.zeros(7)
    contacted, paid = organisers._contacted(np.int64(0), campaign, model.rule._stakes, lots)
    assert set(contacted.tolist()) == chosen
    assert paid == 2


def test_a_subsidy_pays_for_more_contacts(people, decides):
    subsidy = OrganiserSubsidy(budget=15)
    model = people(
        50, rule(contacts=10), interest=np.ones(50), interventions=[subsidy], network={"family": "star"}
    )
    model.step()
    assert np.count_nonzero(model.population.stance) == 26


def test_organisers_go_on_where_others_stopped(people, decides, shares_acting):
    """Ten a tick, until the centre has met everybody."""
    model = decides(people(50, interest=np.full(50, 1.0)), rule() | {"cost": 0.9}, star(50, 1))
    acting = shares_acting(model)
    np.testing.assert_allclose(np.diff(acting[:3]) * 50, [11, 10])
    assert acting[-1] == 1


def test_too_many_organisers(people, decides):
    model = decides(people(7), rule(number=8))
    with pytest.raises(InputError, match=r"^organisers\.number: 8 organisers are wanted of 7 users$"):
        model.rule.choose(model._information())
