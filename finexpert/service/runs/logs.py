"""The training job's log: new lines of its streams, and the progress that its JSON lines show."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
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
        return [line for stream in self._streams(prefix) for line in self._read(stream)]

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


@dataclass(frozen=True)
class Progress:
    """The progress of a training job, from its log.

    `loss_steps` are the steps that `losses` are of; `tokens_seen` counts trained tokens; `eta_seconds` is the
    trainer's own estimate for the steps left.
    """

    phase: str = ""
    step: int = 0
    steps: int = 0
    losses: tuple[float, ...] = ()
    loss_steps: tuple[int, ...] = ()
    tokens_per_second: float = 0.0
    tokens_seen: int = 0
    eta_seconds: float | None = None

    @property
    def loss(self) -> float | None:
        """Loss of the newest step, in nats per token."""
        return self.losses[-1] if self.losses else None


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects with a member `event` in log lines; text before the first brace is skipped."""
    for line in lines:
        start = line.find("{")
        try:
            found = json.loads(line[start:]) if start >= 0 else None
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and "event" in found:
            yield found


def fold(progress: Progress, lines: Iterable[str]) -> Progress:
    """The progress after these further log lines. Lines that are not events of ours are skipped."""
    for event in events(lines):
        with suppress(ValueError, KeyError, TypeError, OverflowError):  # a line may be nearly an event
            if event["event"] == "phase":
                progress = replace(progress, phase=str(event["phase"]))
            elif event["event"] == "step":
                progress = _after_step(progress, event)
    return progress


def _after_step(progress: Progress, event: Mapping[str, Any]) -> Progress:
    """The progress after a step. A figure that is null (a loss that is no number) leaves the last one."""
    eta, loss = event.get("eta_seconds"), event.get("loss")
    step = int(event["step"])
    if not all(math.isfinite(event.get(name) or 0) for name in ("loss", "tokens_per_second", "eta_seconds")):
        raise ValueError("a figure is no finite number")
    return replace(
        progress,
        step=step,
        steps=int(event["steps"]),
        losses=progress.losses if loss is None else (*progress.losses, float(loss)),
        loss_steps=progress.loss_steps if loss is None else (*progress.loss_steps, step),
        tokens_per_second=float(event.get("tokens_per_second") or progress.tokens_per_second),
        tokens_seen=int(event.get("tokens_seen") or progress.tokens_seen),
        eta_seconds=None if eta is None else float(eta),
    )
