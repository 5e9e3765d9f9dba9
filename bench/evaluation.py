"""Measures the time that the evaluation takes: `python -m bench.evaluation`.

1. Scoring beside bare forward passes over the same tokens: `score()` (packing, masks, batches, losses of each
   document) against the plain transformers model on tensors made beforehand: logits only of the same packed
   rows; the same with transformers' own loss, since logits are no likelihoods; and logits only of the texts
   as they come, padded. In turns, several rounds; a ratio is that of the medians.
2. The whole evaluation of one model on the shipped sample, part by part, with all items.
3. What a held-out document takes: each is scored once by each model, and grows with its bytes.

For the shipped tiny base and a random Llama of 7 million parameters. One thread, processor seconds.
Results: bench/results/evaluation.json.
"""

from __future__ import annotations

import io
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from bench.common import ROOT, make_job, store
from core.hyperparameters import Hyperparameters
from training.data.batches import collate
from training.data.packing import Scored, TokenizedDocument, TokenizedDocuments, pack
from training.data.tokenizer import Tokenizer, load_tokenizer
from training.evaluation.asks import Continuation, Prompt
from training.evaluation.generation import Writer
from training.evaluation.measure import Yardstick, encode
from training.evaluation.scores import Score
from training.evaluation.scoring import score
from training.host.distributed import World
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.job.preparation import prepare, read_request
from training.model.model import AdaptedModel

ALONE = World(0, 1, torch.device("cpu"))
SETTINGS = {"learning_rate": "0.01", "max_input_length": "256", "evaluation_items": "-1"}
ROUNDS = 5
LENGTH, BATCH = 256, 4


def seconds(work: Callable[..., object], *given: Any, **options: Any) -> float:
    """Processor seconds of ``work`` on what is given."""
    started = time.process_time()
    work(*given, **options)
    return time.process_time() - started


def scored(model: AdaptedModel, documents: Sequence[Scored]) -> list[Score]:
    """The base's scores of documents."""
    return score(model, documents, adapter=False, length=LENGTH, batch_size=BATCH, world=ALONE)


