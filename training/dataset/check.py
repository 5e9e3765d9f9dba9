"""The report on a dataset before anything is paid for: what it holds and what is wrong with it."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from training.dataset.documents import DatasetError, Problem
from training.dataset.formats import LEFT_OUT, Reader, Source, by_side
from training.dataset.privacy import find_private
from training.dataset.split import held_out, unusable
from training.hyperparameters import Hyperparameters

#: English prose in Llama's vocabulary; figures cost more tokens a byte.
BYTES_PER_TOKEN = 4
TOKEN_ASSUMPTION = f"{BYTES_PER_TOKEN} bytes a token, typical of English prose in Llama's vocabulary"

#: Below so many optimizer steps a LoRA has hardly left its zero start (JumpStart's own course example: 10).
FEW_STEPS = 50
#: Below so many held-out documents the interval of the difference gets wide.
FEW_HELD_OUT = 20


@dataclass(frozen=True, kw_only=True)
class DatasetReport:
    """What a dataset holds. ``errors`` forbid training on it; ``warnings`` are for the reader to weigh."""

    files: int
    documents: int
    bytes: int
    duplicates: int
    empty: int
    encoding_errors: int
    training_documents: int
    validation_documents: int
    tokens_estimated: int
    tokens_assumption: str
    steps_per_epoch: int
    optimizer_steps: int
    private: dict[str, int]
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sentence: str = field(default="")

    @property
    def ok(self) -> bool:
        """Whether it can be trained on."""
        return not self.errors

    def raise_for_errors(self) -> None:
        """Raise DatasetError if there are errors."""
        if self.errors:
            raise DatasetError(self.errors)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Tally:
    """Running counts over the documents; digests and sizes only, so memory stays small beside the text."""

    digests: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    duplicates: int = 0
    empty: int = 0
    private: Counter[str] = field(default_factory=Counter)
    first_place: dict[str, str] = field(default_factory=dict)


def check(
    sources: Iterable[Source], hyperparameters: Hyperparameters, *, validation: Iterable[Source] | None = None
) -> DatasetReport:
    """Read a dataset once, as a stream, and report on it.

    ``sources``: (name, binary stream or function that opens one); for local paths see ``local_sources``.
    ``validation``: the optional second channel; without it a folder ``validation/`` of the dataset is the
    held-out side, and without that the split of ``hyperparameters`` is assumed.
    Nothing is raised for what the data holds: see ``DatasetReport.errors`` and ``raise_for_errors``.
    """
    if validation is None:
        sources, validation = by_side(sources)
    reader = _reader(sources, hyperparameters)
    tally = _count(reader)
    readers, held_documents = [reader], 0
    if validation is None:
        chosen = held_out(
            tally.digests, hyperparameters.validation_split_ratio, hyperparameters.train_data_split_seed
        )
        held_documents = len(chosen)
        kept = [size for i, size in enumerate(tally.sizes) if i not in chosen]
    else:
        second = _reader(validation, hyperparameters)
        outside = _count(second)
        readers.append(second)
        held_documents = len(outside.digests)
        kept = [s for s, d in zip(tally.sizes, tally.digests, strict=True) if d not in outside.seen]
    kept = kept[: _limit(hyperparameters.max_train_samples)]
    held_documents = len(range(held_documents)[: _limit(hyperparameters.max_val_samples)])
    per_epoch, steps = optimizer_steps(sum(kept), len(kept), hyperparameters)
    problems = [problem for each in readers for problem in each.problems]
    report = DatasetReport(
        files=reader.files,
        documents=len(tally.digests),
        bytes=sum(tally.sizes),
        duplicates=tally.duplicates,
        empty=tally.empty,
        encoding_errors=sum("UTF-8" in problem.message for problem in problems),
        training_documents=len(kept),
        validation_documents=held_documents,
        tokens_estimated=estimate_tokens(sum(tally.sizes), len(tally.sizes)),
        tokens_assumption=TOKEN_ASSUMPTION,
        steps_per_epoch=per_epoch,
        optimizer_steps=steps,
        private=dict(tally.private),
        notes=tuple(note for each in readers for note in each.notes),
    )
    return _judged(report, _counted(problems), tally, hyperparameters)


def _counted(problems: list[Problem]) -> list[str]:
    """A line each; what is wrong in the same way at many places of a file is said once."""
    return [line if n == 1 else f"{line} ({n} times)" for line, n in Counter(map(str, problems)).items()]


def _limit(samples: int) -> int | None:
    return None if samples == -1 else samples


def estimate_tokens(size: int, documents: int) -> int:
    """Tokens of ``size`` bytes in ``documents`` documents by TOKEN_ASSUMPTION, and 2 for each one's ends."""
    return math.ceil(size / BYTES_PER_TOKEN) + 2 * documents


