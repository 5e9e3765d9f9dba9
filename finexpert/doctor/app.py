"""Is the app ready: the tools that deploy it, and its stacks."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from core.aws.errors import error_code, if_there, is_missing
from core.names import TAKE_UP, Names
from finexpert.doctor import Finding, Verdict, bad, good, unknown
from finexpert.errors import NotDeployed
from finexpert.service.deployment import BILLING_REGION, STACKS, Deployment, describe_stack

TOOLS = ("node", "cdk")
NO_BILLING = (
    "If only Billing fails: a member account may have no anomaly monitor, and one that is denied billing no"
    " budget: cdk deploy --all -c billing_guards=budget (or alarms)"
)
DEPLOY = "Deploy it: cdk bootstrap && cdk deploy --all"


def tools(deployment: Deployment) -> Finding:
    """Can the app be deployed from here?"""
    path = deployment.target.environment.get("PATH")
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    if missing:
        return bad(
            f"not found: {', '.join(missing)}",
            "make setup && source .venv/bin/activate && export PATH=$PWD/node_modules/.bin:$PATH",
        )
    return good(" and ".join(TOOLS))


WHOLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
"""States of a stack that works; a rolled back update left it as it was before."""


def stacks(deployment: Deployment) -> Finding:
    """Is the app deployed, all of it and whole?"""
    states: dict[str, str] = {}
    for part in STACKS:
        try:
            states[part] = str(describe_stack(deployment, part)["StackStatus"])
        except NotDeployed:
            continue
    found = judge_stacks({deployment.names.stack(part): states.get(part, "") for part in STACKS})
    if states.get("Storage", "") in ("", "ROLLBACK_COMPLETE") and (bucket := _kept_bucket(deployment)):
        return replace(found, fix=going_on(bucket, deployment.names, failed="Storage" in states))
    if found.verdict is Verdict.BAD and states.keys() and states.get("Billing", "") not in WHOLE:
        return replace(found, fix=f"{found.fix}. {NO_BILLING}")
    return found


def _kept_bucket(deployment: Deployment) -> str:
    """The data bucket that an earlier deployment left, or ""."""
    client = deployment.target.client
    account = client("sts").get_caller_identity()["Account"]
    bucket = deployment.names.bucket("data", account)
    try:
        client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        # Someone else's bucket answers 403: a deploy cannot go on with it either.
        if is_missing(error) or error_code(error) == "403":
            return ""
        raise
    return bucket


def going_on(bucket: str, names: Names, *, failed: bool) -> str:
    """Say how to deploy onto kept data. A deploy that did not import it left a stack that must be removed."""
    stack = names.stack("Storage")
    first = (
        f" First remove the stack that a deploy without that flag left: aws cloudformation"
        f" update-termination-protection --no-enable-termination-protection --stack-name {stack} && aws"
        f" cloudformation delete-stack --stack-name {stack}"
        if failed
        else ""
    )
    return f"The bucket {bucket} of an earlier deployment is still there. To go on with it: {TAKE_UP}.{first}"


def judge_stacks(states: Mapping[str, str]) -> Finding:
    """Judge the stacks by their status; "" where one is not there."""
    if not any(states.values()):
        return unknown("the app is not deployed here yet", DEPLOY)
    changing = [f"{name} is {state}" for name, state in states.items() if _changing(state)]
    wrong = [
        f"{name} is {state or 'missing'}"
        for name, state in states.items()
        if state not in WHOLE and not _changing(state)
    ]
    if wrong:
        return bad(
            "; ".join([*wrong, *changing]),
            "Read the stack's events in the console and correct what they name. " + DEPLOY,
        )
    if changing:
        return unknown("; ".join(changing), "Wait until that has ended, then ask again.")
    project = next(iter(states)).rpartition("-")[0]
    return good(f"all {len(states)} stacks of {project} are deployed")


def _changing(state: str) -> bool:
    """Whether it becomes a whole stack if all goes well."""
    return state in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS") or state.endswith(
        "CLEANUP_IN_PROGRESS"
    )


def alarms(deployment: Deployment) -> Finding:
    """Does any of the app's alarms stand, or is one switched off or without data?"""
    found: list[Mapping[str, Any]] = []
    for part in STACKS:
        region = BILLING_REGION if part == "Billing" else None
        names = _alarm_names(deployment, part, region)
        for begin in range(0, len(names), 100):
            client = deployment.target.client("cloudwatch", region)
            found += client.describe_alarms(AlarmNames=names[begin : begin + 100])["MetricAlarms"]
    return judge_alarms(found)


def judge_alarms(found: Sequence[Mapping[str, Any]]) -> Finding:
    """Judge the alarms as DescribeAlarms gives them."""
    if not found:
        return unknown("no alarm of the app is seen", DEPLOY)
    standing = [str(alarm["AlarmName"]) for alarm in found if alarm["StateValue"] == "ALARM"]
    silent = [str(alarm["AlarmName"]) for alarm in found if not alarm.get("ActionsEnabled", False)]
    if standing or silent:
        said = [f"{name} is in ALARM" for name in standing] + [f"{name} sends no mail" for name in silent]
        return bad(
            "; ".join(said), "Read them in the CloudWatch console; cdk deploy --all restores an alarm."
        )
    unclear = [str(alarm["AlarmName"]) for alarm in found if alarm["StateValue"] != "OK"]
    if unclear:
        return unknown(
            f"without data yet: {', '.join(unclear)}",
            "After a deploy the first data take some minutes, those of the bill up to a day.",
        )
    return good(f"all {len(found)} are OK")


def _alarm_names(deployment: Deployment, part: str, region: str | None) -> list[str]:
    client = deployment.target.client("cloudformation", region)
    pages = client.get_paginator("list_stack_resources").paginate(StackName=deployment.names.stack(part))
    resources = if_there(lambda: [each for page in pages for each in page["StackResourceSummaries"]]) or []
    alarms = (each for each in resources if each["ResourceType"] == "AWS::CloudWatch::Alarm")
    return [str(each["PhysicalResourceId"]) for each in alarms]
