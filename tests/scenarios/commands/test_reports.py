import csv
import html
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from abm.model import DataLeverageModel
from analysis.report import number
from scenarios import report_folders
from scenarios.batch import engines
from scenarios.batch.engines import Ended
from scenarios.run_directory import RunDirectory
from scenarios.runs import play
from scenarios.scenario import load_scenario
from scenarios.study import load_study

STUDY = """\
name: town-law
question: Does it help?
base: published-curves
settings: {population.users: 60, interventions: [{kind: portability_law, start: 2}]}
ticks: 4
replicates: 2
arms:
  none: {interventions: []}
  law:
outputs: [participation, dlp_cdc]
"""
SAMPLED = STUDY + (
    "parameters: {design: DESIGN, n: 8, axes: {decision.social_weight: {low: 0.0, high: 1.0}, "
    "population.interest.median: {low: 0.5, high: 4.0}}}\n"
)


class Inline:
    """Does jobs in this process."""

    workers = 1

    def __init__(self):
        self.waiting = []

    def submit(self, job):
        self.waiting.append(job)

    def next(self, timeout):
        job = self.waiting.pop(0)
        return Ended(job, job.perform())

    def close(self):
        pass


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    monkeypatch.setattr(engines, "open_engine", lambda name, workers, address: Inline())


@pytest.fixture(scope="module")
def played_town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "town"
    scenario = load_scenario(
        "published-curves", ["population.users=60", "ticks=12", "question=Does it?", "seed=4"]
    )
    with RunDirectory(folder) as directory:
        play(scenario).write(directory)
    return folder


@pytest.fixture(scope="module")
def played_study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "open_engine", lambda name, workers, address: Inline())
        load_study(folder / "study.yaml").run(folder / "out")
    return folder / "out"


@pytest.fixture
def town(played_town, tmp_path):
    """A run's folder, to do with as a test likes."""
    return shutil.copytree(played_town, tmp_path / "town")


@pytest.fixture
def study(played_study, tmp_path):
    """A study's folder, to do with as a test likes."""
    return shutil.copytree(played_study, tmp_path / "out")


@pytest.fixture
def played(inside, tmp_path):
    """Return a function that plays a study and returns its folder."""

    def play(text=STUDY, code=0):
        (tmp_path / "study.yaml").write_text(text)
        done = inside("study", "study.yaml", "--out", "out")
        assert done.returncode == code, done.stderr
        return tmp_path / "out"

    return play


