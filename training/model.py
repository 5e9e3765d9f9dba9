"""The model: a frozen Llama from transformers, with a LoRA adapter from PEFT in fp32."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load, save
from transformers import AutoTokenizer

from training.batches import Batch
from training.cross_entropy import summed_cross_entropy, token_losses
from training.failures import TrainingFailure
from training.frozen_base import choose_precision, load_base
from training.hyperparameters import Hyperparameters
from training.kernels import install
from training.sharding import shard_base

#: What a saved adapter says it belongs to; PEFT would write the local path, which means nothing elsewhere.
BASE_NAME = "base-model"
ADAPTER_FILE = "adapter_model.safetensors"


def load_tokenizer(folder: Path, config: dict[str, Any]) -> Any:
    """The tokenizer beside the weights. Raises TrainingFailure if it can name tokens that the model lacks."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # the library raises what its formats happen to raise
        what, remedy = f"the tokenizer cannot be read ({error})", "Copy the model's own tokenizer files again"
        raise TrainingFailure(what, where="channel model", remedy=remedy) from error
    if len(tokenizer) > config.get("vocab_size", 0):
        what = f"the tokenizer knows {len(tokenizer)} tokens, the model {config.get('vocab_size')}"
        remedy = "Put the tokenizer that belongs to these weights beside them"
        raise TrainingFailure(what, where="channel model", remedy=remedy)
    return tokenizer


class AdaptedModel:
    """A frozen base with one trainable adapter, and the passes that training and evaluation need.

    ``model`` is PEFT's model, ``max_positions`` the base's context in tokens, ``precision`` the base's
    number format, ``kernels`` says which are used. ``sharded``: each process holds a part of the base, so
    that all must take part in each pass.
    """

    def __init__(
        self, folder: Path, hyperparameters: Hyperparameters, device: torch.device, world_size: int = 1
    ) -> None:
        self.device = device
        self.precision = choose_precision(hyperparameters.precision, device)
        base = load_base(folder, self.precision, device, hyperparameters)
        base.name_or_path = BASE_NAME
        self.max_positions: int = base.config.max_position_embeddings
        self.kernels = install(base, device)
        # Servers read lora_alpha as a whole number, which it nearly always is.
        alpha: Any = (
            int(hyperparameters.lora_alpha)
            if hyperparameters.lora_alpha.is_integer()
            else hyperparameters.lora_alpha
        )
        config = LoraConfig(
            r=hyperparameters.lora_r,
            lora_alpha=alpha,
            lora_dropout=hyperparameters.lora_dropout,
            target_modules=list(hyperparameters.target_modules),
            use_rslora=hyperparameters.use_rslora,
            use_dora=hyperparameters.use_dora,
            task_type="CAUSAL_LM",
        )
        torch.manual_seed(hyperparameters.seed)  # the adapter's start is the same in every process
        self.model = get_peft_model(base, config)
        self.model.config.use_cache = False
        for module in self.model.modules():
            if isinstance(module, LoraLayer):
                # Autocast brings the adapter to the base's format; PEFT would bring the base's to fp32.
                module.cast_input_dtype_enabled = False
        self.sharded = hyperparameters.enable_fsdp and world_size > 1
        if self.sharded:
            shard_base(self.model, self.decoder, list(self.adapter.values()), device)
        else:
            self.model.to(device)

    @property
    def decoder(self) -> Any:
        """transformers' LlamaModel: embedding, layers and norm, without the output layer."""
        return self.model.get_base_model().model

    @property
    def layers(self) -> int:
        """Number of the base's layers."""
        return len(self.decoder.layers)

    @property
    def adapter(self) -> dict[str, torch.nn.Parameter]:
        """The trainable parameters by name: fp32, a few thousandths of the model."""
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}

    @property
    def parameters(self) -> int:
        """Number of the base's parameters."""
        everything: int = sum(p.numel() for p in self.model.parameters())
        return everything - sum(p.numel() for p in self.adapter.values())

    def recompute(self, layers: int) -> None:
        """Recompute the first ``layers`` layers in the backward pass instead of keeping what they did."""
        if layers:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
            for number, layer in enumerate(self.decoder.layers):
                layer.gradient_checkpointing = number < layers

    def loss(self, batch: Batch) -> torch.Tensor:
        """Summed cross-entropy of a batch in nats, differentiable for the adapter."""
        with self._autocast():
            hidden = self._hidden(batch)
        return summed_cross_entropy(hidden, self._output_weight, batch.labels)

    @torch.no_grad()
    def token_losses(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of each predicted token in nats: fp32 [targets], row by row."""
        with self._autocast():
            hidden = self._hidden(batch)
        return token_losses(hidden, self._output_weight, batch.labels)

    @contextlib.contextmanager
    def evaluating(self, *, adapter: bool) -> Iterator[None]:
        """Without dropout; ``adapter`` False switches it off, which leaves exactly the base."""
        self.model.eval()
        try:
            with contextlib.nullcontext() if adapter else self.model.disable_adapter():
                yield
        finally:
            self.model.train()

    def save_adapter(self, folder: Path) -> None:
        """Write adapter_config.json and adapter_model.safetensors (PEFT's format), and nothing else."""
        folder.mkdir(parents=True, exist_ok=True)
        state = get_peft_model_state_dict(self.model, save_embedding_layers=False)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        (folder / ADAPTER_FILE).write_bytes(save(tensors, metadata={"format": "pt"}))
        config = self.model.peft_config["default"].to_dict() | {"inference_mode": True}
        # Settings that are not set are left out: versions of PEFT and of servers differ in which they know.
        stated = {name: value for name, value in config.items() if value is not None}
        text = json.dumps(stated, indent=2, sort_keys=True, default=_plain)
        (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")

    def load_adapter(self, folder: Path) -> str:
        """Take up the weights of a saved adapter in place of fresh ones; gives their SHA-256.

        Raises TrainingFailure where there are none, or they are of other layers or another rank.
        """
        file = folder / ADAPTER_FILE
        try:
            content = file.read_bytes()
            state = load(content)
        except (OSError, SafetensorError) as error:
            what, remedy = f"there is no readable adapter ({error})", "Unpack a job's model.tar.gz there"
            raise TrainingFailure(what, where=str(file), remedy=remedy) from error
        own = get_peft_model_state_dict(self.model, save_embedding_layers=False)
        shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in (own, state)]
        if shapes[0] != shapes[1]:
            raise TrainingFailure(
                "the adapter does not fit the base model and the settings",
                where=str(file),
                remedy="Give the job the base model, lora_r and target_modules that it was trained with",
            )
        set_peft_model_state_dict(self.model, state)
        return hashlib.sha256(content).hexdigest()

    @property
    def _output_weight(self) -> torch.Tensor:
        weight: torch.Tensor = self.model.get_base_model().lm_head.weight
        return weight

    def _hidden(self, batch: Batch) -> torch.Tensor:
        hidden: torch.Tensor = self.decoder(
            input_ids=batch.input_ids,
            position_ids=batch.position_ids,
            document_lengths=batch.document_lengths,
        ).last_hidden_state
        return hidden

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The fp32 adapter multiplies in the base's format, so that matrix kernels run at full speed."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


def _plain(value: object) -> object:
    """JSON for what PEFT's settings hold besides plain values."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value.value if isinstance(value, Enum) else str(value)
