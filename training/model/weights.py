"""Looking at base weights before they are loaded: a wrong channel must say so within seconds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, __version__
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from core.failures import TrainingFailure
from training.data.tokenizer import TOKENIZER_FILES

#: More would take minutes to set up; the largest models have fewer than 200 layers and 1,000 experts.
_MOST_PARTS = 1024
_SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    *("num_local_experts", "num_experts", "n_routed_experts"),
)
#: Quantized weights have half a byte for each number, others more.
_NUMBERS_A_BYTE = 2
_FAMILIES = "Give weights of a causal language model, such as Llama, Mistral, Qwen, Gemma or Phi"
_FETCH = (
    "Give the model channel an uncompressed Hugging Face folder: config.json, *.safetensors, tokenizer files"
)


def inspect_weights(folder: Path) -> dict[str, Any]:
    """Check that ``folder`` holds a whole language model in Hugging Face layout, and return its config.json.

    Reads headers only. Raises TrainingFailure naming the file and what to do.
    """
    where = f"channel {folder.name}"
    if not folder.is_dir() or not any(folder.iterdir()):
        raise TrainingFailure("there are no base weights", where=where, remedy=_FETCH)
    config = base_config(folder)
    model_config(config)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        what = f"there is no tokenizer ({' or '.join(TOKENIZER_FILES)})"
        raise TrainingFailure(what, where=where, remedy="Put the model's tokenizer files beside its weights")
    expected = _indexed_files(folder, where)
    found = {file.name for file in folder.glob("*.safetensors")}
    if not found:
        raise TrainingFailure("there is no *.safetensors file", where=where, remedy=_FETCH)
    missing = sorted(expected - found)
    if missing:
        what = f"the index names files that are not there: {', '.join(missing)}"
        raise TrainingFailure(what, where=where, remedy="Copy the missing files to the base model's prefix")
    for name in sorted(expected or found):
        _check_header(folder / name, where)
    _require_numbers(config, sum(weight_files(folder).values()), where)
    return config


def weight_names(folder: Path) -> list[str]:
    """The files that hold the weights: those that the index names, or all there are."""
    named = _indexed_files(folder, f"channel {folder.name}")
    return sorted(named or {file.name for file in folder.glob("*.safetensors")})


def weight_files(folder: Path) -> dict[str, int]:
    """Names and sizes in bytes of the weights: enough to tell one base model from another."""
    return {file.name: file.stat().st_size for file in sorted(folder.glob("*.safetensors"))}


def base_config(folder: Path) -> dict[str, Any]:
    """The content of config.json; TrainingFailure if it cannot be read."""
    where = f"channel {folder.name}"
    try:
        text = (folder / "config.json").read_text(encoding="utf-8")
        config, problem = json.loads(text), "config.json is no JSON object"
    except FileNotFoundError:
        raise TrainingFailure("there is no config.json", where=where, remedy=_FETCH) from None
    except (ValueError, RecursionError) as error:
        config, problem = None, f"config.json cannot be read ({error})"
    if not isinstance(config, dict):
        raise TrainingFailure(problem, where=where, remedy="Copy it again")
    return config


def model_config(config: Mapping[str, Any], layers: int | None = None) -> Any:
    """transformers' configuration for the content of a config.json; with ``layers`` for that many layers.

    Raises TrainingFailure if it is of no causal language model, or says what cannot be.
    """
    values = dict(config)
    kind = values.pop("model_type", None)
    if not isinstance(kind, str) or kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        what = f"config.json says model_type {kind!r}, no causal model of transformers {__version__}"
        raise TrainingFailure(what, where="channel model", remedy=_FAMILIES)
    try:
        made = AutoConfig.for_model(kind, **values)
        text = made.get_text_config()
        for name in _SIZES:
            value: object = getattr(text, name, None)
            most = _MOST_PARTS if name.endswith(("layers", "experts")) else 1 << 20
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise ValueError(f"{name} is {value!r}, which is no number from 1 to {most}")
        heads, groups = text.num_attention_heads, getattr(text, "num_key_value_heads", None)
        if groups and heads % groups:
            raise ValueError(f"num_attention_heads {heads} is no multiple of num_key_value_heads {groups}")
        if layers is not None:
            text.num_hidden_layers = layers
            if types := getattr(text, "layer_types", None):  # full or sliding attention, by turns
                text.layer_types = (list(types) * layers)[:layers]
    except Exception as error:  # each family's class raises what it happens to raise
        raise _unusable(error) from error
    return made


def _require_numbers(config: Mapping[str, Any], held: int, where: str) -> None:
    """Refuse a config.json of a far larger model than the weights are: memory would be taken for all of it.

    ``held``: bytes of the weights.
    """
    first, second = (_numbers(config, layers) for layers in (1, 2))
    layers = int(model_config(config).get_text_config().num_hidden_layers)
    claimed = first + (layers - 1) * (second - first)
    if claimed > held * _NUMBERS_A_BYTE:
        what = f"config.json is of a model of {claimed:,} numbers, and the weights have {held:,} bytes"
        raise TrainingFailure(what, where=where, remedy="Put config.json and weights of one model together")


def _numbers(config: Mapping[str, Any], layers: int) -> int:
    """How many numbers a model of that many layers has; it is made without memory."""
    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(model_config(config, layers))
    except TrainingFailure:
        raise
    except Exception as error:  # each family's class raises what it happens to raise
        raise _unusable(error) from error
    return sum(parameter.numel() for parameter in model.parameters())


def _unusable(error: Exception) -> TrainingFailure:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return TrainingFailure(
        f"config.json cannot be used: {reason}",
        where="channel model",
        remedy="Copy config.json again, or give another base model",
    )


def _indexed_files(folder: Path, where: str) -> set[str]:
    """The files that a sharded checkpoint's index names; empty where there is no index."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return set()
    try:
        return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, RecursionError, KeyError, AttributeError, TypeError):
        raise TrainingFailure(f"{index.name} cannot be read", where=where, remedy="Copy it again") from None


def _check_header(file: Path, where: str) -> None:
    """Compare the size that a safetensors header promises with the file's: 8 bytes of length, JSON, data."""
    size = file.stat().st_size
    remedy = "The file was not copied whole; copy it again"
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(size - 8, 100 << 20):
                raise ValueError("its header is cut off")
            header = json.loads(stream.read(length))
        end = max(
            (entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0
        )
    except (ValueError, RecursionError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise TrainingFailure(
            f"{file.name} is no readable safetensors file ({error})", where=where, remedy=remedy
        ) from None
    if size != 8 + length + end:
        what = f"{file.name} has {size} bytes, but its header promises {8 + length + end}"
        raise TrainingFailure(what, where=where, remedy=remedy)
