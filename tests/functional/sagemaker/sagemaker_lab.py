"""A bucket, a role and clients for the SageMaker tests."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Lab:
    """Clients and resources for one test session."""

    client: Callable[[str], Any]
    bucket: str
    role_arn: str
    steer: Callable[[str, dict[str, Any]], Any]

    def put(self, key: str, body: bytes) -> str:
        """Store an object; returns its URI."""
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        """The content of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def unique(self, stem: str) -> str:
        """A name that no other test has."""
        return f"{stem}-{uuid.uuid4().hex[:8]}"
