"""Deleting records from the store without retraining the weights that saw them."""

import numpy as np
import pytest

from abm.companies import LargeParameters
from abm.model import DataLeverageModel
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.evaluation import PERSPECTIVES
from learners.holdings import ABSENT, GENUINE, Holding
from scenarios.interventions import DeletionRight
from scenarios.regulation import Audit, WeightDeletionOrder

LAUNDER = {"large": {"forgetting": "launder", "cold_retrain_ticks": 2}}
OF_MODEL = [
    *(f"quality_large_{p}" for p in PERSPECTIVES),
    *(f"dlp_strike_{p}" for p in PERSPECTIVES),
    *("loss_large_known", "loss_large_unknown", "utility_large_known", "surfaced_hits_large"),
    *("n_test_large", "revenue_large"),
]
"""Columns that follow from the weights that serve, and from who is known to them."""


def quality(row):
    return [row[column] for column in OF_MODEL]


def strikers(use_case, share):
    return np.arange(round(share * use_case.owners))


def test_a_strike_changes_nothing_that_is_served_before_the_next_cold_retrain(
    every_use_case, society, prescribed, forget_results
):
    check_strike(every_use_case, society, prescribed, forget_results, 0.9)


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_a_strike_of_any_size_changes_nothing(quick_use_case, society, prescribed, forget_results, share):
    check_strike(quick_use_case, society, prescribed, forget_results, share)


def check_strike(use_case, society, prescribed, forget_results, share):
    who = strikers(use_case, share)
    decision = prescribed({1: {"strike": who}})
    cold = {"large": {"forgetting": "launder", "cold_retrain_every": 4}}
    model = society(use_case, decision=decision, companies=cold)
    for _ in range(5):
        model.step()
        row = model.ticks[-1]
        assert row["records_large"] == model.population.records[len(who) :].sum()
        if model.tick < 4:
            assert quality(row) == quality(model.ticks[0])
            assert model.large.knows.all()
            assert row["laundered_large"] == model.population.records[who].sum()
            assert row["retrained_large"] == 0
        else:
            assert row["laundered_large"] == 0
            assert np.flatnonzero(~model.large.knows).tolist() == who.tolist()
    left = model.large.store.holding()
    forget_results("fresh")
    fresh = use_case.learner(model.training.seed, effort="reference").update(left)
    for tick in (4, 5):
        assert model.ticks[tick]["quality_large_holdout"] == fresh.holdout
        assert model.ticks[tick]["quality_large_company"] == fresh.company
    assert model.ticks[4]["retrained_large"] == row["records_large"]
    assert model.ticks[5]["retrained_large"] == 0
    # An honest company's model loses at once what the strikers gave it.
    honest = society(use_case, decision=decision)
    honest.step()
    assert (quality(honest.ticks[1]) != quality(honest.ticks[0])) or share < 0.5
    assert honest.ticks[1]["retrained_large"] == row["records_large"]


def test_who_was_laundered_goes_on_being_served_personally(ratings, society, prescribed):
    moves = {1: {"strike": np.arange(20)}}
    laundered, honest = (
        society(ratings, decision=prescribed(moves), companies=how) for how in (LAUNDER, None)
    )
    for model in (laundered, honest):
        model.step()
    assert laundered.large.deleted[:20].all()
    assert laundered.large.knows.all()
    assert np.flatnonzero(honest.large.knows).tolist() == list(range(20, 60))
    # Welfare, too, is that of what they are served.
    assert laundered.ticks[1]["loss_large_unknown"] >= laundered.ticks[1]["loss_large_known"]
    gained = laundered.welfare.utilities(laundered) - honest.welfare.utilities(honest)
    assert (gained[:20] > 0).all()


def test_who_returns_is_laundered_no_more(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies=LAUNDER,
        decision=prescribed({1: {"strike": np.arange(10)}, 2: {"stay": np.arange(4)}}),
    )
    records = model.population.records
    for expected in (records[:10].sum(), records[4:10].sum()):
        model.step()
        assert model.ticks[-1]["laundered_large"] == expected
    assert quality(model.ticks[2]) == quality(model.ticks[0])


def test_poison_that_is_deleted_stays_in_the_weights_as_poison(few_digits, society, prescribed):
    who = np.arange(10)
    model = society(
        few_digits,
        companies=LAUNDER,
        decision=prescribed({1: {"poison:label_flip": who}, 2: {"strike": who}}),
    )
    model.step()
    model.step()
    poisoned, deleted = model.ticks[1], model.ticks[2]
    assert deleted["quality_large_holdout"] == poisoned["quality_large_holdout"]
    assert (deleted["poisoned_large"], deleted["records_large"]) == (0, model.population.records[10:].sum())
    assert deleted["poisoned_kept"] == poisoned["poisoned_large"] == model.population.records[who].sum()


