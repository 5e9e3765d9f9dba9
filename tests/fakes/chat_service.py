"""A service with OpenAI's protocol on this machine, whose answers a test makes."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Reply = Callable[[Mapping[str, Any]], tuple[str, Mapping[str, int]]]


@contextmanager
def chat_service(reply: Reply, got: list[bytes] | None = None) -> Iterator[str]:
    """Serve, and give the address. ``reply``: the text and the token counts for a request's body.

    ``got`` keeps each request, byte for byte. It also serves as a proxy for any host.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            if got is not None:
                got.append(self.requestline.encode() + bytes(self.headers) + asked)
            text, usage = reply(json.loads(asked))
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
