"""Search an account, region by region, for what bills or starts something that bills. Only ever looks."""

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from core.aws.calls import list_all
from core.aws.errors import error_text
from core.aws.tags import as_mapping
from core.names import PROJECT_TAG, RETAINED_TAG, Names
from finexpert.service.deployment import Deployment

WORKERS = 16
CODE = re.compile(r"[A-Z][A-Za-z]+(Exception|Error|Denied|Operation|Expired|Id)\b")
"""The code of AWS's error in a message; messages of one code name other actions and resources."""
EVERYWHERE = "all regions"
TAGGED = "other tagged resources"
RETAINED = "retained resources"

FREE_OR_LISTED = (
    "cloudformation",
    "cloudwatch",
    "events",
    "iam",
    "lambda",
    "s3",
    "sagemaker",
    "scheduler",
    "sns",
    "sqs",
    "ssm",
    "states",
)
"""Services whose resources cost nothing by existing, or are among the kinds that are listed themselves."""


Progress = Callable[[int, int], None]
Client = Callable[[str], Any]
Lister = Callable[[Client], list[str]]


@dataclass(frozen=True)
class Leftover:
    """Something that is still there."""

    region: str
    kind: str
    name: str


@dataclass(frozen=True)
class Audit:
    """The result of a search: things found, regions, lists that could not be read ("region, kind: why"), and
    what a setting keeps on purpose."""

    found: tuple[Leftover, ...]
    regions: tuple[str, ...]
    unread: tuple[str, ...]
    kept: tuple[Leftover, ...] = ()

    @property
    def read_whole(self) -> list[str]:
        """The regions of which every list was read."""
        unread = {line.partition(", ")[0] for line in self.unread}
        return [region for region in self.regions if region not in unread]


def regions(deployment: Deployment) -> list[str]:
    """The regions that the account may use."""
    found = deployment.target.client("ec2").describe_regions()["Regions"]
    return sorted(str(entry["RegionName"]) for entry in found)


def audit(
    deployment: Deployment,
    where: Iterable[str],
    *,
    everything: bool,
    progress: Progress = lambda done, total: None,
) -> Audit:
    """Look at every kind in every region.

    Args:
        where: regions.
        everything: the whole account; else only what has the project's tag or a name that begins with the
            project's.
        progress: called after each list with how many are read, and of how many.
    """
    places, project = tuple(where), deployment.settings.prefix
    jobs = [(EVERYWHERE, kind, names) for kind, names in GLOBAL.items()]
    jobs += [(region, kind, names) for region in places for kind, names in REGIONAL.items()]
    jobs += [(region, TAGGED, _tagged(project)) for region in places]
    jobs += [(region, RETAINED, _tagged(project, with_tag=RETAINED_TAG)) for region in places]
    looks: list[_Look] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for look in pool.map(lambda job: _look(deployment, *job), jobs):
            looks.append(look)
            progress(len(looks), len(jobs))
    tagged = {arn for look in looks if look.kind == TAGGED for arn in look.names}
    retained = {arn for look in looks if look.kind == RETAINED for arn in look.names}
    found: list[Leftover] = []
    kept: list[Leftover] = []
    for look in (look for look in looks if look.kind != RETAINED):
        for name in look.names:
            if billable(name) if look.kind == TAGGED else everything or belongs(name, project, tagged):
                on_purpose = name in retained or _named(name, retained)
                (kept if on_purpose else found).append(Leftover(look.region, look.kind, name))
    unread = (f"{look.region}, {look.kind}: {look.problem}" for look in looks if look.problem)
    return Audit(tuple(found), places, tuple(unread), tuple(kept))


@dataclass(frozen=True)
class _Look:
    """The items of one list; `problem`: why it could not be read, else empty."""

    region: str
    kind: str
    names: list[str]
    problem: str = ""


def _look(deployment: Deployment, region: str, kind: str, names: Lister) -> _Look:
    there = None if region == EVERYWHERE else region
    try:
        return _Look(region, kind, names(lambda service: deployment.target.client(service, there)))
    except Exception as error:
        return _Look(region, kind, [], str(error) if isinstance(error, RuntimeError) else error_text(error))


def _tagged(project: str, *, with_tag: str = "") -> Lister:
    """Lists the ARNs of all that has the project's tag, and this one too if it is given."""

    def arns(client: Client) -> list[str]:
        listing = list_all(
            client("resourcegroupstaggingapi").get_resources,
            "ResourceTagMappingList",
            token="PaginationToken",
            TagFilters=[{"Key": PROJECT_TAG, "Values": [project]}],
        )
        if not listing.complete:
            raise RuntimeError(listing.problem)
        return sorted(
            str(entry["ResourceARN"])
            for entry in listing.items
            if not with_tag or with_tag in as_mapping(entry.get("Tags", []))
        )

    return arns


def belongs(name: str, project: str, tagged: Iterable[str]) -> bool:
    """Whether a name is the project's: by its exact form, or because a tagged ARN ends with it."""
    bare = name.partition(" (")[0]
    return Names(project=project, region="").owns(bare) or _named(bare, tagged)


def _named(name: str, arns: Iterable[str]) -> bool:
    """Whether one of the ARNs ends with the name."""
    return any(arn.lower().endswith((f":{name.lower()}", f"/{name.lower()}")) for arn in arns)


