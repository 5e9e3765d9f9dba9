"""Checks an uploaded dataset and the hyperparameters before anything is paid for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from core.aws.calls import Clients, region_from
from core.aws.errors import error_text
from core.aws.s3 import S3Address, sizes
from core.dataset import DatasetError, Sample, check
from core.endpoint.adapters import ANY, parse_servable
from core.environment import ConfigurationError, Variables
from core.hyperparameters import HyperparameterError, Hyperparameters
from core.money.training_time import expected
from core.names import dataset_name

#: About 25 seconds of a whole core (5.6 MB/s, measured), of which this function has a third: well within its
#: five minutes. Of more text the beginning of each file is read, and the answer says so.
MOST_BYTES = 128 << 20
#: Opening an object takes tens of milliseconds.
MOST_FILES = 2000
LABELS = ("name", "by", "data")
LONGEST_LABEL = 100
#: The answer says of this many files how they were read.
SHOWN_FILES = 20


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
    """Settings of the function `validate_dataset`, from its environment variables."""

    hyperparameters: Mapping[str, Any]
    region: str
    instance_type: str
    instances: int
    served_rank: int = ANY
    """The largest rank of an adapter that the endpoint loads."""

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        configured = variables.needed("HYPERPARAMETERS", "a JSON object of strings") or "{}"
        settings = cls(
            hyperparameters=_configured(configured),
            region=region_from(environ),
            instance_type=variables.needed("TRAINING_INSTANCE_TYPE", "the setting training_instance_type"),
            instances=variables.whole("TRAINING_INSTANCE_COUNT", low=1),
            served_rank=variables.whole("SERVED_LORA_RANK", ANY),
        )
        variables.check()
        return settings


def validate(event: Mapping[str, Any], *, settings: ValidationSettings, clients: Clients) -> dict[str, Any]:
    """Answer as `lambdas.validate_dataset.handler` says.

    Args:
        event: with `"unjudged": false`, as every run has it by default, data is refused on which the quality
            gate could judge no model.

    Raises:
        DatasetError: with every problem, a line each.
    """
    hyperparameters = merged(
        settings.hyperparameters, event.get("hyperparameters") or {}, settings.served_rank
    )
    folder = location(str(event.get("dataset", "")))
    s3 = clients("s3")
    try:
        found = sizes(s3, folder).items()  # the marks of folders and hidden files among them
        files = {name: size for name, size in found if not (name.endswith("/") or "/." in f"/{name}")}
    except Exception as error:
        raise DatasetError([f"{event['dataset']} cannot be read: {error_text(error)}"]) from error
    if not files:
        raise DatasetError([f"there is nothing under {event['dataset']}: upload the dataset first"])
    sample = Sample.of(files, most_bytes=MOST_BYTES, most_files=MOST_FILES)
    # Nothing is held in memory, and one object is open at a time
    sources = [(name, partial(_open, s3, folder / name, sample.limits.get(name))) for name in files]
    report = check(sources, hyperparameters, sample=sample)
    report.raise_for_errors()
    if report.unjudged and not event.get("unjudged", True):
        raise DatasetError(
            [
                f"this run would be paid for in vain: {report.unjudged}",
                "add documents, hold out more of them (validation_split_ratio), or start the run with"
                ' "unjudged": true',
            ]
        )
    return {
        "hyperparameters": hyperparameters.to_strings(),
        "labels": labels(event),
        "documents": report.documents,
        "bytes": report.bytes,
        "share_read": report.share_read,
        "tokens_estimated": report.tokens_estimated,
        "tokens_range": list(report.tokens_range),
        "trained_tokens": max(report.trained_tokens),
        "optimizer_steps": report.optimizer_steps,
        "expected": expected(
            report.trained_tokens,
            report.evaluated_tokens,
            instance_type=settings.instance_type,
            instances=settings.instances,
            region=settings.region,
        ),
        "understood": [str(each) for each in report.understood[:SHOWN_FILES]],
        "first": report.first,
        "warnings": list(report.warnings),
        "sentence": report.sentence,
    }


def labels(event: Mapping[str, Any]) -> dict[str, str]:
    """The names of the run and its data, and who started it, cut to the length that every place takes.

    Args:
        event: has `name`, `by` and `dataset`, whatever an execution was given for them.
    """
    given = {**event, "data": dataset_name(str(event.get("dataset", "")))}
    return {key: " ".join(str(given.get(key, "")).split())[:LONGEST_LABEL] for key in LABELS}


def merged(configured: Mapping[str, Any], overrides: Any, served_rank: int = ANY) -> Hyperparameters:
    """The configured recipe with the run's own values over it, read and checked."""
    if not isinstance(overrides, Mapping):
        raise DatasetError([f"the hyperparameters are {overrides!r}: write a JSON object of strings"])
    try:
        return parse_servable({**configured, **overrides}, served_rank)
    except HyperparameterError as error:
        raise DatasetError([f"hyperparameter {line}" for line in error.problems]) from error


def location(uri: str) -> S3Address:
    """The folder of `s3://bucket/prefix/`."""
    try:
        folder = S3Address.parse(uri).folder
    except ValueError:
        folder = S3Address("", "")
    if not folder.key or str(folder) != uri:  # SageMaker takes what begins so: datasets/a is datasets/ab too
        raise DatasetError([f"the dataset is {uri!r}: write s3://BUCKET/datasets/NAME/"])
    return folder


def _configured(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConfigurationError(f"HYPERPARAMETERS is {text!r}: write a JSON object of strings")
    return value


def _open(s3: Any, file: S3Address, limit: int | None) -> Any:
    """The object's stream; where only a part is read, one byte more, which shows that there is more."""
    wanted = {} if limit is None else {"Range": f"bytes=0-{limit}"}
    try:
        return s3.get_object(Bucket=file.bucket, Key=file.key, **wanted)["Body"]
    except Exception as error:
        raise OSError(error_text(error)) from error
