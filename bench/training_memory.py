"""Peak memory of a training step of Llama 2 7B, without a GPU: `python bench/training_memory.py`.

The step runs on PyTorch's fake tensors, which have sizes and lifetimes but no numbers, with every layer at
its real size; whatever storage is alive is added up. Left out: what the CUDA context takes, fragments of the
allocator, and what a kernel needs inside itself. Beside ours, in the same run, Hugging Face's model with PEFT
as JumpStart's recipe has it, every layer recomputed (public logs tell a real peak of 17 GB on an A10G), and
without recomputation. Results: bench/results/training_memory.json.
"""

import json
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # the folder of this file has a module of the package's name

import torch  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from bench.training_flops import LLAMA_2_7B  # noqa: E402
from core.hyperparameters import Hyperparameters, parse  # noqa: E402
from training.model.cross_entropy import ChunkedCrossEntropy  # noqa: E402
from training.model.llama.attention import packed  # noqa: E402
from training.model.llama.config import LlamaConfig  # noqa: E402
from training.model.llama.decoder import Llama  # noqa: E402
from training.model.llama.kernels import Kernels  # noqa: E402
from training.model.llama.lora import add_adapter  # noqa: E402
from training.model.memory_plan import USABLE, LayerShape, MemoryPlan, plan_memory  # noqa: E402

RESULT = ROOT / "bench" / "results" / "training_memory.json"
GIB = 1 << 30
#: What an A10G (ml.g5.2xlarge) is planned with: 22.19 GiB usable, less the CUDA context.
G5_BYTES = int(21.5 * GIB)
CONFIG = {
    "vocab_size": LLAMA_2_7B.vocabulary,
    "hidden_size": LLAMA_2_7B.hidden,
    "intermediate_size": LLAMA_2_7B.intermediate,
    "num_hidden_layers": LLAMA_2_7B.layers,
    "num_attention_heads": LLAMA_2_7B.heads,
    "max_position_embeddings": 4096,
}


#: A model without memory, and its loss of some tokens, int64 [batch, length].
Prepared = tuple[torch.nn.Module, Callable[[torch.Tensor], torch.Tensor]]


class LiveBytes(TorchDispatchMode):
    """Adds up the storages that operations made and something still holds; ``peak``: the most there were."""

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
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


def main() -> None:
    """Simulate and write the results."""
    result: dict[str, Any] = {"torch": torch.__version__, "model": "Llama 2 7B, bf16, LoRA r=8 on q and v"}
    plan = planned(4, 1024)
    result["ours, 4 x 1024 tokens"] = {
        "plan for 21.5 GiB": asdict(plan),
        "by recomputed layers": {
            str(recomputed): {
                "predicted_gib": _gib(planned(4, 1024, recomputed).predicted),
                "simulated_gib": _gib(ours(4, 1024, recomputed)),
            }
            for recomputed in sorted({0, 8, plan.recomputed, 24, 32})
        },
    }
    result["Hugging Face + PEFT"] = {
        "4 x 1024 tokens, every layer recomputed (JumpStart's recipe)": _gib(hugging_face(4, 1024, True)),
        "1 x 2048 tokens, no recomputation": _gib(hugging_face(1, 2048, False)),
    }
    result["ours, 1 x 2048 tokens, no recomputation"] = _gib(ours(1, 2048, 0))
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def planned(batch: int, length: int, recomputed: int | None = None) -> MemoryPlan:
    """The trainer's plan for 21.5 GiB; with ``recomputed`` as if there were room for just so many layers."""
    settings = parse({})
    shape = LayerShape.of(LlamaConfig.of(CONFIG), settings, torch.bfloat16.itemsize)
    with torch.device("meta"):
        weights = sum(p.nbytes for p in _base(settings).parameters())

    def plan(free: int) -> MemoryPlan:
        return plan_memory(
            shape,
            batch_tokens=batch * length,
            trainable=shape.adapter_parameters(),
            used=weights,
            free=free,
            usable=USABLE["cuda"],
        )

    if recomputed is None:
        return plan(G5_BYTES - weights)
    return next(p for p in (plan(mib << 20) for mib in range(0, 64 << 10, 64)) if p.recomputed <= recomputed)


def ours(batch: int, length: int, recomputed: int) -> int:
    """Peak bytes of our second step (the first has no moments yet) with full rows of one document."""
    settings = parse({})

    def prepare() -> Prepared:
        base = _base(settings)
        base.model.recomputed = recomputed

        def loss(ids: torch.Tensor) -> torch.Tensor:
            positions = torch.arange(length).expand(batch, -1)
            hidden = base.model(ids, positions, packed([[length]] * batch)).flatten(0, 1)
            total: torch.Tensor = ChunkedCrossEntropy.apply(hidden, base.lm_head.weight, ids.flatten())  # type: ignore[no-untyped-call]
            return total

        return base, loss

    return _peak(prepare, batch, length)


def hugging_face(batch: int, length: int, recompute: bool) -> int:
    """Peak bytes of the same step by transformers' Llama with PEFT's LoRA, as Trainer runs it in bf16."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig as TheirConfig
    from transformers import LlamaForCausalLM

    def prepare() -> Prepared:
        with _bf16():
            base = LlamaForCausalLM(TheirConfig(**CONFIG, attn_implementation="sdpa"))
        lora = LoraConfig(r=8, lora_alpha=32, lora_dropout=0.05, target_modules=["q_proj", "v_proj"])
        if recompute:
            base.gradient_checkpointing_enable({"use_reentrant": False})
        model = get_peft_model(base, lora).train()

        def loss(ids: torch.Tensor) -> torch.Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                total: torch.Tensor = model(input_ids=ids, labels=ids, use_cache=False).loss
            return total

        return model, loss

    return _peak(prepare, batch, length)


@contextmanager
def _bf16() -> Iterator[None]:
    """Whatever is made has bf16 numbers."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _base(settings: Hyperparameters) -> Llama:
    with _bf16():
        base = Llama(LlamaConfig.of(CONFIG), Kernels()).requires_grad_(False)
    add_adapter(base, settings)
    return base


def _peak(prepare: Callable[[], Prepared], batch: int, length: int) -> int:
    with torch.device("meta"):
        model, loss = prepare()
    with FakeTensorMode(), LiveBytes() as bytes_:
        _make_fake(model)
        trained = [p for p in model.parameters() if p.requires_grad]
        moments = [torch.zeros_like(p) for p in trained for _ in range(2)]
        ids = torch.zeros(batch, length, dtype=torch.int64)
        loss(ids).backward()  # type: ignore[no-untyped-call]
        del moments
    return bytes_.peak


def _make_fake(model: torch.nn.Module) -> None:
    """Give every parameter and buffer of a model without memory a fake one."""
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    fake = torch.empty(tensor.shape, dtype=tensor.dtype)
                    if isinstance(tensor, torch.nn.Parameter):
                        fake = torch.nn.Parameter(fake, tensor.requires_grad)
                    tensors[name] = fake  # type: ignore[assignment]


def _gib(size: int) -> float:
    return round(size / GIB, 2)


if __name__ == "__main__":
    main()
