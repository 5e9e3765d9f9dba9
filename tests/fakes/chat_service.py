"""A service with OpenAI's protocol on this machine, whose answers a test makes."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Reply = Callable[[Mapping[str, Any]], tuple[str, Mapping[str, int]]]


@contextmanager
def chat_service(reply: Reply) -> Iterator[str]:
    """Serve, and give the address. ``reply``: the text and the token counts for a request's body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text, usage = reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            body = json.dumps({"choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
