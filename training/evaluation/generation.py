"""What base and tuned model write to the same prompts, greedy and sampled, and how repetitive it is."""

from collections.abc import Sequence
from typing import Any

import torch

from training.model import AdaptedModel

#: The prompts shown before and after; unfinished sentences of an options study, to be completed.
PROMPTS = (
    "The investment tests performed indicate",
    "the relative volume for the long out of the money options, indicates",
    "The results for the short in the money options",
    "The results are encouraging for aggressive investors",
)
NEW_TOKENS = 64
TEMPERATURE, TOP_P = 0.8, 0.95
#: Repetition counts stretches of so many words that occurred before in the same text.
WORDS = 3


def complete(
    model: AdaptedModel,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    adapter: bool,
    sampled: bool,
    seed: int,
) -> list[str]:
    """Continue all prompts by up to NEW_TOKENS tokens in one batch; sampling is reproducible by ``seed``."""
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    room = max(model.max_positions - NEW_TOKENS, 1)
    encoded = [tokenizer(prompt)["input_ids"][-room:] for prompt in prompts]
    width = max(map(len, encoded))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in encoded], device=model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded], device=model.device)
    options: dict[str, Any] = {"do_sample": False}
    if sampled:
        options = {"do_sample": True, "temperature": TEMPERATURE, "top_p": TOP_P, "top_k": 0}
    torch.manual_seed(seed)
    with model.evaluating(adapter=adapter), torch.no_grad():
        written = model.model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=NEW_TOKENS,
            pad_token_id=pad,
            use_cache=True,
            **options,
        )
    return [tokenizer.decode(row[width:], skip_special_tokens=True).strip() for row in written]


def repetition(text: str) -> float:
    """Share of three-word stretches that stood in the text before: 0 = none, near 1 = a broken record."""
    words = text.lower().split()
    stretches = [tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)]
    return 1 - len(set(stretches)) / len(stretches) if stretches else 0.0
