import importlib.metadata
import json
import os
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from abm.model import DataLeverageModel
from learners.errors import InputError
from scenarios.scenario import LIBRARY, load_scenario, shipped
from scenarios.study import shipped_studies

QUICK = ("--ticks", "2", "--set", "interventions=[]", "--set", "record.composition=off")


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def one_line(process, code):
    """Return the only line that a failed command says; it wrote nothing on stdout."""
    assert process.returncode == code, process.stderr
    assert process.stdout == ""
    assert "Traceback" not in process.stderr
    assert len(process.stderr.splitlines()) == 1, process.stderr
    return process.stderr.rstrip("\n")


def test_command_is_the_function_main():
    (script,) = importlib.metadata.distribution("data-leverage").entry_points
    assert (script.group, script.name, script.value) == (
        "console_scripts",
        "data-leverage",
        "scenarios.cli:main",
    )


def test_command_line_and_its_help_load_nothing_heavy():
    program = (
        "import sys\n"
        "import scenarios.cli\n"
        "from typer.testing import CliRunner\n"
        "result = CliRunner().invoke(scenarios.cli.app, ['run', '--help'])\n"
        "assert result.exit_code == 0 and '--set' in result.output, result.output\n"
        "heavy = {'torch', 'mesa', 'pandas', 'sklearn', 'scipy', 'matplotlib', 'networkit', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_names_every_command(command, tmp_path):
    done = command("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name in ("run", "scenarios", "assumptions", "curve", "bench", "doctor", "data"):
        assert f" {name} " in done.stdout
    assert "Traceback" not in done.stderr


def test_run_says_what_happened_and_what_it_wrote(played):
    folder, first, _ = played
    assert first.returncode == 0, first.stderr
    assert "small-town" in first.stdout
    assert "What does a law do to sixty people?" in first.stdout
    assert "Sixty people are few." in first.stdout
    assert f"Written to {(folder / 'results' / 'small-town').resolve()}" in first.stdout
    for name in ("summary.md", "ticks.parquet", "events.parquet", "agents.parquet", "run.json"):
        assert f"  {name} " in first.stdout
        assert (folder / "results" / "small-town" / name).is_file()
    assert "tick 4 of 4" in first.stderr  # progress, not among what a program reads
    assert "tick 4 of 4" not in first.stdout


def test_default_folder_is_named_after_the_scenario_and_the_run_before_is_kept(played):
    folder, _, second = played
    assert second.returncode == 0, second.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["results", "town.yaml"]
    assert sorted(path.name for path in (folder / "results").iterdir()) == [
        "small-town",
        "small-town.previous",
    ]
    threads = [
        json.loads((folder / "results" / name / "run.json").read_text())["threads"]
        for name in ("small-town", "small-town.previous")
    ]
    assert threads == [1, 1]


def test_json_is_one_object_with_the_numbers_of_the_summary(played):
    folder, _, second = played
    record = json.loads(second.stdout)
    assert record["scenario"] == "small-town"
    assert record["out"] == str((folder / "results" / "small-town").resolve())
    assert (record["mode"], record["use_case"], record["metric"], record["ticks"]) == (
        "live",
        "digits",
        "accuracy",
        4,
    )
    assert sum(record["shares"].values()) == pytest.approx(1)
    assert record["participation"] == pytest.approx(1 - record["shares"]["stay"])
    assert {law["tick"]: law["begins"] for law in record["interventions"]} == {2: True, 4: False}
    summary = (folder / "results" / "small-town" / "summary.md").read_text()
    assert f"{record['participation']:.0%}" in summary
    for value in (*record["quality"]["small"].values(), *record["revenue"].values()):
        assert f"{value:.3f}" in summary


def test_run_without_a_scenario_plays_the_default_with_the_options_given(inside, tmp_path):
    done = inside("run", *QUICK, "--seed", "5", "--out", "here/and/there", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["scenario"], record["ticks"]) == ("digits-default", 2)
    manifest = json.loads((tmp_path / "here/and/there/run.json").read_text())
    assert (manifest["seed"], manifest["scenario"]["ticks"], manifest["scenario"]["seed"]) == (5, 2, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


BAD_INPUTS = {
    "unknown scenario": (["run", "nosuch"], "there is no scenario 'nosuch'; shipped are digits-default, "),
    "bad key": (["run", "town.yaml"], "town.yaml:3: tiks: unknown key, did you mean 'ticks'?"),
    "bad value": (
        ["run", "--set", "ticks=0"],
        "--set ticks=0: ticks: should be at least 1 and at most 100000 (got 0)",
    ),
    "missing data set": (["run", "ml-100k-choice"], "ml-100k is not in "),
    "no setting": (["run", "--set", "ticks"], "--set ticks: write --set KEY=VALUE"),
    "law after the end": (
        ["run", "--ticks", "3"],
        f"{LIBRARY / 'digits-default.yaml'}:17: interventions.0.start is 12, after the last tick, 3",
    ),
    "unknown device": (
        ["run", *QUICK, "--device", "abacus"],
        "device: 'abacus' is not one of auto, cpu, cuda",
    ),
    "replay without a recording": (
        ["run", "--mode", "replay"],
        f"{LIBRARY / 'digits-default.yaml'}:1: replay names the ticks.parquet of mode 'replay'",
    ),
    "grid without a curve": (
        ["run", "--mode", "grid"],
        "--set mode=grid: mode 'grid' needs curve: the curve.csv that 'data-leverage curve digits' measures",
    ),
    "curve that is not there": (
        ["run", *QUICK, "--mode", "grid", "--set", "curve=nosuch"],
        "curve: nosuch: no such file; `data-leverage curve` measures one",
    ),
    "curve of nothing published": (
        ["run", "published-curves", "--set", "use_case=digits"],
        "curve: 'published' exists for pinterest-20, ml-10m, cifar-10, toxic, not for 'digits'",
    ),
    "poison that the curve lacks": (
        ["run", "published-curves", "--set", "population.poisons=[random_vandal]"],
        "population.poisons: 'random_vandal' is not measured in the curve published, which has no poison",
    ),
    "scripted poison that the curve lacks": (
        [
            *("run", "published-curves", "--set"),
            "decision={rule: scripted, steps: [{tick: 9, shares: {'poison:label_flip': 0.1}}]}",
        ],
        "stance 'poison:label_flip' is not one of stay, strike_withhold, strike, ",
    ),
    "audit of a live run": (
        ["run", *QUICK, "--audit", "1"],
        "audit: only a run of mode grid or surrogate can be audited",
    ),
    "audit without owners": (
        ["run", "published-curves", "--audit", "2"],
        "audit: the users are not the owners of the use case's data",
    ),
    "curve of no use case": (["curve", "nosuch"], "use_case: 'nosuch' is not one of digits, "),
    "curve at no rate": (["curve", "digits", "--rates", ".1;.2"], "rates: '.1;.2' is not a list of numbers"),
    "curve at everything": (
        ["curve", "digits", "--rates", "1"],
        "rates: '1' is not a list",
    ),
    "curve never": (["curve", "digits", "--repeats", "0"], "repeats: 0 is not at least 1"),
    "curve of a poison that does not apply": (
        ["curve", "digits", "--poison", "random_vandal"],
        "poison kind 'random_vandal' does not apply to this use case",
    ),
    "curve without data": (["curve", "ml-100k"], "ml-100k is not in "),
    "unknown benchmark": (["bench", "nosuch"], "there is no benchmark 'nosuch'; there are population"),
    "unknown data set": (
        ["data", "check", "nosuch"],
        "unknown data set 'nosuch': the data sets are digits, ",
    ),
    "nothing to fetch": (
        ["data", "fetch", "nosuch"],
        "unknown data set 'nosuch': the data sets are digits, ",
    ),
    "nothing to check": (["data", "check", "ml-1m"], "ml-1m is not in "),
    "nothing to add": (["data", "add", "ml-100k", "nosuch"], "nosuch: no such file or folder"),
    "wrong folder": (["data", "add", "ml-100k", "."], ".: holds none of the files of ml-100k (u.data"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_one_line_and_exit_2_and_leaves_nothing(inside, tmp_path, case):
    arguments, message = BAD_INPUTS[case]
    (tmp_path / "town.yaml").write_text("name: town\nuse_case: digits\ntiks: 3\n")
    assert one_line(inside(*arguments), 2).startswith(message)
    assert listing(tmp_path) == ["town.yaml"]


@pytest.mark.parametrize("case", ["unknown scenario", "bad value", "missing data set"])
def test_bad_input_of_a_process(command, tmp_path, case):
    arguments, message = BAD_INPUTS[case]
    (tmp_path / "town.yaml").write_text("name: town\nuse_case: digits\ntiks: 3\n")
    assert one_line(command(*arguments, cwd=tmp_path), 2).startswith(message)
    assert listing(tmp_path) == ["town.yaml"]


def test_unknown_option_of_a_process(command, tmp_path):
    done = command("run", "--bogus", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--bogus" in done.stderr
    assert "Traceback" not in done.stderr
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [["run", "--bogus"], ["nosuch"], ["run", "--ticks", "many"], ["data", "add"], ["run", "a", "b"]],
)
def test_wrong_usage_is_exit_2_without_a_traceback(inside, tmp_path, arguments):
    done = inside(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr
    assert "Traceback" not in done.stderr
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("thesis", "thesis is not empty and holds no run of ours"),
        ("thesis/chapter.tex", "chapter.tex is no folder for results: Not a directory"),
        ("thesis/chapter.tex/out", "chapter.tex is a file, not a folder"),
        (".", "is the current or the top folder"),
    ],
)
def test_place_that_cannot_be_written_is_one_line_and_exit_4(inside, tmp_path, out, message):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    assert message in one_line(inside("run", *QUICK, "--out", out), 4)
    assert listing(tmp_path) == ["thesis", "thesis/chapter.tex"]
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_folder_of_others_is_exit_4_of_a_process(command, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    message = one_line(command("run", *QUICK, "--out", "thesis", cwd=tmp_path), 4)
    assert message.endswith("thesis is not empty and holds no run of ours; name another folder")
    assert listing(tmp_path) == ["thesis", "thesis/chapter.tex"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can write everywhere")
def test_folder_without_permission_is_exit_4(inside, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    assert "cannot be written" in one_line(inside("run", *QUICK, "--out", "locked/a"), 4)


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")
def test_interrupted_run_is_exit_130_and_leaves_nothing(executable, environment, tmp_path):
    arguments = ["run", "--set", "interventions=[]", "--set", "record.composition=off", "--ticks", "100000"]
    with subprocess.Popen(
        [executable, *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # who starts tests may ignore it
    ) as process:
        try:
            assert process.stderr is not None
            assert "tick 0 of 100000" in process.stderr.readline()  # the run is under way
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    assert listing(tmp_path) == []


@pytest.mark.parametrize("error", [InputError("no more data"), RuntimeError("a fault of ours")])
def test_failure_at_the_last_tick_keeps_the_run_before(inside, monkeypatch, tmp_path, small_scenario, error):
    (tmp_path / "town.yaml").write_text(small_scenario)
    assert inside("run", "town.yaml", "--json").returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    step = DataLeverageModel.step

    def fail(model):
        if model.tick == 4:
            raise error
        step(model)

    monkeypatch.setattr(DataLeverageModel, "step", fail)
    if isinstance(error, InputError):
        failed = inside("run", "town.yaml")
        assert failed.returncode == 2
        assert failed.stderr.splitlines()[-1] == "no more data"
    else:
        with pytest.raises(RuntimeError, match="a fault of ours"):  # with its traceback, exit code 1
            inside("run", "town.yaml")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["small-town"]


def test_scenarios_lists_what_is_shipped(command, tmp_path):
    done = command("scenarios", cwd=tmp_path, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    for name in shipped():
        line, *study = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
        assert line.split()[1] == load_scenario(name).use_case
        assert bool(study) == (name in shipped_studies())
    assert "?" in done.stdout
    assert done.stdout.index(shipped()[0]) < done.stdout.index(shipped()[1])


def test_data_list_says_what_is_here_and_on_what_terms(inside, tmp_path):
    done = inside("data", "list", "--data-dir", "sets", columns=250)
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert rows["digits"].split()[1] == "yes"
    assert rows["ml-100k"].split()[1] == "no"
    assert "research use only" in rows["ml-100k"]
    assert rows["Folder:"] == "Folder: sets"
    assert listing(tmp_path) == []


def test_data_set_is_added_listed_checked_and_played(inside, command, tmp_path, prepared):
    source = prepared("ml-100k") / "ml-100k"
    sets = ("--data-dir", "sets")
    added = command("data", "add", "ml-100k", source, *sets, cwd=tmp_path)
    assert (added.returncode, added.stderr) == (0, "")
    assert "ml-100k is in sets/ml-100k" in added.stdout
    assert (tmp_path / "sets/ml-100k/u.data").read_bytes() == (source / "u.data").read_bytes()
    again = one_line(inside("data", "add", "ml-100k", source, *sets), 2)
    assert "is already there" in again
    assert inside("data", "check", "ml-100k", *sets).stdout == ("ml-100k is the published data set\n")
    listed = inside("data", "list", *sets, columns=250).stdout
    assert next(line for line in listed.splitlines() if "ml-100k" in line).split()[1] == "yes"
    people = "population={users: 120, beliefs: {linear: 0.7, pessimist: 0.3, true: 0.0}}"
    done = inside("run", "ml-100k-choice", *QUICK, "--set", people, *sets, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["use_case"], record["metric"], record["higher_is_better"]) == ("ml-100k", "RMSE", False)


def test_damaged_data_set_is_reported_by_name(inside, tmp_path, prepared):
    source = prepared("ml-100k") / "ml-100k"
    folder = tmp_path / "sets" / "ml-100k"
    folder.mkdir(parents=True)
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    with (folder / "u.data").open("a") as file:
        file.write("1\t1\t9\t881250949\n")
    checked = inside("data", "check", "ml-100k", "--data-dir", "sets")
    assert checked.returncode == 0
    assert "u.data is not the published file" in checked.stdout
    assert "u.data" in one_line(inside("run", "ml-100k-choice", "--data-dir", "sets"), 2)
    assert listing(tmp_path / "sets") == [
        "ml-100k",
        *(f"ml-100k/{name}" for name in sorted(os.listdir(source))),
    ]


def test_doctor_says_a_line_a_finding(inside, tmp_path):
    done = inside("doctor", columns=60)  # lines are not wrapped
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"ok", "warn"}
    assert f"results can be written to {(tmp_path / 'results').resolve()}" in done.stdout
    assert listing(tmp_path) == []


def test_doctor_fails_where_the_results_cannot_be_written(inside, tmp_path):
    (tmp_path / "results").write_text("a file")
    done = inside("doctor")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("fail")] == [
        "fail  results is a file, not a folder"
    ]


def test_a_curve_is_measured_shown_and_played(inside, tmp_path):
    arguments = ("curve", "digits", "--rates", ".1,.5", "--repeats", "2", "--poison", "label_flip")
    done = inside(*arguments, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "28 of 28: repeat 2, 0.0% genuine, 100.0% label_flip" in done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    for lever in ("cdc", "strike", "poison:label_flip"):
        (row,) = [cells for cells in lines if cells[:2] == [lever, "10%"]]
        assert [cells for cells in row if cells == "±"] == ["±"] * 3  # company, served, holdout
    assert "Written to results/curves/digits" in done.stdout
    assert listing(tmp_path / "results") == ["curves", *(
        f"curves/digits{name}" for name in ("", "/curve.csv", "/curve.json")
    )]  # fmt: skip
    again = inside(*arguments, "--device", "cpu")
    assert again.stderr == "28 of 28: measured already\n"
    assert again.stdout == done.stdout
    script = "decision={rule: scripted, steps: [{shares: {strike: 0.2, cdc: 0.1, 'poison:label_flip': 0.1}}]}"
    options = (*QUICK, "--device", "cpu", "--mode", "grid", "--set", "curve=results/curves/digits")
    played = inside("run", *options, "--set", script, "--audit", "1")
    assert played.returncode == 0, played.stderr
    assert "Audit." in played.stdout
    assert "audit.csv" in played.stdout
    assert (tmp_path / "results/digits-default/audit.csv").is_file()


def test_curve_command_leaves_what_is_not_its_own(inside, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    message = one_line(inside("curve", "digits", "--out", "thesis"), 4)
    assert message == "thesis is not empty and holds no curve.json; name another folder"
    assert listing(tmp_path) == ["thesis", "thesis/chapter.tex"]


def test_replay_plays_a_recording_for_another_society(inside, played, tmp_path):
    recording = played[0] / "results" / "small-town" / "ticks.parquet"
    people = "population={users: 5000, beliefs: {linear: 0.75, pessimist: 0.25, true: 0.0}}"
    options = ["--set", f"replay={recording}", "--set", people, "--set", "network.family=watts_strogatz"]
    done = inside("run", *QUICK, "--mode", "replay", *options, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["mode"], record["higher_is_better"], record["warnings"]) == ("replay", True, [])
    manifest = json.loads((tmp_path / "results/digits-default/run.json").read_text())
    assert (manifest["mode"], manifest["device"], list(manifest["data"])) == (
        "replay",
        None,
        [str(recording)],
    )
    assert manifest["scenario"]["replay"] == str(recording)
    assert manifest["scenario"]["population"]["users"] == 5000


def test_replay_of_a_damaged_recording_is_refused(inside, played, tmp_path):
    recording = played[0] / "results" / "small-town" / "ticks.parquet"
    column = pq.read_metadata(recording).row_group(0).column(0)
    data = bytearray(recording.read_bytes())
    data[column.dictionary_page_offset + column.total_compressed_size - 1] ^= 1
    (tmp_path / "bad.parquet").write_bytes(data)
    options = ["--mode", "replay", "--set", "replay=bad.parquet", "--set", "network.family=watts_strogatz"]
    message = one_line(inside("run", *QUICK, *options), 2)
    assert message.startswith("replay: bad.parquet is not a readable Parquet file")
    assert listing(tmp_path) == ["bad.parquet"]


def test_replay_of_another_table_is_refused(inside, played):
    recording = played[0] / "results" / "small-town" / "agents.parquet"
    options = ["--mode", "replay", "--set", f"replay={recording}", "--set", "network.family=watts_strogatz"]
    people = "population={users: 60, beliefs: {linear: 0.75, pessimist: 0.25, true: 0.0}}"
    message = one_line(inside("run", *QUICK, *options, "--set", people), 2)
    assert message.startswith("replay: the recorded ticks have no column '")


def test_replay_of_users_who_know_the_curve_is_refused(inside, played, tmp_path):
    recording = played[0] / "results" / "small-town" / "ticks.parquet"
    options = ["--mode", "replay", "--set", f"replay={recording}", "--set", "network.family=watts_strogatz"]
    message = one_line(inside("run", *QUICK, *options), 2)
    assert message.startswith("population.beliefs.true: must be 0 in a replay")
    assert listing(tmp_path) == []
