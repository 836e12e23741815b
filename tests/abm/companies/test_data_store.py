import numpy as np
import pytest

from abm.companies import DataStore
from learners.holdings import ABSENT, FIRST_POISON, GENUINE
from learners.poisoning import Poison

KINDS = (Poison("random_vandal"), Poison("extreme_vandal"))
OWNERS = np.array([0, 0, 1, 2, 2, 2], np.int32)
ONE = np.array([1])


def store(codes=(GENUINE, GENUINE, GENUINE), arrived=None):
    made = DataStore(np.array(codes, np.int8), KINDS, OWNERS)
    made.arrived = None if arrived is None else np.array(arrived, bool)
    return made


def held(company):
    return company.store.holding().record_mask(company.model.record_owners)


# The store


def test_erase_put_and_mark():
    data = store()
    data.erase(np.array([0, 1]))
    assert data.codes.tolist() == [ABSENT, ABSENT, GENUINE]
    # Poison falsifies what is there, and brings nothing back; what comes later comes falsified.
    data.mark(np.array([1, 2]), KINDS[1])
    assert data.codes.tolist() == [ABSENT, ABSENT, FIRST_POISON + 1]
    data.put(ONE, None)
    assert data.codes.tolist() == [ABSENT, FIRST_POISON + 1, FIRST_POISON + 1]
    data.mark(np.array([0, 2]), None)
    assert data.codes.tolist() == [ABSENT, FIRST_POISON + 1, GENUINE]
    data.put(np.array([0]), None)
    assert data.codes.tolist() == [GENUINE, FIRST_POISON + 1, GENUINE]


def test_stream_store_takes_the_records_it_is_given():
    data = store((ABSENT, ABSENT, GENUINE), [0, 0, 0, 1, 1, 0])
    data.put(np.array([0]), np.array([True, False, True, True, True, True]))
    assert data.arrived.tolist() == [True, False, False, True, True, False]
    data.erase(np.array([2]))
    assert data.arrived.tolist() == [True, False, False, False, False, False]


def test_records_are_counted_by_owner_or_one_by_one():
    per_user = np.array([2.0, 1.0, 3.0])
    assert store((GENUINE, ABSENT, FIRST_POISON)).records(per_user) == (5, 3)
    some = store((GENUINE, ABSENT, FIRST_POISON), [0, 1, 1, 1, 1, 0])
    assert some.records(per_user) == (3, 2)
    assert store().records(per_user) == (6, 0)


def test_a_holding_is_not_changed_by_later_moves():
    data = store(arrived=np.ones(6))
    before = data.holding()
    data.erase(ONE)
    assert before.codes.tolist() == [GENUINE] * 3
    assert before.arrived.all()


# Small Co.


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_small_starts_with_a_share_of_the_users(digits, society, share):
    model = society(digits, companies={"small": {"starts_with": share}})
    assert model.small.known.mean() == pytest.approx(share, abs=0.08)
    assert model.ticks[0]["owners_small"] == np.count_nonzero(model.small.known)
    assert model.ticks[0]["records_small"] == model.population.records[model.small.known].sum()
    # What it starts with is nobody's contribution.
    assert not model.population.has_copy.any()
    assert (model.ticks[0]["dlp_cdc_holdout"] > 0) == (share > 0)


def test_who_contributed_once_is_a_contributor_for_good(few_digits, society, prescribed, ticks_of):
    contributors = np.arange(0, 40, 3)
    model = society(few_digits, decision=prescribed({1: {"cdc": contributors}}))
    model.step()
    first = held(model.small)
    assert set(model.record_owners[first]) == set(contributors)
    ticks = ticks_of(model, 30)
    assert (held(model.small) == first).all()
    assert (ticks["share_cdc"][1:] == len(contributors) / 40).all()
    assert (ticks["records_small"][1:] == ticks["records_small"][1]).all()
    # Nothing had to be done again.
    assert [(entry.tick, entry.move) for entry in model.ledger.entries] == [(1, "contribute")]


