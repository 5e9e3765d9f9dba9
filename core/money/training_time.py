"""The time and cost of a fine-tune on AWS, from published figures. Pure, and every sum is shown.

Seconds measured on another machine say nothing about a GPU. So the time is put together from AWS's own job
for the same model on the same instance (public run logs of JumpStart's Llama 2 7B on ml.g5.2xlarge): tokens
over its tokens per second, and those of its fixed parts that this product has too.
"""

from core.money.prices import UnknownPrice, hourly

MEASURED_ON = "ml.g5.2xlarge"
"""The instance type that the figures below were measured on."""

TRAIN_TOKENS_PER_SECOND = 912
"""JumpStart's measured training speed: batch 4 × 1024 tokens, 4.49 s an optimizer step, one A10G."""

EVALUATION_SPEEDUP = 3
"""With activation checkpointing a training step is about three forward passes (forward, the same again,
backward through frozen weights); evaluation is one."""

DOWNLOAD_SECONDS = 300
"""Instance, container image and 13.5 GB of base weights, before the program starts (JumpStart's log)."""

LOAD_SECONDS = 40
"""Loading the weights onto the GPU (JumpStart's log)."""


def training_seconds(trained_tokens: float, evaluated_tokens: float, instances: int = 1) -> float:
    """Billable seconds of the training job on MEASURED_ON with Llama 2 7B.

    Args:
        trained_tokens: tokens that the optimizer saw, all epochs together.
        evaluated_tokens: tokens put through the model for evaluation, base and tuned together.
        instances: they share the tokens out, and each has the fixed parts.
    """
    seconds = trained_tokens / TRAIN_TOKENS_PER_SECOND
    seconds += evaluated_tokens / (TRAIN_TOKENS_PER_SECOND * EVALUATION_SPEEDUP)
    return DOWNLOAD_SECONDS + LOAD_SECONDS + seconds / instances


def expected(
    trained_tokens: tuple[int, int], evaluated_tokens: int, *, instance_type: str, instances: int, region: str
) -> str:
    """Time and dollars of a job that trains between these numbers of tokens, as a sentence with the sum.

    An unknown price is said to be unknown; refusing the job for it is the admission's part.
    """
    try:
        usd_per_hour = hourly(instance_type, region, "training").usd
    except UnknownPrice as error:
        return f"What training will cost is not known. {error}"
    low, high = (training_seconds(tokens, evaluated_tokens, instances) for tokens in trained_tokens)
    count = f"{instances} × " if instances > 1 else ""
    elsewhere = "" if instance_type == MEASURED_ON else f" at the speed of {MEASURED_ON}, so it will differ"
    return (
        f"Training is expected to take {_span(low / 60, high / 60, ',.0f')} minutes and"
        f" ${_span(low / 3600 * usd_per_hour * instances, high / 3600 * usd_per_hour * instances, ',.2f')}"
        f" on {count}{instance_type}{elsewhere}: start and download {DOWNLOAD_SECONDS} s, loading"
        f" {LOAD_SECONDS} s, {_span(*trained_tokens, ',')} tokens trained at"
        f" {TRAIN_TOKENS_PER_SECOND} tokens/s and {evaluated_tokens:,} of held-out text evaluated at"
        f" {TRAIN_TOKENS_PER_SECOND * EVALUATION_SPEEDUP}, as JumpStart's own job; × ${usd_per_hour:g}/h."
    )


def _span(low: float, high: float, form: str) -> str:
    first, last = format(low, form), format(high, form)
    return first if first == last else f"{first} to {last}"
