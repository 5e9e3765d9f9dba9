"""Attention within each document of a packed row: causal kernels on the documents, no mask over the row.

A mask of the whole row makes the kernels compute every pair of its tokens, half of which are in the future
and, where a row holds many documents, nearly all of which are of other documents. It also keeps the fastest
kernels from being used, which know no masks.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "packed_sdpa"


def register() -> str:
    """Make it known to transformers; gives the name to load a model with (``attn_implementation``)."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, packed_mask)
    return NAME


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    document_lengths: Sequence[Sequence[int]] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' SDPA, each document by itself: query [B, H, T, D], key and value [B, G, T, D].

    Args:
        document_lengths: of the documents of each row, from its beginning; what is left of ``T`` is padding
            and comes out as zeros. None: rows as generation has them, with transformers' own mask.

    Returns:
        The result [B, T, H, D], and None where transformers' functions may give weights.
    """
    length = query.shape[2]
    if document_lengths is None or all(tuple(row) == (length,) for row in document_lengths):
        whole: torch.Tensor = sdpa_attention_forward(module, query, key, value, attention_mask, **options)[0]
        return whole, None
    rows = []
    # Splitting, whose gradient is a concatenation: slices would each have one as large as the whole.
    for states, lengths in zip(zip(query, key, value, strict=True), document_lengths, strict=True):
        padding = length - sum(lengths)
        parts = [state.unsqueeze(0).split([*lengths, padding], dim=2) for state in states]
        done = [
            sdpa_attention_forward(module, *document, None, **options)[0]
            for document in zip(*(part[:-1] for part in parts), strict=True)
        ]
        nothing = query.new_zeros(1, padding, *done[0].shape[2:])
        rows.append(torch.cat([*done, nothing], dim=1))
    return torch.cat(rows), None


def packed_mask(*, attention_mask: torch.Tensor | None = None, **shape: Any) -> torch.Tensor | None:
    """Generation's padding becomes a mask as ever; packed rows, which come without one, need none."""
    if attention_mask is None:
        return None
    mask: torch.Tensor | None = sdpa_mask(attention_mask=attention_mask, **shape)
    return mask
