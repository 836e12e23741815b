"""Detectors of poison: what they find, what finding costs, and when poison is no more than a strike."""

import numpy as np
import pytest

from abm.companies import DetectionParameters
from abm.companies.detection import Detector
from abm.streams import Streams
from learners.curves.published_curves import published_curve
from learners.evaluation import PERSPECTIVES
from learners.holdings import ABSENT, FIRST_POISON, GENUINE

PERFECT = {"most_found": 1.0, "learning_rate": 1e9}


def found_by(**detection):
    return {"large": {"detection": detection}}


def followed(model, ticks):
    """Play on; return what follows from what the weights saw, tick by tick."""
    columns = [f"quality_{c}_{p}" for c in ("large", "small") for p in PERSPECTIVES]
    columns += [f"dlp_{v}_{p}" for v in ("cdc", "strike", "cdc_delete") for p in PERSPECTIVES]
    columns += ["loss_large_known", "loss_large_unknown", "revenue_large", "n_test_large", "retrained_large"]
    columns += ["surfaced_hits_large", "dlp_strike", "consumer_power", "labour_power", "market_share_large"]
    rows = []
    for _ in range(ticks):
        model.step()
        row, held = model.ticks[-1], model.large.trained_on
        rows.append(([row[c] for c in columns], held.record_mask(model.record_owners).tolist(), held.digest))
    return rows


def same(one, other):
    return all(
        np.array_equal(a[0], b[0], equal_nan=True) and a[1:] == b[1:] for a, b in zip(one, other, strict=True)
    )


def test_a_perfect_detector_turns_poison_into_a_strike_record_for_record(
    every_use_case, society, prescribed, forget_results
):
    use_case = every_use_case
    who, more, leavers = (np.arange(*ends) for ends in ((0, 12), (12, 16), (20, 24)))
    kind = "plant target=1" if use_case.name == "pinterest-20" else use_case.poison_kinds[0]
    runs = {}
    for name, stance, companies in (
        ("poison found", f"poison:{kind}", found_by(**PERFECT)),
        ("strike", "strike", None),
        ("poison kept", f"poison:{kind}", None),
    ):
        moves = {1: {stance: who, "boycott": leavers}, 2: {stance: more}, 3: {"stay": who[:5]}}
        forget_results(name)
        model = society(
            use_case,
            decision=prescribed(moves),
            companies=companies,
            population={"poisons": [kind]},
        )
        runs[name] = followed(model, 4)
        if name == "poison found":
            records = model.population.records
            first = model.ticks[1]
            assert first["poisoned_large"] == first["flagged_large"] == records[who].sum()
            assert first["poisoned_kept"] == 0
            assert first["detection_tpr"] == 1
            assert model.ticks[3]["flagged_large"] == records[np.r_[who[5:], more]].sum()
    assert same(runs["poison found"], runs["strike"])
    assert not same(runs["poison kept"], runs["strike"])


def test_the_rate_follows_what_was_seen(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies=found_by(most_found=0.8, learning_rate=0.002),
        decision=prescribed({2: {"poison:label_flip": np.arange(10)}, 5: {"stay": np.arange(10)}}),
    )
    poisoned = model.population.records[:10].sum()
    for tick in range(1, 7):
        model.step()
        seen = poisoned * min(max(tick - 1, 0), 3)  # ticks 2, 3 and 4
        assert model.ticks[tick]["detection_tpr"] == pytest.approx(0.8 * (1 - np.exp(-0.002 * seen)))
        assert model.ticks[tick]["detection_fpr"] == 0


def test_a_better_detector_finds_the_same_people_and_more():
    n = 5000
    codes = np.where(np.arange(n) < 2000, FIRST_POISON, np.where(np.arange(n) < 4000, GENUINE, ABSENT))
    parameters = DetectionParameters(most_found=0.9, learning_rate=0.01, false_alarms=0.05)
    detector = Detector(parameters, n, Streams(3))
    before = np.zeros(n, bool)
    for exposure in (0.0, 50.0, 200.0, 1e6):
        detector.exposure = exposure
        flagged = detector.flagged(codes.astype(np.int8))
        assert flagged[before].all()
        assert flagged[:2000].mean() == pytest.approx(detector.true_positive_rate, abs=0.03)
        assert flagged[2000:4000].mean() == pytest.approx(0.05, abs=0.015)
        assert not flagged[4000:].any()
        before = flagged
    assert detector.true_positive_rate == pytest.approx(0.9)
    # Who is a false alarm is no likelier to be found as a poisoner.
    poisoned = detector.flagged(np.full(n, FIRST_POISON, np.int8))
    alarms = detector.flagged(np.full(n, GENUINE, np.int8))
    assert poisoned[alarms].mean() == pytest.approx(0.9, abs=0.05)


