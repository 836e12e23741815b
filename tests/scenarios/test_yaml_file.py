from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from learners.errors import InputError
from learners.parameters import Parameters, parameter
from scenarios.yaml_file import MAX_BYTES, read_mapping, set_key, validated, with_value, written

Share = Annotated[float, Field(ge=0, le=1)]


# ruff: noqa: RUF012 - pydantic copies mutable defaults


class Interest(Parameters):
    mean: float = parameter(1.0, "Mean interest.", unit="utility", ge=0)
    sd: float = parameter(0.6, "Spread of interest.", unit="-", gt=0, lt=10)

    @model_validator(mode="after")
    def _spread(self) -> "Interest":
        if self.sd > 5 * self.mean:
            raise ValueError(f"sd ({self.sd}) is more than five means ({self.mean})")
        return self


class Population(Parameters):
    users: Literal["all"] | Annotated[int, Field(ge=1)] = parameter("all", "People.", unit="people")
    participation: Share = parameter(0.1, "Share that takes part.", unit="-")
    interest: Interest = Interest()
    costs: dict[Literal["withhold", "delete", "contribute"], Share] = {}


class Law(Parameters):
    kind: Literal["law", "statute"]
    start: int = parameter(..., "First tick.", unit="tick", ge=0)
    shares: tuple[Share, ...] = ()


class Tool(Parameters):
    kind: Literal["tool"]
    start: int = parameter(..., "First tick.", unit="tick", ge=0)
    target: Interest | float | None = None


class Clock(Parameters):
    kind: Literal["static", "stream"] = "static"
    at_start: Share = 0.6


