"""The dashboard as a visitor has it: a server in a process of its own, and a browser without a window.

Core Objects: served, chromium.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from learners.errors import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Names of the program that is looked for."""


@contextmanager
def served(results: Path, data_dir: Path | None = None) -> Iterator[str]:
    """Serve the dashboard on a port that is free, until the end of the block; yield its address.

    Raises
    ------
    RuntimeError
        If the server ends before it serves; why is on the standard error.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, results, data_dir))
    process.start()
    theirs.close()
    try:
        try:
            address = ours.recv()
        except EOFError:
            raise RuntimeError("the dashboard's server ended before it served") from None
        yield address
    finally:
        process.terminate()
        process.join(20)
        process.kill()
        process.join()


def _serve(connection: Connection, results: Path, data_dir: Path | None) -> None:
    from scenarios.dashboard.server import serve

    with connection:
        serve(0, data_dir=data_dir, results=results, say=connection.send)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open a browser.

    Raises
    ------
    InputError
        If there is none on the path, or what drives it is not installed.
    """
    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if path is None:
        raise InputError(f"there is no browser: none of {', '.join(BROWSERS)} is on the path")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise InputError("playwright, which drives the browser, is not installed") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
