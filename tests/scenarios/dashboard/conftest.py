"""A real server and a real browser, which reaches nothing but that server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from urllib.parse import urlencode, urlsplit

import pytest

from scenarios.benchmarks.browser import BROWSERS


class Server:
    """The dashboard as a person starts it, and the results that it shows."""

    def __init__(self, process, address, results, log):
        self.process = process
        self.address = address
        self.results = results
        self.log = log

    def link(self, **query):
        return f"{self.address}/?{urlencode(query)}"

    def workers(self):
        """Return the worker processes: children of the process that loads the libraries for them."""
        import psutil

        own = psutil.Process(self.process.pid)
        return [child for loader in own.children() for child in loader.children()]


@pytest.fixture(scope="session")
def chromium():
    """Return the path of a browser."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("solara", reason="the dashboard's libraries are not installed")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"there is no browser: none of {', '.join(BROWSERS)}")
    return found


@pytest.fixture(scope="session")
def server(chromium, tmp_path_factory):
    results, log = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("server") / "log.txt"
    command = "from scenarios.cli import main; main()"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", command, "dashboard", "--port", "0", "--results", str(results)],
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "200"},
        )
    try:
        # libraries may speak before the server, as where a cache of fonts is made
        while not (address := re.search(r"(http://127\.0\.0\.1:\d+)\s", log.read_text())):
            if process.poll() is not None:
                pytest.fail(log.read_text())
            time.sleep(0.05)
        yield Server(process, address[1], results, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visitor:
    """A page of a fresh browser context, with what went wrong in it."""

    def __init__(self, browser, server, **context):
        self.server = server
        self.context = browser.new_context(accept_downloads=True, **context)
        self.context.set_default_timeout(240_000)
        self.problems = []
        self.outside = []
        self.context.route("**/*", self._let_through)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on(
            "response", lambda r: self.problems.append(f"{r.status} {r.url}") if r.status >= 400 else None
        )

    def _let_through(self, route):
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def open(self, **query):
        self.page.goto(self.server.link(**query))
        return self

    def open_run(self, **changes):
        """Open the Live page of the default scenario with changes, and wait for the world and its charts."""
        import json

        query = {"set": json.dumps(changes)} if changes else {}
        self.open(**query)
        self.status("ready")
        self.page.get_by_text("Who acts, by").first.wait_for()  # from now on nothing moves what is below
        return self

    def status(self, said):
        self.page.locator(".status", has_text=said).wait_for()

    def tick(self):
        return int(re.search(r"Tick (\d+)", self.page.locator(".status").inner_text())[1])

    def button(self, name, **how):
        return self.page.get_by_role("button", name=name, **how)

    def press(self, name, **how):
        self.button(name, **how).click()

    def download(self, name):
        with self.page.expect_download() as waited:
            self.press(name)
        return waited.value.path().read_bytes(), waited.value.suggested_filename

    def seen(self):
        """Return all text of the page, or why there is none."""
        try:
            return self.page.locator("body").inner_text(timeout=5_000)
        except Exception as error:
            return str(error)

    def close(self):
        self.page.goto("about:blank")  # leaving a page ends its worker
        self.page.wait_for_timeout(100)
        self.context.close()


@pytest.fixture
def visitors():
    """Return a list of all who visit during a test; at the end nothing may have gone wrong for any."""
    visitors = []
    yield visitors
    for visitor in visitors:
        visitor.close()
    assert [visitor.problems for visitor in visitors] == [[] for _ in visitors]
    assert [visitor.outside for visitor in visitors] == [[] for _ in visitors]


@pytest.fixture
def visit(browser, server, visitors):
    """Return a function that opens a fresh visitor's page."""

    def opened(**context):
        visitors.append(Visitor(browser, server, **context))
        return visitors[-1]

    return opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add to what is said of a failed test what its visitors saw in the end, and what the server said."""
    report = yield
    if report.when == "call" and report.failed and (visitors := item.funcargs.get("visitors")):
        for visitor in visitors:
            report.sections.append((f"A visitor at {visitor.page.url}", visitor.seen()))
        report.sections.append(("The server", visitors[0].server.log.read_text()))
    return report
