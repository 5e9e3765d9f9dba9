"""The text of a job, before the weights are touched: read, split, tokenize, pack, describe."""

from dataclasses import dataclass
from typing import Any

from training.corpus import Data, read_data, tokenize
from training.distributed import World
from training.evaluation.measure import Yardstick, general_documents, prompts_for
from training.events import Events
from training.model import load_tokenizer
from training.packing import Row, pack
from training.request import Request
from training.stopping import StopSignal


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to train on, what both models are measured on, and the ``data`` section of evaluation.json."""

    data: Data
    rows: list[Row]
    yardstick: Yardstick
    summary: dict[str, Any]


def prepare(request: Request, world: World, events: Events, stop: StopSignal) -> Prepared:
    """Read the channels of ``request``; raises DatasetError with what to do."""
    hyperparameters = request.hyperparameters
    data = read_data(request.training, request.validation, hyperparameters)
    tokenizer = load_tokenizer(request.weights, request.config)
    length = min(hyperparameters.input_length, int(request.config.get("max_position_embeddings", 2048)))
    if length < hyperparameters.max_input_length:
        events.log(f"max_input_length is lowered to the model's own limit of {length} tokens")
    taught, held_out = (tokenize(side, tokenizer) for side in (data.split.training, data.split.validation))
    rows = pack([item.document for item in taught], length)
    filled = sum(len(piece.tokens) for row in rows for piece in row)
    summary = {
        "files": data.files,
        "documents": len(taught) + len(held_out),
        "training_documents": len(taught),
        "validation_documents": len(held_out),
        "bytes": sum(
            document.size for side in (data.split.training, data.split.validation) for document in side
        ),
        "training_tokens": sum(len(item.document.tokens) for item in taught),
        "validation_tokens": sum(len(item.document.tokens) for item in held_out),
        "row_length": length,
        "rows": len(rows),
        "padding_share": 1 - filled / (len(rows) * length),
        "empty": data.split.empty,
        "duplicates": data.split.duplicates,
        "leaked": data.split.leaked,
        "beyond_limit": data.split.beyond_limit,
        "notes": list(data.notes),
        "sha256": data.digest,
    }
    for note in data.notes:
        events.log(note)
    events.log(
        f"{len(taught)} documents to train on ({summary['training_tokens']:,} tokens in {len(rows)} rows"
        f" of {length}, {summary['padding_share']:.1%} padding), {len(held_out)} held out;"
        f" left out: {data.split.empty} empty, {data.split.duplicates} repeated, {data.split.leaked} that are"
        f" held out, {data.split.beyond_limit} beyond max_train_samples or max_val_samples"
    )
    yardstick = Yardstick(
        held_out=held_out,
        general=general_documents(tokenizer),
        prompts=prompts_for(data.split.validation),
        tokenizer=tokenizer,
        length=length,
        hyperparameters=hyperparameters,
        world=world,
        check=stop.check,
    )
    return Prepared(data, rows, yardstick, summary)
