"""What holds for the whole of the source: floors, import circles, forbidden calls, documented parameters."""

from __future__ import annotations

import ast
import importlib
import subprocess
import typing
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from pydantic import BaseModel

from learners.parameters import Parameters

ROOT = Path(__file__).parents[1]
FLOORS = ("learners", "abm", "analysis", "scenarios")
"""From the ground up: a package may import those before it."""

FILES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
ROOMS = {"utils", "util", "common", "helpers", "helper", "misc", "core", "tools", "shared"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imported(tree: ast.AST, module: str, *, everywhere: bool) -> set[str]:
    """Return the dotted names that a module imports: at import time, or ``everywhere``."""
    names: set[str] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports between modules are absolute"
            names.update({node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)})
        if not everywhere and (
            is_type_checking(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ):
            pending.extend(node.orelse if isinstance(node, ast.If) else ())
        else:
            pending.extend(ast.iter_child_nodes(node))
    return names


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a ring; nothing where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_floor_is_here():
    assert {module.partition(".")[0] for module in MODULES} == set(FLOORS)
    assert len(MODULES) > 40


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module):
    floor = FLOORS.index(module.partition(".")[0])
    above = [
        name
        for name in imported(tree_of(module), module, everywhere=True)
        if name.partition(".")[0] in FLOORS[floor + 1 :]
    ]
    assert above == []


def test_analysis_starts_no_scenario_and_abm_reads_no_files():
    for module in MODULES:
        names = {name.partition(".")[0] for name in imported(tree_of(module), module, everywhere=True)}
        if not module.startswith("scenarios"):
            assert not names & {"yaml", "typer", "rich"}, module
        if module.startswith(("abm", "learners")):
            assert "matplotlib" not in names, module


def test_no_circle_of_imports():
    imports = {
        module: (imported(tree_of(module), module, everywhere=False) & MODULES.keys()) - {module}
        for module in MODULES
    }
    assert sum(map(len, imports.values())) > 100  # the imports were found
    assert circle(imports) == []


def test_circles_are_found():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
    source = "import a\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\ndef f():\n    from d import e\n"
    assert imported(ast.parse(source), "x", everywhere=False) == {"a", "c"}
    assert imported(ast.parse(source), "x", everywhere=True) == {"a", "b", "c", "d", "d.e"}


def test_no_room_for_odds_and_ends():
    parts = {part for module in MODULES for part in module.split(".")}
    assert not parts & ROOMS


FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "subprocess"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "joblib.load",
    "torch.load",
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.full_load",
}
FORBIDDEN_METHODS = {"read_pickle", "to_pickle", "extractall", "unpack_archive"}
FORBIDDEN_ARGUMENTS = {("shell", "True"), ("allow_pickle", "True"), ("weights_only", "False")}


def dangers(source: str) -> list[str]:
    """Return what in a source text could run code, or write, at the wish of a file it reads."""
    found = []
    tree = ast.parse(source)
    roots = {name.partition(".")[0] for name in imported(tree, "", everywhere=True)}
    found += sorted(roots & FORBIDDEN_MODULES)
    found += sorted(imported(tree, "", everywhere=True) & FORBIDDEN_CALLS)  # from joblib import load
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            arguments = {(keyword.arg, ast.unparse(keyword.value)) for keyword in node.keywords}
            if called in FORBIDDEN_CALLS or called.rpartition(".")[2] in FORBIDDEN_METHODS:
                found.append(called)
            found += [f"{name}={value}" for name, value in arguments & FORBIDDEN_ARGUMENTS]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_nothing_runs_code_from_data(module):
    assert dangers(MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from joblib import load",
        "import joblib; joblib.load(f)",
        "pd.read_pickle(f)",
        "eval(x)",
        "exec(x)",
        "yaml.load(f, Loader=yaml.Loader)",
        "torch.load(f)",
        "archive.extractall(path)",
        "run(x, shell=True)",
        "np.load(f, allow_pickle=True)",
    ],
)
def test_dangers_are_found(source):
    assert dangers(source)
    assert not dangers("model.eval()\nnp.load(f)\nyaml.parse(f)\nre.compile(x)\n")


def parameter_classes() -> list[type[Parameters]]:
    for module in MODULES:
        importlib.import_module(module)
    found: list[type[Parameters]] = []
    pending = [Parameters]
    while pending:
        for kind in pending.pop().__subclasses__():
            if kind.__module__ in MODULES and kind not in found:
                found.append(kind)
                pending.append(kind)
    return found


def is_group(annotation: object) -> bool:
    """Return whether a field holds parameters of its own, one class, a union of classes or a list of them."""
    inner = [part for part in typing.get_args(annotation) if part is not type(None)]
    if inner:
        return all(is_group(part) for part in inner if not hasattr(part, "discriminator"))
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def test_every_parameter_says_what_it_is_in_which_unit_and_whence():
    classes = parameter_classes()
    assert len(classes) > 15
    undocumented, checked = [], 0
    for kind in classes:
        for name, field in kind.model_fields.items():
            is_tag = typing.get_origin(field.annotation) is typing.Literal and name in (
                "kind",
                "rule",
                "family",
                "model",
                "design",
                "take",
            )
            if is_group(field.annotation) or (is_tag and len(typing.get_args(field.annotation)) == 1):
                continue
            if kind.__name__ == "Intervention" and name == "kind":
                continue  # the tag of its subclasses
            checked += 1
            extra = field.json_schema_extra
            told = isinstance(extra, dict) and extra.get("unit") and extra.get("source")
            if not (told and field.description):
                undocumented.append(f"{kind.__name__}.{name}")
    assert checked > 80
    assert undocumented == []


def test_parameters_are_strict_and_frozen():
    for kind in parameter_classes():
        config = kind.model_config
        assert (config["extra"], config["strict"], config["frozen"], config["allow_inf_nan"]) == (
            "forbid",
            True,
            True,
            False,
        ), kind


@pytest.mark.parametrize("floor", FLOORS)
def test_every_floor_is_typed_and_says_what_it_is(floor):
    assert (ROOT / floor / "py.typed").is_file()
    assert ast.get_docstring(ast.parse((ROOT / floor / "__init__.py").read_text()))


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module):
    assert ast.get_docstring(tree_of(module))
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 500


def repository_files() -> list[Path]:
    """Return the files that are, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_knows_where_it_was_written():
    places = ("../" + "shared", "/" + "work/")
    telling = [
        str(path.relative_to(ROOT))
        for path in repository_files()
        if any(place in path.read_text(encoding="utf-8", errors="ignore") for place in places)
    ]
    assert set(telling) <= {".ci/run"}


def test_tests_mirror_the_floors():
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.relative_to(ROOT / "tests").parent
        assert folder.parts == () or (ROOT / folder).is_dir(), path
