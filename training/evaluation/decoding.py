"""Continuing rows of tokens one token at a time, with the keys and values of what came before kept."""

from collections.abc import Callable, Sequence

import torch

from training.model.llama.attention import Attend, attention
from training.model.llama.config import LlamaConfig
from training.model.model import AdaptedModel


class KeyValues:
    """What a batch of rows, padded at the start, has been attended with so far; grows with each pass.

    ``real`` [B, S] tells tokens from padding, over the whole room that prompt and continuation take.
    """

    def __init__(self, config: LlamaConfig, real: torch.Tensor) -> None:
        self._real = real
        self._shape = (len(real), config.num_key_value_heads, real.shape[1], config.head_dim)
        self._kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._padded = not bool(real.all())
        self.start = 0

    def newest(self, length: int) -> Attend:
        """Attention of the next ``length`` tokens to all so far; they stay once ``start`` is moved on."""
        start, end = self.start, self.start + length
        mask = self._mask(end) if self._padded else None

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            if layer not in self._kept:
                self._kept[layer] = (key.new_zeros(self._shape), value.new_zeros(self._shape))
            for kept, new in zip(self._kept[layer], (key, value), strict=True):
                kept[:, :, start:end] = new
            keys, values = (kept[:, :, :end] for kept in self._kept[layer])
            return attention(query, keys, values, mask)

        return attend

    def _mask(self, end: int) -> torch.Tensor:
        """[B, 1, T, S]: real tokens up to one's own; padding sees itself, since nothing is no number."""
        places = torch.arange(end, device=self._real.device)
        newest = places[self.start :, None]
        seen = (places <= newest) & self._real[:, None, :end]
        return (seen | (places == newest))[:, None]


def continue_rows(
    model: AdaptedModel,
    rows: Sequence[Sequence[int]],
    *,
    new_tokens: int,
    padding: int,
    ends: torch.Tensor,
    choose: Callable[[torch.Tensor], torch.Tensor],
    anyone_goes_on: Callable[[bool], bool],
) -> list[list[int]]:
    """What follows each of ``rows``: at most ``new_tokens`` tokens, the last one of ``ends`` if that came up.

    Args:
        padding: the token that short rows are filled up with at the start.
        ends: tokens after which a row is done.
        choose: logits, fp32 [B, V] → tokens, int64 [B].
        anyone_goes_on: from whether this process does to whether any does; with a sharded base all must make
            equally many passes.
    """
    width = max(map(len, rows))
    ids = torch.tensor([[padding] * (width - len(row)) + list(row) for row in rows], device=model.device)
    lengths = torch.tensor([len(row) for row in rows], device=model.device)
    places = torch.arange(width + new_tokens, device=model.device)
    real = places >= (width - lengths)[:, None]
    positions = (real.cumsum(1) - 1).clamp(min=0)
    past = KeyValues(model.config, real)
    written: list[torch.Tensor] = []
    done = torch.zeros(len(rows), dtype=torch.bool, device=model.device)
    while anyone_goes_on(len(written) < new_tokens and not bool(done.all())):
        length = ids.shape[1]
        now = positions[:, past.start : past.start + length]
        logits = model.next_logits(ids, now, past.newest(length))
        if len(written) == new_tokens:
            continue  # done here; the pass was for the others' sake, and its last token is written over
        past.start += length
        tokens = choose(logits)
        written.append(torch.where(done, -1, tokens))
        done |= torch.isin(tokens, ends)
        ids = tokens[:, None]
    columns = torch.stack(written, 1).tolist() if written else [[] for _ in rows]
    return [[token for token in row if token >= 0] for row in columns]