@pytest.mark.parametrize("revocation_right", [False, True])
@pytest.mark.parametrize(("wanted", "with_copy"), [("stay", "cdc"), ("strike", "cdc_delete")])
def test_a_copy_is_taken_back_by_right_only(
    few_digits, society, prescribed, revocation_right, wanted, with_copy
):
    model = society(
        few_digits,
        policy={"revocation_right": revocation_right},
        decision=prescribed({1: {"cdc": ONE}, 2: {wanted: ONE}}),
    )
    model.step()
    assert model.small.known.tolist() == (np.arange(40) == 1).tolist()
    model.step()
    assert model.small.known[1] != revocation_right
    assert model.population.has_copy[1] != revocation_right
    stance = model.stances.names[model.population.stance[1]]
    assert stance == (wanted if revocation_right else with_copy)
    assert model.large.deleted[1] == (wanted == "strike")
    assert ("revoke" in {entry.move for entry in model.ledger.entries}) == revocation_right


def test_a_copy_outlives_stances_without_a_name_for_it(few_digits, society, prescribed):
    """With a copy, poisoning or leaving goes on as before, and back from it is cdc."""
    moves = {1: {"cdc": ONE}, 2: {"poison:label_flip": ONE}, 3: {"boycott_leave": ONE}, 4: {"stay": ONE}}
    model = society(few_digits, decision=prescribed(moves))
    for tick in range(1, 5):
        model.step()
        assert model.small.known[1], tick
    assert model.stances.names[model.population.stance[1]] == "cdc"
    assert [entry.move for entry in model.ledger.entries].count("contribute") == 1
    # A clean copy went to Small Co., and Large Co. is clean again.
    assert model.small.store.codes[1] == model.large.store.codes[1] == GENUINE


def test_small_serves_strangers_if_it_says_so(few_digits, society, prescribed):
    for serves in (False, True):
        model = society(
            few_digits,
            companies={"small": {"serves_strangers": serves}},
            decision=prescribed({1: {"cdc": np.arange(20), "boycott": np.array([30])}}),
        )
        model.step()
        assert model.small_open.sum() == (40 if serves else 20)
        assert model.attention.small[30] == serves
        assert (model.attention.small[:20] > 0).all()
        assert (model.attention.small[20:30] > 0).all() == serves


# Large Co.


def test_large_loses_what_strikers_delete_and_poisoners_falsify(few_digits, society, prescribed):
    model = society(
        few_digits,
        decision=prescribed({1: {"strike": np.arange(5), "poison:label_flip": np.arange(5, 12)}}),
    )
    model.step()
    assert np.flatnonzero(model.large.deleted).tolist() == list(range(5))
    assert np.flatnonzero(model.large.store.codes == FIRST_POISON).tolist() == list(range(5, 12))
    row, records = model.ticks[-1], model.population.records
    assert row["records_large"] == records[5:].sum()
    assert row["poisoned_large"] == records[5:12].sum()
    assert row["owners_large"] == 35


def test_large_trains_on_exactly_what_it_holds(few_digits, society, prescribed):
    """The quality of the tick is that of a model trained from scratch on the records in the store."""
    moves = {1: {"strike": np.arange(25), "cdc": np.arange(30, 36)}, 2: {"poison:label_flip": [26, 27]}}
    model = society(few_digits, decision=prescribed(moves))
    for _ in range(3):
        model.step()
        for key, company in (("large", model.large), ("small", model.small)):
            fresh = few_digits.learner(0).update(company.store.holding())
            for perspective in ("holdout", "company"):
                assert model.ticks[-1][f"quality_{key}_{perspective}"] == pytest.approx(
                    getattr(fresh, perspective), rel=1e-12
                )


def test_a_company_that_retrains_seldom_serves_a_stale_model(few_digits, society, prescribed, ticks_of):
    model = society(
        few_digits,
        companies={"large": {"retrain_every": 3}},
        decision=prescribed({1: {"strike": np.arange(36)}, 4: {"stay": np.arange(36)}}),
    )
    ticks = ticks_of(model, 7)
    assert ticks["stale"].tolist() == [False, True, True, False, True, True, False, True]
    quality = ticks["quality_large_holdout"]
    assert quality[0] == quality[1] == quality[2] > quality[3] == quality[4] == quality[5] < quality[6]
    assert quality[6] == quality[0]
    # Holdings follow at once, whenever the model does.
    assert ticks["owners_large"].tolist() == [40, 4, 4, 4, 40, 40, 40, 40]
    retrained = model.events.table().query("kind == 'retrain' and subject == 'Large Co.'")
    assert retrained["tick"].tolist() == [0, 3, 6]
