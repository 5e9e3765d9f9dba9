"""What config.json says of a Llama, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.failures import TrainingFailure

#: How positions may turn, and what each way needs to be told; see :mod:`training.model.llama.rotary`.
ROPE_TYPES: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}
#: More would take minutes to set up; the largest Llamas have 126.
MOST_LAYERS = 1024
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
            heads, hidden = _size(config, "num_attention_heads"), _size(config, "hidden_size")
            made = cls(
                vocab_size=_size(config, "vocab_size"),
                hidden_size=hidden,
                intermediate_size=_size(config, "intermediate_size"),
                num_hidden_layers=_size(config, "num_hidden_layers", most=MOST_LAYERS),
                num_attention_heads=heads,
                num_key_value_heads=_size(config, "num_key_value_heads", heads),
                head_dim=_size(config, "head_dim", hidden // heads),
                max_position_embeddings=_size(config, "max_position_embeddings", 2048, most=1 << 31),
                rms_norm_eps=float(config.get("rms_norm_eps", 1e-6)),
                tie_word_embeddings=bool(config.get("tie_word_embeddings", False)),
                attention_bias=bool(config.get("attention_bias", False)),
                mlp_bias=bool(config.get("mlp_bias", False)),
                rope=_rope(config),
            )
            if made.num_attention_heads % made.num_key_value_heads or made.head_dim % 2:
                raise ValueError("its numbers of heads, or its head_dim, do not divide")
            if config.get("hidden_act", "silu") != "silu":
                raise ValueError(f"hidden_act is {config['hidden_act']!r}, only 'silu' is supported")
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            what = f"config.json cannot be used: {reason}"
            raise TrainingFailure(what, where="channel model", remedy=_REMEDY) from error
        return made


def _size(config: Mapping[str, Any], name: str, default: int | None = None, *, most: int = 1 << 20) -> int:
    """A whole number from 1 to ``most``; KeyError if it is not there and has no default."""
    value = config[name] if default is None else config.get(name)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name} is {value!r}, which is no number from 1 to {most}")
    return value


def _rope(config: Mapping[str, Any]) -> dict[str, Any]:
    """Today's rope_parameters, or what older files say in rope_theta and rope_scaling."""
    stated = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    kind = stated.get("rope_type") or stated.get("type") or "default"
    if kind not in ROPE_TYPES:
        raise ValueError(f"its rope_type is {kind!r}, supported are {', '.join(ROPE_TYPES)}")
    theta = stated.get("rope_theta") or config.get("rope_theta") or 10_000.0
    needed = {name: float(stated[name]) for name in ROPE_TYPES[kind]}
    return {"rope_type": kind, "rope_theta": float(theta)} | needed
