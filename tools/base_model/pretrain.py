"""The tiny Llama itself: tokenizer, shape and pre-training, deterministic for one kind of CPU."""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

BOS, EOS, PAD = "<s>", "</s>", "<pad>"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Shape and schedule; the defaults give the shipped checkpoint. Lengths in tokens."""

    vocabulary: int = 4096
    hidden: int = 128
    feed_forward: int = 352
    layers: int = 4
    heads: int = 4
    context: int = 512
    corpus_bytes: int = 20_000_000
    paragraphs: int = 6
    tokens_per_step: int = 4096
    steps: int = 900
    learning_rate: float = 6e-3
    warmup_steps: int = 60
    weight_decay: float = 0.1
    seed: int = 0


def train_tokenizer(documents: Sequence[str], recipe: Recipe) -> PreTrainedTokenizerFast:
    """Byte-level BPE with every digit on its own (as Llama 2 splits figures) and <s> before each text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        padding_side="left",
        model_max_length=recipe.context,
        clean_up_tokenization_spaces=False,
    )


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama with tied embeddings and random weights drawn from the recipe's seed."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def joined(documents: Sequence[str], paragraphs: int) -> list[str]:
    """Join ``paragraphs`` documents into one: from single ones a model learns to end early."""
    return ["\n".join(documents[i : i + paragraphs]) for i in range(0, len(documents), paragraphs)]


def token_stream(documents: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    """All documents one after the other, each as <s> … </s>: int64, [tokens]."""
    encoded: list[list[int]] = tokenizer(list(documents), verbose=False)["input_ids"]
    eos: int = tokenizer.eos_token_id
    return torch.tensor([token for ids in encoded for token in (*ids, eos)])


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to a tenth."""
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    return recipe.learning_rate * warm * (0.1 + 0.45 * (1 + math.cos(math.pi * step / recipe.steps)))


def pretrain(
    model: LlamaForCausalLM, tokens: torch.Tensor, recipe: Recipe, *, steps: int | None = None
) -> list[float]:
    """Train on windows drawn at random from ``tokens``; gives the loss (nats a token) of every step.

    ``steps`` stops earlier on the same course: what a test compares.
    """
    chance = torch.Generator().manual_seed(recipe.seed)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    scales = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": scales, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.95))
    model.train()
    losses: list[float] = []
    started = time.monotonic()
    for step in range(recipe.steps if steps is None else steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        # Mostly half the context, which costs less and holds most documents; the rest teaches far positions.
        window = recipe.context if step % 4 == 3 else recipe.context // 2
        count = (recipe.tokens_per_step // window,)
        starts = torch.randint(0, len(tokens) - window - 1, count, generator=chance)
        rows = torch.stack([tokens[start : start + window + 1] for start in starts.tolist()])
        loss = _loss(model, rows)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            average = sum(losses[-50:]) / 50
            print(
                f"step {step + 1}/{recipe.steps} loss {average:.3f} {time.monotonic() - started:.0f} s",
                flush=True,
            )
    return losses


def _loss(model: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of ``rows`` [batch, window + 1]."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(rows[:, :-1]).logits
    return F.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())


def bits_per_byte(
    model: LlamaForCausalLM, documents: Sequence[str], tokenizer: PreTrainedTokenizerFast
) -> float:
    """Bits a byte of ``documents``, taken one by one, ends included."""
    model.eval()
    nats = 0.0
    with torch.no_grad():
        for document in documents:
            row = token_stream([document], tokenizer)[: model.config.max_position_embeddings][None]
            nats += F.cross_entropy(model(row[:, :-1]).logits[0].float(), row[0, 1:], reduction="sum").item()
    return nats / math.log(2) / sum(len(document.encode()) for document in documents)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the Hugging Face layout, weights in bf16, without trace of where it was made."""
    folder.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
