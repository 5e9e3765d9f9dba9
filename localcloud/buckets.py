"""S3 buckets in CloudFormation: what ministack leaves out of AWS::S3::Bucket.

Tags, lifecycle rules and encryption of the template reach the bucket, and a bucket that holds anything, old
versions included, is not deleted. All of it goes through S3's own API, as CloudFormation does it.
"""

from typing import Any

from botocore.exceptions import ClientError

from localcloud import platform
from localcloud.hooks import stacks
from localcloud.sagemaker.validation import coerce, service_model

TYPE = "AWS::S3::Bucket"
NOT_EMPTY = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."

# CloudFormation's rule properties that S3's API spells or nests otherwise: name → (API's object, field in it)
NESTED = {
    "ExpirationInDays": ("Expiration", "Days"),
    "ExpirationDate": ("Expiration", "Date"),
    "ExpiredObjectDeleteMarker": ("Expiration", "ExpiredObjectDeleteMarker"),
    "NoncurrentVersionExpirationInDays": ("NoncurrentVersionExpiration", "NoncurrentDays"),
}
ALIKE = ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date", "StorageClass": "StorageClass"}
NONCURRENT = {"TransitionInDays": "NoncurrentDays", "NewerNoncurrentVersions": "NewerNoncurrentVersions"}


def install() -> None:
    """Make ministack's AWS::S3::Bucket behave as on AWS."""
    stacks.wrap_resource_type(TYPE, after_change=_after_change, delete=_delete, tags="Tags")


def lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A template's lifecycle rule as PutBucketLifecycleConfiguration takes it."""
    api: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        api["ID"] = rule["Id"]
    for name, (outer, inner) in NESTED.items():
        if name in rule:
            api.setdefault(outer, {})[inner] = rule[name]
    api |= {name: rule[name] for name in ALIKE if name in rule}
    if "Transitions" in rule:
        api["Transitions"] = [_renamed(transition, TRANSITION) for transition in rule["Transitions"]]
    if "NoncurrentVersionTransitions" in rule:
        names = TRANSITION | NONCURRENT
        api["NoncurrentVersionTransitions"] = [
            _renamed(each, names) for each in rule["NoncurrentVersionTransitions"]
        ]
    # Templates may carry numbers as text.
    return dict(coerce(api, service_model("s3").shape_for("LifecycleRule")))


def _after_change(name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    s3 = platform.client("s3")
    if old.get("Tags") != new.get("Tags"):
        tags = [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in new.get("Tags", [])]
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    rules = new.get("LifecycleConfiguration", {}).get("Rules", [])
    if rules:
        configuration = {"Rules": [lifecycle_rule(rule) for rule in rules]}
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=configuration)
    elif old.get("LifecycleConfiguration"):
        s3.delete_bucket_lifecycle(Bucket=name)
    if rules := encryption_rules(new):
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def encryption_rules(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """A bucket's encryption as PutBucketEncryption takes it.

    `aws:kms` without a key means the account's own key for S3 on AWS; ministack has none and would then
    refuse every upload, so such a rule is left out.
    """
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    defaults = [rule.get("ServerSideEncryptionByDefault") or {} for rule in rules]
    usable = [rule for rule in defaults if rule.get("SSEAlgorithm") == "AES256" or "KMSMasterKeyID" in rule]
    return [{"ApplyServerSideEncryptionByDefault": rule} for rule in usable]


def _delete(name: str, properties: dict[str, Any]) -> None:
    try:
        platform.client("s3").delete_bucket(Bucket=name)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "BucketNotEmpty":
            raise ValueError(f'Resource handler returned message: "{NOT_EMPTY}" (BucketNotEmpty)') from None
        if code != "NoSuchBucket":
            raise


def _renamed(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}
