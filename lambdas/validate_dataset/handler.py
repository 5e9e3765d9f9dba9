"""Checks dataset and hyperparameters before anything is paid for (step 1 of the state machine)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from core.aws.calls import AwsClients, Clients, error_text, region_from
from core.dataset import DatasetError, Sample, check
from core.environment import ConfigurationError, Variables
from core.hyperparameters import HyperparameterError, Hyperparameters, parse
from core.money.training_time import expected

#: About 25 seconds of a whole core (5.6 MB/s, measured), of which this function has a third: well within its
#: five minutes. Of more text the beginning of each file is read, and the answer says so.
MOST_BYTES = 128 << 20
#: Opening an object takes tens of milliseconds.
MOST_FILES = 2000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The function's settings."""

    hyperparameters: Mapping[str, Any]
    region: str
    instance_type: str
    instances: int

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Settings:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        configured = variables.text("HYPERPARAMETERS", "{}")
        settings = cls(
            hyperparameters=_configured(configured),
            region=region_from(environ),
            instance_type=variables.text("TRAINING_INSTANCE_TYPE", "ml.g5.2xlarge"),
            instances=int(variables.number("TRAINING_INSTANCE_COUNT", 1, low=1)),
        )
        variables.check()
        return settings


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Answer {hyperparameters, documents, bytes, share_read, tokens_estimated, tokens_range, optimizer_steps,
    expected, warnings, sentence}.

    Raises DatasetError with every problem, a line each: of the URI, the hyperparameters or the text.
    """
    return validate(event, settings=Settings.load(os.environ), clients=AwsClients())


def validate(event: Mapping[str, Any], *, settings: Settings, clients: Clients) -> dict[str, Any]:
    """The handler with its settings and clients given."""
    hyperparameters = merged(settings.hyperparameters, event.get("hyperparameters") or {})
    bucket, prefix = location(str(event.get("dataset", "")))
    s3 = clients("s3")
    try:
        sizes = _sizes(s3, bucket, prefix)
    except Exception as error:
        raise DatasetError([f"{event['dataset']} cannot be read: {error_text(error)}"]) from error
    if not sizes:
        raise DatasetError([f"there is nothing under {event['dataset']}: upload the dataset first"])
    sample = Sample.of(sizes, most_bytes=MOST_BYTES, most_files=MOST_FILES)
    report = check(_sources(s3, bucket, prefix, sizes, sample), hyperparameters, sample=sample)
    report.raise_for_errors()
    return {
        "hyperparameters": hyperparameters.to_strings(),
        "documents": report.documents,
        "bytes": report.bytes,
        "share_read": report.share_read,
        "tokens_estimated": report.tokens_estimated,
        "tokens_range": list(report.tokens_range),
        "optimizer_steps": report.optimizer_steps,
        "expected": expected(
            report,
            instance_type=settings.instance_type,
            instances=settings.instances,
            region=settings.region,
        ),
        "warnings": list(report.warnings),
        "sentence": report.sentence,
    }


def merged(configured: Mapping[str, Any], overrides: Any) -> Hyperparameters:
    """The configured recipe with the run's own values over it, read and checked."""
    if not isinstance(overrides, Mapping):
        raise DatasetError([f"the hyperparameters are {overrides!r}: write a JSON object of strings"])
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
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConfigurationError(f"HYPERPARAMETERS is {text!r}: write a JSON object of strings")
    return value


def _sizes(s3: Any, bucket: str, prefix: str) -> dict[str, int]:
    """Bytes of each file under the prefix by its name there, sorted, without folder markers and hidden
    files."""
    found: dict[str, int] = {}
    for answer in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in answer.get("Contents", []):
            found[entry["Key"].removeprefix(prefix)] = entry["Size"]
    return {name: size for name, size in sorted(found.items()) if _visible(name)}


def _visible(name: str) -> bool:
    return not name.endswith("/") and not any(part.startswith(".") for part in name.split("/"))


def _sources(
    s3: Any, bucket: str, prefix: str, sizes: Mapping[str, int], sample: Sample
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """(name, function that opens the object's stream): nothing is held in memory, one object is open at a
    time."""
    for name in sizes:
        yield name, partial(_open, s3, bucket, prefix + name, sample.limits.get(name))


def _open(s3: Any, bucket: str, key: str, limit: int | None) -> Any:
    """The object's stream; where only a part is read, one byte more, which tells that there is more."""
    wanted = {} if limit is None else {"Range": f"bytes=0-{limit}"}
    try:
        return s3.get_object(Bucket=bucket, Key=key, **wanted)["Body"]
    except Exception as error:
        raise OSError(error_text(error)) from error
