"""Everybody can use it: keyboard alone, names for every control, narrow and dark screens, the way back."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.slow

PAGES = {
    "Live": "Act now",
    "Compare": "World B is A",
    "Studies": "Look again",
    "Explain": "The leverage curve",
}
CONTROLS = {
    "button", "checkbox", "combobox", "listbox", "slider", "spinbutton", "switch", "tab", "textbox", "link"
}  # fmt: skip


FOCUSED = """() => {
  const at = document.activeElement, box = at.closest(".v-input") || at;
  const name = at.getAttribute("aria-label") || at.innerText || at.labels?.[0]?.innerText || at.type || "";
  const seen = [at, box].some(e => getComputedStyle(e).outlineStyle !== "none");
  return [name.trim(), seen || box.matches(".v-input--is-focused")];
}"""
"""Name of the control that has the focus, and whether it shows."""

COVERED = """() => {
  const kinds = "button, input, summary, a, .badge, h1, h2, h3, [role=img]";
  const all = [...document.querySelectorAll(kinds)]
    .filter(e => e.checkVisibility() && !e.closest(".v-input") && e.getClientRects().length);
  const boxes = all.map(e => e.getBoundingClientRect()), name = e => e.innerText || e.tagName, found = [];
  for (let i = 0; i < all.length; i++) for (let j = 0; j < i; j++) {
    if (all[i].contains(all[j]) || all[j].contains(all[i])) continue;
    const [a, b] = [boxes[i], boxes[j]];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 2 && high > 2) found.push([name(all[i]), name(all[j])]);
  }
  return [all.length, found];
}"""
"""Number of elements, and those that stand on each other."""

CONTRAST = """() => {
  const light = c => c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const under = e => {
    for (; e; e = e.parentElement) {
      const colour = parts(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > .99) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const kinds = ["p", "h1", "h2", "h3", "summary", "td", "dd", "dt", ".faint", ".badge"].map(k => ".dl " + k);
  const found = [...document.querySelectorAll(kinds.join(","))]
    .filter(e => e.checkVisibility() && e.innerText.trim())
    .map(e => {
      const a = light(parts(getComputedStyle(e).color).slice(0, 3)), b = light(under(e));
      return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.innerText.slice(0, 40)];
    });
  return [found.length, found.sort((a, b) => a[0] - b[0])[0]];
}"""
"""Number of texts, and the one with the least contrast (as the WCAG define it)."""

BACKGROUND = "getComputedStyle(document.querySelector('.v-application')).backgroundColor"

MOVING = """() => [...document.querySelectorAll(".v-application *")].filter(e => {
  const style = getComputedStyle(e), moves = text => text.split(",").some(part => parseFloat(part) > .02);
  return e.checkVisibility() && (moves(style.transitionDuration) || moves(style.animationDuration));
}).length"""


def opened(visitor):
    """Yield each page when it is shown."""
    for page, shown in PAGES.items():
        visitor.press(page, exact=True)
        visitor.page.get_by_text(shown).locator("visible=true").first.wait_for()
        visitor.page.wait_for_timeout(300)
        yield page


def test_every_control_has_a_name_in_the_accessibility_tree(visit):
    visitor = visit().open_run()
    visitor.press("Step")
    visitor.status("Tick 1")
    session = visitor.context.new_cdp_session(visitor.page)
    found = {}
    for page in opened(visitor):
        nodes = [
            node for node in session.send("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")
        ]
        controls = [node for node in nodes if node["role"]["value"] in CONTROLS]
        nameless = [
            (
                node["role"]["value"],
                session.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]}),
            )
            for node in controls
            if not node.get("name", {}).get("value", "").strip()
        ]
        assert nameless == [], page
        pictures = [node for node in nodes if node["role"]["value"] in ("image", "img")]
        assert all(node.get("name", {}).get("value") for node in pictures), page
        found[page] = len(controls), len(pictures)
    assert found["Live"][0] > 30  # the tree was read
    assert found["Live"][1] >= 6
    assert found["Explain"][1] >= 3


def test_keys_play_pause_and_step_but_not_while_somebody_types(visit):
    visitor = visit().open_run(interventions=[], ticks=500)
    keyboard = visitor.page.keyboard
    visitor.page.locator("h1").click()
    keyboard.press(".")
    visitor.status("Tick 1 of 500 · paused")
    keyboard.press(" ")
    visitor.status("playing")
    keyboard.press(" ")
    visitor.status("paused")
    tick = visitor.tick()
    seed = visitor.page.get_by_label("seed").first
    seed.click()
    keyboard.press("End")
    keyboard.type(". ")
    visitor.button("Explain", exact=True).focus()
    keyboard.press(" ")  # presses the button, and nothing else
    visitor.page.get_by_text("What the words mean").wait_for()
    keyboard.press(".")  # of another page
    visitor.press("Live", exact=True)
    visitor.page.wait_for_timeout(500)
    assert visitor.tick() == tick
    visitor.page.locator("h1").click()
    keyboard.press(".")
    visitor.status(f"Tick {tick + 1} of 500 · paused")


def test_whoever_uses_the_keyboard_sees_where_they_are(visit):
    visitor = visit().open_run()
    seen = set()
    for _ in range(25):
        visitor.page.keyboard.press("Tab")
        name, outline = visitor.page.evaluate(FOCUSED)
        assert outline, name
        seen.add(name)
    assert {"Play", "Step", "Reset", "Compare"} <= seen


def test_back_and_forward_go_from_page_to_page_and_lose_nothing(visit):
    visitor = visit().open_run(seed=6, interventions=[])
    visitor.press("Step")
    visitor.status("Tick 1")
    for page in ("Explain", "Studies"):
        visitor.press(page, exact=True)
        visitor.page.wait_for_url(re.compile(f"page={page.lower()}"))
    visitor.page.go_back()
    visitor.page.get_by_text("What the words mean").wait_for()
    visitor.page.go_back()
    visitor.status("Tick 1 of 40 · paused")
    assert "page=live" in visitor.page.url
    assert "seed" in visitor.page.url
    visitor.page.go_forward()
    visitor.page.get_by_text("What the words mean").wait_for()
    assert "page=explain" in visitor.page.url


def test_nothing_scrolls_sideways_and_no_control_covers_another(visit):
    visitor = visit().open_run()
    visitor.press("Step")
    visitor.status("Tick 1")
    for width in (1400, 1024, 700, 512):  # the latter are the former at 200 %
        visitor.page.set_viewport_size({"width": width, "height": 768})
        for page in opened(visitor):
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width, (width, page)
            number, covered = visitor.page.evaluate(COVERED)
            assert number > 8, page
            assert covered == [], (width, page)


def test_words_are_readable_on_a_light_page_and_on_a_dark_one(visit):
    visitor = visit(color_scheme="light").open_run()
    for dark in (False, True):
        if dark:
            visitor.press("Dark")
            visitor.button("Light").wait_for()
        for page in opened(visitor):
            background = visitor.page.evaluate(BACKGROUND)
            assert (max(map(int, re.findall(r"\d+", background)[:3])) < 60) == dark, page
            number, (contrast, words) = visitor.page.evaluate(CONTRAST)
            assert number >= 4, page
            assert contrast >= 4.5, (dark, page, words)


def test_a_dark_screen_gets_a_dark_page(visit):
    visitor = visit(color_scheme="dark").open(page="studies")
    visitor.button("Light").wait_for()
    assert max(map(int, re.findall(r"\d+", visitor.page.evaluate(BACKGROUND))[:3])) < 60


def test_who_wants_no_motion_gets_none(visit):
    visitor = visit(reduced_motion="reduce").open_run()
    assert visitor.page.evaluate(MOVING) == 0
