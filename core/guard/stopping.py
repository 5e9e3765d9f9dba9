"""Stops everything of the project that bills by the hour. Every step is tried, even if others fail."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.aws.calls import Clients
from core.aws.errors import error_text, is_missing
from core.aws.tags import list_tags, owner_of
from core.endpoint.endpoints import remove_endpoint
from core.endpoint.sleeping import Way, put_to_sleep
from core.training_jobs import project_jobs


@dataclass(slots=True)
class Stopped:
    """The resources that were stopped now, and those that could not be."""

    done: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def stop_all(
    clients: Clients,
    *,
    project: str,
    hosting_stack: str,
    endpoints: Sequence[str],
    seconds: float,
    now: datetime | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Stopped:
    """Stop the project's training jobs, put Hosting to sleep, and delete the project's other `endpoints`.

    Jobs get SageMaker's two minutes to write a checkpoint. A tag that keeps an endpoint from the idle reaper
    does not keep it here. Repeating it does nothing more. `now`: to see whether a change of the stack hangs.
    """
    stopped = Stopped()
    _stop_jobs(clients, project, stopped)
    slept = put_to_sleep(
        clients, project=project, stack=hosting_stack, now=now, cancel=True, seconds=seconds, pause=pause
    )
    stopped.done += [slept.done] if slept.done else []
    if slept.problem:
        again = " The next run tries again." if slept.way is Way.BUSY else ""
        stopped.problems.append(f"{slept.problem}{again}")
    for name in endpoints:
        _remove_other(clients, name, stopped, seconds, pause)
    return stopped


def _remove_other(
    clients: Clients, name: str, stopped: Stopped, seconds: float, pause: Callable[[float], None]
) -> None:
    sagemaker = clients("sagemaker")
    try:
        described = sagemaker.describe_endpoint(EndpointName=name)
        arn = described["EndpointArn"]
        owner = owner_of(clients("cloudformation"), arn, list_tags(sagemaker, arn))
    except Exception as error:
        if not is_missing(error):
            stopped.problems.append(f"endpoint {name} cannot be looked at: {error_text(error)}")
        return
    if owner:
        stopped.problems.append(f"endpoint {name} belongs to the stack {owner}: delete that stack")
        return
    removal = remove_endpoint(clients, name, seconds=seconds, pause=pause)
    if any("deleted" in step for step in removal.steps):
        config = described["EndpointConfigName"]
        stopped.done.append(f"endpoint {name} deleted; make it again from its configuration {config}")
    if not removal.gone:
        stopped.problems.append(f"endpoint {name} still bills: {removal.problem}")


def _stop_jobs(clients: Clients, project: str, stopped: Stopped) -> None:
    sagemaker = clients("sagemaker")
    try:
        running = project_jobs(sagemaker, project, StatusEquals="InProgress")
    except Exception as error:
        stopped.problems.append(f"the running training jobs cannot be listed: {error_text(error)}")
        return
    for job in running:
        try:
            sagemaker.stop_training_job(TrainingJobName=job)
            stopped.done.append(f"training job {job} stopped")
        except Exception as error:
            stopped.problems.append(f"training job {job} cannot be stopped: {error_text(error)}")
