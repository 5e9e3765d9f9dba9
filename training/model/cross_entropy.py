"""Cross-entropy of a frozen output layer, in chunks: the full matrix of logits never exists.

At Llama 2's vocabulary 4 × 1024 positions of fp32 logits and their gradient take 1 GB, a chunk 131 MB.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from training.data.batches import NO_TARGET

#: Positions whose logits exist at a time.
LOGIT_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Output:
    """A frozen output layer: hidden states [N, D] → logits, fp32 [N, V].

    ``scale`` multiplies the logits, ``cap`` bounds them by cap · tanh(logits / cap), where a family does so.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None = None
    scale: float = 1.0
    cap: float | None = None

    @classmethod
    def of(cls, base: Any) -> "Output":
        """The output layer of one of transformers' models."""
        head, config = base.get_output_embeddings(), base.config.get_text_config()
        scale = getattr(config, "logit_scale", None) or 1.0  # Cohere
        scale /= getattr(config, "logits_scaling", None) or 1.0  # Granite
        cap = getattr(config, "final_logit_softcapping", None)  # Gemma 2
        return cls(head.weight, getattr(head, "bias", None), float(scale), cap)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """The logits of a few positions."""
        plain = F.linear(hidden.to(self.weight.dtype), self.weight, self.bias).float()
        if self.scale != 1.0:
            plain = plain * self.scale
        return plain if self.cap is None else self.cap * torch.tanh(plain / self.cap)

    def gradient(self, logits: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
        """The gradient of the hidden states [N, D] for the gradient ``upstream`` of ``logits``."""
        if self.cap is not None:
            upstream = upstream * (1 - (logits / self.cap).square())
        return (upstream * self.scale if self.scale != 1.0 else upstream).to(self.weight.dtype) @ self.weight


class ChunkedCrossEntropy(torch.autograd.Function):
    """The gradient of the hidden states is made chunk by chunk in the forward pass."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, output: Output, targets: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden)
        for start in range(0, len(hidden), LOGIT_CHUNK):
            part, wanted = hidden[start : start + LOGIT_CHUNK], targets[start : start + LOGIT_CHUNK]
            logits = output.logits(part)
            log_probabilities = F.log_softmax(logits, dim=-1)
            if output.cap is None:
                logits = logits.new_empty(0)  # not needed again
            total += F.nll_loss(log_probabilities, wanted, reduction="sum")
            surprise = log_probabilities.exp_()
            surprise[torch.arange(len(wanted), device=wanted.device), wanted] -= 1.0
            gradient[start : start + LOGIT_CHUNK] = output.gradient(logits, surprise).to(hidden.dtype)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[0].to(gradient.dtype), None, None


def summed_cross_entropy(hidden: torch.Tensor, output: Output, labels: torch.Tensor) -> torch.Tensor:
    """Sum of cross-entropies in nats, fp32 scalar; differentiable in ``hidden`` only.

    ``hidden`` [B, T, D], ``labels`` [B, T] with NO_TARGET where nothing is predicted.
    """
    wanted = labels != NO_TARGET
    total: torch.Tensor = ChunkedCrossEntropy.apply(hidden[wanted], output, labels[wanted])  # type: ignore[no-untyped-call]
    return total


@torch.no_grad()
def token_losses(hidden: torch.Tensor, output: Output, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each predicted token in nats: fp32 [targets], ``labels`` read row by row."""
    wanted = labels != NO_TARGET
    states, targets = hidden[wanted], labels[wanted]
    losses = [
        F.cross_entropy(
            output.logits(states[i : i + LOGIT_CHUNK]), targets[i : i + LOGIT_CHUNK], reduction="none"
        )
        for i in range(0, len(states), LOGIT_CHUNK)
    ]
    return torch.cat(losses) if losses else torch.zeros(0, device=hidden.device)
