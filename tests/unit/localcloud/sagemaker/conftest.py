"""SageMaker without a cloud around it: what it asks of the platform is answered and recorded here."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud import platform
from localcloud.hooks.telemetry import event_value
from localcloud.sagemaker import api, store
from localcloud.sagemaker.options import Options, options


class FakePlatform:
    """The other services, as far as SageMaker's control plane needs them."""

    def __init__(self, state_dir: Path) -> None:
        self.where = ("111122223333", "eu-central-1")
        self.folder = state_dir
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.metrics: list[tuple[str, str, float, dict[str, str]]] = []
        self.lines: list[tuple[str, str, str]] = []

    def emit_event(self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        self.events.append((detail_type, json.loads(json.dumps(detail, default=event_value))))

    def put_metric(
        self, namespace: str, name: str, value: float, unit: str = "None", dimensions: Any = None
    ) -> None:
        self.metrics.append((namespace, name, value, dict(dimensions or {})))

    def put_log_events(self, group: str, stream: str, lines: list[tuple[Any, str]]) -> None:
        self.lines += [(group, stream, text) for _, text in lines]

    def spawn(self, function: Callable[..., object], *args: object, name: str = "") -> threading.Thread:
        thread = threading.Thread(target=function, args=args, daemon=True, name=name)
        thread.start()
        return thread


def forget_everything() -> None:
    """Kill what runs, and begin anew."""
    api.shutdown()
    store._tables.clear()
    store._tags.clear()
    options.update(vars(Options()))


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePlatform]:
    """The service on a fake platform, empty before and after."""
    found = FakePlatform(tmp_path)
    monkeypatch.setattr(platform, "account_id", lambda: found.where[0])
    monkeypatch.setattr(platform, "region", lambda: found.where[1])
    monkeypatch.setattr(platform, "state_dir", lambda: found.folder)
    monkeypatch.setattr(platform, "provision_seconds", lambda: 0.0)
    for name in ("emit_event", "put_metric", "put_log_events", "spawn"):
        monkeypatch.setattr(platform, name, getattr(found, name))
    forget_everything()
    yield found
    forget_everything()
