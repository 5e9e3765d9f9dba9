"""The documents of a job as tokens: which are trained on, which are held out, and what identifies them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.dataset import DatasetError, Document, Intake, Origin, Source, split
from core.dataset.check import unknown_tasks
from core.dataset.split import sources, unusable
from core.hyperparameters import Hyperparameters
from training.data.packing import Scored, TokenizedDocuments
from training.data.token_cache import TokenCache, open_tokens
from training.data.tokenizer import Tokenizer

#: Settings that change how a job runs and not what it learns.
SETTINGS_OF_THE_MACHINE = (
    "save_steps",
    "per_device_eval_batch_size",
    "evaluation_items",
    "max_forgetting",
    "gradient_checkpointing",
    "enable_fsdp",
    "merge_weights",
)

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Data:
    """The tokens of all documents, and the numbers of those on each side; the text stays on disk."""

    tokens: TokenCache
    training: Numbers
    validation: Numbers
    beyond_limit: int
    _intake: Callable[[], Intake]

    @property
    def digest(self) -> str:
        """Identifies the documents on both sides and their order."""
        total = hashlib.sha256()
        for side in (self.training, self.validation):
            total.update(self.tokens.records["digest"][side].tobytes())
            total.update(b"|")
        return total.hexdigest()

    @property
    def held_out_digest(self) -> str:
        """Identifies the held-out documents, independent of their order and files."""
        digests = sorted(bytes(digest) for digest in self.tokens.records["digest"][self.validation])
        return hashlib.sha256(b"".join(digests)).hexdigest()

    @property
    def held_out(self) -> list[Origin]:
        """The places of the held-out documents."""
        return [self.tokens.origin(number) for number in self.validation.tolist()]

    @property
    def groups(self) -> list[str]:
        """The group that each held-out document's record names, "" = none."""
        return [self.tokens.group(number) for number in self.validation.tolist()]

    def scored(self) -> list[Scored]:
        """The held-out documents' tokens, with the size in bytes of what is predicted."""
        documents = self.tokens.documents(self.validation)
        sizes = self.tokens.records["learned_bytes"][self.validation].tolist()
        return [Scored(documents[place], size) for place, size in enumerate(sizes)]

    def of_task(self, task: str) -> TokenizedDocuments:
        """The training documents of one task."""
        number = self.tokens.counts.tasks.index(task)
        return self.tokens.documents(self.training[self.tokens.records["task"][self.training] == number])

    def texts(self, numbers: Numbers) -> Iterator[Document]:
        """These documents in the dataset's order; read from the files once more, as a stream."""
        wanted = np.zeros(len(self.tokens), bool)
        wanted[numbers] = True
        for (_, document), taken in zip(self._intake(), wanted, strict=True):
            if taken:
                yield document


def read_data(
    training: Sequence[Source],
    validation: Sequence[Source] | None,
    hyperparameters: Hyperparameters,
    tokenizer: Tokenizer,
    *,
    scratch: Path,
    length: int,
    check: Callable[[], None],
) -> Data:
    """Read, tokenize and split the channels; a cache in ``scratch`` keeps the tokens.

    Raises DatasetError with all problems, or when a side is empty.
    """
    tokens = open_tokens(
        training,
        validation,
        hyperparameters,
        tokenizer,
        scratch=scratch,
        length=length,
        check=check,
    )
    if not tokens.counts.files:
        raise DatasetError(
            ["channel training: no .txt, .csv, .json or .jsonl file; give it one or a folder of them"]
        )
    sides = split(
        tokens.digests(),
        tokens.records["task"].tolist(),
        given=tokens.counts.held_out,
        ratio=hyperparameters.validation_split_ratio,
        seed=hyperparameters.train_data_split_seed,
        max_training=hyperparameters.max_train_samples,
        max_validation=hyperparameters.max_val_samples,
        groups=sources(
            tokens.records["group"].tolist(),
            tokens.records["source"].tolist(),
            hyperparameters.validation_split_ratio,
        ),
    )
    errors = unknown_tasks(tokens.counts.tasks, hyperparameters)
    errors += unusable(len(sides.training), len(sides.validation))
    if errors:
        raise DatasetError(errors)
    inside, outside = (np.asarray(side, np.int64) for side in (sides.training, sides.validation))
    return Data(
        tokens=tokens,
        training=inside,
        validation=outside,
        beyond_limit=sides.beyond_limit,
        _intake=lambda: Intake(training, validation, hyperparameters),
    )


def own_prompts(data: Data, tokenizer: Tokenizer, count: int) -> list[str]:
    """Prompts of the first held-out documents that have one: what the model was trained to answer."""
    documents = data.tokens.documents(data.validation)
    found = (_prompt(np.asarray(documents[place].tokens)) for place in range(len(documents)))
    prompts = (prompt for prompt in found if len(prompt) > len(tokenizer.start))
    return [_text(prompt, tokenizer) for prompt in islice(prompts, count)]


def beginnings(data: Data, tokenizer: Tokenizer, count: int, tokens: int) -> list[str]:
    """The beginnings, in whole words, of the first held-out documents above ``tokens`` without a prompt."""
    documents = data.tokens.documents(data.validation)
    found = (np.asarray(documents[place].tokens[: tokens + 1]) for place in range(len(documents)))
    start = len(tokenizer.start)
    fitting = (each for each in found if len(each) > tokens and len(_prompt(each)) <= start)
    texts = [_text(each[:tokens], tokenizer) for each in islice(fitting, count)]
    return [text.rpartition(" ")[0] or text for text in texts]


def _prompt(tokens: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The tokens before the first that is learned, start mark included; empty where nothing is only read."""
    learned = np.flatnonzero(tokens >= 0)
    return tokens[: learned[0]] if len(learned) else tokens


def _text(tokens: npt.NDArray[Any], tokenizer: Tokenizer) -> str:
    plain = np.where(tokens < 0, ~tokens, tokens).tolist()
    return tokenizer.decode(plain)


def fingerprint(data: Data, hyperparameters: Hyperparameters, model: Sequence[Any]) -> str:
    """Equal for jobs that train the very same thing: a checkpoint of one may be taken up by the other.

    ``model`` identifies the base, as plain JSON values.

    Not part of it: how often to save, how to evaluate, what the machine is.
    """
    settings = hyperparameters.to_strings()
    for name in SETTINGS_OF_THE_MACHINE:
        settings.pop(name, None)
    content = json.dumps([data.digest, settings, *model], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
