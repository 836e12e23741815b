import re
from pathlib import Path

import numpy as np
import pytest

from abm.companies import CompanyParameters
from abm.decisions import ScriptedParameters
from abm.model import DataLeverageModel
from abm.policy import Policy
from learners.errors import InputError
from learners.usecase import load_use_case
from scenarios.curves import measured_curve
from scenarios.interventions import DeletionRight
from scenarios.scenario import DEFAULT, LIBRARY, Scenario, load_scenario, shipped

SMALLEST = "name: a\nuse_case: digits\n"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        path = Path("town.yaml")
        path.write_text(text)
        return path

    return write


def problem(*args, **overrides) -> str:
    """Return the message of the error; it is one line."""
    with pytest.raises(InputError) as caught:
        load_scenario(*args, **overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1, message
    return message


def test_shipped_scenarios_load_by_name_and_by_path():
    assert shipped()[0] == DEFAULT == load_scenario().name
    assert set(shipped()) == {path.stem for path in LIBRARY.glob("*.*")}
    for name in shipped():
        scenario = load_scenario(name)
        assert scenario.name == name  # the folder of the results is called after it
        assert (
            scenario
            == load_scenario(LIBRARY / f"{name}.yaml")
            == load_scenario(str(LIBRARY / f"{name}.yaml"))
        )


def test_file_needs_a_name_and_a_use_case_only(file):
    assert load_scenario(file(SMALLEST)) == Scenario(name="a", use_case="digits")


def test_settings_and_overrides_reach_every_level_the_last_word_winning(file):
    scenario = load_scenario(
        file(SMALLEST + "ticks: 5\ninterventions:\n- {kind: portability_law, start: 2}\n"),
        ["ticks=6", "interventions.0.start=3", "network={family: erdos_renyi, degree: 4}", "seed=2"],
        seed=9,
        policy=Policy(deletion_right=False),
        companies={"small": {"starts_with": 0.25}},
        **{"decision.social_weight": 0.75, "population.users": np.int64(40)},
    )
    assert (scenario.ticks, scenario.seed, scenario.interventions[0].start) == (6, 9, 3)
    assert (scenario.network.family, scenario.network.degree) == ("erdos_renyi", 4)
    assert scenario.decision.social_weight == 0.75
    assert scenario.population.users == 40
    assert scenario.policy == Policy(deletion_right=False)
    assert scenario.companies == CompanyParameters(small={"starts_with": 0.25})


def test_override_replaces_a_whole_list_or_group():
    laws = load_scenario(DEFAULT, interventions=[{"kind": "deletion_right", "start": 3, "granted": False}])
    assert laws.interventions == [DeletionRight(start=3, granted=False)]
    script = load_scenario(DEFAULT, decision={"rule": "scripted", "steps": [{"shares": {"strike": 0.5}}]})
    assert isinstance(script.decision, ScriptedParameters)
    assert script.decision.steps[0].shares == {"strike": 0.5}


@pytest.mark.parametrize("name", ["nosuch", "../x", "/abs", "a/b", "digits-default/", "", "x\0y", "x\ny"])
def test_unknown_name_lists_the_shipped_ones(name):
    message = problem(name)
    assert message.startswith("there is no scenario '")
    assert all(known in message for known in shipped())
    assert "\0" not in message


def test_path_that_is_not_there_names_the_path():
    assert problem("../nosuch.yaml") == "../nosuch.yaml: no such file"


@pytest.mark.parametrize(
    "name", ["../x", "/abs", "a/b", "..", "CON", "a\\b", "", "a" * 65, '"a\\n"', '"a\\0b"', "a b", "é"]
)
def test_scenario_name_is_never_a_path(file, name):
    assert problem(file(f"use_case: digits\nname: {name if name else chr(39) * 2}\n")).startswith(
        "town.yaml:2: name: should match pattern '^[a-z0-9-]{1,64}$' (got "
    )
    assert load_scenario(file(SMALLEST.replace("a\n", f"{'a' * 64}\n", 1))).name == "a" * 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiks: 5\n", "town.yaml:3: tiks: unknown key, did you mean 'ticks'?"),
        (
            "population:\n  interest:\n    medain: 2\n",
            "town.yaml:5: population.interest.medain: unknown key, did you mean 'median'?",
        ),
        (
            "decision:\n  social_wieght: 1\n",
            "town.yaml:4: decision.social_wieght: unknown key, did you mean 'social_weight'?",
        ),
        (
            "interventions:\n- kind: portability_law\n  strat: 2\n",
            "town.yaml:5: interventions.0.strat: unknown key, did you mean 'start'?",
        ),
        (
            "interventions:\n- kind: deletion\n",
            "town.yaml:4: interventions.0.kind: unknown kind 'deletion', did you mean 'deletion_right'?",
        ),
        (
            "network: {family: smallworld}\n",
            (
                "town.yaml:3: network.family: unknown family 'smallworld'; allowed: watts_strogatz, "
                "barabasi_albert, erdos_renyi, stochastic_block, taste_similarity, random_geometric, "
                "complete, ring, lattice, star, centralised, configuration, empirical, communities"
            ),
        ),
        ("ticks: 0\n", "town.yaml:3: ticks: should be at least 1 and at most 100000 (got 0)"),
        (
            "policy:\n  portability_success: 1.5\n",
            "town.yaml:4: policy.portability_success: should be at least 0 and at most 1 (got 1.5)",
        ),
        (
            "companies:\n  small:\n    starts_with: 1\n",
            "town.yaml:5: companies.small.starts_with: should be at least 0 and less than 1 (got 1)",
        ),
        ("seed: -1\n", "town.yaml:3: seed: should be at least 0 and less than 9223372036854775808 (got -1)"),
        ("ticks: '50'\n", "town.yaml:3: ticks: should be a valid integer (got '50')"),
        ("ticks: 50.5\n", "town.yaml:3: ticks: should be a valid integer (got 50.5)"),
        ("ticks: 50.0\n", "town.yaml:3: ticks: should be a valid integer (got 50.0)"),
        ("seed: true\n", "town.yaml:3: seed: should be a valid integer (got true)"),
        (
            "companies: {large: {retrain_every: true}}\n",
            "town.yaml:3: companies.large.retrain_every: should be a valid integer (got true)",
        ),
        (
            "policy: {deletion_right: 1}\n",
            "town.yaml:3: policy.deletion_right: should be a valid boolean (got 1)",
        ),
        (
            "decision: {precision: .nan}\n",
            "town.yaml:3: decision.precision: should be a finite number (got nan)",
        ),
        (
            "population: {switching_cost: .inf}\n",
            "town.yaml:3: population.switching_cost: should be a finite number (got inf)",
        ),
        (
            "decision:\n  precision: 1e400\n",
            "town.yaml:4: decision.precision: should be a finite number (got inf)",
        ),
        ("ticks: 5\nseed: 1\nticks: 6\n", "town.yaml:5: ticks: duplicate key (first on line 3)"),
        (
            "mode: gird\n",
            "town.yaml:3: mode: should be 'live', 'grid', 'surrogate' or 'replay' (got 'gird')",
        ),
        (
            "curve: published\n",
            "town.yaml:3: curve is for modes 'grid' and 'surrogate', not for 'live'",
        ),
        ("learner: [1]\n", "town.yaml:3: learner: should be a mapping (got [1])"),
        ("use_case: digits\n", "town.yaml:3: use_case: duplicate key (first on line 2)"),
        (
            "ticks: 5\ninterventions:\n- kind: portability_law\n  start: 6\n",
            "town.yaml:6: interventions.0.start is 6, after the last tick, 5",
        ),
        (
            "ticks: 5\ninterventions:\n- kind: portability_law\n  start: 3\n  end: 3\n",
            "town.yaml:7: interventions.0.end is 3, not after start, 3",
        ),
        (
            "replay: x.parquet\n",
            "town.yaml:3: replay names the ticks.parquet of mode 'replay', and only of that mode",
        ),
        (
            "population:\n  beliefs: {linear: 0.5}\n",
            (
                "town.yaml:4: population.beliefs: the shares linear, pessimist, true and biased "
                "add up to 0.9, not to 1"
            ),
        ),
        (
            "decision:\n  rule: scripted\n  steps:\n  - tick: 1\n    shares: {strik: 0.5}\n",
            (
                "town.yaml:7: decision.steps.0.shares: 'strik' is not one of stay, strike_withhold, strike, "
                "cdc, cdc_delete, boycott_leave, boycott, move, poison:KIND"
            ),
        ),
        (
            "decision:\n  rule: scripted\n  steps:\n  - shares: {strike: 0.7, cdc: 0.5}\n",
            "town.yaml:6: decision.steps.0.shares add up to 1.2, more than 1",
        ),
    ],
)
def test_each_mistake_is_one_line_at_its_place(file, text, message):
    assert problem(file(SMALLEST + text)) == message


