"""Visitors who lose their connection or their page, or who are not alone."""

from __future__ import annotations

import contextlib
import io
import json
import re
import select
import socket
import threading
import time

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


class Line:
    """A line to the server through a port of our own, which can be cut and mended."""

    def __init__(self, port):
        self.target = port
        self.whole = True
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                visitor, _ = self.listener.accept()
            except OSError:
                return
            if not self.whole:
                visitor.close()
                continue
            pair = (visitor, socket.create_connection(("127.0.0.1", self.target)))
            self.pairs.append(pair)
            threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, *pair):
        other = dict(zip(pair, reversed(pair), strict=True))
        try:
            while True:
                for end in select.select(pair, [], [])[0]:
                    content = end.recv(65536)
                    if not content:
                        return
                    other[end].sendall(content)
        except (OSError, ValueError):
            return
        finally:
            for end in pair:
                end.close()

    def cut(self):
        self.whole = False
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def mend(self):
        self.whole = True

    def close(self):
        self.listener.close()
        self.cut()


@pytest.fixture
def line(server):
    line = Line(int(server.address.rpartition(":")[2]))
    yield line
    line.close()


def test_a_cut_connection_is_said_and_the_run_goes_on_where_it_was(visit, server, line):
    visitor = visit()
    visitor.page.goto(f"http://127.0.0.1:{line.port}/?set={json.dumps({'interventions': []})}")
    visitor.status("ready")
    visitor.press("Call on 10 % to act")
    for tick in (1, 2):
        visitor.press("Step")
        visitor.status(f"Tick {tick} of 40 · paused")
    line.cut()
    visitor.page.get_by_text(re.compile("disconnected", re.IGNORECASE)).first.wait_for()
    time.sleep(2)
    line.mend()
    visitor.page.get_by_text(re.compile("disconnected", re.IGNORECASE)).first.wait_for(state="hidden")
    visitor.status("Tick 2 of 40 · paused")
    visitor.press("Step")
    visitor.status("Tick 3 of 40 · paused")
    visitor.page.get_by_text("30 follow since tick 1").wait_for()


def test_a_page_that_is_loaded_anew_keeps_its_settings_and_says_that_the_run_is_gone(visit):
    visitor = visit().open_run(seed=5, interventions=[])
    assert visitor.page.get_by_text("The page was loaded anew").count() == 0
    for tick in (1, 2):
        visitor.press("Step")
        visitor.status(f"Tick {tick} of 40 · paused")
    visitor.page.reload()
    visitor.status("Tick 0 of 40 · ready")
    visitor.page.get_by_text("the run, which was at tick 2, is gone").wait_for()
    visitor.page.get_by_text("one run, seed 5").wait_for()
    visitor.press("Step")
    visitor.status("Tick 1 of 40 · paused")


def test_two_visitors_who_play_at_once_stay_apart_for_a_hundred_ticks(visit):
    from scenarios.dashboard.settings import Settings

    visitors = [visit().open_run(seed=seed, interventions=[], ticks=100) for seed in (7, 8)]
    visitors[0].press("Call on 10 % to act")
    visitors[0].page.get_by_text("begins with the next tick").wait_for()
    for visitor in visitors:
        visitor.press("Play", exact=True)
    for visitor in visitors:
        visitor.status("Tick 100 of 100 · finished")
    tables = [pd.read_csv(io.BytesIO(visitor.download("CSV")[0])) for visitor in visitors]
    assert visitors[1].page.get_by_text("are called to strike").count() == 0
    alone = Settings("digits-default", {"seed": 8, "interventions": [], "ticks": 100}).scenario().build()
    for _ in range(100):
        alone.step()
    names = [name for name in tables[1] if "seconds" not in name]
    pd.testing.assert_frame_equal(
        tables[1][names], pd.DataFrame(alone.ticks)[names], check_dtype=False, rtol=1e-9
    )
    assert tables[0]["share_strike"].iloc[1:].min() >= 0.1
