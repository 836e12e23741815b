from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from learners.errors import InputError
from learners.holdings import Holding
from learners.leverage import PUBLISHED_SCALES, LeverageScale
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.usecase import REGISTRY, Reference, UseCase, load_use_case, update_worlds


def refusal(name="digits", **arguments):
    """Return the message with which loading is refused."""
    with pytest.raises(InputError) as error:
        load_use_case(name, **arguments)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_registry_names_builders():
    for entry in REGISTRY.values():
        module, function = entry.builder.split(":")
        assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", ["", "Digits", "ml-100m", "pinterest"])
def test_unknown_use_case(name):
    assert refusal(name) == f"use_case: '{name}' is not one of {', '.join(REGISTRY)}"


@pytest.mark.parametrize("device", ["tpu", "cuda:0", "CPU", ""])
def test_unknown_device(device):
    assert refusal(device=device) == f"device: '{device}' is not one of auto, cpu, cuda"


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none():
    assert "torch sees no CUDA device; use 'auto' or 'cpu'" in refusal(device="cuda")
    assert load_use_case("digits", device="auto").device == "cpu"


@pytest.mark.parametrize("split", ["dead", "fold:6/5"])
def test_unknown_split(split):
    assert refusal(split=split).startswith(f"split: '{split}' is not one of 'live', 'holdout', 'fold:k/n'")


@pytest.mark.parametrize("owners", [1, -1, 1798])
def test_owners_out_of_range(owners):
    assert refusal(owners=owners) == f"owners: {owners} is not between 2 and the 1797 images of digits"


def test_unknown_learner_parameter_names_the_known():
    assert refusal(depth=3) == "learner parameter 'depth' is not one of class_skew, filters, ridge"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"filters": 0}, "learner parameter filters: Input should be greater than or equal to 1 (got 0)"),
        (
            {"filters": 5000},
            "learner parameter filters: Input should be less than or equal to 4096 (got 5000)",
        ),
        ({"filters": "many"}, "learner parameter filters: Input should be a valid integer (got 'many')"),
        ({"filters": 2.5}, "learner parameter filters: Input should be a valid integer (got 2.5)"),
        ({"ridge": float("nan")}, "learner parameter ridge: Input should be a finite number (got nan)"),
        ({"ridge": 0.0}, "learner parameter ridge: Input should be greater than 0 (got 0.0)"),
    ],
)
def test_bad_value_of_a_learner_parameter(parameters, said):
    assert refusal(**parameters) == said


@pytest.mark.parametrize("name", ["ml-100k", "ml-1m", "ml-10m"])
def test_missing_data_set_says_how_to_get_it(name, tmp_path):
    message = refusal(name, data_dir=tmp_path)
    assert name in message
    assert str(tmp_path) in message


def test_movielens_refuses_like_digits(prepared):
    folder = prepared("ml-100k")
    assert refusal("ml-100k", data_dir=folder, owners=944) == (
        "owners: 944 is not between 2 and the 943 raters of ml-100k"
    )
    message = refusal("ml-100k", data_dir=folder, filters=3)
    assert message.startswith("learner parameter 'filters' is not one of dimensions, ")
    assert set(FactorisationParameters.model_fields) == set(message.split("one of ")[1].split(", "))


def test_movielens_sample_of_raters(prepared):
    folder = prepared("ml-100k")
    case = load_use_case("ml-100k", data_dir=folder, device="cpu", owners=200, dimensions=4)
    assert case.owners == 200
    whole = load_use_case("ml-100k", data_dir=folder, device="cpu")
    chosen = np.isin(whole.data.owner_ids, case.data.owner_ids)
    np.testing.assert_array_equal(case.split, whole.split[chosen[whole.record_owners]])


