"""The records of every resource, by account and region, in memory.

A record holds AWS's own field names (and datetimes for times), so an answer is a record cut to the
answer's shape. Records are read and changed under `lock`; it is never held while something else is called
(S3, a container, an event).
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud import platform
from localcloud.protocol import ApiError, validation

Record = dict[str, Any]
lock = threading.RLock()
_tables: dict[tuple[str, str, str], dict[str, Record]] = defaultdict(dict)
_tags: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Kind:
    """One kind of resource, with AWS's spellings in operations, ARNs and messages."""

    name: str  # "EndpointConfig": EndpointConfigName, EndpointConfigArn, CreateEndpointConfig
    arn_part: str  # "endpoint-config"
    words: str  # "endpoint configuration", as in 'Could not find endpoint configuration "arn:…".'
    missing: str = 'Could not find {words} "{arn}".'
    taken: str = 'Cannot create already existing {words} "{arn}".'
    taken_code: str = "ValidationException"

    @property
    def name_field(self) -> str:
        return f"{self.name}Name"

    @property
    def arn_field(self) -> str:
        return f"{self.name}Arn"

    @property
    def status_field(self) -> str:
        return f"{self.name}Status"

    def arn(self, name: str) -> str:
        """The resource's ARN in the account and region of the request."""
        return arn(self.arn_part, name)


def arn(kind: str, name: str) -> str:
    """A SageMaker ARN in the account and region of the request; SageMaker writes it in lower case."""
    return f"arn:aws:sagemaker:{platform.region()}:{platform.account_id()}:{kind}/{name.lower()}"


TRAINING_JOB = Kind(
    "TrainingJob",
    "training-job",
    "training job",
    missing="Requested resource not found.",
    taken="Training job names must be unique within an AWS account and region, and a training job with this"
    " name already exists ({arn})",
    taken_code="ResourceInUse",
)
MODEL = Kind("Model", "model", "model")
ENDPOINT_CONFIG = Kind("EndpointConfig", "endpoint-config", "endpoint configuration")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint")
INFERENCE_COMPONENT = Kind("InferenceComponent", "inference-component", "inference component")
MODEL_PACKAGE_GROUP = Kind(
    "ModelPackageGroup",
    "model-package-group",
    "model package group",
    missing="Model Package Group {name} does not exist.",
    taken="Model Package Group already exists: {arn}",
)
MODEL_PACKAGE = Kind(
    "ModelPackage", "model-package", "model package", missing="Model Package {name} does not exist."
)
KINDS = (
    *(TRAINING_JOB, MODEL, ENDPOINT_CONFIG, ENDPOINT, INFERENCE_COMPONENT),
    *(MODEL_PACKAGE_GROUP, MODEL_PACKAGE),
)


def now() -> datetime:
    """The service's clock."""
    return datetime.now(UTC)


def table(kind: Kind) -> dict[str, Record]:
    """The records of one kind in the request's account and region, by name."""
    return _tables[platform.account_id(), platform.region(), kind.name]


def find(kind: Kind, name: str) -> Record:
    """The record of that name.

    Raises:
        ApiError: AWS's answer for one that does not exist.
    """
    record = table(kind).get(name)
    if record is None:
        raise validation(kind.missing.format(words=kind.words, name=name, arn=kind.arn(name)))
    return record


def add(kind: Kind, params: Mapping[str, Any], **fields: Any) -> Record:
    """Make a record of a Create request's parameters and the service's own fields; keep its tags.

    Raises:
        ApiError: AWS's answer when the name is taken.
    """
    name = params[kind.name_field]
    arn = fields.pop(kind.arn_field, None) or kind.arn(name)
    created = now()
    record = {key: value for key, value in params.items() if key != "Tags" and value is not None}
    record |= {kind.arn_field: arn, "CreationTime": created, "LastModifiedTime": created} | fields
    with lock:
        if name in table(kind):
            raise ApiError(kind.taken_code, kind.taken.format(words=kind.words, arn=arn))
        table(kind)[name] = record
        _tags[arn] = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or []}
    return record


def remove(kind: Kind, name: str) -> None:
    """Forget a record and its tags."""
    with lock:
        record = table(kind).pop(name, None)
        if record:
            _tags.pop(record[kind.arn_field], None)


def change(record: Record, **fields: Any) -> Record:
    """Change a record's fields (None removes one), stamp its LastModifiedTime, return a copy of it."""
    with lock:
        record.update(fields, LastModifiedTime=now())
        for key in [key for key, value in fields.items() if value is None]:
            del record[key]
        return dict(record)


def tags_of(arn: str) -> dict[str, str]:
    """The tags of a resource (the mapping itself, to be changed under `lock`).

    Raises:
        ApiError: if nothing has that ARN.
    """
    if arn not in _tags:
        raise validation(f"Could not find resource {arn}.")
    return _tags[arn]


def tagged() -> list[tuple[str, dict[str, str]]]:
    """(ARN, tags) of every resource in the request's account and region."""
    mine = f":{platform.region()}:{platform.account_id()}:"
    with lock:
        return [(arn, dict(tags)) for arn, tags in _tags.items() if mine in arn]
