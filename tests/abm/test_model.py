import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from abm.decisions import LogitParameters, LogitRule, ScriptedParameters
from abm.model import DataLeverageModel
from abm.population import PopulationParameters
from learners.errors import InputError
from scenarios.interventions import PortabilityLaw

# Determinism

PROGRAM = """
import json, sys
import pandas as pd
from abm.model import DataLeverageModel
from learners.usecase import load_use_case
from scenarios.interventions import PortabilityLaw

model = DataLeverageModel(
    load_use_case("digits", device="cpu", owners=60, filters=4),
    decision={"revision_probability": 0.6, "precision": 2.0},
    network={"family": "taste_similarity"},
    interventions=[PortabilityLaw(start=3)],
    record={"composition": 2},
    rng=int(sys.argv[1]),
)
for _ in range(6):
    model.step()
ticks = pd.DataFrame(model.ticks)
ticks = ticks.drop(columns=[c for c in ticks if c.startswith("seconds")])
moves = [[e.tick, str(e.move), e.users.tolist()] for e in model.ledger.entries]
print(json.dumps([[{c: repr(v) for c, v in row.items()} for row in ticks.to_dict("records")], moves]))
"""


def run_apart(seed, hash_seed):
    """Return ticks and moves of a run in a process of its own."""
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_equal_seeds_give_equal_runs_in_any_process():
    (ticks, moves), (same_ticks, same_moves) = run_apart(5, "0"), run_apart(5, "4242")
    assert len(ticks) == 7
    assert len(moves) > 10
    assert ticks == same_ticks
    assert moves == same_moves


def test_another_seed_gives_another_run(few_digits, society, ticks_of):
    one, same, other = (ticks_of(society(few_digits, rng=rng), 5) for rng in (1, 1, 2))
    assert one.equals(same)
    assert not one["participation"].equals(other["participation"])


def test_models_do_not_share_state(few_digits, society, ticks_of):
    """Two runs taking turns on one use case are what each is alone."""
    alone = [ticks_of(society(few_digits, rng=rng), 4) for rng in (1, 2)]
    both = [society(few_digits, rng=rng) for rng in (1, 2)]
    for _ in range(4):
        for model in both:
            model.step()
    for expected, model in zip(alone, both, strict=True):
        assert ticks_of(model).equals(expected)


# Tick 0 and after


def test_before_anybody_acts(few_digits, society):
    model = society(few_digits)
    (row,) = model.ticks
    assert (row["tick"], row["participation"], row["switch_rate"]) == (0, 0, 0)
    assert row["records_large"] == few_digits.records_per_owner.sum()
    assert row["records_small"] == row["owners_small"] == 0
    assert row["dlp_strike"] == row["dlp_cdc"] == 0
    assert row["revenue_large"] == pytest.approx(1)
    assert model.ledger.entries == []


def test_a_stream_starts_with_what_has_arrived(ratings, society):
    """The books of tick 0 and what users see at tick 1 are of the records that exist."""
    model = society(
        ratings,
        clock={"kind": "stream", "at_start": 0.5, "slices": 8},
        companies={"small": {"starts_with": 0.3}},
    )
    arrived = model.clock.arrived
    known = model.small.known[model.record_owners]
    assert model.ticks[0]["records_large"] == arrived.sum() < len(arrived)
    assert model.ticks[0]["records_small"] == (arrived & known).sum() > 0
    view = model._information()
    assert view.removed_share == 0
    assert view.small_share == pytest.approx((arrived & known).sum() / arrived.sum())
    assert view.pending_share == pytest.approx(1 - arrived.mean())


