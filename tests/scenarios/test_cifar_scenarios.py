"""The shipped scenarios of images: that they play, and that they show what they say."""

from __future__ import annotations

import pytest

from learners.datasets.cifar import ROW_BYTES
from scenarios.runs import play
from scenarios.scenario import load_scenario


def ticks_of(name, data_dir, *settings):
    return play(load_scenario(name, settings), data_dir=data_dir).ticks.set_index("tick")


@pytest.fixture
def small_cifar(prepared, tmp_path):
    """Return a data directory with the first 2,000 training and 500 test images of CIFAR-10."""
    official = prepared("cifar-10") / "cifar-10-batches-bin"
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, images in (("data_batch_1.bin", 2000), ("test_batch.bin", 500)):
        (folder / name).write_bytes((official / name).read_bytes()[: images * ROW_BYTES])
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_cifar_features_choice_turns_out_as_expected(prepared):
    ticks = ticks_of("cifar-features-choice", prepared("cifar-10"), "record.composition=off")
    (law,) = load_scenario("cifar-features-choice").interventions
    last = ticks.iloc[-1]
    assert ticks["participation"].iloc[5:].between(0.02, 0.95).all()
    assert ticks["switch_rate"].max() < 0.1
    assert min(last["share_strike"], last["share_cdc"], last["share_cdc_delete"]) > 0.03
    # A little data goes a long way, before the law and for few people.
    few = ticks[ticks["owners_small"].between(6, 7)]
    assert few["dlp_cdc"].between(0.6, 0.8).all()
    assert 0.75 < ticks["dlp_cdc"][law.start - 1] < 0.9
    assert ticks["owners_small"][law.start - 1] < 25
    assert last["owners_small"] > 80
    assert last["dlp_cdc"] > 0.95
    # Strikes hardly show.
    assert last["owners_large"] < 0.8 * 300
    assert abs(last["dlp_strike"]) < 0.01
    # One person's trigger takes, and accuracy does not suffer.
    poisoned = ticks[ticks["poisoned_large"] > 0]
    assert (poisoned["share_poison"] * 300).round().max() == 1
    assert poisoned["poison_planted_large"].between(0.65, 0.85).all()
    assert poisoned["quality_large_holdout"].min() > 0.68


@pytest.mark.slow
def test_cifar_10_choice_plays_with_a_narrow_network(small_cifar):
    narrow = ("ticks=3", "learner.width=4", "learner.epochs=4", "learner.batch_size=64")
    ticks = ticks_of("cifar-10-choice", small_cifar, *narrow)
    assert ticks.index.tolist() == [0, 1, 2, 3]
    assert ticks["quality_large_holdout"].min() > 0.15
    assert ticks["best_holdout"].min() > 0.2
    assert ticks["owners_small"].iloc[-1] > 5
    assert ticks["participation"].iloc[-1] > 0.05
    again = ticks_of("cifar-10-choice", small_cifar, *narrow)
    for column in ("quality_large_holdout", "quality_small_served", "participation"):
        assert again[column].tolist() == ticks[column].tolist()
