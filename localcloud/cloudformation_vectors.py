"""CloudFormation's AWS::S3Vectors::VectorBucket and AWS::S3Vectors::Index.

Replacements, Ref and GetAtt follow the types' public schemas (createOnlyProperties, primaryIdentifier,
readOnlyProperties): Ref gives the ARN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation import NotThere, Properties, generated_name, refused, tag_map
from localcloud.faults import faults
from localcloud.hooks import stacks
from localcloud.protocol import ApiError

REPLACING = {
    "VectorBucket": ("VectorBucketName", "EncryptionConfiguration"),
    "Index": (
        *("DataType", "Dimension", "DistanceMetric", "EncryptionConfiguration", "IndexName"),
        *("MetadataConfiguration", "VectorBucketArn", "VectorBucketName"),
    ),
}


def install() -> None:
    """Teach CloudFormation both types."""
    for kind, replacing in REPLACING.items():
        stacks.install_resource_type(
            f"AWS::S3Vectors::{kind}",
            _Resource(kind),
            replacing=replacing,
            tags="Tags",
            own_name=f"{kind}Name",
        )


class _Resource:
    """A vector bucket or an index."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._arn = f"{_lower(kind)}Arn"

    def create(self, logical_id: str, properties: Properties, stack: str) -> stacks.Resource:
        """Create it, under a name of CloudFormation's own if it has none."""
        given = {**_lowered(properties), "tags": tag_map(properties)}
        given.setdefault(f"{_lower(self._kind)}Name", generated_name(logical_id).lower())
        arn = str(_call(f"Create{self._kind}", given)[self._arn])
        return arn, self._attributes(arn)

    def update(
        self, arn: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Change its tags; the rest has led to a replacement before this is called."""
        before, after = tag_map(old), tag_map(new)
        if gone := [key for key in before if key not in after]:
            _call("UntagResource", {"resourceArn": arn, "tagKeys": gone})
        if after != before:
            _call("TagResource", {"resourceArn": arn, "tags": after})
        return arn, self._attributes(arn)

    def delete(self, arn: str, properties: Properties) -> None:
        """Delete it: an index goes with its vectors, and a bucket that has an index stays."""
        try:
            _call(f"Delete{self._kind}", {self._arn: arn})
        except NotThere:
            return

    def _attributes(self, arn: str) -> dict[str, Any]:
        (found,) = _call(f"Get{self._kind}", {self._arn: arn}).values()
        return {f"{self._kind}Arn": arn, "CreationTime": str(found["creationTime"])}


def _call(operation: str, params: Properties) -> dict[str, Any]:
    """One operation, its parameters given the types that the API wants.

    Raises:
        NotThere: no such resource.
        ValueError: any other refusal, worded as CloudFormation reports it.
    """
    from localcloud.s3vectors import api
    from localcloud.sagemaker.validation import coerce, service_model

    shape = service_model("s3vectors").operation_model(operation).input_shape
    try:
        if not operation.startswith("Get") and (fault := faults.take("s3vectors", operation)):
            raise ApiError(fault.error, fault.text, fault.http_status)
        return api.call(operation, coerce(params, shape))
    except ApiError as error:
        if error.code == "NotFoundException":
            raise NotThere(error.message) from None
        raise refused("S3Vectors", error) from None


def _lower(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


def _lowered(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties with their members named as the API names them."""
    return {
        _lower(key): _lowered(value) if isinstance(value, Mapping) else value
        for key, value in properties.items()
        if key != "Tags"
    }
