"""Where a run that was cut off stopped, so that the next one begins there and nothing waits for ever.

It lies in the audit bucket; without one, in the memory of the warm function, whose loss costs only the turn.
"""

from __future__ import annotations

import json

from core.aws.calls import Clients, is_missing
from core.aws.notify import log
from core.reaper.settings import Settings

#: Region → ARN, for a function without an audit bucket.
_remembered: dict[str, str] = {}


class Checkpoint:
    """The ARN to begin with, empty for the beginning. One that cannot be read or kept stops nothing."""

    def __init__(self, clients: Clients, settings: Settings) -> None:
        self._clients, self._bucket, self._region = clients, settings.audit_bucket, settings.region
        self._key = f"audit/reaper/continue-{settings.region}.json"

    def load(self) -> str:
        """Where to begin."""
        if not self._bucket:
            return _remembered.get(self._region, "")
        try:
            body = self._clients("s3").get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
            return str(json.loads(body)["begin_with"])
        except Exception as error:
            if not is_missing(error):
                log("checkpoint-unread", region=self._region, error=str(error))
            return ""

    def save(self, arn: str) -> None:
        """Begin with `arn` next time."""
        if not self._bucket:
            _remembered[self._region] = arn
            return
        try:
            body = json.dumps({"begin_with": arn}).encode()
            self._clients("s3").put_object(
                Bucket=self._bucket, Key=self._key, Body=body, ContentType="application/json"
            )
        except Exception as error:
            log("checkpoint-unwritten", region=self._region, error=str(error))
