"""The notebooks: each is executed from top to bottom in a kernel of its own."""

from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parents[2] / "notebooks"


def executed(name, folder):
    notebook = jupytext.read(FOLDER / f"{name}.py")
    nbclient.NotebookClient(
        notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text", "") or output["data"].get("text/plain", "") for output in outputs)


def test_all_of_them_are_tested():
    tested = {"first_run", "law_study", "own_rule_and_data", "reproduction", "mesa_solaraviz"}
    assert {path.stem for path in FOLDER.glob("*.py")} == tested


@pytest.mark.slow
def test_first_run(tmp_path):
    said = executed("first_run", tmp_path)
    assert "parameters are ours, such as" in said
    assert "Figure" in said


@pytest.mark.slow
def test_law_study(tmp_path):
    said = executed("law_study", tmp_path)
    assert "48 runs" in said
    assert "assumption_low" in said


@pytest.mark.slow
def test_own_rule_and_data(tmp_path):
    said = executed("own_rule_and_data", tmp_path)
    assert "{'strike'}" in said
    assert "(300," in said


@pytest.mark.slow
def test_reproduction(tmp_path):
    said = executed("reproduction", tmp_path)
    assert "pinterest-20 company cdc 20 %" in said or "not reproduced here: " in said


def test_mesa_solaraviz(tmp_path):
    pytest.importorskip("solara")
    pytest.importorskip("altair")
    said = executed("mesa_solaraviz", tmp_path)
    assert "raised exception" not in said
    assert "Page" in said or "widgets" in said
