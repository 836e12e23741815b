import pandas as pd
import pytest
from typer.testing import CliRunner

from learners.errors import InputError, OutputError
from scenarios.cli import app

RUNNER = CliRunner()


def called(*arguments):
    return RUNNER.invoke(app, ["value", *map(str, arguments)])


def test_groups(tmp_path):
    out = tmp_path / "not" / "yet"
    result = called("digits", "--groups", "lot:2", "--out", out)
    assert result.exit_code == 0, result.output
    assert "Shapley shares add up" in result.output
    shares = pd.read_csv(out / "shares.csv")
    assert set(shares["group"]) == {"lot 1", "lot 2"}
    assert len(pd.read_csv(out / "sets.csv", keep_default_na=False)) == 4
    assert (out / "figures" / "shares.png").stat().st_size > 10_000
    assert (out / "figures" / "shares.svg").exists()


def test_a_folder_that_cannot_be_is_refused_before_anything_is_measured(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("scenarios.commands.valuation._groups", lambda *_: pytest.fail("it was measured"))
    result = called("digits", "--out", tmp_path / "file" / "out")
    assert isinstance(result.exception, OutputError)
    assert "is a file, not a folder" in str(result.exception)


def test_people(tmp_path):
    result = called("digits", "--groups", "people", "--seeds", 2, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "of the values change sign" in result.output
    people = pd.read_csv(tmp_path / "people.csv")
    assert len(people) == 300
    assert {"worth_seed_0", "worth_seed_1"} <= set(people)
    assert set(pd.read_csv(tmp_path / "dividends.csv")["transform"]) >= {"shift", "per_record"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--groups", "gender"], "groups: 'gender' is not one of"),
        (["--background", "grey"], "background: 'grey' is not one of present, absent"),
        (["--effort", "much"], "effort: 'much' is not one of shadow, retraining"),
        (["--groups", "people", "--workers", "2"], "--workers: groups 'people' are measured in one process"),
    ],
)
def test_what_it_does_not_know_is_said_in_a_line(options, told):
    result = called("digits", *options)
    assert isinstance(result.exception, InputError)
    assert told in str(result.exception)
