import numpy as np
import pytest

from abm.model import DataLeverageModel
from learners.holdings import Holding
from learners.reference_fits import Fit, History, ReferenceFits, array_bytes
from learners.usecase import Reference, load_use_case


@pytest.fixture
def use_case():
    return load_use_case("digits", owners=40, filters=6)


def arrived(use_case, share):
    rows = np.random.default_rng(1).random(len(use_case.record_owners))
    return rows < share


def played(use_case, seed, precision, ticks=5):
    model = DataLeverageModel(use_case, decision={"precision": precision}, rng=seed)
    for _ in range(ticks):
        model.step()
    return [
        {key: value for key, value in row.items() if not key.startswith("seconds_")} for row in model.ticks
    ]


def test_runs_that_share_references_are_as_if_they_did_not(use_case):
    alone = [played(use_case, seed, precision) for seed in (1, 2) for precision in (3.0, 9.0)]
    use_case.reference_fits = ReferenceFits()
    shared = [played(use_case, seed, precision) for seed in (1, 2) for precision in (3.0, 9.0)]
    assert repr(shared) == repr(alone)
    assert len(use_case.reference_fits) == 2
    assert repr(alone[0]) != repr(alone[1])


def test_every_fit_of_a_growing_data_set_is_done_once(use_case, monkeypatch):
    shares = (0.3, 0.5, 0.5, 0.9)

    def grown(seed, shares=shares):
        reference = Reference(use_case, seed, arrived(use_case, shares[0]))
        seen = [reference.evaluation.predictions.holdout.copy()]
        for share in shares[1:]:
            reference.refit(arrived(use_case, share))
            seen.append(reference.evaluation.predictions.holdout.copy())
        return seen, reference

    expected, _ = grown(1)
    use_case.reference_fits = ReferenceFits()
    first, _ = grown(1)
    learner = type(use_case.learner(1))
    fits, fit = [], learner.fit
    monkeypatch.setattr(learner, "fit", lambda self, holding: fits.append(1) or fit(self, holding))
    second, reference = grown(1)
    assert fits == []
    assert np.array_equal([*first, *second], [*expected, *expected])
    # Who goes on from a shared fit does not change it for others.
    without = Holding.full(use_case.owners, arrived(use_case, 0.9)).without(np.arange(40) < 20)
    reference.learner.fork().update(without)
    third, _ = grown(1)
    assert np.array_equal(third, expected)
    # Another seed, or the same at another time, is another reference.
    done = len(fits)
    grown(2)
    assert len(fits) > done
    done = len(fits)
    grown(1, (0.5, 0.9))
    assert len(fits) == done + 2


def test_memory_is_bounded_and_old_beginnings_make_room(use_case):
    reference = Reference(use_case, 1)
    fit = Fit(reference.learner, reference.uninformed)
    size = array_bytes(fit, {id(use_case)})
    assert size >= reference.evaluation.predictions.holdout.nbytes
    kept = ReferenceFits(most_bytes=3 * size)
    start = History("", "1")
    long = [start.then("a")]
    for tick in range(4):
        long.append(long[-1].then(str(tick)))
    for history in long:
        kept.put(history, fit)
    assert [kept.get(history) is not None for history in long] == [True, True, True, False, False]
    other = History("", "2").then("a")
    kept.put(other, fit)
    assert kept.get(other) is not None
    assert (len(kept), kept.bytes) == (3, 3 * size)
    found = kept.get(other)
    assert found.learner is not fit.learner
    assert found.learner.digest == fit.learner.digest
    assert ReferenceFits(most_bytes=size - 1).put(other, fit) is None
    assert array_bytes([np.zeros(3), (np.zeros(2), {"a": np.zeros(1)}), "text", None, 5], set()) == 48
