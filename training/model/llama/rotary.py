"""Rotary position embeddings (Su et al. 2021): how fast each pair of a head's numbers turns."""

import math
from collections.abc import Mapping
from typing import Any

import torch


def inverse_frequencies(rope: Mapping[str, Any], head_dim: int) -> torch.Tensor:
    """Radians a position: fp32 [head_dim / 2] on the CPU, for ``rope`` as in LlamaConfig."""
    pairs = torch.arange(0, head_dim, 2, dtype=torch.int64, device="cpu").float()
    plain: torch.Tensor = 1.0 / rope["rope_theta"] ** (pairs / head_dim)
    if rope["rope_type"] == "linear":  # positions interpolated (Chen et al. 2023)
        return plain / float(rope["factor"])
    return _llama3(plain, rope) if rope["rope_type"] == "llama3" else plain


def _llama3(frequencies: torch.Tensor, rope: Mapping[str, Any]) -> torch.Tensor:
    """Llama 3.1's: slow turns are slowed by ``factor``, fast ones kept, those in between blended."""
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    turns: torch.Tensor = rope["original_max_position_embeddings"] * frequencies / (2 * math.pi)
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return torch.lerp(frequencies / rope["factor"], frequencies, kept)
