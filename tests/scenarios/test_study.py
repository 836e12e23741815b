import json

import pandas as pd
import pytest

from learners.errors import InputError
from scenarios.batch.plan import _digest, hashed, scenario_of
from scenarios.scenario import Scenario
from scenarios.study import load_study, study_schema
from scenarios.yaml_file import read_mapping, written

STUDY = """\
name: town-law
base: published-curves
settings: {population.users: 60}
ticks: 12
seed: 3
replicates: 3
arms:
  none: {interventions: []}
  law:
  late:
    interventions.0.start: 11
    decision.warm_glow: 0.4
parameters:
  design: grid
  axes:
    use_case: [toxic, pinterest-20]
    decision.precision: [3.0, 5.0]
outputs:
  - participation
  - {take: mean, column: dlp_cdc, start: 10}
"""


@pytest.fixture
def load(tmp_path):
    def from_text(text=STUDY, *settings):
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return load_study(path, settings)

    return from_text


def test_plan_is_arms_times_points_times_replicates(load):
    plan = load().plan()
    table = plan.table()
    assert len(plan) == len(table) == 3 * 4 * 3
    assert list(table.columns) == [
        *("run_id", "arm", "point", "replicate", "seed", "use_case", "decision.precision"),
    ]
    assert table["run_id"].nunique() == 36
    assert not table.duplicated(["arm", "point", "replicate"]).any()
    assert set(table["arm"]) == {"none", "law", "late"}
    assert table.groupby("point")[["use_case", "decision.precision"]].nunique().eq(1).all(axis=None)


def test_replicates_share_their_seed_in_every_arm_and_at_every_point(load):
    table = load().plan().table()
    assert table.groupby("replicate")["seed"].nunique().eq(1).all()
    assert table["seed"].nunique() == 3
    more = load(STUDY, "replicates=5", "arms={only: {}}").plan().table()
    assert set(table["seed"]) < set(more["seed"])  # a study can be enlarged
    other = load(STUDY, "seed=4").plan().table()
    assert not set(table["seed"]) & set(other["seed"])


def test_scenarios_are_the_base_with_settings_arm_and_point(load):
    runs = {(run.cell.arm, run.cell.point): run for run in load().plan() if run.replicate == 1}
    table = load().plan().table()
    for (arm, point), run in runs.items():
        scenario = scenario_of(run.text, "x")
        row = table[(table["arm"] == arm) & (table["point"] == point) & (table["replicate"] == 1)].iloc[0]
        assert (scenario.seed, scenario.ticks, scenario.population.users) == (row["seed"], 12, 60)
        assert scenario.use_case == row["use_case"]
        assert scenario.decision.precision == row["decision.precision"]
        assert (scenario.mode, scenario.curve) == ("surrogate", "published")
        starts = [intervention.start for intervention in scenario.interventions]
        assert starts == {"none": [], "law": [10], "late": [11]}[arm]
        assert scenario.decision.warm_glow == (
            0.4
            if arm == "late"
            else Scenario.model_fields["decision"].get_default(call_default_factory=True).warm_glow
        )


def test_run_id_is_a_hash_of_what_the_result_depends_on_and_of_nothing_else(load):
    before = load().plan().table()["run_id"]
    assert before.tolist() == load().plan().table()["run_id"].tolist()
    renamed = STUDY.replace("town-law", "other").replace("none:", "no:").replace("  law:", "  a-law:")
    renamed = renamed.replace("outputs:\n  - participation", "question: Why?\noutputs:")
    assert load(renamed).plan().table()["run_id"].tolist() == before.tolist()
    changed = load(STUDY, "settings={population.users: 61}").plan().table()["run_id"]
    assert not set(changed) & set(before)
    run = next(iter(load().plan()))
    assert run.run_id == hashed(run.text)
    assert len(run.run_id) == 20