def billable(arn: str) -> bool:
    """Whether a tagged resource may cost: all may, except services that are free or listed by themselves."""
    return arn.split(":")[2] not in FREE_OR_LISTED


def by_reason(unread: Iterable[str]) -> list[str]:
    """A line for each reason why lists could not be read: an organization may deny many regions."""
    reasons: dict[str, str] = {}
    grouped: dict[str, dict[str, list[str]]] = {}
    for line in unread:
        where, _, why = line.partition(": ")
        region, _, kind = where.partition(", ")
        code = found[0] if (found := CODE.search(why)) else why
        reasons.setdefault(code, why)
        grouped.setdefault(code, {}).setdefault(region, []).append(kind)
    return [f"{_places(regions)}: {reasons[code]}" for code, regions in grouped.items()]


def _places(kinds: Mapping[str, list[str]]) -> str:
    """`us-east-1 (endpoints, models)`, or `34 lists in 2 regions (eu-west-1, eu-west-2)`."""
    if len(kinds) == 1:
        ((region, names),) = kinds.items()
        return f"{region} ({', '.join(names)})"
    return f"{sum(map(len, kinds.values()))} lists in {len(kinds)} regions ({', '.join(kinds)})"


def by_kind(found: Iterable[Leftover]) -> Mapping[tuple[str, str], list[str]]:
    """Names by (region, kind)."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for leftover in found:
        grouped.setdefault((leftover.region, leftover.kind), []).append(leftover.name)
    return grouped


def find(client: Client) -> dict[str, list[str]]:
    """All names in the account's region by kind (every one of `KINDS`), other projects' too.

    Args:
        client: makes the boto3 client of a service.

    Raises:
        RuntimeError: a list could not be read to its end, so that nothing can be said.
    """
    return {kind: names(client) for kind, names in {**GLOBAL, **REGIONAL}.items()}


def _listed(
    service: str, operation: str, items: str, name: str, *, token: str = "NextToken", **request: Any
) -> Lister:
    """A lister of one paged operation; `name`: the member with each item's name."""

    def names(client: Client) -> list[str]:
        found = _all(getattr(client(service), operation), items, token=token, **request)
        return sorted(str(item[name]) for item in found)

    return names


def _all(operation: Callable[..., Any], items: str, *, token: str = "NextToken", **request: Any) -> list[Any]:
    listing = list_all(operation, items, token=token, **request)
    if not listing.complete:
        raise RuntimeError(f"{items} could not be listed: {listing.problem}")
    return listing.items


def _jobs(kind: str) -> Lister:
    """A lister of the jobs that bill: those that are being stopped still do."""

    def names(client: Client) -> list[str]:
        operation = getattr(client("sagemaker"), f"list_{kind.lower()}_jobs")
        statuses = ("InProgress", "Stopping")
        found = (_all(operation, f"{kind}JobSummaries", StatusEquals=status) for status in statuses)
        return sorted({str(job[f"{kind}JobName"]) for jobs in found for job in jobs})

    return names


def _executions(client: Client) -> list[str]:
    states = client("stepfunctions")
    machines = _all(states.list_state_machines, "stateMachines", token="nextToken")
    return sorted(
        execution["name"]
        for machine in machines
        for execution in _all(
            states.list_executions,
            "executions",
            token="nextToken",
            stateMachineArn=machine["stateMachineArn"],
            statusFilter="RUNNING",
        )
    )


def _apps(client: Client) -> list[str]:
    found = _all(client("sagemaker").list_apps, "Apps")
    return sorted(app["AppName"] for app in found if app["Status"] not in ("Deleted", "Failed"))


def _schedules(client: Client) -> list[str]:
    rules = _all(client("events").list_rules, "Rules")
    schedules = _all(client("scheduler").list_schedules, "Schedules")
    return sorted(str(item["Name"]) for item in rules + schedules)


def _functions(client: Client) -> list[str]:
    pages = client("lambda").get_paginator("list_functions").paginate()  # its token is called otherwise in
    return sorted(function["FunctionName"] for page in pages for function in page["Functions"])


def _stacks(client: Client) -> list[str]:
    found = _all(client("cloudformation").list_stacks, "StackSummaries")
    return sorted(
        f"{stack['StackName']} ({stack['StackStatus']})"
        for stack in found
        if stack["StackStatus"] != "DELETE_COMPLETE"
    )


GLOBAL: Mapping[str, Lister] = {
    "buckets": _listed("s3", "list_buckets", "Buckets", "Name", token="ContinuationToken"),
}
"""Kinds that every region lists alike."""

REGIONAL: Mapping[str, Lister] = {
    "endpoints": _listed("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "inference components": _listed(
        "sagemaker", "list_inference_components", "InferenceComponents", "InferenceComponentName"
    ),
    "training jobs in progress": _jobs("Training"),
    "processing jobs in progress": _jobs("Processing"),
    "notebook instances": _listed(
        "sagemaker", "list_notebook_instances", "NotebookInstances", "NotebookInstanceName"
    ),
    "Studio apps": _apps,
    "running executions": _executions,
    "models": _listed("sagemaker", "list_models", "Models", "ModelName"),
    "endpoint configurations": _listed(
        "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
    ),
    "model package groups": _listed(
        "sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
    ),
    "schedules and rules": _schedules,
    "functions": _functions,
    "alarms": _listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "dashboards": _listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "stacks": _stacks,
}
"""Kinds of one region."""

KINDS = (*GLOBAL, *REGIONAL)
