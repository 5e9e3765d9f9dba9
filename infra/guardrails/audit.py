"""Where the idle reaper keeps what it needs to undo itself: snapshots of what it deletes, and its place."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.storage.bucket import PrivateBucket

SNAPSHOT_DAYS = 90


class AuditBucket(Construct):
    """A private bucket whose objects go after 90 days: `finexpert restore` works for as long.

    Args:
        bucket_name: its full name.
        retain: keep it when the stack is destroyed.
        key_arn: of the customer-managed key, if there is one.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket_name: str, retain: bool, key_arn: str | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket_name = bucket_name
        self.private = PrivateBucket(
            self,
            "Private",
            bucket_name=bucket_name,
            retain=retain,
            key_arn=key_arn,
            expiring_prefixes={"audit/": SNAPSHOT_DAYS},
        )

    def outlive(self, function: lambda_.Function) -> None:
        """Delete `function` before the bucket is emptied, so that nothing is written into it afterwards."""
        function.node.add_dependency(self.private)
