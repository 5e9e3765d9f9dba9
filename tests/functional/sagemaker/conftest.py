"""The SageMaker tests' bucket and role, and shorter waiting times."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.lifecycle import Cloud
from tests.functional.sagemaker.sagemaker_lab import Lab


@pytest.fixture(scope="session")
def lab(cloud: Cloud, client: Callable[[str], Any]) -> Lab:
    """A bucket and a role that SageMaker may assume."""

    def steer(path: str, body: dict[str, Any]) -> Any:
        return cloud.ask("POST", path, body)

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = client("iam").create_role(RoleName="sagemaker-lab", AssumeRolePolicyDocument=json.dumps(trust))
    client("s3").create_bucket(Bucket="sagemaker-lab")
    steer(
        "options",
        {"stop_grace": 3, "look": 0.1, "checkpoint_sync": 0.3, "endpoint_grace": 3, "interface_linger": 3},
    )
    return Lab(client, "sagemaker-lab", role["Role"]["Arn"], steer)
