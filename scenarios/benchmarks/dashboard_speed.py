"""How soon the dashboard answers a click, and how often it shows a new tick, by the browser's own clock.

Core Objects: dashboard_speed.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from learners.errors import InputError
from scenarios.benchmarks.browser import chromium, served
from scenarios.dashboard.settings import MOST_TICKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ANSWER_SECONDS_ALLOWED, TICK_SECONDS_ALLOWED = 0.3, 1.0
DIGITS_TICKS_REQUIRED, UPDATES_REQUIRED = 5.0, {50_000: 5.0, 1_000_000: 1.0}

_WATCH = """
([answered, done]) => {
  const status = () => document.querySelector('.status')?.innerText ?? '';
  const button = (text) => [...document.querySelectorAll('button')].some((b) => b.innerText.startsWith(text));
  const seen = (selector) => document.querySelector(selector)?.offsetParent != null;
  const tests = [answered, done].map((test) => new Function('status', 'button', 'seen', `return ${test}`));
  window.watched = [];
  let clicked = null;
  document.addEventListener('click', () => { clicked = performance.now(); }, {capture: true, once: true});
  const look = (now) => {
    if (clicked !== null) {
      while (window.watched.length < 2 && tests[window.watched.length](status, button, seen)) {
        window.watched.push((now - clicked) / 1000);
      }
    }
    if (window.watched.length < 2) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
"""Notes the frames in which a click is seen to be answered, and to have its effect, in seconds from it."""

_COUNT = """
() => {
  window.shown = [];
  const look = (now) => {
    const tick = document.querySelector('.status')?.innerText ?? '';
    if (tick !== window.shown.at(-1)?.[1]) window.shown.push([now / 1000, tick]);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
"""Notes when the page shows another status."""

_COUNTED = """
(seconds) => new Set(window.shown.map(([, said]) => said.split(' of ')[0])).size > 2
  && (window.shown.at(-1)[0] - window.shown[0][0] >= seconds || window.shown.at(-1)[1].includes('finished'))
"""
"""Whether that was noted for long enough or to the end, and of enough ticks to tell a pace."""


@dataclass(frozen=True)
class Click:
    """A click while a world plays, and by which test of the page it is answered and has its effect."""

    name: str
    button: str
    done: str
    answered: str = ""


_CLICKS = (
    Click("pause", "Pause", "status().includes('paused')", "/asked: .*pause|paused/.test(status())"),
    Click("play", "Play", "status().includes('playing')"),
    Click(
        "call", "Call on 10 % to act", "button('Call off')", "/asked: /.test(status()) || button('Call off')"
    ),
    Click(
        "call off",
        "Call off",
        "!button('Call off')",
        "/asked: .*call off/.test(status()) || !button('Call off')",
    ),
    Click("to Studies", "Studies", "!seen('.status')"),
    Click("to Live", "Live", "seen('.status')"),
)


@dataclass
class Latencies:
    """Seconds of clicks until the page answers, and until it shows their effect."""

    answers: list[float] = field(default_factory=list)
    effects: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return medians and the longest."""
        return {
            "clicks": len(self.answers),
            "answer_seconds": statistics.median(self.answers),
            "answer_seconds_longest": max(self.answers),
            "effect_seconds": statistics.median(self.effects),
            "effect_seconds_longest": max(self.effects),
        }


def dashboard_speed(
    data_dir: Path | None,
    rounds: int = 5,
    seconds: float = 10.0,
    crowds: Mapping[int, float] = UPDATES_REQUIRED,
) -> dict[str, Any]:
    """Measure a server and a browser on this machine; both use its cores.

    Parameters
    ----------
    data_dir
        Folder of the data sets; without MovieLens 100K that part is left out.
    rounds
        How often each of six clicks is made while a world plays.
    seconds
        For how long screen updates are counted.
    crowds
        Numbers of people on a published curve, and the screen updates a second required with them.
    """
    rows = []
    try:
        with (
            tempfile.TemporaryDirectory() as results,
            chromium() as browser,
            served(Path(results), data_dir) as address,
        ):
            rows.append(_digits(browser, address, rounds, seconds))
            if (row := _ml_100k(browser, address, rounds)) is not None:
                rows.append(row)
            rows += [_crowd(browser, address, n, crowds[n], rounds, seconds) for n in crowds]
    except InputError as error:
        return {"benchmark": "dashboard", "skipped": str(error)}
    return {
        "benchmark": "dashboard",
        "measured": "Live page in Chromium: clicks while the world plays, and ticks shown; seconds",
        "answer_seconds_allowed": ANSWER_SECONDS_ALLOWED,
        "rows": rows,
        "text": [_line(row) for row in rows],
    }


def _digits(browser: Browser, address: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Play the digits as fast as they go; then click while they play at five ticks a second."""
    settings = json.dumps({"ticks": MOST_TICKS})
    page = _opened(browser, address, {"set": settings})
    ticks = _shown_as_fast_as_it_can(page, seconds)
    _close(page)
    page = _opened(browser, address, {"set": settings})
    return {
        "world": "digits, retrained every tick",
        "ticks_a_second": (max(ticks) - min(ticks)) / (ticks[max(ticks)] - ticks[min(ticks)]),
        "ticks_a_second_required": DIGITS_TICKS_REQUIRED,
        **_clicked(page, rounds),
    }


def _ml_100k(browser: Browser, address: str, rounds: int) -> dict[str, Any] | None:
    """Step through MovieLens 100K, then click while it retrains without a break."""
    page = browser.new_page()
    page.goto(f"{address}/?{urlencode({'preset': 'ml-100k-choice', 'set': json.dumps({'ticks': 200})})}")
    page.locator(".status", has_text="ready").or_(page.locator(".note.bad")).first.wait_for(timeout=200_000)
    if page.locator(".note.bad").count():
        page.close()
        return None
    steps = []
    for tick in range(1, 8):
        step = Click("step", "Step", f"status().includes('Tick {tick} of')")
        steps.append(_timed(page, step)[1])
    _as_fast_as_it_can(page)
    return {
        "world": "MovieLens 100K, retrained every tick",
        "tick_seconds": statistics.median(steps),
        "tick_seconds_longest": max(steps),
        "tick_seconds_allowed": TICK_SECONDS_ALLOWED,
        **_clicked(page, rounds),
    }


def _crowd(
    browser: Browser, address: str, people: int, required: float, rounds: int, seconds: float
) -> dict[str, Any]:
    """Play a crowd on a published curve as fast as it goes."""
    settings = json.dumps({"population.users": people, "ticks": MOST_TICKS})
    page = _opened(browser, address, {"preset": "published-curves", "set": settings})
    ticks = _shown_as_fast_as_it_can(page, seconds)
    return {
        "world": f"{people:,} people on a published curve",
        "updates_a_second": (len(ticks) - 1) / (ticks[max(ticks)] - ticks[min(ticks)]),
        "updates_a_second_required": required,
        **_clicked(page, rounds),
    }


def _shown_as_fast_as_it_can(page: Page, seconds: float) -> dict[int, float]:
    """Let the world play; return the ticks that the page showed, and when it first did, in seconds."""
    _as_fast_as_it_can(page)
    _play(page)
    page.evaluate(_COUNT)
    page.wait_for_function(_COUNTED, arg=seconds, timeout=120_000)
    shown = page.evaluate("window.shown")
    return {int(said.split()[1]): at for at, said in reversed(shown)}


def _clicked(page: Page, rounds: int) -> dict[str, Any]:
    """Click about while the world plays, and close the page."""
    found = Latencies()
    for _ in range(rounds):
        _play(page)
        for click in _CLICKS:
            answer, effect = _timed(page, click)
            found.answers.append(answer)
            found.effects.append(effect)
            time.sleep(0.37)  # out of step with the ticks
    _close(page)
    return found.figures()


def _play(page: Page) -> None:
    """Let the world play, from the start where it would soon be at its end."""
    status = page.locator(".status")
    if int(status.inner_text().split()[1]) > MOST_TICKS / 2:
        page.get_by_role("button", name="Reset").click()
        page.locator(".status", has_text="Tick 0 of").wait_for()
        page.locator(".status", has_text="ready").wait_for()
    if "playing" not in status.inner_text():
        page.get_by_role("button", name="Play", exact=True).click()
        page.locator(".status", has_text="playing").wait_for()


def _timed(page: Page, click: Click) -> tuple[float, float]:
    """Click; return after how many seconds the page answers, and shows the effect."""
    page.evaluate(_WATCH, [click.answered or click.done, click.done])
    page.get_by_role("button", name=click.button).first.click()
    page.wait_for_function("window.watched.length == 2", timeout=120_000)
    answer, effect = page.evaluate("window.watched")
    return answer, effect


def _opened(browser: Browser, address: str, query: dict[str, str]) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{address}/?{urlencode(query)}")
    page.locator(".status", has_text="ready").wait_for(timeout=200_000)
    return page


def _as_fast_as_it_can(page: Page) -> None:
    page.get_by_text("5 ticks a second").click()
    page.get_by_text("as fast as it can").click()


def _close(page: Page) -> None:
    page.goto("about:blank")  # leaving a page ends its world
    page.close()


def _line(row: dict[str, Any]) -> str:
    pace = {
        "ticks_a_second": "ticks a second (required {0})",
        "tick_seconds": "s from the click on Step to its tick (allowed {0})",
        "updates_a_second": "screen updates a second (required {0})",
    }
    key = next(key for key in pace if key in row)
    bound = row.get(f"{key}_required", row.get(f"{key}_allowed"))
    most = f", {row['tick_seconds_longest']:.3g} at most" if "tick_seconds" in row else ""
    clicks = (
        f"{row['clicks']} clicks answered after {row['answer_seconds']:.2f} s at the median, "
        f"{row['answer_seconds_longest']:.2f} at most (effect shown: {row['effect_seconds']:.2f}, "
        f"{row['effect_seconds_longest']:.2f})"
    )
    return f"{row['world']}: {row[key]:.3g} {pace[key].format(bound)}{most}; {clicks}"
