"""Translations between what templates and state machines say and what the APIs take."""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from localcloud import buckets, cloudformation, lambda_errors, stepfunctions

TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1, in handler\n'


def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def refused(code: str) -> ClientError:
    metadata = {"HTTPStatusCode": 400, "RequestId": "r-1"}
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}, "Any")


@pytest.mark.parametrize(
    ("service", "prefix", "code", "name"),
    [
        ("sagemaker", "SageMaker", "ResourceNotFound", "SageMaker.ResourceNotFoundException"),
        ("sagemaker", "SageMaker", "ResourceInUse", "SageMaker.ResourceInUseException"),
        ("sagemaker", "SageMaker", "ConflictException", "SageMaker.ConflictException"),
        ("sagemaker", "SageMaker", "ValidationException", "SageMaker.SageMakerException"),
        ("cloudformation", "CloudFormation", "ValidationError", "CloudFormation.CloudFormationException"),
        (
            "cloudformation",
            "CloudFormation",
            "AlreadyExistsException",
            "CloudFormation.AlreadyExistsException",
        ),
    ],
)
def test_failures_are_named_as_by_the_java_sdk(service: str, prefix: str, code: str, name: str) -> None:
    error, cause = stepfunctions.failure(refused(code), prefix, model(service))
    assert error == name
    assert cause == f"no (Service: {prefix}, Status Code: 400, Request ID: r-1)"


def test_answers_keep_the_keys_of_maps_and_write_times_as_text() -> None:
    shape = model("sagemaker").operation_model("DescribeTrainingJob").output_shape
    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    parameters = {"lora_r": "8", "EPOCH": "5"}
    answer = stepfunctions.sdk_answer({"HyperParameters": parameters, "CreationTime": at}, shape)
    assert answer == {"HyperParameters": parameters, "CreationTime": "2026-01-02T03:04:05.678Z"}


@pytest.mark.parametrize(
    ("api", "sdk"),
    [
        ("DBClusters", "DbClusters"),
        ("KMSKeyId", "KmsKeyId"),
        ("RoleARN", "RoleARN"),
        ("VolumeSizeInGB", "VolumeSizeInGB"),
        ("S3Uri", "S3Uri"),
        ("logGroupName", "LogGroupName"),
    ],
)
def test_members_are_spelled_as_by_the_java_sdk(api: str, sdk: str) -> None:
    assert stepfunctions.member_name(api) == sdk


def test_parameters_may_be_spelled_as_by_the_sdk_or_the_api() -> None:
    shape = model("rds").operation_model("CreateDBCluster").input_shape
    expected = {"DBClusterIdentifier": "c", "Tags": [{"Key": "DBName", "Value": "v"}]}
    sdk = {"DbClusterIdentifier": "c", "Tags": [{"Key": "DBName", "Value": "v"}]}
    assert stepfunctions.api_parameters(sdk, shape) == expected
    assert stepfunctions.api_parameters(expected, shape) == expected


@pytest.mark.parametrize(
    ("definition", "seconds"), [({}, None), ({"TimeoutSeconds": 60}, 60.0), ({"TimeoutSeconds": 0}, None)]
)
def test_time_out_of_a_state_machine(definition: dict[str, Any], seconds: float | None) -> None:
    assert stepfunctions.time_out_seconds(definition) == seconds


def test_lifecycle_rule_of_a_template_as_the_api_takes_it() -> None:
    rule = {
        "Id": "old",
        "Status": "Enabled",
        "Prefix": "tmp/",
        "ExpirationInDays": "3",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "1"},
        "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 40}],
    }
    assert buckets.lifecycle_rule(rule) == {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 3},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 10, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "Transitions": [{"StorageClass": "STANDARD_IA", "Days": 40}],
    }


def test_encryption_with_a_key_that_only_aws_has_is_left_out() -> None:
    def bucket(**default: str) -> dict[str, Any]:
        configuration = [{"ServerSideEncryptionByDefault": default}]
        return {"BucketEncryption": {"ServerSideEncryptionConfiguration": configuration}}

    assert buckets.encryption_rules(bucket(SSEAlgorithm="aws:kms")) == []
    kept = bucket(SSEAlgorithm="aws:kms", KMSMasterKeyID="key")
    assert buckets.encryption_rules(kept) == [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}
    ]


@pytest.mark.parametrize(
    ("log", "message", "name"),
    [
        (f"{TRACE}lambdas.shared.errors.BudgetExceeded: 31 > 25", "31 > 25", "BudgetExceeded"),
        (f"{TRACE}DatasetError: two\nlines", "two\nlines", "DatasetError"),
        (f"{TRACE}KeyError: 'a'", "'a'", "KeyError"),
        (f"{TRACE}StopIteration", "", "StopIteration"),
        ("TypeError: no\n    at handler (/var/task/index.js:1:1)", "no", "TypeError"),
        ("nothing to see", "no", "Runtime.HandlerError"),
    ],
)
def test_a_lambda_s_error_is_named_by_its_exception(log: str, message: str, name: str) -> None:
    body = {"errorMessage": message, "errorType": "Runtime.HandlerError"}
    result = {"error": True, "log": log, "body": body}
    assert lambda_errors.with_class_name(result)["body"]["errorType"] == name


def test_a_time_out_keeps_its_own_name() -> None:
    result = {"error": True, "log": "", "body": {"errorMessage": "x", "errorType": "Sandbox.Timedout"}}
    assert lambda_errors.with_class_name(result) is result


def test_generated_names_fit_and_differ() -> None:
    names = {cloudformation.generated_name("L" * 100) for _ in range(5)}
    assert len(names) == 5
    assert {len(name) for name in names} == {63}