def test_users_see_the_last_tick_and_the_present_law(few_digits, society, prescribed):
    model = society(
        few_digits,
        decision=prescribed(
            {1: {"strike": np.arange(8), "cdc": np.arange(8, 12), "boycott_leave": [20, 21]}}
        ),
        interventions=[PortabilityLaw(start=2)],
    )
    seen = []
    choose = model.rule.choose
    model.rule.choose = lambda view: (seen.append(view), choose(view))[1]
    model.step()
    model.step()
    first, second = seen
    records = model.population.records
    assert (first.small_share, first.removed_share, first.left_share) == (0, 0, 0)
    assert first.policy.portability_success == 0.2
    assert second.policy.portability_success == 1.0
    assert second.small_share == pytest.approx(records[8:12].sum() / records.sum())
    assert second.removed_share == pytest.approx(records[:8].sum() / records.sum())
    assert second.left_share == pytest.approx(records[20:22].sum() / records.sum())
    assert np.flatnonzero(second.deleted).tolist() == list(range(8))
    assert np.flatnonzero(second.known_to_small).tolist() == list(range(8, 12))


def test_what_is_done_at_a_tick_is_felt_at_that_tick(few_digits, society, prescribed):
    model = society(few_digits, decision=prescribed({3: {"strike": np.arange(36), "cdc": np.arange(36, 40)}}))
    for _ in range(4):
        model.step()
    ticks = pd.DataFrame(model.ticks)
    assert (ticks["participation"] > 0).tolist() == [False, False, False, True, True]
    assert (ticks["dlp_strike_holdout"] > 0).tolist() == [False, False, False, True, True]
    assert (ticks["dlp_cdc_holdout"] > 0).tolist() == [False, False, False, True, True]


def test_beliefs_follow_what_was_measured(few_digits, society, prescribed):
    model = society(few_digits, decision=prescribed({2: {"cdc": np.arange(10)}}))
    before = model.beliefs.curves.copy()
    model.step()
    np.testing.assert_array_equal(model.beliefs.curves, before)
    model.step()
    x = model.small.records / model.population.records.sum()
    # A quarter of the digits is nearly as good as all of them: more than anybody thought.
    assert model.dlp["cdc"] > 0.5
    unlearned = society(few_digits).beliefs.effect("contribute", x)
    assert (model.beliefs.effect("contribute", x)[:2] > unlearned[:2]).all()


# Parameters

STEPS = [{"tick": 1, "shares": {"strike": 0.2}}]

BAD = [
    ({"population": {"user": 5}}, "population.user"),
    ({"population": {"grievance_mean": 1.0}}, "population.grievance_mean"),
    ({"population": {"interest": {"sigma": float("nan")}}}, "population.interest.sigma"),
    ({"population": {"costs": {"barrier_leave": "high"}}}, "population.costs.barrier_leave"),
    ({"population": {"beliefs": {"learning_rate": -0.1}}}, "population.beliefs.learning_rate"),
    ({"population": {"beliefs": {"linear": 0.2}}}, "population.beliefs"),
    ({"network": {"degre": 4}}, "network"),
    ({"network": {"family": "hypercube"}}, "network"),
    ({"network": {"degree": 5}}, "network"),
    ({"network": {"degree": 400}}, "network"),
    ({"network": {"rewire": float("inf")}}, "network"),
    ({"decision": {"rule": "best"}}, "decision"),
    ({"decision": {"precision": 0.0}}, "decision"),
    ({"decision": {"horizon": float("nan")}}, "decision"),
    ({"decision": {"inertia": None}}, "decision"),
    ({"decision": {"social_form": "peer pressure"}}, "decision"),
    ({"decision": {"rule": "scripted"}}, "decision"),
    ({"decision": {"rule": "scripted", "steps": [{"tick": -1, "shares": {}}]}}, "decision"),
    ({"decision": {"rule": "scripted", "steps": STEPS}, "precision": 2.0}, "decision"),
    ({"companies": {"medium": {}}}, "companies.medium"),
    ({"companies": {"small": {"starts_with": 1.0}}}, "companies.small.starts_with"),
    ({"companies": {"large": {"retrain_every": 0}}}, "companies.large.retrain_every"),
    ({"companies": {"large": {"retrain_every": 1.5}}}, "companies.large.retrain_every"),
    ({"companies": {"consumption": {"personalisation_boost": 0.5}}}, "companies.consumption"),
    ({"companies": {"revenue": {"model": "taxes"}}}, "companies.revenue.model"),
    ({"leverage": {"perspective": "theirs"}}, "leverage.perspective"),
    ({"leverage": {"baseline": "published"}}, "leverage.baseline"),
    ({"policy": {"deletion_right": 1}}, "policy.deletion_right"),
    ({"policy": {"portability_success": 1.1}}, "policy.portability_success"),
    ({"policy": {"interoperability": float("nan")}}, "policy.interoperability"),
    ({"clock": {"kind": "sundial"}}, "clock.kind"),
    ({"clock": {"slices": 0}}, "clock.slices"),
    ({"clock": {"at_start": 1.5}}, "clock.at_start"),
    ({"record": {"composition": 0}}, "record.composition"),
    ({"record": {"composition": "never"}}, "record.composition"),
    ({"record": {"agents": -1}}, "record.agents"),
    ({"record": {"shadows": 1}}, "record.shadows"),
    ({"social_weight": -1.0}, "decision"),
    ({"social_weight": float("nan")}, "decision"),
    ({"precision": "5"}, "decision"),
    ({"degree": 3}, "network"),
    ({"use_case": "mnist"}, "use_case"),
]


