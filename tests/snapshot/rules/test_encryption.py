"""Rule: everything at rest is encrypted; with a key of one's own, with that key wherever AWS takes it."""

from collections.abc import Iterator

import pytest

from core.instances import has_local_disks
from tests.snapshot.rules.rule_samples import definition_with, stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere, training_job


def violations(stacks: Templates) -> Iterator[str]:
    keys = list(everywhere(stacks, "AWS::KMS::Key"))
    yield from stored(stacks, own_key=bool(keys))
    yield from hosted(stacks, own_key=bool(keys))
    for place, key in keys:
        if key["Properties"].get("EnableKeyRotation") is not True:
            yield f"{place}: a key that is never rotated"
    job = training_job(stacks)
    local = has_local_disks(job["ResourceConfig"]["InstanceType"])
    if ("VolumeKmsKeyId" in job["ResourceConfig"]) is not (bool(keys) and not local):
        yield "CreateTrainingJob: the volume's key is missing, or where SageMaker refuses one"
    if ("KmsKeyId" in job["OutputDataConfig"]) is not bool(keys):
        yield "CreateTrainingJob: the output is not under the key"


def stored(stacks: Templates, *, own_key: bool) -> Iterator[str]:
    for place, bucket in everywhere(stacks, "AWS::S3::Bucket"):
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        if default["SSEAlgorithm"] != ("aws:kms" if own_key else "AES256"):
            yield f"{place}: a bucket under {default['SSEAlgorithm']}"
        if own_key and "KMSMasterKeyID" not in default:
            yield f"{place}: a bucket under AWS's key"
    for place, queue in everywhere(stacks, "AWS::SQS::Queue"):
        if ("KmsMasterKeyId" if own_key else "SqsManagedSseEnabled") not in queue["Properties"]:
            yield f"{place}: a queue without its key"
    if not own_key:
        return
    for type_, member in (("AWS::SNS::Topic", "KmsMasterKeyId"), ("AWS::Logs::LogGroup", "KmsKeyId")):
        for place, resource in everywhere(stacks, type_):
            # Billing stands in us-east-1, where the key need not be, and tells amounts, no data.
            if member not in resource["Properties"] and not place.startswith("Billing/"):
                yield f"{place}: {type_} without the key"


def hosted(stacks: Templates, *, own_key: bool) -> Iterator[str]:
    for place, config in everywhere(stacks, "AWS::SageMaker::EndpointConfig"):
        (variant,) = config["Properties"]["ProductionVariants"]
        wanted = own_key and not has_local_disks(variant["InstanceType"])
        if ("KmsKeyId" in config["Properties"]) is not wanted:
            yield f"{place}: the volume's key is missing, or where SageMaker refuses one"


KEY = stacks_with("AWS::KMS::Key", {"EnableKeyRotation": True}, stack="Guardrails")
ON_A_VOLUME = {"InstanceType": "ml.m5.large", "InstanceCount": 1}


def bucket(**default: str) -> Templates:
    rules = [{"ServerSideEncryptionByDefault": default}]
    encryption = {"BucketEncryption": {"ServerSideEncryptionConfiguration": rules}}
    return stacks_with("AWS::S3::Bucket", encryption, stack="Storage")


def endpoint(instance_type: str, **properties: str) -> Templates:
    variants = [{"InstanceType": instance_type}]
    return stacks_with("AWS::SageMaker::EndpointConfig", {"ProductionVariants": variants, **properties})


@pytest.mark.parametrize(
    "stacks",
    [
        definition_with() | bucket(SSEAlgorithm="AES256") | endpoint("ml.g5.xlarge"),
        KEY
        | definition_with(OutputDataConfig={"KmsKeyId": "k"})
        | bucket(SSEAlgorithm="aws:kms", KMSMasterKeyID="k")
        | endpoint("ml.g5.xlarge"),
        KEY
        | definition_with(
            OutputDataConfig={"KmsKeyId": "k"}, ResourceConfig={**ON_A_VOLUME, "VolumeKmsKeyId": "k"}
        )
        | endpoint("ml.m5.xlarge", KmsKeyId="k"),
    ],
    ids=["keys of AWS", "own key, local disks", "own key, volumes"],
)
def test_the_right_keys_comply(stacks: Templates) -> None:
    assert list(violations(stacks)) == []


@pytest.mark.parametrize(
    "stacks",
    [
        KEY | definition_with(),
        KEY
        | definition_with(OutputDataConfig={"KmsKeyId": "k"})
        | bucket(SSEAlgorithm="AES256", KMSMasterKeyID="k"),
        KEY | definition_with(OutputDataConfig={"KmsKeyId": "k"}) | bucket(SSEAlgorithm="aws:kms"),
        KEY | definition_with(OutputDataConfig={"KmsKeyId": "k"}, ResourceConfig=ON_A_VOLUME),
        KEY | definition_with(OutputDataConfig={"KmsKeyId": "k"}) | endpoint("ml.g5.xlarge", KmsKeyId="k"),
        definition_with() | stacks_with("AWS::SQS::Queue", {}),
        definition_with(OutputDataConfig={"KmsKeyId": "k"})
        | stacks_with("AWS::KMS::Key", {}, stack="Guardrails"),
    ],
    ids=["output", "bucket", "AWS's key", "volume", "refused key", "queue", "rotation"],
)
def test_a_missing_or_refused_key_does_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
