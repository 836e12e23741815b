import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from learners.errors import InputError
from scenarios.scenario import load_scenario

README = Path(__file__).parents[2] / "README.md"
SURVEY = "interest,grievance,cost,weight\n2.5,.8,.7,3\n.6,.2,1.4,7\n"


@pytest.fixture
def folder(tmp_path, small_scenario):
    """A folder with a scenario beside its survey."""
    there = tmp_path / "study"
    there.mkdir()
    (there / "people.csv").write_text(SURVEY)
    text = small_scenario.replace("population: {users: 60}", "population: {users: 60, survey: people.csv}")
    assert text != small_scenario
    (there / "town.yaml").write_text(text)
    return there


def test_path_begins_at_the_scenario_file(folder):
    scenario = load_scenario(folder / "town.yaml")
    assert scenario.population.survey == str(folder / "people.csv")
    grievance = scenario.build(device="cpu").population.grievance
    assert set(grievance) == {np.float32(0.8), np.float32(0.2)}


def test_absolute_path_stays(folder, tmp_path):
    elsewhere = tmp_path / "others.csv"
    elsewhere.write_text("risk\n.5\n")
    text = (folder / "town.yaml").read_text().replace("people.csv", str(elsewhere))
    (folder / "town.yaml").write_text(text)
    assert load_scenario(folder / "town.yaml").population.survey == str(elsewhere)


def test_path_of_an_option_begins_at_the_current_folder(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "mine.csv").write_text("risk\n.5\n")
    scenario = load_scenario("study/town.yaml", ["population.survey=mine.csv"])
    assert set(scenario.build(device="cpu").population.risk) == {0.5}
    assert load_scenario("study/town.yaml", ["population.survey=null"]).population.survey is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://example.org/a.csv", "must be the path of a CSV file on this machine"),
        ("''", "must be the path of a CSV file on this machine"),
        ("3", "should be a valid string"),
    ],
)
def test_what_is_no_path_is_refused_at_its_line(folder, value, message):
    text = (folder / "town.yaml").read_text().replace("people.csv", value)
    (folder / "town.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_scenario(folder / "town.yaml")
    assert "town.yaml:8: population.survey: " in str(caught.value)
    assert message in str(caught.value)


def test_run_says_which_survey_it_used(folder, inside, tmp_path):
    done = inside("run", folder / "town.yaml", "--out", "results")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "results" / "run.json").read_text())
    assert manifest["survey"] == {
        "path": str(folder / "people.csv"),
        "sha256": hashlib.sha256(SURVEY.encode()).hexdigest(),
        "respondents": 2,
    }
    without = inside("run", folder / "town.yaml", "--out", "without", "--set", "population.survey=null")
    assert without.returncode == 0, without.stderr
    assert json.loads((tmp_path / "without" / "run.json").read_text())["survey"] is None


def test_mistake_in_a_survey_is_one_line_and_writes_nothing(folder, inside, tmp_path):
    (folder / "people.csv").write_text("grievance\n.5\n7\n")
    done = inside("run", folder / "town.yaml", "--out", "results")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "people.csv:3: grievance: should be a number from 0 to 1 (got '7'); "
        "leave a cell empty where nothing was answered"
    )
    assert not (tmp_path / "results").exists()


def test_columns_named_like_the_groups_of_the_data_match_them(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    rows = ["gender,grievance,weight", "F,.9,1", "M,.1,1", "M,.2,1"]
    (tmp_path / "people.csv").write_text("\n".join(rows))
    settings = {"population.survey": str(tmp_path / "people.csv"), "record.composition": "off"}
    model = load_scenario("ml-100k-choice", **settings).build(device="cpu")
    gender = model.use_case.groups["gender"]
    assert len(np.unique(gender)) == 2
    np.testing.assert_array_equal(model.population.grievance == np.float32(0.9), gender == "F")


def test_surveys_in_the_readme_are_what_it_says(tmp_path):
    respondents, distributions = re.findall(
        r"```csv\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    settings = {"population.survey": str(tmp_path / "people.csv"), "population.users": 5000}
    (tmp_path / "people.csv").write_text(distributions)
    model = load_scenario("published-curves", **settings).build()
    assert model.population.grievance.mean() == pytest.approx(0.3, abs=0.01)
    assert np.median(model.population.privacy) == pytest.approx(0.2, abs=0.02)
    (tmp_path / "people.csv").write_text(respondents)
    model = load_scenario("published-curves", **settings).build()
    protest = model.population.grievance == np.float32(0.8)
    assert protest.mean() == pytest.approx(0.3, abs=0.02)  # Li et al. 2019
    assert set(model.population.cost[protest]) == {np.float32(0.7)}
