"""What tests of an embedded cloud share: starting one, its clients, roles, stacks, queues and functions."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localcloud import environment
from localcloud.lifecycle import Cloud, CloudOptions, down, up
from tests.fakes.waiting import eventually

ROLES = f"arn:aws:iam::{environment.ACCOUNT}:role"


@contextmanager
def running(state_dir: Path, **options: Any) -> Iterator[Cloud]:
    """A cloud in this folder. It also ends if pytest is killed (owner_pid)."""
    try:
        yield up(state_dir, options=CloudOptions(owner_pid=os.getpid(), **options))
    finally:
        down(state_dir)


def session(cloud: Cloud) -> boto3.Session:
    """A session of the account's root on this cloud, independent of the AWS settings around the tests."""
    of = cloud.environment()
    return boto3.Session(
        aws_access_key_id=of["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=of["AWS_SECRET_ACCESS_KEY"],
        region_name=of["AWS_REGION"],
    )


def client_of(cloud: Cloud, service: str, role: str = "", *, attempts: int = 1) -> Any:
    """A client of the account's root, or under a role; each request is sent `attempts` times at most."""
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, read_timeout=180)
    given: dict[str, str] = {}
    if role:
        taken = client_of(cloud, "sts").assume_role(RoleArn=f"{ROLES}/{role}", RoleSessionName="test")
        given = {
            "aws_access_key_id": taken["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": taken["Credentials"]["SecretAccessKey"],
            "aws_session_token": taken["Credentials"]["SessionToken"],
        }
    return session(cloud).client(service, endpoint_url=cloud.endpoint_url, config=config, **given)


def make_role(iam: Any, name: str, *statements: dict[str, Any], services: tuple[str, ...] = ()) -> str:
    """A role that the account and these services may take, with exactly these rights; its ARN."""
    principal = {"AWS": environment.ACCOUNT} | ({"Service": list(services)} if services else {})
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return f"{ROLES}/{name}"


def policy(*statements: dict[str, Any]) -> str:
    """A policy's text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def settled(cloudformation: Any, stack: str) -> dict[str, Any]:
    """The stack, once nothing is under way."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if found["StackStatus"].endswith("IN_PROGRESS") else found

    found: dict[str, Any] = eventually(look, why=f"{stack} is still in progress")
    return found


def make_queue(sqs: Any, name: str) -> tuple[str, str]:
    """A queue's address and ARN."""
    address = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
    return address, found["Attributes"]["QueueArn"]


def zipped(source: str) -> bytes:
    """The code of a function whose module is `index`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", source)
    return archive.getvalue()
