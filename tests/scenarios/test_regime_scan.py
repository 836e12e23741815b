import math
import sys

import pandas as pd
import pytest

from scenarios import regime_scan

SCENARIO = """\
name: town
use_case: digits
learner: {filters: 8}
ticks: 6
population: {users: 60, beliefs: {linear: 0.7, pessimist: 0.3, true: 0.0}}
network: {family: watts_strogatz, degree: 6}
interventions: [{kind: portability_law, start: 2}]
"""


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setattr(
        regime_scan, "GRID", {"decision.warm_glow": (0.3, 0.4), "decision.cost_scale": (1.3, 100.0)}
    )
    (tmp_path / "town.yaml").write_text(SCENARIO)
    return str(tmp_path / "town.yaml")


def table(participation, **columns):
    """A run of ten ticks with three stances in use."""
    defaults = {
        "switch_rate": 0.05,
        "dlp_cdc": 0.5,
        "dlp_strike": 0.1,
        "revenue_large": 0.9,
        "revenue_small": 0.1,
    }
    row = {f"share_{action}": 0.0 for action in regime_scan.ACTIONS} | defaults
    row |= {"share_cdc": 0.05, "share_strike": 0.05, "share_move": 0.05}
    ticks = pd.DataFrame([row | columns] * 10)
    return ticks.assign(participation=participation)


def test_one_row_for_each_point_of_the_grid(town):
    rows = list(regime_scan.scan(town, None, seeds=1))
    assert [(row["warm_glow"], row["cost_scale"]) for row in rows] == [
        (0.3, 1.3),
        (0.3, 100.0),
        (0.4, 1.3),
        (0.4, 100.0),
    ]
    cheap, dear = rows[0], rows[1]
    assert cheap["participation"] > dear["participation"]
    assert cheap["participation"] != cheap["without_laws"]
    assert dear["kept"] in (False, 0)
    for row in rows:
        assert 0 <= row["participation"] <= 1
        assert math.isfinite(row["dlp_cdc"])


def test_seeds_are_averaged(town, monkeypatch):
    monkeypatch.setattr(regime_scan, "GRID", {"decision.warm_glow": (0.3,)})
    played = []

    def play(scenario, data_dir):
        played.append((scenario.seed, len(scenario.interventions), scenario.record.composition))
        return table(0.1 * scenario.seed if scenario.interventions else 0.05)

    monkeypatch.setattr(regime_scan, "_played", play)
    (row,) = regime_scan.scan(town, None, seeds=3)
    assert played == [
        (1, 1, "off"),
        (2, 1, "off"),
        (3, 1, "off"),
        (1, 0, "off"),
        (2, 0, "off"),
        (3, 0, "off"),
    ]
    assert row["participation"] == pytest.approx(0.2)
    assert row["without_laws"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("with_laws", "without", "kept"),
    [
        (table(0.3), table(0.2), True),
        (table(0.2), table(0.3), True),
        (table(0.3), table(0.29), False),  # the laws move too little
        (table(0.3), table(0.01), False),  # nobody acts without laws
        (table(0.96), table(0.3), False),  # all act
        (table(0.3, share_move=0.0), table(0.2), False),  # two stances only
        (table(0.3, share_move=0.019), table(0.2), False),
        (table(0.3, switch_rate=0.1), table(0.2), False),  # nobody keeps to a stance
        (table(0.3), table(0.2, switch_rate=0.5), False),
        (table([0.0] * 5 + [0.3] * 5), table(0.2), True),  # the first ticks do not count
    ],
)
def test_what_is_kept(with_laws, without, kept):
    row = regime_scan._row([with_laws], [without])
    assert bool(row["kept"]) is kept
    assert row["participation"] == with_laws["participation"].iloc[-1]


def test_command_prints_a_table(town, monkeypatch, capsys):
    monkeypatch.setattr(regime_scan, "GRID", {"decision.warm_glow": (0.3, 0.5)})
    monkeypatch.setattr(
        regime_scan, "_played", lambda scenario, data_dir: table(0.3 if scenario.interventions else 0.2)
    )
    monkeypatch.setattr(sys, "argv", ["regime_scan", town, "--seeds", "2"])
    regime_scan.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "warm_glow"
    assert [line.split()[0] for line in lines[1:3]] == ["0.3", "0.5"]
    assert lines[-1] == "kept: 2 of 2"
