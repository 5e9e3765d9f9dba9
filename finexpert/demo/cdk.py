"""The CDK command line, as a user calls it: the pinned one of this checkout, on its environment's Node."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finexpert import paths
from finexpert.demo.children import Children
from finexpert.errors import UserError
from finexpert.service.target import Target
from finexpert.views.display import Live

EVENT = re.compile(
    r"^(?P<stack>\S+) \|\s+(?P<done>\d+(?:/\d+)?) \|[^|]*\| (?P<status>\w+)\s+\|"
    r" (?P<type>\S+)\s*\|\s*(?P<resource>\S*)"
)
TAIL_LINES = 12
CONCURRENCY = 4
"""Stacks that do not need each other, at once."""
REASON = re.compile(r"_FAILED|❌|[Ee]rror")
SHOWN_LINES = 5


def show_events(live: Live) -> Callable[[str], None]:
    """A function that shows the CLI's events: each on a terminal, in a pipe where a stack begins or ends."""
    ended: set[str] = set()

    def show(line: str) -> None:
        event = EVENT.match(line.strip())
        if not event:
            return
        stack, status = event["stack"], event["status"]
        # Of several events at once the CLI prints the newest first: an end may come before its beginning.
        whole = event["type"] == "AWS::CloudFormation::Stack" and stack not in ended
        if whole and not status.endswith("_IN_PROGRESS"):
            ended.add(stack)
        text = f"  {stack}  {event['done']}  {status}  {event['type']}  {event['resource']}"
        live.update(text, f"  {stack} {status}" if whole else "")

    return show


@dataclass(frozen=True)
class Cdk:
    """Runs the CLI against one cloud.

    Args:
        environment: whole process environment with endpoint, credentials and FINEXPERT_SETTINGS.
        output: the folder of the synthesized app.
        log_path: everything that the CLI prints.
    """

    environment: Mapping[str, str]
    output: Path
    log_path: Path
    children: Children

    def bootstrap(self, account: str, region: str, on_line: Callable[[str], None]) -> None:
        """`cdk bootstrap`, from a folder without an app, so that nothing is synthesized for it."""
        self._run(["bootstrap", f"aws://{account}/{region}"], on_line, cwd=self.log_path.parent)

    def synth(self, on_line: Callable[[str], None]) -> None:
        """`cdk synth` of the production app into `output`; the other commands then use that."""
        self._run(["synth", "--quiet", "--output", str(self.output)], on_line)

    def deploy(self, on_line: Callable[[str], None]) -> None:
        """`cdk deploy --all` of what was synthesized, without change sets: they only take time."""
        options = ["--require-approval", "never", "--method", "direct", "--progress", "events"]
        self._run_on_all("deploy", options, on_line)

    def destroy(self, on_line: Callable[[str], None]) -> None:
        """`cdk destroy --all` of what was synthesized."""
        self._run_on_all("destroy", ["--force"], on_line)

    def _run_on_all(self, verb: str, options: list[str], on_line: Callable[[str], None]) -> None:
        concurrency = ["--concurrency", str(CONCURRENCY)]
        self._run([verb, "--all", *options, *concurrency, "--app", str(self.output)], on_line)

    def _run(self, arguments: list[str], on_line: Callable[[str], None], *, cwd: Path = paths.ROOT) -> None:
        tail: list[str] = []

        def line_came(line: str) -> None:
            if line.strip():
                tail.append(line)
                del tail[:-TAIL_LINES]
            on_line(line)

        # This Python's own programs (python, node) come first.
        places = [str(Path(sys.executable).parent), self.environment.get("PATH", os.defpath)]
        status = self.children.run(
            [str(_program()), *arguments, "--ci", "--no-color", "--no-notices"],
            environment={**self.environment, "PATH": os.pathsep.join(places)},
            cwd=cwd,
            log_path=self.log_path,
            on_line=line_came,
        )
        if status:
            raise UserError(
                f"cdk {arguments[0]} failed with exit status {status}:\n" + "\n".join(reasons_in(tail)),
                where=str(self.log_path),
            )


def reasons_in(lines: list[str]) -> list[str]:
    """The lines of the CLI's last words that say what failed, without repetitions; all if none does."""
    reasons = list(dict.fromkeys(line.strip() for line in lines if REASON.search(line)))
    return reasons[-SHOWN_LINES:] or lines


def _program() -> Path:
    program = paths.ROOT / "node_modules" / ".bin" / "cdk"
    if not program.exists():
        raise UserError("The CDK command line is not installed.", where=str(program), fix="make setup")
    return program


STACK = "CDKToolkit"
WAIT_SECONDS = 0.2
WAIT_ATTEMPTS = 300


def remove(target: Target) -> None:
    """Empty the bootstrap bucket, delete the stack, and the bucket, which the stack keeps.

    Raises:
        ValueError: the target is AWS, where other apps of the account may need it.
    """
    if not target.is_local:
        raise ValueError("the bootstrap stack of an AWS account may serve other apps: it is not removed")
    cloudformation, s3 = target.client("cloudformation"), target.client("s3")
    resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    buckets = [r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::S3::Bucket"]
    for bucket in buckets:
        empty(s3, bucket)
    cloudformation.delete_stack(StackName=STACK)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=STACK, WaiterConfig={"Delay": WAIT_SECONDS, "MaxAttempts": WAIT_ATTEMPTS})
    kept = {entry["Name"] for entry in s3.list_buckets()["Buckets"]}
    for bucket in kept.intersection(buckets):
        s3.delete_bucket(Bucket=bucket)


def empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object of a bucket."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
