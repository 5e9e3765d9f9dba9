"""Contestants: how they are named, what their answers cost, and whether questions may be sent to them."""

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from finexpert.errors import UserError

MOST_TOKENS = 256
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}")
PRICES = json.loads((Path(__file__).with_name("prices.json")).read_text(encoding="utf-8"))
"""Bedrock's prices, with source and date."""
PROFILE = re.compile(r"(?:.*:(?:application-)?inference-profile/)?(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.")
"""The beginning of the identifiers of profiles that answer in several regions."""
ASKED_AS = {
    "answers": "pasted; how the service was asked is not known",
    "bedrock": "one user message; Bedrock applies the model's own chat template; no stop marks of ours",
    "openai": "one user message; the server applies its own chat template; no stop marks of ours",
    "tuned": "the prompt as plain text, without a chat template; ends at the model's end-of-text token",
    "base": "the prompt as plain text, without a chat template; ends at the model's end-of-text token",
}
"""The form in which each kind gets the same prompt, and where its answer ends."""
KINDS = "tuned, base, bedrock:MODEL, openai:URL#MODEL (each with +docs), answers:FILE.csv"


@dataclass(frozen=True)
class Contestant:
    """A contestant: its name, its kind as it was given, and whether it gets passages from the documents.

    `model`: Bedrock's or the server's model; `url`: the server's; `file`: the pasted answers'; `most_tokens`:
    the longest answer that is asked for, the same for all; `version`: what else its answers depend on, such
    as the region or the adapter that is served; `given`: dollars per million tokens of input and of output,
    as a person wrote them; `usd_per_hour`: of the machine that answers.
    """

    name: str
    kind: str
    docs: bool = False
    model: str = ""
    url: str = ""
    file: str = ""
    most_tokens: int = MOST_TOKENS
    version: str = ""
    given: tuple[float, float] | None = None
    usd_per_hour: float = 0.0

    @property
    def written(self) -> str:
        """The kind as it was given."""
        parts = {"answers": self.file, "bedrock": self.model, "openai": f"{self.url}#{self.model}"}
        rest = f":{parts[self.kind]}" if self.kind in parts else ""
        return f"{self.kind}{rest}{'+docs' if self.docs else ''}"

    @property
    def receiver(self) -> str:
        """The service that the questions leave for: bedrock, or openai:HOST. Empty if nothing leaves."""
        if self.kind == "openai" and not is_loopback(self.url):
            return f"openai:{urlsplit(self.url).hostname}"
        return "bedrock" if self.kind == "bedrock" else ""

    @property
    def row(self) -> Mapping[str, Any] | None:
        """A Bedrock model's row of the price table; None where it has none."""
        return PRICES["models"].get(PROFILE.sub("", self.model, count=1)) if self.kind == "bedrock" else None

    @property
    def price(self) -> Mapping[str, float] | None:
        """Dollars per million tokens; None where they are not known.

        The table has the price of a request that stays in a region or a geography. A request that may go to
        any region ("global.") can be cheaper: its own price counts where the table has it.
        """
        if self.given:
            return {"input": self.given[0], "output": self.given[1]}
        if self.row:
            anywhere = (profile := PROFILE.match(self.model)) and profile[0].endswith("global.")
            row = self.row.get("global", self.row) if anywhere else self.row
            return {way: row[way] for way in ("input", "output")}
        return None if self.receiver else {"input": 0.0, "output": 0.0}

    def usd(self, input_tokens: int, output_tokens: int) -> float:
        """The cost of so many tokens; $0 where no price is known."""
        price = self.price or {"input": 0.0, "output": 0.0}
        return (input_tokens * price["input"] + output_tokens * price["output"]) / 1e6

    @property
    def price_source(self) -> str:
        """The source and the day of its price; empty where it has none."""
        if self.given:
            return "given with --price"
        if not self.row:
            return f"${self.usd_per_hour:g} an hour of the endpoint" if self.usd_per_hour else ""
        return ", ".join(str(self.row.get(key, PRICES[key])) for key in ("source", "region", "date"))

    @property
    def asked_as(self) -> str:
        """The form in which it gets the prompt, and where its answer ends."""
        return ASKED_AS[self.kind]


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
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


def priced(contestants: Sequence[Contestant], prices: Sequence[str]) -> list[Contestant]:
    """The contestants with the prices that a person gives: NAME=INPUT/OUTPUT, dollars per million tokens.

    Raises:
        UserError: one is no price, or is for no contestant that costs money.
    """
    found = {}
    for text in prices:
        match = re.fullmatch(r"([^=]+)=(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)", text)
        if not match or not any(each.name == match[1] and each.model for each in contestants):
            raise UserError(
                f"--price {text} is no price of a contestant that is a model.",
                fix="Write NAME=INPUT/OUTPUT in dollars per million tokens, such as --price gpt=2.5/10.",
            )
        found[match[1]] = (float(match[2]), float(match[3]))
    return [replace(each, given=found.get(each.name)) for each in contestants]


def refuse_price_of_elsewhere(contestants: Sequence[Contestant], region: str) -> None:
    """Stop if a Bedrock model's price is that of another region than the one that it is asked in.

    Raises:
        UserError: which price, and how to read the region's own.
    """
    for each in contestants:
        known = each.row.get("region", PRICES["region"]) if each.row and not each.given else region
        if known != region:
            raise UserError(
                f"The price of {each.model} is known for {known}, and the app is in {region}.",
                where=f"prices of {PRICES['date']}",
                fix=f"finexpert prices refresh {each.model} --region {region} --on aws",
            )


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


KEPT = {
    "none": "nothing is kept",
    "default": "each model's own policy holds; some keep traffic for up to 30 days",
    "provider_data_share": "traffic may be kept for up to 30 days and shared with the model's provider",
}
"""How long Bedrock keeps what it gets (Amazon Bedrock User Guide, "Data retention")."""


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
