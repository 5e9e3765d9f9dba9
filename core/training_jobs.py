"""Finds the project's training jobs, and stops those of a run that ended without them."""

from collections.abc import Mapping
from typing import Any

from core.aws.calls import Clients, items_of
from core.aws.errors import error_text, is_missing
from core.aws.notify import log
from core.aws.tags import list_tags
from core.names import PROJECT_TAG, Names

ENDED_EARLY = ("ABORTED", "TIMED_OUT", "FAILED")
SUFFIXES = ("", "-od")
"""A run's job has the run's name; its on-demand job after a spot job that gave up has this suffix."""


class StopFailed(RuntimeError):
    """A job may still be running and billing: AWS could not be asked to stop it."""


def job_names(run: str) -> list[str]:
    """The names that a run's training jobs can have, in the order in which they are made."""
    return [run + suffix for suffix in SUFFIXES]


def project_jobs(sagemaker: Any, project: str, **filters: Any) -> list[str]:
    """Names of the project's training jobs, newest first.

    A job is known by its tag; one without, or whose tags cannot be read, by the exact form of a run's name.
    """
    names = Names(project=project, region="")
    jobs = items_of(
        sagemaker.list_training_jobs,
        "TrainingJobSummaries",
        NameContains=f"{names.name}-",
        MaxResults=100,
        **filters,
    )
    return [job["TrainingJobName"] for job in jobs if _owned(sagemaker, names, job)]


def _owned(sagemaker: Any, names: Names, job: Mapping[str, Any]) -> bool:
    try:
        owner = list_tags(sagemaker, job["TrainingJobArn"]).get(PROJECT_TAG)
    except Exception as error:
        log("tags-unread", job=job["TrainingJobName"], error=error_text(error))
        owner = None
    return owner == names.project if owner else names.is_run(job["TrainingJobName"])


def stop_jobs_of(event: Mapping[str, Any], clients: Clients) -> dict[str, Any]:
    """Stop the jobs of an execution that ended early; answer as `lambdas.stop_training.handler` says.

    Harmless when repeated.

    Raises:
        StopFailed: after all jobs were tried.
    """
    detail = event.get("detail") or {}
    run, status = detail.get("name", ""), detail.get("status", "")
    answer: dict[str, Any] = {"stopped": [], "absent": [], "over": []}
    if not run or status not in ENDED_EARLY:
        return answer
    problems = []
    sagemaker = clients("sagemaker")
    for job in job_names(run):
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
