"""What config.json says of a Llama, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.failures import TrainingFailure

#: How positions may turn, and what each way needs to be told; see :mod:`training.llama.rotary`.
ROPE_TYPES: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}
_REMEDY = "Copy config.json again, or give another base model"


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaConfig:
    """transformers' LlamaConfig, as far as numbers depend on it, under its names.

    ``rope``: its rope_parameters: ``rope_type``, ``rope_theta`` and what the type needs.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    tie_word_embeddings: bool
    attention_bias: bool
    mlp_bias: bool
    rope: Mapping[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "LlamaConfig":
        """From config.json's content; TrainingFailure if a size is missing or something is not supported."""
        try:
            heads = int(config["num_attention_heads"])
            hidden = int(config["hidden_size"])
            made = cls(
                vocab_size=int(config["vocab_size"]),
                hidden_size=hidden,
                intermediate_size=int(config["intermediate_size"]),
                num_hidden_layers=int(config["num_hidden_layers"]),
                num_attention_heads=heads,
                num_key_value_heads=int(config.get("num_key_value_heads") or heads),
                head_dim=int(config.get("head_dim") or hidden // heads),
                max_position_embeddings=int(config.get("max_position_embeddings") or 2048),
                rms_norm_eps=float(config.get("rms_norm_eps", 1e-6)),
                tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
                attention_bias=bool(config.get("attention_bias", False)),
                mlp_bias=bool(config.get("mlp_bias", False)),
                rope=_rope(config),
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            what = f"config.json cannot be used ({type(error).__name__}: {error})"
            raise TrainingFailure(what, where="channel model", remedy=_REMEDY) from error
        made._check(config)
        return made

    def _check(self, config: Mapping[str, Any]) -> None:
        problems = []
        if config.get("hidden_act", "silu") != "silu":
            problems.append(f"hidden_act {config['hidden_act']!r} (only 'silu' is supported)")
        if self.rope["rope_type"] not in ROPE_TYPES:
            problems.append(f"rope_type {self.rope['rope_type']!r} (supported: {', '.join(ROPE_TYPES)})")
        if min(self.num_key_value_heads, self.num_hidden_layers, self.head_dim, self.intermediate_size) < 1:
            problems.append("sizes below 1")
        elif self.num_attention_heads % self.num_key_value_heads or self.head_dim % 2:
            problems.append("numbers of heads, or a head_dim, that do not divide")
        if problems:
            what = f"config.json has {' and '.join(problems)}"
            raise TrainingFailure(what, where="channel model", remedy=_REMEDY)


def _rope(config: Mapping[str, Any]) -> dict[str, Any]:
    """Today's rope_parameters, or what older files say in rope_theta and rope_scaling."""
    stated = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    kind = stated.get("rope_type") or stated.get("type") or "default"
    theta = stated.get("rope_theta") or config.get("rope_theta") or 10_000.0
    needed = {name: float(stated[name]) for name in ROPE_TYPES.get(kind, ())}
    return {"rope_type": kind, "rope_theta": float(theta)} | needed
