"""Stops the training jobs of an execution that ended without waiting for them.

The state machine watches its job itself; an execution that is aborted or times out leaves the job running.
"""

from collections.abc import Mapping
from typing import Any

from core.aws.calls import AwsClients
from core.training_jobs import stop_jobs_of


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """EventBridge's "Step Functions Execution Status Change"; answer {stopped, absent, over} with names of
    jobs.

    Raises StopFailed after all jobs were tried, so that Lambda repeats the event and its alarm goes off.
    """
    return stop_jobs_of(event, AwsClients())
