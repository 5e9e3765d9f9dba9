"""CloudFormation's own resource schemas accept every template, whatever the settings."""

from pathlib import Path

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from snapshot_synth import Templates, resources, synthesize

OWN_WEIGHTS = "s3://${DataBucket}/weights/llama/"

MATRIX: dict[str, dict[str, str]] = {
    "spot, two instances, own weights": {
        "spot": "true",
        "training_instance_count": "2",
        "base_model_uri": OWN_WEIGHTS,
    },
    "merged, kept data, whole account": {
        "hosting": "merged",
        "retain_data": "true",
        "reaper_scope": "account",
        "prefix": "Desk-2",
    },
    "another region": {
        "region": "eu-west-1",
        "training_instance_type": "ml.g5.xlarge",
        "hosting_instance_type": "ml.g5.12xlarge",
    },
    "processors only, own containers": {
        "region": "us-east-1",
        "training_instance_type": "ml.m5.large",
        "hosting_instance_type": "ml.m5.xlarge",
        "training_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own/training:1",
        "serving_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own/serving:1",
    },
}


def errors(assembly: Path, region: str) -> list[str]:
    """What cfn-lint calls an error in any template of the assembly; its warnings concern CDK's own style."""
    found = []
    for template in sorted(assembly.glob("*.template.json")):
        # Billing is always in us-east-1; the others are held against the region they are for.
        where = "us-east-1" if "-Billing" in template.name else region
        for match in lint(template.read_text(encoding="utf-8"), config=ManualArgs(regions=[where])):
            if match.rule.severity == "error":
                found.append(f"{template.name}: {match.rule.id} {match.message}")
    return found


def test_the_templates_for_aws_are_valid(aws: Templates, aws_assembly: Path) -> None:
    assert errors(aws_assembly, "us-east-1") == []


def test_a_template_with_a_mistake_is_found(aws: Templates, aws_assembly: Path, tmp_path: Path) -> None:
    (hosting,) = aws_assembly.glob("*-Hosting.template.json")
    wrong = hosting.read_text(encoding="utf-8").replace('"CopyCount": 1', '"CopyCount": "one"')
    (tmp_path / hosting.name).write_text(wrong)
    assert any("one" in error for error in errors(tmp_path, "us-east-1"))


@pytest.mark.parametrize("name", MATRIX)
def test_other_settings_make_valid_templates_too(name: str, tmp_path: Path) -> None:
    settings = MATRIX[name]
    templates = synthesize(tmp_path, **settings)
    assert errors(tmp_path, settings.get("region", "us-east-1")) == []
    assert len(resources(templates["Hosting"], "AWS::SageMaker::Endpoint")) == 1
    assert bool(resources(templates["Hosting"], "AWS::SageMaker::InferenceComponent")) is (
        settings.get("hosting") != "merged"
    )
    gated = "base_model_uri" not in settings
    assert ("AcceptEula" in str(templates["Training"])) is gated
