"""Runs. A run is an execution of the fine-tuning state machine, named like its training job."""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from core.aws.errors import if_there
from core.evaluation.evaluation import REPORT_POLICY
from core.names import TRAINING_LOG_GROUP
from finexpert.errors import NotFound, UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs import logs, names
from finexpert.text import when

RUN_NAME = r"[A-Za-z0-9][A-Za-z0-9-]{0,79}"
"""It stands in ARNs and S3 keys, so nothing else gets through."""
LATELY = timedelta(hours=1)
NEWEST = 20
"""Runs that are looked through for the same data."""


@dataclass(frozen=True)
class Run:
    """One fine-tune.

    Args:
        name: its id, which AWS knows it by.
        outcome: the quality gate's word, "accepted", "rejected" or "" for none yet.
        title: what people call it; "" where it has no name.
    """

    name: str
    status: str
    started: datetime
    stopped: datetime | None
    outcome: str = ""
    title: str = ""


def new_name(name: str, now: datetime) -> str:
    """`finexpert-20260131-142536-9f3a`: the same name for execution, training job and S3 folder."""
    return f"{name}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def start(
    deployment: Deployment,
    *,
    dataset: str,
    hyperparameters: Mapping[str, str],
    wake: bool,
    now: datetime,
    title: str = "",
    by: str = "",
    unjudged: bool = False,
) -> str:
    """Start a fine-tune and return the run's id.

    Args:
        dataset: S3 URI of the dataset's folder.
        hyperparameters: overrides of the recipe.
        wake: serve the result at once if the quality gate accepts it.
        title: what people call it; it also stands in report, model card and mail.
        by: who starts it, for the report.
        unjudged: also where the quality gate could not judge the result.

    Raises:
        UserError: the title cannot be a name, or another run has it.
    """
    run = new_name(deployment.names.name, now)
    given: dict[str, Any] = {"dataset": dataset, "hyperparameters": dict(hyperparameters), "wake": wake}
    if unjudged:
        given["unjudged"] = True
    if title:
        given["name"] = names.rename(deployment, run, title)
    if by:
        given["by"] = by
    try:
        deployment.target.client("stepfunctions").start_execution(
            stateMachineArn=deployment.output("Training", "StateMachineArn"),
            name=run,
            input=json.dumps(given),
        )
    except Exception:
        if title:
            names.forget(deployment, run)
        raise
    return run


class Repeated(UserError):
    """Raised where another run was started on the same data a short while ago."""


def require_new(
    deployment: Deployment, *, dataset: str, hyperparameters: Mapping[str, str], now: datetime
) -> None:
    """Refuse to train on the same data and hyperparameters twice within the hour.

    Raises:
        Repeated: such a run began, and did not fail.
    """
    client = deployment.target.client("stepfunctions")
    machine = deployment.output("Training", "StateMachineArn")
    for entry in client.list_executions(stateMachineArn=machine, maxResults=NEWEST)["executions"]:
        if entry["status"] not in ("RUNNING", "SUCCEEDED") or now - entry["startDate"] > LATELY:
            continue
        name = str(entry["name"])
        given = json.loads(describe(deployment, name).get("input") or "{}")
        if (given.get("dataset"), given.get("hyperparameters")) == (dataset, dict(hyperparameters)):
            state = "still runs" if entry["status"] == "RUNNING" else "has ended"
            raise Repeated(
                f"A run on the same data began {when(entry['startDate'], now)} and {state}: {name}.",
                where=dataset,
                fix=f"See it: finexpert train --attach {name}. Pay for another one all the same: --again",
            )


def execution_arn(deployment: Deployment, run: str) -> str:
    """The ARN of a run's execution, whether or not that exists."""
    machine = deployment.output("Training", "StateMachineArn")
    return f"{machine.replace(':stateMachine:', ':execution:')}:{run}"


def describe(deployment: Deployment, run: str) -> dict[str, Any]:
    """DescribeExecution of a run.

    Raises:
        NotFound: there is no such run.
    """
    client = deployment.target.client("stepfunctions")
    try:
        if re.fullmatch(RUN_NAME, run):
            return dict(client.describe_execution(executionArn=execution_arn(deployment, run)))
    except client.exceptions.ExecutionDoesNotExist:
        pass
    raise NotFound(
        f"There is no run {run}.",
        where=deployment.names.state_machine,
        fix="finexpert runs lists those there are.",
    )


