"""Who answers: pasted answers, the deployed endpoint, Amazon Bedrock, or a server with OpenAI's protocol."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from finexpert.errors import UserError

MOST_TOKENS = 256
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}")
PRICES = json.loads((Path(__file__).with_name("prices.json")).read_text(encoding="utf-8"))
"""Bedrock's prices, with source and date."""
PROFILE = re.compile(r"(?:.*:(?:application-)?inference-profile/)?(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.")
"""How the identifiers of profiles begin that answer in several regions."""
FINAL = {"AccessDeniedException", "ResourceNotFoundException", "ValidationException"}
"""Bedrock's errors that another try does not change."""
KINDS = "tuned, base, bedrock:MODEL, openai:URL#MODEL (each with +docs), answers:FILE.csv"


@dataclass(frozen=True)
class Reply:
    """An answer, how long it took, and the tokens that it is billed by."""

    text: str
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0


class Failed(Exception):
    """A contestant gave no answer to a question; it counts as failed, not as wrong.

    `again`: whether the same request may succeed later.
    """

    def __init__(self, message: str, *, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


@dataclass(frozen=True)
class Contestant:
    """A contestant: its name, its kind as it was given, and whether it gets passages from the documents.

    `model`: Bedrock's or the server's model; `url`: the server's; `file`: the pasted answers'; `most_tokens`:
    the longest answer that is asked for, the same for all; `version`: what else its answers depend on, such
    as the region or the adapter that is served.
    """

    name: str
    kind: str
    docs: bool = False
    model: str = ""
    url: str = ""
    file: str = ""
    most_tokens: int = MOST_TOKENS
    version: str = ""

    @property
    def written(self) -> str:
        """The kind as it was given."""
        parts = {"answers": self.file, "bedrock": self.model, "openai": f"{self.url}#{self.model}"}
        rest = f":{parts[self.kind]}" if self.kind in parts else ""
        return f"{self.kind}{rest}{'+docs' if self.docs else ''}"

    @property
    def receiver(self) -> str:
        """The service that the questions leave for: bedrock, or openai:HOST. Empty if nothing leaves."""
        if self.kind == "bedrock":
            return "bedrock"
        return (
            f"openai:{urlsplit(self.url).hostname}"
            if self.kind == "openai" and not _loopback(self.url)
            else ""
        )

    @property
    def price(self) -> Mapping[str, float] | None:
        """Dollars per million tokens; None where they are not known."""
        if self.kind == "bedrock":
            return PRICES["models"].get(PROFILE.sub("", self.model, count=1))  # type: ignore[no-any-return]
        if self.kind == "openai" and self.receiver:
            return None
        return {"input": 0.0, "output": 0.0}


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse(text: str) -> Contestant:
    """A contestant from NAME=KIND.

    Raises:
        UserError: it is none of the kinds.
    """
    name, equals, kind = text.partition("=")
    if not equals or not NAME.fullmatch(name):
        raise UserError(f"--contestant {text} is no NAME=KIND", fix=f"Kinds: {KINDS}.")
    docs = kind.endswith("+docs")
    kind = kind.removesuffix("+docs")
    head, _, rest = kind.partition(":")
    if head == "answers" and rest and not docs:
        return Contestant(name, "answers", file=rest)
    if head in {"tuned", "base"} and not rest:
        return Contestant(name, head, docs)
    if head == "bedrock" and rest:
        return Contestant(name, "bedrock", docs, model=rest)
    if head == "openai" and re.fullmatch(r"https?://[^#\s]+#\S+", rest):
        url, _, model = rest.partition("#")
        return Contestant(name, "openai", docs, model=model, url=url.rstrip("/"))
    raise UserError(f"--contestant {text} names no kind", fix=f"Kinds: {KINDS}.")


def refuse_without_consent(contestants: Sequence[Contestant], send_to: Sequence[str], data: str) -> None:
    """Stop before anything is sent to a service that was not named, or that the data may not go to.

    Raises:
        UserError: which contestant, and how to agree.
    """
    for contestant in contestants:
        receiver = contestant.receiver
        if not receiver:
            continue
        if receiver not in send_to:
            raise UserError(
                f"{contestant.name} would send your questions to {receiver}.",
                where=contestant.written,
                fix=f"Agree with --send-to {receiver}, or leave the contestant out.",
            )
        if data == "internal" and contestant.kind == "openai":
            raise UserError(
                f"{contestant.name} is a third party, and the data are internal.",
                where=contestant.written,
                fix="Say --data public if they may leave your account.",
            )
        if data == "internal" and (
            PROFILE.match(contestant.model) or "inference-profile" in contestant.model
        ):
            raise UserError(
                f"{contestant.model} sends prompts to several regions, and the data are internal.",
                where=contestant.written,
                fix="Name the model without its prefix, or say --data public.",
            )


def retention(bedrock: Any) -> str:
    """The account's data retention for Bedrock: "none", "default", …; or why it is not known."""
    try:
        return str(bedrock.get_account_data_retention().get("mode", "")).lower() or "not known"
    except Exception as error:  # an SDK without the call, or no right to it: not known is not good
        return f"not readable ({type(error).__name__})"


def refuse_retention(mode: str, data: str) -> None:
    """With internal data, stop unless the account keeps Bedrock from keeping traffic.

    Raises:
        UserError: the account's setting allows it, or cannot be read.
    """
    if data == "internal" and mode != "none":
        raise UserError(
            f"Whether Bedrock keeps your traffic is {mode}, and the data are internal.",
            where="bedrock:GetAccountDataRetention",
            fix="Set the account's data retention for Bedrock to none, or say --data public.",
        )


Asker = Callable[[str], Reply]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirection is an error: consent is for the host that was named."""


def bedrock(client: Any, contestant: Contestant) -> Asker:
    """Asks a Bedrock model by the Converse API at temperature 0."""

    def ask(prompt: str) -> Reply:
        from botocore.exceptions import BotoCoreError, ClientError

        begin = time.monotonic()
        try:
            reply = client.converse(
                modelId=contestant.model,
                messages=[{"role": "user", "content": [{"text": prompt}]}],
                inferenceConfig={"maxTokens": contestant.most_tokens, "temperature": 0.0},
            )
        except ClientError as error:
            raise Failed(str(error), again=error.response["Error"]["Code"] not in FINAL) from None
        except BotoCoreError as error:
            raise Failed(f"{type(error).__name__}: {error}") from None
        usage = reply.get("usage", {})
        text = "".join(part.get("text", "") for part in reply["output"]["message"]["content"])
        return Reply(
            text, time.monotonic() - begin, usage.get("inputTokens", 0), usage.get("outputTokens", 0)
        )

    return ask


def openai(contestant: Contestant, timeout: float = 120.0) -> Asker:
    """Asks a server at URL/chat/completions; the key is read from OPENAI_API_KEY and never printed.

    Nothing is sent on to where the server points, nor through a proxy to a server on this machine.
    """
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if _loopback(contestant.url):
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
            raise Failed(f"HTTP {error.code}", again=error.code in (408, 429) or error.code >= 500) from None
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from None
        usage = reply.get("usage") or {}
        return Reply(
            text, time.monotonic() - begin, usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        )

    return ask


def endpoint(deployment: Any, contestant: Contestant) -> Asker:
    """Asks the deployed endpoint's tuned or base model."""
    from finexpert.service.asking import inference

    inference.require_awake(deployment)

    def ask(prompt: str) -> Reply:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            (answer,) = inference.ask(
                deployment, {contestant.kind: prompt}, inference.generation(contestant.most_tokens, 0.0, 0)
            )
        except (ClientError, BotoCoreError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from None
        return Reply(answer.text, answer.seconds)

    return ask
