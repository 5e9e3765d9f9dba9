"""The metric `StuckResources`, which an alarm of the Guardrails stack watches."""

from datetime import datetime

from core.aws import metrics
from core.aws.calls import Clients
from core.aws.errors import error_text
from core.aws.notify import log
from core.reaper.settings import ReaperSettings

METRIC = "StuckResources"


def publish(clients: Clients, settings: ReaperSettings, stuck: int, now: datetime) -> None:
    """Publish the number of hanging resources; none sends nothing, and the alarm takes silence for good news.

    A failure is logged and never stops a run.
    """
    if not stuck:
        return
    try:
        values = [(METRIC, float(stuck), "Count")]
        metrics.put(clients("cloudwatch"), settings.project, values, now, namespace=settings.metric_namespace)
    except Exception as error:
        log("metric-failed", metric=METRIC, error=error_text(error))
