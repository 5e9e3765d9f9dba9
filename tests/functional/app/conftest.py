"""The production app on a separate embedded cloud, deployed and destroyed with the real CDK CLI."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.aws.s3 import S3Address
from core.endpoint.hosting import HostingState
from finexpert import paths
from finexpert.demo.cdk import Cdk
from finexpert.demo.children import Children
from finexpert.service import target
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import switch
from finexpert.service.runs import base_model
from localcloud import lifecycle
from tests.functional.app.page_client import Browser, sign_in

RunCommand = Callable[..., subprocess.CompletedProcess[str]]
USER, FIRST, OWN = "ana@example.com", "First-Pass-1234!", "Own-Pass-1234567!"

# The schedules stay out of the way of the tests; what they would call is called by the tests.
SETTINGS = {
    "FINEXPERT_IDLE_MINUTES": "60",
    "FINEXPERT_MIN_AGE_MINUTES": "60",
    "FINEXPERT_REAPER_PERIOD_MINUTES": "60",
    "FINEXPERT_WEB": "true",
    "FINEXPERT_RETRIEVAL": "vectors",
    # Eight questions of each set, since 40 take a third of a job.
    "FINEXPERT_HYPERPARAMETERS": json.dumps(
        {"epoch": "1", "max_input_length": "128", "evaluation_items": "8"}
    ),
}


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The app with its base weights uploaded, where every request must be signed, allowed and over TLS.
    Destroying it is tested too: a failing destroy is an error."""
    folder = tmp_path_factory.mktemp("app")
    guarded = lifecycle.CloudOptions(owner_pid=os.getpid(), auth=True, tls=True)
    cloud = lifecycle.up(folder / "cloud", options=guarded)
    children = Children()
    try:
        with ThreadPoolExecutor(1) as background:
            own = target.of_cloud(cloud, {**_without_ours(os.environ), **SETTINGS})
            cdk = Cdk(own.environment, folder / "cdk.out", folder / "cdk.log", children)
            synthesis = background.submit(cdk.synth, _unheard)
            account, region = (own.environment[f"CDK_DEFAULT_{name}"] for name in ("ACCOUNT", "REGION"))
            cdk.bootstrap(account, region, _unheard)
            synthesis.result()
        cdk.deploy(_unheard)
        deployment = Deployment(own, own.settings())
        bucket = deployment.data_bucket
        place = S3Address(bucket, base_model.PREFIX)
        base_model.upload(own.client("s3"), folder=paths.BASE_MODEL, location=place)
        yield deployment
        cdk.destroy(_unheard)
        left = own.client("s3vectors").list_vector_buckets()["vectorBuckets"]
        assert left == [], "vectors bill as long as they are kept"
    finally:
        children.stop()
        lifecycle.down(folder / "cloud")


@pytest.fixture(scope="session")
def finexpert(deployed: Deployment) -> RunCommand:
    """Runs the command line against the deployed app, as a user's shell would."""

    def run(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "finexpert", *arguments],
            env=dict(deployed.target.environment),
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def answer(finexpert: RunCommand) -> Callable[..., Any]:
    """What a command prints with `--json`; the command must succeed."""

    def run(*arguments: str) -> Any:
        done = finexpert(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def awake(deployed: Deployment) -> None:
    """An endpoint with an accepted adapter, which tests of an earlier file have trained."""
    if switch.read(deployed).state is not HostingState.AWAKE:
        switch.wake(deployed, None, progress=lambda state, seconds: None)


@pytest.fixture(scope="module")
def run(answer: Callable[..., Any]) -> str:
    """The newest accepted run."""
    return str(next(entry["name"] for entry in answer("runs") if entry["outcome"] == "accepted"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the shipped text: enough to learn from, small enough for a test."""
    folder = tmp_path_factory.mktemp("texts")
    for file in sorted(paths.SAMPLE.glob("*.txt"))[:3]:
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="session")
def deployed_page(deployed: Deployment) -> Browser:
    """The Web stack's API, where an added user has signed in."""
    page_url = deployed.output("Web", "PageUrl")
    found = re.search(r"//([0-9a-z]+)\.execute-api", page_url)
    assert found is not None
    assert deployed.target.endpoint_url is not None
    cloud = deployed.target.endpoint_url
    api = Browser(f"{cloud}/_aws/execute-api/{found[1]}/$default")
    deployed.target.client("cognito-idp").admin_create_user(
        UserPoolId=deployed.output("Web", "UserPoolId"),
        Username=USER,
        UserAttributes=[{"Name": "email", "Value": USER}, {"Name": "email_verified", "Value": "true"}],
        TemporaryPassword=FIRST,
        MessageAction="SUPPRESS",
    )
    api.headers["Authorization"] = f"Bearer {sign_in(cloud, api, page_url, USER, FIRST, OWN)}"
    return api


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if not key.startswith("FINEXPERT_")}


def _unheard(line: str) -> None:
    """The log has it."""
