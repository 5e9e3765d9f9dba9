"""One bucket of S3 in memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

FIRST_WRITE = datetime(2026, 11, 29, 12, tzinfo=UTC)


class FakeS3:
    """Objects by key, with the client's methods that the product uses; lists come in two pages.

    A write may name the version that it replaces. `meddle` runs once, before the next write.
    """

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = objects or {}
        self.uploads: list[str] = []
        self.meddle: Callable[[], None] | None = None
        self._written: dict[str, int] = {}

    def upload_file(self, path: str | Path, bucket: str, key: str, ExtraArgs: Any = None) -> None:
        self.objects[key] = Path(path).read_bytes()
        self.uploads.append(key)

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise _refused("NoSuchKey")
        return {"Body": BytesIO(self.objects[Key]), "ETag": self._version(Key)}

    def put_object(self, Bucket: str, Key: str, Body: bytes, **condition: str) -> None:
        if self.meddle:
            meddle, self.meddle = self.meddle, None
            meddle()
        there = self._version(Key) if Key in self.objects else None
        if ("IfNoneMatch" in condition and there) or condition.get("IfMatch", there) != there:
            raise _refused("PreconditionFailed")
        self._written[Key] = max(self._written.values(), default=0) + 1
        self.objects[Key] = Body

    def delete_object(self, Bucket: str, Key: str) -> None:
        self.objects.pop(Key, None)

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        half = len(keys) // 2
        for page in (keys[:half], keys[half:]):
            yield {"Contents": [self._listed(key) for key in page]} if page else {}

    def _listed(self, key: str) -> dict[str, Any]:
        written = FIRST_WRITE + timedelta(seconds=self._written.get(key, 0))
        return {"Key": key, "Size": len(self.objects[key]), "LastModified": written}

    def _version(self, key: str) -> str:
        return f'"{self._written.get(key, 0)}"'


def _refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "S3")
