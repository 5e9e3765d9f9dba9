"""From channels to token rows: the documents to train on and the documents held out, tokenized."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.dataset import (
    DatasetError,
    Document,
    Question,
    Reader,
    Source,
    Split,
    by_side,
    local_sources,
    split,
)
from training.dataset.split import unusable
from training.evaluation.scoring import Scored
from training.hyperparameters import Hyperparameters
from training.packing import TokenizedDocument

#: Settings that change how a job runs and not what it learns.
SETTINGS_OF_THE_MACHINE = (
    "save_steps",
    "per_device_eval_batch_size",
    "max_forgetting",
    "gradient_checkpointing",
    "enable_fsdp",
    "merge_weights",
)


@dataclass(frozen=True, slots=True)
class Data:
    """The split, the notes of its readers (layout, columns, files left out), and the dataset's questions."""

    split: Split
    files: int
    notes: tuple[str, ...]
    questions: tuple[Question, ...] = ()

    @property
    def digest(self) -> str:
        """Identifies the documents on both sides and their order."""
        total = hashlib.sha256()
        for side in (self.split.training, self.split.validation):
            for document in side:
                total.update(document.digest)
            total.update(b"|")
        return total.hexdigest()


def read_data(training: Path, validation: Path | None, hyperparameters: Hyperparameters) -> Data:
    """Read and split the channels. Raises DatasetError with all problems, or when a side is empty."""
    given = local_sources(training)
    sides = by_side(given) if validation is None else (given, local_sources(validation))
    readers = [_reader(side, hyperparameters) for side in sides if side is not None]
    result = split(
        readers[0],
        validation=readers[1] if len(readers) > 1 else None,
        ratio=hyperparameters.validation_split_ratio,
        seed=hyperparameters.train_data_split_seed,
        max_training=hyperparameters.max_train_samples,
        max_validation=hyperparameters.max_val_samples,
    )
    problems = [problem for reader in readers for problem in reader.problems]
    if problems:
        raise DatasetError(problems)
    if not sum(reader.files for reader in readers):
        raise DatasetError(
            ["channel training: no .txt, .csv, .json or .jsonl file; give it one or a folder of them"]
        )
    errors = unusable(len(result.training), len(result.validation))
    if errors:
        raise DatasetError(errors)
    notes = tuple(note for reader in readers for note in reader.notes)
    questions = tuple(question for reader in readers for question in reader.questions)
    return Data(result, sum(reader.files for reader in readers), notes, questions)


def _reader(sources: Sequence[Source], hyperparameters: Hyperparameters) -> Reader:
    return Reader(
        sources,
        instruction_tuned=hyperparameters.instruction_tuned,
        demarcation=hyperparameters.add_input_output_demarcation_key,
    )


def tokenize(documents: Sequence[Document], tokenizer: Any) -> list[Scored]:
    """Tokens of each document with the model's start and end; prompts are read, completions count."""
    texts = [document.text if document.prompt is None else document.prompt for document in documents]
    openings = tokenizer(texts, verbose=False)["input_ids"] if texts else []
    completions = [document.text if document.prompt is not None else "" for document in documents]
    rest = (
        tokenizer(completions, add_special_tokens=False, verbose=False)["input_ids"]
        if any(completions)
        else None
    )
    scored = []
    for index, (document, opening) in enumerate(zip(documents, openings, strict=True)):
        start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
        tokens = list(opening)
        if start is not None and tokens[:1] != [start]:
            tokens.insert(0, start)
        learn_from = 1
        if document.prompt is not None and rest is not None:
            learn_from = max(len(tokens), 1)
            tokens += rest[index]
        if end is not None:
            tokens.append(end)
        size = len(document.text.encode())
        scored.append(Scored(TokenizedDocument(index, tokens, learn_from), size))
    return scored


def fingerprint(data: Data, hyperparameters: Hyperparameters, model: Sequence[Any]) -> str:
    """Equal for jobs that train the very same thing: a checkpoint of one may be taken up by the other.

    ``model`` is whatever identifies the base, as plain JSON values.

    Not part of it: how often to save, how to evaluate, what the machine is.
    """
    settings = hyperparameters.to_strings()
    for name in SETTINGS_OF_THE_MACHINE:
        del settings[name]
    content = json.dumps([data.digest, settings, *model], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
