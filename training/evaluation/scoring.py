"""Measures how well a model predicts documents, in nats for each one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from training.data.batches import NO_TARGET, Batch, Length, shared_batches
from training.data.packing import Integers, Scored, TokenizedDocument, pack
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

    A prompt that several continue, such as the choices of a question, is read once for all of them.
    ``on_batch`` is called before each batch; it may raise to end the work.
    """
    trees = _trees(documents, length)
    nats = torch.zeros(len(documents), dtype=torch.float64)
    with model.evaluating(adapter=adapter):
        rows = pack([tree.document(number) for number, tree in enumerate(trees)], length)
        for batch in shared_batches(rows, batch_size, world, model.device):
            on_batch()
            branched, owners = _branched(batch, trees)
            losses = model.token_losses(branched).double().cpu()
            nats.index_add_(0, owners[batch.labels.cpu() != NO_TARGET], losses)
    total = torch.stack(world.gather(nats)).sum(0)
    return [
        Score(float(value), item.document.targets, item.bytes)
        for value, item in zip(total, documents, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Tree:
    """Documents that are read as one: the tokens that they ``share``, then a branch for each, which begins
    with the last token of the prompt, since that one predicts what follows."""

    share: Integers
    numbers: list[int]
    branches: list[Integers]

    @property
    def size(self) -> int:
        """All tokens."""
        return len(self.share) + sum(map(len, self.branches))

    def document(self, number: int) -> TokenizedDocument:
        """All tokens one behind the other."""
        return TokenizedDocument(number, np.concatenate([self.share, *self.branches]))

    def places(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each token its position, and whose it is (-1: everybody's): int64 [T], [T]."""
        share = len(self.share)
        places = [torch.arange(share), *(torch.arange(len(branch)) + share for branch in self.branches)]
        owners = [torch.full_like(places[0], -1)]
        owners += [torch.full_like(p, number) for p, number in zip(places[1:], self.numbers, strict=True)]
        return torch.cat(places), torch.cat(owners)


def _trees(documents: Sequence[Scored], length: int) -> list[_Tree]:
    """Documents with the same prompt together, as many as fit into a row; any other one alone."""
    trees: list[_Tree] = []
    growing: dict[bytes, _Tree] = {}
    for number, item in enumerate(documents):
        tokens, seam = item.document.marked, item.document.learn_from - 1
        prompt = tokens[: seam + 1].tobytes() if seam else b""
        tree = growing.get(prompt)
        if tree is None or tree.size + len(tokens) - seam > length:
            tree = _Tree(tokens[:seam], [], [])
            trees.append(tree)
            if prompt:
                growing[prompt] = tree
        tree.numbers.append(number)
        tree.branches.append(tokens[seam:])
    return trees


def _branched(batch: Batch, trees: Sequence[_Tree]) -> tuple[Batch, torch.Tensor]:
    """A batch of trees with the places of their branches, and whose each token is, int64 [B, T]."""
    owners, positions = (part.cpu().clone() for part in (batch.documents, batch.position_ids))
    device = batch.input_ids.device
    lengths: list[list[Length]] = []
    for b, row in enumerate(batch.document_lengths):
        lengths.append([])
        start = 0
        for size in row:
            assert isinstance(size, int)
            part, number = slice(start, start + size), int(owners[b, start])
            tree = trees[number]
            if number < 0 or len(tree.numbers) == 1:  # below 0 in a batch with nothing to predict
                owners[b, part] = tree.numbers[0]
                lengths[b].append(size)
            else:
                places, of = tree.places()
                positions[b, part], owners[b, part] = places, of
                seen = (of == of[:, None]) | (of == -1)
                lengths[b].append((places[:, None] - places).where(seen, -1).to(device))
            start += size
    return replace(batch, position_ids=positions.to(device), document_lengths=lengths), owners