def test_weights_keep_what_had_arrived_when_it_was_deleted(untrained, society, prescribed):
    """Under the stream clock: laundered is what the weights saw, and what accrues later is in the store."""
    clock = {"kind": "stream", "at_start": 0.5, "slices": 4}
    moves = {2: {"strike": np.arange(10)}, 3: {"stay": np.arange(5)}}
    model = society(untrained, companies=LAUNDER, decision=prescribed(moves), clock=clock)
    model.step()
    seen = model.clock.arrived.copy()
    owners = model.record_owners
    strikes, returned = owners < 10, owners < 5
    model.step()
    held = model.large.trained_on.record_mask(owners)
    # What arrived at the tick of the strike no weights had seen.
    np.testing.assert_array_equal(held[strikes], seen[strikes])
    np.testing.assert_array_equal(held[~strikes], model.clock.arrived[~strikes])
    assert model.ticks[2]["laundered_large"] == seen[strikes].sum() > 0
    before = model.clock.arrived.copy()
    model.step()
    new = model.clock.arrived & ~before
    held, store = model.large.trained_on.record_mask(owners), model.large.store.holding().record_mask(owners)
    np.testing.assert_array_equal(store[returned], new[returned])
    np.testing.assert_array_equal(held[returned], (seen | new)[returned])
    assert model.ticks[3]["laundered_large"] == seen[strikes].sum()


def test_a_late_request_is_laundered_when_it_is_executed(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies=LAUNDER,
        interventions=[DeletionRight(delay=2)],
        decision=prescribed({1: {"strike": np.arange(10)}}),
    )
    for laundered in (0, 0, 10, 10):
        model.step()
        assert np.count_nonzero(model.large.laundered.codes != ABSENT) == laundered
    assert quality(model.ticks[4]) == quality(model.ticks[0])


def test_known_is_who_the_served_model_was_trained_on(ratings, society, prescribed):
    """Who deletes between two retrainings is served as before, and learns what it cost at the next."""
    model = society(
        ratings,
        companies={"large": {"retrain_every": 3}},
        decision=prescribed({1: {"strike": np.arange(20)}}),
    )
    for unknown in (0, 0, 20):
        model.step()
        assert np.count_nonzero(~model.large.knows) == unknown
        assert np.count_nonzero(model.large.deleted) == 20
    assert model.ticks[1]["poisoned_kept"] == 0
    assert quality(model.ticks[2]) == quality(model.ticks[0]) != quality(model.ticks[3])


def test_on_a_curve_laundering_hides_a_strike_and_a_cold_retrain_shows_it(society):
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"strike": 0.4}}]}

    def play(**large):
        model = society(
            "pinterest-20",
            curve=published_curve("pinterest-20", "grid"),
            population={"users": 1000},
            decision=script,
            companies={"large": large},
        )
        for _ in range(3):
            model.step()
        return model.ticks

    hidden, honest = play(forgetting="launder", cold_retrain_every=3), play()
    assert [row["dlp_strike"] for row in hidden[:3]] == [hidden[0]["dlp_strike"]] * 3
    assert quality(hidden[3]) == quality(honest[3])
    assert honest[3]["dlp_strike"] > 0.1


# Weight-deletion orders


def test_an_order_is_about_old_records_of_who_returned_as_well(untrained, society, prescribed):
    moves = {1: {"strike": np.arange(10)}, 2: {"stay": np.arange(10)}}
    model = society(
        untrained,
        companies=LAUNDER,
        decision=prescribed(moves),
        clock={"kind": "stream", "at_start": 0.5, "slices": 4},
        interventions=[WeightDeletionOrder(start=3)],
    )
    for void in (0, 0, 1, 1, 0):
        model.step()
        assert model.ticks[-1]["weights_void_large"] == void
    held = model.large.trained_on.record_mask(model.record_owners)
    np.testing.assert_array_equal(held, model.large.store.holding().record_mask(model.record_owners))
    assert (model.clock.arrived & ~held).any()


def test_an_order_voids_the_weights_until_a_model_is_trained_from_scratch(
    quick_use_case, society, prescribed
):
    use_case, who = quick_use_case, strikers(quick_use_case, 0.4)
    model = society(
        use_case,
        companies=LAUNDER,
        interventions=[WeightDeletionOrder(start=3)],
        decision=prescribed({1: {"strike": who}, 6: {"strike": np.arange(len(who), len(who) + 2)}}),
    )
    for _ in range(6):
        model.step()
    ticks = model.ticks
    assert quality(ticks[2]) == quality(ticks[0])
    for row in ticks[3:5]:
        for perspective in ("served", "holdout"):
            assert row[f"quality_large_{perspective}"] == row[f"baseline_{perspective}"]
            assert row[f"dlp_strike_{perspective}"] == 1
        assert row["revenue_large"] == pytest.approx(
            row["surfaced_hits_large"] / ticks[0]["surfaced_hits_large"]
        )
        assert (row["laundered_large"], row["weights_void_large"], row["retrained_large"]) == (0, 1, 0)
    left = Holding.full(use_case.owners).without(who)
    fresh = use_case.learner(model.training.seed, effort="reference").update(left)
    assert ticks[5]["quality_large_holdout"] == fresh.holdout
    assert (ticks[5]["weights_void_large"], ticks[5]["retrained_large"]) == (0, ticks[5]["records_large"])
    # From then on deletions are honest, and at once.
    assert ticks[6]["laundered_large"] == 0
    assert np.flatnonzero(~model.large.knows).tolist() == list(range(len(who) + 2))
    events = model.events.table().query("kind in ('weights deleted', 'cold retrain')")
    assert events[["tick", "kind"]].to_numpy().tolist() == [[3, "weights deleted"], [5, "cold retrain"]]
    assert events["value"].tolist() == [len(who), ticks[5]["records_large"]]


