"""Measures how well a model predicts documents, in nats for each one."""

from collections.abc import Callable, Mapping, Sequence

import torch

from training.data.batches import NO_TARGET, Batch, shared_batches
from training.data.packing import Scored, TokenizedDocument, pack
from training.evaluation.scores import Score
from training.host.distributed import World
from training.model.model import AdaptedModel


def score(
    model: AdaptedModel,
    documents: Sequence[Scored],
    *,
    adapter: bool,
    length: int,
    batch_size: int,
    world: World,
    on_batch: Callable[[], None] = lambda: None,
) -> list[Score]:
    """Score ``documents`` in order, packed into rows of ``length`` tokens, shared out over all processes.

    ``on_batch`` is called before each batch; it may raise to end the work.
    """
    ends = _last_tokens(documents, length)
    numbered = [
        TokenizedDocument(number, documents[number].document.tokens, documents[number].document.learn_from)
        for number in ends
    ]
    nats = torch.zeros(len(documents), dtype=torch.float64)
    with model.evaluating(adapter=adapter):
        for batch in shared_batches(pack(numbered, length), batch_size, world, model.device):
            on_batch()
            asked = [(batch.labels, batch.documents), *_other_ends(batch, ends)]
            found = model.token_losses(batch, [labels for labels, _ in asked])
            for (labels, owners), losses in zip(asked, found, strict=True):
                nats.index_add_(0, owners[labels != NO_TARGET].cpu(), losses.double().cpu())
    total = torch.stack(world.gather(nats)).sum(0)
    return [
        Score(float(value), item.document.targets, item.bytes)
        for value, item in zip(total, documents, strict=True)
    ]


def _last_tokens(documents: Sequence[Scored], length: int) -> dict[int, list[tuple[int, int]]]:
    """The documents that must be read, each with others that differ in their last token only: their numbers
    and that token. Labels after one prompt are such: what is read is the same, so it is read once."""
    first: dict[bytes, int] = {}
    found: dict[int, list[tuple[int, int]]] = {}
    for number, item in enumerate(documents):
        tokens = item.document.marked
        whole = 2 <= len(tokens) <= length and tokens[-1] >= 0
        same = first.setdefault(tokens[:-1].tobytes(), number) if whole else number
        if same == number:
            found[number] = []
        else:
            found[same].append((number, int(tokens[-1])))
    return found


def _other_ends(
    batch: Batch, ends: Mapping[int, Sequence[tuple[int, int]]]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Labels [B, T] with another last token for some of a batch's documents, and whose they are [B, T]."""
    documents, labels = (part.cpu().flatten() for part in (batch.documents, batch.labels))
    others: list[tuple[torch.Tensor, torch.Tensor]] = []
    for document in sorted(set(documents.tolist())):
        places = ((documents == document) & (labels != NO_TARGET)).nonzero().flatten()
        for turn, (number, token) in enumerate(ends.get(document, ())):
            if turn == len(others):
                others.append((torch.full_like(labels, NO_TARGET), torch.full_like(documents, -1)))
            wanted, owners = others[turn]
            wanted[places], owners[places] = labels[places], number
            wanted[places[-1]] = token
    shape, device = batch.labels.shape, batch.labels.device
    return [(wanted.view(shape).to(device), owners.view(shape).to(device)) for wanted, owners in others]
