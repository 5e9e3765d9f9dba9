"""Checks dataset and hyperparameters before anything is paid for (step 1 of the state machine)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from lambdas.shared.aws import AwsClients, Clients, error_text
from lambdas.shared.environment import ConfigurationError, Variables
from training.dataset import DatasetError, check
from training.hyperparameters import HyperparameterError, Hyperparameters, parse


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Answer {hyperparameters, documents, bytes, tokens_estimated, optimizer_steps, warnings, sentence}.

    Raises DatasetError with every problem, a line each: of the URI, the hyperparameters or the text.
    """
    variables = Variables(os.environ)
    configured = variables.text("HYPERPARAMETERS", "{}")
    variables.check()
    return validate(event, configured=_configured(configured), clients=AwsClients())


def validate(event: Mapping[str, Any], *, configured: Mapping[str, Any], clients: Clients) -> dict[str, Any]:
    """The handler with its settings and clients given."""
    hyperparameters = merged(configured, event.get("hyperparameters") or {})
    bucket, prefix = location(str(event.get("dataset", "")))
    s3 = clients("s3")
    try:
        keys = _keys(s3, bucket, prefix)
    except Exception as error:
        raise DatasetError([f"{event['dataset']} cannot be read: {error_text(error)}"]) from error
    if not keys:
        raise DatasetError([f"there is nothing under {event['dataset']}: upload the dataset first"])
    report = check(_sources(s3, bucket, prefix, keys), hyperparameters)
    report.raise_for_errors()
    return {
        "hyperparameters": hyperparameters.to_strings(),
        "documents": report.documents,
        "bytes": report.bytes,
        "tokens_estimated": report.tokens_estimated,
        "optimizer_steps": report.optimizer_steps,
        "warnings": list(report.warnings),
        "sentence": report.sentence,
    }


def merged(configured: Mapping[str, Any], overrides: Mapping[str, Any]) -> Hyperparameters:
    """The configured recipe with the run's own values over it, read and checked."""
    try:
        return parse({**configured, **overrides})
    except HyperparameterError as error:
        raise DatasetError([f"hyperparameter {line}" for line in error.problems]) from error


def location(uri: str) -> tuple[str, str]:
    """(bucket, prefix ending in `/`) of `s3://bucket/prefix/`."""
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or not prefix:
        raise DatasetError([f"the dataset is {uri!r}: write s3://BUCKET/datasets/NAME/"])
    return parts.netloc, f"{prefix}/"


def _configured(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConfigurationError(f"HYPERPARAMETERS is {text!r}: write a JSON object of strings")
    return value


def _keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Keys of the files under the prefix, sorted, without folder markers and hidden files."""
    found: list[str] = []
    for answer in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        found += [entry["Key"] for entry in answer.get("Contents", [])]
    names = [key for key in found if not key.endswith("/")]
    return sorted(k for k in names if not any(p.startswith(".") for p in k.removeprefix(prefix).split("/")))


def _sources(s3: Any, bucket: str, prefix: str, keys: list[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(name, function that opens the object's stream): nothing is held in memory, one object is open at a
    time."""
    for key in keys:
        yield key.removeprefix(prefix), partial(_open, s3, bucket, key)


def _open(s3: Any, bucket: str, key: str) -> Any:
    return s3.get_object(Bucket=bucket, Key=key)["Body"]
