"""Plans the memory of a training step, and how many layers are recomputed so that it fits.

The step is counted, not estimated: a model of two layers of the real size takes it on tensors that have sizes
and lifetimes but no numbers, so that nothing is computed and any family is counted alike. All further layers
need what the second does. Layers that do not fit are recomputed from their input, so that time is lost only
where memory is short. The command line asks here whether a job will fit at all.
"""

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM

from core.hyperparameters import Hyperparameters
from training.model.attention import PACKED
from training.model.cross_entropy import ChunkedCrossEntropy, Output
from training.model.model import adapted, layers_of, recompute
from training.model.weights import model_config

#: Share of free memory that is planned with: allocators lose some to fragments, and others use some.
USABLE = {"cuda": 0.92, "cpu": 0.8}
#: Part of a step's tensors that the allocator holds besides, in holes between them. glibc aligns tensors, so
#: that one seldom fits where another of its size was: 0.4 to 0.7 on the models of bench/training.py. To give
#: each hole back to the system at once costs up to a third of the processor time.
HOLES = {"cuda": 0.0, "cpu": 0.45}
FP32_BYTES = 4
_DEVICE_OF = torch.ops.prim.device.default


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages that operations made and something still holds; ``peak``: the most there were.

    What ``there`` holds, and views of it, does not count.
    """

    def __init__(self, there: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: int = 0
        self.peak: int = 0
        self._known = weakref.WeakSet(tensor.untyped_storage() for tensor in there)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is _DEVICE_OF and isinstance(args[0], FakeTensor):  # two calls of three
            return args[0].fake_device
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage() not in self._known:
                storage = tensor.untyped_storage()
                self._known.add(storage)
                weakref.finalize(storage, self._gone, storage.nbytes())
                self.live += storage.nbytes()
                self.peak = max(self.peak, self.live)
        return result

    def _gone(self, size: int) -> None:
        self.live -= size


@dataclass(frozen=True, slots=True)
class StepMemory:
    """Bytes that an optimizer step needs beyond weights and adapter, for a model of ``layers`` layers.

    A layer that is kept adds ``kept`` bytes to the ``beside_kept`` of everything else, one that is recomputed
    adds ``entrance`` bytes to ``beside_recomputed``. ``trainable``: numbers of the adapter.
    """

    layers: int
    trainable: int
    kept: int
    entrance: int
    beside_kept: int
    beside_recomputed: int

    def peak(self, recomputed: int) -> int:
        """The most bytes at a time, if the first ``recomputed`` layers are recomputed.

        That is before the backward pass, or in it, when the kept layers have left nothing but their adapters'
        gradients and moments, and a recomputed layer is there a second time.
        """
        others = self.layers - recomputed
        adapters = others * self.trainable // self.layers * 3 * FP32_BYTES
        before = self.beside_kept + others * self.kept if others else 0
        within = self.beside_recomputed + adapters if recomputed else 0
        return recomputed * self.entrance + max(before, within)


def count_step(
    config: Mapping[str, Any],
    hyperparameters: Hyperparameters,
    precision: torch.dtype,
    *,
    batch: int,
    length: int,
) -> StepMemory:
    """Count a step on ``batch`` full rows of ``length`` tokens for a base with this config.json.

    Raises TrainingFailure for a config.json that is of no causal language model.
    """
    # The second layer counts: where the input of the first needs no gradient, that one keeps less.
    model = fake_model(config, hyperparameters, precision, 2)
    second = layers_of(model.get_base_model())[1]
    entering: list[int] = []
    second.register_forward_pre_hook(lambda _, given: entering.append(given[0].nbytes))
    steps = []
    for recomputed in (1, 2):
        recompute(model.get_base_model(), recomputed)
        steps.append(simulate(model, packed_loss(model, precision, batch, length), batch, length))
    own, of_both = (sum(p.numel() for p in part.parameters() if p.requires_grad) for part in (second, model))
    layers = int(model_config(config).get_text_config().num_hidden_layers)
    entrance = entering[0] + 2 * own * FP32_BYTES  # its input, and the moments of its adapter
    kept = entrance + steps[0].between - steps[1].between  # what only a kept layer leaves comes on top
    return StepMemory(
        layers=layers,
        trainable=of_both + (layers - 2) * own,
        kept=kept,
        entrance=entrance,
        beside_kept=steps[0].peak - kept - entrance,
        beside_recomputed=steps[1].peak - 2 * entrance,
    )


def fake_model(
    config: Mapping[str, Any],
    hyperparameters: Hyperparameters,
    precision: torch.dtype,
    layers: int | None = None,
) -> Any:
    """PEFT's model for this config.json, without memory; with ``layers`` of that many layers."""
    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(
            model_config(config, layers), attn_implementation=PACKED, dtype=precision
        )
        return adapted(base.requires_grad_(False), hyperparameters)