def larger_base(folder: Path) -> Path:
    """The shipped tokenizer with random weights of a wider and deeper Llama."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((ROOT / "base_model" / name).read_bytes())
    shipped = LlamaConfig.from_pretrained(ROOT / "base_model")
    config = LlamaConfig(
        vocab_size=shipped.vocab_size,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=6,
        num_attention_heads=4,
        max_position_embeddings=shipped.max_position_embeddings,
        bos_token_id=shipped.bos_token_id,
        eos_token_id=shipped.eos_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def prepared(base: Path, folder: Path) -> tuple[AdaptedModel, Yardstick, Tokenizer]:
    """Model, yardstick and tokenizer as a job on the shipped sample has them."""
    request = read_request(Channels(make_job(folder, base, SETTINGS, ROOT / "finexpert" / "sample")))
    yardstick = prepare(request, ALONE, Events(stream=io.StringIO()), StopSignal()).yardstick
    model = AdaptedModel(request.weights, request.hyperparameters, ALONE.device)
    return model, yardstick, load_tokenizer(request.weights)


def asked(yardstick: Yardstick, name: str) -> list[Any]:
    """Everything that one metric asks, each once."""
    return list(dict.fromkeys(ask for item in yardstick.items[name].asked for ask in item.asks))


def beside(model: AdaptedModel, base: Path, documents: list[Scored]) -> dict[str, float]:
    """Scoring, and bare forward passes over the same tokens, in turns."""
    numbered = [
        TokenizedDocument(i, d.document.tokens, d.document.learn_from) for i, d in enumerate(documents)
    ]
    rows = pack(TokenizedDocuments.of(numbered), LENGTH)
    packed = [collate(rows[i : i + BATCH], ALONE.device) for i in range(0, len(rows), BATCH)]
    padded = [
        batch_of([list(d.tokens) for d in numbered[i : i + BATCH]]) for i in range(0, len(numbered), BATCH)
    ]
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=model.precision).eval()

    def forward(batches: list[dict[str, torch.Tensor]]) -> None:
        with torch.no_grad():
            for batch in batches:
                plain(**batch, use_cache=False)

    # transformers tells the documents of a row by where positions begin anew.
    bare = [{"input_ids": b.input_ids, "position_ids": b.position_ids} for b in packed]
    with_loss = [batch | {"labels": batch["input_ids"]} for batch in bare]
    ways: dict[str, Callable[[], object]] = {
        "score": lambda: scored(model, documents),
        "bare_packed": lambda: forward(bare),
        "loss_packed": lambda: forward(with_loss),
        "bare_padded": lambda: forward(padded),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            spent = seconds(way)
            if number:  # the first round warms up
                taken[name].append(spent)
    middle = {name: statistics.median(each) for name, each in taken.items()}
    return {
        "documents": len(documents),
        "tokens": sum(len(document.document.tokens) for document in documents),
        **{f"{name}_cpu_seconds": round(each, 3) for name, each in middle.items()},
        **{
            f"ratio_to_{name}": round(middle["score"] / each, 3)
            for name, each in middle.items()
            if name != "score"
        },
    }


def batch_of(texts: list[list[int]]) -> dict[str, torch.Tensor]:
    """Padded at the right to the longest."""
    width = max(map(len, texts))
    ids = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens in texts])
    mask = torch.tensor([[1] * len(tokens) + [0] * (width - len(tokens)) for tokens in texts])
    return {"input_ids": ids, "attention_mask": mask}


def parts(model: AdaptedModel, yardstick: Yardstick, tokenizer: Tokenizer) -> dict[str, float]:
    """Processor seconds of one model's evaluation, by metric; equal asks of two are counted with both."""
    spent = {"held_out": seconds(yardstick.watched_scores, model)}
    writer = Writer(
        tokenizer,
        seed=10,
        batch_size=Hyperparameters().per_device_eval_batch_size,
        world=ALONE,
        on_batch=lambda: None,
    )
    for metric in yardstick.metrics:
        asks = asked(yardstick, metric.name)
        texts = [ask for ask in asks if isinstance(ask, Continuation)]
        prompts = [ask for ask in asks if isinstance(ask, Prompt)]
        if texts:
            spent[metric.name] = seconds(lambda texts: scored(model, encode(texts, tokenizer)), texts)
        if prompts:
            spent[metric.name] = seconds(writer.write, model, prompts, adapter=False)
    spent["everything"] = seconds(yardstick.measure, model, adapter=False)
    return {name: round(value, 2) for name, value in spent.items()}


def held_out(model: AdaptedModel, yardstick: Yardstick) -> dict[str, float]:
    """Processor seconds of a held-out document of the sample, in one model."""
    documents = list(yardstick.held_out.values())
    taken = statistics.median(seconds(scored, model, documents) for _ in range(ROUNDS))
    size = sum(document.bytes for document in documents)
    return {
        "documents": len(documents),
        "bytes_each": round(size / len(documents)),
        "cpu_seconds_each": round(taken / len(documents), 4),
        "cpu_seconds_per_kilobyte": round(taken / size * 1000, 4),
    }


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, one thread",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "models": {},
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "larger").mkdir()
        for name, base in (("shipped", ROOT / "base_model"), ("random", larger_base(folder / "larger"))):
            model, yardstick, tokenizer = prepared(base, folder / name)
            entry: dict[str, Any] = {"parameters": model.parameters}
            text = encode(asked(yardstick, "general_bits_per_byte"), tokenizer)
            entry["scoring"] = {"text": beside(model, base, text)}
            if name == "shipped":
                choices = encode(asked(yardstick, "multiple_choice_accuracy"), tokenizer)
                entry["scoring"]["choices"] = beside(model, base, choices)
                entry["evaluation_cpu_seconds"] = parts(model, yardstick, tokenizer)
                entry["held_out"] = held_out(model, yardstick)
            result["models"][name] = entry
            print(name, json.dumps(entry, indent=1))
    store("evaluation", result)


if __name__ == "__main__":
    main()
