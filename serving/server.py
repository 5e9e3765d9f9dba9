"""HTTP: LMI's contract on `http.server`, a thread a connection.

    GET    /ping             200 once the model is loaded
    POST   /invocations      {"inputs", "parameters", "stream"} to {"generated_text"}; if streamed, JSON
                             lines {"token": {"text"}}, the last with "generated_text"
    GET    /adapters         [{"name"}]
    POST   /adapters         {"name", "src"}: load a PEFT adapter
    DELETE /adapters/NAME    unload it

Parameters: max_new_tokens, temperature, do_sample, seed, top_p and others (`serving.requests`). The header
X-Amzn-SageMaker-Adapter-Identifier picks an adapter: the cloud unpacks an adapter component's ArtifactUrl and
registers it so. The port is SAGEMAKER_BIND_TO_PORT (8080). Errors are {"error", "code"} with their status.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from serving.engine import Engine, Token
from serving.requests import MAX_BODY_BYTES, Generation, RequestError, parse_adapter, parse_generation
from serving.worker import Answer, Worker

ADAPTER_HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
SOCKET_SECONDS = 60.0  # a client that neither sends nor reads for so long is given up


class Server(ThreadingHTTPServer):
    """The server, with what its handlers need."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], engine: Engine, worker: Worker, *, most_new_tokens: int
    ) -> None:
        self.engine = engine
        self.worker = worker
        self.most_new_tokens = min(most_new_tokens, engine.max_model_len - 1)
        self._answering = 0
        self._unheard: set[Any] = set()  # connections that have not asked anything yet
        self._changed = threading.Condition()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A connection begins."""
        with self._changed:
            self._unheard.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A connection ends."""
        with self._changed:
            self._unheard.discard(request)
            self._changed.notify_all()
        super().shutdown_request(request)

    @contextmanager
    def answering(self, connection: Any) -> Iterator[None]:
        """While a request that came over ``connection`` is being answered."""
        with self._changed:
            self._unheard.discard(connection)
            self._answering += 1
        try:
            yield
        finally:
            with self._changed:
                self._answering -= 1
                self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until every request has its answer, those too that are about to be read; False if one had none
        in time. Its thread dies with us."""
        with self._changed:
            self._changed.wait_for(lambda: not self._answering and not self._unheard, seconds)
            return not self._answering


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = SOCKET_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        with self.server.answering(self.connection):
            self._answer(method)

    def _answer(self, method: str) -> None:
        began = time.monotonic()
        try:
            body = self._body()
            match method, self.path.split("?")[0]:
                case "GET", "/ping":
                    status = 200 if self.server.worker.ready else 503
                    self._send(status, {"status": "Healthy" if status == 200 else "Unhealthy"})
                case "POST", "/invocations":
                    self._invoke(body)
                case "GET", "/adapters":
                    self._send(200, [{"name": name} for name in self.server.engine.adapters])
                case "POST", "/adapters":
                    name, source = parse_adapter(body)
                    self.server.worker.run(lambda: self.server.engine.add_adapter(name, Path(source)))
                    self._send(200, {"status": f"Adapter {name} registered"})
                case "DELETE", path if path.startswith("/adapters/"):
                    name = unquote(path.removeprefix("/adapters/"))
                    self.server.worker.run(lambda: self.server.engine.remove_adapter(name))
                    self._send(200, {"status": f"Adapter {name} unregistered"})
                case _:
                    raise RequestError(404, f"There is no {method} {self.path}.")
        except RequestError as error:
            self._send(error.status, {"error": error.message, "code": error.status})
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client has gone
        if self.path != "/ping":  # asked for every few seconds
            print(f"{method} {self.path} {1000 * (time.monotonic() - began):.0f} ms", flush=True)

    def _invoke(self, body: bytes) -> None:
        kind = self.headers.get("Content-Type", "application/json").split(";")[0].strip().lower()
        if kind != "application/json":
            raise RequestError(415, f"Content-Type is {kind}; it must be application/json.")
        adapter = self.headers.get(ADAPTER_HEADER)
        asked = parse_generation(body, adapter, most_new_tokens=self.server.most_new_tokens)
        answer = self.server.worker.generate(asked)
        try:
            if asked.stream:
                self._stream(asked, answer)
            else:
                tokens = list(answer)
                self._send(200, final(asked, tokens))
        finally:
            answer.cancel()

    def _stream(self, asked: Generation, answer: Answer) -> None:
        """Send a line a token. The first one is awaited, so that a refusal still has its own status; an error
        after it is the last line."""
        tokens: list[Token] = []
        try:
            for token in answer:
                if not tokens:
                    self._begin(200, "application/jsonlines")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                tokens.append(token)
                line: dict[str, Any] = {"token": {"id": token.token_id, "text": token.text}}
                if token.finish_reason:
                    line |= final(asked, tokens)
                self._chunk(json.dumps(line).encode() + b"\n")
        except RequestError as error:
            if not tokens:
                raise
            self._chunk(json.dumps({"error": error.message, "code": error.status}).encode() + b"\n")
        self._chunk(b"")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise RequestError(411, "A request needs a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,18}", length):
            self.close_connection = True  # the start of the next request is unknown
            raise RequestError(400, f"Content-Length is {length!r}; it must be the body's size in bytes.")
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True  # what it sends is not read
            raise RequestError(413, f"The body is {length} bytes; at most {MAX_BODY_BYTES} are taken.")
        return self.rfile.read(int(length))

    def _send(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self._begin(status, "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if not self.server.worker.ready:
            self.send_header("Connection", "close")  # the server is closing: a next request would fail
        attributes = self.headers.get(CUSTOM_ATTRIBUTES)
        if attributes:
            self.send_header(CUSTOM_ATTRIBUTES, attributes)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `_handle` writes one line a request, without what was asked."""


def final(asked: Generation, tokens: list[Token]) -> dict[str, Any]:
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
