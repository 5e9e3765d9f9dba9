"""Rule: an endpoint whose image is of CUDA 13 names the host image that has a driver for it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.images import CUDA_13_HOST
from tests.snapshot.snapshot_synth import Templates, everywhere, joined

GPU = re.compile(r"ml\.(g|p)\d")


def violations(stacks: Templates) -> Iterator[str]:
    images = [
        joined(model["Properties"]["PrimaryContainer"]["Image"])
        for _, model in everywhere(stacks, "AWS::SageMaker::Model")
    ]
    if not any(re.search(r"cu13\d\b", image) for image in images):
        return
    for place, config in everywhere(stacks, "AWS::SageMaker::EndpointConfig"):
        for variant in config["Properties"]["ProductionVariants"]:
            if GPU.match(variant["InstanceType"]) and variant.get("InferenceAmiVersion") != CUDA_13_HOST:
                yield f"{place}: {variant.get('InferenceAmiVersion', 'the usual host')} cannot run CUDA 13"


def stack(tag: str, **variant: Any) -> Templates:
    model = {
        "PrimaryContainer": {"Image": f"763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:{tag}"}
    }
    config = {"ProductionVariants": [{"InstanceType": "ml.g5.2xlarge", **variant}]}
    return {
        "Hosting": {
            "Resources": {
                "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
                "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
            }
        }
    }


@pytest.mark.parametrize(
    "stacks",
    [
        stack("0.38.0-lmi29.0.0-cu130", InferenceAmiVersion=CUDA_13_HOST),
        stack("0.36.0-lmi18.0.0-cu128"),
        stack("0.38.0-lmi29.0.0-cu130", InstanceType="ml.m5.xlarge"),
    ],
)
def test_image_and_host_that_fit_comply(stacks: Templates) -> None:
    assert list(violations(stacks)) == []


@pytest.mark.parametrize("host", [{}, {"InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-3-1"}])
def test_an_older_driver_does_not(host: dict[str, str]) -> None:
    assert list(violations(stack("0.38.0-lmi29.0.0-cu130", **host)))
