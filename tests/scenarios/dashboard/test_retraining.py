"""Retraining that is broken off leaves a whole tick and a stale model."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from learners.holdings import Holding
from learners.usecase import load_use_case
from scenarios.dashboard.retraining import BrokenOffError, Interruptions
from scenarios.dashboard.settings import Settings
from scenarios.dashboard.world import World


@pytest.fixture
def interruptions():
    import signal

    before = signal.getsignal(signal.SIGINT)
    found = Interruptions()
    found.listen()
    yield found
    signal.signal(signal.SIGINT, before)


def endlessly(*_):
    while True:
        time.sleep(0.005)


def asked_after(interruptions, seconds):
    def ask():
        time.sleep(seconds)
        while not interruptions.ask():
            time.sleep(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_a_stretch_ends_when_it_is_asked_to(interruptions):
    thread = asked_after(interruptions, 0.05)
    with pytest.raises(BrokenOffError), interruptions.stretch():
        endlessly()
    thread.join()


def test_nothing_is_broken_off_outside_a_stretch(interruptions):
    assert interruptions.ask() is False
    with interruptions.stretch():
        time.sleep(0.02)
    assert interruptions.ask() is False


def test_the_tick_is_whole_and_the_last_model_serves_on(interruptions, monkeypatch):
    world = World(Settings("digits-default").scenario(), None, interruptions, lambda text, cancellable: None)
    plain = Settings("digits-default").scenario().build()
    for _ in range(3):
        world.step()
        plain.step()
    large = world.model.training.inner.learners["large"]
    served, real = world.model.large.service.quality["holdout"], type(large).fit

    def slow(learner, holding):
        predictions = real(learner, holding)
        if learner is large:
            endlessly()  # its state has changed already when the visitor loses patience
        return predictions

    monkeypatch.setattr(type(large), "fit", slow)
    thread = asked_after(interruptions, 0.05)
    assert world.step() == ["large"]
    thread.join()
    row = world.model.ticks[-1]
    assert row["tick"] == 4
    assert row["stale"]
    assert world.model.large.service.quality["holdout"] == served
    assert len(world.model.ticks) == 5
    monkeypatch.undo()
    world.step()
    plain.step()
    plain.step()
    assert not world.model.ticks[-1]["stale"]
    # What was broken off has left nothing behind: the next model is that of training from the holding.
    holding = world.model.large.store.holding()
    fresh = load_use_case("digits").learner(world.model.training.inner.seed).update(holding)
    assert world.model.large.service.quality["holdout"] == pytest.approx(
        fresh.views["holdout"].quality, abs=1e-6
    )


def test_the_learner_of_before_is_put_back(interruptions, monkeypatch):
    world = World(Settings("digits-default").scenario(), None, interruptions, lambda text, cancellable: None)
    training = world.model.training
    before = training.inner.learners["large"]
    digest = before.digest

    def broken(company, holding):
        training.inner.learners["large"].digest = "half done"
        raise BrokenOffError

    monkeypatch.setattr(training.inner, "retrain", broken)
    training.retrain("large", Holding(np.zeros(300, np.int8)))
    assert training.broken_off == {"large"}
    assert training.inner.learners["large"].digest == digest


def test_stages_are_told_with_whether_they_can_be_broken_off(interruptions):
    told = []
    world = World(
        Settings("digits-default").scenario(),
        None,
        interruptions,
        lambda text, cancellable: told.append((text, cancellable)),
    )
    told.clear()
    world.step()
    assert ("Large Co. retrains", True) in told
    assert ("people decide", False) in told
    assert told[-1] == ("", False)


def test_each_company_is_named_while_it_retrains(interruptions):
    stages = []
    settings = Settings("digits-default", {"companies.small.entrants": 2})
    world = World(settings.scenario(), None, interruptions, lambda text, cancellable: stages.append(text))
    world.step()
    retrained = [text for text in stages if text.endswith("retrains")]
    assert retrained == ["Large Co. retrains", "Small Co. 1 retrains", "Small Co. 2 retrains"]
