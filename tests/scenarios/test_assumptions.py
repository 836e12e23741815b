import ast
import csv
import importlib
import inspect
import io
import json
from pathlib import Path

import numpy as np
import pytest

import abm
from learners.errors import InputError
from learners.parameters import CONSTANTS, OURS
from learners.usecase import REGISTRY, parameters_of
from scenarios.assumption_ledger import ledger_counts, ledger_csv, ledger_record, ledger_summary, ledger_text
from scenarios.assumptions import assumptions
from scenarios.scenario import Scenario, load_scenario, shipped

TEXTS = {"name", "question", "held_fixed", "changed", "expectation", "note"}


@pytest.fixture(scope="module")
def everything():
    return assumptions()


def by_key(lines):
    found = {line.key: line for line in lines}
    assert len(found) == len(lines)
    return found


def leaves(value, key=""):
    """Yield dotted key and value of everything in a dumped scenario."""
    if isinstance(value, dict) and value and not key.endswith(".shares"):
        for name, inner in value.items():
            yield from leaves(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{key}.{number}")
    else:
        yield key, value


# Every parameter is there, and says what it is


def test_every_parameter_says_what_it_is_in_which_unit_what_is_allowed_and_whence(everything):
    untold = [
        line.key
        for line in everything
        if not (line.unit and line.source and line.description and line.allowed)
    ]
    assert untold == []
    assert len(everything) > 100


def test_every_number_has_a_bound(everything):
    def is_number(line):
        return isinstance(line.value, int | float) and not isinstance(line.value, bool)

    numbers = [line for line in everything if is_number(line) and line.kind != "constant"]
    assert len(numbers) > 80
    assert [line.key for line in numbers if line.low is None and line.high is None] == []
    assert [line.key for line in everything if "any number" in line.allowed] == []
    for line in numbers:
        assert line.low is None or line.low <= line.value, line
        assert line.high is None or line.value <= line.high, line


def test_nothing_of_the_schema_is_left_out(everything):
    """pydantic's own account of the classes below a scenario names no parameter that the ledger lacks."""
    last = {line.key.rpartition(".")[2] for line in everything}
    schema = Scenario.model_json_schema()
    classes = schema.pop("$defs") | {"Scenario": schema}
    assert len(classes) > 20
    for name, described in classes.items():
        for key, said in described["properties"].items():
            if "const" not in said and key not in TEXTS | {"learner"}:
                is_group = "$ref" in said or "discriminator" in said or "items" in said
                assert key in last or is_group, f"{name}.{key}"


@pytest.mark.parametrize("name", shipped())
def test_scenario_in_use_is_listed_value_by_value(name):
    scenario = load_scenario(name)
    lines = by_key(assumptions(scenario))
    dumped = {
        key: value
        for key, value in leaves(scenario.model_dump(mode="json"))
        if key.partition(".")[0] not in TEXTS | {"learner"}
    }
    assert len(dumped) > 70
    for key, value in dumped.items():
        if key in lines:
            assert lines[key].value in (value, "none" if value is None else value), key
        else:
            # The tag of a list's entry is in its heading; an empty list has no entries.
            group = key.rpartition(".")[0]
            assert value == [] or any(
                line.key.rpartition(".")[0] == group and line.only.endswith(f": {value}")
                for line in lines.values()
            ), key
    extra = [
        key
        for key, line in lines.items()
        if key not in dumped and line.kind != "constant" and not key.startswith("learner.")
    ]
    assert extra == [key for key in extra if lines[key].value == "given"]


def test_only_what_is_in_use_is_listed_for_a_scenario(everything):
    keys = by_key(assumptions(load_scenario("digits-default")))
    assert keys["network.family"].value == "taste_similarity"
    assert keys["network.family"].default == "watts_strogatz"
    assert keys["network.family"].changed
    assert "network.rewire" in keys
    assert not {"network.blocks", "decision.steps.N.tick", "interventions.N.start"} & set(keys)
    assert {"interventions.0.start", "interventions.0.success"} <= set(keys)
    assert "interventions.1.start" not in keys
    without = {line.key for line in everything}
    assert {"network.blocks", "decision.steps.N.tick", "interventions.N.start"} <= without


def test_what_a_scenario_changes_is_marked():
    settings = ["decision.social_weight=2", "population.costs.barrier_leave=0.1"]
    changed = {line.key for line in assumptions(load_scenario("digits-default", settings)) if line.changed}
    before = {line.key for line in assumptions(load_scenario("digits-default")) if line.changed}
    assert changed - before == {"decision.social_weight", "population.costs.barrier_leave"}
    assert before == {"network.family", "leverage.perspective", "interventions.0.start"}


def test_alternatives_say_with_which_key_they_exist(everything):
    degrees = {line.only: line for line in everything if line.key == "network.degree"}
    assert {"family: watts_strogatz", "family: erdos_renyi", "family: stochastic_block"} <= set(degrees)
    assert degrees["family: watts_strogatz"].allowed == "at least 2, a multiple of 2"
    assert degrees["family: erdos_renyi"].allowed == "more than 0"
    assert all(line.only == "" for line in everything if line.key.startswith("population.costs."))


def test_what_is_allowed_in_words(everything):
    allowed = {line.key: line.allowed for line in everything}
    assert allowed["population.interest.sigma"] == "0 to 5"
    assert allowed["population.grievance_mean"] == "more than 0, less than 1"
    assert allowed["population.users"] == "all or at least 2"
    assert allowed["record.composition"] == "at least 1 or off"
    assert allowed["clock.slices"] == "at least 1 or none"
    assert allowed["mode"] == "live | grid | surrogate | replay"
    assert allowed["policy.deletion_right"] == "true | false"
    assert allowed["population.poisons"] == "list of text or none"
    assert allowed["decision.steps.N.shares"] == "each 0 to 1"
    assert allowed["use_case"] == " | ".join(REGISTRY)


def test_bounds_are_those_that_hold():
    """What is just outside the bounds of the ledger is refused."""
    checked = 0
    for line in assumptions(load_scenario("digits-default")):
        if line.key.startswith("learner.") or line.kind == "constant":
            continue
        for bound, outside in ((line.low, -1), (line.high, 1)):
            if bound is not None:
                whole = isinstance(line.value, int) or line.value is None or isinstance(line.value, str)
                value = int(bound) + outside if whole else float(bound) + outside * 1e-3 * max(1, abs(bound))
                with pytest.raises(InputError):
                    load_scenario("digits-default", **{line.key: value})
                checked += 1
    assert checked > 100


# Ours


def test_ours_is_what_no_publication_gives(everything):
    ours = {line.key: line.ours for line in everything}
    assert ours["population.grievance_mean"]
    assert ours["population.costs.barrier_leave"]  # its place in an order is published, its size is not
    assert ours["decision.rule"]
    assert not ours["companies.consumption.personalisation_boost"]
    assert not ours["decision.social_form"]
    assert not ours["seed"]
    assert not ours["record.shadows"]  # a setting, of which no result of the model depends


def test_counts(everything):
    counts = ledger_counts(everything)
    keys = {(line.key, line.description) for line in everything if line.kind == "parameter"}
    assert counts["parameters"] == len(keys) > 100
    assert 0 < counts["ours"] < counts["parameters"] + counts["constants"]
    assert counts["constants"] == len(CONSTANTS) > 0
    assert ledger_summary(everything) == (
        f"{counts['parameters']} parameters and {counts['constants']} constants of the code, "
        f"{counts['ours']} of them are assumptions of ours; {counts['settings']} settings"
    )


# Learners and constants


@pytest.mark.parametrize("name", REGISTRY)
def test_parameters_of_each_learner_are_those_it_takes(name):
    module, function = REGISTRY[name].builder.split(":")
    source = inspect.getsource(getattr(importlib.import_module(module), function))
    assert f"{parameters_of(name).__name__}(**learner_parameters)" in source


def test_learner_is_in_the_ledger_where_models_are_trained():
    trained = by_key(assumptions(load_scenario("digits-default", learner={"filters": 8})))
    assert (trained["learner.filters"].value, trained["learner.filters"].changed) == (8, True)
    assert not trained["learner.ridge"].changed
    read_off = by_key(assumptions(load_scenario("published-curves")))
    assert not [key for key in read_off if key.startswith("learner.")]


TECHNICAL = {
    "actions.py: NAMED_STANCES",
    "actions.py: STAY",
    "actions.py: WITHHOLD",
    "build.py: SHIPPED",
    "communities.py: NOWHERE",
    "complete.py: _MOST_USERS",
    "lattices.py: _NEIGHBOURHOODS",
    "market.py: _OUTSIDE",
    "membership.py: NONE",
    "network.py: _ROWS_IN_CACHE",
    "organisations.py: UNKNOWN",
    "parameters.py: MOST_COALITIONS",
    "pledges.py: _ROUNDING",
    "production_shape.py: INTERVALS",
    "quality_source.py: MOST_USERS",
    "random_graphs.py: _DENSE_CELLS",
    "redrawing.py: _ATTEMPTS",
    "regimes.py: _FEW",
    "statistics.py: _PAIRS",
    "statistics.py: _WALKS",
    "stakes.py: _ROUNDING",
    "statistics.py: _SAMPLED_USERS",
    "statistics.py: _SOURCES",
    "statistics.py: _STEPS",
    "statistics.py: _WEDGES",
    "survey.py: TRAITS",
    "survey_file.py: MAX_BYTES",
    "threshold.py: _ROUNDING",
    "voting.py: _ROUNDING",
    "welfare.py: _NEVER",
}
"""Numbers on which no result depends beyond rounding and sampling: codes, limits of memory, tolerances."""


def test_constants_of_the_model_are_in_the_ledger(everything):
    """A module of the model has no number of its own but through ``constant``, technical ones apart."""
    listed = {line.key: line.value for line in everything if line.kind == "constant"}
    assert listed["beliefs.damping"] == 0.5
    assert listed["beliefs.priors"]["pessimist"] == [4.0, 0.0]
    hidden, registered = [], 0
    for path in sorted(Path(abm.__file__).parent.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target.elts[0] if isinstance(target, ast.Tuple) else target)
            if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "constant":
                registered += 1
                assert ast.literal_eval(node.value.args[0]) in listed, path
                continue
            numbers = [
                inner.value
                for inner in ast.walk(node.value)
                if isinstance(inner, ast.Constant) and type(inner.value) in (int, float)
            ]
            if numbers and name.isupper():
                hidden.append(f"{path.name}: {name}")
    assert set(hidden) - TECHNICAL == set()
    assert "statistics.py: _SOURCES" in hidden  # the numbers were found
    assert registered == len(listed) > 5


def test_constants_are_those_that_work():
    from abm import beliefs

    assert CONSTANTS["beliefs.certainty"].value is beliefs._CERTAINTY
    assert CONSTANTS["beliefs.certainty"].source == OURS
    np.testing.assert_array_equal(np.exp(beliefs._MOST[0]).round(9), CONSTANTS["beliefs.steepness"].value[1])


# As text, CSV and JSON


def test_json_and_csv_say_the_same(everything):
    record = ledger_record(everything, everything, None)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    rows = list(csv.DictReader(io.StringIO(ledger_csv(everything))))
    assert len(rows) == len(everything) == len(record["assumptions"])
    for row, line in zip(rows, record["assumptions"], strict=True):
        assert (row["key"], row["unit"], row["source"]) == (line["key"], line["unit"], line["source"])
        assert (
            float(row["low"] or "nan") == pytest.approx(line["low"] or np.nan, nan_ok=True) or not line["low"]
        )
        assert row["ours"] == str(line["ours"]).lower()
        if isinstance(line["value"], int | float) and not isinstance(line["value"], bool):
            assert float(row["value"]) == line["value"]


def test_no_cell_is_a_formula():
    settings = {"network": {"homophily": {"group": "=cmd|' /C calc'!A0", "strength": 0.5}}}
    text = ledger_csv(assumptions(load_scenario("digits-default", **settings)))
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
    assert "-0.1" in cells  # a number stays one


def test_text_fits_a_hundred_columns(everything):
    for line in ledger_text(everything):
        plain = line.replace("[bold]", "").replace("[/bold]", "")
        assert len(plain) <= 125 or " = " in plain, plain
        if plain.startswith("    "):
            assert len(plain) <= 101, plain


# On the command line


def test_command_lists_all_parameters(inside, everything):
    done = inside("assumptions", columns=100)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    at = lines.index("population.interest.sigma = 0.6")
    assert lines[at + 1] == "    Spread of log interest. Allowed: 0 to 5. Source: ours"
    assert "network, with family: erdos_renyi" in lines
    assert "use_case = required" in lines
    assert lines[-1] == ledger_summary(everything)
    assert sum(" = " in line and not line.startswith(" ") for line in lines) == len(everything)


def test_command_lists_a_scenario_and_what_is_set(inside):
    done = inside("assumptions", "digits-default", "--set", "decision.social_weight=2.5")
    lines = done.stdout.splitlines()
    assert "decision.social_weight = 2.5 utility * default: 0.5" in lines
    assert "network.family = taste_similarity * default: watts_strogatz" in lines
    assert "network, with family: erdos_renyi" not in lines


def test_only_ours(inside, everything):
    lines = inside("assumptions", "--ours").stdout.splitlines()
    shown = [line for line in lines if " = " in line and not line.startswith(" ")]
    assert len(shown) == sum(line.ours for line in everything) < len(everything)
    assert not [line for line in lines if line.startswith("companies.consumption.personalisation_boost")]
    assert lines[-1] == ledger_summary(everything)  # of all, not of those shown


def test_json_is_one_object(inside):
    record = json.loads(inside("assumptions", "digits-default", "--ours", "--json").stdout)
    assert record["scenario"] == "digits-default"
    assert record["parameters"] > 90
    assert len(record["assumptions"]) == record["ours"]
    assert all(line["ours"] for line in record["assumptions"])
    (precision,) = [line for line in record["assumptions"] if line["key"] == "decision.precision"]
    assert (precision["low"], precision["high"], precision["value"]) == (0, 1000, 5.0)


def test_csv_is_a_file(inside, tmp_path, everything):
    done = inside("assumptions", "--csv", "ledger.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ledger.csv").read_text() == ledger_csv(everything)
    assert done.stdout.splitlines()[0] == "Written to ledger.csv"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nosuch",), 2, "there is no scenario 'nosuch'"),
        (("nosuch.yaml",), 2, "nosuch.yaml: no such file"),
        (("--set", "ticks=3"), 2, "--set: name the scenario that it changes"),
        (("digits-default", "--set", "tics=3"), 2, "did you mean 'ticks'?"),
        (("--csv", "no/such/folder.csv"), 4, "cannot write no/such/folder.csv: No such file or directory"),
        (("--csv", "."), 4, "is a folder"),
    ],
)
def test_mistakes_are_one_line(inside, arguments, code, message):
    done = inside("assumptions", *arguments)
    assert done.returncode == code
    assert done.stdout == ""
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_run_keeps_its_ledger(played):
    folder, _, _ = played
    scenario = load_scenario(folder / "town.yaml")
    written = (folder / "results" / "small-town" / "assumptions.csv").read_text()
    assert written == ledger_csv(assumptions(scenario))
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(written))}
    assert (rows["population.users"]["value"], rows["population.users"]["changed"]) == ("60", "true")
    assert (rows["network.degree"]["value"], rows["network.degree"]["unit"]) == ("6", "neighbours")
    assert (rows["learner.filters"]["value"], rows["learner.filters"]["default"]) == ("8", "24")
