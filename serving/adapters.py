"""LoRA adapters: which settings of one are taken, and how it gets into the model.

PEFT believes its settings file. One that a stranger wrote may change the base's weights
(`init_lora_weights`), match layers by an expression that never ends (`target_modules`), or copy layers until
memory is full. So the few settings that an answer needs are read here, within bounds, and PEFT gets these
alone.
"""

import json
import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError, safe_open

# Weights as pickles (adapter_model.bin), which PEFT would take as well, may run a stranger's code.
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
MOST_CONFIG_BYTES, MOST_MODULES, MOST_ALPHA = 1 << 20, 1000, 65_536.0
PEFTS_ALPHA = 8  # of an adapter that states none
LAYER = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
TAKEN = {"r", "lora_alpha", "target_modules", "use_rslora"}
#: The adapter's origin, and what only a training needs: the server does not read these.
WITHOUT_EFFECT = {
    *("peft_type", "peft_version", "task_type", "auto_mapping", "base_model_name_or_path", "revision"),
    *("inference_mode", "lora_dropout", "init_lora_weights", "megatron_core", "qalora_group_size"),
}
LOADING_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError)


class AdapterError(ValueError):
    """The adapter cannot be loaded; the message says why."""


def read_config(folder: Path, *, most_rank: int, layers: Collection[str]) -> LoraConfig:
    """Read an adapter's settings file.

    Args:
        most_rank: the highest rank that is taken.
        layers: full names of the base's linear layers, without any adapter.

    Raises:
        AdapterError: a file is missing or broken, or a setting is not one that can be served.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise AdapterError(f"There is no PEFT adapter in {folder}: {name} is missing.")
    stated = _object(folder / CONFIG)
    if stated.get("peft_type") != "LORA":
        raise AdapterError(f"The adapter in {folder} is not a LoRA adapter.")
    if stated.get("use_dora"):
        raise AdapterError(f"The adapter in {folder} is a DoRA adapter, which vLLM does not load.")
    others = {name: value for name, value in stated.items() if name not in TAKEN | WITHOUT_EFFECT}
    unusual = sorted(name for name, value in others.items() if value and value != "none")
    if unusual:
        raise AdapterError(f"The adapter's settings have {unusual[0]}, which is not served here.")
    rank, alpha = stated.get("r"), stated.get("lora_alpha", PEFTS_ALPHA)
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise AdapterError("The adapter's rank (r) must be a whole number of 1 or more.")
    if rank > most_rank:
        raise AdapterError(f"The adapter's rank is {rank}; OPTION_MAX_LORA_RANK allows {most_rank}.")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha <= MOST_ALPHA:
        raise AdapterError(f"The adapter's lora_alpha must be a number above 0, at most {MOST_ALPHA:g}.")
    use_rslora = stated.get("use_rslora", False)
    if not isinstance(use_rslora, bool):
        raise AdapterError("The adapter's use_rslora must be true or false.")
    return LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # PEFT takes fractions
        target_modules=_targets(stated.get("target_modules"), layers),
        use_rslora=use_rslora,
        task_type="CAUSAL_LM",
        inference_mode=True,
    )


def add(model: Any, name: str, folder: Path, config: LoraConfig) -> Any:
    """Return the model with one more adapter: a PeftModel, also where it was none before.

    Raises:
        AdapterError: the weights do not fit; the model is then as it was.
    """
    first = not isinstance(model, PeftModel)
    try:
        if first:
            model = PeftModel(model, config, adapter_name=name)
        else:
            model.add_adapter(name, config)
        set_peft_model_state_dict(model, _weights(folder, model, name), adapter_name=name)
    except LOADING_ERRORS as error:
        if isinstance(model, PeftModel) and name in model.peft_config:
            remove(model, name)
        raise AdapterError(str(error)) from error
    return model.eval()


def remove(model: PeftModel, name: str) -> Any:
    """Return the model without an adapter; without its last one it is the base as it was before."""
    if len(model.peft_config) > 1:
        model.delete_adapter(name)
        return model
    base = model.unload()
    if hasattr(base, "peft_config"):  # PEFT's own mark
        del base.peft_config
    return base


def _object(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_CONFIG_BYTES + 1)
        stated = json.loads(content) if len(content) <= MOST_CONFIG_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError(f"{file} cannot be read: {error}") from error
    if not isinstance(stated, dict):
        raise AdapterError(f"{file} is not a JSON object of at most {MOST_CONFIG_BYTES:,} bytes.")
    return stated


def _targets(stated: Any, layers: Collection[str]) -> list[str]:
    """Names of layers, each of which the base has; never an expression."""
    if not isinstance(stated, list) or not 0 < len(stated) <= MOST_MODULES:
        raise AdapterError(
            f"The adapter's target_modules must be a list of 1 to {MOST_MODULES} layers' names."
        )
    for name in stated:
        if not isinstance(name, str) or not LAYER.fullmatch(name):
            raise AdapterError(f"The adapter's target_modules hold {name!r:.80}, which is no layer's name.")
        if not any(f".{layer}".endswith(f".{name}") for layer in layers):
            raise AdapterError(f"The adapter is for another model: the base has no linear layer {name:.80}.")
    return stated


def _weights(folder: Path, model: Any, name: str) -> dict[str, Any]:
    """The adapter's tensors, whose names and shapes must be exactly those that its settings lead to."""
    wanted = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    with safe_open(folder / WEIGHTS, framework="pt") as file:  # a map: nothing is read yet
        found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        for key, tensor in wanted.items():
            if found.pop(key, None) != tuple(tensor.shape):
                raise AdapterError(f"{key} is missing or has another shape")
        if found:
            raise AdapterError(f"{next(iter(found))} belongs to no layer of the base")
        tensors = {key: file.get_tensor(key) for key in wanted}
    broken = [key for key, tensor in tensors.items() if not math.isfinite(float(tensor.float().abs().sum()))]
    if broken:
        raise AdapterError(f"{broken[0]} holds values that are no finite numbers")
    return tensors
