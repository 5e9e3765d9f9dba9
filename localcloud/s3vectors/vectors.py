"""Vectors of an index: checked when they come, and compared. Pure.

Limits: Amazon S3 User Guide, "Limitations and restrictions" of S3 Vectors.
"""

from __future__ import annotations  # for array[float], which Python 3.11 cannot evaluate

import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import mul
from typing import Any

from localcloud.protocol import validation
from localcloud.s3vectors import filters

MOST_METADATA_BYTES = 40 * 1024
MOST_FILTERABLE_BYTES = 2 * 1024
MOST_METADATA_KEYS = 50


@dataclass
class Vector:
    """A stored vector: its numbers as float32, their length, and its metadata."""

    data: array[float]
    length: float
    metadata: dict[str, Any]


@dataclass
class Index:
    """An index of vectors. `made` is what CreateIndex was given."""

    made: dict[str, Any]
    arn: str
    created: float
    tags: dict[str, str]
    vectors: dict[str, Vector] = field(default_factory=dict)

    @property
    def non_filterable(self) -> frozenset[str]:
        """The metadata keys that a filter must not name."""
        return frozenset(self.made.get("metadataConfiguration", {}).get("nonFilterableMetadataKeys", ()))


def checked(index: Index, given: Mapping[str, Any]) -> Vector:
    record = f"Invalid record for key '{given['key']}'"
    metadata = given.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise validation(f"{record}: Metadata must be an object")
    if len(metadata) > MOST_METADATA_KEYS:
        raise validation(f"{record}: Metadata must have at most {MOST_METADATA_KEYS} keys")
    for name, value in metadata.items():
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(each, filters.PRIMITIVES) for each in parts):
            raise validation(f"{record}: Metadata {name} must be a string, a number, a boolean or a list")
    if _size(metadata) > MOST_METADATA_BYTES:
        raise validation(f"{record}: Total metadata must have at most {MOST_METADATA_BYTES} bytes")
    if _size({k: v for k, v in metadata.items() if k not in index.non_filterable}) > MOST_FILTERABLE_BYTES:
        raise validation(f"{record}: Filterable metadata must have at most {MOST_FILTERABLE_BYTES} bytes")
    data, length = numbers(index, given["data"], record)
    return Vector(data, length, metadata)


def numbers(index: Index, data: Mapping[str, Any], what: str) -> tuple[array[float], float]:
    """A vector as float32, and its length."""
    values, wanted = data["float32"], index.made["dimension"]
    if len(values) != wanted:
        raise validation(f"{what}: vector must have length {wanted}, but has length {len(values)}")
    try:
        found = array("f", values)
    except (OverflowError, TypeError):
        raise validation(f"{what}: vector must hold float32 values") from None
    if not all(map(math.isfinite, found)):
        raise validation(f"{what}: vector must not hold NaN or Infinity")
    length = math.sqrt(sum(map(mul, found, found)))
    if not length and index.made["distanceMetric"] == "cosine":
        raise validation(f"{what}: vector must not be zero for the cosine distance")
    return found, length


def _size(metadata: Mapping[str, Any]) -> int:
    return len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) if metadata else 0


def distance(asked: array[float], length: float, vector: Vector, metric: str) -> float:
    product = float(sum(map(mul, asked, vector.data)))
    if metric == "cosine":
        return 1.0 - product / (length * vector.length)
    return math.sqrt(max(0.0, length**2 + vector.length**2 - 2 * product))
