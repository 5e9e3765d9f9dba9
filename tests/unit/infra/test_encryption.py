"""What using a key takes: no more than a role's other permissions need, and only where one may be named."""

import pytest

from core.instances import has_local_disks
from core.names import Names
from infra.arns import Arns
from infra.encryption import key_use, output_key_use, volume_key, volume_key_use
from infra.permissions import allow

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
NAMES = Names(project="FinExpert", region="us-east-1")
ARNS = Arns(names=NAMES, partition="aws", region="us-east-1", account="123456789012")


@pytest.mark.parametrize(
    ("actions", "needed"),
    [
        (["s3:ListBucket", "sagemaker:ListEndpoints"], {}),
        (["s3:GetObject"], {"s3": ["kms:Decrypt"]}),
        (["s3:GetObject", "s3:PutObject"], {"s3": ["kms:Decrypt", "kms:GenerateDataKey"]}),
        (
            ["s3:GetObject", "sns:Publish"],
            {"s3": ["kms:Decrypt"], "sns": ["kms:Decrypt", "kms:GenerateDataKey"]},
        ),
    ],
)
def test_a_role_may_use_the_key_as_it_may_the_rest(actions: list[str], needed: dict[str, list[str]]) -> None:
    given = {
        statement["Condition"]["StringEquals"]["kms:ViaService"].split(".")[0]: statement["Action"]
        for statement in key_use(ARNS, KEY, [allow(actions, ["arn:aws:s3:::b/*"])])
        if statement["Resource"] == [KEY]
    }
    assert given == needed


def test_without_a_key_nothing_is_granted() -> None:
    assert key_use(ARNS, None, [allow(["s3:GetObject"], ["*"])]) == []
    assert output_key_use(ARNS, None) == volume_key_use(None) == []


def test_a_grant_on_the_key_is_for_awss_own_resources_only() -> None:
    (statement,) = [found for found in volume_key_use(KEY) if "kms:CreateGrant" in found["Action"]]
    assert statement["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [
        ("ml.g5.2xlarge", True),
        ("ml.g6e.xlarge", True),
        ("ml.g4dn.xlarge", True),
        ("ml.p4de.24xlarge", True),
        ("ml.m5d.large", True),
        ("ml.m5.xlarge", False),
        ("ml.p3.2xlarge", False),
        ("ml.c7i.large", False),
        ("ml.inf2.xlarge", False),
    ],
)
def test_instances_with_disks_of_their_own_take_no_key(instance_type: str, local: bool) -> None:
    assert has_local_disks(instance_type) is local
    assert volume_key(instance_type, KEY) == (None if local else KEY)
    assert volume_key(instance_type, None) is None
