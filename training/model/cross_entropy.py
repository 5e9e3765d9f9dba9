"""Cross-entropy of a frozen output layer, in chunks: the full matrix of logits never exists.

At Llama 2's vocabulary 4 × 1024 positions of fp32 logits and their gradient take 1 GB, a chunk 131 MB.
"""

from typing import Any

import torch
import torch.nn.functional as F

from training.data.batches import NO_TARGET
from training.model.memory_plan import LOGIT_CHUNK


class ChunkedCrossEntropy(torch.autograd.Function):
    """The gradient of the hidden states is made chunk by chunk in the forward pass."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden)
        for start in range(0, len(hidden), LOGIT_CHUNK):
            part, wanted = hidden[start : start + LOGIT_CHUNK], targets[start : start + LOGIT_CHUNK]
            logits = (part.to(weight.dtype) @ weight.t()).float()
            log_probabilities = F.log_softmax(logits, dim=-1)
            total += F.nll_loss(log_probabilities, wanted, reduction="sum")
            surprise = log_probabilities.exp_()
            surprise[torch.arange(len(wanted), device=wanted.device), wanted] -= 1.0
            gradient[start : start + LOGIT_CHUNK] = (surprise.to(weight.dtype) @ weight).to(hidden.dtype)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[0].to(gradient.dtype), None, None


def summed_cross_entropy(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum of cross-entropies in nats, fp32 scalar; differentiable in ``hidden`` only.

    ``hidden`` [B, T, D], ``weight`` [V, D] (frozen), ``labels`` [B, T] with NO_TARGET where nothing is
    predicted.
    """
    wanted = labels != NO_TARGET
    total: torch.Tensor = ChunkedCrossEntropy.apply(hidden[wanted], weight, labels[wanted])  # type: ignore[no-untyped-call]
    return total


@torch.no_grad()
def token_losses(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each predicted token in nats: fp32 [targets], ``labels`` read row by row."""
    wanted = labels != NO_TARGET
    states, targets = hidden[wanted], labels[wanted]
    losses = [
        F.cross_entropy(
            (states[i : i + LOGIT_CHUNK].to(weight.dtype) @ weight.t()).float(),
            targets[i : i + LOGIT_CHUNK],
            reduction="none",
        )
        for i in range(0, len(states), LOGIT_CHUNK)
    ]
    return torch.cat(losses) if losses else torch.zeros(0, device=hidden.device)
