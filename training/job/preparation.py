"""Prepares a job's training: checks settings and channels, tokenizes and packs the text."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from core.dataset import Document, Source
from core.dataset.split import document_groups
from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters, parse
from core.names import PROMPTS
from training.data.corpus import Data, beginnings, own_prompts, read_data
from training.data.packing import PackedRows, pack
from training.data.sampling import Group, groups, weights_of
from training.data.tokenizer import Tokenizer, load_tokenizer, token_spans
from training.evaluation.contamination import Overlaps, Text, find_overlaps
from training.evaluation.documents import exchange_prompts, has_prompt, hide, watched
from training.evaluation.measure import Yardstick, item_texts
from training.evaluation.metrics.base import Material
from training.evaluation.metrics.text import document_id
from training.host.distributed import World
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.model.weights import inspect_weights

#: The models continue the first OPENING_TOKENS tokens of OPENINGS held-out documents.
OPENINGS, OPENING_TOKENS = 8, 32
#: The library that keeps a base in int8 or int4; containers may or may not have it.
QUANTIZER = "bitsandbytes"


@dataclass(frozen=True, slots=True)
class Request:
    """Settings and channels of one job; ``config`` is the base model's config.json."""

    hyperparameters: Hyperparameters
    training: list[Source]
    validation: list[Source] | None
    weights: Path
    config: dict[str, Any]
    scratch: Path


