"""The page's server on this machine: 127.0.0.1 only, behind a token; answers are streamed."""

import asyncio
import importlib.util
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as Incoming
from starlette.responses import Response as Outgoing
from starlette.responses import StreamingResponse
from starlette.routing import Route

from finexpert.errors import UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions
from finexpert.web import files
from finexpert.web.context import Context, Kept, Limits
from finexpert.web.door import Door
from finexpert.web.http import Problem, Request, Response, answer, refusal, too_large
from finexpert.web.problems import problem_of
from finexpert.web.routes import handle, most_bytes

ADDRESS = "127.0.0.1"
PORT = 8760
"""Where the page is unless another port is wanted: so a link to a thread stays good from start to start."""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
#: Of a body that is too large some more is read, so that the browser gets the answer.
DRAINED = 16
CONFIG = {"auth": {"kind": "token"}}


def serve(deployment: Deployment, *, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        port: 0 for any free one; None for `PORT`, or a free one where that is taken.
        ready: called with the address to open; the token is in its fragment, which no server sees.

    Raises:
        UserError: the port is taken.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listening:
        _bind(listening, port)
        door = Door(listening.getsockname()[1], secrets.token_urlsafe(32))
        compares = importlib.util.find_spec("numpy") is not None
        context = Context(
            deployment=deployment,
            streams=True,
            compares=compares,
            limits=Limits(upload_bytes=64_000_000),
            looks=Kept(executions.follow_seconds(deployment)),
        )
        app = application(context, door)
        listening.listen(128)  # from now on a connection waits to be served, it is not refused
        ready(f"http://{ADDRESS}:{door.port}/#token={door.token}")
        # From here on the socket is Hypercorn's, which closes it.
        asyncio.run(_until_stopped(app, listening.detach()))


def _bind(listening: socket.socket, port: int | None) -> None:
    for each in (PORT, 0) if port is None else (port,):
        try:
            return listening.bind((ADDRESS, each))
        except OSError as error:
            reason = error.strerror
    raise UserError(
        f"Port {port} cannot be listened to: {reason}.",
        where=ADDRESS,
        fix="Name another, or leave out --port for a free one.",
    )


async def _until_stopped(app: Starlette, descriptor: int) -> None:
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.errorlog = None  # it logs every connection; `routes` logs what goes wrong
    config.graceful_timeout = 1.0
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
    await hypercorn_serve(app, config, shutdown_trigger=stopped.wait)  # type: ignore[arg-type]


def application(context: Context, door: Door) -> Starlette:
    """The ASGI application."""

    async def respond(incoming: Incoming) -> Outgoing:
        path, headers = incoming.url.path, _headers(incoming)
        try:
            if not incoming.scope["http_version"].startswith("1"):
                raise Problem(
                    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "failed", "This page speaks HTTP/1.1 only."
                )
            door.check(path, headers)
            if not path.startswith("/api/"):
                return _outgoing(_file(incoming.method, path))
            request = Request(
                method=incoming.method,
                path=path,
                query=dict(incoming.query_params),
                headers=headers,
                body=await _body(incoming, most_bytes(incoming.method, path, context)),
            )
        except Exception as error:
            return _outgoing(refusal(problem_of(error)))
        return _outgoing(await run_in_threadpool(handle, request, context))

    return Starlette(routes=[Route("/{path:path}", respond, methods=METHODS)])


def _headers(incoming: Incoming) -> dict[str, str]:
    """Headers by lower-case name; the values of a repeated one are joined, so that they match nothing."""
    found: dict[str, str] = {}
    for name, value in incoming.headers.items():
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _file(method: str, path: str) -> Response:
    if method != "GET":
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", f"{path} takes GET only.")
    return answer(CONFIG) if path == "/config.json" else files.serve(path)


async def _body(incoming: Incoming, most: int) -> bytes:
    found = bytearray()
    size = 0
    async for chunk in incoming.stream():
        size += len(chunk)
        if size <= most:
            found += chunk
        elif size > most * DRAINED:
            break
    if size > most:
        raise too_large(
            f"More than {most / 1e6:g} MB cannot be sent to this page.",
            fix="Larger data: finexpert data upload PATH, then finexpert train with the address it prints.",
        )
    return bytes(found)


def _outgoing(response: Response) -> Outgoing:
    headers = {**files.GUARDS, **response.headers, "Content-Type": response.content_type}
    if isinstance(response.body, bytes):
        return Outgoing(response.body, status_code=response.status, headers=headers)
    return StreamingResponse(_pieces(response.body), status_code=response.status, headers=headers)


async def _pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces as they come. A reader who leaves closes them, which ends what makes them."""
    try:
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            yield piece
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
