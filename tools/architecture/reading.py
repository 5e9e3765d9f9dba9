"""What the picture shows of a cloud assembly: stacks, resources, the state machine, who acts on what."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.architecture import machine
from tools.architecture.template import Resource, Template, actions, counted, names, of_type, text, words

ACTS = ("cloudformation:UpdateStack", "sagemaker:StopTrainingJob", "sagemaker:DeleteEndpoint")
"""What functions may do to work that bills."""

ALARMS = "alarms"
STEP = "step of the state machine"
KINDS = (
    "function",
    "bucket",
    "endpoint",
    "inference component",
    "model package group",
    "parameter",
    "budget",
    "anomaly monitor",
    "topic",
    "queue",
    "dashboard",
)
_NAMES = (
    "FunctionName",
    "BucketName",
    "TopicName",
    "QueueName",
    "AlarmName",
    "Name",
    "ModelPackageGroupName",
    "InferenceComponentName",
    "EndpointName",
    "DashboardName",
    "MonitorName",
)
PRIVATE = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A resource, or several of one type. `acts`: those of `ACTS` that it may do; `bills`: by the hour."""

    kind: str
    title: str
    details: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    bills: bool = False


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`needs`: stacks deployed before it. `rest`: what has no block of its own, counted."""

    name: str
    description: str
    region: str
    needs: tuple[str, ...]
    condition: str
    blocks: tuple[Block, ...]
    rest: str


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """`caught`: tasks of the state machine, and those of them whose every error is caught."""

    stacks: Mapping[str, Stack]
    steps: tuple[machine.Step, ...]
    caught: tuple[int, int]
    job: Block


def read(assembly: Path) -> Architecture:
    """The architecture in the folder that `cdk synth` wrote."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    found = {
        name: artifact
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    templates = {name: _template(assembly / a["properties"]["templateFile"]) for name, a in found.items()}
    stacks = {
        _short(name): Stack(
            name=name,
            description=templates[name].get("Description", "").partition(": ")[2],
            region=artifact["environment"].rpartition("/")[2],
            needs=tuple(_short(other) for other in artifact.get("dependencies", []) if other in found),
            condition=_condition(templates[name]),
            **_contents(templates[name]),
        )
        for name, artifact in found.items()
    }
    training = templates[next(name for name in found if _short(name) == "Training")]
    definition = _definition(training)
    functions = {f"<{name}.Arn>": _own_name(r) for name, r in of_type(training, "AWS::Lambda::Function")}
    return Architecture(
        stacks=stacks,
        steps=machine.way(definition, "Accepted", functions),
        caught=machine.failures(definition),
        job=_job(definition),
    )


def _template(file: Path) -> Template:
    template: Template = json.loads(file.read_text(encoding="utf-8"))
    return template


def _short(stack: str) -> str:
    """`FinExpert-Storage` as `Storage`."""
    return stack.rpartition("-")[2]


def _condition(template: Template) -> str:
    """The parameter on which everything in the stack depends, or ""."""
    conditions = {resource.get("Condition", "") for resource in template["Resources"].values()}
    if "" in conditions:
        return ""
    (parameter,) = names([template["Conditions"][condition] for condition in conditions])
    return parameter


def _contents(template: Template) -> dict[str, Any]:
    """Blocks, in the order of `_SHOWN`, all alarms in one; and the count of the rest.

    Functions without a name are CDK's own, and those that are a step of the state machine are drawn there.
    """
    blocks: list[Block] = []
    rest: Counter[str] = Counter()
    for name, resource in sorted(template["Resources"].items()):
        make = _SHOWN.get(resource["Type"])
        block = make(template, name, resource) if make else None
        if block is None:
            rest[_kind_of_rest(resource["Type"])] += 1
        elif STEP not in block.details:
            blocks.append(block)
    alarms = tuple(block.title for block in blocks if block.kind == "alarm")
    kept = sorted((b for b in blocks if b.kind != "alarm"), key=lambda block: KINDS.index(block.kind))
    if alarms:
        kept.append(Block(kind=ALARMS, title=counted(len(alarms), "alarm"), details=_without_stem(alarms)))
    return {"blocks": tuple(kept), "rest": ", ".join(counted(n, kind) for kind, n in sorted(rest.items()))}


def _kind_of_rest(type_: str) -> str:
    if type_.startswith("Custom::"):
        return "custom resource"
    return words(type_.rpartition("::")[2]).lower()


def _without_stem(titles: tuple[str, ...]) -> tuple[str, ...]:
    """`a-errors`, `a-silence`, `b-errors`, `b-silence`, `rest` as `a, b: errors, silence` and `rest`."""
    ends: dict[str, list[str]] = {}
    for title in titles:
        stem, _, end = title.rpartition("-")
        ends.setdefault(stem, []).append(end)
    stems: dict[str, list[str]] = {}
    for stem, found in ends.items():
        if len(found) > 1:
            stems.setdefault(", ".join(found), []).append(stem)
    alone = [f"{stem}-{found[0]}" for stem, found in ends.items() if len(found) == 1]
    return (*(f"{', '.join(who)}: {what}" for what, who in stems.items()), ", ".join(alone))


def _definition(template: Template) -> dict[str, Any]:
    ((_, resource),) = of_type(template, "AWS::StepFunctions::StateMachine")
    definition: dict[str, Any] = json.loads(text(resource["Properties"]["DefinitionString"]))
    return definition


