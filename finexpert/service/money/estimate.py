"""What the demo's fine-tune would take and cost on AWS, from published figures. Pure, every sum is shown."""

from __future__ import annotations

from dataclasses import dataclass

from core.money.training_time import (
    DOWNLOAD_SECONDS,
    EVALUATION_SPEEDUP,
    LOAD_SECONDS,
    TRAIN_TOKENS_PER_SECOND,
    training_seconds,
)
from finexpert.text import duration, usd


@dataclass(frozen=True)
class Sum:
    """One line of the estimate: how it comes about, in words, and dollars."""

    what: str
    how: str
    usd: float


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
