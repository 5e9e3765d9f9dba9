"""The models that stand behind Bedrock's identifiers on this machine, and their answers.

A model is a folder of weights, served by the program that stands for a serving image (`sagemaker.images`), or
a server with OpenAI's protocol on a loopback address.
"""

import http.client
import ipaddress
import json
import math
import re
import shutil
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localcloud import platform
from localcloud.environment import LOOPBACK
from localcloud.protocol import ApiError, validation
from localcloud.sagemaker import images
from localcloud.sagemaker.container import Server

STARTUP_SECONDS = 120.0
ANSWER_SECONDS = 120.0
EMBEDDING = "amazon.titan-embed-text-v2:0"
DIMENSIONS = (1024, 512, 256)
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Said:
    """A model's answer: its text, why it ended, and the tokens of prompt and answer."""

    text: str
    stop_reason: str
    input_tokens: int
    output_tokens: int


@dataclass(eq=False)
class Model:
    """A local model behind an identifier, and how often it may be asked a minute (0: without limit)."""

    name: str
    folder: Path | None = None
    url: str = ""
    requests_per_minute: int = 0
    _asked: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: Server | None = None
    _tokenizer: Any = None

    def admit(self, now: float) -> None:
        """Count a request.

        Raises:
            ApiError: ThrottlingException, if the minute's requests are used up.
        """
        with self._lock:
            while self._asked and now - self._asked[0] >= 60.0:
                self._asked.popleft()
            if self.requests_per_minute and len(self._asked) >= self.requests_per_minute:
                raise ApiError(
                    "ThrottlingException", "Too many requests, please wait before trying again.", 429
                )
            self._asked.append(now)

    def count(self, text: str) -> int:
        """The tokens of a text: the tokenizer's where the weights have one, else words and signs."""
        if self.folder and (self.folder / "tokenizer.json").is_file():
            with self._lock:
                if self._tokenizer is None:
                    from tokenizers import Tokenizer

                    self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
                return len(self._tokenizer.encode(text).ids)
        return sum(math.ceil(len(word) / 4) for word in _WORD.findall(text))

    def answer(self, messages: list[dict[str, str]], parameters: dict[str, Any]) -> Said:
        """Ask the model. `messages`: role and text; `parameters`: max_tokens, temperature, top_p, stop.

        Raises:
            ApiError: as Bedrock answers when a model is too slow, fails, or gets too long a prompt.
        """
        try:
            return self._by_url(messages, parameters) if self.url else self._by_folder(messages, parameters)
        except TimeoutError:
            raise ApiError("ModelTimeoutException", "The model took too long to answer.", 408) from None
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            raise ApiError(
                "ModelErrorException", f"The model behind {self.name} failed: {error}", 424
            ) from None

    def stop(self) -> None:
        """End the model's program, if one runs."""
        with self._lock:
            server, self._server = self._server, None
        if server:
            server.stop(0.5)

    def _by_url(self, messages: list[dict[str, str]], parameters: dict[str, Any]) -> Said:
        body = {"model": self.name, "messages": messages, **parameters}
        request = urllib.request.Request(
            f"{self.url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_SECONDS) as response:
            reply = json.load(response)
        choice, usage = reply["choices"][0], reply.get("usage") or {}
        text = str(choice["message"]["content"])
        prompt = "\n".join(message["content"] for message in messages)
        return Said(
            text,
            "max_tokens" if choice.get("finish_reason") == "length" else "end_turn",
            int(usage.get("prompt_tokens") or self.count(prompt)),
            int(usage.get("completion_tokens") or self.count(text)),
        )

    def _by_folder(self, messages: list[dict[str, str]], parameters: dict[str, Any]) -> Said:
        prompt = "\n\n".join(message["content"] for message in messages)
        asked: dict[str, Any] = {"details": True, "max_new_tokens": parameters.get("max_tokens", 128)}
        if temperature := parameters.get("temperature", 0):
            asked |= {"do_sample": True, "temperature": temperature, "top_p": parameters.get("top_p", 1.0)}
        if parameters.get("stop"):
            asked["stop"] = parameters["stop"]
        body = json.dumps({"inputs": prompt, "parameters": asked}).encode()
        status, answer = self._running().ask("POST", "/invocations", body, timeout=ANSWER_SECONDS)
        content = json.loads(answer)
        if status in (400, 413, 422):
            raise ApiError(
                "ValidationException",
                f"Input is too long or not valid for the requested model: {content['error']}",
            )
        if status == 429:
            raise ApiError("ThrottlingException", "Too many requests, please wait before trying again.", 429)
        if status != http.client.OK:
            raise ValueError(content.get("error", status))
        details = content["details"]
        reasons = {"length": "max_tokens", "stop_sequence": "stop_sequence"}
        return Said(
            content["generated_text"],
            reasons.get(details["finish_reason"], "end_turn"),
            self.count(prompt),
            details["generated_tokens"],
        )

    def _running(self) -> Server:
        """The model's program, started if it does not run."""
        with self._lock:
            if self._server is None or self._server.exit_code() is not None:
                self._server = self._started()
            return self._server

    def _started(self) -> Server:
        assert self.folder is not None
        home = platform.state_dir() / "bedrock" / re.sub(r"[^\w.-]", "_", self.name)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "model").symlink_to(self.folder, target_is_directory=True)
        server = Server(next(iter(images.programs().values())), {}, home)
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline and server.exit_code(0.05) is None:
            if server.is_ready():
                return server
        server.kill()
        raise ValueError(f"its program did not start; see {server.log_path}")


