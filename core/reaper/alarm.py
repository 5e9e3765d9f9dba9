"""The metric `StuckResources`, which an alarm of the Guardrails stack watches."""

from __future__ import annotations

from datetime import datetime

from core.aws.calls import Clients, error_text
from core.aws.notify import log
from core.reaper.settings import ReaperSettings

METRIC = "StuckResources"


def publish(clients: Clients, settings: ReaperSettings, stuck: int, now: datetime) -> None:
    """Publish how many hang; with none nothing is sent, and the alarm takes silence for well-being.

    A failure is logged and never stops a run.
    """
    if not stuck:
        return
    try:
        clients("cloudwatch").put_metric_data(
            Namespace=settings.metric_namespace,
            MetricData=[
                {
                    "MetricName": METRIC,
                    "Dimensions": [{"Name": "Project", "Value": settings.project}],
                    "Timestamp": now,
                    "Value": float(stuck),
                    "Unit": "Count",
                }
            ],
        )
    except Exception as error:
        log("metric-failed", metric=METRIC, error=error_text(error))