def packed_loss(
    model: Any, precision: torch.dtype, batch: int, length: int
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The trainer's loss of full rows with one document each, as a function of their tokens."""
    base = model.get_base_model()

    def loss(ids: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            hidden = base.get_decoder()(
                input_ids=ids,
                position_ids=torch.arange(length).expand(batch, -1),
                document_lengths=[[length]] * batch,
                use_cache=False,
            ).last_hidden_state
        predicted = hidden.flatten(0, 1).clone()  # as choosing the positions with a target does
        total: torch.Tensor = ChunkedCrossEntropy.apply(predicted, Output.of(base), ids.flatten())  # type: ignore[no-untyped-call]
        return total

    return loss


class Simulated(NamedTuple):
    """Bytes of a step, without the weights: the most at a time, and those between its two passes."""

    peak: int
    between: int


def simulate(model: Any, loss: Callable[[torch.Tensor], torch.Tensor], batch: int, length: int) -> Simulated:
    """Count one step of a model without memory, AdamW's moments included."""
    with FakeTensorMode():
        _make_fake(model)
        with LiveBytes([*model.parameters(), *model.buffers()]) as counted:
            moments = [torch.zeros_like(p) for p in model.parameters() if p.requires_grad for _ in range(2)]
            lost = loss(torch.zeros(batch, length, dtype=torch.int64))
            between = counted.live
            lost.backward()  # type: ignore[no-untyped-call]
            del moments
    return Simulated(int(counted.peak), between)


def _make_fake(model: torch.nn.Module) -> None:
    """Give every parameter and buffer of a model without memory a fake one."""
    fakes: dict[torch.Tensor, torch.Tensor] = {}  # tied weights stay one
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    if tensor not in fakes:
                        fake = torch.empty(tensor.shape, dtype=tensor.dtype)
                        parameter = isinstance(tensor, torch.nn.Parameter)
                        fakes[tensor] = torch.nn.Parameter(fake, tensor.requires_grad) if parameter else fake
                    tensors[name] = fakes[tensor]  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """``recomputed``: how many of the first layers are recomputed; ``predicted``: the peak in bytes then."""

    recomputed: int
    predicted: int
    available: int

    @property
    def fits(self) -> bool:
        """Whether the predicted peak stays within what is available."""
        return self.predicted <= self.available


def plan_memory(
    step: StepMemory, *, used: int, free: int, usable: float, holes: float = 0.0, setting: str = "auto"
) -> MemoryPlan:
    """Recompute as few layers as possible; all or none where ``setting`` is "true" or "false".

    ``used``: bytes in use before the first batch (weights, adapter and program); ``free``: bytes that may
    still be used, of which the share ``usable`` is planned with; ``holes``: as in HOLES.
    """
    available = used + int(free * usable)
    choices = {"true": [step.layers], "false": [0]}.get(setting, list(range(step.layers + 1)))
    peaks = {number: used + round(step.peak(number) * (1 + holes)) for number in choices}
    best = next((number for number, peak in peaks.items() if peak <= available), None)
    chosen = min(choices, key=lambda number: peaks[number]) if best is None else best
    return MemoryPlan(chosen, peaks[chosen], available)


def describe_plan(plan: MemoryPlan, layers: int) -> str:
    """The choice in words, for the log."""
    gib = 1 << 30
    choice = f"{plan.recomputed} of {layers} layers are recomputed" if plan.recomputed else "no recomputation"
    short = "" if plan.fits else "; that may not fit, lower per_device_train_batch_size or max_input_length"
    return (
        f"{choice}: peak memory is predicted as {plan.predicted / gib:.2f} GiB"
        f" of {plan.available / gib:.2f} GiB{short}"
    )
