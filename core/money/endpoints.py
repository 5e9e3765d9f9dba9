"""Reads the lives of the project's endpoints: Hosting's by its stack, others by SageMaker and CloudTrail."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.aws.calls import Clients, items_of, list_all, pages
from core.aws.errors import error_text, if_there, is_missing
from core.aws.tags import indexed_tags, list_tags, owning_stack
from core.money import trail
from core.money.events import StackEvent, lifetimes
from core.money.fleets import fleets_of
from core.money.spend import Fleet, Lifetime, Usage
from core.money.time import month_start
from core.names import PROJECT_TAG, Names

ENDPOINT_TYPES = ("AWS::SageMaker::Endpoint", "AWS::CloudFormation::Stack")


def hosting_lives(clients: Clients, stack: str, now: datetime) -> list[Lifetime]:
    """The lives of Hosting's endpoint in the month, by the events of its stack, also of a deleted one."""
    cloudformation = clients("cloudformation")
    month = month_start(now)
    found: list[Lifetime] = []
    for stack_id, deleted in _incarnations(cloudformation, stack, month):
        events = _events(cloudformation, stack_id, month)
        if not any(event.resource_type == ENDPOINT_TYPES[0] for event in events):
            continue
        fleets = template_fleets(_template(cloudformation, stack_id))
        found += lifetimes(events, name=stack, fleets=fleets, until=deleted)
    return found


def _incarnations(cloudformation: Any, stack: str, month: datetime) -> list[tuple[str, datetime | None]]:
    """(stack id, time of deletion) of the stack and of those of its name that were deleted in the month.

    A deleted stack answers to its id only; CloudFormation keeps its events for 90 days. Where nothing says
    when it was deleted, its events do, and what they leave open counts until now.
    """
    current = if_there(lambda: cloudformation.describe_stacks(StackName=stack)) or {"Stacks": []}
    found: list[tuple[str, datetime | None]] = [(each["StackId"], None) for each in current["Stacks"]]
    for old in items_of(cloudformation.list_stacks, "StackSummaries", StackStatusFilter=["DELETE_COMPLETE"]):
        deleted = old.get("DeletionTime")
        if old["StackName"] == stack and (deleted is None or deleted >= month):
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
            event = StackEvent.of(raw)
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
    """The instances that a template's endpoint configurations ask for."""
    return tuple(
        fleet
        for resource in template.get("Resources", {}).values()
        if resource.get("Type") == "AWS::SageMaker::EndpointConfig"
        for fleet in fleets_of(resource.get("Properties", {}))
    )


def read(clients: Clients, *, project: str, hosting_stack: str, now: datetime, usage: Usage) -> None:
    """Add to `usage` the month's lives of the project's endpoints, and the names of those that run.

    Hosting's endpoint counts by its stack's events. They miss one that outlived them (CloudFormation gives
    up a deletion that fails) or was deleted without the stack, so SageMaker's list corrects them.
    """
    own = Names(project=project, region="").endpoint
    running = [life for life in usage.lifetimes if life.name == hosting_stack and life.end is None]
    alive = _alive(clients, project, hosting_stack, own, usage, counted=bool(running))
    calls = trail.CallRecord(clients("cloudtrail"), clients("sagemaker"), now)
    if running and alive is not None and own not in alive:
        deleted = calls.deleted(own)
        for life in running:
            ended = deleted if deleted and life.start < deleted < now else now
            usage.lifetimes[usage.lifetimes.index(life)] = replace(life, end=ended)
    usage.lifetimes += calls.gone(
        project=project, alive=alive or set(), without={own}, month=month_start(now)
    )


def _alive(
    clients: Clients, project: str, hosting_stack: str, own: str, usage: Usage, *, counted: bool
) -> set[str] | None:
    """Add the endpoints that run to `usage`; the names of all that exist, None if they cannot be listed.

    `counted`: Hosting's endpoint is in the sum by its stack's events already.
    """
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
        except Exception as error:
            if not is_missing(error):
                usage.unread.append(f"endpoint {name}: {error_text(error)}")
            continue
        of_hosting = owning_stack(tags) == hosting_stack or name == own
        if tags.get(PROJECT_TAG, project if of_hosting else "") != project or (of_hosting and counted):
            continue
        life = live_endpoint(sagemaker, summary, usage)
        if life is None:
            continue
        if of_hosting:  # the stack's events gave it up at some time; from then on it counts here
            ends = [each.end for each in usage.lifetimes if each.name == hosting_stack and each.end]
            life = replace(life, start=max([life.start, *ends]))
        else:
            usage.endpoints.append(name)
        usage.lifetimes.append(life)
    if not listing.complete:
        usage.unread.append(f"endpoints: {listing.problem}")
        return None
    return {summary["EndpointName"] for summary in listing.items}


def live_endpoint(sagemaker: Any, summary: dict[str, Any], usage: Usage) -> Lifetime | None:
    """The present life of an endpoint, with the instances that run now; None if it bills by request alone.

    What cannot be read counts as instances of an unknown type, whose price is the dearest known.
    """
    name = summary["EndpointName"]
    life = Lifetime(
        name=name, start=summary["CreationTime"], end=None, fleets=(Fleet(),), source="its creation time"
    )
    try:
        described = sagemaker.describe_endpoint(EndpointName=name)
        # Somebody may have deleted the configuration while the endpoint lives on.
        config = if_there(
            lambda: sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        )
    except Exception as error:
        if is_missing(error):
            return None
        usage.unread.append(f"endpoint {name}: {error_text(error)}")
        return life
    fleets = fleets_of(config or described, described)
    if not fleets and config is not None:
        return None
    return replace(life, fleets=fleets or (Fleet(),))
