"""Reads from AWS what `spend` prices: the project's training jobs, Hosting's lives, other endpoints of the
project, alive or gone, other people's machines of the region, and AWS's estimate of everything else.

Nothing is stored: everything is read anew each time, so a lost or late call loses nothing
(docs/decisions/month-from-aws.md). A source that fails is named in `Usage.unread`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.aws.calls import AwsClients, Clients, error_text, is_missing, list_all, pages
from core.aws.tags import indexed_tags, list_tags, owning_stack
from core.money import charges as spend_charges
from core.money import machines as spend_machines
from core.money import trail as spend_trail
from core.money.events import StackEvent, lifetimes
from core.money.spend import (
    Fleet,
    Lifetime,
    Spend,
    Usage,
    account,
)
from core.money.time import month_start
from core.money.training_job import TrainingJob
from core.names import BILLING_REGION, PROJECT_TAG
from core.training_jobs import project_jobs

#: The longest that a training job can last; one that began earlier cannot bill in this month.
LONGEST_JOB = timedelta(days=28)
ENDPOINT_TYPES = ("AWS::SageMaker::Endpoint", "AWS::CloudFormation::Stack")


def month_to_date(
    clients: Clients,
    *,
    project: str,
    hosting_stack: str,
    region: str,
    now: datetime,
    billing: Callable[[], Any],
) -> Spend:
    """Read and price the month so far. Never raises for AWS errors: see `Spend.unread`.

    `billing` makes the CloudWatch client of the region where AWS's estimate of the bill is.
    """
    usage = Usage()
    sagemaker, month = clients("sagemaker"), month_start(now)
    _attempt(usage, "training jobs", lambda: _training_jobs(clients, project, now, usage))
    if hosting_stack:
        _attempt(usage, f"stack {hosting_stack}", lambda: _hosting(clients, hosting_stack, now, usage))
    _attempt(usage, "endpoints", lambda: _endpoints(clients, project, hosting_stack, now, usage))
    for what, read in (
        ("notebook instances", lambda: spend_machines.notebooks(sagemaker)),
        ("processing jobs", lambda: spend_machines.processing_jobs(sagemaker, month)),
        ("Studio apps", lambda: spend_machines.apps(sagemaker)),
    ):
        _attempt(usage, what, lambda read=read: usage.lifetimes.extend(read()))  # type: ignore[misc]
    _attempt(usage, "AWS's estimated charges", lambda: _charges(billing(), now, usage))
    return account(usage, region=region, now=now)


def billing_client() -> Any:
    """The CloudWatch client where the bill's estimate is, with the environment's credentials."""
    return AwsClients(BILLING_REGION)("cloudwatch")


def _charges(cloudwatch: Any, now: datetime, usage: Usage) -> None:
    usage.charges = spend_charges.read(cloudwatch, now)


def _attempt(usage: Usage, what: str, read: Callable[[], None]) -> None:
    try:
        read()
    except Exception as error:  # one source that fails must not hide what the others know
        usage.unread.append(f"{what}: {error_text(error)}")


def _training_jobs(clients: Clients, project: str, now: datetime, usage: Usage) -> None:
    sagemaker = clients("sagemaker")
    month = month_start(now)
    for name in project_jobs(sagemaker, project, CreationTimeAfter=month - LONGEST_JOB):
        job = TrainingJob.of(sagemaker.describe_training_job(TrainingJobName=name))
        if job.end is None or job.end >= month:
            usage.jobs.append(job)


def _hosting(clients: Clients, stack: str, now: datetime, usage: Usage) -> None:
    cloudformation = clients("cloudformation")
    month = month_start(now)
    for stack_id, deleted in _incarnations(cloudformation, stack, month):
        events = _events(cloudformation, stack_id, month)
        if not any(event.resource_type == ENDPOINT_TYPES[0] for event in events):
            continue
        fleets = template_fleets(_template(cloudformation, stack_id))
        usage.lifetimes += lifetimes(events, name=stack, fleets=fleets, until=deleted)


def _incarnations(cloudformation: Any, stack: str, month: datetime) -> list[tuple[str, datetime | None]]:
    """(stack id, time of deletion) of the stack and of those of its name that were deleted in the month.

    A deleted stack answers to its id only; CloudFormation keeps its events for 90 days.
    """
    found: list[tuple[str, datetime | None]] = []
    try:
        for current in cloudformation.describe_stacks(StackName=stack)["Stacks"]:
            found.append((current["StackId"], None))
    except Exception as error:
        if not is_missing(error):
            raise
    for answer in pages(cloudformation.list_stacks, StackStatusFilter=["DELETE_COMPLETE"]):
        for old in answer.get("StackSummaries", []):
            deleted = old.get("DeletionTime")
            if old["StackName"] == stack and deleted and deleted >= month:
                found.append((old["StackId"], deleted))
    return found


def _events(cloudformation: Any, stack_id: str, month: datetime) -> list[StackEvent]:
    """Events of endpoints and of the stack, newest first, back to the last endpoint event before the
    month."""
    found: list[StackEvent] = []
    for answer in pages(cloudformation.describe_stack_events, StackName=stack_id):
        for raw in answer["StackEvents"]:
            if raw["ResourceType"] not in ENDPOINT_TYPES:
                continue
            event = StackEvent(
                time=raw["Timestamp"],
                logical_id=raw["LogicalResourceId"],
                resource_type=raw["ResourceType"],
                status=raw["ResourceStatus"],
            )
            found.append(event)
            if event.time < month and _settles(event):
                return found
    return found


def _settles(event: StackEvent) -> bool:
    """Whether the event alone tells if the endpoint lived from then on."""
    return event.resource_type == ENDPOINT_TYPES[0] and event.status in (
        "CREATE_IN_PROGRESS",
        "DELETE_COMPLETE",
    )


def _template(cloudformation: Any, stack_id: str) -> dict[str, Any]:
    body = cloudformation.get_template(StackName=stack_id)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    return dict(template)


def template_fleets(template: dict[str, Any]) -> tuple[Fleet, ...]:
    """The instances that a template's endpoint configurations ask for; empty if they are not literal."""
    fleets = []
    for resource in template.get("Resources", {}).values():
        if resource.get("Type") != "AWS::SageMaker::EndpointConfig":
            continue
        for variant in resource.get("Properties", {}).get("ProductionVariants", []):
            kind = variant.get("InstanceType")
            if isinstance(kind, str):
                fleets.append(
                    Fleet(instance_type=kind, instances=int(variant.get("InitialInstanceCount", 1)))
                )
    return tuple(fleets)