def test_run_id_follows_the_content_of_a_file_that_is_named(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = STUDY.replace(
        "base: published-curves", "base: {use_case: digits, mode: replay, replay: a.parquet}"
    )
    text = text[: text.index("arms:")]
    ids = []
    for content in ("one", "two", "one"):
        (tmp_path / "a.parquet").write_text(content)
        _digest.cache_clear()
        ids.append(load(text).plan().table()["run_id"][0])
    assert ids[0] == ids[2] != ids[1]


def test_arms_that_come_to_the_same_share_their_runs(load):
    text = STUDY.replace("  late:", "  same: {interventions: []}\n  late:")
    table = load(text).plan().table()
    ids = table.set_index("arm")["run_id"]
    assert set(ids["same"]) == set(ids["none"])
    assert table["run_id"].nunique() == 36


def test_base_is_a_name_a_file_beside_the_study_or_written_out(load, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.yaml").write_text("name: mine\nuse_case: digits\nticks: 7\n")
    for base in ("sub/mine.yaml", "{use_case: digits, ticks: 7}", "{name: a, use_case: digits, ticks: 7}"):
        study = load(f"name: s\nbase: {base}\n")
        (run,) = study.plan()
        scenario = scenario_of(run.text, "s")
        assert (scenario.use_case, scenario.ticks) == ("digits", 7)
        assert [output.label for output in study.file.outputs][:2] == ["participation", "dlp_cdc"]
        assert study.record()["base"]["ticks"] == 7


def test_study_that_is_written_out_is_the_same_study(load, tmp_path):
    study = load()
    path = tmp_path / "copy.yaml"
    path.write_text(written(study.record()))
    again = load_study(path)
    assert again.file.model_copy(update={"base": ""}) == study.file.model_copy(update={"base": ""})
    pd.testing.assert_frame_equal(again.plan().table(), study.plan().table())
    assert read_mapping(path).values == study.record()


def test_sampled_points_are_checked_and_become_columns(load):
    text = STUDY[: STUDY.index("parameters:")] + (
        "parameters:\n"
        "  design: latin_hypercube\n"
        "  n: 6\n"
        "  axes:\n"
        "    decision.precision: {low: 1, high: 9, log: true}\n"
        "    population.users: {low: 40, high: 45, integer: true}\n"
    )
    table = load(text).plan().table()
    assert table.groupby("point")["decision.precision"].nunique().eq(1).all()
    assert table["decision.precision"].between(1, 9).all()
    assert table["population.users"].dtype == "int64"
    assert table["population.users"].between(40, 45).all()
    assert len(table) == 3 * 6 * 3


BAD = {
    "unknown key": (
        "replicates: 3",
        "replicats: 3",
        "study.yaml:6: replicats: unknown key, did you mean 'replicates'?",
    ),
    "no replicates": ("replicates: 3", "replicates: 0", "study.yaml:6: replicates: should be at least 1"),
    "number as text": (
        "replicates: 3",
        "replicates: '3'",
        "study.yaml:6: replicates: should be a valid integer",
    ),
    "not finite": ("decision.warm_glow: 0.4", "decision.warm_glow: .nan", "study.yaml:12: "),
    "no such base": (
        "published-curves",
        "nosuch",
        "study.yaml:2: base: there is no scenario 'nosuch'; shipped are ",
    ),
    "no such file": ("published-curves", "no.yaml", "study.yaml:2: base: "),
    "bad name": ("town-law", "../../x", "study.yaml:1: name: "),
    "bad arm name": ("  law:", "  ../law:", "study.yaml:9: arms.../law"),
    "unknown key of the scenario": (
        "decision.warm_glow",
        "decision.warm_glo",
        "study.yaml:12: arms.late: decision.warm_glo: unknown key, did you mean 'warm_glow'?",
    ),
    "value out of range": (
        "decision.warm_glow: 0.4",
        "decision.warm_glow: 400.0",
        "study.yaml:12: arms.late: decision.warm_glow: should be at ",
    ),
    "no such entry": (
        "interventions.0.start",
        "interventions.3.start",
        "study.yaml:11: arms.late: interventions has entries 0 to 0, so '3' names none of them",
    ),
    "law after the end": (
        "interventions.0.start: 11",
        "interventions.0.start: 13",
        "study.yaml:11: arms.late: interventions.0.start is 13, after the last tick, 12",
    ),
    "misspelt inside a list": (
        "none: {interventions: []}",
        "none: {interventions: [{kind: portability_low}]}",
        "study.yaml:8: interventions.0.kind: unknown kind 'portability_low', did you mean 'portability_law'?",
    ),
    "point out of range": (
        "[3.0, 5.0]",
        "[3.0, -5.0]",
        "study.yaml:17: parameters.axes: decision.precision: should be ",
    ),
    "unknown axis": (
        "decision.precision",
        "decision.precison",
        "study.yaml:17: parameters.axes: decision.precison: ",
    ),
    "unknown setting": (
        "population.users",
        "population.user",
        "study.yaml:3: settings: population.user: unknown key",
    ),
    "seed in an arm": ("decision.warm_glow: 0.4", "seed: 4", "study.yaml:10: arms.late: seed cannot be set"),
    "seed as an axis": (
        "use_case: [toxic, pinterest-20]",
        "seed: [1, 2]",
        "study.yaml:13: parameters: seed cannot",
    ),
    "swept and set": (
        "decision.warm_glow: 0.4",
        "decision.precision: 4.0",
        "study.yaml:10: arms.late: decision.precision is also swept",
    ),
    "unknown reference": (
        "seed: 3",
        "reference: nobody",
        "study.yaml:5: reference 'nobody' is not one of the arms",
    ),
    "output twice": (
        "  - participation",
        "  - participation\n  - participation",
        "study.yaml:20: outputs.1: the name 'participation' is taken",
    ),
    "output named as a column": (
        "  - participation",
        "  - {column: participation, name: seed}",
        "study.yaml:19: outputs.0: the name 'seed' is taken",
    ),
    "output after the end": (
        "start: 10}",
        "start: 13}",
        "study.yaml:20: outputs.1 asks for tick 13, after the last tick, 12, of arm none",
    ),
    "unknown take": (
        "take: mean",
        "take: meen",
        "study.yaml:20: outputs.1.take: unknown take 'meen', did you mean 'mean'?",
    ),
    "too many runs": (
        "replicates: 3",
        "replicates: 100000",
        "study.yaml:1: 3 arms x 4 points x 100000 replicates",
    ),
    "twice the same key": (
        "seed: 3",
        "seed: 3\nseed: 4",
        "study.yaml:6: seed: duplicate key (first on line 5)",
    ),
    "a tag": (
        "seed: 3",
        "seed: !!python/object/apply:os.system [touch marker]",
        "study.yaml:5: YAML tags are not",
    ),
    "an anchor": ("seed: 3", "seed: &a 3", "study.yaml:5: YAML anchors and aliases"),
    "no power of two": (
        STUDY[STUDY.index("  design: grid") : STUDY.index("outputs:")],
        "  design: sobol\n  n: 12\n  axes:\n    decision.precision: {low: 1, high: 2}\n",
        "study.yaml:15: parameters.n is 12, which is no power of two; take 16",
    ),
}


BAD_THRESHOLDS = {
    "{output: nothing, along: decision.precision, level: 1}": "thresholds.0.output is 'nothing', not",
    "{output: participation, along: decision.cost_scale, level: 1}": "thresholds.0.along is ",
    "{output: participation, along: use_case, level: 1}": "thresholds.0.along is 'use_case', which is",
    "{output: participation, along: decision.precision}": "thresholds.0.level: required key is missing",
}


@pytest.mark.parametrize("given", BAD_THRESHOLDS)
def test_threshold_that_cannot_be_found_is_refused(load, given):
    with pytest.raises(InputError) as refused:
        load(STUDY + f"thresholds: [{given}]\n")
    assert f"study.yaml:21: {BAD_THRESHOLDS[given]}" in str(refused.value)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_file_line_and_key(load, tmp_path, case):
    old, new, message = BAD[case]
    assert old in STUDY
    with pytest.raises(InputError) as refused:
        load(STUDY.replace(old, new)).plan()
    first = str(refused.value).splitlines()[0]
    assert first.startswith((f"{tmp_path}/{message}", message)), first
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_problem_of_a_base_file_names_that_file(load, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\nuse_case: digits\ntiks: 7\n")
    with pytest.raises(InputError, match=r"mine.yaml:3: tiks: unknown key, did you mean 'ticks'\?"):
        load("name: s\nbase: mine.yaml\n").plan()
    with pytest.raises(InputError, match=r"study.yaml:3: tiks: unknown key"):
        load("name: s\nbase:\n  {use_case: digits, tiks: 7}\n").plan()


def test_schema_names_every_key_and_is_json():
    schema = json.loads(json.dumps(study_schema()))
    assert set(schema["properties"]) >= {
        "name",
        "base",
        "arms",
        "parameters",
        "replicates",
        "outputs",
        "ticks",
    }
    assert schema["required"] == ["name", "base"]
    assert {"Grid", "LatinHypercube", "Sobol", "Listed", "FirstAbove"} <= set(schema["$defs"])