class Scenario(Parameters):
    name: str = parameter(..., "Name.", unit="-", pattern="^[a-z0-9-]+$")
    ticks: int = parameter(40, "Ticks.", unit="tick", ge=1, le=1000)
    question: str = ""
    population: Population = Population()
    clock: Clock | None = None
    groups: dict[str, Interest] = {}
    weights: dict[int, Share] = {}
    interventions: tuple[Annotated[Law | Tool, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _in_time(self) -> "Scenario":
        for index, intervention in enumerate(self.interventions):
            if intervention.start > self.ticks:
                raise ValueError(
                    f"interventions.{index}.start ({intervention.start}) is after "
                    f"the last tick ({self.ticks})"
                )
        return self


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes) -> Path:
        path = Path("scenario.yaml")
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def problem(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        validated(read_mapping(path), Scenario)
    return str(caught.value)


def test_valid_file_gives_the_parameters(file):
    scenario = validated(
        read_mapping(
            file(
                "name: a-law  # comment\n"
                "ticks: 50\n"
                "population: {users: 20, interest: {mean: 1e-3, sd: 1e-3}, costs: {delete: .5}}\n"
                "clock: {kind: stream}\n"
                "weights: {1: 0.5}\n"
                "groups:\n  young: {mean: 2}\n"
                "interventions:\n- {kind: statute, start: 15, shares: [0, 1.0]}\n- {kind: tool, start: 3}\n"
            )
        ),
        Scenario,
    )
    assert scenario == Scenario(
        name="a-law",
        ticks=50,
        population=Population(users=20, interest=Interest(mean=0.001, sd=0.001), costs={"delete": 0.5}),
        clock=Clock(kind="stream"),
        weights={1: 0.5},
        groups={"young": Interest(mean=2.0)},
        interventions=(Law(kind="statute", start=15, shares=(0.0, 1.0)), Tool(kind="tool", start=3)),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("-.5E+2", -50.0), ("5.", 5.0), ("010", 10), ("0x1F", 31), ("0o17", 15),
        ("1_000", "1_000"),
        ("no", "no"), ("Yes", "Yes"), ("on", "on"), ("TRUE", True), ("false", False), ("'true'", "true"),
        ("~", None), ("", None), ("null", None), ("12:30:00", "12:30:00"), ("2024-01-01", "2024-01-01"),
        ("=", "="), ("<<", "<<"), ("|\n  1\n", "1\n"), ("-.inf", float("-inf")), ("'50'", "50"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(file, text, value):
    read = read_mapping(file(f"key: {text}\n")).values["key"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: a\npopulation:\n  users: all\n  particpation: 0.2\n",
            "scenario.yaml:4: population.particpation: unknown key, did you mean 'participation'?",
        ),
        ("name: a\nticks: '50'\n", "scenario.yaml:2: ticks: should be a valid integer (got '50')"),
        ("name: a\nticks: 50.5\n", "scenario.yaml:2: ticks: should be a valid integer (got 50.5)"),
        ("name: a\nticks: true\n", "scenario.yaml:2: ticks: should be a valid integer (got true)"),
        ("name: a\nticks:\n", "scenario.yaml:2: ticks: should be a valid integer (got null)"),
        ("name: a\nticks: 0\n", "scenario.yaml:2: ticks: should be at least 1 and at most 1000 (got 0)"),
        (
            "name: a\npopulation:\n  interest:\n    mean: 2\n    sd: 10.0\n",
            "scenario.yaml:5: population.interest.sd: should be more than 0 and less than 10 (got 10.0)",
        ),
        (
            "name: a\npopulation:\n  participation: .nan\n",
            "scenario.yaml:3: population.participation: should be a finite number (got nan)",
        ),
        (
            "name: a\npopulation:\n  participation: 1e400\n",
            "scenario.yaml:3: population.participation: should be a finite number (got inf)",
        ),
        ("ticks: 5\n", "scenario.yaml:1: name: required key is missing"),
        ("name: ../x\n", "scenario.yaml:1: name: should match pattern '^[a-z0-9-]+$' (got '../x')"),
        (
            "name: a\nzzz: 1\n",
            (
                "scenario.yaml:2: zzz: unknown key; known keys: name, ticks, question, population, "
                "clock, groups, weights, interventions"
            ),
        ),
        ("name: a\npopulation: 3\n", "scenario.yaml:2: population: should be a mapping (got 3)"),
        ("name: a\ninterventions: 3\n", "scenario.yaml:2: interventions: should be a list (got 3)"),
        # an Optional nested model
        (
            "name: a\nclock:\n  kind: stream\n  at_strt: 1\n",
            "scenario.yaml:4: clock.at_strt: unknown key, did you mean 'at_start'?",
        ),
        (
            "name: a\nclock: {kind: live}\n",
            "scenario.yaml:2: clock.kind: should be 'static' or 'stream' (got 'live')",
        ),
        # discriminated unions in a list
        (
            "name: a\ninterventions:\n  - kind: lwa\n    start: 1\n",
            "scenario.yaml:3: interventions.0.kind: unknown kind 'lwa', did you mean 'law'?",
        ),
        (
            "name: a\ninterventions:\n  - start: 1\n    kind: xyz\n",
            "scenario.yaml:4: interventions.0.kind: unknown kind 'xyz'; allowed: law, statute, tool",
        ),
        (
            "name: a\ninterventions:\n  - {kind: law, start: 1}\n  - start: 1\n",
            "scenario.yaml:4: interventions.1.kind: required key is missing; allowed: law, statute, tool",
        ),
        (
            "name: a\ninterventions:\n  - kind: statute\n    start: 1\n    strat: 2\n",
            "scenario.yaml:5: interventions.0.strat: unknown key, did you mean 'start'?",
        ),
        (
            "name: a\ninterventions:\n- kind: law\n",
            "scenario.yaml:3: interventions.0.start: required key is missing",
        ),
        (
            "name: a\ninterventions:\n- kind: law\n  start: 1\n  shares:\n  - 0\n  - 2\n",
            "scenario.yaml:7: interventions.0.shares.1: should be at least 0 and at most 1 (got 2)",
        ),
        # plain unions: one line for one value, not one for each member
        (
            "name: a\npopulation: {users: some}\n",
            "scenario.yaml:2: population.users: should be 'all' or a valid integer (got 'some')",
        ),
        (
            "name: a\npopulation: {users: 0}\n",
            "scenario.yaml:2: population.users: should be 'all' or at least 1 (got 0)",
        ),
        (
            "name: a\ninterventions:\n- kind: tool\n  start: 1\n  target:\n    maen: 1\n",
            "scenario.yaml:6: interventions.0.target.maen: unknown key, did you mean 'mean'?",
        ),
        # dict fields
        (
            "name: a\npopulation:\n  costs:\n    withold: 1\n",
            "scenario.yaml:4: population.costs.withold: unknown key, did you mean 'withhold'?",
        ),
        (
            "name: a\npopulation:\n  costs:\n    delete: 2\n",
            "scenario.yaml:4: population.costs.delete: should be at least 0 and at most 1 (got 2)",
        ),
        (
            "name: a\ngroups:\n  young:\n    men: 2\n",
            "scenario.yaml:4: groups.young.men: unknown key, did you mean 'mean'?",
        ),
        (
            "name: a\nweights:\n  1: 0.5\n  x: 0.5\n",
            (
                "scenario.yaml:4: weights.x: should be a valid integer, unable to "
                "parse string as an integer (got 'x')"
            ),
        ),
        # validators of ours: at the key they begin with, otherwise at the mapping they judge
        (
            "name: a\nticks: 10\ninterventions:\n  - kind: law\n    start: 20\n",
            "scenario.yaml:5: interventions.0.start (20) is after the last tick (10)",
        ),
        (
            "name: a\npopulation:\n  interest:\n    mean: 1\n    sd: 9\n",
            "scenario.yaml:5: population.interest.sd (9.0) is more than five means (1.0)",
        ),
        (
            "name: a\ngroups:\n  young:\n    mean: 0\n",
            "scenario.yaml:3: groups.young: sd (0.6) is more than five means (0.0)",
        ),
    ],
)
def test_each_problem_is_one_line_at_its_key(file, text, message):
    assert problem(file(text)) == message


def test_problems_stand_in_the_order_of_the_file(file):
    text = "populaton: {}\nticks: 0\npopulation:\n  participation: 2\n  users: 0\n"
    assert [line.split(": ")[1] for line in problem(file(text)).splitlines()] == [
        "name", "populaton", "ticks", "population.participation", "population.users",
    ]  # fmt: skip


def test_long_values_are_cut_and_control_characters_escaped(file):
    message = problem(file("name: a\nticks: [" + "1, " * 99 + ']\n"new\\nline": 1\n'))
    assert len(message.splitlines()) == 2
    assert message.splitlines()[0].endswith("...)")
    assert "new\\nline" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "scenario.yaml: the file is empty; a mapping of keys is expected"),
        ("# only a comment\n", "scenario.yaml: the file is empty; a mapping of keys is expected"),
        ("---\n", "scenario.yaml: the file is empty; a mapping of keys is expected"),
        ("- 1\n", "scenario.yaml: a mapping of keys is expected at the top, not a list"),
        ("hello\n", "scenario.yaml: a mapping of keys is expected at the top, not 'hello'"),
        ("name: a\nseed: 1\nseed: 2\n", "scenario.yaml:3: seed: duplicate key (first on line 2)"),
        ("a:\n  b: {c: 1,\n    c: 2}\n", "scenario.yaml:3: a.b.c: duplicate key (first on line 2)"),
        ("'1': a\n1: b\n", "scenario.yaml:2: 1: duplicate key (first on line 1)"),
        (
            "x: &a [1]\ny: [*a, *a]\n",
            "scenario.yaml:1: YAML anchors and aliases (&name, *name) are not accepted",
        ),
        ("x: 1\ny: *a\n", "scenario.yaml:2: YAML anchors and aliases (&name, *name) are not accepted"),
        ("&a x: 1\n", "scenario.yaml:1: a key must be plain text"),
        ("? [1]\n: 2\n", "scenario.yaml:1: a key must be plain text"),
        ("x: 1\ny: !!int 3\n", "scenario.yaml:2: YAML tags are not accepted (got 'tag:yaml.org,2002:int')"),
        ("x: !mine 3\n", "scenario.yaml:1: YAML tags are not accepted (got '!mine')"),
        ("x: ! 3\n", "scenario.yaml:1: YAML tags are not accepted (got '!')"),
        ("name: a\n  b: [1\n", "scenario.yaml:2: not valid YAML: mapping values are not allowed here"),
        (
            "x: [1\ny: 2\n",
            (
                "scenario.yaml:2: not valid YAML: while parsing a flow sequence, "
                "expected ',' or ']', but got ':'"
            ),
        ),
        ("x: 1\n---\ny: 2\n", "scenario.yaml:2: a second YAML document ('---') is not accepted"),
        ("x: 1\ny: \0\n", "scenario.yaml:2: not valid YAML: the character U+0000 is not allowed"),
        ('x: "\\ud800"\n', "scenario.yaml:1: not a text: '\\ud800'"),
        (f"x: {'9' * 5000}\n", "scenario.yaml:1: a number of 5000 digits is too long"),
        (
            b"name: a\nquestion: f\xfcr\n",
            "scenario.yaml:2: not UTF-8 text (byte 0xfc); save the file as UTF-8",
        ),
        ("name: a\n".encode("utf-16"), "scenario.yaml:1: not UTF-8 text (byte 0xff); save the file as UTF-8"),
        ("x: " + "[" * 33 + "]" * 33, "scenario.yaml:1: nested more than 32 levels deep"),
    ],
)
def test_what_is_not_a_plain_mapping_is_refused_in_one_line(file, text, message):
    with pytest.raises(InputError) as caught:
        read_mapping(file(text))
    assert str(caught.value) == message


