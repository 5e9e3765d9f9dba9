"""The page's own server in this process, answering with scripted documents."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from hypercorn.asyncio import serve
from hypercorn.config import Config

from finexpert.web import local
from finexpert.web.context import Context
from finexpert.web.door import Door
from finexpert.web.http import Request, Response
from tests.functional.web_page.scripted_api import ScriptedApi

TOKEN = "the-tests-own-token"


@dataclass
class PageServer:
    """Where the page is. `api` may be exchanged for every test."""

    port: int
    api: ScriptedApi = field(default_factory=ScriptedApi)

    @property
    def address(self) -> str:
        """Without the token."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def link(self) -> str:
        """What `finexpert web` would print."""
        return f"{self.address}#token={TOKEN}"

    def handle(self, request: Request, context: Any) -> Response:
        """In the place of `finexpert.web.routes.handle`."""
        return self.api.handle(request)


@contextmanager
def running_page() -> Iterator[PageServer]:
    """The Starlette application that `finexpert web` serves, but for the documents behind it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)  # from now on a connection waits to be served, it is not refused
        server = PageServer(listening.getsockname()[1])
        nothing_deployed: Any = None
        context = Context(deployment=nothing_deployed, streams=True, compares=True)
        app = local.application(context, Door(server.port, TOKEN))
        config = Config()
        config.bind = [f"fd://{listening.detach()}"]  # the server closes it
        config.errorlog = None
        config.graceful_timeout = 0.2
        stopping = asyncio.Event()
        loop = asyncio.new_event_loop()
        serving = serve(app, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
        thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
        with mock.patch.object(local, "handle", server.handle):
            thread.start()
            try:
                yield server
            finally:
                server.api.pace.set()
                loop.call_soon_threadsafe(stopping.set)
                thread.join(10)
                loop.close()
