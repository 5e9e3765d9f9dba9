"""What a company requires reaches everything that is deployed, CDK's own functions included."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.names import PROJECT_TAG
from tests.snapshot.rules.rule_set import broken
from tests.snapshot.rules.test_tags import tag_property
from tests.snapshot.snapshot_matrix import errors
from tests.snapshot.snapshot_synth import (
    Templates,
    allowing,
    as_list,
    everywhere,
    joined,
    statements,
    synthesize,
    training_job,
)

REQUIRED: dict[str, Any] = {
    "permissions_boundary": "teams/Limits",
    "role_path": "/teams/finance/",
    "cdk_qualifier": "acme",
    "tags": "CostCenter=42,Owner=desk",
    "subnet_ids": "subnet-0a1b2c3d,subnet-4e5f6a7b",
    "security_group_ids": "sg-0a1b2c3d",
    "latch_roles": "Admin,aws-reserved/sso.amazonaws.com/PowerUser",
    "notebook_repository": "https://github.com/you/expert.git",
    "web": "true",
    "anomaly_monitor": "true",
}
TAGS = {"CostCenter": "42", "Owner": "desk"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("company")


@pytest.fixture(scope="module")
def company(folder: Path) -> Templates:
    return synthesize(folder, **REQUIRED)


def test_the_templates_are_valid_and_break_no_rule(company: Templates, folder: Path) -> None:
    assert errors(folder, "us-east-1") == []
    assert broken(company) == []


def test_every_role_has_the_boundary_and_the_path(company: Templates) -> None:
    roles = dict(everywhere(company, "AWS::IAM::Role"))
    assert sum("CustomS3AutoDelete" in place for place in roles) == 2, "CDK's own roles are among them"
    assert len(roles) > 12
    for place, role in roles.items():
        boundary = joined(role["Properties"]["PermissionsBoundary"])
        assert boundary.endswith(":policy/teams/Limits"), place
        assert role["Properties"]["Path"] == "/teams/finance/", place


def test_a_boundary_may_be_an_arn(tmp_path: Path) -> None:
    arn = "arn:aws:iam::111122223333:policy/teams/Limits"
    found = synthesize(tmp_path, permissions_boundary=arn)
    roles = everywhere(found, "AWS::IAM::Role")
    assert {role["Properties"]["PermissionsBoundary"] for _, role in roles} == {arn}


def test_rights_on_roles_follow_the_path(company: Templates) -> None:
    named = [
        joined(resource)
        for _, statement in statements(company)
        for resource in as_list(statement.get("Resource", []))
        if ":role/" in joined(resource)
    ]
    switching = ":role/teams/finance/FinExpert-Hosting-us-east-1"
    assert any(arn.endswith(switching) for arn in named)
    held = (":role/Admin", ":role/aws-reserved/sso.amazonaws.com/PowerUser")  # roles of the company itself
    assert [arn for arn in named if not arn.endswith((switching, *held))] == []
    texts = json.dumps(company)
    assert ":role/FinExpert-Hosting" not in texts and switching in texts
    assert company["Hosting"]["Outputs"]["SwitchingRoleArn"]


def test_roles_for_the_latch_are_attached_by_their_names(company: Templates) -> None:
    (latched,) = [
        function["Properties"]["Environment"]["Variables"]["LATCH_ROLES"]
        for _, function in everywhere(company, "AWS::Lambda::Function")
        if "LATCH_ROLES" in function["Properties"].get("Environment", {}).get("Variables", {})
    ]
    assert latched == "Admin,PowerUser"


def test_everything_that_takes_tags_has_the_companys_and_ours(company: Templates) -> None:
    wanted = {PROJECT_TAG: "FinExpert", **TAGS}
    for stack, template in company.items():
        for name, resource in template["Resources"].items():
            if member := tag_property(resource["Type"]):
                tags = resource["Properties"].get(member, [])
                found = {tag["Key"]: tag["Value"] for tag in tags} if isinstance(tags, list) else tags
                assert wanted.items() <= found.items(), f"{stack}/{name}"
    job = {tag["Key"]: tag["Value"] for tag in training_job(company)["Tags"]}
    assert job == wanted


def test_the_stacks_themselves_carry_the_tags(company: Templates, folder: Path) -> None:
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = [each for each in artifacts.values() if each["type"] == "aws:cloudformation:stack"]
    assert len(stacks) == 7
    assert all(TAGS.items() <= stack["properties"]["tags"].items() for stack in stacks)


def test_the_qualifier_is_the_companys_everywhere(company: Templates, folder: Path) -> None:
    written = (folder / "manifest.json").read_text() + json.dumps(company)
    assert "hnb659fds" not in written and "cdk-acme-deploy-role" in written


def test_jobs_and_endpoint_stand_in_the_companys_network(company: Templates) -> None:
    assert not any(list(everywhere(company, f"AWS::EC2::{kind}")) for kind in ("VPC", "Subnet"))
    subnets, groups = ["subnet-0a1b2c3d", "subnet-4e5f6a7b"], ["sg-0a1b2c3d"]
    assert training_job(company)["VpcConfig"] == {"Subnets": subnets, "SecurityGroupIds": groups}
    ((_, model),) = everywhere(company, "AWS::SageMaker::Model")
    assert model["Properties"]["VpcConfig"] == {"Subnets": subnets, "SecurityGroupIds": groups}
    allowed = [
        joined(resource)
        for statement in allowing(company, "ec2:CreateNetworkInterface")
        for resource in as_list(statement["Resource"])
    ]
    assert any(arn.endswith(":*:subnet/subnet-0a1b2c3d") for arn in allowed), "it may be another account's"


def test_without_these_settings_nothing_of_it_is_there(aws: Templates) -> None:
    for place, role in everywhere(aws, "AWS::IAM::Role"):
        assert not role["Properties"].keys() & {"PermissionsBoundary", "Path"}, place
