"""The model: a frozen base from transformers, with a LoRA adapter from PEFT in fp32."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load, save
from transformers import GenerationConfig
from transformers.modeling_layers import GradientCheckpointingLayer

from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from training.data.batches import Batch, Length
from training.model.base import choose_precision, load_base, use_liger
from training.model.cross_entropy import Output, summed_cross_entropy, token_losses

ADAPTER_FILE = "adapter_model.safetensors"
#: What a saved adapter says it belongs to; PEFT would write the local path, which means nothing elsewhere.
BASE_NAME = "base-model"


def lora_config(hyperparameters: Hyperparameters) -> LoraConfig:
    """PEFT's settings for the job's."""
    alpha, modules = hyperparameters.lora_alpha, list(hyperparameters.target_modules)
    return LoraConfig(
        r=hyperparameters.lora_r,
        # Servers read it as a whole number, which it nearly always is.
        lora_alpha=int(alpha) if alpha.is_integer() else alpha,  # type: ignore[arg-type]
        lora_dropout=hyperparameters.lora_dropout,
        target_modules=None if modules == ["auto"] else modules[0] if modules == ["all-linear"] else modules,
        use_rslora=hyperparameters.use_rslora,
        use_dora=hyperparameters.use_dora,
        task_type="CAUSAL_LM",
    )


def adapted(base: Any, hyperparameters: Hyperparameters) -> Any:
    """Put an adapter into ``base``, in place, and return PEFT's model; the seed decides its start.

    Raises TrainingFailure for target modules that the base lacks.
    """
    base.name_or_path = BASE_NAME
    torch.manual_seed(hyperparameters.seed)  # the same in every process
    try:
        model = get_peft_model(base, lora_config(hyperparameters))
    except ValueError as error:
        raise TrainingFailure(
            f"the adapter does not fit a base of type {base.config.model_type} ({error})",
            where="target_modules",
            remedy="Set target_modules to layers that this base has, or to all-linear",
        ) from error
    model.config.use_cache = False
    for module in model.modules():
        if isinstance(module, LoraLayer):
            # Autocast brings the adapter to the base's format; PEFT would bring the base's to fp32.
            module.cast_input_dtype_enabled = False
    return model


class AdaptedModel:
    """A frozen base with one trainable adapter, and the passes that training and evaluation need.

    ``folder`` holds the base in Hugging Face layout. ``model`` is PEFT's model, ``precision`` the base's
    number format, ``kernels`` says which are used. ``sharded``: each process holds a part of the base, so
    that all must take part in each pass.
    """

    def __init__(
        self, folder: Path, hyperparameters: Hyperparameters, device: torch.device, world_size: int = 1
    ) -> None:
        self.device = device
        self.precision = choose_precision(hyperparameters.precision, device)
        base = load_base(folder, self.precision, device, hyperparameters)
        self.config: Any = base.config.get_text_config()
        self.kernels = use_liger(base, device)
        self.model = adapted(base, hyperparameters)
        self.sharded = hyperparameters.enable_fsdp and world_size > 1
        if self.sharded:
            self._shard()
        else:
            self.model.to(device)
        self._require_packing()

    @property
    def base(self) -> Any:
        """transformers' model, with the adapter in its layers."""
        return self.model.get_base_model()

    @property
    def decoder(self) -> Any:
        """transformers' embedding, layers and norm, without the output layer."""
        return self.base.get_decoder()

    @property
    def layers(self) -> int:
        """Number of the base's layers."""
        return len(layers_of(self.base))

    @property
    def max_positions(self) -> int:
        """The base's context in tokens."""
        return int(getattr(self.config, "max_position_embeddings", None) or 2048)

    @property
    def end_marks(self) -> list[int]:
        """Tokens that end what the base writes, by its generation_config.json."""
        marks = self.base.generation_config.eos_token_id
        return list(marks) if isinstance(marks, list) else [] if marks is None else [marks]

    @property
    def adapter(self) -> dict[str, torch.nn.Parameter]:
        """The trainable parameters by name: fp32, a few thousandths of the model."""
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}

    @property
    def parameters(self) -> int:
        """Number of the base's parameters."""
        everything: int = sum(p.numel() for p in self.model.parameters())
        return everything - sum(p.numel() for p in self.adapter.values())

    def loss(self, batch: Batch) -> torch.Tensor:
        """Summed cross-entropy of a batch in nats, differentiable for the adapter."""
        return summed_cross_entropy(self.hidden(batch), Output.of(self.base), batch.labels)

    @torch.no_grad()
    def token_losses(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of each predicted token in nats: fp32 [targets], row by row."""
        return token_losses(self.hidden(batch), Output.of(self.base), batch.labels)

    def hidden(self, batch: Batch) -> torch.Tensor:
        """Hidden states [B, T, D] of packed rows; no document attends to another."""
        return self._hidden(batch.input_ids, batch.position_ids, batch.document_lengths)

    @torch.no_grad()
    def generate(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, *, beginning: int = 0, **options: Any
    ) -> torch.Tensor:
        """Continue rows, int64 [B, T], padded on the left, by transformers' generate: [B, T and more].

        Rows with the same first ``beginning`` (< T) columns have them read once; the columns behind may be
        padded on their left too. ``options`` are those of GenerationConfig; what the base's own file of that
        kind says does not count.
        """
        every_word = {"top_k": 0} if options.get("do_sample") else {}  # transformers would sample from 50
        with self._autocast():
            known = {}
            if beginning and not self.sharded:  # processes that share a base must read equally often
                marked = input_ids.where(attention_mask > 0, -1)[:, :beginning]
                different, which = marked.unique(dim=0, return_inverse=True)  # type: ignore[no-untyped-call]
                seen = (different >= 0).long()
                known["past_key_values"] = self.decoder(
                    input_ids=different.clamp(min=0),
                    attention_mask=seen,
                    position_ids=(seen.cumsum(1) - 1).clamp(min=0),
                    use_cache=True,
                ).past_key_values
                known["past_key_values"].batch_select_indices(which)
            rows: torch.Tensor = self.model.generate(
                input_ids=input_ids,
                attention_mask=attention_mask,
                generation_config=GenerationConfig(
                    repetition_penalty=1.0, use_cache=True, **every_word, **options
                ),
                synced_gpus=self.sharded,
                **known,
            )
        return rows

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
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self._state().items()}
        (folder / ADAPTER_FILE).write_bytes(save(tensors, metadata={"format": "pt"}))
        config = self.model.peft_config["default"].to_dict() | {"inference_mode": True}
        # Settings that are not set are left out: versions of PEFT and of servers differ in which they know.
        stated = {name: value for name, value in config.items() if value is not None}
        text = json.dumps(stated, indent=2, sort_keys=True, default=_plain)
        (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")

    def load_adapter(self, folder: Path) -> str:
        """Load a saved adapter's weights in place of fresh ones; returns their SHA-256.

        Raises TrainingFailure where there are none, or they are of other layers or another rank.
        """
        file = folder / ADAPTER_FILE
        try:
            content = file.read_bytes()
            state = load(content)
        except (OSError, SafetensorError) as error:
            what, remedy = f"there is no readable adapter ({error})", "Unpack a job's model.tar.gz there"
            raise TrainingFailure(what, where=str(file), remedy=remedy) from error
        shapes = [{n: tensor.shape for n, tensor in tensors.items()} for tensors in (self._state(), state)]
        if shapes[0] != shapes[1]:
            raise TrainingFailure(
                "the adapter does not fit the base model and the settings",
                where=str(file),
                remedy="Give the job the base model, lora_r and target_modules that it was trained with",
            )
        set_peft_model_state_dict(self.model, state)
        return hashlib.sha256(content).hexdigest()

    def _state(self) -> dict[str, torch.Tensor]:
        state: dict[str, torch.Tensor] = get_peft_model_state_dict(self.model, save_embedding_layers=False)
        return state

    def _hidden(
        self, ids: torch.Tensor, positions: torch.Tensor, lengths: Sequence[Sequence[Length]]
    ) -> torch.Tensor:
        with self._autocast():
            hidden: torch.Tensor = self.decoder(
                input_ids=ids, position_ids=positions, document_lengths=lengths, use_cache=False
            ).last_hidden_state
        return hidden

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The fp32 adapter multiplies in the base's format, so that matrix kernels run at full speed."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    @torch.no_grad()
    def _require_packing(self) -> None:
        """Raise TrainingFailure for a family whose logits differ when two short documents share a row.

        That is so where a model does not use transformers' table of attention functions, or does more to its
        logits than :class:`Output` knows.
        """
        first, second = torch.arange(12, device=self.device).view(2, 6) % self.config.vocab_size
        places = torch.arange(6, device=self.device)
        with self.evaluating(adapter=False):
            with self._autocast():
                mask = torch.ones_like(second)[None]
                alone = self.base(input_ids=second[None], attention_mask=mask, use_cache=False).logits[0]
            packed = self._hidden(torch.cat([first, second])[None], places.repeat(2)[None], [[6, 6]])[0, 6:]
        difference = (Output.of(self.base).logits(packed) - alone.float()).norm() / alone.float().norm()
        tolerance = 1e-3 if self.precision == torch.float32 else 0.05  # bf16 rounds to 0.004
        if getattr(self.base.config, "quantization_config", None):
            tolerance = 0.2  # int8 rounds by the rest of the batch: 0.0035 for the shipped base
        if difference > tolerance:  # NaN is not: broken weights have their own message
            raise TrainingFailure(
                f"models of type {self.config.model_type} cannot be trained on packed rows here",
                where="channel model",
                remedy="Give a base of another family, such as Llama, Mistral, Qwen, Gemma or Phi",
            )

    def _shard(self) -> None:
        """Leave each process its part of every weight of the decoder (FSDP2), in place.

        The adapter stays whole everywhere: it is small, and its gradients are exchanged as without sharding.
        The output layer stays whole too: the loss reads its weight outside of any module's forward pass.
        Weights move to the device layer by layer, so no process ever holds the whole base there.
        """
        from torch.distributed.device_mesh import init_device_mesh  # only here: imports much
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(self.device.type, (torch.distributed.get_world_size(),))
        # With tied embeddings the output's weight is the embedding's.
        whole = {*self.adapter.values(), *self.base.get_output_embeddings().parameters()}
        for layer in layers_of(self.base):
            fully_shard(layer, mesh=mesh, ignored_params=whole)
        fully_shard(self.decoder, mesh=mesh, ignored_params=whole)
        for parameter in whole:
            parameter.data = parameter.data.to(self.device)
        for module in self.model.modules():
            for name, buffer in module.named_buffers(recurse=False):
                module._buffers[name] = buffer.to(self.device)  # rotary frequencies; not in the state dict


def layers_of(base: Any) -> list[Any]:
    """The layers of one of transformers' models that can be recomputed, in order."""
    return [module for module in base.modules() if isinstance(module, GradientCheckpointingLayer)]


def recompute(base: Any, count: int) -> None:
    """Let the first ``count`` layers of ``base`` keep only their input, and do the rest again in the backward
    pass."""
    if count:
        # transformers 5.23 gave the method a new name; AWS's image has the old one alone.
        enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    for number, layer in enumerate(layers_of(base)):
        layer.gradient_checkpointing = number < count


def _plain(value: object) -> object:
    """JSON for what PEFT's settings hold besides plain values."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value.value if isinstance(value, Enum) else str(value)
