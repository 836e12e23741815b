"""The dashboard in a browser that can reach nothing but its server."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


def table(visitor):
    content, _ = visitor.download("CSV")
    return pd.read_csv(io.BytesIO(content))


def without_seconds(frame):
    return frame[[name for name in frame if "seconds" not in name]]


def grown(visitor, beyond):
    end = time.monotonic() + 240
    while visitor.tick() <= beyond and time.monotonic() < end:
        time.sleep(0.05)
    assert visitor.tick() > beyond


def test_every_page_draws_and_nothing_outside_is_asked_for(visit):
    visitor = visit().open_run()
    visitor.page.locator("canvas").nth(4).wait_for()  # four charts and the bars
    for page, shown in (
        ("Compare", "World B is A"),
        ("Studies", "No results yet"),
        ("Explain", "The leverage curve"),
    ):
        visitor.press(page, exact=True)
        visitor.page.get_by_text(shown).first.wait_for()
    visitor.page.locator("canvas:visible").nth(2).wait_for()


def test_step_play_pause_reset_and_the_same_seed(visit):
    visitor = visit().open_run(interventions=[], ticks=60)
    for tick in (1, 2, 3):
        visitor.press("Step")
        visitor.status(f"Tick {tick} of 60 · paused")
    first = table(visitor)
    assert first["tick"].tolist() == [0, 1, 2, 3]
    visitor.press("Play", exact=True)
    grown(visitor, 4)
    visitor.press("Pause")
    visitor.status("paused")
    stopped = visitor.tick()
    time.sleep(1.5)
    assert visitor.tick() == stopped
    visitor.press("Reset")
    visitor.status("Tick 0 of 60 · ready")
    for tick in (1, 2, 3):
        visitor.press("Step")
        visitor.status(f"Tick {tick} of 60 · paused")
    pd.testing.assert_frame_equal(without_seconds(first), without_seconds(table(visitor)))


def test_a_call_is_felt_at_the_next_tick_logged_and_called_off(visit):
    visitor = visit().open_run(interventions=[])
    visitor.press("Call on 10 % to act")
    visitor.page.get_by_text("begins with the next tick").wait_for()
    visitor.press("Step")
    visitor.page.get_by_text("30 follow since tick 1").wait_for()
    visitor.page.get_by_role("cell", name="10% of everybody are called to strike").wait_for()
    called = table(visitor)
    assert called["share_strike"].iloc[1] >= 0.1 > called["share_strike"].iloc[0]
    visitor.press("Call off strike, 10% of everybody")
    visitor.page.get_by_role("cell", name="called off: strike, 10% of everybody").wait_for()
    visitor.press("Step")
    visitor.status("Tick 2")
    assert table(visitor)["share_strike"].iloc[2] < called["share_strike"].iloc[1]


def test_a_law_switched_on_changes_the_run_and_can_become_a_pair(visit):
    visitor = visit().open_run(interventions=[], ticks=15)
    visitor.page.get_by_label("Portability law", exact=True).check(force=True)
    visitor.page.get_by_role("cell", name="portability law enacted by you, from tick 1 on").wait_for()
    visitor.press("Play", exact=True)
    visitor.status("finished")
    with_law = table(visitor)
    visitor.press("Reset")
    visitor.status("ready")
    visitor.press("Play", exact=True)
    visitor.status("finished")
    assert table(visitor)["share_cdc"].iloc[-1] < with_law["share_cdc"].iloc[-1]
    visitor.press("Compare with and without portability law")
    visitor.page.get_by_role("cell", name="law: portability law").wait_for()
    visitor.page.get_by_text("World B: tick 15, finished").wait_for()
    visitor.page.get_by_text("World A: tick 15, finished").wait_for()
    cells = visitor.page.get_by_role("row", name=re.compile("^People who contribute")).get_by_role("cell")
    assert float(cells.nth(3).inner_text()) > 0


def test_the_same_settings_give_no_difference(visit):
    visitor = visit().open(page="compare", set=json.dumps({"interventions": [], "ticks": 6}))
    visitor.page.get_by_text("both worlds are the same").wait_for()
    visitor.page.get_by_text("Common seed 1").wait_for()
    visitor.press("Play both")
    visitor.page.get_by_text("World A: tick 6, finished").wait_for()
    visitor.page.get_by_text("World B: tick 6, finished").wait_for()
    values = visitor.page.get_by_role("region", name="Values")
    values.get_by_text("At tick 6").wait_for()
    rows = values.get_by_role("row").all()[1:]
    assert len(rows) > 5
    for row in rows:
        assert row.get_by_role("cell").nth(3).inner_text() in ("+0.000", "+0", "-")
    assert "B less world A" in visitor.page.get_by_role("img").nth(1).get_attribute("aria-label")


def test_visitors_know_nothing_of_each_other(visit):
    first = visit().open_run(interventions=[])
    second = visit().open_run(seed=2, interventions=[])
    first.press("Call on 10 % to act")
    first.press("Play", exact=True)
    first.status("finished")
    assert second.tick() == 0
    assert second.page.get_by_text("Call off").count() == 0
    assert second.page.get_by_text("one run, seed 2").count() == 1
    second.press("Step")
    second.status("Tick 1")
    assert first.tick() == 40


def test_a_link_brings_settings_back_and_a_broken_one_is_explained(visit):
    visitor = visit().open_run()
    seed = visitor.page.get_by_label("seed, -").or_(visitor.page.get_by_label("seed", exact=True)).first
    seed.fill("eleven")
    seed.press("Enter")
    visitor.page.get_by_text("should be a valid integer").wait_for()
    seed.fill("11")
    visitor.press("Step")  # what happens meanwhile leaves what is being typed as it is
    visitor.status("Tick 1")
    assert seed.input_value() == "11"
    visitor.page.get_by_text("waits for Reset").wait_for()
    assert visitor.page.get_by_text("should be a valid integer").count() == 0
    visitor.page.wait_for_url(re.compile(r"seed.*11"))
    other = visit()
    other.page.goto(visitor.page.url)
    other.status("ready")
    other.page.get_by_text("one run, seed 11").wait_for()
    visitor.press("Undo")
    visitor.page.get_by_text("waits for Reset").wait_for(state="detached")
    broken = visit().open(set='{"seed": -3}')
    alert = broken.page.locator(".note.bad")
    alert.wait_for()
    assert "seed" in alert.inner_text()
    assert "Traceback" not in broken.page.locator("body").inner_text()
    broken.status("ready")


def test_every_download_holds_what_it_says(visit):
    visitor = visit().open_run(interventions=[])
    visitor.press("Step")
    visitor.status("Tick 1")
    png, name = visitor.download("PNG")
    assert png.startswith(b"\x89PNG")
    assert name == "digits-default-seed-1.png"
    svg, _ = visitor.download("SVG")
    assert b"<svg" in svg
    archive, _ = visitor.download("Run as zip")
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.testzip() is None
        assert "digits-default/run.json" in packed.namelist()
    frame = table(visitor)
    assert len(frame) == 2
    assert {"participation", "dlp_cdc", "quality_large_holdout"} <= set(frame.columns)
    visitor.page.get_by_text("Settings as a file").click()
    settings, _ = visitor.download("Download the settings")
    assert json.loads(settings)["set"] == {"interventions": []}


def test_settings_come_back_from_a_file_and_a_file_of_something_else_is_named(visit, tmp_path):
    visitor = visit().open_run()
    visitor.page.get_by_text("Settings as a file").click()
    choice = visitor.page.get_by_label("Take settings from a file")
    text, name = visitor.download("Download the settings")
    assert name == "digits-default.json"
    changed = {**json.loads(text), "set": {"seed": 12, "ticks": 30}}
    (tmp_path / "mine.json").write_text(json.dumps(changed), encoding="utf-8")
    choice.set_input_files(tmp_path / "mine.json")
    visitor.page.get_by_text("waits for Reset").wait_for()
    visitor.press("Reset")
    visitor.status("Tick 0 of 30 · ready")
    visitor.page.get_by_text("one run, seed 12").wait_for()
    again, _ = visitor.download("Download the settings")
    assert json.loads(again) == changed
    (tmp_path / "other.json").write_text('{"a": 1}', encoding="utf-8")
    choice.set_input_files(tmp_path / "other.json")
    visitor.page.get_by_text("other.json: the file does not hold settings").wait_for()
    (tmp_path / "long.json").write_text(" " * 200_000, encoding="utf-8")
    choice.set_input_files(tmp_path / "long.json")
    visitor.page.get_by_text("long.json: it is longer than").wait_for()
    assert json.loads(visitor.download("Download the settings")[0]) == changed


def test_another_production_function_is_played_at_reset_and_is_what_differs(visit):
    rule = {"decision.rule": "critical_mass", "interventions": [], "ticks": 12}
    visitor = visit().open_run(**rule)
    visitor.press("Play", exact=True)
    visitor.status("finished")
    linear = table(visitor)
    visitor.page.get_by_text(re.compile("^Any of the other")).click()
    visitor.page.get_by_role("combobox", name="Parameter", exact=True).fill("decision.production.kind")
    field = visitor.page.get_by_label("decision.production.kind", exact=False).last
    field.fill("accelerating")
    field.press("Enter")
    visitor.page.get_by_text("waits for Reset").wait_for()
    assert without_seconds(table(visitor)).equals(without_seconds(linear))
    visitor.press("Reset")
    visitor.status("Tick 0 of 12 · ready")
    visitor.press("Play", exact=True)
    visitor.status("finished")
    assert not without_seconds(table(visitor)).equals(without_seconds(linear))
    visitor.press("Compare", exact=True)
    row = visitor.page.get_by_role("row", name="decision.production.kind")
    row.wait_for()
    assert [cell.inner_text() for cell in row.get_by_role("cell").all()[1:]] == ["accelerating", "linear"]


def test_a_long_retraining_is_shown_keeps_nobody_waiting_and_can_be_broken_off(visit):
    # Each company retrains for seconds at every tick, and nothing else takes long.
    blind = {"linear": 1.0, "pessimist": 0.0, "true": 0.0}
    slow = {"learner.filters": 1800, "population.beliefs": blind, "interventions": [], "ticks": 9}
    visitor = visit().open_run(**slow)
    visitor.press("Step")
    progress = visitor.page.get_by_role("progressbar")
    progress.wait_for()
    visitor.press("Explain", exact=True)
    visitor.page.get_by_text("What the words mean").wait_for()
    visitor.press("Live", exact=True)
    assert visitor.tick() == 0  # the retraining still goes on: nobody has waited for it
    visitor.press("Break off; serve the last model")
    visitor.status("Tick 1 of 9 · paused")
    visitor.page.get_by_text("Tick 1 is whole, but broken off").wait_for()
    progress.wait_for(state="detached")
    visitor.press("Step")
    visitor.status("Tick 2 of 9 · paused")
    stale = table(visitor)["stale"]
    assert stale.tolist() == [False, True, False]


def test_a_killed_worker_is_reported_and_reset_recovers(visit, server):
    visitor = visit().open_run(seed=31)
    for worker in server.workers():
        worker.kill()
    alert = visitor.page.locator(".note.bad")
    alert.wait_for()
    assert "SIGKILL" in alert.inner_text()
    visitor.press("Reset")
    visitor.status("ready")
    visitor.press("Step")
    visitor.status("Tick 1")


def test_the_keyboard_suffices_and_everything_has_a_name(visit):
    visitor = visit().open_run(interventions=[])

    def reach(name):
        for _ in range(120):
            visitor.page.keyboard.press("Tab")
            if visitor.page.evaluate("document.activeElement.innerText || ''").strip().startswith(name):
                return
        raise AssertionError(f"Tab does not reach {name}")

    reach("Step")
    visitor.page.keyboard.press("Enter")
    visitor.status("Tick 1")
    reach("Call on 10 %")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_text("begins with the next tick").wait_for()
    reach("Explain")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_text("What the words mean").wait_for()
    visitor.press("Live", exact=True)
    visitor.page.locator("[role=img]").nth(4).wait_for()
    for role in ("button", "textbox", "switch", "slider", "combobox"):
        nameless = [
            element.evaluate("element => element.outerHTML.slice(0, 200)")
            for element in visitor.page.get_by_role(role).all()
            if element.is_visible() and not _name(element)
        ]
        assert nameless == [], role
    charts = visitor.page.locator("[role=img]").all()
    assert len(charts) >= 6
    assert all(chart.get_attribute("aria-label") for chart in charts)
    assert "At tick 1: " in charts[0].get_attribute("aria-label")


def _name(element):
    return element.evaluate(
        """element => (element.getAttribute("aria-label") || element.innerText || element.title
            || [...(element.labels || [])].map(label => label.innerText).join(" ")
            || (element.closest(".v-input") || element).innerText || "").trim()"""
    )


def test_studies_show_the_runs_of_the_folder_and_name_what_is_malformed(visit, server):
    from scenarios.run_directory import RunDirectory
    from scenarios.runs import play
    from scenarios.scenario import load_scenario

    played = play(load_scenario("digits-default", ticks=4, interventions=[]))
    with RunDirectory(server.results / "four-ticks") as directory:
        played.write(directory)
    damaged = server.results / "damaged"
    damaged.mkdir()
    (damaged / "run.json").write_text("{", encoding="utf-8")
    (damaged / "ticks.parquet").write_bytes(b"no table")
    (server.results / "link").symlink_to(server.results / "four-ticks")
    visitor = visit().open(page="studies")
    visitor.press("four-ticks (run)")
    chart = visitor.page.locator("[role=img]:visible").first  # the other pages stay mounted, hidden
    chart.wait_for()
    share = 100 * played.ticks["share_strike"].iloc[-1]
    assert f"strike {share:.3g}" in chart.get_attribute("aria-label")
    assert visitor.button("link (run)").count() == 0
    visitor.press("damaged (run)")
    visitor.page.get_by_text("damaged/run.json is not JSON").wait_for()


def test_fifty_thousand_people_are_seen_in_play_without_an_element_for_each(visit):
    visitor = visit()
    visitor.open(preset="published-curves", set=json.dumps({"population.users": 50_000, "ticks": 300}))
    visitor.status("ready")
    visitor.page.evaluate(
        """() => {
          window.seen = new Set();
          const status = document.querySelector(".status");
          const look = () => seen.add(status.innerText) && requestAnimationFrame(look);
          look();
        }"""
    )
    visitor.press("Play", exact=True)
    visitor.page.wait_for_function("seen.size > 8")
    visitor.press("Pause")
    visitor.status("paused")  # it was followed, not only its end
    visitor.page.get_by_text("one of every 2 people is drawn").first.wait_for()
    visitor.page.locator(".badge", has_text="curve: nothing is trained").wait_for()
    drawn = visitor.page.evaluate(
        """() => {
          const canvas = [...document.querySelectorAll("canvas")].find(c => !c.dataset.zrDomId);
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let dots = 0;
          for (let i = 3; i < data.length; i += 4) dots += data[i] === 255;
          return [dots, document.getElementsByTagName("*").length];
        }"""
    )
    assert drawn[0] == 25_000
    assert drawn[1] < 10_000


def test_the_leverage_curve_moves_with_participation(visit):
    visitor = visit().open(page="explain")
    figure = visitor.page.get_by_role("img").nth(1)
    figure.wait_for()
    assert figure.get_attribute("aria-label").endswith("at 10 %.")
    visitor.press("Play from 0 to 100 %")
    visitor.page.get_by_text("100 % of the people act").wait_for()
    assert "Leverage is 1.0" in figure.get_attribute("aria-label")
    visitor.page.get_by_text("reached", exact=True).wait_for()
