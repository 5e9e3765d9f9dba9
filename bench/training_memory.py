"""Peak memory of a training step of Llama 2 7B, without a GPU: `python -m bench.training_memory`.

The step runs on PyTorch's fake tensors, which have sizes and lifetimes but no numbers, with every layer at
its real size; all storage that is alive is added up. Left out: what the CUDA context takes, fragments of the
allocator, and what a kernel needs inside itself. Beside ours, in the same run, Hugging Face's model with PEFT
as JumpStart's recipe has it, every layer recomputed (public logs tell a real peak of 17 GB on an A10G), and
without recomputation. Results: bench/results/training_memory.json.
"""

from dataclasses import asdict
from typing import Any

import torch

from bench import common
from bench.training_flops import LLAMA_2_7B
from core.hyperparameters import parse
from training.model.memory_plan import (
    USABLE,
    MemoryPlan,
    count_step,
    fake_model,
    packed_loss,
    plan_memory,
    simulate,
)
from training.model.model import recompute
from training.model.weights import model_config

GIB = 1 << 30
#: What an A10G (ml.g5.2xlarge) is planned with: 22.19 GiB usable, less the CUDA context.
G5_BYTES = int(21.5 * GIB)
CONFIG = {
    "model_type": "llama",
    "vocab_size": LLAMA_2_7B.vocabulary,
    "hidden_size": LLAMA_2_7B.hidden,
    "intermediate_size": LLAMA_2_7B.intermediate,
    "num_hidden_layers": LLAMA_2_7B.layers,
    "num_attention_heads": LLAMA_2_7B.heads,
    "max_position_embeddings": 4096,
}


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
    print(common.store("training_memory", result))


def planned(batch: int, length: int, recomputed: int | None = None) -> MemoryPlan:
    """The trainer's plan for 21.5 GiB; ``recomputed`` assumes that just this many layers are."""
    model = fake_model(CONFIG, parse({}), torch.bfloat16)
    weights = sum(p.nbytes for p in model.parameters())
    step = count_step(CONFIG, parse({}), torch.bfloat16, batch=batch, length=length)
    if recomputed is None:
        return plan_memory(step, used=weights, free=G5_BYTES - weights, usable=USABLE["cuda"])
    return MemoryPlan(recomputed, weights + step.peak(recomputed), G5_BYTES)


def ours(batch: int, length: int, recomputed: int) -> int:
    """Peak bytes of our second step (the first has no moments yet) with full rows of one document."""
    model = fake_model(CONFIG, parse({}), torch.bfloat16)
    recompute(model.get_base_model(), recomputed)
    weights = sum(p.nbytes for p in model.parameters())
    step = simulate(model, packed_loss(model, torch.bfloat16, batch, length), batch, length)
    return weights + step.peak


def hugging_face(batch: int, length: int, recomputing: bool) -> int:
    """Peak bytes of the same step by transformers' Llama with PEFT's LoRA, as Trainer runs it in bf16."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = model_config(CONFIG)
    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=torch.bfloat16)
        lora = LoraConfig(r=8, lora_alpha=32, lora_dropout=0.05, target_modules=["q_proj", "v_proj"])
        if recomputing:
            base.gradient_checkpointing_enable({"use_reentrant": False})
        model = get_peft_model(base, lora).train()

    def loss(ids: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            total: torch.Tensor = model(input_ids=ids, labels=ids, use_cache=False).loss
        return total

    return sum(p.nbytes for p in model.parameters()) + simulate(model, loss, batch, length).peak


def _gib(size: int) -> float:
    return round(size / GIB, 2)


if __name__ == "__main__":
    main()
