"""Attention within each document of a packed row, in transformers' table of attention functions.

A mask of the whole row makes the kernels compute every pair of its tokens, half of which are in the future
and, where a row holds many documents, nearly all of which are of other documents. It also keeps the fastest
kernels from being used, which take no mask.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

#: The name to load a model with (``attn_implementation``).
PACKED = "packed_sdpa"


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    document_lengths: Sequence[Sequence[int]] | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' SDPA for each document: query [B, H, T, D], key and value [B, G, T, D].

    Args:
        document_lengths: lengths of the documents of each row, from its beginning; the rest of ``T`` is
            padding and comes out as zeros. None: rows as in generation, with transformers' own mask.
        sliding_window: number of tokens that a token sees at most, where the model limits that.

    Returns:
        The result [B, T, H, D], and None, where transformers' functions may return weights.
    """
    if document_lengths is None:
        whole: torch.Tensor = sdpa_attention_forward(module, query, key, value, attention_mask, **options)[0]
        return whole, None
    length = query.shape[2]

    def attend(*states: torch.Tensor) -> torch.Tensor:
        mask = _window(states[0].shape[2], sliding_window, query.device)
        result: torch.Tensor = sdpa_attention_forward(module, *states, mask, **options)[0]
        return result

    if all(len(row) == 1 for row in document_lengths):  # nothing real attends to what comes after it
        return attend(query, key, value), None
    rows = []
    # Splitting, whose gradient is a concatenation: slices would each have one as large as the whole.
    for states, lengths in zip(zip(query, key, value, strict=True), document_lengths, strict=True):
        padding = length - sum(lengths)
        parts = [state.unsqueeze(0).split([*lengths, padding], dim=2) for state in states]
        done = [attend(*document) for document in zip(*(part[:-1] for part in parts), strict=True)]
        nothing = query.new_zeros(1, padding, *done[0].shape[2:])
        rows.append(torch.cat([*done, nothing], dim=1))
    return torch.cat(rows), None


def _window(length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """The mask [T, T] of a document that is longer than the window; a shorter one needs none."""
    if window is None or length <= window:
        return None
    places = torch.arange(length, device=device)
    back = places[:, None] - places
    return (back >= 0) & (back < window)


def packed_mask(*args: Any, attention_mask: torch.Tensor | None = None, **shape: Any) -> torch.Tensor | None:
    """transformers' mask for generation, whose rows are padded; packed rows need none."""
    if attention_mask is None:
        return None
    mask: torch.Tensor | None = sdpa_mask(*args, attention_mask=attention_mask, **shape)
    return mask


AttentionInterface.register(PACKED, packed_attention)
AttentionMaskInterface.register(PACKED, packed_mask)
