"""The base model's tokenizer: text to tokens and back, by the library of that name alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers

from core.failures import TrainingFailure
from training.model.weights import TOKENIZER_FILES, base_config


class Tokenizer:
    """Tokens without marks around them; which mark a text's start and end is for the caller to add.

    ``bos_token_id``, ``eos_token_id``: the marks, None where the model has none; ``pad_token_id``: what fills
    rows up.
    """

    def __init__(self, model: tokenizers.Tokenizer, marks: Mapping[str, int | None]) -> None:
        model.no_padding()
        model.no_truncation()
        self._model = model
        self.bos_token_id, self.eos_token_id = marks["bos"], marks["eos"]
        pad = marks["pad"] if marks["pad"] is not None else marks["eos"]
        self.pad_token_id: int = 0 if pad is None else pad

    def __len__(self) -> int:
        return self._model.get_vocab_size(with_added_tokens=True)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        return [each.ids for each in self._model.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode_prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text after the start mark."""
        start = [] if self.bos_token_id is None else [self.bos_token_id]
        return [start + tokens for tokens in self.encode(texts)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without marks."""
        return self._model.decode(list(tokens), skip_special_tokens=True)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer beside the weights. Raises TrainingFailure if it can name tokens that the model lacks."""
    config = base_config(folder)
    try:
        model = _model(folder)
        tokenizer = Tokenizer(model, _marks(folder, config, model))
    except Exception as error:  # the library raises what its formats happen to raise
        what, remedy = f"the tokenizer cannot be read ({error})", "Copy the model's own tokenizer files again"
        raise TrainingFailure(what, where="channel model", remedy=remedy) from error
    if len(tokenizer) > config.get("vocab_size", 0):
        what = f"the tokenizer knows {len(tokenizer)} tokens, the model {config.get('vocab_size')}"
        remedy = "Put the tokenizer that belongs to these weights beside them"
        raise TrainingFailure(what, where="channel model", remedy=remedy)
    return tokenizer


def _model(folder: Path) -> tokenizers.Tokenizer:
    fast, sentencepiece = (folder / name for name in TOKENIZER_FILES)
    if fast.is_file():
        return tokenizers.Tokenizer.from_file(str(fast))
    from transformers import AutoTokenizer  # reads SentencePiece's file; its import takes seconds

    converted: tokenizers.Tokenizer = AutoTokenizer.from_pretrained(sentencepiece.parent).backend_tokenizer
    return converted


def _marks(folder: Path, config: Mapping[str, Any], model: tokenizers.Tokenizer) -> dict[str, int | None]:
    """Start, end and padding: as the tokenizer's settings name them, else by config.json's numbers."""
    named: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        named |= json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    marks: dict[str, int | None] = {}
    for mark in ("bos", "eos", "pad"):
        stated = named.get(f"{mark}_token")
        text = stated.get("content") if isinstance(stated, dict) else stated
        known = model.token_to_id(text) if isinstance(text, str) else None
        number = config.get(f"{mark}_token_id")
        if isinstance(number, list):
            number = number[0] if number else None
        marks[mark] = number if known is None else known
    return marks