@pytest.mark.parametrize(("given", "named"), BAD, ids=[str(given) for given, _ in BAD])
def test_bad_parameters_are_named_in_one_line(few_digits, given, named):
    with pytest.raises(InputError) as raised:
        DataLeverageModel(**{"use_case": few_digits} | given)
    message = str(raised.value)
    assert message.startswith(named)
    assert "\n" not in message
    # The key itself is in the message, wherever pydantic puts it.
    group = next(iter(given))
    key, value = group, given[group]
    while isinstance(value, dict) and len(value) == 1:
        ((key, value),) = value.items()
    assert key in message


def test_groups_take_objects_or_mappings(few_digits, ticks_of):
    quick = {"record": {"composition": "off"}}
    beliefs = {"linear": 0.7, "true": 0.0}
    as_objects = DataLeverageModel(
        few_digits,
        population=PopulationParameters(beliefs=beliefs),
        decision=LogitParameters(precision=3.0),
        rng=1,
        **quick,
    )
    as_mappings = DataLeverageModel(
        few_digits, population={"beliefs": beliefs}, decision={"precision": 3.0}, rng=1, **quick
    )
    as_rule = DataLeverageModel(
        few_digits,
        population={"beliefs": beliefs},
        decision=LogitRule(LogitParameters(precision=3.0)),
        rng=1,
        **quick,
    )
    ticks = ticks_of(as_objects, 3)
    assert ticks.equals(ticks_of(as_mappings, 3))
    assert ticks.equals(ticks_of(as_rule, 3))


def test_a_mapping_without_a_tag_has_the_default_one(few_digits, society):
    assert isinstance(society(few_digits, decision={}).rule, LogitRule)
    scripted = society(few_digits, decision=ScriptedParameters(steps=STEPS))
    assert scripted.rule.steps[1].shares == {"strike": 0.2}
    assert society(few_digits, network={"degree": 4}).network.mean_degree == 4


def test_defaults_of_the_true_family_measure_the_curve_once(few_digits, monkeypatch):
    import abm.training

    measured = []
    original = abm.training.learning_curve
    monkeypatch.setattr(
        abm.training, "learning_curve", lambda *given: (measured.append(1), original(*given))[1]
    )
    model = DataLeverageModel(few_digits, rng=1)
    for _ in range(3):
        model.step()
    assert measured == [1]
    known = model.beliefs.effect("contribute", 0.5)[2]
    assert known == pytest.approx(model.training.true_curve(0.5))
    assert known > 0.8