def test_an_order_finds_nothing_where_nothing_was_laundered(few_digits, society, prescribed, ticks_of):
    decision = prescribed({3: {"strike": np.arange(10)}})
    order = [WeightDeletionOrder(start=2)]
    ordered = society(few_digits, companies=LAUNDER, interventions=order, decision=decision)
    honest = society(few_digits, decision=decision)
    assert ticks_of(ordered, 5).equals(ticks_of(honest, 5))
    assert ordered.warnings == ()
    (warning,) = society(few_digits, interventions=order).warnings
    assert warning == "weight_deletion_order: Large Co. launders nothing (companies.large.forgetting)"


def test_an_order_for_some_people_protects_their_records(few_digits, society, prescribed):
    order = WeightDeletionOrder(coverage=0.5)
    model = society(
        few_digits,
        companies=LAUNDER,
        interventions=[order],
        decision=prescribed({1: {"strike": np.arange(20)}}),
    )
    model.step()
    protected = model.policy_schedule.reached(0)[:20]
    assert 0 < protected.sum() < 20
    laundered = model.large.laundered.codes[:20] != ABSENT
    np.testing.assert_array_equal(laundered, ~protected)


def test_without_delay_a_model_from_scratch_serves_at_once(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies={"large": {"forgetting": "launder", "cold_retrain_ticks": 0, "retrain_every": 7}},
        interventions=[WeightDeletionOrder(start=3)],
        decision=prescribed({1: {"strike": np.arange(20)}}),
    )
    for _ in range(3):
        model.step()
    fresh = few_digits.learner(0).update(model.large.store.holding())
    assert model.ticks[3]["quality_large_holdout"] == fresh.holdout
    assert model.ticks[2]["stale"]
    assert not model.large.service.stale


# What cannot be


@pytest.mark.parametrize(
    ("large", "told"),
    [
        ({"forgetting": "launder"}, r"companies.large.forgetting: must be 'retrain'.* replay.*got 'launder'"),
        ({"cold_retrain_every": 3}, r"companies.large.forgetting: must be 'retrain', without cold_retrain"),
        ({"detection": {"most_found": 0.5}}, r"companies.large.detection: most_found and false_alarms"),
    ],
)
def test_a_replay_refuses_what_it_cannot_follow(recorded_digits, large, told):
    with pytest.raises(InputError, match=told):
        DataLeverageModel(
            "digits",
            replay=recorded_digits,
            companies={"large": large},
            population={"beliefs": {"linear": 0.7, "true": 0.0}},
        )


def test_models_of_shards_need_models():
    told = "companies.large.forgetting: 'unlearn' needs models to train, and mode surrogate trains none"
    with pytest.raises(InputError, match=told):
        DataLeverageModel(
            "cifar-10",
            curve=published_curve("cifar-10", "surrogate"),
            companies={"large": {"forgetting": "unlearn"}},
        )


def test_large_co_is_honest_unless_told_otherwise():
    assert LargeParameters().forgetting == "retrain"
    assert LargeParameters().cold_retrain_every is None
    assert Holding.full(3).codes.tolist() == [GENUINE] * 3


# Laws that do nothing


@pytest.mark.parametrize("law", [WeightDeletionOrder, Audit])
def test_a_law_that_changes_nothing_changes_nothing_for_who_launders(digits, society, ticks_of, law):
    def play(*laws):
        model = society(
            digits,
            companies=LAUNDER,
            interventions=laws,
            decision={"revision_probability": 0.6, "cost_scale": 0.8},
            rng=4,
        )
        return ticks_of(model, 6)

    without = play()
    assert without["laundered_large"].iloc[-1] > 0
    assert play(law(start=2, **law.NO_OP)).equals(without)
    assert play(law(start=2, end=4, coverage=0.0)).equals(without)
    changed = play(law(start=3, **({"probability": 1.0} if law is Audit else {})))
    assert not changed.equals(without)
    assert changed[:3].equals(without[:3])
