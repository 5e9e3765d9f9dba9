"""A program's output, on its way to CloudWatch Logs line by line, and the metrics found in it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from localcloud import platform

MAX_LINE = 256_000  # CloudWatch Logs takes events of up to 256 KiB
MAX_READ = 4 * 1024 * 1024


@dataclass(frozen=True)
class Found:
    """One value that a metric definition found in a line."""

    name: str
    value: float
    at: datetime


def find_metrics(line: str, definitions: Sequence[dict[str, Any]], at: datetime) -> list[Found]:
    """Read a line with a job's MetricDefinitions (Name, Regex whose first group is the number)."""
    found = []
    for definition in definitions:
        match = re.search(definition["Regex"], line)
        if match and match.groups():
            try:
                found.append(Found(definition["Name"], float(match.group(1)), at))
            except (TypeError, ValueError):
                continue  # the group matched something that is no number: SageMaker passes over it
    return found


class LogStream:
    """Follows a log file: each `pump` sends the lines that came since the last one."""

    def __init__(
        self, path: Path, group: str, stream: str, each_line: Callable[[str, datetime], None] | None = None
    ) -> None:
        self._path, self._group, self._stream, self._each_line = path, group, stream, each_line
        self._offset = 0
        self._rest = b""

    def pump(self, now: datetime, *, last: bool = False) -> None:
        """Send the complete lines that are new; with `last` also a line that was never ended."""
        lines = self._new_lines(last)
        if lines:
            platform.put_log_events(self._group, self._stream, [(now, line) for line in lines])
        if self._each_line:
            for line in lines:
                self._each_line(line, now)

    def say(self, line: str, now: datetime) -> None:
        """Add a line of the service's own."""
        platform.put_log_events(self._group, self._stream, [(now, line)])

    def _new_lines(self, last: bool) -> list[str]:
        read = self._rest
        if self._path.exists():
            with self._path.open("rb") as log:
                log.seek(self._offset)
                chunk = log.read() if last else log.read(MAX_READ)
            self._offset += len(chunk)
            read += chunk
        # a progress bar rewrites its line with "\r"; each state of it is a separate line in CloudWatch,
        # too
        parts = re.split(rb"[\r\n]+", read)
        self._rest = b"" if last or len(parts[-1]) > MAX_LINE else parts.pop()
        texts = (part[:MAX_LINE].decode("utf-8", "replace") for part in parts)
        return [text for text in texts if text.strip()]
