"""Checks a client's request before any of it reaches the model. Pure."""

from __future__ import annotations

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
PARAMETERS = (
    "details",
    "do_sample",
    "max_new_tokens",
    "repetition_penalty",
    "return_full_text",
    "seed",
    "stop",
    "temperature",
    "top_k",
    "top_p",
)


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
    stream = asked.get("stream", False)
    if not isinstance(stream, bool):
        raise RequestError(400, f"stream must be true or false, not {stream!r}.")
    parameters = asked.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise RequestError(400, "parameters must be a JSON object.")
    unknown = sorted(set(parameters) - set(PARAMETERS))
    if unknown:
        raise RequestError(400, f"Unknown parameter {unknown[0]!r}; known are {', '.join(PARAMETERS)}.")
    do_sample = _flag(parameters, "do_sample")
    parameters = {**sampling, **parameters}
    temperature = _number(parameters, "temperature", 1.0, least=0.0, most=100.0)
    return Generation(
        prompt=prompt,
        adapter=adapter_header or _adapter_of(asked.get("adapters")),
        stream=stream,
        max_new_tokens=_whole(
            parameters, "max_new_tokens", DEFAULT_NEW_TOKENS, least=1, most=most_new_tokens
        ),
        do_sample=do_sample and temperature >= LEAST_TEMPERATURE,  # 0 is greedy by convention
        temperature=temperature,
        top_k=_whole(parameters, "top_k", 0, least=0, most=1_000_000),
        top_p=_number(parameters, "top_p", 1.0, least=1e-6, most=1.0),
        repetition_penalty=_number(parameters, "repetition_penalty", 1.0, least=0.01, most=100.0),
        seed=_whole(parameters, "seed", 0, least=0, most=2**63 - 1) if "seed" in parameters else None,
        stop=_stops(parameters.get("stop")),
        return_full_text=_flag(parameters, "return_full_text"),
        details=_flag(parameters, "details"),
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


def _flag(parameters: Mapping[str, Any], name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise RequestError(400, f"{name} must be true or false, not {value!r}.")
    return value


def _whole(parameters: Mapping[str, Any], name: str, default: int, *, least: int, most: int) -> int:
    value = parameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestError(400, f"{name} must be a whole number, not {value!r}.")
    if not least <= value <= most:
        raise RequestError(422, f"{name} is {value}; it must be from {least} to {most}.")
    return value


def _number(parameters: Mapping[str, Any], name: str, default: float, *, least: float, most: float) -> float:
    value = parameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(400, f"{name} must be a number, not {value!r}.")
    if not least <= value <= most:  # false for NaN as well
        raise RequestError(422, f"{name} is {value}; it must be from {least:g} to {most:g}.")
    return float(value)


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise RequestError(400, "stop must be a text or a list of texts, none of them empty.")
    if len(stops) > MAX_STOPS:
        raise RequestError(422, f"stop has {len(stops)} texts; at most {MAX_STOPS} are taken.")
    return tuple(stops)
