"""The shipped studies of concessions, dividends and credits: that they find what is reported of them."""

import pytest

from scenarios.study import load_study


def effects(name, folder, *settings):
    result = load_study(name, list(settings)).run(folder, workers=1)
    assert not result.failures
    return result.effects.set_index(["arm", "reference", "output"])


@pytest.mark.slow
def test_a_voice_saves_large_co_concessions_that_nobody_asked_for(tmp_path):
    found = effects("concession-game", tmp_path, "replicates=3")
    assert found.loc[("voice", "silent", "conceded"), "high"] < 0
    assert found.loc[("voice", "silent", "net_revenue_large_mean"), "low"] > 0.01
    # It concedes before it pays: what it regains does not make up for what it spends on guesses.
    assert found.loc[("silent", "never", "net_revenue_large_mean"), "high"] < 0
    assert found.loc[("silent", "never", "revenue_large_mean"), "low"] > 0
    assert found.loc[("voice", "never", "participation"), "high"] < -0.1
