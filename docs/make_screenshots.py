"""Takes the pictures of the dashboard in docs/screenshots: each page, light and dark.

Needs a browser (Debian's chromium) and the packages of the group 'test'; a minute or two on a laptop:

    python docs/make_screenshots.py [FOLDER [RESULTS]]

RESULTS keeps the study that is shown, which is played where it is not there yet.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from scenarios.benchmarks.browser import chromium, served
from scenarios.cli import app

SIZE = {"width": 1400, "height": 980}
LONG = 1480
"""Height of a window in which all of the Live page but its log is seen, in pixels."""
STUDY = """
name: law-and-ties
question: Does a portability law help more where people have more ties?
base: digits-default
ticks: 20
settings: {interventions: []}
arms:
  without: {}
  law: {interventions: [{kind: portability_law, start: 5}]}
parameters: {design: grid, axes: {network.degree: [4, 10, 20], decision.social_weight: [0.2, 0.8]}}
replicates: 3
"""


def main() -> None:
    """Play something worth a look, and take the pictures."""
    to = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("screenshots"))
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as above:
        results = Path(sys.argv[2] if len(sys.argv) > 2 else above)
        play_study(results / "law-and-ties")
        with chromium() as browser, served(results) as address:
            for scheme in ("light", "dark"):
                take_all(browser, address, scheme, to)


def play_study(folder: Path) -> None:
    """Play the study that is shown, unless it has been."""
    if not folder.exists():
        study = folder.parent / "study.yaml"
        study.write_text(STUDY, encoding="utf-8")
        app(["study", str(study), "--out", str(folder)], standalone_mode=False)


def take_all(browser: Browser, address: str, scheme: str, to: Path) -> None:
    """Take the pictures of all pages in light or dark."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(address)
    status = page.locator(".status")
    status.get_by_text("ready").wait_for()
    for _ in range(3):
        step(page)
    page.get_by_label("Coalition", exact=True).check(force=True)
    for _ in range(17):
        step(page)
    page.get_by_role("button", name="By coalition").click()
    picture(page, to / f"live-{scheme}.png", LONG)
    page.get_by_role("button", name="Compare with and without portability law").click()
    for world in "AB":
        page.get_by_text(f"World {world}: tick 40, finished").wait_for()
    picture(page, to / f"compare-{scheme}.png", LONG)
    page.get_by_role("button", name="Studies", exact=True).click()
    page.get_by_role("button", name="law-and-ties (study)").click()
    page.get_by_role("heading", name="Over time").wait_for()
    picture(page, to / f"studies-{scheme}.png")
    page.get_by_role("button", name="Explain", exact=True).click()
    page.get_by_text("Leverage by participation").wait_for()
    picture(page, to / f"explain-{scheme}.png")
    context.close()


def step(page: Page) -> None:
    """Play a tick."""
    status = page.locator(".status")
    tick = int(re.findall(r"\d+", status.inner_text())[0])
    page.get_by_role("button", name="Step").click()
    status.get_by_text(f"Tick {tick + 1} ").wait_for()
    page.locator(".status", has_text="paused").wait_for()


def picture(page: Page, path: Path, height: int = SIZE["height"]) -> None:
    """Write what is seen in a window of some height, in pixels."""
    page.set_viewport_size({**SIZE, "height": height})
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
