"""CloudFormation's AWS::S3Vectors::VectorBucket and AWS::S3Vectors::Index.

Replacements, Ref and GetAtt follow the types' public schemas (createOnlyProperties, primaryIdentifier,
readOnlyProperties): Ref gives the ARN.
"""

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation import NotThere, Properties, call, generated_name, tag_map
from localcloud.hooks import stacks

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
        arn = str(call("s3vectors", f"Create{self._kind}", given)[self._arn])
        return arn, self._attributes(arn)

    def update(
        self, arn: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Change its tags; the rest has led to a replacement before this is called."""
        before, after = tag_map(old), tag_map(new)
        if gone := [key for key in before if key not in after]:
            call("s3vectors", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
        if after != before:
            call("s3vectors", "TagResource", {"resourceArn": arn, "tags": after})
        return arn, self._attributes(arn)

    def delete(self, arn: str, properties: Properties) -> None:
        """Delete it: an index goes with its vectors, and a bucket that has an index stays."""
        try:
            call("s3vectors", f"Delete{self._kind}", {self._arn: arn})
        except NotThere:
            return

    def _attributes(self, arn: str) -> dict[str, Any]:
        (found,) = call("s3vectors", f"Get{self._kind}", {self._arn: arn}).values()
        return {f"{self._kind}Arn": arn, "CreationTime": str(found["creationTime"])}


def _lower(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


def _lowered(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties with their members named as the API names them."""
    return {
        _lower(key): _lowered(value) if isinstance(value, Mapping) else value
        for key, value in properties.items()
        if key != "Tags"
    }
