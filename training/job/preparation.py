"""The text of a job, before the weights are touched: read, tokenize, split, pack, describe."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.data.corpus import Data, beginnings, own_prompts, read_data
from training.data.packing import PackedRows, pack
from training.data.sampling import Group, groups, weights_of
from training.data.tokenizer import load_tokenizer
from training.evaluation.measure import PROMPTS, Yardstick
from training.evaluation.metrics.base import Material
from training.host.distributed import World
from training.host.events import Events
from training.host.stopping import StopSignal
from training.job.request import Request
from training.model.weights import tokenizer_files

#: The models are asked to write on from so many held-out documents' first tokens.
OPENINGS, OPENING_TOKENS = 8, 32


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to train on and which of them an epoch takes, what both models are measured on, and the ``data``
    section of evaluation.json."""

    data: Data
    rows: PackedRows
    among: tuple[Group, ...]
    yardstick: Yardstick
    summary: dict[str, Any]


def prepare(request: Request, world: World, events: Events, stop: StopSignal) -> Prepared:
    """Read the channels of ``request``; raises DatasetError with what to do."""
    hyperparameters = request.hyperparameters
    tokenizer = load_tokenizer(request.weights)
    data = read_data(
        request.training,
        request.validation,
        hyperparameters,
        tokenizer,
        tokenizer_files=tokenizer_files(request.weights),
        scratch=request.scratch,
        check=stop.check,
    )
    length = min(hyperparameters.input_length, int(request.config.get("max_position_embeddings", 2048)))
    if length < hyperparameters.max_input_length:
        events.log(f"max_input_length is lowered to the model's own limit of {length} tokens")
    tasks = data.tokens.counts.tasks
    packed = [pack(data.of_task(task), length) for task in tasks]
    among = groups([len(rows) for rows in packed], weights_of(tasks, hyperparameters.task_weights))
    rows = PackedRows.joined(packed)
    summary = _summary(data, rows, length, _tasks(data, among))
    _tell(events, summary)
    held_out = data.scored()
    yardstick = Yardstick(
        material=Material(
            held_out=data.held_out,
            sizes=[item.bytes for item in held_out],
            openings=beginnings(data, tokenizer, OPENINGS, OPENING_TOKENS),
            questions=data.questions,
            prompts=own_prompts(data, tokenizer, len(PROMPTS)) or PROMPTS,
            limit=hyperparameters.evaluation_items,
            seed=hyperparameters.seed,
        ),
        held_out=held_out,
        tokenizer=tokenizer,
        length=length,
        hyperparameters=hyperparameters,
        world=world,
        check=stop.check,
    )
    return Prepared(data, rows, among, yardstick, summary)


def _summary(data: Data, rows: PackedRows, length: int, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    counts, records = data.tokens.counts, data.tokens.records
    both = np.concatenate([data.training, data.validation])
    return {
        "files": counts.files,
        "documents": len(both),
        "training_documents": len(data.training),
        "validation_documents": len(data.validation),
        "bytes": int(records["bytes"][both].sum(dtype=np.int64)),
        "training_tokens": data.tokens.size(data.training),
        "validation_tokens": data.tokens.size(data.validation),
        "row_length": length,
        "rows": len(rows),
        "padding_share": 1 - rows.filled / (len(rows) * length) if len(rows) else 0.0,
        "tasks": tasks,
        "empty": counts.empty,
        "duplicates": counts.duplicates,
        "leaked": counts.leaked,
        "beyond_limit": data.beyond_limit,
        "notes": list(counts.notes),
        "sha256": data.digest,
    }


def _tasks(data: Data, among: tuple[Group, ...]) -> list[dict[str, Any]]:
    """What each of several tasks has on both sides, and how many rows of it an epoch takes."""
    tasks = data.tokens.counts.tasks
    if len(tasks) == 1:
        return []
    of = data.tokens.records["task"]
    return [
        {
            "task": task,
            "training_documents": int((of[data.training] == number).sum()),
            "validation_documents": int((of[data.validation] == number).sum()),
            "training_tokens": data.tokens.size(data.training[of[data.training] == number]),
            "rows": group.rows,
            "rows_per_epoch": group.taken,
        }
        for number, (task, group) in enumerate(zip(tasks, among, strict=True))
    ]


def _tell(events: Events, summary: dict[str, Any]) -> None:
    for note in summary["notes"]:
        events.log(note)
    for task in summary["tasks"]:
        events.log(
            f"task {task['task']}: {task['training_documents']:,} documents to train on"
            f" ({task['training_tokens']:,} tokens in {task['rows']} rows, of which an epoch takes"
            f" {task['rows_per_epoch']}), {task['validation_documents']:,} held out"
        )
    events.log(
        f"{summary['training_documents']} documents to train on ({summary['training_tokens']:,} tokens in"
        f" {summary['rows']} rows of {summary['row_length']}, {summary['padding_share']:.1%} padding),"
        f" {summary['validation_documents']} held out; left out: {summary['empty']} empty,"
        f" {summary['duplicates']} repeated, {summary['leaked']} that are held out,"
        f" {summary['beyond_limit']} beyond max_train_samples or max_val_samples"
    )
