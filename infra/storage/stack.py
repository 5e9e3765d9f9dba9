"""Data and artifacts: kept at destroy, or emptied and deleted, by setting."""

from typing import Any

from constructs import Construct

from infra.project_stack import ProjectStack
from infra.settings import Settings
from infra.storage.bucket import CHECKPOINTS_DAYS, PrivateBucket
from infra.storage.emptying import GovernedEmptying
from infra.storage.vectors import DocumentVectors


class StorageStack(ProjectStack):
    """The buckets for data and artifacts; kept ones are also protected against `cdk destroy` by mistake.

    Args:
        key_arn: of the customer-managed key, if there is one.
    """

    def __init__(self, scope: Construct, settings: Settings, key_arn: str | None, **kwargs: Any) -> None:
        super().__init__(
            scope,
            settings,
            "Storage",
            "data and artifacts",
            termination_protection=settings.retain_data,
            **kwargs,
        )
        data, artifacts = (self.names.bucket(kind, self.account) for kind in ("data", "artifacts"))
        PrivateBucket(self, "Data", bucket_name=data, retain=settings.retain_data, key_arn=key_arn)
        PrivateBucket(
            self,
            "Artifacts",
            bucket_name=artifacts,
            retain=settings.retain_data,
            key_arn=key_arn,
            expiring_prefixes={"checkpoints/": CHECKPOINTS_DAYS},
        )
        GovernedEmptying(self, "Emptying", purpose="empty-storage", key_arn=key_arn)
        self.output("DataBucketName", data, "Datasets and own base weights")
        self.output("ArtifactBucketName", artifacts, "What the runs made")
        if settings.vectors:
            vectors = DocumentVectors(self, "Vectors", key_arn=key_arn)
            self.output("VectorIndexArn", vectors.index_arn, "Vectors of the documents that were pushed")