def test_no_code_runs_and_bombs_are_cheap(file, tmp_path):
    marker = tmp_path / "marker"
    with pytest.raises(InputError, match="tags are not accepted"):
        read_mapping(file(f"x: !!python/object/apply:os.system ['touch {marker}']\n"))
    assert not marker.exists()
    with pytest.raises(InputError, match="nested more than 32"):
        read_mapping(file("x: " + "[" * 100_000))
    with pytest.raises(InputError, match="anchors"):
        read_mapping(file("a: &a [x, x]\n" + "b: &b [*a, *a, *a]\n" * 20))
    with pytest.raises(InputError, match="larger than 1,000,000 bytes"):
        read_mapping(file(b"#" * (MAX_BYTES + 1)))
    assert read_mapping(file(b"a: 1 #" + b"#" * (MAX_BYTES - 6))).values == {"a": 1}


def test_depth_limit_counts_lists_and_mappings(file):
    deepest = "x: " + "[" * 31 + "1" + "]" * 31
    assert read_mapping(file(deepest)).values["x"]
    indented = "".join(f"{' ' * level}k:\n" for level in range(40))
    with pytest.raises(InputError, match=r"^scenario\.yaml:33: nested more than 32 levels deep$"):
        read_mapping(file(indented))


def test_byte_order_mark_and_crlf_are_accepted(file):
    assert read_mapping(file(b"\xef\xbb\xbfname: a\r\nticks: 5\r\n")).values == {"name": "a", "ticks": 5}
    assert problem(file(b"\xef\xbb\xbfname: a\r\nticks: x\r\n")).startswith("scenario.yaml:2: ticks:")


