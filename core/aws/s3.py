"""Addresses in S3, and what lies under them."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.aws.errors import Cause, cause_of, is_missing

SCHEME = "s3://"


class S3Address(NamedTuple):
    """An object, or everything under a prefix; `key` is empty for a whole bucket."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Address:
        """The address of `s3://BUCKET/KEY`.

        Raises:
            ValueError: it is none, or names no bucket.
        """
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not bucket:
            raise ValueError(f"{uri!r} is no S3 address: write s3://BUCKET/KEY")
        return cls(bucket, key)

    @property
    def folder(self) -> S3Address:
        """This address with one slash at its end, so that it names what lies under it."""
        path = self.key.strip("/")
        return S3Address(self.bucket, f"{path}/" if path else "")

    def __truediv__(self, name: str) -> S3Address:
        """The object `name` of a folder."""
        return S3Address(self.bucket, self.key + name)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def sizes(s3: Any, folder: S3Address) -> dict[str, int]:
    """Bytes of every object under a prefix by its name there, in the order of the names."""
    found = {
        entry["Key"].removeprefix(folder.key): entry["Size"]
        for answer in s3.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key)
        for entry in answer.get("Contents", [])
    }
    return dict(sorted(found.items()))


def write_if(s3: Any, address: S3Address, body: bytes, etag: str) -> bool:
    """Write an object only if it still is as it was read; False if it was changed in between.

    Args:
        etag: of the version that was read; empty if there was no object.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        s3.put_object(Bucket=address.bucket, Key=address.key, Body=body, **condition)
    except Exception as error:
        if cause_of(error) is Cause.LOST_RACE or (etag and is_missing(error)):
            return False
        raise
    return True


def version_of(s3: Any, address: S3Address) -> str:
    """The name of an object's newest version; its ETag in a bucket without versions."""
    found = s3.head_object(Bucket=address.bucket, Key=address.key)
    version = found.get("VersionId")
    return str(version if version and version != "null" else found["ETag"])
