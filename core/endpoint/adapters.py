"""The adapters that the endpoint's container (LMI with vLLM) can load.

Sources: vLLM, vllm/config/lora.py (`MaxLoRARanks`: other maximums stop the engine),
vllm/lora/peft_helper.py (DoRA is refused), and docs/models/supported_models.md at commit 0046f770 (families
without a mark in the column LoRA).
"""

from collections.abc import Mapping
from typing import Any

from core.hyperparameters import HyperparameterError, Hyperparameters, parse

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The maximal ranks that stop no engine. Source: vLLM, vllm/config/lora.py, `MaxLoRARanks`."""
WITHOUT_ADAPTERS = frozenset(
    (
        *("bloom", "dbrx", "falcon", "falcon_mamba", "flex_olmo", "gemma3n_text", "gpt2", "gpt_neox", "gptj"),
        *("mamba", "mamba2", "mpt", "olmoe", "stablelm", "zamba2"),
    )
)
"""Families (model_type) that vLLM serves, but without adapters."""
LEAST_RANK = 64
"""A run may have a larger rank than the deployment's recipe, so there is room for more than that."""
ANY = 0
"""Instead of a rank: the endpoint serves merged weights, so every adapter will do."""


def served_rank(recipe_rank: int, *, merged: bool) -> int:
    """The endpoint's maximal rank: the smallest one of vLLM's that holds the recipe's; ANY if it merges."""
    return ANY if merged else min(rank for rank in VLLM_RANKS if rank >= max(LEAST_RANK, recipe_rank))


def parse_servable(values: Mapping[str, Any], rank: int) -> Hyperparameters:
    """Read hyperparameters of a run whose adapter an endpoint with the maximal `rank` (or `ANY`) can load.

    Raises:
        HyperparameterError: with every problem.
    """
    read = parse(values)
    if problems := unservable(read, rank):
        raise HyperparameterError(problems)
    return read


def unservable(hyperparameters: Hyperparameters, rank: int) -> list[str]:
    """Say why the endpoint could not load the adapter; empty if it can."""
    if rank == ANY:
        return []
    problems = []
    if hyperparameters.lora_r > rank:
        problems.append(
            f"lora_r is {hyperparameters.lora_r}: the deployed endpoint loads adapters up to rank {rank};"
            " write a smaller one, or deploy with it in the setting hyperparameters"
        )
    if hyperparameters.use_dora:
        problems.append(
            "use_dora is True: the endpoint's container (vLLM) loads no DoRA adapters; leave it out, or"
            " deploy with hosting=merged"
        )
    return problems


def unservable_family(model_type: str, rank: int) -> list[str]:
    """Say why the endpoint could not load any adapter of a base of this family; empty if it can."""
    if rank == ANY or model_type not in WITHOUT_ADAPTERS:
        return []
    return [
        f"the base is of the family {model_type}: the endpoint's container (vLLM) loads no adapters for it;"
        " choose another base, or deploy with hosting=merged"
    ]
