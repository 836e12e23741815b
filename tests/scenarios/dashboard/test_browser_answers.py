"""Who acts in coalitions, laws that cannot work, and what answers rest on, in a browser."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.slow

PIXELS = """() => {
  const canvas = [...document.querySelectorAll("canvas")]
    .find(e => e.checkVisibility() && e.style.imageRendering === "pixelated");
  const box = canvas.closest("[role=img]");
  const names = [...box.querySelectorAll("span")].map(e => [e.title, e.offsetLeft]);
  const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const empty = [...Array(canvas.width).keys()].filter(x => !image[4 * x + 3]);
  return [box.getAttribute("aria-label"), names, empty.length];
}"""
"""What is read out of the pixels, the name of each block with its place, and how many columns are gaps."""


def step_to(visitor, tick):
    while visitor.tick() < tick:
        following = visitor.tick() + 1
        visitor.press("Step")
        visitor.status(f"Tick {following} of")


def test_a_coalition_founded_during_a_run_is_seen_in_who_acts(visit):
    visitor = visit().open_run(interventions=[])
    groups = visitor.page.get_by_role("group", name="Blocks of people")
    assert groups.count() == 0
    visitor.page.get_by_label("Coalition", exact=True).check(force=True)
    visitor.page.get_by_role("cell", name="coalition enacted by you, from tick 1 on").wait_for()
    step_to(visitor, 3)
    row = visitor.page.get_by_role("row", name=re.compile("^data union pay"))
    row.wait_for()
    members = int(row.get_by_role("cell").nth(2).inner_text())
    assert members > 0
    choice = visitor.button("By coalition")
    assert choice.get_attribute("aria-pressed") == "false"
    choice.click()
    visitor.page.get_by_role("heading", name="Who acts, by coalition").wait_for()
    visitor.page.locator("[aria-pressed=true]", has_text="By coalition").wait_for()
    visitor.page.get_by_text("each block a coalition").first.wait_for()
    visitor.page.wait_for_function(f"({PIXELS})()[2] === 1")  # drawn in two blocks, a frame later
    said, names, _ = visitor.page.evaluate(PIXELS)
    assert said == "Each pixel is one person, each block a coalition."
    assert [name for name, _ in names] == ["data union", "in none"]
    assert names[0][1] < names[1][1]
    step_to(visitor, 12)
    visitor.page.get_by_role("row", name=re.compile("data union pay .* acts: strike")).wait_for()
    assert int(row.get_by_role("cell").nth(2).inner_text()) > members
    visitor.page.wait_for_function(f"({PIXELS})()[1][1][1] > {names[1][1]}")  # the union's block has grown
    visitor.press("By community")
    visitor.page.get_by_role("heading", name="Who acts, by community").wait_for()
    visitor.press("Reset")
    visitor.status("ready")
    groups.wait_for(state="detached")


def test_a_law_that_cannot_work_says_so_beside_its_switch_and_in_the_log(visit):
    visitor = visit().open_run(interventions=[])
    visitor.page.get_by_label("Tracking blocker", exact=True).check(force=True)
    said = "Nothing can be withheld where no new records arrive"
    visitor.page.get_by_role("status").get_by_text(said).wait_for()
    visitor.page.get_by_role("cell", name=f"tracking blocker: {said}").wait_for()
    visitor.page.get_by_label("Tracking blocker", exact=True).uncheck(force=True)
    visitor.page.get_by_role("status").get_by_text(said).wait_for(state="detached")


def test_the_ledger_lists_what_answers_rest_on_and_what_is_changed(visit):
    visitor = visit().open_run(interventions=[], **{"decision.precision": 7.0})
    ledger = visitor.page.get_by_role("region", name="Assumptions")
    ledger.get_by_text("Every parameter").click()
    ledger.get_by_role(
        "row", name=re.compile(r"^policy\.deletion_delay 0 ticks 0 to 100000 ours Ticks")
    ).wait_for()
    ledger.get_by_role("button", name="Those that").click()
    visitor.page.get_by_role("option", name="are changed from their defaults").click()
    ledger.get_by_role("row", name=re.compile(r"^policy\.deletion_delay")).wait_for(state="detached")
    changed = ledger.get_by_role("row", name=re.compile(r"^decision\.precision"))
    assert changed.get_by_role("cell").nth(1).inner_text() == "7.0 1/utility"


def test_the_curves_that_are_explained_say_where_they_are_from(visit):
    visitor = visit().open(page="explain")
    ledger = visitor.page.get_by_role("region", name="Assumptions").locator("visible=true")
    ledger.get_by_text("is read off the tables of Vincent and Hecht (2021)").wait_for()
    ledger.get_by_text("Every parameter").click()
    ledger.get_by_role("button", name="Those that").click()
    visitor.page.get_by_role("option", name="are changed from their defaults").click()
    ledger.get_by_role("row", name=re.compile(r"^decision\.rule scripted")).wait_for()
