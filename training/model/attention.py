"""Attention within each document of a packed row, in transformers' table of attention functions.

A mask of the whole row makes the kernels compute every pair of its tokens, half of which are in the future
and, where a row holds many documents, nearly all of which are of other documents. It also keeps the fastest
kernels from being used, which take no mask.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from training.data.batches import Length

#: The names to load a model with (``attn_implementation``).
PACKED, PACKED_ON_CPU = "packed_sdpa", "packed_on_cpu"
#: Queries that are multiplied with all keys up to the last of them at a time.
_BLOCK = 128


class BlockedAttention(torch.autograd.Function):
    """Causal attention of one length by matrix products: query, key, value [B, H, T, D] → [B, H, T, D].

    PyTorch's own kernel for CPUs takes as long in bf16 as in fp32, one and a half times as long as this. Like
    it, this keeps no probabilities for the backward pass.
    """

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
    ) -> torch.Tensor:
        ctx.save_for_backward(query, key, value)
        ctx.scale = scale
        parts = [
            _probabilities(query, key, *block, scale) @ value[:, :, : block[1]] for block in _blocks(query)
        ]
        return torch.cat(parts, dim=2)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value = ctx.saved_tensors
        gradients = torch.empty_like(query), torch.zeros_like(key), torch.zeros_like(value)
        for start, end in _blocks(query):
            weights = _probabilities(query, key, start, end, ctx.scale)
            given = upstream[0][:, :, start:end]
            of_weights = given @ value[:, :, :end].mT
            of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype) * ctx.scale
            gradients[0][:, :, start:end] = of_scores @ key[:, :, :end]
            gradients[1][:, :, :end] += of_scores.mT @ query[:, :, start:end]
            gradients[2][:, :, :end] += weights.mT @ given
        return (*gradients, None)


def _blocks(query: torch.Tensor) -> list[tuple[int, int]]:
    length = query.shape[2]
    return [(start, min(start + _BLOCK, length)) for start in range(0, length, _BLOCK)]


def _probabilities(
    query: torch.Tensor, key: torch.Tensor, start: int, end: int, scale: float
) -> torch.Tensor:
    """What the queries from ``start`` to ``end`` give to each key up to ``end``."""
    scores = (query[:, :, start:end] * scale) @ key[:, :, :end].mT
    future = torch.ones(end - start, end - start, dtype=torch.bool, device=query.device).triu(1)
    scores[..., start:].masked_fill_(future, float("-inf"))
    return torch.softmax(scores, dim=-1)


def attention_on_cpu(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' SDPA, but in bf16 matrix products for a training step (:class:`BlockedAttention`) and for
    a generated token, where PyTorch's kernel takes five times as long."""
    trained, generated = attention_mask is None and query.requires_grad, query.shape[2] == 1
    if query.dtype == torch.bfloat16 and (trained or generated) and not dropout:
        groups, scale = query.shape[1] // key.shape[1], scaling or query.shape[-1] ** -0.5
        key, value = repeat_kv(key, groups), repeat_kv(value, groups)
        result: torch.Tensor
        if trained:
            result = BlockedAttention.apply(query, key, value, scale)  # type: ignore[no-untyped-call]
        else:
            scores = (query * scale) @ key.mT
            if attention_mask is not None:
                scores.masked_fill_(~attention_mask, float("-inf"))
            result = torch.softmax(scores, dim=-1) @ value
        return result.transpose(1, 2).contiguous(), None
    options |= {"scaling": scaling, "dropout": dropout}
    return sdpa_attention_forward(module, query, key, value, attention_mask, **options)  # type: ignore[no-any-return]


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    document_lengths: Sequence[Sequence[Length]] | None = None,
    sliding_window: int | None = None,
    within: Callable[..., tuple[torch.Tensor, None]] = sdpa_attention_forward,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' SDPA for each document: query [B, H, T, D], key and value [B, G, T, D].

    Args:
        document_lengths: lengths of the documents of each row, from its beginning; the rest of ``T`` is
            padding and comes out as zeros; or how far its tokens lie behind each other
            (:class:`training.data.batches.Batch`). None: rows as in generation, with transformers' own mask.
        sliding_window: number of tokens that a token sees at most, where the model limits that.
        within: the attention of a document.

    Returns:
        The result [B, T, H, D], and None, where transformers' functions may return weights.
    """
    if document_lengths is None:
        return within(module, query, key, value, attention_mask, **options)
    length = query.shape[2]

    def attend(document: Length, *states: torch.Tensor) -> torch.Tensor:
        mask = _mask(document, sliding_window, query.device)
        return within(module, *states, mask, **options)[0]

    if all(len(row) == 1 and isinstance(row[0], int) for row in document_lengths):
        return attend(length, query, key, value), None  # nothing real attends to what comes after it
    rows = []
    # Splitting, whose gradient is a concatenation: slices would each have one as large as the whole.
    for states, lengths in zip(zip(query, key, value, strict=True), document_lengths, strict=True):
        sizes = [each if isinstance(each, int) else len(each) for each in lengths]
        padding = length - sum(sizes)
        parts = [state.unsqueeze(0).split([*sizes, padding], dim=2) for state in states]
        done = [attend(*document) for document in zip(lengths, *(part[:-1] for part in parts), strict=True)]
        nothing = query.new_zeros(1, padding, *done[0].shape[2:])
        rows.append(torch.cat([*done, nothing], dim=1))
    return torch.cat(rows), None


def _mask(document: Length, window: int | None, device: torch.device) -> torch.Tensor | None:
    """Which key each query sees, bool [T, T]; None = all before it, as in most documents."""
    if isinstance(document, int):
        if window is None or document <= window:
            return None
        places = torch.arange(document, device=device)
        document = places[:, None] - places
    return document >= 0 if window is None else (document >= 0) & (document < window)


def packed_mask(*args: Any, attention_mask: torch.Tensor | None = None, **shape: Any) -> torch.Tensor | None:
    """transformers' mask for generation, whose rows are padded; packed rows need none."""
    if attention_mask is None:
        return None
    mask: torch.Tensor | None = sdpa_mask(*args, attention_mask=attention_mask, **shape)
    return mask


AttentionInterface.register(PACKED, packed_attention)
AttentionInterface.register(PACKED_ON_CPU, partial(packed_attention, within=attention_on_cpu))
for name in (PACKED, PACKED_ON_CPU):
    AttentionMaskInterface.register(name, packed_mask)
