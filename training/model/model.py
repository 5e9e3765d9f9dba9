"""A frozen base with its adapter, and the passes that training and evaluation make."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from training.data.batches import Batch
from training.model.cross_entropy import summed_cross_entropy, token_losses
from training.model.llama.attention import Attend, packed
from training.model.llama.config import LlamaConfig
from training.model.llama.decoder import Decoder
from training.model.llama.kernels import choose_kernels
from training.model.llama.loading import choose_precision, load_base
from training.model.llama.lora import ADAPTER_FILE, adapter_state, add_adapter, save_adapter
from training.model.sharding import shard_base
from training.model.weights import base_config


class AdaptedModel:
    """A frozen base with one trainable adapter, and the passes that training and evaluation need.

    ``folder`` holds the base in Hugging Face layout. ``base`` is the Llama with the adapter in it,
    ``precision`` the base's number format, ``kernels`` says which are used. ``sharded``: each process holds a
    part of the base, so that all must take part in each pass.
    """

    def __init__(
        self,
        folder: Path,
        hyperparameters: Hyperparameters,
        device: torch.device,
        world_size: int = 1,
    ) -> None:
        self.device = device
        self.config = LlamaConfig.of(base_config(folder))
        self.precision = choose_precision(hyperparameters.precision, device)
        kernels = choose_kernels(device)
        self.kernels = kernels.name
        self.base = load_base(
            folder,
            self.config,
            kernels=kernels,
            precision=self.precision,
            device=device,
            hyperparameters=hyperparameters,
        )
        self._adapted = add_adapter(self.base, hyperparameters)
        self._hyperparameters = hyperparameters
        self.sharded = hyperparameters.enable_fsdp and world_size > 1
        if self.sharded:
            shard_base(self.base, list(self.adapter.values()), device)
        else:
            self.base.to(device)

    @property
    def decoder(self) -> Decoder:
        """Embedding, layers and norm, without the output layer."""
        return self.base.model

    @property
    def layers(self) -> int:
        """Number of the base's layers."""
        return self.config.num_hidden_layers

    @property
    def max_positions(self) -> int:
        """The base's context in tokens."""
        return self.config.max_position_embeddings

    @property
    def adapter(self) -> dict[str, torch.nn.Parameter]:
        """The trainable parameters by name: fp32, a few thousandths of the model."""
        return {name: p for name, p in self.base.named_parameters() if p.requires_grad}

    @property
    def parameters(self) -> int:
        """Number of the base's parameters."""
        everything: int = sum(p.numel() for p in self.base.parameters())
        return everything - sum(p.numel() for p in self.adapter.values())

    def recompute(self, layers: int) -> None:
        """Recompute the first ``layers`` layers in the backward pass instead of keeping what they did."""
        self.decoder.recomputed = layers

    def loss(self, batch: Batch) -> torch.Tensor:
        """Summed cross-entropy of a batch in nats, differentiable for the adapter."""
        return summed_cross_entropy(self._hidden(batch), self.base.lm_head.weight, batch.labels)

    @torch.no_grad()
    def token_losses(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of each predicted token in nats: fp32 [targets], row by row."""
        return token_losses(self._hidden(batch), self.base.lm_head.weight, batch.labels)

    @torch.no_grad()
    def next_logits(
        self, input_ids: torch.Tensor, position_ids: torch.Tensor, attend: Attend
    ) -> torch.Tensor:
        """What follows the last of ``input_ids``, both int64 [B, T]: logits, fp32 [B, V]."""
        last = self.decoder(input_ids, position_ids, attend)[:, -1]
        logits: torch.Tensor = last @ self.base.lm_head.weight.t()
        return logits.float()

    @contextlib.contextmanager
    def evaluating(self, *, adapter: bool) -> Iterator[None]:
        """Without dropout; ``adapter`` False switches it off, which leaves exactly the base."""
        self.base.eval()
        try:
            for linear in self._adapted:
                linear.enabled = adapter
            yield
        finally:
            for linear in self._adapted:
                linear.enabled = True
            self.base.train()

    def save_adapter(self, folder: Path) -> None:
        """Write adapter_config.json and adapter_model.safetensors (PEFT's format), and nothing else."""
        save_adapter(self.base, self._hyperparameters, folder)

    @torch.no_grad()
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
        own = adapter_state(self.base)
        shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors in (own, state)]
        if shapes[0] != shapes[1]:
            raise TrainingFailure(
                "the adapter does not fit the base model and the settings",
                where=str(file),
                remedy="Give the job the base model, lora_r and target_modules that it was trained with",
            )
        for parameter, name in zip(self.adapter.values(), own, strict=True):
            parameter.copy_(state[name])
        return hashlib.sha256(content).hexdigest()

    def _hidden(self, batch: Batch) -> torch.Tensor:
        hidden: torch.Tensor = self.decoder(
            batch.input_ids, batch.position_ids, packed(batch.document_lengths)
        )
        return hidden
