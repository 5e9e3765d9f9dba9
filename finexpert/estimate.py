"""What the demo's fine-tune would take and cost on AWS, from published figures. Pure, and every sum is shown.

Seconds measured on this machine say nothing about a GPU. So the time is put together from AWS's own job for
the same model on the same instance (public run logs of JumpStart's Llama 2 7B on ml.g5.2xlarge): tokens over
its tokens per second, and those of its fixed parts that this product has too.
"""

from __future__ import annotations

from dataclasses import dataclass

from finexpert.formatting import duration, usd

TRAIN_TOKENS_PER_SECOND = 912
"""JumpStart's measured training speed: batch 4 × 1024 tokens, 4.49 s an optimizer step, one A10G."""

EVALUATION_SPEEDUP = 3
"""With activation checkpointing a training step is about three forward passes (forward, the same again,
backward through frozen weights); evaluation is one."""

DOWNLOAD_SECONDS = 300
"""Instance, container image and 13.5 GB of base weights, before the program starts (JumpStart's log)."""

LOAD_SECONDS = 40
"""Loading the weights onto the GPU (JumpStart's log)."""


@dataclass(frozen=True)
class Sum:
    """One line of the estimate: how it comes about, in words, and dollars."""

    what: str
    how: str
    usd: float


def training_seconds(trained_tokens: int, evaluated_tokens: int) -> float:
    """Billable seconds of the training job on ml.g5.2xlarge with Llama 2 7B.

    Args:
        trained_tokens: tokens that the optimizer saw, all epochs together.
        evaluated_tokens: tokens put through the model for evaluation, base and tuned together.
    """
    return (
        DOWNLOAD_SECONDS
        + LOAD_SECONDS
        + trained_tokens / TRAIN_TOKENS_PER_SECOND
        + evaluated_tokens / (TRAIN_TOKENS_PER_SECOND * EVALUATION_SPEEDUP)
    )


def training(
    trained_tokens: int,
    evaluated_tokens: int,
    *,
    instance_type: str,
    instance_count: int,
    usd_per_hour: float,
) -> Sum:
    """The training job's line. `usd_per_hour`: of one instance."""
    seconds = training_seconds(trained_tokens, evaluated_tokens)
    parts = [
        f"{DOWNLOAD_SECONDS} s start and download + {LOAD_SECONDS} s load",
        f"{trained_tokens:,} tokens ÷ {TRAIN_TOKENS_PER_SECOND} tokens/s",
    ]
    if evaluated_tokens:
        parts.append(
            f"{evaluated_tokens:,} evaluated ÷ {TRAIN_TOKENS_PER_SECOND * EVALUATION_SPEEDUP} tokens/s"
        )
    how = f"{' + '.join(parts)} = {seconds:,.0f} s × {_rate(instance_type, instance_count, usd_per_hour)}"
    return Sum("Training job", how, seconds / 3600 * usd_per_hour * instance_count)


def hosting(seconds: float, *, instance_type: str, usd_per_hour: float) -> Sum:
    """The endpoint's line: as long as it was awake here. On AWS it starts slower and idles longer."""
    how = f"{duration(seconds)} awake, as here × {_rate(instance_type, 1, usd_per_hour)}"
    return Sum("Endpoint", how, seconds / 3600 * usd_per_hour)


def total(sums: list[Sum]) -> Sum:
    """The last line."""
    return Sum("Together", " + ".join(usd(line.usd) for line in sums), sum(line.usd for line in sums))


def _rate(instance_type: str, count: int, usd_per_hour: float) -> str:
    instances = f"{count} × {instance_type}" if count > 1 else instance_type
    return f"${usd_per_hour:g}/h ({instances})"
