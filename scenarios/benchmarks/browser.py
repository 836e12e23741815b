"""The dashboard as a visitor has it: a server of its own, and a browser that reaches nothing else.

Core Objects: served, chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from learners.errors import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def served(results: Path, data_dir: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve the dashboard from a process of its own; yield its address and that process.

    Raises
    ------
    RuntimeError
        If it ends before it serves, with what it said.
    """
    command = [sys.executable, "-c", "from scenarios.cli import main; main()", "dashboard"]
    command += ["--port", "0", "--results", str(results)]
    process = subprocess.Popen(
        command if data_dir is None else [*command, "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:  # libraries may speak first, as where a cache of fonts is made
            said.append(line)
            if address := _ADDRESS.search(line):
                break
        else:
            raise RuntimeError("".join(said))
        yield address[0], process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open a browser without a window.

    Raises
    ------
    InputError
        If there is none on the path, or what drives it is not installed.
    """
    path = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if path is None:
        raise InputError(f"there is no browser: none of {', '.join(_BROWSERS)} is on the path")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise InputError("playwright, which drives the browser, is not installed") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
