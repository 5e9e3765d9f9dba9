"""One bucket of S3 in memory."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Self


class FakeS3:
    """Objects by key, with the client's methods that the product uses; lists come in two pages."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = objects or {}
        self.uploads: list[str] = []

    def upload_file(self, path: str | Path, bucket: str, key: str, ExtraArgs: Any = None) -> None:
        self.objects[key] = Path(path).read_bytes()
        self.uploads.append(key)

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": BytesIO(self.objects[Key]), "ETag": '"1"'}

    def delete_object(self, Bucket: str, Key: str) -> None:
        del self.objects[Key]

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        half = len(keys) // 2
        for page in (keys[:half], keys[half:]):
            yield {"Contents": [{"Key": key, "Size": len(self.objects[key])} for key in page]} if page else {}
