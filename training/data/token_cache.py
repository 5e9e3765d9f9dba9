"""The tokens of a dataset on disk, mapped into memory: text is read and tokenized once on each host.

A folder ``tokens-KEY`` in the job's scratch has ``tokens.bin`` (2 or 4 bytes a token, prompts as
complements), ``documents.bin`` (a RECORD a document) and ``dataset.json``. KEY comes from the files' content,
the tokenizer and how records are read, so changed data or another base never meets old tokens. The first
process makes it under a lock, the others wait and map it. The lock goes free when its process dies.

Only the digests that find repeated documents grow with the text (:class:`core.dataset.Intake`). The pages
of a mapped file count as memory of the process, but the system takes them back whenever it needs room.
"""

import errno
import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.dataset import DatasetError, Document, Intake, Origin, Question, Source
from core.dataset.split import ALONE
from core.hyperparameters import Hyperparameters
from training.data.packing import TokenizedDocuments
from training.data.tokenizer import Tokenizer, batches, encode

#: Raised when what is stored changes its meaning.
FORMAT = 3
#: Of one document: where its tokens end, how many are predicted, the size in bytes of what is predicted and
#: of all, and where it came from (source, task and group are numbers into dataset.json's lists; group ALONE =
#: none).
RECORD = np.dtype(
    [
        ("end", "<i8"),
        ("targets", "<i4"),
        ("learned_bytes", "<i4"),
        ("bytes", "<i4"),
        ("source", "<i4"),
        ("task", "<i4"),
        ("group", "<i4"),
        ("index", "<i8"),
        ("digest", "V16"),
    ]
)
#: Settings that decide how a file becomes documents.
_READING = (
    *("instruction_tuned", "chat_dataset", "add_input_output_demarcation_key"),
    *("text_column", "prompt_column", "completion_column", "prompt_truncation"),
)
_WAIT_SECONDS = 0.2
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of reading the dataset; ``held_out`` documents come first where a validation side was given
    (else None)."""

    files: int
    empty: int
    duplicates: int
    leaked: int
    held_out: int | None
    tasks: tuple[str, ...]
    notes: tuple[str, ...]


class TokenCache:
    """A finished cache, mapped: documents by number, in the order in which they were read."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        counts = about["counts"]
        self.counts = Counts(**counts | {"tasks": tuple(counts["tasks"]), "notes": tuple(counts["notes"])})
        self.questions = tuple(_question(values) for values in about["questions"])
        self._sources: list[str] = about["sources"]
        self._groups: list[str] = about["groups"]
        self.records = _mapped(folder / "documents.bin", RECORD)
        self._tokens = _mapped(folder / "tokens.bin", np.dtype(about["token"]))

    def __len__(self) -> int:
        return len(self.records)

    def digests(self) -> Iterator[bytes]:
        """The digest of each document in turn."""
        return (bytes(digest) for digest in self.records["digest"])

    def documents(self, numbers: npt.NDArray[np.int64]) -> TokenizedDocuments:
        """Tokens of some documents, which keep their numbers."""
        ends = self.records["end"]
        starts = np.where(numbers > 0, ends[numbers - 1], 0)
        return TokenizedDocuments(
            self._tokens, starts, ends[numbers], numbers.astype(np.int32), self.records["targets"][numbers]
        )

    def size(self, numbers: npt.NDArray[np.int64]) -> int:
        """Tokens of some documents together."""
        documents = self.documents(numbers)
        return int((documents.ends - documents.starts).sum())

    @property
    def largest(self) -> int:
        """The largest token; read from disk, in blocks."""
        blocks = (self._tokens[at : at + _BLOCK] for at in range(0, len(self._tokens), _BLOCK))
        return max((int(max(block.max(), ~block.min())) for block in blocks), default=0)

    def origin(self, number: int) -> Origin:
        """The place of a document."""
        record = self.records[number]
        return Origin(
            self._sources[record["source"]], int(record["index"]), self.counts.tasks[record["task"]]
        )

    def group(self, number: int) -> str:
        """The group that a document's record names, "" = none."""
        group = int(self.records["group"][number])
        return "" if group == ALONE else self._groups[group]


