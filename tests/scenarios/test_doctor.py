import importlib.metadata
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from scenarios import doctor
from scenarios.doctor import check_environment


def lines(findings, status):
    return [finding.text for finding in findings if finding.status == status]


def test_every_finding_is_one_line(tmp_path):
    findings = check_environment(tmp_path)
    assert {finding.status for finding in findings} <= {"ok", "warn", "fail"}
    assert all(finding.text and "\n" not in finding.text for finding in findings)


def test_this_environment_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    findings = check_environment(tmp_path)
    assert not lines(findings, "fail")
    home = Path(doctor.__file__).parents[1]
    text = "\n".join(lines(findings, "ok"))
    assert f"learners, abm, analysis, scenarios are ours, in {home}" in text
    assert f"torch {importlib.metadata.version('torch')}" in text
    assert f"results can be written to {tmp_path / 'results'}" in text
    assert not (tmp_path / "results").exists()


def test_another_distribution_with_one_of_our_names_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        importlib.metadata,
        "packages_distributions",
        lambda: {"analysis": ["data-leverage", "analysis"], "abm": ["abm"]},
    )
    findings = check_environment(tmp_path)
    for name in ("analysis", "abm"):
        assert any(f"'{name}' also belongs to {name}:" in text for text in lines(findings, "warn"))
    assert not any("are ours" in text for text in lines(findings, "ok"))


def test_folder_that_hides_one_of_our_packages_fails(tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    hiding = ModuleSpec("analysis", None, origin=str(tmp_path / "analysis" / "__init__.py"))
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: hiding if name == "analysis" else find_spec(name)
    )
    (text,) = lines(check_environment(tmp_path), "fail")
    assert text.startswith(f"'analysis' is imported from {tmp_path}, not from ")


def test_missing_library_fails(tmp_path, monkeypatch):
    version = importlib.metadata.version

    def missing(name):
        if name == "networkit":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert "networkit is not installed" in lines(check_environment(tmp_path), "fail")


def test_old_interpreter_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 14))
    assert any(text.startswith("Python ") for text in lines(check_environment(tmp_path), "fail"))


def test_data_sets_that_are_not_there_are_warnings_with_a_remedy(tmp_path):
    missing = [text for text in lines(check_environment(tmp_path), "warn") if "data set" in text]
    assert any("data-leverage data fetch ml-100k" in text for text in missing)
    assert all(str(tmp_path) in text for text in missing)
    assert any("digits" in text for text in lines(check_environment(tmp_path), "ok"))


@pytest.mark.parametrize("obstacle", ["file", "permission"])
def test_results_that_cannot_be_written_fail(tmp_path, monkeypatch, obstacle):
    monkeypatch.chdir(tmp_path)
    if obstacle == "file":
        Path("results").write_text("x")
    else:
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert len(lines(check_environment(tmp_path), "fail")) == 1