@pytest.mark.parametrize("key", ["population.users", "record.agents", "record.composition"])
@pytest.mark.parametrize("value", ["0", "-1", "true", "50.5", "'50'", "some"])
def test_numbers_that_can_also_be_words_are_as_strict(file, key, value):
    group, name = key.split(".")
    message = problem(file(SMALLEST + f"{group}:\n  {name}: {value}\n"))
    assert message.startswith(f"town.yaml:4: {key}: ")
    assert re.search("at least [12]" if value in ("0", "-1") else r"or |'all'|'end'|'off'", message)


def test_unknown_use_case_lists_the_known_ones(file):
    assert problem(file("name: a\nuse_case: nosuch\n")).startswith(
        "town.yaml:2: use_case 'nosuch' is not one of digits, ml-100k, "
    )


def test_replay_mode_needs_a_recording(file):
    assert problem(file(SMALLEST + "mode: replay\n")).endswith(
        "replay names the ticks.parquet of mode 'replay', and only of that mode"
    )


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
def test_curve_modes_need_a_curve(file, mode):
    assert problem(file(SMALLEST + f"mode: {mode}\n")).startswith(
        f"town.yaml:3: mode '{mode}' needs curve: the curve.csv that 'data-leverage curve digits' measures"
    )
    published = SMALLEST.replace("digits", "toxic") + f"mode: {mode}\ncurve: published\n"
    model = load_scenario(file(published)).build()
    assert (model.training.mode, model.population.n_users, model.use_case) == (mode, 2000, None)
    numbered = load_scenario(file(published), **{"population.users": 50}).build()
    assert numbered.population.n_users == 50