def optimizer_steps(size: int, documents: int, hyperparameters: Hyperparameters) -> tuple[int, int]:
    """(steps an epoch, steps in all) on one device for ``size`` bytes of training text, estimated."""
    rows = math.ceil(estimate_tokens(size, documents) / hyperparameters.input_length)
    batch = hyperparameters.per_device_train_batch_size * hyperparameters.gradient_accumulation_steps
    per_epoch = math.ceil(rows / batch)
    if hyperparameters.max_steps != -1:
        return per_epoch, hyperparameters.max_steps
    return per_epoch, per_epoch * hyperparameters.epoch


def _reader(sources: Iterable[Source], hyperparameters: Hyperparameters) -> Reader:
    return Reader(
        sources,
        instruction_tuned=hyperparameters.instruction_tuned,
        demarcation=hyperparameters.add_input_output_demarcation_key,
    )


def _count(reader: Reader) -> _Tally:
    tally = _Tally()
    for document in reader:
        if not document.text.strip():
            tally.empty += 1
            continue
        digest = document.digest
        if digest in tally.seen:
            tally.duplicates += 1
            continue
        tally.seen.add(digest)
        tally.digests.append(digest)
        tally.sizes.append(document.size)
        for kind in find_private(f"{document.prompt or ''}\n{document.text}"):
            tally.private[kind] += 1
            tally.first_place.setdefault(kind, f"{document.source}, document {document.index + 1}")
    return tally


def _judged(
    report: DatasetReport, problems: list[str], tally: _Tally, hyperparameters: Hyperparameters
) -> DatasetReport:
    errors = problems + _errors(report)
    warnings = [] if errors else _quantity_warnings(report, hyperparameters)
    warnings += [
        f"{n} × {kind}, first in {tally.first_place[kind]}; take them out before you train"
        for kind, n in tally.private.items()
    ]
    if report.duplicates:
        warnings.append(f"{report.duplicates} repeated documents are used once")
    if report.empty:
        warnings.append(f"{report.empty} empty documents are left out")
    warnings += [note for note in report.notes if LEFT_OUT in note]
    values = {f: getattr(report, f) for f in report.__dataclass_fields__}
    values |= {
        "errors": tuple(errors),
        "warnings": tuple(warnings),
        "sentence": _sentence(report, errors, warnings),
    }
    return DatasetReport(**values)


def _errors(report: DatasetReport) -> list[str]:
    if report.files == 0:
        return ["no .txt, .csv, .json or .jsonl file was found; name a folder or file that holds text"]
    if report.documents == 0:
        return ["there is no text in the files; give documents, one a line or separated by blank lines"]
    return unusable(report.training_documents, report.validation_documents)


def _quantity_warnings(report: DatasetReport, hyperparameters: Hyperparameters) -> list[str]:
    warnings = []
    if report.optimizer_steps < FEW_STEPS:
        epochs = math.ceil(FEW_STEPS / report.steps_per_epoch)
        change = (
            f"set epoch to {epochs} or lower per_device_train_batch_size"
            if hyperparameters.max_steps == -1
            else "raise max_steps"
        )
        warnings.append(
            f"only {report.optimizer_steps} optimizer steps in all: too few to learn much;"
            f" give more text, or {change}"
        )
    if report.validation_documents < FEW_HELD_OUT:
        warnings.append(
            f"only {report.validation_documents} documents are held out: the result's interval will be wide;"
            f" give more documents, or raise validation_split_ratio"
        )
    return warnings


def _sentence(report: DatasetReport, errors: list[str], warnings: list[str]) -> str:
    held = (
        f"{report.documents:,} documents ({report.bytes / 1000:,.0f} kB,"
        f" about {report.tokens_estimated:,} tokens):"
        f" {report.training_documents:,} to train on, {report.validation_documents:,} held out;"
        f" about {report.optimizer_steps:,} optimizer steps"
    )
    if errors:
        return f"This dataset cannot be used: {errors[0]}" + (
            f" (and {len(errors) - 1} more)" if errors[1:] else ""
        )
    return held + (f"; {len(warnings)} warning{'s' * (len(warnings) > 1)}." if warnings else "; no warnings.")
