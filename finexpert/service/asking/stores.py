"""Stores of a person's own documents: a folder of this machine, or the data bucket under their id."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from core.aws.errors import if_there
from core.aws.s3 import S3Address, write_if
from finexpert.errors import UserError
from finexpert.paths import write_whole

Document = dict[str, Any]
Change = Callable[[Document | None], Document]

PREFIX = "history/"
_ATTEMPTS = 4


class Store(Protocol):
    """A store of one person's documents."""

    def names(self, start: str) -> list[str]:
        """Names that begin with `start`, the newest document first."""

    def read(self, name: str) -> Document | None:
        """Read a document; None where there is none."""

    def update(self, name: str, change: Change) -> Document:
        """Read, change and write a document, so that no other change in between is lost."""

    def remove(self, name: str) -> None:
        """Delete a document, if it is there."""


class FileStore:
    """Documents in a folder of this machine (0700), a file each (0600)."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._changing = folder, Lock()

    def names(self, start: str) -> list[str]:
        files = self._folder.glob(f"{start}*.json")
        return [file.stem for file in sorted(files, key=lambda file: -file.stat().st_mtime_ns)]

    def read(self, name: str) -> Document | None:
        try:
            return _parsed((self._folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return None

    def update(self, name: str, change: Change) -> Document:
        with self._changing:
            document = change(self.read(name))
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._folder / f"{name}.json", _written(document))
            return document

    def remove(self, name: str) -> None:
        (self._folder / f"{name}.json").unlink(missing_ok=True)


class S3Store:
    """Documents in the data bucket, under the prefix of one signed-in person.

    Args:
        person: the `sub` of a token that API Gateway has checked.
    """

    def __init__(self, s3: Any, bucket: str, person: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", person):
            raise ValueError("the token names no person")
        self._s3, self._bucket, self._prefix = s3, bucket, f"{PREFIX}{person}/"

    def names(self, start: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + start
        )
        found = [entry for page in pages for entry in page.get("Contents", [])]
        found.sort(key=lambda entry: entry["LastModified"], reverse=True)
        return [entry["Key"].removeprefix(self._prefix).removesuffix(".json") for entry in found]

    def read(self, name: str) -> Document | None:
        return self._read(name)[0]

    def update(self, name: str, change: Change) -> Document:
        for _ in range(_ATTEMPTS):
            before, tag = self._read(name)
            document = change(before)
            if write_if(self._s3, S3Address(self._bucket, self._key(name)), _written(document), tag):
                return document
        raise UserError("Several tabs change this at the same time.", fix="Wait a moment, then try again.")

    def remove(self, name: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _read(self, name: str) -> tuple[Document | None, str]:
        reply = if_there(lambda: self._s3.get_object(Bucket=self._bucket, Key=self._key(name)))
        return (_parsed(reply["Body"].read()), str(reply["ETag"])) if reply else (None, "")

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}.json"


def _parsed(content: bytes) -> Document:
    try:
        document = json.loads(content)
    except RecursionError:
        document = None
    if not isinstance(document, dict):
        raise ValueError("this is no document of the history")
    return document


def _written(document: Document) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")  # of half a character, which UTF-8 does not have
