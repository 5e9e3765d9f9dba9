"""Text to tokens and back: documents get start and end, and prompts are marked as read only."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers

from core.dataset import Document
from core.dataset.tokens import kept_of_prompt
from core.failures import TrainingFailure
from training.data.packing import read_only

#: A longer text is tokenized in parts: a tokenizer without word boundaries (Llama 2's) holds many times a
#: text's size. Each seam, at white space, may cost one token more than the whole would have.
PART_CHARACTERS = 1 << 18
#: Most characters and most documents that are tokenized together.
BATCH_CHARACTERS = 1 << 20
BATCH_DOCUMENTS = 4096
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model")


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
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        model = _model(folder)
        tokenizer = Tokenizer(model, _marks(folder, config, model))
    except Exception as error:  # the library raises what its formats happen to raise
        what, remedy = f"the tokenizer cannot be read ({error})", "Copy the model's own tokenizer files again"
        raise TrainingFailure(what, where="channel model", remedy=remedy) from error
    if len(tokenizer) > (most := config.get("vocab_size", len(tokenizer))):
        what = f"the tokenizer knows {len(tokenizer)} tokens, the model {most}"
        remedy = "Put the tokenizer that belongs to these weights beside them"
        raise TrainingFailure(what, where="channel model", remedy=remedy)
    return tokenizer


def tokenizer_files(folder: Path) -> list[Path]:
    """The files that decide which tokens a text becomes."""
    return sorted(
        file for file in folder.glob("*token*") if file.suffix in (".json", ".model") and file.is_file()
    )


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


def batches(documents: Iterable[tuple[bytes, Document]]) -> Iterator[list[tuple[bytes, Document]]]:
    """Documents (with their digests) in groups that fit into memory tokenized."""
    batch: list[tuple[bytes, Document]] = []
    characters = 0
    for digest, document in documents:
        batch.append((digest, document))
        characters += sum(len(read or "") + len(learned) for read, learned in document.parts)
        if characters >= BATCH_CHARACTERS or len(batch) >= BATCH_DOCUMENTS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def encode(
    documents: Sequence[Document], tokenizer: Tokenizer, length: int | None = None, truncation: str = "middle"
) -> list[list[int]]:
    """Tokens of each document; what is read only is stored as its complement (:mod:`training.data.packing`).

    Every exchange of a dialog has its own start and end, as Llama 2 was trained. A prompt that does not fit
    into a row of ``length`` with its answer loses its middle, start or end, as ``truncation`` says.
    """
    texts = [text or "" for document in documents for part in document.parts for text in part]
    encoded = iter(_encode(texts, tokenizer))
    start = [] if tokenizer.bos_token_id is None else [~tokenizer.bos_token_id]
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    tokens = []
    for document in documents:
        whole: list[int] = []
        for _ in document.parts:
            prompt, completion = next(encoded), next(encoded)
            if length is not None:
                prompt = _cut(prompt, kept_of_prompt(len(prompt), len(completion), length), truncation)
            whole += [*start, *read_only(prompt), *completion, *end]
        tokens.append(whole)
    return tokens


def _cut(tokens: list[int], kept: int, truncation: str) -> list[int]:
    first = {"middle": kept // 2, "start": 0, "end": kept}[truncation]
    return tokens if kept >= len(tokens) else tokens[:first] + tokens[len(tokens) - (kept - first) :]


def _encode(texts: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    parts = [_parts(text) for text in texts]
    flat = [part for each in parts for part in each]
    if not flat:
        return [[] for _ in texts]
    ids = iter(tokenizer.encode(flat))
    return [[token for _ in each for token in next(ids)] for each in parts]


def _parts(text: str) -> list[str]:
    """The text in parts of at most PART_CHARACTERS, cut before white space where there is any."""
    parts = []
    start = 0
    while len(text) - start > PART_CHARACTERS:
        end = start + PART_CHARACTERS
        space = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
        cut = space if space > start else end
        parts.append(text[start:cut])
        start = cut
    if start < len(text):
        parts.append(text[start:])
    return parts
