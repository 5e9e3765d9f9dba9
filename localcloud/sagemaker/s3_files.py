"""Files to and from S3, the way SageMaker lays them out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class DataError(Exception):
    """Data that could not be fetched or stored; the message is what SageMaker gives as the reason."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an s3:// URI."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise DataError(f"{uri!r} is not an S3 URI; it must look like s3://bucket/prefix.")
    return parts.netloc, parts.path.lstrip("/")


def relative_path(key: str, prefix: str) -> str:
    """The path of an object of a prefix in the channel's folder.

    S3Prefix matches by the beginning of the key, and paths are kept from the prefix's last "/" on:
    `data/a/b.txt` of `data/a/` is `b.txt`, of `data/a` it is `a/b.txt`.
    """
    return key[prefix.rfind("/") + 1 :]


def list_keys(s3: Any, uri: str) -> list[tuple[str, int]]:
    """(key, bytes) of every object whose key begins with the URI's; folder markers are left out."""
    bucket, prefix = split_uri(uri)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    objects = (item for page in pages for item in page.get("Contents", []))
    return [(item["Key"], item["Size"]) for item in objects if not item["Key"].endswith("/")]


def download_prefix(s3: Any, uri: str, folder: Path) -> int:
    """Fetch all objects of a prefix into `folder`; returns how many there were.

    Raises:
        DataError: for a key that would land outside the folder.
    """
    bucket, prefix = split_uri(uri)
    keys = list_keys(s3, uri)
    root = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for key, _size in keys:
        target = (folder / (relative_path(key, prefix) or Path(key).name)).resolve()
        if not target.is_relative_to(root):
            raise DataError(f"The S3 key {key!r} leads out of its folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(target))
    return len(keys)


def upload_folder(s3: Any, folder: Path, uri: str, kms: dict[str, str] | None = None) -> None:
    """Store every file under `folder` below the URI. Links that lead out of the folder are passed over."""
    bucket, prefix = split_uri(uri.rstrip("/") + "/")
    for path in files_in(folder):
        s3.upload_file(
            str(path), bucket, f"{prefix}{path.relative_to(folder).as_posix()}", ExtraArgs=kms or None
        )


def files_in(folder: Path) -> Iterable[Path]:
    """The regular files under a folder that are really in it."""
    root = folder.resolve()
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and p.resolve().is_relative_to(root))


class FolderSync:
    """Stores a folder's changed files under a prefix in S3, as SageMaker does; removed files stay there."""

    def __init__(self, s3: Any, folder: Path, uri: str, report: Callable[[str], None]) -> None:
        self._s3, self._folder, self._report = s3, folder, report
        self._bucket, self._prefix = split_uri(uri.rstrip("/") + "/")
        self._uri = uri.rstrip("/") + "/"
        self._seen: dict[Path, tuple[int, int]] = {}

    def fetch(self) -> None:
        """Bring what S3 has, before the program starts."""
        download_prefix(self._s3, self._uri, self._folder)
        self._seen = {path: _stamp(path) for path in files_in(self._folder)}

    def store(self) -> None:
        """Store new and changed files; one that disappears is passed over, an S3 error is reported."""
        for path in files_in(self._folder):
            try:
                stamp = _stamp(path)
                if self._seen.get(path) == stamp:
                    continue
                key = f"{self._prefix}{path.relative_to(self._folder).as_posix()}"
                self._s3.upload_file(str(path), self._bucket, key)
                self._seen[path] = stamp
            except FileNotFoundError:
                continue  # the program renamed or removed it while we looked
            except Exception as error:
                self._report(f"Checkpoint {path.name} was not stored: {error}")


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
