import importlib.metadata
import importlib.util
import sys
from types import SimpleNamespace

import pytest

from learners.datasets.catalogue import CATALOGUE
from scenarios.doctor import IMPORT_NAMES, Finding, check_environment


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def owners(monkeypatch):
    """Say which distributions own an import name."""

    def pretend(**others):
        table = {name: ["data-leverage"] for name in IMPORT_NAMES} | others
        monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: table)

    return pretend


def found(text, data_dir):
    (finding,) = [finding for finding in check_environment(data_dir) if text in finding.text]
    return finding


def test_all_is_well_here_but_for_data_sets_that_are_not_there(tmp_path, owners):
    owners()
    findings = check_environment(tmp_path / "data")
    assert {finding.status for finding in findings} == {"ok", "warn"}
    assert {finding.text.split()[2] for finding in findings if finding.status == "warn"} == {
        name for name, known in CATALOGUE.items() if known.folder
    }
    assert all("\n" not in finding.text for finding in findings)
    assert list(tmp_path.iterdir()) == []


def test_missing_data_set_says_where_and_how_to_fetch_it(tmp_path):
    assert found("data set ml-1m ", tmp_path) == Finding(
        "warn",
        f"data set ml-1m is not in {tmp_path}: "
        "'data-leverage data fetch ml-1m' or 'data-leverage data add ml-1m PATH'",
    )
    assert "fetch" not in found("data set pinterest-20 ", tmp_path).text  # its publisher has no archive
    (tmp_path / "ml-1m").mkdir()
    assert found("data set ml-1m ", tmp_path).status == "ok"
    assert found("data set digits ", tmp_path).status == "ok"


def test_second_distribution_with_one_of_our_names_is_warned_of(tmp_path, owners):
    owners(analysis=["data-leverage", "analysis", "other-analysis"])
    assert found("venv of its own", tmp_path) == Finding(
        "warn",
        "'analysis' also belongs to analysis, other-analysis: install data-leverage in a venv of its own",
    )


def test_package_that_hides_ours_is_a_failure(tmp_path, monkeypatch, owners):
    owners()
    real = importlib.util.find_spec

    def find(name):
        hidden = SimpleNamespace(origin=str(tmp_path / "abm" / "__init__.py"))
        return hidden if name == "abm" else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    finding = found("'abm' is imported from", tmp_path)
    assert finding.status == "fail"
    assert str(tmp_path) in finding.text


def test_old_python_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    assert found("or newer is needed", tmp_path).status == "fail"


def test_missing_library_is_a_failure(tmp_path, monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name == "networkit":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert found("networkit", tmp_path) == Finding("fail", "networkit is not installed")


def test_results_that_cannot_be_written_are_a_failure(tmp_path):
    (tmp_path / "results").touch()
    assert found("not a folder", tmp_path / "data") == Finding("fail", "results is a file, not a folder")
