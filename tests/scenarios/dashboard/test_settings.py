"""Settings as links and files: validated, versioned, undone; no visitor chooses what the server reads."""

from __future__ import annotations

import json

import pytest

from learners.errors import InputError
from scenarios.dashboard.session import PAGES
from scenarios.dashboard.settings import (
    History,
    Settings,
    differences,
    link,
    read_link,
    read_value,
    value_of,
)
from scenarios.scenario import load_scenario, shipped


def changed(**changes):
    return Settings("digits-default", changes)


@pytest.mark.parametrize("preset", shipped())
def test_every_preset_is_playable_and_survives_a_link(preset):
    settings = Settings(preset)
    shipped_as = load_scenario(preset)
    asked = "composition" in shipped_as.record.model_fields_set
    assert settings.scenario() == load_scenario(preset, **({} if asked else {"record.composition": "off"}))
    assert read_link(link("live", settings), PAGES).settings == settings


def test_links_and_files_bring_back_the_same_scenario():
    settings = changed(**{"seed": 7, "decision.social_weight": 0.8, "interventions": []})
    other = changed(seed=7, network={"family": "erdos_renyi"})
    linked = read_link(link("compare", settings, other), PAGES)
    assert (linked.page, linked.problem) == ("compare", "")
    assert linked.settings.scenario() == settings.scenario()
    assert linked.other.scenario() == other.scenario()
    assert Settings.from_json(settings.json()).scenario() == settings.scenario()


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("v=2", "version 2"),
        ("page=admin", "no page 'admin'"),
        ("preset=nothing", "no scenario 'nothing'"),
        ("set={", "not JSON"),
        ("set=[1]", "keys with values"),
        ('set={"sed": 1}', "sed"),
        ('set={"seed": -1}', "seed"),
        ('set={"seed": NaN}', "not JSON"),
        ('set={"population.users": 2000000}', "population.users"),
        ('set={"ticks": 5000}', "ticks"),
        ("set=" + "[" * 3000, "not JSON"),
        ('set={"replay": "/etc/passwd", "mode": "replay"}', "replay: files cannot be chosen"),
        ('set={"curve": "/etc", "mode": "grid"}', "curve: files cannot be chosen"),
        ('set={"population.survey": "secret.csv"}', "population.survey: files cannot be chosen"),
        ('set={"network": {"family": "edge_list", "path": "/etc/passwd"}}', "network"),
    ],
)
def test_broken_links_are_explained_and_the_default_is_played(search, said):
    linked = read_link(search, PAGES)
    assert said in linked.problem
    assert linked.problem.startswith("The link could not be followed")
    assert linked.settings == Settings()
    assert linked.page == "live"


def test_a_change_back_to_the_presets_value_is_no_change():
    settings = Settings("digits-default").changed("seed", 5)
    assert dict(settings.changes) == {"seed": 5}
    assert settings.changed("seed", 1) == Settings("digits-default")
    assert settings.without("seed") == Settings("digits-default")


def test_the_composition_gap_is_measured_where_it_is_asked_for():
    assert load_scenario("digits-default").record.composition == 10
    assert Settings().scenario().record.composition == "off"
    asked = Settings().changed("record.composition", 10)
    assert asked.scenario() == load_scenario("digits-default")
    assert asked.changed("record.composition", "off").changes == {}
    assert Settings("composition").scenario().record.composition == 2


def test_undo_and_redo():
    first, second, third = (changed(seed=seed) for seed in (1, 2, 3))
    history = History(first).then(second).then(third)
    assert history.undo().now == second
    assert history.undo().undo().now == first
    assert history.undo().undo().undo().now == first
    assert history.undo().redo().now == third
    assert history.undo().then(first).undone == ()
    assert history.then(third) is history


@pytest.mark.parametrize("text", ["", "{}", '{"format": "other"}', "[" * 100_000, '{"format": 1e999}'])
def test_files_that_are_no_settings_are_refused(text):
    with pytest.raises(InputError, match="file"):
        Settings.from_json(text)


def test_unknown_keys_of_a_file_are_named():
    record = json.loads(Settings().json()) | {"extra": 1}
    with pytest.raises(InputError, match="extra"):
        Settings.from_json(json.dumps(record))


def test_values_are_read_as_in_a_scenario_file():
    assert read_value("0.5") == 0.5
    assert read_value("no") == "no"
    assert read_value("[a, 1]") == ["a", 1]
    with pytest.raises(InputError):
        read_value("{")
    assert value_of(load_scenario("digits-default"), "interventions.0.start") == 12
    assert value_of(load_scenario("digits-default"), "interventions.4.start") is None


def test_differences_name_keys_and_laws():
    a, b = changed(), changed(**{"decision.precision": 8.0, "interventions": []})
    found = differences(a.scenario(), b.scenario())
    assert ("decision.precision", "5.0", "8.0") in found
    (law,) = (line for line in found if line[0].startswith("law"))
    assert law[0] == "law: portability law"
    assert law[1].startswith("from tick 12")
    assert law[2] == "not there"
    assert differences(a.scenario(), a.scenario()) == []
