"""The web server of the dashboard: on this machine only, without telemetry, and wary of other sites.

Core Objects: serve.
"""

from __future__ import annotations

import importlib
import os
import socket
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from learners.datasets.catalogue import DATA_VARIABLE
from learners.errors import OutputError

HOST = "127.0.0.1"

RESULTS_VARIABLE = "DATA_LEVERAGE_RESULTS"
"""Environment variable that names the folder of finished runs and studies."""

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        # Vue compiles templates in the browser, which needs unsafe-eval; nothing comes from elsewhere.
        (
            b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
            b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
            b"connect-src 'self' ws: wss:; frame-ancestors 'none'"
        ),
    ),
]


class OwnVisitorsOnly:
    """Let through only requests that name a host of ours, and that no other site's page has sent.

    Parameters
    ----------
    application
        What answers the rest.
    hosts
        Names, without ports, under which visitors reach the dashboard.
    """

    def __init__(self, application: Application, hosts: frozenset[str]) -> None:
        self._application = application
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = _host(f"//{headers.get('host', '')}"), headers.get("origin")
        if host not in self._hosts or (origin is not None and _host(origin) not in self._hosts):
            await _refuse(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        await self._application(scope, receive, with_headers)


def serve(
    port: int,
    *,
    data_dir: Path | None = None,
    results: Path | None = None,
    hosts: tuple[str, ...] = (),
    say: Callable[[str], None] = print,
) -> None:
    """Serve the dashboard until it is stopped.

    Parameters
    ----------
    port
        0 for any that is free.
    data_dir
        Folder of the data sets.
    results
        Folder of finished runs and studies.
    hosts
        Names beside those of this machine by which a proxy is addressed.
    say
        Told the address.

    Raises
    ------
    OutputError
        If the port is taken.
    """
    if data_dir is not None:
        os.environ[DATA_VARIABLE] = str(data_dir)
    # Solara warns that its cookie would not work inside another site's page, where we do not want to be.
    warnings.filterwarnings("ignore", "Cookies with samesite=none", UserWarning)
    application = _application(results or Path("results"))
    import uvicorn

    from scenarios.dashboard.engine import prepare

    prepare()
    with _listening(port) as listener:
        say(f"http://{HOST}:{listener.getsockname()[1]}")
        guarded = OwnVisitorsOnly(application, frozenset({HOST, "localhost", *hosts}))
        config = uvicorn.Config(guarded, log_level="warning", access_log=False, ws_max_size=2**24)
        uvicorn.Server(config).run(sockets=[listener])


def _application(results: Path) -> Application:
    """Return Solara with our page, told to keep to itself before it is imported."""
    os.environ |= {
        RESULTS_VARIABLE: str(results.resolve()),
        "SOLARA_APP": "scenarios.dashboard.app",
        "SOLARA_MODE": "production",
        "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
        "SOLARA_THEME_SHOW_BANNER": "False",
        "SOLARA_THEME_TITLE": "Data Leverage",
        "SOLARA_THEME_LOADER": "plain",
        "SOLARA_SESSION_HTTP_ONLY": "True",
        "SOLARA_KERNEL_CULL_TIMEOUT": "2m",
    }
    from solara.server.starlette import app

    importlib.import_module(os.environ["SOLARA_APP"])  # before the first visitor comes

    application: Application = app
    return application


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # who comes before the server is ready waits instead of being turned away
    except OSError as error:
        listener.close()
        raise OutputError(
            f"port {port} cannot be used ({error.strerror}); name another: --port {port + 1}"
        ) from None
    return listener


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This dashboard answers its own visitors only.\n"})