def stop(deployment: Deployment, run: str, *, cause: str = "finexpert train --stop") -> bool:
    """Stop a run (its training job is stopped with it); False when it had already ended."""
    if describe(deployment, run)["status"] != "RUNNING":
        return False
    deployment.target.client("stepfunctions").stop_execution(
        executionArn=execution_arn(deployment, run), error="Stopped", cause=cause
    )
    return True


def newest_first(deployment: Deployment, *, limit: int) -> list[Run]:
    """The newest `limit` runs with their names, and the gate's decision on those that succeeded."""
    entries, titles = newest_entries(deployment, limit=limit), names.read(deployment)
    return [as_run(entry, outcome_of(deployment, entry), titles) for entry in entries]


def newest_entries(deployment: Deployment, *, limit: int) -> list[Mapping[str, Any]]:
    """The newest `limit` runs as Step Functions lists them."""
    client = deployment.target.client("stepfunctions")
    machine = deployment.output("Training", "StateMachineArn")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    entries = [entry for page in pages for entry in page["executions"]]
    return sorted(entries, key=lambda entry: entry["startDate"], reverse=True)[:limit]


def outcome_of(deployment: Deployment, entry: Mapping[str, Any]) -> str:
    """The gate's decision on a run: "accepted", "rejected", or "" while there is none."""
    if entry["status"] != "SUCCEEDED":
        return ""
    return str(output_of(describe(deployment, entry["name"])).get("outcome", ""))


def as_run(entry: Mapping[str, Any], outcome: str, titles: names.Names) -> Run:
    """A list or describe entry of Step Functions as a `Run`."""
    run = str(entry["name"])
    title = titles.get(run, "")
    return Run(run, entry["status"], entry["startDate"], entry.get("stopDate"), outcome, title)


def output_of(execution: Mapping[str, Any]) -> dict[str, Any]:
    """An execution's output document, empty while there is none."""
    document = json.loads(execution.get("output") or "{}")
    return document if isinstance(document, dict) else {}


def evaluation(deployment: Deployment, run: str) -> dict[str, Any] | None:
    """The run's `evaluation.json` from the artifact bucket; None where the job has not written one."""
    document = artifact(deployment, run, "evaluation.json")
    return None if document is None else dict(json.loads(document))


def artifact(deployment: Deployment, run: str, name: str) -> bytes | None:
    """A file of the run's folder in the artifact bucket (such as `report.html`); None if missing."""
    client = deployment.target.client("s3")
    bucket = deployment.output("Storage", "ArtifactBucketName")
    answer = if_there(lambda: client.get_object(Bucket=bucket, Key=f"runs/{run}/{name}"))
    return None if answer is None else bytes(answer["Body"].read())


def sealed(html: bytes) -> bytes:
    """The report with a policy that lets it run no script and load nothing, also when opened as a file."""
    guard = f'<meta http-equiv="Content-Security-Policy" content="{REPORT_POLICY}">'
    return f'<!doctype html><meta charset="utf-8">{guard}\n'.encode() + html.removeprefix(b"\xef\xbb\xbf")


def shown(html: bytes, title: str) -> bytes:
    """A report as it is opened: sealed, and under the name that people call its run now."""
    if title:
        name = escape(title).encode()
        html = re.sub(rb'(<h1 id="name">)[^<]*', lambda found: found[1] + name, html, count=1)
        heading = rb"(<title>[\d-]* ?)[^<]*(: [^:<]*</title>)"
        html = re.sub(heading, lambda found: found[1] + name + found[2], html, count=1)
    return sealed(html)


def report(deployment: Deployment, run: str) -> bytes:
    """The report that the run's training job wrote, HTML, as it is opened.

    Raises:
        NotFound: there is none.
    """
    html = artifact(deployment, run, "report.html")
    if html is None:
        raise NotFound(
            f"There is no report of {run}.",
            where=deployment.output("Storage", "ArtifactBucketName"),
            fix=f"A run has one when its training job has ended: finexpert runs show {run}",
        )
    return shown(html, names.read(deployment).get(run, ""))


def log_lines(
    deployment: Deployment, run: str, *, follow: bool, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """Lines that the run's training jobs have written, the on-demand retry's too.

    Args:
        follow: go on until the run has ended.

    Raises:
        NotFound: there is no such run.
    """
    reader = logs.StreamReader(deployment.target.client("logs"), TRAINING_LOG_GROUP)
    while True:
        running = describe(deployment, run)["status"] == "RUNNING"
        yield from reader.new_lines(run)
        if not (follow and running):
            return
        sleep(follow_seconds(deployment))


def follow_seconds(deployment: Deployment) -> float:
    """The seconds to wait between two looks at a run."""
    return 0.5 if deployment.target.is_local else 5.0
