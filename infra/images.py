"""URIs of the AWS containers, from the data files of sagemaker-core.

Only the two files are read: importing `sagemaker.core.image_uris` would cost a third of a whole synth. A test
compares the answers with that module's.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from infra.settings import SettingsError

TRAINING_TAG = "2.9.0-transformers5.3.0-gpu-py312-cu130-ubuntu22.04"
SERVING_TAG = "0.38.0-lmi29.0.0-cu130"

CUDA_13_HOST = "al2023-ami-sagemaker-inference-gpu-4-1"
"""The one host image with a driver for CUDA 13 (580). Without a name SageMaker takes one with driver 470.

Source: SageMaker API reference, ProductionVariant.InferenceAmiVersion.
"""
_CUDA = re.compile(r":.*\bcu(\d+)\d\b")


def training_image(region: str) -> str:
    """Hugging Face training container: PyTorch 2.9.0, transformers 5.3.0, CUDA 13, Python 3.12.

    Raises:
        SettingsError: AWS does not offer the container in the region.
    """
    versions = _data("huggingface")["training"]["versions"]
    return _uri(versions["5.3.0"]["pytorch2.9.0"], TRAINING_TAG, region, "training_image")


def serving_image(region: str) -> str:
    """Large Model Inference container (DJL, vLLM), which serves a base model with LoRA adapters.

    Raises:
        SettingsError: AWS does not offer the container in the region.
    """
    return _uri(_data("djl-lmi")["versions"]["0.38.0"], SERVING_TAG, region, "serving_image")


def inference_host(image: str, gpus: int) -> str | None:
    """Return the InferenceAmiVersion that a serving image needs on instances with `gpus`; None for the usual.

    A container of CUDA 13 on an older driver ends before it can write a line of log.
    """
    cuda = _CUDA.search(image)
    return CUDA_13_HOST if gpus and cuda and int(cuda[1]) >= 13 else None


def _uri(version: dict[str, Any], tag: str, region: str, setting: str) -> str:
    account = version["registries"].get(region)
    if account is None:
        raise SettingsError(
            [
                f'region is "{region}": AWS has no {version["repository"]} container there;'
                f" write another region, or your own container as {setting}"
            ]
        )
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{version['repository']}:{tag}"


def _data(framework: str) -> dict[str, Any]:
    package = find_spec("sagemaker")  # a namespace package: finding it imports nothing
    for location in (package.submodule_search_locations or []) if package else []:
        file = Path(location, "core", "image_uri_config", f"{framework}.json")
        if file.is_file():
            document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return document
    raise SettingsError(
        [
            'training_image is "": the package sagemaker-core, which knows AWS\'s containers, is missing;'
            " run make setup"
        ]
    )
