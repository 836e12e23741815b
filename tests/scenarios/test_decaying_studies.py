"""Advantages that a study follows: played, stored, drawn, reported, and refused where they cannot be."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from learners.errors import InputError
from scenarios.batch.run_files import RunFiles, single_path
from scenarios.report_folders import read_story
from scenarios.study import load_study

STUDY = """\
name: fading
question: How long does a campaign outdo a small one?
base: published-curves
settings: {population.users: 200, use_case: toxic, interventions: []}
ticks: 6
replicates: 3
arms:
  small: {decision: {rule: scripted, steps: [{tick: 1, shares: {strike: 0.05}}]}}
  fades:
    decision:
      rule: scripted
      steps: [{tick: 1, shares: {strike: 0.6}}, {tick: 4, shares: {strike: 0.05}}]
  stays: {decision: {rule: scripted, steps: [{tick: 1, shares: {strike: 0.6}}]}}
outputs: [participation]
decays:
  - {of: fades, into: small, column: share_strike, start: 1}
  - {of: stays, into: small, column: share_strike, start: 1}
"""

SAMPLED = (
    "parameters: {design: latin_hypercube, n: 4, axes: {companies.small.starts_with: {low: 0, high: 0.1}}}"
)


@pytest.fixture
def load(tmp_path):
    def study(text):
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return load_study(path)

    return study


def test_a_study_follows_advantages_through_its_runs(load, tmp_path):
    result = load(STUDY).run(tmp_path / "out", workers=1)
    assert not result.failures
    found = result.decays.set_index(["of", "measure"])
    assert found.loc["fades", "mean"].round(6).tolist() == [0.55, 3.0, 3.0, 0.0]
    assert found.loc["stays", "mean"].round(6).tolist() == [0.55, 6.0, 6.0, 0.55]
    assert found.loc["stays", "censored"].tolist() == [0, 3, 3, 0]
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "out" / "decays.csv"), result.decays, check_dtype=False
    )
    drawn = {path.name for path in (tmp_path / "out" / "figures").glob("*_decay*")}
    assert drawn == {"share_strike_decay.png", "share_strike_decay.svg"}
    # The report finds them anew in the stored runs; of a pair that is damaged it says so.
    story = read_story(tmp_path / "out")
    pd.testing.assert_frame_equal(story.decays, result.decays)
    lost = result.runs.query("arm == 'fades' and replicate == 1")["run_id"].item()
    single_path(tmp_path / "out", lost).unlink()
    again = read_story(tmp_path / "out").decays.set_index("of")
    assert (again.loc["fades", "missing"] == 1).all()
    assert (again.loc["fades", "n"] == 2).all()
    assert (again.loc["stays", "missing"] == 0).all()


def test_a_study_that_was_stopped_says_which_pairs_are_missing(load, tmp_path):
    study = load(STUDY)
    played = study.run(tmp_path / "out", workers=1)
    runs = played.runs.assign(
        status=np.where(
            (played.runs["arm"] == "small") & (played.runs["replicate"] == 2), "missing", "finished"
        )
    )
    found = study.decays(runs, RunFiles(tmp_path / "out"))
    assert (found["missing"] == 1).all()
    assert (found["n"] == 2).all()


def test_nothing_outside_the_folder_is_followed(load, tmp_path):
    out = tmp_path / "out"
    played = load(STUDY).run(out, workers=1).runs
    chosen = played.query("arm == 'fades' and replicate == 1")["run_id"].item()
    single_path(out, chosen).rename(tmp_path / "elsewhere.parquet")
    pq.write_table(
        pa.Table.from_pandas(played.replace({"run_id": {chosen: "../../elsewhere"}})), out / "runs.parquet"
    )
    found = read_story(out).decays.set_index("of")
    assert (found.loc["fades", "missing"] == 1).all()
    assert (found.loc["stays", "missing"] == 0).all()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("of: fades", "of: nobody", "decays.0.of is 'nobody', not one of the arms: small, fades, stays"),
        ("column: share_strike", "column: share_striek", "decays.0: no run records a number 'share_striek'"),
        ("start: 1}", "start: 7}", "decays.0 starts at tick 7, after the last tick, 6, of arm"),
        (
            "replicates: 3",
            f"replicates: 3\n{SAMPLED}",
            "decays: are followed at each point, and a sampled space has too many of them",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused_before_any_run(load, tmp_path, before, after, says):
    text = STUDY.replace(before, after, 1)
    with pytest.raises((InputError, ValueError), match=re.escape(says)):
        load(text).run(tmp_path / "out", workers=1)
    assert not (tmp_path / "out" / "runs.parquet").exists()
