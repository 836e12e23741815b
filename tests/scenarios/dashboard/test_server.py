"""The server answers its own visitors only, and says which port it has."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from learners.errors import OutputError
from scenarios.dashboard.server import HOST, OwnVisitorsOnly, serve


def answered(headers, kind="http", hosts=("127.0.0.1", "localhost")):
    """Return what is sent back to a request with these headers."""
    sent = []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    guarded = OwnVisitorsOnly(application, frozenset(hosts))
    # In a thread of its own: Playwright keeps a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, guarded(scope, receive, send)).result()
    return sent


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8765"},
        {"host": "localhost:8765", "origin": "http://localhost:8765"},
        {"host": "127.0.0.1", "origin": "http://127.0.0.1:1"},
    ],
)
def test_own_visitors_are_answered_with_headers_that_keep_others_out(headers):
    (start,) = answered(headers)
    assert start["status"] == 200
    given = dict(start["headers"])
    assert given[b"x-frame-options"] == b"DENY"
    assert b"default-src 'self'" in given[b"content-security-policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "127.0.0.1:8765", "origin": "https://evil.example"},
        {"host": "127.0.0.1:8765", "origin": "null"},
        {"host": "127.0.0.1:8765", "origin": "http://[bad"},
    ],
)
def test_foreign_hosts_and_origins_are_refused(headers):
    assert answered(headers)[0]["status"] == 403
    assert answered(headers, kind="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_a_proxy_can_be_named():
    hosts = ("127.0.0.1", "dash.example.org")
    assert (
        answered({"host": "dash.example.org", "origin": "https://dash.example.org"}, hosts=hosts)[0]["status"]
        == 200
    )


def test_a_taken_port_names_another_one():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"--port {port + 1}"):
            serve(port)
