"""Is the model ready: licence, weights, and does a step of its training fit into a GPU?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.aws.s3 import S3Address, sizes
from finexpert.doctor import Finding, bad, good, unknown
from finexpert.service.deployment import Deployment
from finexpert.service.runs import base_model
from finexpert.service.runs.base_model import LLAMA_2_7B, LLAMA_2_7B_BYTES
from finexpert.text import size

if TYPE_CHECKING:
    from training.model.memory_plan import MemoryPlan

LICENCE = "https://ai.meta.com/llama/license/"


def licence(deployment: Deployment) -> Finding:
    """Is Meta's licence accepted, where the weights need it?"""
    settings = deployment.settings
    if not settings.gated:
        return good("not needed: the base weights are your own")
    if settings.accept_eula:
        return good("accept_eula is true: you have accepted Llama 2's licence")
    return bad(
        "accept_eula is false, and AWS hands the weights out only with the licence accepted",
        f"Read {LICENCE}, then deploy with -c accept_eula=true",
    )


def weights(deployment: Deployment) -> Finding:
    """Are there base weights where the job will read them?"""
    where = _location(deployment)
    try:
        files = sizes(deployment.target.client("s3"), where)
    except Exception as error:
        if deployment.settings.gated and "AccessDenied" in str(error):
            return unknown(f"{where} is AWS's own bucket, which opens for SageMaker jobs only")
        raise
    total = _weight_bytes(files)
    if not total or "config.json" not in files:
        return bad(
            f"{where} has no config.json with *.safetensors beside it",
            "Upload a model in Hugging Face layout: finexpert data weights my-model/",
        )
    return good(f"{size(total)} of weights at {where}")


def memory(deployment: Deployment) -> Finding:
    """Does one optimizer step fit into a GPU of the training instance?"""
    from core import hyperparameters

    settings = deployment.settings
    recipe = hyperparameters.parse(settings.hyperparameters)
    config, size_of_weights = (LLAMA_2_7B, LLAMA_2_7B_BYTES) if settings.gated else _own_model(deployment)
    plan = base_model.fit(config, size_of_weights, recipe, settings.training_instance_type)
    return judge_memory(plan, config["num_hidden_layers"], settings.training_instance_type)


def judge_memory(plan: MemoryPlan | None, layers: int, instance_type: str) -> Finding:
    """The arithmetic in words."""
    if plan is None:
        return unknown(f"the GPU memory of {instance_type} is not known here")
    from training.model.memory_plan import describe_plan  # imports PyTorch

    told = f"{instance_type}: a training step, {describe_plan(plan, layers)}"
    if plan.fits:
        return good(told)
    return bad(told, "Choose an instance with a larger GPU, or change those two hyperparameters.")


def _own_model(deployment: Deployment) -> tuple[dict[str, Any], int]:
    """config.json of the base weights, and their size in bytes."""
    s3, folder = deployment.target.client("s3"), _location(deployment)
    config = folder / "config.json"
    body = s3.get_object(Bucket=config.bucket, Key=config.key)["Body"]
    return json.loads(body.read()), _weight_bytes(sizes(s3, folder))


def _location(deployment: Deployment) -> S3Address:
    uri = deployment.settings.base_model_uri
    own = deployment.output("Storage", "DataBucketName") if "${DataBucket}" in uri else ""
    return S3Address.parse(deployment.settings.base_model_location(own))


def _weight_bytes(files: dict[str, int]) -> int:
    return sum(count for name, count in files.items() if "/" not in name and name.endswith(".safetensors"))
