"""A private bucket; all buckets of this project are made here."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.retention import keep

OLD_VERSIONS_DAYS = 30
CHECKPOINTS_DAYS = 14
UNFINISHED_UPLOAD_DAYS = 7


class PrivateBucket(Construct):
    """A bucket for TLS only, closed to the public, encrypted, versioned, and without growing leftovers.

    Args:
        bucket_name: its full name.
        retain: keep it when the stack is destroyed; otherwise it is emptied and deleted.
        key_arn: of the customer-managed key that encrypts new objects; without one, S3's own key does.
        expiring_prefixes: days after which objects below a prefix go, such as `{"checkpoints/": 14}`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str,
        retain: bool,
        key_arn: str | None,
        expiring_prefixes: dict[str, int] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key.from_key_arn(self, "Key", key_arn) if key_arn else None
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=bucket_name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,  # one call of the key for many objects
            enforce_ssl=True,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
            auto_delete_objects=not retain,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="old-versions",
                    noncurrent_version_expiration=Duration.days(OLD_VERSIONS_DAYS),
                    expired_object_delete_marker=True,
                ),
                s3.LifecycleRule(
                    id="unfinished-uploads",
                    abort_incomplete_multipart_upload_after=Duration.days(UNFINISHED_UPLOAD_DAYS),
                ),
                *(
                    s3.LifecycleRule(
                        id=f"expire-{prefix.strip('/')}", prefix=prefix, expiration=Duration.days(days)
                    )
                    for prefix, days in (expiring_prefixes or {}).items()
                ),
            ],
        )
        if retain:
            keep(self.bucket)