def test_false_alarms_cost_clean_users_their_personal_service(ratings, society, prescribed, ticks_of):
    model = society(ratings, companies=found_by(false_alarms=0.2))
    plain = society(ratings)
    alarms = model.large.detector.false_alarms
    assert 4 < alarms.sum() < 25
    np.testing.assert_array_equal(model.large.knows, ~alarms)
    left = plain.large.store.holding().without(alarms)
    row = model.ticks[0]
    assert row["quality_large_holdout"] == model.training.reference.learner.fork().update(left).holdout
    assert row["quality_large_holdout"] > plain.ticks[0]["quality_large_holdout"]  # an error
    assert row["flagged_large"] == model.population.records[alarms].sum()
    # They are left out of training, not erased: nobody has lost a record in the books.
    assert row["records_large"] == plain.ticks[0]["records_large"]
    assert model.share_removed == 0
    assert (model.welfare.utilities(model) - plain.welfare.utilities(plain))[alarms].max() < 0


def test_without_a_detector_nothing_is_looked_at(few_digits, society, prescribed, ticks_of):
    moves = {1: {"poison:label_flip": np.arange(10)}}
    off = society(few_digits, decision=prescribed(moves), companies=found_by(learning_rate=5.0))
    plain = society(few_digits, decision=prescribed(moves))
    assert ticks_of(off, 3).equals(ticks_of(plain, 3))
    row = plain.ticks[-1]
    assert row["poisoned_kept"] == row["poisoned_large"] == plain.population.records[:10].sum()
    assert (row["detection_tpr"], row["flagged_large"]) == (0, 0)
    assert plain.events.table().query("kind == 'poison flagged'").empty


def test_what_is_flagged_is_an_event(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies=found_by(**PERFECT),
        decision=prescribed({2: {"poison:label_flip": np.arange(10)}}),
    )
    for _ in range(3):
        model.step()
    (event,) = model.events.table().query("kind == 'poison flagged'").itertuples()
    assert (event.tick, event.subject, event.value) == (2, "Large Co.", 10)


def test_poison_that_is_found_is_not_laundered_when_it_is_deleted(few_digits, society, prescribed):
    """The weights never saw it."""
    who = np.arange(10)
    companies = {"large": {"forgetting": "launder", "detection": PERFECT}}
    moves = {1: {"poison:label_flip": who}, 2: {"strike": who}}
    model = society(few_digits, companies=companies, decision=prescribed(moves))
    model.step()
    model.step()
    assert model.ticks[2]["laundered_large"] == 0
    assert np.flatnonzero(~model.large.knows).tolist() == who.tolist()


def test_on_a_curve_poison_that_is_found_is_a_strike(society):
    curve = published_curve("pinterest-20", "grid")
    model = society(
        "pinterest-20", curve=curve, population={"users": 500}, companies=found_by(false_alarms=0.1)
    )
    flagged = model.ticks[0]["flagged_large"]
    assert 25 < flagged < 80
    expected = curve.at("holdout", 1 - flagged / 500).quality
    assert model.ticks[0]["quality_large_holdout"] == pytest.approx(expected)


# Which lever did it


def shares(row, lever):
    return [row[f"attribution_{outcome}_{lever}"] for outcome in ("dlp_cdc", "dlp_strike", "revenue_large")]


def total(model):
    row, start = model.ticks[-1], model.ticks[0]
    return [row[outcome] - start[outcome] for outcome in ("dlp_cdc", "dlp_strike", "revenue_large")]


def test_what_poison_does_that_is_found_is_still_the_doing_of_poison(few_digits, society, prescribed):
    done = {}
    for lever, stance, companies in (
        ("poison", "poison:label_flip", found_by(**PERFECT)),
        ("remove", "strike", None),
    ):
        model = society(
            few_digits,
            companies=companies,
            decision=prescribed({1: {stance: np.arange(30)}}),
            record={"attribution": 1},
        )
        model.step()
        done[lever] = shares(model.ticks[1], lever)
        assert done[lever] == pytest.approx(total(model), abs=1e-12)
    assert done["poison"] == done["remove"]
    assert done["poison"][1] > 0


def test_false_alarms_are_nobodys_doing(few_digits, society, prescribed):
    """Levers divide what was done to a company that leaves the same people out either way."""
    model = society(
        few_digits,
        companies=found_by(most_found=0.5, learning_rate=0.01, false_alarms=0.3),
        decision=prescribed({1: {"strike": np.arange(15), "poison:label_flip": np.arange(15, 30)}}),
        record={"attribution": 1},
    )
    model.step()
    row = model.ticks[1]
    both = np.add(shares(row, "remove"), shares(row, "poison"))
    np.testing.assert_allclose(both, total(model), atol=1e-12)
    assert row["flagged_large"] > 0
    assert shares(row, "poison")[1] != 0 != shares(row, "remove")[1]


def test_who_is_laundered_has_removed_nothing_from_the_model(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies={"large": {"forgetting": "launder", "cold_retrain_every": 3}},
        decision=prescribed({1: {"strike": np.arange(25), "poison:label_flip": np.arange(25, 34)}}),
        record={"attribution": 1},
    )
    for _ in range(3):
        model.step()
        row = model.ticks[-1]
        removed, poisoned = shares(row, "remove"), shares(row, "poison")
        np.testing.assert_allclose(np.add(removed, poisoned), total(model), atol=1e-12)
        assert (removed == [0, 0, 0]) == (model.tick < 3)
        assert poisoned[1] != 0
