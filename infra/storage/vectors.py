"""The index of vectors of the documents that were pushed: there by the setting `retrieval` only.

It goes with the stack, whatever `retain_data` says: `finexpert docs push` makes it again from the documents'
index, and CloudFormation cannot take a kept one up, since its identifier is an ARN that no template names.
CloudFormation deletes the index, with its vectors, before the bucket.
"""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3vectors as s3vectors
from constructs import Construct

from core.documents.vectors import DIMENSIONS, METRIC
from infra.arns import Arns
from infra.project_stack import ProjectStack


def index_arn(arns: Arns, *, own_key: bool) -> str:
    """The ARN of the index, for grants to it by name."""
    names = arns.names
    return arns.of("s3vectors", f"bucket/{names.vector_bucket(own_key=own_key)}/index/{names.vector_index}")


class DocumentVectors(Construct):
    """A vector bucket with one index.

    Args:
        key_arn: of the customer-managed key that encrypts the vectors; without one, S3's own key does.
    """

    def __init__(self, stack: ProjectStack, construct_id: str, *, key_arn: str | None) -> None:
        super().__init__(stack, construct_id)
        names = stack.names
        bucket = s3vectors.CfnVectorBucket(
            self,
            "Bucket",
            vector_bucket_name=names.vector_bucket(own_key=key_arn is not None),
            encryption_configuration=s3vectors.CfnVectorBucket.EncryptionConfigurationProperty(
                sse_type="aws:kms" if key_arn else "AES256", kms_key_arn=key_arn
            ),
        )
        index = s3vectors.CfnIndex(
            self,
            "Index",
            vector_bucket_arn=bucket.attr_vector_bucket_arn,
            index_name=names.vector_index,
            data_type="float32",
            dimension=DIMENSIONS,
            distance_metric=METRIC,
        )
        for each in (bucket, index):
            each.apply_removal_policy(RemovalPolicy.DESTROY)
        self.index_arn = index.attr_index_arn
