"""The reaper as deployed: its own code, role and policy, on an embedded cloud that enforces IAM."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from infra.arns import Arns
from infra.assets import staged
from infra.guardrails.idle_reaper import idle_reaper
from infra.permissions import write_own_log
from localcloud import environment
from localcloud.lifecycle import Cloud
from tests.functional.cloud_session import client_of, make_role, running
from tests.functional.reaper.reaper_lab import AUDIT_BUCKET, NAMES, MakeClient, Statement

ARNS = Arns(names=NAMES, partition="aws", region=environment.REGION, account=environment.ACCOUNT)


@pytest.fixture(scope="package")
def guarded_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An embedded cloud that checks every request's signature and policies."""
    with running(tmp_path_factory.mktemp("guarded"), provision_seconds=0.05, auth=True) as cloud:
        yield cloud


@pytest.fixture(scope="package")
def client(guarded_cloud: Cloud) -> MakeClient:
    """Clients of the account's root."""
    return cache(lambda service: client_of(guarded_cloud, service))


@pytest.fixture(scope="package")
def policy(client: MakeClient) -> list[Statement]:
    """The deployed function's own statements."""
    topic = client("sns").create_topic(Name=NAMES.topic)["TopicArn"]
    return [
        *idle_reaper(ARNS, topic, AUDIT_BUCKET, whole_account=False),
        write_own_log(ARNS, f"/aws/lambda/{NAMES.function('idle-reaper')}"),
    ]


@pytest.fixture(scope="package")
def reaper(client: MakeClient, policy: list[Statement]) -> Callable[..., dict[str, Any]]:
    """`reaper(WARN_MINUTES="1")`: invokes the deployed function with these variables, answers its answer."""
    client("s3").create_bucket(Bucket=AUDIT_BUCKET)
    archive = io.BytesIO()
    with staged() as assets, zipfile.ZipFile(archive, "w") as code:
        for path in sorted(assets.functions.rglob("*")):
            code.write(path, path.relative_to(assets.functions))
    fixed = {
        "PROJECT": NAMES.project,
        "IDLE_MINUTES": "0.02",
        "MIN_AGE_MINUTES": "0",
        "METRIC_DELAY_MINUTES": "0",
        "AUDIT_BUCKET": AUDIT_BUCKET,
        "TOPIC_ARN": ARNS.of("sns", NAMES.topic),
        "OTHER_KINDS": "training-jobs,notebook-instances",
    }
    name = NAMES.function("idle-reaper")
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=make_role(client("iam"), "reaper", *policy, services=("lambda.amazonaws.com",)),
        Handler="lambdas.idle_reaper.handler.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=120,
        Environment={"Variables": fixed},
    )

    def invoke(**variables: str) -> dict[str, Any]:
        environment = {"Variables": fixed | variables}
        client("lambda").update_function_configuration(FunctionName=name, Environment=environment)
        answer = client("lambda").invoke(FunctionName=name, Payload=b"{}")
        document = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, document
        return dict(document)

    return invoke