def _endpoints(clients: Clients, project: str, hosting_stack: str, now: datetime, usage: Usage) -> None:
    """Endpoints of the project's tag that the Hosting stack does not own: what runs, and what is gone."""
    alive = _live_endpoints(clients, project, hosting_stack, usage)
    usage.lifetimes += spend_trail.read_gone(
        clients("cloudtrail"),
        clients("sagemaker"),
        project=project,
        alive=alive,
        # Hosting's own endpoint has the project's name; the stack's events tell of it.
        without={project.lower()} if hosting_stack else set(),
        month=month_start(now),
        now=now,
    )


def _live_endpoints(clients: Clients, project: str, hosting_stack: str, usage: Usage) -> set[str]:
    """Add the endpoints that run and that the Hosting stack's events do not tell of; return all names.

    Hosting's endpoint is known by its tag or its name. Where the events say that it is gone, or cannot be
    read, it is counted as it is: a deletion that failed leaves it billing.
    """
    told = [life for life in usage.lifetimes if hosting_stack and life.name == hosting_stack]
    sagemaker = clients("sagemaker")
    listing = list_all(sagemaker.list_endpoints, "Endpoints", MaxResults=100)
    try:
        index = indexed_tags(clients("resourcegroupstaggingapi"), "sagemaker:endpoint")
    except Exception:  # the index only saves calls: every ARN that it lacks is asked for one by one
        index = {}
    for summary in listing.items:
        arn, name = summary["EndpointArn"], summary["EndpointName"]
        try:
            tags = index.get(arn) or list_tags(sagemaker, arn)
            of_hosting = bool(hosting_stack) and (
                owning_stack(tags) == hosting_stack or name == project.lower()
            )
            if not of_hosting and tags.get(PROJECT_TAG) != project:
                continue
            if of_hosting and any(life.end is None for life in told):
                continue
            if life := live_endpoint(sagemaker, name):
                # The stack's own events have counted what they knew of an endpoint that outlived them.
                counted = max((each.end for each in told if each.end), default=life.start)
                start = max(life.start, counted) if of_hosting else life.start
                usage.lifetimes.append(replace(life, start=start))
        except Exception as error:
            if not is_missing(error):
                usage.unread.append(f"endpoint {name}: {error_text(error)}")
    if not listing.complete:
        raise RuntimeError(listing.problem)
    return {summary["EndpointName"] for summary in listing.items}


def live_endpoint(sagemaker: Any, name: str) -> Lifetime | None:
    """The present life of an endpoint, with the instances that run now; None if it is serverless.

    Serverless capacity is billed by the request, which only AWS's own figures tell.
    """
    described = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    variants = config.get("ProductionVariants", []) + config.get("ShadowProductionVariants", [])
    running = described.get("ProductionVariants", []) + described.get("ShadowProductionVariants", [])
    counts = {v["VariantName"]: v.get("CurrentInstanceCount") for v in running}
    if variants and all("ServerlessConfig" in variant for variant in variants):
        return None
    fleets = []
    for variant in variants:
        count = counts.get(variant["VariantName"])
        if count is None:  # not told while it is being created: what was ordered
            count = 0 if described["EndpointStatus"] == "Failed" else variant.get("InitialInstanceCount", 1)
        if "InstanceType" in variant:
            fleets.append(Fleet(instance_type=variant["InstanceType"], instances=int(count)))
    return Lifetime(
        name=name, start=described["CreationTime"], end=None, fleets=tuple(fleets), source="its creation time"
    )