def test_file_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^none\.yaml: no such file$"):
        read_mapping(Path("none.yaml"))
    with pytest.raises(InputError, match=r"is a folder, not a file$"):
        read_mapping(tmp_path)
    with pytest.raises(InputError, match=r"cannot be read \(embedded null byte\)$"):
        read_mapping(Path("a\0b"))


@pytest.fixture
def document(file):
    return read_mapping(
        file("name: a\npopulation:\n  users: 10\nclock:\ninterventions:\n- {kind: law, start: 3}\n")
    )


@pytest.mark.parametrize(
    ("key", "text", "path", "value"),
    [
        ("population.users", "50", ("population", "users"), 50),
        ("population.users", "all", ("population", "users"), "all"),
        ("ticks", "5", ("ticks",), 5),
        ("interventions.0.start", "5", ("interventions", 0, "start"), 5),
        ("clock.kind", "stream", ("clock", "kind"), "stream"),
        ("population.interest.mean", "5e-1", ("population", "interest", "mean"), 0.5),
        ("interventions", "[]", ("interventions",), []),
        ("population", "{users: 3}", ("population",), {"users": 3}),
        ("question", "'a: b'", ("question",), "a: b"),
    ],
)
def test_set_replaces_or_adds_one_value(document, key, text, path, value):
    before = repr(document)
    changed: Any = set_key(document, key, text).values
    for step in path:
        changed = changed[step]
    assert changed == value
    assert repr(document) == before
    validated(set_key(document, key, text), Scenario)


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        (
            "population.users",
            "0",
            "--set population.users=0: population.users: should be 'all' or at least 1 (got 0)",
        ),
        (
            "population.particpation",
            "1",
            (
                "--set population.particpation=1: population.particpation: unknown key, "
                "did you mean 'participation'?"
            ),
        ),
        (
            "population",
            "{users: 0}",
            ("--set population={users: 0}: population.users: should be 'all' or at least 1 (got 0)"),
        ),
        (
            "ticks",
            "two\nlines",
            "--set ticks=two\\nlines: ticks: should be a valid integer (got 'two lines')",
        ),
        (
            "interventions.0.kind",
            "x",
            (
                "--set interventions.0.kind=x: interventions.0.kind: unknown kind 'x'; "
                "allowed: law, statute, tool"
            ),
        ),
        (
            "interventions.0",
            "{kind: law}",
            ("--set interventions.0={kind: law}: interventions.0.start: required key is missing"),
        ),
        (
            "groups.young.mean",
            "-1",
            "--set groups.young.mean=-1: groups.young.mean: should be at least 0 (got -1)",
        ),
        ("ticks", "2", "scenario.yaml:6: interventions.0.start (3) is after the last tick (2)"),
    ],
)
def test_problem_of_an_option_is_blamed_on_the_option(document, key, text, message):
    with pytest.raises(InputError) as caught:
        validated(set_key(document, key, text), Scenario)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        (
            "interventions.1.start",
            "5",
            ("--set interventions.1.start=5: interventions has entries 0 to 0, so '1' names none of them"),
        ),
        (
            "interventions.x",
            "5",
            "--set interventions.x=5: interventions has entries 0 to 0, so 'x' names none of them",
        ),
        ("name.x", "5", "--set name.x=5: name is 'a', so it has no key 'x'"),
        ("a..b", "5", "--set a..b=5: 'a..b' is not a key; write keys with single dots between them"),
        (
            "ticks",
            "[1",
            (
                "--set ticks=[1: not valid YAML: while parsing a flow sequence, expected ',' or ']', but got "
                "'<stream end>'"
            ),
        ),
        (
            "question",
            "a: b",
            ("--set question=a: b: write {key: value} for a mapping, [a, b] for a list; quote other text"),
        ),
        (
            "question",
            "!!int 3",
            "--set question=!!int 3: YAML tags are not accepted (got 'tag:yaml.org,2002:int')",
        ),
    ],
)
def test_option_that_cannot_be_applied(document, key, text, message):
    with pytest.raises(InputError) as caught:
        set_key(document, key, text)
    assert str(caught.value) == message


