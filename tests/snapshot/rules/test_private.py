"""Rule: buckets are private, versioned and for TLS only, and nothing lets anyone in from outside."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere

DOORS = (
    *("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::Lambda::Url"),
    *("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"),
)
#: The page that is there by a setting; test_api.py says how its door is kept.
THE_PAGE = "Web/"


def violations(stacks: Templates) -> Iterator[str]:
    for place, bucket in everywhere(stacks, "AWS::S3::Bucket"):
        properties = bucket["Properties"]
        blocked = list(properties.get("PublicAccessBlockConfiguration", {}).values())
        if blocked != [True] * 4:
            yield f"{place}: a bucket that could be made public"
        if properties.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{place}: a bucket without versions"
        if place not in tls_only(stacks):
            yield f"{place}: a bucket that answers in the clear"
    for type_ in DOORS:
        for place, _ in everywhere(stacks, type_):
            if type_ == "AWS::ApiGatewayV2::Api" and place.startswith(THE_PAGE):
                continue
            yield f"{place}: a way to or from the internet"
    for place, group in everywhere(stacks, "AWS::EC2::SecurityGroup"):
        if group["Properties"].get("SecurityGroupIngress"):
            yield f"{place}: lets someone in"
    for place, rule in everywhere(stacks, "AWS::EC2::SecurityGroupIngress"):
        properties = rule["Properties"]
        if properties.get("SourceSecurityGroupId") != properties["GroupId"]:
            yield f"{place}: lets in more than the group itself"


def tls_only(stacks: Templates) -> set[str]:
    """The buckets whose policy denies what comes without TLS."""
    clear = {"Bool": {"aws:SecureTransport": "false"}}
    return {
        f"{place.split('/')[0]}/{policy['Properties']['Bucket']['Ref']}"
        for place, policy in everywhere(stacks, "AWS::S3::BucketPolicy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement.get("Condition") == clear
    }


SWITCHES = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
PRIVATE: dict[str, Any] = {
    "PublicAccessBlockConfiguration": dict.fromkeys(SWITCHES, True),
    "VersioningConfiguration": {"Status": "Enabled"},
}


def bucket(properties: dict[str, Any], condition: dict[str, Any] | None) -> Templates:
    stacks = stacks_with("AWS::S3::Bucket", properties)
    statement = {"Effect": "Deny", "Condition": condition}
    stacks["Hosting"]["Resources"]["Policy"] = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Sample"}, "PolicyDocument": {"Statement": [statement]}},
    }
    return stacks


CLEAR = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    "stacks",
    [
        bucket(PRIVATE, CLEAR),
        stacks_with("AWS::EC2::SecurityGroupIngress", {"GroupId": "a", "SourceSecurityGroupId": "a"}),
        stacks_with("AWS::ApiGatewayV2::Api", {}, stack="Web"),
    ],
)
def test_closed_doors_comply(stacks: Templates) -> None:
    assert list(violations(stacks)) == []


@pytest.mark.parametrize(
    "stacks",
    [
        bucket({**PRIVATE, "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}, CLEAR),
        bucket({**PRIVATE, "VersioningConfiguration": {}}, CLEAR),
        bucket(PRIVATE, None),
        stacks_with("AWS::EC2::NatGateway", {}),
        stacks_with("AWS::ApiGatewayV2::Api", {}, stack="Guardrails"),
        stacks_with("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0"}]}),
        stacks_with("AWS::EC2::SecurityGroupIngress", {"GroupId": "a", "CidrIp": "0.0.0.0/0"}),
    ],
)
def test_open_ones_do_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
