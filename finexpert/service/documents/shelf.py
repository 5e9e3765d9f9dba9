"""Keeps the index in the data bucket: one file for each version, and a pointer, written only if unchanged."""

import hashlib
import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from core.aws.errors import error_code, is_missing
from core.aws.s3 import S3Address, write_if
from core.documents import store
from finexpert.errors import NotFound, UserError
from finexpert.paths import write_whole

PREFIX = "documents/"
POINTER = f"{PREFIX}current.json"


def push(s3: Any, bucket: str, folder: Path) -> str:
    """Upload the index of `folder` and make it the current one; returns its version (a checksum).

    The file is written under its checksum, so a version never changes. The pointer is written only if it is
    still the one that was read.

    Raises:
        UserError: another upload moved the pointer in between.
        store.IndexProblem: there is no index.
    """
    with store.opened(folder):
        pass
    content = (folder / store.FILE).read_bytes()
    version = hashlib.sha256(content).hexdigest()
    current, tag = _pointer(s3, bucket)
    if current == version:
        return version
    s3.put_object(Bucket=bucket, Key=f"{PREFIX}{version}.sqlite", Body=content)
    body = json.dumps({"version": version, "bytes": len(content)}).encode()
    if not write_if(s3, S3Address(bucket, POINTER), body, tag):
        raise UserError(
            "Another index was pushed at the same time; this one is stored, but not the current one.",
            where=f"s3://{bucket}/{POINTER}",
            fix="Fetch theirs (finexpert docs pull), add your documents to it, and push again.",
        )
    return version


def pull(s3: Any, bucket: str, folder: Path) -> str:
    """Fetch the current index into `folder`, replacing the one there; returns its version.

    Raises:
        NotFound: none was pushed.
        UserError: what came is not what was pushed; nothing is replaced.
    """
    version, _ = _pointer(s3, bucket)
    if not version:
        raise NotFound(
            "No index of documents was pushed.", where=f"s3://{bucket}/{PREFIX}", fix="finexpert docs push"
        )
    file = folder / store.FILE
    if _checksum(file) == version:
        return version
    content = s3.get_object(Bucket=bucket, Key=f"{PREFIX}{version}.sqlite")["Body"].read()
    if hashlib.sha256(content).hexdigest() != version:
        raise UserError(
            "The stored index is damaged.",
            where=f"s3://{bucket}/{PREFIX}{version}.sqlite",
            fix="Push it again.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, content)
    return version


def _checksum(file: Path) -> str:
    """SHA-256 of a file, which is not read into memory as a whole; "" where there is none."""
    if not file.is_file():
        return ""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pointer(s3: Any, bucket: str) -> tuple[str, str]:
    """The version of the current index and the pointer's ETag, both empty where none was pushed."""
    try:
        reply = s3.get_object(Bucket=bucket, Key=POINTER)
    except ClientError as error:
        # Without the right to list, S3 answers AccessDenied for an object that is not there.
        if is_missing(error) or error_code(error) == "AccessDenied":
            return "", ""
        raise
    document = json.loads(reply["Body"].read())
    version = str(document.get("version", "")) if isinstance(document, dict) else ""
    if not version.isalnum():
        raise UserError(
            "The pointer to the current index is damaged.",
            where=f"s3://{bucket}/{POINTER}",
            fix="Delete it, then push again.",
        )
    return version, reply["ETag"]
