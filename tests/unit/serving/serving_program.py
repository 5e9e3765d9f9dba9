"""`python -m serving` as a program with a tiny model, and requests to it."""

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[3]
KEY = "the-containers-key"
KEPT = f"Authorization: Bearer {KEY}".encode()
PROMPT = "The relative volume"
PATIENCE_SECONDS = 120


class Running:
    """A server with the tiny model in `folder`, as a context; it is killed at the end if it still runs."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "SAGEMAKER_BASE_DIR": str(folder),
            "SAGEMAKER_BIND_TO_PORT": "0",
            "OMP_NUM_THREADS": "1",
            "SAGEMAKER_CONTAINER_KEY": KEY,
            **settings,
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "serving"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        self.port = self._port()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _port(self) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            text = self.log.read_text()
            if " on port " in text:
                return int(text.split(" on port ")[1].split()[0])
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def logged(self, words: str, times: int = 1) -> int:
        """How often the log has these words; an answer leaves before its line is written, so it waits."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.log.read_text().count(words)) < times and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        own = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        sent = own | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, answer.headers

    def generated(self, adapter: str | None = None) -> str:
        headers = {"X_Amzn_SageMaker_Adapter_Identifier": adapter} if adapter else {}
        status, text, _ = self.ask("POST", "/invocations", {"inputs": PROMPT}, **headers)
        assert status == 200, text
        found: str = json.loads(text)["generated_text"]
        return found
