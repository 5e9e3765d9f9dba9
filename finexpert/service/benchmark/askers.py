"""Asks one question: of Bedrock's Converse API, of a server with OpenAI's protocol, or of the endpoint."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from finexpert.service.asking import inference, passages
from finexpert.service.benchmark.contestants import Contestant, is_loopback

FINAL = {"AccessDeniedException", "ResourceNotFoundException", "ValidationException"}
"""Bedrock's errors that another try does not change."""
MAY_BE_BILLED = {408, 424}
"""HTTP statuses below 500 after which a model may have answered: it took too long, or it failed."""


@dataclass(frozen=True)
class Reply:
    """An answer, how long it took, and the tokens that it is billed by."""

    text: str
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0


class Failed(Exception):
    """A contestant gave no answer to a question; it counts as failed, not as wrong.

    `again`: whether the same request may succeed later. `billed`: whether the service may bill it all the
    same: only a request that it refused, or that did not reach it, is known to cost nothing.
    """

    def __init__(self, message: str, *, again: bool = True, billed: bool = True) -> None:
        super().__init__(message)
        self.again, self.billed = again, billed


Asker = Callable[[str], Reply]


def may_be_billed(status: int) -> bool:
    """Whether a request that ended with this HTTP status may be billed: a refusal is not."""
    return status >= 500 or status in MAY_BE_BILLED


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirection is an error: consent is for the host that was named."""


def bedrock_client(target: Any) -> Any:
    """A client that sends each request once: requests that it repeated would not be counted."""
    from botocore.config import Config

    once = Config(connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 1, "mode": "standard"})
    return target.session().client("bedrock-runtime", endpoint_url=target.endpoint_url, config=once)


def bedrock(client: Any, contestant: Contestant) -> Asker:
    """Asks a Bedrock model by the Converse API at temperature 0."""

    def ask(prompt: str) -> Reply:
        from botocore import exceptions

        begin = time.monotonic()
        try:
            reply = passages.converse(client, contestant.model, prompt, contestant.most_tokens)
        except exceptions.ClientError as error:
            again = error.response["Error"]["Code"] not in FINAL
            status = error.response["ResponseMetadata"].get("HTTPStatusCode", 500)
            raise Failed(str(error), again=again, billed=may_be_billed(status)) from None
        except (
            exceptions.EndpointConnectionError,
            exceptions.ConnectTimeoutError,
            exceptions.ProxyConnectionError,
            exceptions.SSLError,
            exceptions.NoCredentialsError,
        ) as error:
            raise Failed(f"{type(error).__name__}: {error}", billed=False) from None
        except exceptions.BotoCoreError as error:
            raise Failed(f"{type(error).__name__}: {error}") from None
        usage = reply.get("usage", {})
        try:
            text = passages.text_of(reply)
        except (LookupError, TypeError) as error:
            raise Failed(f"an answer without text: {type(error).__name__}") from None
        return Reply(
            text, time.monotonic() - begin, usage.get("inputTokens", 0), usage.get("outputTokens", 0)
        )

    return ask


def openai(contestant: Contestant, timeout: float = 120.0) -> Asker:
    """Asks a server at URL/chat/completions; the key is read from OPENAI_API_KEY and never printed.

    Nothing is sent on to where the server points, nor through a proxy to a server on this machine.
    """
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_loopback(contestant.url):
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)

    def ask(prompt: str) -> Reply:
        body = {
            "model": contestant.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": contestant.most_tokens,
            "temperature": 0,
        }
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            f"{contestant.url}/chat/completions", json.dumps(body).encode(), headers
        )
        begin = time.monotonic()
        try:
            with opener.open(request, timeout=timeout) as response:
                reply = json.load(response)
            text = str(reply["choices"][0]["message"]["content"] or "")
        except urllib.error.HTTPError as error:
            again = error.code in (408, 429) or error.code >= 500
            raise Failed(f"HTTP {error.code}", again=again, billed=may_be_billed(error.code)) from None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            sent = not isinstance(getattr(error, "reason", None), ConnectionRefusedError)
            raise Failed(f"{type(error).__name__}: {error}", billed=sent) from None
        usage = reply.get("usage") or {}
        return Reply(
            text, time.monotonic() - begin, usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        )

    return ask


def endpoint(deployment: Any, contestant: Contestant) -> Asker:
    """Asks the deployed endpoint's tuned or base model."""
    inference.require_awake(deployment)

    def ask(prompt: str) -> Reply:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            (answer,) = inference.ask(
                deployment, {contestant.kind: prompt}, inference.generation(contestant.most_tokens, 0.0, 0)
            )
        except (ClientError, BotoCoreError) as error:
            raise Failed(f"{type(error).__name__}: {error}", billed=False) from None
        return Reply(answer.text, answer.seconds)

    return ask
