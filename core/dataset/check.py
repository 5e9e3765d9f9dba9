"""The check of a dataset before anything is paid for: what it holds and what is wrong with it."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.dataset.documents import Problem
from core.dataset.intake import Intake
from core.dataset.power import Power, power_of
from core.dataset.reader import LEFT_OUT
from core.dataset.report import DatasetReport, TaskCount
from core.dataset.sources import READABLE, Sample, Source
from core.dataset.split import ALONE, Split, split, unusable
from core.dataset.split import sources as of_source
from core.dataset.tally import Tally, tally
from core.dataset.tokens import ASSUMPTION, TokenCounter, rows_for
from core.hyperparameters import LONGEST_INPUT, Hyperparameters

#: With fewer optimizer steps a LoRA has hardly left its zero start. JumpStart's course example has 10: 13
#: chunks of 1024 tokens (its public log).
FEW_STEPS = 50
#: A file's texts seem to be cut where more than this share of them goes on in the next one.
MOST_INSIDE, FEWEST_INSIDE = 0.1, 10
#: Texts of which half are shorter than this hardly hold a sentence.
SHORT_BYTES = 12


def check(
    sources: Iterable[Source],
    hyperparameters: Hyperparameters,
    *,
    validation: Iterable[Source] | None = None,
    counter: TokenCounter | None = None,
    sample: Sample | None = None,
) -> DatasetReport:
    """Read a dataset once, as a stream, and report on it.

    ``sources``: (name, binary stream or function that opens one); for local paths see ``local_sources``.
    ``validation``: the optional second channel; without it a folder ``validation/`` of the dataset is the
    held-out side, and without that the split of ``hyperparameters`` is assumed.
    ``counter``: the base model's tokenizer; without it tokens are estimated. ``sample``: read no more than
    this. Nothing is raised for what the data holds: see ``DatasetReport.errors`` and ``raise_for_errors``.
    """
    limits = None if sample is None else sample.limits
    intake = Intake(sources, validation, hyperparameters, limits=limits)
    length = hyperparameters.input_length
    if counter is not None and counter.longest is not None:
        length = min(length, counter.longest)
    counts = tally(intake, counter, length)
    sides = split(
        counts.digests,
        counts.tasks,
        given=intake.held_out,
        ratio=hyperparameters.validation_split_ratio,
        seed=hyperparameters.train_data_split_seed,
        max_training=hyperparameters.max_train_samples,
        max_validation=hyperparameters.max_val_samples,
        groups=of_source(counts.groups, counts.files, hyperparameters.validation_split_ratio),
    )
    share = 1.0 if sample is None else sample.share
    scale = 1 / share if share else 1.0
    training = _tokens(counts, sides.training) * scale
    spread = counts.total * (training / max(counts.total.middle, 1))
    rows = _rows(intake, counts, sides, length, hyperparameters) * scale
    per_epoch, steps = optimizer_steps(rows, hyperparameters)
    least, most = (
        optimizer_steps(rows * edge / max(spread.middle, 1), hyperparameters)[1]
        for edge in (spread.low, spread.high)
    )
    problems = intake.problems
    report = DatasetReport(
        files=intake.files,
        documents=round(len(counts.digests) * scale),
        bytes=round(sum(counts.sizes) * scale),
        share_read=share,
        duplicates=intake.duplicates,
        empty=intake.empty,
        leaked=intake.leaked,
        encoding_errors=sum("UTF-8" in problem.message for problem in problems),
        training_documents=round(len(sides.training) * scale),
        validation_documents=round(len(sides.validation) * scale),
        tokens_estimated=math.ceil(counts.total.middle * scale),
        tokens_range=(counts.total * scale).rounded(),
        tokens_assumption=ASSUMPTION if counter is None else f"counted by the tokenizer of {counter.name}",
        training_tokens=math.ceil(training),
        validation_tokens=math.ceil(_tokens(counts, sides.validation) * scale),
        trained_tokens=(spread * (steps / max(per_epoch, 1))).rounded(),
        evaluated_tokens=math.ceil(
            _tokens(counts, sides.validation) * scale * (1 + math.ceil(steps / max(per_epoch, 1)))
        ),
        steps_per_epoch=per_epoch,
        optimizer_steps=steps,
        optimizer_steps_range=(least, most),
        row_length=length,
        rows=math.ceil(rows),
        prompts_cut=counts.cut,
        tokens_cut=counts.cut_tokens,
        understood=intake.understood,
        first=counts.first,
        tasks=_tasks(intake, counts, scale),
        private=dict(counts.private),
        notes=intake.notes,
        power=_power(counts, sides, hyperparameters),
    )
    errors = [*_counted(problems), *_errors(report, sides, intake, hyperparameters)]
    warnings = [] if errors else _quantity_warnings(report, hyperparameters)
    warnings += _content_warnings(report, counts, intake.doubts)
    return replace(
        report,
        errors=tuple(errors),
        warnings=tuple(warnings),
        sentence=_sentence(report, errors, warnings),
    )


def _power(counts: Tally, sides: Split, hyperparameters: Hyperparameters) -> Power | None:
    """The smallest gain that the held-out side can show; early stopping takes half of the side."""
    held_out = sides.validation
    if not held_out:
        return None
    return power_of(
        [str(counts.files[number]) for number in held_out],
        ["" if counts.groups[number] == ALONE else str(counts.groups[number]) for number in held_out],
        [counts.sizes[number] for number in held_out],
        share=1.0 if hyperparameters.early_stopping_patience == -1 else 0.5,
    )


def optimizer_steps(rows: float, hyperparameters: Hyperparameters) -> tuple[int, int]:
    """(steps an epoch, steps in all) on one device for these rows an epoch."""
    batch = hyperparameters.per_device_train_batch_size * hyperparameters.gradient_accumulation_steps
    per_epoch = math.ceil(math.ceil(rows) / batch)
    if hyperparameters.max_steps != -1:
        return per_epoch, hyperparameters.max_steps
    return per_epoch, per_epoch * hyperparameters.epoch


def unknown_tasks(tasks: Iterable[str], hyperparameters: Hyperparameters) -> list[str]:
    """The problem with task_weights for a dataset of these tasks, in words."""
    weights = dict(hyperparameters.task_weights)
    if not weights:
        return []
    there = [task for task in tasks if task]
    wrong = [f"names {task}, which the dataset lacks" for task in weights if task not in there]
    wrong += [f"gives no weight to {task}" for task in there if task not in weights]
    known = f"the dataset's folders are {', '.join(there)}" if there else "the dataset has no folders"
    return [f"task_weights {what}; {known}: weigh each (0 leaves it out)" for what in wrong]


def _tokens(counts: Tally, numbers: array[int]) -> float:
    return sum(counts.tokens[number] for number in numbers)


def _rows(intake: Intake, counts: Tally, sides: Split, length: int, hyperparameters: Hyperparameters) -> int:
    """How many rows an epoch takes: each task is packed for itself, and those of no weight are left out."""
    weights = dict(hyperparameters.task_weights)
    pieces: dict[int, Counter[int]] = {}
    for number in sides.training:
        pieces.setdefault(counts.tasks[number], Counter()).update(counts.rows(number, length))
    return sum(
        rows_for(sizes, length)
        for task, sizes in pieces.items()
        if not weights or weights.get(intake.tasks[task])
    )


def _tasks(intake: Intake, counts: Tally, scale: float) -> tuple[TaskCount, ...]:
    documents: Counter[int] = Counter(counts.tasks)
    tokens = [0.0] * len(intake.tasks)
    for task, number in zip(counts.tasks, counts.tokens, strict=True):
        tokens[task] += number
    return tuple(
        TaskCount(task=task, documents=round(documents[n] * scale), tokens=round(tokens[n] * scale))
        for n, task in enumerate(intake.tasks)
        if len(intake.tasks) > 1
    )


def _counted(problems: list[Problem]) -> list[str]:
    """A line each; what is wrong in the same way at many places of a file is said once."""
    return [line if n == 1 else f"{line} ({n} times)" for line, n in Counter(map(str, problems)).items()]


def _errors(
    report: DatasetReport, sides: Split, intake: Intake, hyperparameters: Hyperparameters
) -> list[str]:
    if intake.problems:
        return unknown_tasks(intake.tasks, hyperparameters)  # they say why too little is there
    if report.files == 0:
        left_out = f" ({intake.notes[0]})" if intake.notes else ""
        kinds = ", ".join(READABLE)
        return [f"no .txt, .csv, .json or .jsonl file was found{left_out}; name a folder or file of {kinds}"]
    if report.documents == 0:
        return ["there is no text in the files; give documents, one a line or separated by blank lines"]
    wrong = unknown_tasks(intake.tasks, hyperparameters)
    return wrong + unusable(len(sides.training), len(sides.validation))


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
            f"this is very little text: {report.optimizer_steps} optimizer steps; {FEW_STEPS} or more usually"
            f" help. Add text, or {change}"
        )
    if report.power and report.share_read == 1 and (warning := report.power.warning()):
        warnings.append(warning)
    return warnings


def _content_warnings(report: DatasetReport, counts: Tally, doubts: Sequence[str]) -> list[str]:
    warnings = [
        f"{n} × {kind}, first in {'; '.join(counts.places[kind])}; take them out before you train"
        for kind, n in report.private.items()
    ]
    warnings += doubts
    if report.prompts_cut:
        enough = min(-(-counts.longest // 64) * 64, LONGEST_INPUT)
        warnings.append(
            f"{report.prompts_cut} of {counts.prompts} prompts are too long for a row of {report.row_length}"
            f" tokens with their answer: {report.tokens_cut:,} tokens are cut out of them (prompt_truncation"
            f" says where); set max_input_length to {enough} to keep all"
        )
    warnings += _form_warnings(report, counts)
    if report.duplicates:
        warnings.append(f"{report.duplicates} repeated documents are used once")
    if report.leaked:
        warnings.append(f"{report.leaked} documents that are held out are taken out of training")
    if report.empty:
        warnings.append(f"{report.empty} empty documents are left out")
    if report.share_read < 1:
        warnings.append(
            f"only {report.share_read:.1%} of the text was read here, from the beginning of files; documents,"
            " tokens and steps are scaled up from it. `finexpert data check` on your machine reads all"
        )
    return warnings + [note for note in report.notes if LEFT_OUT in note]


def _form_warnings(report: DatasetReport, counts: Tally) -> list[str]:
    """Warnings about text that seems to have been damaged in a conversion."""
    warnings = []
    for name, inside in counts.inside_a_sentence.items():
        if inside > MOST_INSIDE * counts.texts[name] and inside >= FEWEST_INSIDE:
            warnings.append(
                f"{name}: {inside} of {counts.texts[name]} documents end inside a sentence that the next one"
                " goes on with, so the model would learn to stop there; put each document on one line, or"
                " separate documents by blank lines"
            )
    if len(counts.sizes) >= FEWEST_INSIDE and not counts.prompts:
        middle = sorted(counts.sizes)[len(counts.sizes) // 2]
        if middle < SHORT_BYTES:
            warnings.append(
                f"half of the documents have less than {middle + 1} bytes, too short to teach more than"
                " words; is this the right column or file?"
            )
    if counts.misread:
        warnings.append(
            f"{counts.misread} documents hold signs such as “â€™” or “Ã©”, left where text was read with the"
            " wrong encoding; export it again as UTF-8"
        )
    return warnings


def _sentence(report: DatasetReport, errors: list[str], warnings: list[str]) -> str:
    if errors:
        return f"This dataset cannot be used: {errors[0]}" + (
            f" (and {len(errors) - 1} more)" if errors[1:] else ""
        )
    tasks = f" in {len(report.tasks)} tasks" if report.tasks else ""
    held = (
        f"{report.documents:,} documents{tasks} ({report.bytes / 1000:,.0f} kB,"
        f" {_span(report.tokens_estimated, report.tokens_range)} tokens):"
        f" {report.training_documents:,} to train on, {report.validation_documents:,} held out;"
        f" {_span(report.optimizer_steps, report.optimizer_steps_range)} optimizer steps"
    )
    return held + (f"; {len(warnings)} warning{'s' * (len(warnings) > 1)}." if warnings else "; no warnings.")


def _span(middle: int, span: tuple[int, int]) -> str:
    if span[0] == span[1]:
        return f"{middle:,}"
    return f"about {middle:,} ({span[0]:,} to {span[1]:,})"