def _job(definition: Mapping[str, Any]) -> Block:
    """The training job that the state machine asks for."""
    request = definition["States"]["CreateTrainingJob"]["Parameters"]
    resources = request["ResourceConfig"]
    return Block(
        kind="training job",
        title=" ".join(request["AlgorithmSpecification"]["ContainerEntrypoint"]),
        details=(f"{resources['InstanceCount']} × {resources['InstanceType']}",),
        bills=True,
    )


def _own_name(resource: Resource) -> str:
    """The resource's name, without the project's, account and region: `data` of `finexpert-data-…`."""
    whole = next((text(resource["Properties"][key]) for key in _NAMES if key in resource["Properties"]), "")
    return re.sub(r"-(<|\d{12}).*", "", whole).removeprefix("finexpert-").removeprefix("/finexpert/")


def _named(kind: str) -> Callable[[Template, str, Resource], Block]:
    """A block with nothing but the resource's name."""
    return lambda template, name, resource: Block(kind=kind, title=_own_name(resource))


def _bucket(template: Template, name: str, resource: Resource) -> Block:
    properties = resource["Properties"]
    access = properties.get("PublicAccessBlockConfiguration", {})
    versioned = properties.get("VersioningConfiguration", {}).get("Status") == "Enabled"
    marks = {"private": all(access.get(key) for key in PRIVATE), "versioned": versioned}
    details = ", ".join(mark for mark, true in marks.items() if true)
    return Block(kind="bucket", title=_own_name(resource), details=(details,))


def _function(template: Template, name: str, resource: Resource) -> Block | None:
    title = _own_name(resource)
    if not title:
        return None
    (role,) = names(resource["Properties"]["Role"])
    allowed = actions(template, role)
    acts = tuple(act for act in ACTS if act in allowed)
    may = ", ".join(act.partition(":")[2] for act in acts)
    return Block(
        kind="function",
        title=title,
        details=tuple(line for line in (_trigger(template, name), may and f"may {may}") if line),
        acts=acts,
    )


def _trigger(template: Template, function: str) -> str:
    """What calls a function: a schedule, an event, a custom resource, a step of the state machine."""
    for _, rule in of_type(template, "AWS::Events::Rule"):
        properties = rule["Properties"]
        if function in names([target["Arn"] for target in properties["Targets"]]):
            schedule = properties.get("ScheduleExpression", "")
            if schedule:
                return f"every {schedule.removeprefix('rate(').removesuffix(')')}"
            ends = [
                status.lower().replace("_", " ") for status in properties["EventPattern"]["detail"]["status"]
            ]
            return f"run {', '.join(ends)}"
    for resource in template["Resources"].values():
        if resource["Type"].startswith("Custom::") and function in names(
            resource["Properties"]["ServiceToken"]
        ):
            return words(resource["Type"].removeprefix("Custom::")).lower()
    for _, machine_ in of_type(template, "AWS::StepFunctions::StateMachine"):
        if function in names(machine_["Properties"]["DefinitionString"]):
            return STEP
    return ""


def _endpoint(template: Template, name: str, resource: Resource) -> Block:
    (config,) = names(resource["Properties"]["EndpointConfigName"])
    (variant,) = template["Resources"][config]["Properties"]["ProductionVariants"]
    instances = f"{variant['InitialInstanceCount']} × {variant['InstanceType']}"
    return Block(kind="endpoint", title=_own_name(resource), details=(instances,), bills=True)


def _component(template: Template, name: str, resource: Resource) -> Block:
    specification = resource["Properties"]["Specification"]
    base = specification.get("BaseInferenceComponentName")
    detail = f"adapter on {text(base).removeprefix('finexpert-')}" if base else "base weights"
    return Block(kind="inference component", title=_own_name(resource), details=(detail,))


def _budget(template: Template, name: str, resource: Resource) -> Block:
    budget = resource["Properties"]["Budget"]
    thresholds: dict[str, list[str]] = {}
    for entry in resource["Properties"]["NotificationsWithSubscribers"]:
        told = entry["Notification"]
        thresholds.setdefault(told["NotificationType"].lower(), []).append(f"{told['Threshold']:g}")
    return Block(
        kind="budget",
        title=f"${budget['BudgetLimit']['Amount']:g} {budget['TimeUnit'].lower()}",
        details=tuple(f"{', '.join(values)} % {type_}" for type_, values in thresholds.items()),
    )


def _topic(template: Template, name: str, resource: Resource) -> Block:
    subscriptions = [
        subscription["Properties"]["Protocol"]
        for _, subscription in of_type(template, "AWS::SNS::Subscription")
        if name in names(subscription["Properties"]["TopicArn"])
    ]
    return Block(kind="topic", title=_own_name(resource), details=(f"to {', '.join(subscriptions)}",))


_SHOWN: dict[str, Callable[[Template, str, Resource], Block | None]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::Lambda::Function": _function,
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::InferenceComponent": _component,
    "AWS::SageMaker::ModelPackageGroup": _named("model package group"),
    "AWS::SSM::Parameter": _named("parameter"),
    "AWS::Budgets::Budget": _budget,
    "AWS::CE::AnomalyMonitor": _named("anomaly monitor"),
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _named("queue"),
    "AWS::CloudWatch::Dashboard": _named("dashboard"),
    "AWS::CloudWatch::Alarm": _named("alarm"),
}
"""Types with blocks of their own; the state machine is drawn by its steps."""
