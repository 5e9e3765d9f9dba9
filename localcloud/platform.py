"""Functions of the cloud's other services for the ones written here (SageMaker, billing, …).

Everything acts in the account and region of the request being served; `spawn` carries both into a thread.
"""

import os
import time
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

from localcloud import environment

# for the services written here
from localcloud.hooks.requests import account_id, region, spawn  # noqa: F401
from localcloud.hooks.requests import request_scope as scope  # noqa: F401
from localcloud.hooks.telemetry import emit_event, put_log_events, put_metric  # noqa: F401

# Metric namespaces of SageMaker's instances and programs; its log groups begin with the same.
ENDPOINTS = "/aws/sagemaker/Endpoints"
COMPONENTS = "/aws/sagemaker/InferenceComponents"
TRAINING_JOBS = "/aws/sagemaker/TrainingJobs"


def state_dir() -> Path:
    """The folder under which this cloud keeps all its files."""
    return Path(os.environ["LOCALCLOUD_STATE_DIR"])


def endpoint_url() -> str:
    """The address of this cloud, as its own children reach it."""
    return os.environ["AWS_ENDPOINT_URL"]


MAX_LAMBDA_SECONDS = 900.0
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
ROLE_CLIENT_SECONDS = 1800.0  # half of what an assumed role's credentials live
_clients: dict[tuple[str, str, str], tuple[float, Any]] = {}
_client_lock = Lock()  # making clients is not thread-safe in botocore, using them is


def client(service: str, role_arn: str = "") -> Any:
    """A boto3 client of this very cloud in the region of the request, as its account or under a role.

    It does not retry. Call it from a worker thread, never on the event loop: this server has to answer it.

    Raises:
        botocore.exceptions.ClientError: as sts:AssumeRole answers.
    """
    key = (service, role_arn or account_id(), region())
    made, found = _clients.get(key, (0.0, None))
    if found is None or (role_arn and time.monotonic() - made > ROLE_CLIENT_SECONDS):
        found = _make(service, role_arn, retries={"total_max_attempts": 1}, read_timeout=MAX_LAMBDA_SECONDS)
        _clients[key] = (time.monotonic(), found)
    return found


def role_client(service: str, role_arn: str) -> Any:
    """A boto3 client under the role, which is assumed now: one that may no longer be assumed is refused.

    Call it from a worker thread: it asks this very server over loopback.

    Raises:
        botocore.exceptions.ClientError: as sts:AssumeRole answers.
    """
    return _make(service, role_arn)


def _make(service: str, role_arn: str, **config: Any) -> Any:
    own = {"AWS_ACCESS_KEY_ID": account_id(), "AWS_SECRET_ACCESS_KEY": os.environ["AWS_SECRET_ACCESS_KEY"]}
    credentials = role_credentials(role_arn) if role_arn else own
    with _client_lock:
        return _session().client(
            service,
            region_name=region(),
            endpoint_url=endpoint_url(),
            config=Config(**config),
            **{name.lower(): credentials.get(name) for name in CREDENTIALS},
        )


@cache
def _session() -> boto3.Session:
    """One for all clients, since each session reads botocore's descriptions of the services again."""
    return boto3.Session()


def role_credentials(role_arn: str) -> dict[str, str]:
    """Assume the role and return the variables of a program that acts under it.

    Raises:
        botocore.exceptions.ClientError: as sts:AssumeRole answers (no such role, denied).
    """
    assumed = client("sts").assume_role(RoleArn=role_arn, RoleSessionName="SageMaker")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
        "AWS_SESSION_TOKEN": assumed["SessionToken"],
        "AWS_REGION": region(),
        "AWS_DEFAULT_REGION": region(),
        "AWS_ENDPOINT_URL": endpoint_url(),
        **environment.trust(state_dir(), endpoint_url()),
    }


def provision_seconds() -> float:
    """The seconds that making or removing an instance seems to take (AWS: minutes)."""
    return float(os.environ.get("LOCALCLOUD_PROVISION_SECONDS", "0.2"))