def reported(inside, folder):
    done = inside("report", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Written to {folder / 'report.html'}\n"
    return (folder / "report.html").read_text()


def text_of(page):
    bare = re.sub(r"<(?:wbr)>", "", page)
    return html.unescape(re.sub(r"<[^>]*>", " ", bare))


def refused(done):
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_report_of_a_run_says_what_was_asked_and_found(inside, town):
    page = reported(inside, town)
    text = text_of(page)
    scenario = json.loads((town / "run.json").read_text())["scenario"]
    for key in ("question", "held_fixed", "changed", "expectation", "note"):
        assert scenario[key] in text
    ticks = pd.read_parquet(town / "ticks.parquet")
    assert f"After 12 ticks {ticks['participation'].iloc[-1]:.0%} of the people act" in text
    images = re.findall(r'<img alt="([^"]*)" src="data:image/svg\+xml;base64,', page)
    assert len(images) == 4  # each panel, and not all of them once more
    revenue = number(float(ticks["revenue_large"].iloc[-1]))
    assert any(f"Large Co. from 1 to {revenue}" in alt for alt in images)
    assert "portability law 10 the end" in re.sub(r"\s+", " ", text)
    assert "mean degree" in text
    ledger = list(csv.DictReader((town / "assumptions.csv").open()))
    assert all(row["key"] in text for row in ledger)
    ours = sum(row["ours"] == "true" for row in ledger)
    assert f"No publication gives {ours} of these {len(ledger)}" in text
    first_not_ours = next(row["key"] for row in ledger if row["ours"] == "false")
    listing = text.index("Assumptions in use", text.index("Assumptions in use") + 1)
    assert text.index("population.users", listing) < text.index(f" {first_not_ours} ", listing)


def test_scenario_in_the_report_plays_the_same_run(inside, town, tmp_path):
    (listing,) = re.findall(r"<pre[^>]*>(.*?)</pre>", reported(inside, town), re.DOTALL)
    (tmp_path / "scenario.yaml").write_text(html.unescape(listing))
    assert inside("run", "scenario.yaml", "--out", "again").returncode == 0
    first, again = (pd.read_parquet(folder / "ticks.parquet") for folder in (town, tmp_path / "again"))
    played = [name for name in first.columns if not name.startswith("seconds_")]
    assert len(played) > 50
    pd.testing.assert_frame_equal(first[played], again[played])


def test_warnings_of_a_run_are_shown(inside, town):
    manifest = json.loads((town / "run.json").read_text())
    (town / "run.json").write_text(json.dumps(manifest | {"warnings": ["few test records"]}))
    assert '<p class="warning">Warning: few test records</p>' in reported(inside, town)


def test_report_of_a_study_has_its_effects(inside, study):
    folder = study
    text = text_of(reported(inside, folder))
    assert "Does it help?" in text
    assert "2 arms x 1 point x 2 replicates: 4 finished, 0 failed, 0 missing" in text
    assert "none (reference)" in text
    assert "interventions = none" in text
    for row in csv.DictReader((folder / "effects.csv").open()):
        assert number(float(row["effect"])) in text
        assert number(float(row["mean_reference"])) in text
    assert "differs between arms" in text


def test_report_of_a_study_shows_its_figures(inside, study):
    folder = study
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures" / "dlp_cdc.png").write_bytes(b"\x89PNG\r\n\x1a\n bytes")
    (folder / "figures" / "dlp_cdc.svg").unlink(missing_ok=True)
    page = reported(inside, folder)
    alts = re.findall(r'<img alt="([^"]*)" src="data:image/png', page)
    runs = pd.read_parquet(folder / "runs.parquet")
    mean = number(float(runs.loc[runs["arm"] == "law", "dlp_cdc"].mean()))
    assert [alt for alt in alts if alt.startswith("Lines of dlp cdc") and f"law {mean}" in alt]


def test_failed_runs_are_named(inside, played, monkeypatch):
    step = DataLeverageModel.step

    def fail(model):
        if model.policy.portability_success == 1.0:
            raise ValueError("the law is <b>void</b>")
        step(model)

    with monkeypatch.context() as patch:
        patch.setattr(DataLeverageModel, "step", fail)
        folder = played(code=3)
    page = reported(inside, folder)
    text = text_of(page)
    assert "2 of 4 runs are missing or have failed" in text
    runs = pd.read_parquet(folder / "runs.parquet")
    assert all(run_id in text for run_id in runs.loc[runs["status"] == "failed", "run_id"])
    assert page.count("ValueError: the law is &lt;b&gt;void&lt;/b&gt;") == 2


def test_swept_assumptions_are_marked(inside, played):
    folder = played(STUDY + "parameters: {design: grid, axes: {decision.social_weight: [0.25, 0.75]}}\n")
    page = reported(inside, folder)
    row = next(
        row
        for row in page.split("<tr>")
        if ">decision.<wbr>social_<wbr>weight</th>" in row and "swept" in row
    )
    assert "utility" in row
    assert page.count('data-of="In this study">swept<') == 1
    assert "0.25, 0.75" in text_of(page)


def test_latin_hypercube_says_where_the_law_raises_what(inside, played, tmp_path):
    folder = played(SAMPLED.replace("DESIGN", "latin_hypercube"))
    rows = list(csv.DictReader((folder / "sensitivity.csv").open()))
    assert len(rows) == 4  # outputs x axes
    again = inside("study", "study.yaml", "--out", "out")
    share = float(rows[0]["share_positive"])
    line = f"law, against none, raises participation in {share:.0%} of the assumption space (seeds "
    assert line in again.stdout
    assert line in text_of(reported(inside, folder))
    runs = pd.read_parquet(folder / "runs.parquet").set_index(["arm", "point", "replicate"])["participation"]
    means = (runs["law"] - runs["none"]).groupby("point").mean()
    assert share == pytest.approx((means > 0).mean())
    assert float(rows[0]["effect"]) == pytest.approx(means.mean())


def test_sobol_indices_are_written_and_refused_by_name(inside, played, monkeypatch):
    folder = played(SAMPLED.replace("DESIGN, n: 8", "sobol, n: 4"))
    table = pd.read_csv(folder / "sensitivity.csv", keep_default_na=False)
    assert set(table["index"]) == {"first", "total"}
    assert len(table) == 2 * 3 * 2 * 2  # outputs x (arms and their difference) x axes x orders
    assert "Sobol indices of dlp_cdc, arm law less none" in text_of(reported(inside, folder))
    runs = pd.read_parquet(folder / "runs.parquet")
    lost = runs[(runs["arm"] == "law") & (runs["point"] == 3) & (runs["replicate"] == 1)].iloc[0]["run_id"]
    (folder / "runs" / f"{lost}.parquet").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(DataLeverageModel, "step", lambda model: 1 / 0)
        done = inside("study", "study.yaml", "--out", "out")
    assert done.returncode == 3
    reason = (
        f"participation, arm law: no indices, since run {lost} (arm law, point 3, replicate 1) has failed"
    )
    assert reason in done.stdout
    table = pd.read_csv(folder / "sensitivity.csv")
    assert table.loc[table["arm"] == "law", "value"].isna().all()
    assert table.loc[table["arm"] == "none", "value"].notna().all()
    assert reason in text_of(reported(inside, folder))


def test_hostile_run_stays_text(inside, town):
    manifest = json.loads((town / "run.json").read_text())
    hostile = "<script>alert(1)</script>"
    manifest["scenario"] |= {"name": hostile, "question": hostile, "note": hostile, hostile: [hostile]}
    manifest |= {"warnings": [hostile, {"a": None}], "network": {hostile: {hostile: 1}}, "versions": [1]}
    manifest |= {"data": {hostile: hostile}, "version": hostile, "python": {"x": [1.5, True]}}
    (town / "run.json").write_text(json.dumps(manifest))
    (town / "summary.md").write_text(f"# {hostile}\n\n**{hostile}**\n")
    (town / "assumptions.csv").write_text(f"key,value,ours\n{hostile},{hostile},true\nshort\n")
    (town / "figures" / f"{hostile.replace('/', '')}.svg").write_text(f"<svg>{hostile}</svg>")
    page = reported(inside, town)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8


def test_hostile_study_stays_text(inside, study):
    folder = study
    text = (folder / "study.yaml").read_text().replace("Does it help?", "<script>x</script>")
    (folder / "study.yaml").write_text(text)
    page = reported(inside, folder)
    assert "<script" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page


def test_links_are_not_followed(inside, town, tmp_path):
    secret = tmp_path / "secret.svg"
    secret.write_text("<svg>secret</svg>")
    (town / "figures" / "revenue.svg").unlink()
    (town / "figures" / "revenue.svg").symlink_to(secret)
    page = reported(inside, town)
    assert len(re.findall("<img ", page)) == 3
    assert "revenue.svg is no file, or is a link" in text_of(page)
    shutil.rmtree(town / "figures")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.svg").write_text("<svg>secret</svg>")
    (town / "figures").symlink_to(tmp_path / "elsewhere")
    page = reported(inside, town)
    assert "<img " not in page
    assert "figures is a link" in text_of(page)
    (town / "run.json").rename(tmp_path / "run.json")
    (town / "run.json").symlink_to(tmp_path / "run.json")
    assert "is a link" in refused(inside("report", town))


@pytest.mark.parametrize("name", ["runs", "failures", "study.yaml", "runs.parquet"])
def test_links_in_a_study_are_refused(inside, study, tmp_path, name):
    folder = study
    (folder / name).rename(tmp_path / name.upper())
    (folder / name).symlink_to(tmp_path / name.upper())
    assert "is a link" in refused(inside("report", folder))


def test_report_does_not_write_through_a_link(inside, town, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (town / "report.html").symlink_to(victim)
    reported(inside, town)
    assert victim.read_text() == "mine"
    assert not (town / "report.html").is_symlink()


def test_what_is_too_large_is_left_out_or_refused(inside, town, monkeypatch):
    monkeypatch.setattr(report_folders, "MOST_PICTURE_BYTES", 100)
    page = reported(inside, town)
    assert "<img " not in page
    assert "figure revenue is larger than" in text_of(page)
    monkeypatch.setattr(report_folders, "MOST_BYTES", 1000)
    assert "run.json is larger than" in refused(inside("report", town))


def test_tables_that_would_grow_too_large_are_refused(inside, study):
    folder = study
    table = pd.read_parquet(folder / "runs.parquet")
    zeros = pd.DataFrame({name: np.zeros(1_000_001, np.int8) for name in table.columns})
    zeros.to_parquet(folder / "runs.parquet")
    assert (folder / "runs.parquet").stat().st_size < 100_000
    assert "too large a table" in refused(inside("report", folder))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": "other"}', "[" * 100_000, '{"a": ' * 50_000, "\x00", '{"format": 1e999}'],
)
def test_manifest_that_is_none(inside, tmp_path, content):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "run.json").write_text(content)
    assert "run.json" in refused(inside("report", "x"))


def test_folders_that_hold_nothing(inside, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert "empty holds no run (run.json) and no study" in refused(inside("report", "empty"))
    assert "file is not a folder" in refused(inside("report", "file"))
    assert "nowhere is not a folder" in refused(inside("report", "nowhere"))


def test_table_of_another_study_is_refused(inside, study):
    folder = study
    table = pd.read_parquet(folder / "runs.parquet")
    for changed in (
        table.drop(columns="arm"),
        table.assign(arm="law"),
        table.assign(participation="x"),
        table.assign(status="done"),
        table.assign(point=-1),
        table.assign(replicate=0.5),
        table.assign(run_id=[["x"]] * len(table)),
    ):
        changed.to_parquet(folder / "runs.parquet")
        assert "runs.parquet" in refused(inside("report", folder))
    (folder / "runs.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert "not a readable table" in refused(inside("report", folder))


def test_base_outside_the_folder_is_refused(inside, study):
    folder = study
    (folder / "study.yaml").write_text(STUDY.replace("published-curves", "../other.yaml"))
    assert "base: is not written out" in refused(inside("report", folder))


def test_out_names_the_file(inside, town, tmp_path):
    done = inside("report", town, "--out", "page.html")
    assert (done.returncode, done.stdout) == (0, "Written to page.html\n")
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert not (town / "report.html").exists()
    assert inside("report", town, "--out", tmp_path).returncode == 4
    assert inside("report", town, "--out", "no/such/place.html").returncode == 4
