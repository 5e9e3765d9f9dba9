"""AWS would accept each request that the state machine sends, for each setting that changes one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from infra.training.job import FineTune
from tests.unit.infra.state_language import ON_DEMAND, OWN_WEIGHTS, SPOT, filled, fine_tune, states

BOTOCORE_NAMES = {"cloudwatchlogs": "logs"}
"""Services that Step Functions calls otherwise than botocore."""


def as_the_api_spells(request: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Step Functions wants each member's first letter large; some services' APIs have it small."""
    return {
        (name if name in shape.members else name[0].lower() + name[1:]): value
        for name, value in request.items()
    }


def out_of_shape(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """What botocore's own validator leaves to the service: patterns, enumerations, greatest lengths."""
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from out_of_shape(item, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from out_of_shape(item, shape.member, f"{where}[]")
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from out_of_shape(name, shape.key, f"{where}.{name} (key)")
            yield from out_of_shape(item, shape.value, f"{where}.{name}")
    elif shape.type_name == "string":
        pattern, enum = shape.metadata.get("pattern", ""), getattr(shape, "enum", [])
        if len(value) > shape.metadata.get("max", len(value)):
            yield f"{where} is longer than {shape.metadata['max']}"
        if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):
            yield f"{where} is {value!r}, not {pattern}"
        if enum and value not in enum:
            yield f"{where} is {value!r}, not one of {enum}"


KEY = {"key_arn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
ON_VOLUMES = {"training_instance_type": "ml.p3.2xlarge"}
IN_PRIVATE = {
    "subnet_ids": [f"subnet-0123456789abcdef{number}" for number in range(3)],
    "security_group_ids": ("sg-0123456789abcdef0",),
}
SETTINGS = {
    "defaults": ON_DEMAND,
    "spot": fine_tune({"spot": True}),
    "own weights": fine_tune(OWN_WEIGHTS, base_model_uri="s3://own/llama/"),
    "several instances": fine_tune({"training_instance_count": 4}),
    "key, local disks": fine_tune({}, **KEY),
    "key, volumes": fine_tune(ON_VOLUMES, **KEY),
    "private network": fine_tune({}, **IN_PRIVATE),
    "everything": fine_tune(
        {"spot": True, "training_instance_count": 16, **ON_VOLUMES, **OWN_WEIGHTS}, **IN_PRIVATE, **KEY
    ),
}


@pytest.mark.parametrize("sample", SETTINGS.values(), ids=SETTINGS)
def test_aws_would_accept_every_request(sample: FineTune) -> None:
    session = botocore.session.get_session()
    sent = set()
    for name, state in states(sample).items():
        found = re.fullmatch(r"arn:aws:states:::(?:aws-sdk:)?(\w+):(\w+)", state.get("Resource", ""))
        if found is None or found[1] == "lambda":  # whose payload Step Functions turns into bytes
            continue
        service, action = found.groups()
        operation = session.get_service_model(BOTOCORE_NAMES.get(service, service)).operation_model(
            action[0].upper() + action[1:]
        )
        request = as_the_api_spells(filled(state["Parameters"]), operation.input_shape)
        report = ParamValidator().validate(request, operation.input_shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        assert list(out_of_shape(request, operation.input_shape, name)) == []
        sent.add(f"{service}:{action}")
    assert sent == {
        "cloudwatchlogs:createLogGroup",
        "cloudwatchlogs:putRetentionPolicy",
        "sagemaker:createTrainingJob",
        "sagemaker:describeTrainingJob",
        "sagemaker:createModelPackage",
        "ssm:putParameter",
        "cloudformation:updateStack",
        "cloudformation:describeStacks",
        "sns:publish",
    }


def test_gated_weights_carry_the_licence_and_own_ones_do_not() -> None:
    def model_source(sample: FineTune) -> dict[str, Any]:
        channels = sample.job.request()["InputDataConfig"]
        (model,) = [channel for channel in channels if channel["ChannelName"] == "model"]
        source: dict[str, Any] = model["DataSource"]["S3DataSource"]
        return source

    assert model_source(ON_DEMAND)["ModelAccessConfig"] == {"AcceptEula": True}
    assert "ModelAccessConfig" not in model_source(SPOT)


def test_a_job_on_several_instances_encrypts_between_them() -> None:
    assert ON_DEMAND.job.request()["EnableInterContainerTrafficEncryption"] is False
    assert SPOT.job.request()["EnableInterContainerTrafficEncryption"] is True


def test_the_trainer_sends_no_request() -> None:
    """It is isolated from the network: SageMaker brings its channels and takes its output."""
    files = sorted(Path(__file__).parents[3].glob("training/**/*.py"))
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            packages = {"boto3", "botocore", "urllib3", "requests"}
            assert not {name.split(".")[0] for name in names} & packages, file
