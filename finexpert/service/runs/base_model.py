"""Base weights: check and upload your own, and plan whether training on them fits into a GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.aws.s3 import S3Address
from core.endpoint import weights
from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from core.instances import gpu_gib
from finexpert.errors import UsageError
from finexpert.service.deployment import Deployment, base_place

if TYPE_CHECKING:
    from training.model.memory_plan import MemoryPlan

PREFIX = "base-model/"
"""The folder in the data bucket that they go to, unless the setting `base_model_uri` names another place."""
SETTING = f"base_model_uri='s3://${{DataBucket}}/{PREFIX}'"
"""The flag for the CDK CLI that makes the app use them."""


def require_usable(folder: Path) -> None:
    """Refuse base weights that the training job would refuse.

    Raises:
        UserError: the folder is no whole language model in Hugging Face layout.
    """
    from training.model.weights import inspect_weights

    try:
        inspect_weights(folder)
    except TrainingFailure as failure:
        raise UsageError(
            f"These weights cannot be used: {failure.what}.", where=str(folder), fix=f"{failure.remedy}."
        ) from failure


def location(deployment: Deployment) -> S3Address:
    """The folder from which the job reads your own base weights."""
    if deployment.settings.own_weights:
        return base_place(deployment)
    return S3Address(deployment.data_bucket, PREFIX)


def upload(
    s3: Any,
    *,
    folder: Path,
    location: S3Address,
    progress: Callable[[str, int], None] = lambda name, count: None,
) -> int:
    """Upload the files of `folder` (not of folders in it) to the folder `location`.

    Args:
        s3: boto3 client.
        progress: called before each file with its name and its size in bytes.

    Returns:
        The bytes of all of them.
    """
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    for file in files:
        progress(file.name, file.stat().st_size)
        s3.upload_file(str(file), *(location / file.name))
    return sum(file.stat().st_size for file in files)


GIB = 1 << 30
CONTEXT_BYTES = GIB // 2  # CUDA's own: about that much on an A10G

LLAMA_2_7B: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "vocab_size": 32000,
    "num_attention_heads": 32,
}
"""The shape of Llama 2 7B, as its config.json has it."""
LLAMA_2_7B_BYTES = 6_738_415_616 * 2
_OF_8_HEADS = {"intermediate_size": 14336, "num_key_value_heads": 8}
SHAPES: dict[str, tuple[dict[str, Any], int]] = {
    weights.LLAMA_2_7B: (LLAMA_2_7B, LLAMA_2_7B_BYTES),
    "meta-textgeneration-llama-3-1-8b-instruct": (
        LLAMA_2_7B | _OF_8_HEADS | {"vocab_size": 128256},
        8_030_261_248 * 2,
    ),
    "huggingface-llm-mistral-7b-v3": (
        LLAMA_2_7B | _OF_8_HEADS | {"model_type": "mistral", "vocab_size": 32768},
        7_248_023_552 * 2,
    ),
}
"""Shape and bytes of the weights of JumpStart's models, whose files cannot be read beforehand."""


def fit(
    config: Mapping[str, Any], weight_bytes: int, recipe: Hyperparameters, instance_type: str
) -> MemoryPlan | None:
    """Plan one optimizer step on one GPU of the instance; None for a type whose GPUs are not known.

    Args:
        config: the base's config.json.
        weight_bytes: size of its safetensors files, which is what the weights take on the GPU.

    Raises:
        TrainingFailure: `config` is of no causal language model.
    """
    nominal = gpu_gib(instance_type)
    if nominal is None:
        return None
    import warnings

    import torch

    from training.model.memory_plan import FP32_BYTES, USABLE, count_step, plan_memory

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of PEFT about transformers' names
        step = count_step(
            config,
            recipe,
            torch.bfloat16,
            batch=recipe.per_device_train_batch_size,
            length=recipe.input_length,
        )
    used = CONTEXT_BYTES + weight_bytes + step.trainable * FP32_BYTES
    return plan_memory(
        step,
        used=used,
        # Of 24 GiB an A10G has 22.19 free before anything runs, which is about the planned share already.
        free=int(nominal * GIB * USABLE["cuda"]) - used,
        usable=1.0,
        setting=recipe.gradient_checkpointing,
    )