@pytest.mark.parametrize("users", ["all", 70])
def test_a_measured_curve_is_read_for_the_owners_or_for_a_number_of_users(file, tmp_path, users):
    loaded = load_use_case("digits", device="cpu", filters=4)
    measured_curve(loaded, tmp_path / "measured", rates=[0.5], repeats=1)
    text = SMALLEST + "mode: grid\ncurve: measured\nlearner: {filters: 4}\n"
    model = load_scenario(file(text), **{"population.users": users}).build(device="cpu")
    assert model.population.n_users == (300 if users == "all" else 70)
    assert (model.use_case is None) == (users == 70)
    assert model.training.curve.mode == "grid"


def test_a_use_case_that_is_loaded_is_not_loaded_again(small_scenario, file, monkeypatch):
    scenario = load_scenario(file(small_scenario))
    first = scenario.build()
    monkeypatch.setattr("scenarios.scenario.load_use_case", None)
    assert scenario.build(use_case=first.use_case).use_case is first.use_case


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ("nosuch", "nosuch: no such file; `data-leverage curve` measures one"),
        ("published", "'published' exists for pinterest-20, ml-10m, cifar-10, toxic, not for 'digits'"),
        ("town.yaml", "curve.json: no such file"),
    ],
)
def test_curves_that_are_none(file, curve, message):
    scenario = load_scenario(file(SMALLEST + f"mode: grid\ncurve: {curve}\n"))
    with pytest.raises(InputError, match=f"^curve: {re.escape(message)}") as caught:
        scenario.build()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("tiks=3", "--set tiks=3: tiks: unknown key, did you mean 'ticks'?"),
        ("ticks='3'", "--set ticks='3': ticks: should be a valid integer (got '3')"),
        (
            "interventions.7.start=3",
            "--set interventions.7.start=3: interventions has entries 0 to 0, so '7' names none of them",
        ),
        ("ticks", "--set ticks: write --set KEY=VALUE"),
        ("name=../x", "--set name=../x: name: should match pattern '^[a-z0-9-]{1,64}$' (got '../x')"),
    ],
)
def test_mistake_in_a_setting_is_blamed_on_the_setting(setting, message):
    assert problem(DEFAULT, [setting]).startswith(message)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"ticks": "50"}, "ticks='50': ticks: should be a valid integer (got '50')"),
        ({"ticks": float("nan")}, "ticks=nan: ticks: should be a valid integer (got nan)"),
        ({"tiks": 3}, "tiks=3: tiks: unknown key, did you mean 'ticks'?"),
        (
            {"question": print},
            "question=<built-in function print>: builtin_function_or_method is nothing that",
        ),
        (
            {"policy.portability_success": np.float32(2)},
            "policy.portability_success=np.float32(2.0): policy.portability_success: should be at least 0",
        ),
    ],
)
def test_mistake_in_an_override_is_blamed_on_the_override(overrides, message):
    assert problem(DEFAULT, **overrides).startswith(message)


