"""Stops the training jobs of an execution that ended without waiting for them.

The state machine watches its job itself; an execution that is aborted or times out leaves the job running.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.aws.calls import AwsClients, Clients, error_text, is_missing
from core.aws.notify import log

ENDED_EARLY = ("ABORTED", "TIMED_OUT", "FAILED")
#: A run's job has the run's name; its on-demand repetition after spot has this suffix.
SUFFIXES = ("", "-od")


class StopFailed(RuntimeError):
    """A job may still be running and billing: AWS could not be asked to stop it."""


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """EventBridge's "Step Functions Execution Status Change"; answer {stopped, absent, over} with names of
    jobs.

    Raises StopFailed after all jobs were tried, so that Lambda repeats the event and its alarm tells of it.
    """
    return stop(event, AwsClients())


def stop(event: Mapping[str, Any], clients: Clients) -> dict[str, Any]:
    """The handler with its clients given; harmless when repeated."""
    detail = event.get("detail") or {}
    run, status = detail.get("name", ""), detail.get("status", "")
    answer: dict[str, Any] = {"stopped": [], "absent": [], "over": []}
    if not run or status not in ENDED_EARLY:
        return answer
    problems = []
    sagemaker = clients("sagemaker")
    for job in [run + suffix for suffix in SUFFIXES]:
        try:
            answer[_stop_one(sagemaker, job)].append(job)
        except Exception as error:
            problems.append(f"{job}: {error_text(error)}")
    log("stop-training", run=run, status=status, problems=problems, **answer)
    if problems:
        raise StopFailed(
            f"The execution {run} is {status}, but its job could not be stopped and may still bill; stop it"
            f" by `aws sagemaker stop-training-job`. {'; '.join(problems)}"
        )
    return answer


def _stop_one(sagemaker: Any, job: str) -> str:
    try:
        if sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] != "InProgress":
            return "over"
        sagemaker.stop_training_job(TrainingJobName=job)
    except Exception as error:
        if is_missing(error):
            return "absent"
        raise
    return "stopped"
