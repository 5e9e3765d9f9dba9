"""Reads SageMaker's lists and descriptions of notebook instances, jobs and apps, kind by kind."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.aws.calls import Clients, list_all
from core.aws.errors import error_text
from core.aws.tags import list_tags
from core.reaper.facts import Need, Unreadable, Verdict, keep
from core.reaper.others.deciding import decide, evidence
from core.reaper.others.facts import OtherDecision, Resource, ResourceDetail
from core.reaper.settings import Kind, ReaperSettings

#: Of one kind no more than this many are asked for one by one in a run.
MOST = 100
RUNS = ("InService", "InProgress")
"""In every other status that is reported the resource hangs."""


@dataclass(slots=True)
class Findings:
    """Decisions, and for every kind that could not be read completely the reason."""

    decisions: list[OtherDecision] = field(default_factory=list)
    unlisted: dict[str, str] = field(default_factory=dict)


def look(clients: Clients, settings: ReaperSettings, now: datetime, has_time: Callable[[], bool]) -> Findings:
    """Look at all kinds of the settings. `unlisted` names those that could not be listed."""
    found = Findings()
    sagemaker = clients("sagemaker")
    for kind in settings.other_kinds:
        resources, problem = _listed(sagemaker, kind)
        asked = 0
        for resource in resources:
            outcome = decide(resource, settings, now)
            if isinstance(outcome, Need):
                asked += 1
                if asked > MOST or not has_time():
                    problem = problem or "not all could be looked at in this run"
                    outcome = keep("it could not be looked at in this run")
                else:
                    resource, outcome = _settled(sagemaker, resource, settings, now)
            found.decisions.append(
                OtherDecision(
                    kind=kind,
                    name=resource.name,
                    action=outcome.action,
                    reason=outcome.reason,
                    evidence=evidence(resource, settings, now),
                )
            )
        if problem:
            found.unlisted[kind] = problem
    return found


def _settled(
    sagemaker: Any, resource: Resource, settings: ReaperSettings, now: datetime
) -> tuple[Resource, Verdict]:
    while isinstance(outcome := decide(resource, settings, now), Need):
        if outcome is Need.DETAIL:
            resource = replace(resource, detail=_tried(lambda r=resource: DESCRIBE[r.kind](sagemaker, r)))  # type: ignore[misc]
            if resource.known:
                resource = replace(resource, arn=resource.arn or resource.known.arn)
        else:
            resource = replace(resource, tags=_tried(lambda r=resource: list_tags(sagemaker, r.arn)))  # type: ignore[misc]
    return resource, outcome


def _tried(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:
        return Unreadable(error_text(error))


def _listed(sagemaker: Any, kind: Kind) -> tuple[list[Resource], str]:
    """The resources of a kind that may bill, and why the list is not complete, if it is not."""
    resources: list[Resource] = []
    operation, items, requests, make = LISTS[kind]
    for request in requests:
        listing = list_all(getattr(sagemaker, operation), items, MaxResults=100, **request)
        resources += [make(summary) for summary in listing.items]
        if not listing.complete:
            return resources, listing.problem
    return [each for each in resources if each.status not in ENDED], ""


ENDED = ("Stopped", "Failed", "Deleted")


def _notebook(summary: dict[str, Any]) -> Resource:
    return Resource(
        kind=Kind.NOTEBOOKS,
        name=summary["NotebookInstanceName"],
        arn=summary["NotebookInstanceArn"],
        status=summary.get("NotebookInstanceStatus", ""),
        created=summary["CreationTime"],
        modified=summary.get("LastModifiedTime") or summary["CreationTime"],
        instance_type=summary.get("InstanceType", ""),
        identity={},
    )


def _job(summary: dict[str, Any], kind: Kind) -> Resource:
    word = WORDS[kind]
    return Resource(
        kind=kind,
        name=summary[f"{word}JobName"],
        arn=summary[f"{word}JobArn"],
        status=summary[f"{word}JobStatus"],
        # A running job is changed with every secondary status; only a stop is a change that counts.
        created=summary["CreationTime"],
        modified=summary.get("LastModifiedTime", summary["CreationTime"])
        if summary[f"{word}JobStatus"] == "Stopping"
        else summary["CreationTime"],
        identity={},
    )


def _app(summary: dict[str, Any]) -> Resource:
    owner = {"space-name": summary.get("SpaceName"), "user-profile-name": summary.get("UserProfileName")}
    known = {option: value for option, value in owner.items() if value}
    identity = {
        "domain-id": summary["DomainId"],
        **known,
        "app-type": summary["AppType"],
        "app-name": summary["AppName"],
    }
    return Resource(
        kind=Kind.APPS,
        name="/".join(identity.values()),
        status=summary.get("Status", ""),
        created=summary["CreationTime"],
        modified=summary["CreationTime"],
        instance_type=summary.get("ResourceSpec", {}).get("InstanceType", ""),
        identity=identity,
    )


def _described_job(sagemaker: Any, job: Resource) -> ResourceDetail:
    word = WORDS[job.kind]
    answer = getattr(sagemaker, f"describe_{word.lower()}_job")(**{f"{word}JobName": job.name})
    stopping = answer.get("StoppingCondition", {})
    cluster = answer.get("ProcessingResources", {}).get("ClusterConfig", {})
    machines = answer.get("ResourceConfig", cluster)
    return ResourceDetail(
        arn=job.arn,
        started=answer.get(f"{word}StartTime"),
        limit=_seconds(stopping.get("MaxRuntimeInSeconds")),
        wait_limit=_seconds(stopping.get("MaxWaitTimeInSeconds")),
        instance_type=machines.get("InstanceType", ""),
        instances=machines.get("InstanceCount", 1),
    )


def _described_app(sagemaker: Any, app: Resource) -> ResourceDetail:
    words = {option: "".join(part.title() for part in option.split("-")) for option in app.identity}
    answer = sagemaker.describe_app(**{words[option]: value for option, value in app.identity.items()})
    return ResourceDetail(
        arn=answer.get("AppArn", ""),
        active=answer.get("LastUserActivityTimestamp"),
        checked=answer.get("LastHealthCheckTimestamp"),
        instance_type=answer.get("ResourceSpec", {}).get("InstanceType", ""),
    )


def _seconds(number: int | None) -> timedelta | None:
    return timedelta(seconds=number) if number else None


WORDS = {Kind.TRAINING: "Training", Kind.PROCESSING: "Processing"}
"""The beginnings of what SageMaker calls the two kinds of jobs and their parts."""
#: Lists of jobs hold all that ever ran, so only what runs is asked for.
_RUNNING: tuple[dict[str, str], ...] = ({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"})
LISTS: dict[Kind, tuple[str, str, tuple[dict[str, str], ...], Callable[[dict[str, Any]], Resource]]] = {
    Kind.NOTEBOOKS: ("list_notebook_instances", "NotebookInstances", ({},), _notebook),
    **{
        kind: (f"list_{word.lower()}_jobs", f"{word}JobSummaries", _RUNNING, partial(_job, kind=kind))
        for kind, word in WORDS.items()
    },
    Kind.APPS: ("list_apps", "Apps", ({},), _app),
}
"""The operation that lists a kind, what it calls the items, its requests, and what reads an item."""
DESCRIBE: dict[Kind, Callable[[Any, Resource], ResourceDetail]] = {
    **dict.fromkeys(WORDS, _described_job),
    Kind.APPS: _described_app,
}