def test_value_given_in_python_names_its_own_origin(document):
    with pytest.raises(
        InputError, match=r"^--ticks 0: ticks: should be at least 1 and at most 1000 \(got 0\)$"
    ):
        validated(with_value(document, "ticks", 0, "--ticks 0"), Scenario)


def test_value_given_in_python_may_be_numpy_s_or_a_parameter_object(document):
    changed = with_value(document, "ticks", np.int64(5), "ticks")
    changed = with_value(changed, "interventions", (), "interventions")
    changed = with_value(changed, "population.interest", Interest(mean=2.0), "interest")
    scenario = validated(changed, Scenario)
    assert (scenario.ticks, scenario.interventions, scenario.population.interest.mean) == (5, (), 2.0)
    with pytest.raises(InputError, match=r"^ticks=\?: object is nothing that a scenario file can say$"):
        with_value(document, "ticks", object(), "ticks=?")


@given(
    st.binary(max_size=200) | st.text(alphabet="ab:- \n{}[]&*!'\"#|>%@,?0.1e~", max_size=80).map(str.encode)
)
def test_any_bytes_give_a_document_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    try:
        document = read_mapping(path)
        validated(document, Scenario)
    except InputError as error:
        message = str(error)
    else:
        return
    assert all(line.startswith(f"{path}:") for line in message.splitlines())


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co")), max_size=30)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.sampled_from(
        ["1e-3", "no", "010", "0x1f", "~", "null", "12:30:00", "=", "<<", "- a", "a: b", "a #b"]
    )
)
WRITABLE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, WRITABLE, max_size=4))
def test_what_is_written_is_read_back_as_it_was(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("written") / "a.yaml"
    path.write_text(written(values), encoding="utf-8")
    assert read_mapping(path).values == values
