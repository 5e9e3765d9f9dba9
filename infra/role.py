"""A role that one AWS service works under, with exactly the permissions given."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.permissions import Statement


class ServiceRole(Construct):
    """A role for `service`, such as `lambda.amazonaws.com`.

    Its permissions are part of the role itself: what waits for the role waits for them, and they go together.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        permissions: Sequence[Statement],
        description: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        document = {"Version": "2012-10-17", "Statement": list(permissions)}
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(service),
            description=description,
            inline_policies={"Permissions": iam.PolicyDocument.from_json(document)},
        )
