"""Requests held to botocore's model, in AWS's words."""

from typing import Any

import pytest

from localcloud.protocol import ApiError
from localcloud.sagemaker import api, validation

GOOD: dict[str, Any] = {
    "TrainingJobName": "run-1",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::111122223333:role/training",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/runs"},
    "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 100},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}


def check(operation: str, params: dict[str, Any]) -> None:
    validation.check(params, validation.operation_model(operation).input_shape)


def refused(operation: str, params: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as error:
        check(operation, params)
    return error.value


def test_a_good_request_passes() -> None:
    check("CreateTrainingJob", GOOD)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TrainingJobName": None}, "Value null at 'trainingJobName'"),
        ({"TrainingJobName": "-x"}, "Member must satisfy regular expression pattern: [a-zA-Z0-9]"),
        ({"Environment": {"A": "x" * 513}}, "Member must have length less than or equal to 512"),
        (
            {"ResourceConfig": GOOD["ResourceConfig"] | {"InstanceType": "ml.g5.huge"}},
            "Value 'ml.g5.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must "
            "satisfy enum",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            {"TrainingJobNam": "x"},
            "Unknown parameter in input: 'TrainingJobNam', must be one of: TrainingJobName",
        ),
        ({"Tags": [{"Key": "a"}]}, "Value null at 'tags.1.member.value'"),
        ({"HyperParameters": {"k" * 300: "v"}}, "'hyperParameters'"),
    ],
)
def test_each_constraint_is_reported_as_aws_does(changes: dict[str, Any], words: str) -> None:
    error = refused("CreateTrainingJob", GOOD | changes)
    assert error.code == "ValidationException"
    assert error.message.startswith("1 validation error detected: ")
    assert words in error.message


def test_all_problems_come_at_once() -> None:
    error = refused("CreateTrainingJob", GOOD | {"TrainingJobName": "-x", "RoleArn": "nobody"})
    assert error.message.startswith("3 validation errors detected: "), (
        "name's pattern; role's length and pattern"
    )


@pytest.mark.parametrize(
    "changes",
    [{"TrainingJobName": 3}, {"Tags": {}}, {"EnableManagedSpotTraining": "true"}, {"VpcConfig": "x"}],
)
def test_a_wrong_type_is_a_serialization_error(changes: dict[str, Any]) -> None:
    assert refused("CreateTrainingJob", GOOD | changes).code == "SerializationException"


def test_every_pattern_of_the_model_can_be_checked_or_is_known_not_to() -> None:
    model = validation.service_model()
    shapes = [model.shape_for(name) for name in model.shape_names]
    patterns = {shape.metadata["pattern"] for shape in shapes if "pattern" in getattr(shape, "metadata", {})}
    assert len(patterns) > 100
    unchecked = {pattern for pattern in patterns if validation.pattern(pattern) is None}
    assert len(unchecked) <= 5, unchecked


def test_tag_keys_may_be_of_any_script() -> None:
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:model/x"
    good, bad = ({"ResourceArn": arn, "Tags": [{"Key": key, "Value": "7"}]} for key in ("Größe", "a<b"))
    check("AddTags", good)
    assert "pattern" in refused("AddTags", bad).message


def test_templates_strings_get_the_apis_types() -> None:
    properties = {
        "EndpointConfigName": "config",
        "ProductionVariants": [
            {
                "VariantName": "v",
                "InitialInstanceCount": "2",
                "InitialVariantWeight": "0.5",
                "InstanceType": "ml.g5.xlarge",
            }
        ],
        "EnableNetworkIsolation": "true",
        "Tags": [{"Key": "n", "Value": 7}],
    }
    shape = validation.operation_model("CreateEndpointConfig").input_shape
    typed = validation.coerce(properties, shape)
    variant = typed["ProductionVariants"][0]
    assert (variant["InitialInstanceCount"], variant["InitialVariantWeight"]) == (2, 0.5)
    assert typed["EnableNetworkIsolation"] is True
    assert typed["Tags"] == [{"Key": "n", "Value": "7"}]
    check("CreateEndpointConfig", typed)
    left = validation.coerce({"ProductionVariants": [{"InitialInstanceCount": "two"}]}, shape)
    assert left["ProductionVariants"][0]["InitialInstanceCount"] == "two", "left for the check to name"


@pytest.mark.parametrize("operation", ["ListLabelingJobs", "ListEdgePackagingJobs", "MakeCoffee"])
def test_what_is_not_emulated_is_unknown(operation: str) -> None:
    with pytest.raises(ApiError) as error:
        api.call(operation, {})
    assert error.value.code == "UnknownOperationException"


def test_lists_that_are_always_empty_are_of_things_that_cannot_be_made() -> None:
    names = validation.service_model().operation_names
    for listing in api.EMPTY_LISTS:
        stem = listing.removeprefix("List").rstrip("s")
        creates = [name for name in names if name.startswith("Create") and stem in name]
        assert creates, f"no Create operation found for {listing}"
        assert not set(creates) & set(api.OPERATIONS)
        assert api.call(listing, {}) == {api.EMPTY_LISTS[listing]: []}
