"""Files of others that would run code if anything unpickled them, in every place that takes a file."""

import io
import os
import pickle
import zipfile

import pytest

SCENARIO = "name: town\nuse_case: toxic\nticks: 2\nmode: surrogate\ncurve: published\n"


class Bomb:
    """What runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.fixture(params=["pickle", "checkpoint"])
def bomb(request, tmp_path):
    """Return a function that writes a hostile file under a name; ``marker`` is there if it ever goes off."""
    content = pickle.dumps(Bomb(tmp_path / "marker"))
    if request.param == "checkpoint":  # as torch.save would write it
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("model/data.pkl", content)
            file.writestr("model/version", "3\n")
        content = archive.getvalue()

    def write(name):
        (tmp_path / name).write_bytes(content)
        return name

    return write


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("model.pt", ("curve={0}",)),
        ("model.csv", ("curve={0}",)),
        ("model.pt", ("mode=replay", "curve=null", "replay={0}")),
        ("model.parquet", ("mode=replay", "curve=null", "replay={0}")),
        ("model.csv", ("population.survey={0}",)),
        ("model.parquet", ("population.survey={0}",)),
        ("model.csv", ("network={{family: empirical, edges: {0}}}",)),
        ("model.pt", ("use_case=digits", "mode=live", "curve=null", "learner={{weights: {0}}}")),
    ],
)
def test_checkpoint_in_the_place_of_a_file_is_refused_and_runs_nothing(
    bomb, inside, tmp_path, name, settings
):
    (tmp_path / "town.yaml").write_text(SCENARIO)
    options = [part for text in settings for part in ("--set", text.format(bomb(name)))]
    done = inside("run", "town.yaml", *options, "--out", "out")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "marker").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["run", "study"])
def test_checkpoint_in_the_place_of_a_scenario_is_refused_and_runs_nothing(bomb, inside, tmp_path, command):
    done = inside(command, bomb("model.yaml"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "marker").exists()


def test_the_bomb_would_go_off(bomb, tmp_path):
    path = tmp_path / bomb("model.pt")
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        content = zipfile.ZipFile(path).read("model/data.pkl")
    pickle.loads(content)
    assert (tmp_path / "marker").exists()
