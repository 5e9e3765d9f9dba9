"""New lines of CloudWatch Logs streams, read incrementally."""

from __future__ import annotations

from typing import Any


class StreamReader:
    """Reads each stream of one log group from its beginning, then only what came since.

    Args:
        client: boto3 `logs` client.
        group: name of the log group; it need not exist yet.
    """

    def __init__(self, client: Any, group: str) -> None:
        self._client = client
        self._group = group
        self._tokens: dict[str, str] = {}

    def new_lines(self, prefix: str = "") -> list[str]:
        """Lines that streams beginning with `prefix` got since the last call, in order within a stream."""
        lines: list[str] = []
        for stream in self._streams(prefix):
            lines += self._read(stream)
        return lines

    def _streams(self, prefix: str) -> list[str]:
        chosen = {"logGroupName": self._group} | ({"logStreamNamePrefix": prefix} if prefix else {})
        try:
            pages = self._client.get_paginator("describe_log_streams").paginate(**chosen)
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except self._client.exceptions.ResourceNotFoundException:
            return []

    def _read(self, stream: str) -> list[str]:
        lines: list[str] = []
        while True:
            token = self._tokens.get(stream)
            answer = self._client.get_log_events(
                logGroupName=self._group,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
            lines += [event["message"].rstrip("\n") for event in answer["events"]]
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token or not answer["events"]:
                return lines
