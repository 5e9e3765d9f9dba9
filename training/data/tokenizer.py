"""Text to tokens and back: documents get start and end, and prompts are marked as read only."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers

from core.dataset import Document
from core.dataset.documents import Message
from core.dataset.tokens import kept_of_prompt
from core.failures import TrainingFailure
from core.marks import MARK
from training.data.chat import CHAT_TEMPLATE, ChatTemplate, any_of
from training.data.packing import read_only

#: A longer text is tokenized in parts: a tokenizer without word boundaries (Llama 2's) holds many times a
#: text's size. Each seam, at white space, may cost one token more than the whole would have.
PART_CHARACTERS = 1 << 18
#: Most characters and most documents that are tokenized together.
BATCH_CHARACTERS = 1 << 20
BATCH_DOCUMENTS = 4096
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model")


class Tokenizer:
    """A base's tokenizer, as transformers loads it. A special token's name in a text stays plain text, and so
    does a mark such as </s> or <|user|> that the vocabulary holds as an ordinary token.

    ``start``: the tokens that it puts before a text, for the caller to add. ``eos_token_id`` ends a text;
    None where the model has no such token. ``pad_token_id`` fills rows up. ``chat``: how the base wants
    dialogs written, None where it does not say. ``files`` decide which tokens a text becomes.
    """

    chat: ChatTemplate | None = None
    files: Sequence[Path] = ()

    def __init__(self, loaded: Any, config: Mapping[str, Any]) -> None:
        """``config``: the base's config.json. The tokenizer may know more tokens than the model."""
        self._model: tokenizers.Tokenizer = loaded.backend_tokenizer
        self._model.no_padding()
        self._model.no_truncation()
        whole, plain = (self._model.encode("a", add_special_tokens=special).ids for special in (True, False))
        self.start: list[int] = whole[: whole.index(plain[0])] if plain else []
        # Some vocabularies hold such marks without saying that they are special.
        added = self._model.get_added_tokens_decoder().values()
        self._model.add_special_tokens([token for token in added if MARK.fullmatch(token.content)])
        self._model.encode_special_tokens = True

        def mark(name: str) -> int | None:
            """The tokenizer's own, else config.json's, if the model knows it."""
            stated = [getattr(loaded, name), config.get(name)]
            flat = [each for value in stated for each in (value if isinstance(value, list) else [value])]
            known = (
                each for each in flat if isinstance(each, int) and each < config.get("vocab_size", each + 1)
            )
            return next(known, None)

        self.eos_token_id, pad = mark("eos_token_id"), mark("pad_token_id")
        self.pad_token_id: int = pad if pad is not None else self.eos_token_id or 0

    def __len__(self) -> int:
        return self._model.get_vocab_size(with_added_tokens=True)

    @property
    def end_marks(self) -> list[int]:
        """The tokens that end a text, none or one."""
        return [] if self.eos_token_id is None else [self.eos_token_id]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, without marks around it."""
        return [each.ids for each in self._model.encode_batch_fast(list(texts), add_special_tokens=False)]

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """The characters (from, to) that each token of each text stands for."""
        return [each.offsets for each in self._model.encode_batch(list(texts), add_special_tokens=False)]

    def encode_prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text after the start mark."""
        return [self.start + tokens for tokens in self.encode(texts)]

    @property
    def special(self) -> dict[str, int]:
        """The special tokens by their text."""
        added = self._model.get_added_tokens_decoder()
        return {token.content: number for number, token in added.items() if token.special}

    def encode_dialog(self, messages: Sequence[Message]) -> list[tuple[list[int], list[int]]] | None:
        """(read, learned) tokens of each exchange by the base's chat template; None where it has none that
        takes this dialog."""
        special = self.special
        exchanges = self.chat.exchanges(messages, list(special)) if self.chat else None
        if exchanges is None:
            return None
        marks = any_of(special)

        def tokens(parts: Sequence[tuple[str, bool]]) -> list[int]:
            found: list[int] = []
            for text, of_template in parts:
                for place, piece in enumerate(marks.split(text) if of_template else [text]):
                    found += [special[piece]] if place % 2 else _encode([piece], self)[0]
            return found

        return [(tokens(read), tokens(learned)) for read, learned in exchanges]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without marks."""
        return self._model.decode(list(tokens), skip_special_tokens=True)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the tokenizer beside the weights; TrainingFailure if it cannot be read."""
    try:
        stated = _stated(folder / "config.json")
        loaded = _class_for(folder, stated).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        tokenizer = Tokenizer(loaded, stated)
        tokenizer.chat, tokenizer.files = ChatTemplate.beside(folder), tokenizer_files(folder)
        return tokenizer
    except Exception as error:  # the library raises what its formats happen to raise
        what, remedy = f"the tokenizer cannot be read ({error})", "Copy the model's own tokenizer files again"
        raise TrainingFailure(what, where="channel model", remedy=remedy) from error


def _class_for(folder: Path, config: Mapping[str, Any]) -> Any:
    """The class of transformers to load with: AutoTokenizer, which imports PyTorch and takes seconds.

    It would choose the plain class for a Llama whose files name that one, which this chooses in a moment.
    """
    named = _stated(folder / "tokenizer_config.json").get("tokenizer_class")
    if named == "TokenizersBackend" and config.get("model_type") == "llama":
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast
    from transformers import AutoTokenizer

    return AutoTokenizer


def _stated(file: Path) -> dict[str, Any]:
    """What a file in JSON states, nothing where there is no such file."""
    document = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not isinstance(document, dict):
        raise ValueError(f"{file.name} is not a JSON object")
    return document


def tokenizer_files(folder: Path) -> list[Path]:
    """The files that decide which tokens a text becomes."""
    return sorted(
        file
        for file in (*folder.glob("*token*"), folder / CHAT_TEMPLATE)
        if file.suffix in (".json", ".model", ".jinja") and file.is_file()
    )


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

    A dialog is written with the base's chat template; where it has none, every exchange has its own start and
    end, as Llama 2 was trained. A prompt that does not fit
    into a row of ``length`` with its answer loses its middle, start or end, as ``truncation`` says.
    """
    dialogs = [tokenizer.encode_dialog(each.messages) if each.messages else None for each in documents]
    others = [document for document, dialog in zip(documents, dialogs, strict=True) if dialog is None]
    texts = [text or "" for document in others for part in document.parts for text in part]
    encoded = iter(_encode(texts, tokenizer))
    start, end = read_only(tokenizer.start), tokenizer.end_marks
    tokens = []
    for document, dialog in zip(documents, dialogs, strict=True):
        whole: list[int] = []
        before, after = (start, end) if dialog is None else ([], [])
        for prompt, completion in dialog or [(next(encoded), next(encoded)) for _ in document.parts]:
            kept = prompt
            if length is not None:
                kept = _cut(prompt, kept_of_prompt(len(prompt), len(completion), length), truncation)
            whole += [*before, *read_only(kept), *completion, *after]
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


def token_spans(texts: Sequence[str], tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """The characters of each token of what a document teaches, as `encode` makes them.

    ``texts`` are learned in turn; places are those in the texts joined by a line break. (0, 0) for the end
    marks.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for text in texts:
        for part in _parts(text):
            spans += [(start + first, start + last) for first, last in tokenizer.spans([part])[0]]
            start += len(part)
        spans += [] if tokenizer.eos_token_id is None else [(0, 0)]
        start += 1
    return spans


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