_models: dict[str, Model] = {}


def give(asked: dict[str, Any]) -> None:
    """Put a local model behind an identifier, from {"model", "folder" | "url", "requests_per_minute"}.

    Raises:
        ApiError: a member is missing or wrong; the message says what is right.
    """
    if not isinstance(asked.get("model"), str) or not asked["model"]:
        raise validation('A model reads {"model": "amazon.nova-lite-v1:0", "folder": "/weights"}, or "url".')
    unknown = set(asked) - {"model", "folder", "url", "requests_per_minute"}
    if unknown or ("folder" in asked) == ("url" in asked):
        raise validation("A model has a folder or a url, and may have requests_per_minute; nothing else.")
    folder = Path(asked["folder"]) if "folder" in asked else None
    if folder and not (folder / "config.json").is_file():
        raise validation(f"There is no model in {folder}: config.json is missing.")
    url = str(asked.get("url", "")).rstrip("/")
    if url and not _is_loopback(url):
        raise validation(f"{url} is not on this machine; a model's server listens on {LOOPBACK}.")
    limit = asked.get("requests_per_minute", 0)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise validation(f"requests_per_minute is a whole number of 0 or more, not {limit!r}.")
    model = Model(asked["model"], folder, url, limit)
    if old := _models.pop(model.name, None):
        old.stop()
    _models[model.name] = model


def find(identifier: str) -> Model:
    """The model behind an identifier, an ARN or a profile of several regions.

    Raises:
        ApiError: none was given; AWS answers so for a model that the account has no access to.
    """
    name = re.sub(r"^(?:us|eu|apac|global)\.", "", identifier.rpartition("/")[2])
    if model := _models.get(identifier) or _models.get(name):
        return model
    raise ApiError(
        "AccessDeniedException", "You don't have access to the model with the specified model ID.", 403
    )


def shutdown() -> None:
    """End all models' programs."""
    for model in list(_models.values()):
        model.stop()


def embedded(text: str, dimensions: int, *, normalize: bool) -> list[float]:
    """A vector in which texts with common words and word parts lie near each other.

    It stands for an embedding model: each word and each three letters of one count in a place of their hash.
    """
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        pieces = [(word, 1.0)] + [(f"#{word[i : i + 3]}", 0.3) for i in range(max(0, len(word) - 2))]
        for piece, weight in pieces:
            place = zlib.crc32(piece.encode())
            vector[place % dimensions] += weight if place & 0x10000 else -weight
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if normalize and length else vector


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
