"""From text to tokens: documents with the model's start and end, prompts marked as read only."""

from collections.abc import Iterable, Iterator, Sequence

from core.dataset import Document
from training.data.packing import read_only
from training.data.tokenizer import Tokenizer

#: A longer text is tokenized in parts: a tokenizer without word boundaries (Llama 2's) holds many times a
#: text's size. Each seam, at white space, may cost one token more than the whole would have.
PART_CHARACTERS = 1 << 18
#: Documents are tokenized together up to so many characters.
BATCH_CHARACTERS = 1 << 20
BATCH_DOCUMENTS = 4096


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


def encode(documents: Sequence[Document], tokenizer: Tokenizer) -> list[list[int]]:
    """Tokens of each document; what is read only is stored as its complement (:mod:`training.data.packing`).

    Every exchange of a dialog has a start and an end of its own, as Llama 2 was trained.
    """
    texts = [text or "" for document in documents for part in document.parts for text in part]
    encoded = iter(_encode(texts, tokenizer))
    start = [] if tokenizer.bos_token_id is None else [~tokenizer.bos_token_id]
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    tokens = []
    for document in documents:
        whole: list[int] = []
        for _ in document.parts:
            whole += [*start, *read_only(next(encoded)), *next(encoded), *end]
        tokens.append(whole)
    return tokens


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