def read_request(channels: Channels) -> Request:
    """Read a job's settings and look at its channels.

    Raises HyperparameterError with all problems, or TrainingFailure for a channel that cannot be used.
    """
    hyperparameters = parse(channels.hyperparameters())
    _require_quantizer(hyperparameters)
    training = channels.dataset("training")
    if not training:
        channels.required("training", "the dataset (.txt, .csv, .json or .jsonl)")
    weights = channels.required("model", "base weights in Hugging Face layout")
    return Request(
        hyperparameters,
        training,
        channels.dataset("validation") or None,
        weights,
        inspect_weights(weights),
        channels.scratch,
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to train on and which of them an epoch takes, what both models are measured on, and the ``data``
    section of evaluation.json."""

    data: Data
    rows: PackedRows
    among: tuple[Group, ...]
    yardstick: Yardstick
    overlaps: Overlaps
    summary: dict[str, Any]


def prepare(request: Request, world: World, events: Events, stop: StopSignal) -> Prepared:
    """Read the channels of ``request``; raises DatasetError with what to do."""
    hyperparameters = request.hyperparameters
    tokenizer = load_tokenizer(request.weights)
    length = min(hyperparameters.input_length, int(request.config.get("max_position_embeddings", 2048)))
    if length < hyperparameters.max_input_length:
        events.log(f"max_input_length is lowered to the model's own limit of {length} tokens")
    data = read_data(
        request.training,
        request.validation,
        hyperparameters,
        tokenizer,
        scratch=request.scratch,
        length=length,
        check=stop.check,
    )
    known = int(request.config.get("vocab_size", 1 << 31))
    if (largest := data.tokens.largest) >= known:
        raise TrainingFailure(
            f"the dataset has token {largest}, and the model knows {known} tokens",
            where="channel model",
            remedy="Put the tokenizer that belongs to these weights beside them",
        )
    tasks = data.tokens.counts.tasks
    packed = [pack(data.of_task(task), length) for task in tasks]
    among = groups([len(rows) for rows in packed], weights_of(tasks, hyperparameters.task_weights))
    rows = PackedRows.joined(packed)
    summary = _summary(data, rows, length, _tasks(data, among))
    _tell(events, summary)
    material = Material(
        held_out=data.held_out,
        sizes=[item.bytes for item in data.scored()],
        openings=beginnings(data, tokenizer, OPENINGS, OPENING_TOKENS),
        questions=data.tokens.questions,
        prompts=own_prompts(data, tokenizer, len(PROMPTS)) or PROMPTS,
        limit=hyperparameters.evaluation_items,
        seed=hyperparameters.seed,
    )
    overlaps, yardstick = _yardstick(material, data, tokenizer, length, hyperparameters, world, stop)
    events.log(
        f"{len(overlaps.documents)} held-out documents and {len(overlaps.items)} questions and paragraphs"
        " also stand in the training text and are left out;"
        f" of {len(overlaps.stretches)} more documents the shared stretches are"
    )
    return Prepared(data, rows, among, yardstick, overlaps, summary)


def _yardstick(
    material: Material,
    data: Data,
    tokenizer: Tokenizer,
    length: int,
    hyperparameters: Hyperparameters,
    world: World,
    stop: StopSignal,
) -> tuple[Overlaps, Yardstick]:
    """The texts and questions for both models, without those that also stand in the training text."""
    origins = data.held_out

    def held_out() -> Iterator[tuple[str, Text]]:
        for origin, document in zip(origins, data.texts(data.validation), strict=True):
            yield document_id(origin), _searched(document)

    overlaps = find_overlaps(
        held_out,
        item_texts(material),
        map(_searched, data.texts(data.training)),
        [*material.prompts, *material.openings],
    )
    scored = dict(zip(origins, data.scored(), strict=True))
    whole = {o: scored[o] for o in origins if document_id(o) not in overlaps.stretches}
    exchanged = exchange_prompts(whole, tokenizer.decode)
    with_prompt = {origin for origin, each in scored.items() if has_prompt(each.document)}
    unclear = {}
    for origin, document in zip(origins, data.texts(data.validation), strict=True):
        if stretches := overlaps.stretches.get(document_id(origin)):
            learned = [part for _, part in document.parts]
            shortened = hide(scored[origin], token_spans(learned, tokenizer), learned, stretches)
            if shortened is None:
                unclear[document_id(origin)] = document.text[slice(*stretches[0])]
            else:
                scored[origin] = shortened
    overlaps = replace(overlaps, documents={**overlaps.documents, **unclear})
    groups = document_groups([o.source for o in origins], [o.index for o in origins], data.groups)
    digests = [bytes(digest) for digest in data.tokens.records["digest"][data.validation]]
    looked_at = watched(digests, groups, hyperparameters.seed)
    early = hyperparameters.early_stopping_patience != -1
    set_apart = looked_at if early and len(looked_at) < len(origins) else frozenset()
    judged = [place for place in range(len(origins)) if place not in set_apart]
    material = replace(
        material,
        held_out=[origins[place] for place in judged],
        sizes=[scored[origins[place]].bytes for place in judged],
        groups=[groups[place] for place in judged],
        exchanged=frozenset(exchanged),
    )
    return overlaps, Yardstick(
        material=material,
        held_out=scored,
        exchanged={o: exchanged[o] for o in material.held_out if o in exchanged},
        prompted=not with_prompt.isdisjoint(material.held_out),
        watched=sorted(looked_at),
        tokenizer=tokenizer,
        length=length,
        hyperparameters=hyperparameters,
        world=world,
        check=stop.check,
    )


def _searched(document: Document) -> Text:
    """A document's two texts for the search: all that is read, and all that is learned."""
    return Text("\n".join(read or "" for read, _ in document.parts).strip(), document.text)


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
        "held_out_sha256": data.held_out_digest,
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


def _require_quantizer(hyperparameters: Hyperparameters) -> None:
    wanted = [name for name in ("int8_quantization", "load_in_4bit") if getattr(hyperparameters, name)]
    if wanted and find_spec(QUANTIZER) is None:
        raise TrainingFailure(
            f"{wanted[0]} is True, and {QUANTIZER} is not installed in this container",
            where="hyperparameters",
            remedy=f"Set {wanted[0]} to False (the base stays in bf16), or training_image to a container with"
            f" {QUANTIZER}",
        )
