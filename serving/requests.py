"""Checks a client's request before any of it reaches the model. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DEFAULT_NEW_TOKENS = 30  # LMI's default
MAX_BODY_BYTES = 6 * 1024 * 1024  # what InvokeEndpoint lets through
MAX_STOPS = 8
LEAST_TEMPERATURE = 1e-5  # dividing by less leaves no finite number; vLLM, too, is greedy then
ADAPTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
FLAGS = ("details", "do_sample", "return_full_text")
NUMBERS: dict[str, tuple[type, Any, Any]] = {
    "repetition_penalty": (float, 0.01, 100.0),
    "seed": (int, 0, 2**63 - 1),
    "temperature": (float, 0.0, 100.0),
    "top_k": (int, 0, 1_000_000),
    "top_p": (float, 1e-6, 1.0),
}
"""Of each number: its type, the least and the most that is taken; max_new_tokens is the server's to bound."""
PARAMETERS = sorted((*FLAGS, *NUMBERS, "max_new_tokens", "stop"))


class RequestError(Exception):
    """A request that is turned away.

    Args:
        status: HTTP status.
        message: what is wrong, where, and what would be right.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Generation:
    """One checked request for text."""

    prompt: str
    adapter: str | None = None  # None: the base model
    stream: bool = False
    max_new_tokens: int = DEFAULT_NEW_TOKENS
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0  # 0: all tokens
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    return_full_text: bool = False
    details: bool = False


def parse_generation(
    body: bytes,
    adapter_header: str | None,
    *,
    most_new_tokens: int,
    sampling: Mapping[str, float] = MappingProxyType({}),
) -> Generation:
    """Read the body of POST /invocations.

    Args:
        adapter_header: X-Amzn-SageMaker-Adapter-Identifier; it wins over the body's `adapters`.
        most_new_tokens: the most tokens that may be asked for.
        sampling: the model's own values of what the request leaves out.

    Raises:
        RequestError: 400 for what is not the contract's JSON, 422 for a value out of range.
    """
    asked = parse_object(body)
    unknown = sorted(set(asked) - {"inputs", "parameters", "stream", "adapters"})
    if unknown:
        known = "inputs, parameters, stream, adapters"
        raise RequestError(400, f"Unknown member {unknown[0]!r}; a request has {known}.")
    prompt = asked.get("inputs")
    if not isinstance(prompt, str) or not prompt:
        raise RequestError(400, "inputs must be a text that is not empty.")
    if any("\ud800" <= character <= "\udfff" for character in prompt):  # JSON can write it, UTF-8 cannot
        raise RequestError(400, "inputs must be a text of whole characters; it holds half a surrogate pair.")
    parameters = asked.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise RequestError(400, "parameters must be a JSON object.")
    unknown = sorted(set(parameters) - set(PARAMETERS))
    if unknown:
        raise RequestError(400, f"Unknown parameter {unknown[0]!r}; known are {', '.join(PARAMETERS)}.")
    given = {**sampling, **parameters}
    values: dict[str, Any] = {name: _flag(name, given[name]) for name in FLAGS if name in given}
    ranges = NUMBERS | {"max_new_tokens": (int, 1, most_new_tokens)}
    values |= {name: _number(name, given[name], *ranges[name]) for name in ranges if name in given}
    if values.get("temperature", 1.0) < LEAST_TEMPERATURE:  # 0 is greedy by convention
        values["do_sample"] = False
    return Generation(
        prompt=prompt,
        adapter=adapter_header or _adapter_of(asked.get("adapters")),
        stream=_flag("stream", asked.get("stream", False)),
        stop=_stops(given.get("stop")),
        **values,
    )


def parse_adapter(body: bytes) -> tuple[str, str]:
    """Read the body of POST /adapters: the adapter's name and its folder.

    Raises:
        RequestError: 400.
    """
    asked = parse_object(body)
    name, source = asked.get("name"), asked.get("src")
    if not isinstance(name, str) or not ADAPTER_NAME.fullmatch(name):
        raise RequestError(400, f"name must be letters, digits, '-' and '_' (63 at most), not {name!r}.")
    if not isinstance(source, str) or not source:
        raise RequestError(400, "src must be the folder of a PEFT adapter.")
    return name, source


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RequestError: 400.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The body is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise RequestError(400, "The body must be a JSON object.")
    return parsed


def _adapter_of(adapters: Any) -> str | None:
    """LMI's `adapters` is a list with one name for one prompt."""
    if adapters is None:
        return None
    if isinstance(adapters, list) and len(adapters) == 1 and isinstance(adapters[0], str):
        return adapters[0] or None
    raise RequestError(400, "adapters must be a list with one name.")


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RequestError(400, f"{name} must be true or false, not {value!r}.")
    return value


def _number(name: str, value: Any, kind: type, least: Any, most: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, kind | int):
        noun = "whole number" if kind is int else "number"
        raise RequestError(400, f"{name} must be a {noun}, not {value!r}.")
    if not least <= value <= most:  # false for NaN as well
        span = f"{least} to {most}" if kind is int else f"{least:g} to {most:g}"
        raise RequestError(422, f"{name} is {value}; it must be from {span}.")
    number: float = kind(value)
    return number


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise RequestError(400, "stop must be a text or a list of texts, none of them empty.")
    if len(stops) > MAX_STOPS:
        raise RequestError(422, f"stop has {len(stops)} texts; at most {MAX_STOPS} are taken.")
    return tuple(stops)
