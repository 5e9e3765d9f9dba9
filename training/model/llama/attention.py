"""Attention within each document of a packed row: causal kernels on the documents, no mask over the row.

A mask of the whole row makes the kernels compute every pair of its tokens, half of which are in the future
and, where a row holds many documents, nearly all of which are of other documents. It also keeps the fastest
kernels from being used, which know no masks.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

#: Layer's number, query [B, H, T, D], key and value [B, G, T, D] → result [B, T, H, D].
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """PyTorch's scaled dot-product attention, causal; with ``mask`` (True: seen) as that says instead."""
    result = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        is_causal=mask is None and query.shape[2] > 1,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return result.transpose(1, 2)


def packed(document_lengths: Sequence[Sequence[int]]) -> Attend:
    """Attention for packed rows, each document by itself.

    ``document_lengths``: of the documents of each row, from its beginning; what is left of a row is padding,
    of which nothing that comes out may be used.
    """
    if all(len(row) == 1 for row in document_lengths):  # nothing real attends to what comes after it
        return lambda _, query, key, value: attention(query, key, value)

    def attend(_: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        length = query.shape[2]
        rows = []
        # Splitting, whose gradient is a concatenation: slices would each have one as large as the whole.
        for states, lengths in zip(zip(query, key, value, strict=True), document_lengths, strict=True):
            padding = length - sum(lengths)
            parts = [state.unsqueeze(0).split([*lengths, padding], dim=2) for state in states]
            done = [attention(*document) for document in zip(*(part[:-1] for part in parts), strict=True)]
            nothing = query.new_zeros(1, padding, *done[0].shape[2:])
            rows.append(torch.cat([*done, nothing], dim=1))
        return torch.cat(rows)

    return attend
