"""The customer-managed key, by the setting `customer_managed_key`, and the rights to use it.

The key's own policy names the AWS services that use it by themselves; who works under a role of this project
gets exactly what its other permissions need (`key_use`).
"""

from collections.abc import Iterable, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from core.instances import has_local_disks
from infra.arns import Arns
from infra.permissions import Statement, allow
from infra.project_stack import ProjectStack
from infra.retention import keep

PENDING_DAYS = 7
"""Days that AWS keeps a deleted key before it is gone for good; the least that it allows, and free."""

DECRYPT = "kms:Decrypt"
DATA_KEY = "kms:GenerateDataKey"

# Rights on the key that an action on encrypted data needs. Writing in parts reads the data key again.
_NEEDS = {
    "s3:GetObject": (DECRYPT,),
    "s3:PutObject": (DECRYPT, DATA_KEY),
    "s3vectors:GetVectors": (DECRYPT,),
    "s3vectors:QueryVectors": (DECRYPT,),
    "sns:Publish": (DECRYPT, DATA_KEY),
    "sqs:SendMessage": (DECRYPT, DATA_KEY),
}


class DataKey(Construct):
    """One symmetric key, rotated every year by AWS, for everything that this project stores.

    It is kept when the stack is destroyed if data that it encrypts is kept. S3 Vectors, which builds its
    indexes in the background, may decrypt what is in them.
    """

    def __init__(self, stack: ProjectStack, construct_id: str) -> None:
        super().__init__(stack, construct_id)
        arns, settings = stack.arns, stack.settings
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/{arns.names.name}",
            description=f"What {arns.names.project} stores",
            enable_key_rotation=True,
            pending_window=Duration.days(PENDING_DAYS),
            removal_policy=RemovalPolicy.RETAIN if settings.retain_data else RemovalPolicy.DESTROY,
        )
        if settings.retain_data:
            keep(self.key)
        # Alarms publish to the topic, rules send to the dead-letter queue: neither works under a role.
        self._serve(
            ["cloudwatch.amazonaws.com", "events.amazonaws.com"],
            [DECRYPT, DATA_KEY],
            {"StringEquals": {"aws:SourceAccount": arns.account}},
        )
        self._serve(
            [f"logs.{arns.region}.amazonaws.com"],
            [DECRYPT, DATA_KEY, "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:DescribeKey"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns.of("logs", "log-group:*")}},
        )
        if settings.vectors:
            self._serve(
                ["indexing.s3vectors.amazonaws.com"],
                [DECRYPT],
                {"StringEquals": {"aws:SourceAccount": arns.account}},
            )

    def _serve(self, services: list[str], actions: list[str], conditions: dict[str, dict[str, str]]) -> None:
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service) for service in services],
                actions=actions,
                resources=["*"],  # in a key's own policy: this key
                conditions=conditions,
            )
        )


def key_use(arns: Arns, key_arn: str | None, statements: Iterable[Statement]) -> list[Statement]:
    """The uses of the key that a role with `statements` needs: no others, and only through these services."""
    if key_arn is None:
        return []
    needs: dict[str, set[str]] = {}
    for statement in statements:
        for action in statement["Action"]:
            needs.setdefault(action.split(":")[0], set()).update(_NEEDS.get(action, ()))
    return [
        _through(arns, service, sorted(actions), key_arn)
        for service, actions in sorted(needs.items())
        if actions
    ]


def volume_key(instance_type: str, key_arn: str | None) -> str | None:
    """The key for the storage volume of an instance; None if it has none, or none may be named."""
    return None if has_local_disks(instance_type) else key_arn


def volume_key_use(key_arn: str | None) -> list[Statement]:
    """Let SageMaker attach an encrypted volume: a grant on the key, for AWS's own resources only."""
    if key_arn is None:
        return []
    return [
        allow(["kms:DescribeKey"], [key_arn]),
        allow(["kms:CreateGrant"], [key_arn], {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    ]


def output_key_use(arns: Arns, key_arn: str | None) -> list[Statement]:
    """Let SageMaker write a job's output with the key named in the job's request."""
    return [] if key_arn is None else [_through(arns, "s3", ["kms:Encrypt"], key_arn)]


def _through(arns: Arns, service: str, actions: Sequence[str], key_arn: str) -> Statement:
    via = f"{service}.{arns.region}.amazonaws.com"
    return allow(actions, [key_arn], {"StringEquals": {"kms:ViaService": via}})