def open_tokens(
    training: Sequence[Source],
    validation: Sequence[Source] | None,
    hyperparameters: Hyperparameters,
    tokenizer: Tokenizer,
    *,
    scratch: Path,
    length: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> TokenCache:
    """The dataset's tokens, made if they are not there yet. ``length``: of the rows, for prompts to fit.

    ``check`` is called now and then and may raise to end the work. Raises DatasetError with all problems of
    the text.
    """
    key = _key(training, validation, hyperparameters, tokenizer.files, length)
    scratch.mkdir(parents=True, exist_ok=True)
    folder = scratch / f"tokens-{key}"
    with _alone(scratch / "tokens.lock", check):
        if not folder.is_dir():
            for old in scratch.glob("*tokens-*"):
                shutil.rmtree(old)
            unfinished = scratch / f".{folder.name}"
            try:
                intake = Intake(training, validation, hyperparameters)
                fitted = partial(encode, length=length, truncation=hyperparameters.prompt_truncation)
                _write(unfinished, intake, tokenizer, fitted, check)
                unfinished.rename(folder)
            except OSError as error:
                if error.errno == errno.ENOSPC and not error.filename:
                    error.filename = str(unfinished)
                raise
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return TokenCache(folder)


def _write(
    folder: Path,
    intake: Intake,
    tokenizer: Tokenizer,
    encoded_as: Callable[[Sequence[Document], Tokenizer], list[list[int]]],
    check: Callable[[], None],
) -> None:
    folder.mkdir()
    token = np.dtype("<i2" if len(tokenizer) <= 1 << 15 else "<i4")
    sources: dict[str, int] = {}
    groups: dict[str, int] = {}
    tasks: dict[str, int] = {task: number for number, task in enumerate(intake.tasks)}
    end = 0
    with (folder / "tokens.bin").open("wb") as tokens_file, (folder / "documents.bin").open("wb") as records:
        for batch in batches(intake):
            check()
            documents = [document for _, document in batch]
            encoded = [np.array(tokens, token) for tokens in encoded_as(documents, tokenizer)]
            ends = end + np.cumsum([len(tokens) for tokens in encoded])
            end = int(ends[-1])
            np.concatenate(encoded).tofile(tokens_file)
            rows = [
                (
                    document_end,
                    int((tokens[1:] >= 0).sum()),
                    sum(len(learned.encode()) for _, learned in document.parts),
                    document.size,
                    sources.setdefault(document.source, len(sources)),
                    tasks[document.task],
                    groups.setdefault(document.group, len(groups)) if document.group else ALONE,
                    document.index,
                    digest,
                )
                for (digest, document), tokens, document_end in zip(batch, encoded, ends, strict=True)
            ]
            np.array(rows, RECORD).tofile(records)
    if intake.problems:
        raise DatasetError(intake.problems)
    about = {
        "counts": {each.name: getattr(intake, each.name) for each in fields(Counts)},
        "questions": [asdict(question) for question in intake.questions],
        "sources": list(sources),
        "groups": list(groups),
        "token": token.str,
    }
    (folder / "dataset.json").write_text(json.dumps(about), encoding="utf-8")


def _question(values: dict[str, Any]) -> Question:
    def fixed(value: Any) -> Any:
        return tuple(map(fixed, value)) if isinstance(value, list) else value

    return Question(**{name: fixed(value) for name, value in values.items()})


def _mapped(file: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if file.stat().st_size == 0:  # nothing can be mapped
        return np.empty(0, dtype)
    return np.memmap(file, dtype, mode="r")


def _key(
    training: Sequence[Source],
    validation: Sequence[Source] | None,
    hyperparameters: Hyperparameters,
    tokenizer_files: Sequence[Path],
    length: int | None,
) -> str:
    total = hashlib.blake2b(digest_size=16)
    settings = hyperparameters.to_strings()
    total.update(json.dumps([FORMAT, length, {name: settings[name] for name in _READING}]).encode())
    tokenizer = [(file.name, partial(file.open, "rb")) for file in tokenizer_files]
    for group in (tokenizer, training, validation):
        total.update(b"\x00" if group is None else b"\x01")
        for name, content in group or ():
            total.update(hashlib.blake2b(name.encode()).digest())
            total.update(_digest(content))
    return total.hexdigest()


def _digest(content: Any) -> bytes:
    try:
        with content() as stream:
            return hashlib.file_digest(stream, hashlib.blake2b).digest()
    except OSError as error:  # the reader reports it, with the file's name
        return hashlib.blake2b(str(error).encode()).digest()


@contextmanager
def _alone(lock: Path, check: Callable[[], None]) -> Iterator[None]:
    """One process of this host at a time; ``check`` is called while waiting."""
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                check()
                time.sleep(_WAIT_SECONDS)
        yield
