"""Runs of the reaper over an in-memory AWS, at its time and without waiting."""

from collections.abc import Callable
from typing import Any

from core.reaper.run import Run, reap
from core.reaper.settings import ReaperSettings
from core.reaper.warm import WarmState
from tests.fakes.cloud import Cloud

TOPIC = "arn:aws:sns:us-east-1:123456789012:finexpert-alerts"


def reaped(
    cloud: Cloud,
    settings: ReaperSettings | None = None,
    *,
    warm: WarmState | None = None,
    seconds_left: Callable[[], float] = lambda: 900.0,
    **changes: Any,
) -> dict[str, Any]:
    """The answer of one run, with `settings` or the defaults with `changes`."""
    run = Run(
        cloud,
        settings or ReaperSettings(**changes),
        lambda: cloud.now,
        seconds_left,
        pause=lambda _: None,
        warm=warm or cloud.kept(),
    )
    return reap([run])


def decided(cloud: Cloud, **settings: Any) -> dict[str, dict[str, Any]]:
    """The decisions of one run that tells people, by endpoint."""
    answer = reaped(cloud, topic_arn=TOPIC, **settings)
    return {decision["endpoint"]: decision for decision in answer["decisions"]}


def actions(answer: dict[str, Any]) -> dict[str, str]:
    """The decisions' actions by endpoint."""
    return {decision["endpoint"]: decision["action"] for decision in answer["decisions"]}


def deleted(answer: dict[str, Any]) -> int:
    """The number of endpoints that the run deleted, or would."""
    return sum(action == "delete" for action in actions(answer).values())
