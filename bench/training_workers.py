"""One measured training run, in its own process: this project's loop, or Hugging Face's Trainer.

Both train the same adapter from the same start on the same rows in the same order: blocks of one length, as
JumpStart concatenates text. Figures are of this process: CPU seconds on a CPU, wall seconds on a GPU.
"""

import io
import time
from pathlib import Path
from typing import Any

from bench.training_flops import LlamaShape

LEARNING_RATE, WEIGHT_DECAY, SEED, WARM_UP_STEPS = 1e-4, 0.1, 10, 2


def make_base(folder: Path, shape: LlamaShape, *, half: bool, device: str) -> None:
    """Random weights of ``shape`` in Hugging Face layout (bf16 with ``half``, else fp32); no tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(SEED)
    config = AutoConfig.for_model(
        shape.family,
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value * shape.heads // shape.hidden,
        max_position_embeddings=4096,
    )
    torch.set_default_dtype(torch.bfloat16 if half else torch.float32)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config)
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)


def rows_of_tokens(count: int, length: int, vocabulary: int) -> Any:
    """``count`` rows of ``length`` random tokens, few of them frequent as in text: int64 [count, length]."""
    import numpy as np

    random = np.random.default_rng(SEED)
    return (random.zipf(1.3, (count, length)) % (vocabulary - 4) + 3).astype(np.int64)


class Timer:
    """Moments at which steps ended: CPU seconds of the process, or wall seconds once the GPU is done."""

    def __init__(self, cuda: bool) -> None:
        self._cuda = cuda
        self.moments: list[float] = []

    def now(self) -> float:
        """Seconds on the clock that counts."""
        if not self._cuda:
            return time.process_time()
        import torch

        torch.cuda.synchronize()
        return time.perf_counter()

    def tick(self) -> None:
        """A step has ended (or the first begins)."""
        self.moments.append(self.now())

    def seconds_per_step(self) -> float:
        """Median over the steps after the warm-up."""
        spans = [b - a for a, b in zip(self.moments, self.moments[1:], strict=False)][WARM_UP_STEPS:]
        return sorted(spans)[len(spans) // 2]


def ours(
    folder: Path, *, tokens: Any, batch: int, precision: str, dropout: float, cuda: bool
) -> dict[str, Any]:
    """This project's model and loop."""
    import torch

    from core.hyperparameters import parse
    from training.data.packing import TokenizedDocument, pack
    from training.host.distributed import World
    from training.loop.loop import Training, train
    from training.loop.schedule import plan
    from training.model.memory import fit_layers, peak_bytes
    from training.model.model import AdaptedModel

    torch.set_num_threads(1)
    steps = len(tokens) // batch
    hyperparameters = parse(_settings(batch, precision, dropout, steps))
    device = torch.device("cuda", 0) if cuda else torch.device("cpu")
    model = AdaptedModel(folder, hyperparameters, device)
    memory = fit_layers(model, hyperparameters, tokens.shape[1])
    rows = pack([TokenizedDocument(i, row) for i, row in enumerate(tokens)], tokens.shape[1])
    course = plan(len(rows), 1, hyperparameters)
    timer = Timer(cuda)
    timer.tick()
    started = time.process_time()
    events = _Ticking(timer)
    outcome = train(
        Training(
            model=model,
            rows=rows,
            plan=course,
            hyperparameters=hyperparameters,
            world=World(0, 1, device),
            events=events,
            checkpoint_folder=folder.with_name(f"{folder.name}-checkpoints"),
            fingerprint="",
            resumed=None,
            stop_requested=lambda: False,
            measure=dict,
        )
    )
    return {
        "start_cpu_seconds": started,
        "tokens_per_second": batch * tokens.shape[1] / timer.seconds_per_step(),
        "losses": [point["loss"] for point in outcome.curve],
        "recomputed_layers": memory.recomputed,
        "predicted_peak_gib": memory.predicted / 2**30,
        "peak_gib": peak_bytes(device) / 2**30,
        "kernels": model.kernels,
    }


def hugging_face(
    folder: Path, *, tokens: Any, batch: int, precision: str, dropout: float, cuda: bool, recompute: bool
) -> dict[str, Any]:
    """transformers' Trainer with PEFT, as JumpStart and most tutorials put them together."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    from core.hyperparameters import parse
    from training.loop.schedule import plan
    from training.model.memory import peak_bytes

    torch.set_num_threads(1)
    steps = len(tokens) // batch
    half = precision == "bf16"
    order = plan(len(tokens), 1, parse(_settings(batch, precision, dropout, steps)))
    rows = [row for step in range(steps) for row in order.rows_of(step)]
    base = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16 if half else torch.float32, attn_implementation="sdpa"
    )
    lora = LoraConfig(
        r=8, lora_alpha=32, lora_dropout=dropout, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    torch.manual_seed(SEED)
    model = get_peft_model(base, lora)
    timer = Timer(cuda)
    losses: list[float] = []
    started = 0.0

    class Ticking(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            nonlocal started
            started = time.process_time()
            timer.tick()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            timer.tick()

        def on_log(self, *_: Any, logs: dict[str, Any] | None = None, **__: Any) -> None:
            if logs and "loss" in logs:
                losses.append(float(logs["loss"]))

    class InOrder(Trainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)

    arguments = TrainingArguments(
        output_dir=str(folder.with_name(f"{folder.name}-trainer")),
        per_device_train_batch_size=batch,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        max_grad_norm=1.0,
        num_train_epochs=1,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=not cuda,
        bf16=half,
        optim="adamw_torch",
        disable_tqdm=True,
        gradient_checkpointing=recompute,
        gradient_checkpointing_kwargs={"use_reentrant": False} if recompute else None,
        remove_unused_columns=False,
    )
    data = [{"input_ids": torch.tensor(tokens[i]), "labels": torch.tensor(tokens[i])} for i in rows]
    InOrder(model=model, args=arguments, train_dataset=data, callbacks=[Ticking()]).train()
    device = torch.device("cuda", 0) if cuda else torch.device("cpu")
    return {
        "start_cpu_seconds": started,
        "tokens_per_second": batch * tokens.shape[1] / timer.seconds_per_step(),
        "losses": losses,
        "recomputed_layers": base.config.num_hidden_layers if recompute else 0,
        "peak_gib": peak_bytes(device) / 2**30,
    }


def _settings(batch: int, precision: str, dropout: float, steps: int) -> dict[str, str]:
    return {
        "per_device_train_batch_size": str(batch),
        "precision": precision,
        "lora_dropout": str(dropout),
        "learning_rate": str(LEARNING_RATE),
        "weight_decay": str(WEIGHT_DECAY),
        "warmup_ratio": "0",
        "epoch": "1",
        "seed": str(SEED),
        "save_steps": str(steps + 1),
    }


def _Ticking(timer: Timer) -> Any:
    """Events that are not printed; each step's is a tick of ``timer``."""
    from training.host.events import Events

    class Ticking(Events):
        def emit(self, event: str, **values: Any) -> None:
            super().emit(event, **values)
            if event == "step":
                timer.tick()

    return Ticking(stream=io.StringIO())
