"""The app in a company's account: a deploy role, a boundary, a path, a qualifier and tags, all at once.

The embedded cloud checks each request. CloudFormation works under the deploy role, the endpoint is switched
under the app's own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finexpert import paths
from tests.functional.guardrails.guarded_app import App, guarded_app, names_of_endpoints

REQUIRED = {
    "FINEXPERT_PERMISSIONS_BOUNDARY": "teams/Limits",
    "FINEXPERT_ROLE_PATH": "/teams/finance/",
    "FINEXPERT_CDK_QUALIFIER": "acme",
    "FINEXPERT_TAGS": "CostCenter=42",
}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def company(tmp_path: Path) -> Iterator[App]:
    with guarded_app(tmp_path, REQUIRED) as app:
        yield app


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def cdk(app: App, *words: str, cwd: Path = paths.ROOT) -> str:
    """The real CDK CLI; what it printed. In a folder without an app it synthesizes nothing."""
    done = subprocess.run(
        [str(paths.ROOT / "node_modules" / ".bin" / "cdk"), *words, "--no-color", "--no-notices"],
        cwd=cwd,
        env=dict(app.deployment.target.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def finexpert(app: App, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "finexpert", *words],
        env=dict(app.deployment.target.environment),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(1800)
def test_the_app_lives_under_a_companys_rules(company: App, tmp_path: Path) -> None:
    iam = company.client("iam")
    iam.create_policy(PolicyName="Limits", Path="/teams/", PolicyDocument=document(EVERYTHING))
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
    }
    role = iam.create_role(RoleName="Deployer", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="Deployer", PolicyName="All", PolicyDocument=document(EVERYTHING))
    place = "aws://000000000000/us-east-1"
    stack = ["--toolkit-stack-name", "CDKToolkit-acme"]
    cdk(company, "bootstrap", place, "--qualifier", "acme", *stack, cwd=tmp_path)
    # CDK's bootstrap lets its deploy role pass CDK's own role only.
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    deploys = "cdk-acme-deploy-role-000000000000-us-east-1"
    iam.put_role_policy(RoleName=deploys, PolicyName="PassDeployer", PolicyDocument=document(passing))
    assembly = ["--app", str(company.cdk.output)]
    cdk(company, "deploy", "--all", "--role-arn", role, "--require-approval", "never", *assembly)

    bucket = company.deployment.data_bucket
    for file in paths.BASE_MODEL.iterdir():
        company.client("s3").upload_file(str(file), bucket, f"base-model/{file.name}")
    ours = [each for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("FinExpert-")]
    assert ours and {each["Path"] for each in ours} == {"/teams/finance/"}
    finexpert(company, "wake", "--base")
    endpoint = company.deployment.names.endpoint
    assert endpoint in names_of_endpoints(company)
    sagemaker = company.client("sagemaker")
    arn = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags["CostCenter"] == "42"
    finexpert(company, "sleep")
    assert names_of_endpoints(company) == set()
    cdk(company, "destroy", "--all", "--force", "--role-arn", role, *assembly)
    left = [each["StackName"] for each in company.client("cloudformation").describe_stacks()["Stacks"]]
    assert not [name for name in left if name.startswith("FinExpert-")]
