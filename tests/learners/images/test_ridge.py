from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learners.holdings import Holding
from learners.images.ridge import RidgeLearner
from learners.poisoning import Poison
from learners.usecase import load_use_case


def make(owners=60, device="cpu", **parameters):
    return load_use_case("digits", device=device, owners=owners, **{"filters": 4, **parameters})


KINDS = (
    "label_flip",
    Poison("label_flip", (("rate", 0.4),)),
    "trigger target=3 size=2",
    "plant target=5",
    "plant_feature_only target=1",
    "erase",
)
SMALL = make(owners=24)
FEW = st.lists(st.integers(0, SMALL.owners - 1), max_size=10)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), FEW),
        st.tuples(st.just("leave"), FEW),
        st.tuples(st.just("poison"), FEW, st.sampled_from(KINDS)),
        st.tuples(st.just("clean"), FEW),
        st.tuples(st.just("nobody")),
    ),
    min_size=1,
    max_size=8,
)


def moved(holding, step):
    """Return the holding after somebody joins (genuine), leaves, poisons, or takes the poison back."""
    codes = holding.codes.copy()
    match step:
        case "join", ids:
            codes[ids] = np.maximum(codes[ids], 1)
        case "leave", ids:
            return holding.without(ids)
        case "poison", ids, kind:
            return holding.poisoned(ids, kind)
        case "clean", ids:
            codes[ids] = np.minimum(codes[ids], 1)
        case ("nobody",):
            codes[:] = 0
    return Holding(codes, holding.poisons)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_after_any_history_it_is_exactly_the_ridge_of_the_final_holding(steps):
    learner = SMALL.learner(0)
    holding = Holding.full(SMALL.owners).without(range(0, SMALL.owners, 5))
    learner.update(holding)
    for step in steps:
        holding = moved(holding, step)
        learner.update(holding)
    evaluation, fresh = learner.update(holding), SMALL.learner(0)
    expected = fresh.update(holding)
    np.testing.assert_array_equal(evaluation.predictions.holdout, expected.predictions.holdout)
    np.testing.assert_array_equal(evaluation.predictions.company, expected.predictions.company)
    assert evaluation.predictions.planted == expected.predictions.planted
    if holding.present.any():
        assert torch.equal(learner.gram, fresh.gram)
        assert torch.equal(learner.moment, fresh.moment)
    else:
        assert evaluation.holdout == pytest.approx(0.1)


def test_sums_are_those_of_the_training_images_as_poisoned(digits):
    holding = Holding.full(digits.owners).without([1, 2]).poisoned([5, 6], "label_flip")
    holding = holding.poisoned([7], "plant target=2")
    learner = digits.learner(0)
    learner.fit(Holding.full(digits.owners))
    learner.fit(holding)
    rows = np.flatnonzero(digits.training_mask(holding))
    images = digits.inputs(rows, np.where(digits.record_owners[rows] == 7, 3, 0).astype(np.int16))
    assert not np.array_equal(images, digits.images[rows])
    features = digits.features._features.of(images).numpy().astype(np.int64)
    np.testing.assert_array_equal(learner.gram.numpy(), features.T @ features)
    np.testing.assert_array_equal(
        learner.moment.numpy(), features.T @ np.eye(10, dtype=np.int64)[digits.values(holding)[rows]]
    )


def test_sums_are_exact_to_the_largest_that_can_come_up():
    """60,000 images all of whose features are at the top level."""
    largest = 60_000 * 255**2
    assert float(largest) + 1 != float(largest)
    block = torch.full((1024, 4), 255, dtype=torch.uint8).double()
    total = torch.zeros(4, 4, dtype=torch.float64)
    for _ in range(60):
        total.addmm_(block.T, block)
    assert (total == 60 * 1024 * 255**2).all()
    assert (total.addmm_(block[:1].T, block[:1], alpha=-1) == (60 * 1024 - 1) * 255**2).all()


@pytest.mark.parametrize(("ridge", "ridge_images"), [(1e-3, 0.0), (0.0, 13.0), (1e-2, 5.0)])
def test_weights_solve_the_penalised_normal_equations(digits, ridge, ridge_images):
    learner = RidgeLearner(digits, 0, ridge, ridge_images)
    predictions = learner.fit(Holding.full(digits.owners))
    gram, moment = learner.gram.numpy(), learner.moment.numpy()
    n = digits.training_mask(Holding.full(digits.owners)).sum()
    penalty = (ridge + ridge_images / n) * np.diag(gram).mean()
    weights = np.linalg.solve(gram + penalty * np.eye(len(gram)), moment)
    np.testing.assert_allclose(learner.weights.numpy(), weights, rtol=1e-6, atol=1e-9)
    scores = digits.features.genuine[digits.holdout.rows].double().numpy() @ weights
    np.testing.assert_array_equal(predictions.holdout, np.eye(10)[scores.argmax(1)])


@pytest.mark.parametrize("leavers", [range(3), range(40), range(59)])
def test_no_more_images_are_touched_than_changed_or_are_left(digits, monkeypatch, leavers):
    touched = []
    add = RidgeLearner._add

    def counting(self, sign, chosen, labels, sides):
        touched.append(int(chosen.sum()))
        add(self, sign, chosen, labels, sides)

    monkeypatch.setattr(RidgeLearner, "_add", counting)
    learner = digits.learner(0)
    full = Holding.full(digits.owners)
    learner.fit(full)
    touched.clear()
    left = full.without(leavers)
    learner.fit(left)
    whole, rest = (int(digits.training_mask(holding).sum()) for holding in (full, left))
    assert sum(touched) == min(whole - rest, rest)


def test_forks_do_not_see_each_other(digits):
    full = Holding.full(digits.owners)
    learner = digits.learner(0)
    learner.update(full)
    fork = learner.fork()
    few = fork.update(full.without(range(20)))
    before = learner.gram.clone()
    assert not torch.equal(fork.gram, before)
    fork.update(full.without(range(21)))
    assert torch.equal(learner.gram, before)
    learner.update(full.without(range(10)))
    again = fork.update(full.without(range(19)))
    assert few.holdout == digits.learner(0).update(full.without(range(20))).holdout
    assert again.holdout == digits.learner(0).update(full.without(range(19))).holdout


def test_one_owner(digits):
    evaluation = digits.learner(0).update(Holding.of(np.arange(digits.owners) == 7))
    assert 0 < evaluation.holdout < 0.9
    assert evaluation.predictions.holdout.sum(1).tolist() == [1] * len(digits.holdout.rows)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu():
    cpu, cuda = make(device="cpu"), make(device="cuda")
    assert torch.equal(cuda.features.genuine.cpu(), cpu.features.genuine)
    full = Holding.full(cpu.owners)
    path = (full, full.without([1, 2, 3]), full.poisoned([4], "label_flip"), full.poisoned([5], "plant"))
    learners = [case.learner(0) for case in (cpu, cuda)]
    for holding in path:
        one, other = (learner.update(holding) for learner in learners)
        assert torch.equal(learners[1].gram.cpu(), learners[0].gram)
        assert torch.equal(learners[1].moment.cpu(), learners[0].moment)
        assert one.holdout == pytest.approx(other.holdout, abs=0.01)
