"""HTTP: LMI's contract as an ASGI application.

    GET    /ping             200 once the model is loaded
    POST   /invocations      {"inputs", "parameters", "stream"} to {"generated_text"}; if streamed, JSON
                             lines {"token": {"text"}}, the last with "generated_text"
    GET    /adapters         [{"name"}]
    POST   /adapters         {"name", "src"}: load a PEFT adapter
    DELETE /adapters/NAME    unload it

Parameters: max_new_tokens, temperature, do_sample, seed, top_p and others (`serving.requests`). The header
X-Amzn-SageMaker-Adapter-Identifier picks an adapter: the cloud unpacks an adapter component's ArtifactUrl and
registers it so. `serving.access` says who may ask. The port is SAGEMAKER_BIND_TO_PORT (8080). Errors are
{"error", "code"} with their status.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import guarded
from serving.engine import Engine, Token
from serving.requests import MAX_BODY_BYTES, Generation, RequestError, parse_adapter, parse_generation
from serving.worker import Answer, Worker

ADAPTER_HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
BODY_SECONDS = 60.0  # a client that takes longer to send its request is given up


def application(engine: Engine, worker: Worker, *, most_new_tokens: int, key: str = "") -> ASGIApp:
    """Make the application; a request may ask for ``most_new_tokens`` at most, and must hold the ``key``."""
    most = min(most_new_tokens, engine.max_model_len - 1)

    async def ping(request: Request) -> Response:
        return JSONResponse(
            {"status": "Healthy" if worker.ready else "Unhealthy"}, 200 if worker.ready else 503
        )

    async def invoke(request: Request) -> Response:
        kind = request.headers.get("Content-Type", "application/json").split(";")[0].strip().lower()
        if kind != "application/json":
            raise RequestError(415, f"Content-Type is {kind}; it must be application/json.")
        adapter = request.headers.get(ADAPTER_HEADER)
        asked = parse_generation(
            await _body(request), adapter, most_new_tokens=most, sampling=engine.sampling
        )
        answer = worker.generate(asked)
        if not asked.stream:
            return JSONResponse(_whole(asked, [token async for token in answer]))
        tokens = aiter(answer)
        first = await anext(tokens)  # awaited, so that a refusal still has its own status
        return StreamingResponse(_lines(asked, answer, first, tokens), media_type="application/jsonlines")

    async def list_adapters(request: Request) -> Response:
        return JSONResponse([{"name": name} for name in engine.adapters])

    async def add_adapter(request: Request) -> Response:
        name, source = parse_adapter(await _body(request))
        await worker.run(lambda: engine.add_adapter(name, Path(source)))
        return JSONResponse({"status": f"Adapter {name} registered"})

    async def remove_adapter(request: Request) -> Response:
        name = request.path_params["name"]
        await worker.run(lambda: engine.remove_adapter(name))
        return JSONResponse({"status": f"Adapter {name} unregistered"})

    routes = [
        Route("/ping", ping),
        Route("/invocations", invoke, methods=["POST"]),
        Route("/adapters", list_adapters),
        Route("/adapters", add_adapter, methods=["POST"]),
        Route("/adapters/{name}", remove_adapter, methods=["DELETE"]),
    ]
    handlers = {RequestError: _refused, HTTPException: _no_such_path}
    return _framed(guarded(Starlette(routes=routes, exception_handlers=handlers), key), worker)


def _framed(app: ASGIApp, worker: Worker) -> ASGIApp:
    """Add to each answer the headers that all have, and write a line to the log without what was asked."""

    async def framed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        began = time.monotonic()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                passed_on = [pair for pair in scope["headers"] if pair[0].lower() == CUSTOM_ATTRIBUTES]
                # a next request on this connection would fail
                closing = [] if worker.ready else [(b"connection", b"close")]
                message = {**message, "headers": [*message["headers"], *passed_on, *closing]}
            await send(message)

        try:
            await app(scope, receive, send_on)
        finally:
            if scope["path"] != "/ping":  # asked for every few seconds
                path = scope["raw_path"].decode("ascii", "replace")
                print(f"{scope['method']} {path} {1000 * (time.monotonic() - began):.0f} ms", flush=True)

    return framed


async def _body(request: Request) -> bytes:
    """The request's body, refused as soon as it is known to be too long."""
    promised = int(
        request.headers.get("Content-Length", 0)
    )  # that it is a number is checked by HTTP's reader
    if promised > MAX_BODY_BYTES:
        raise RequestError(413, f"The body is {promised} bytes; at most {MAX_BODY_BYTES} are taken.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise RequestError(413, f"The body is more than {MAX_BODY_BYTES} bytes.")
    except TimeoutError:
        raise RequestError(408, f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None
    return bytes(body)


async def _lines(
    asked: Generation, answer: Answer, first: Token, rest: AsyncIterator[Token]
) -> AsyncIterator[bytes]:
    """A line a token; the last one has the whole, or the error that came after the first."""
    tokens: list[Token] = []
    try:
        token: Token | None = first
        while token is not None:
            tokens.append(token)
            line: dict[str, Any] = {"token": {"id": token.token_id, "text": token.text}}
            yield _line(line | (_whole(asked, tokens) if token.finish_reason else {}))
            token = await anext(rest, None)
    except RequestError as error:
        yield _line({"error": error.message, "code": error.status})
    finally:
        answer.cancel()  # it has its end, or its reader has gone


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _whole(asked: Generation, tokens: list[Token]) -> dict[str, Any]:
    """The whole answer, as it stands alone or in a stream's last line."""
    text = "".join(token.text for token in tokens)
    answer: dict[str, Any] = {"generated_text": asked.prompt + text if asked.return_full_text else text}
    if asked.details:
        generated = sum(token.token_id is not None for token in tokens)
        answer["details"] = {
            "finish_reason": tokens[-1].finish_reason,
            "generated_tokens": generated,
            "seed": asked.seed,
        }
    return answer


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return JSONResponse({"error": error.message, "code": error.status}, error.status)


async def _no_such_path(request: Request, error: Exception) -> Response:
    return await _refused(request, RequestError(404, f"There is no {request.method} {request.url.path}."))