def test_build_gives_the_model_at_tick_0(small_scenario, file):
    scenario = load_scenario(file(small_scenario))
    model = scenario.build()
    assert isinstance(model, DataLeverageModel)
    assert (model.tick, len(model.ticks), model.population.n_users) == (0, 1, 60)
    assert model.policy == scenario.policy
    assert model.policy_schedule.at(2).portability_success == 1.0
    assert model.rule.parameters == scenario.decision


def test_seed_of_build_replaces_the_scenarios_own(small_scenario, file):
    scenario = load_scenario(file(small_scenario))
    own, same, other = scenario.build(), scenario.build(7), scenario.build(8)
    np.testing.assert_array_equal(own.population.interest, same.population.interest)
    assert not np.array_equal(own.population.interest, other.population.interest)


def test_stream_clock_spreads_arrivals_over_the_run_unless_told_otherwise(prepared):
    data_dir = prepared("ml-100k")
    streaming = load_scenario("ml-100k-choice", ticks=5, interventions=[], **{"population.users": 100})
    clock = streaming.build(data_dir=data_dir).clock
    for tick in range(1, 6):
        assert clock.pending_share > 0
        clock.advance(tick)
    assert clock.pending_share == 0
    shorter = streaming.model_copy(update={"clock": streaming.clock.model_copy(update={"slices": 2})})
    clock = shorter.build(data_dir=data_dir).clock
    clock.advance(1)
    assert clock.pending_share > 0
    clock.advance(2)
    assert clock.pending_share == 0


@pytest.mark.parametrize("build", [load_use_case, lambda name, folder: load_scenario(
    "ml-100k-choice").build(data_dir=folder)])  # fmt: skip
def test_missing_data_set_says_how_to_get_it(tmp_path, build):
    with pytest.raises(InputError) as caught:
        build("ml-100k", tmp_path / "none")
    assert str(caught.value) == (
        f"ml-100k is not in {tmp_path / 'none'}: run 'data-leverage data fetch ml-100k' or "
        "'data-leverage data add ml-100k PATH'"
    )
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"population.users": 10**12}, r"1000000000000 is not between 2 and the 1797"),
        ({"network.degree": 300}, r"network\.degree is 300; with 300 user\(s\) it can be at most 299"),
        ({"learner": {"nosuch": 1}}, r"learner parameter 'nosuch' is not one of .*filters"),
        ({"learner.filters": "x"}, r"learner parameter filters: .*integer \(got 'x'\)"),
        (
            {"leverage.baseline": "published"},
            r"leverage\.baseline: 'published' exists for .*not for 'digits'",
        ),
        ({"clock.kind": "stream"}, r"clock\.kind: 'stream' needs timestamps"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_when_the_model_is_built(overrides, message):
    scenario = load_scenario(DEFAULT, **overrides)
    with pytest.raises(InputError, match=message) as caught:
        scenario.build()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        ("none.parquet", "none.parquet: no such file"),
        ("town.yaml", "town.yaml is not a readable Parquet file"),
    ],
)
def test_replay_of_what_is_no_recording(file, recording, message):
    scenario = load_scenario(file(SMALLEST + f"mode: replay\nreplay: {recording}\n"))
    with pytest.raises(InputError, match=f"^replay: {re.escape(message)}") as caught:
        scenario.build()
    assert len(str(caught.value).splitlines()) == 1


def test_device_that_is_none():
    with pytest.raises(InputError, match="'abacus' is not one of auto, cpu, cuda"):
        load_scenario(DEFAULT).build(device="abacus")


@pytest.mark.parametrize("curve", ["published", "template:linear"])
def test_parameters_of_a_learner_that_never_trains_are_refused(curve):
    with pytest.raises(InputError, match="learner must be left out where nothing is trained"):
        load_scenario("published-curves", curve=curve, learner={"factors": 6})


def test_a_population_that_fits_no_machine_is_refused():
    scenario = load_scenario("published-curves", **{"population.users": 10**12})
    with pytest.raises(InputError, match=r"population.users: must be at most 50000000.*got 1000000000000"):
        scenario.build()