@pytest.mark.parametrize("split", ["live", "holdout", "fold:1/5"])
def test_contract_of_a_use_case(rating_case, split):
    for case in (rating_case(split=split), load_use_case("digits", device="cpu", split=split, owners=40)):
        assert isinstance(case, UseCase)
        n = len(case.record_owners)
        assert (
            case.records_per_owner.sum()
            == n
            == len(case.split)
            == len(case.values(Holding.full(case.owners)))
        )
        assert np.all(np.diff(case.record_owners) >= 0)
        assert set(np.unique(case.record_owners)) == set(range(case.owners))
        for test in (case.holdout, case.company):
            np.testing.assert_array_equal(test.owners, case.record_owners[test.rows])
            np.testing.assert_array_equal(test.targets, case.genuine_values[test.rows])
        assert (len(case.company.rows) > 0) == (split == "live")
        evaluation = case.learner(0).update(Holding.full(case.owners))
        assert (
            len(evaluation.predictions.holdout)
            == len(evaluation.predictions.fallback)
            == len(case.holdout.rows)
        )
        assert len(evaluation.predictions.company) == len(case.company.rows)
        assert np.isnan(evaluation.company) == (split != "live")
        assert case.tastes().shape[0] == case.owners
        for kind in case.poison_kinds:
            assert len(case.values(Holding.full(case.owners).poisoned([0], kind))) == n


def test_training_mask_is_what_is_held_and_neither_hidden_nor_tested_on(either):
    leavers = [1, 3]
    mask = either.training_mask(
        Holding.full(either.owners).without(leavers).poisoned([0], either.poison_kinds[0])
    )
    expected = np.ones(len(mask), bool)
    expected[either.holdout.rows] = expected[either.company.rows] = False
    expected[np.isin(either.record_owners, leavers)] = False
    np.testing.assert_array_equal(mask, expected)


def test_principled_scale_of_a_use_case(either):
    reference = Reference(either, seed=0)
    expected = reference.scale("holdout", reference.evaluation)
    assert either.scale() == expected
    assert either.scale("company") == reference.scale("company", reference.evaluation) != expected
    few = either.learner(0).update(Holding.of(np.arange(either.owners) < 10))
    assert either.scale("company", evaluation=few) == reference.scale("company", few)


def test_published_scale_of_a_use_case(digits, rating_case):
    with pytest.raises(InputError, match="not for 'digits'"):
        digits.scale(baseline="published")
    case = rating_case()
    case.name = "ml-10m"
    assert case.scale(baseline="published") == LeverageScale(*PUBLISHED_SCALES["ml-10m"])


def test_holding_without_a_training_record_is_served_by_the_uninformed(either):
    nobody = Holding.of(np.zeros(either.owners, bool))
    only_tests = Holding.full(either.owners, either.split != 0)
    for holding in (nobody, only_tests):
        learner = either.learner(0)
        learner.update(Holding.full(either.owners))
        for evaluation in (learner.update(holding), either.learner(0).update(holding)):
            for name in ("holdout", "company", "fallback"):
                np.testing.assert_array_equal(
                    getattr(evaluation.predictions, name), getattr(either.uninformed(), name)
                )


def test_worlds_updated_together_are_updated_one_by_one(either, monkeypatch):
    full = Holding.full(either.owners)
    holdings = [full, full.without(range(3)), Holding.of(np.zeros(either.owners, bool)), full]
    uninformed = either.uninformed()
    learners = [either.learner(seed) for seed in range(4)]
    learners[3].update(full)
    fitted = []
    fit = type(learners[0]).fit
    monkeypatch.setattr(type(learners[0]), "fit", lambda self, h: fitted.append(self.seed) or fit(self, h))
    together = update_worlds(learners, holdings, uninformed)
    assert fitted == [0, 1]  # nothing to train on in the third, nothing new in the fourth
    for seed, (holding, evaluation) in enumerate(zip(holdings, together, strict=True)):
        alone = either.learner(seed).update(holding, uninformed)
        assert evaluation.holdout == alone.holdout
        np.testing.assert_array_equal(evaluation.holding.codes, holding.codes)
