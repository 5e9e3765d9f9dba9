"""Parts of an evaluation's document."""

from typing import Any


def compared(base: float, tuned: float, interval: list[float], **more: Any) -> dict[str, Any]:
    """A metric of both models, as evaluation.json has it: by default bits a byte of held-out text."""
    metric = {"metric": "held_out_bits_per_byte", "base": base, "tuned": tuned}
    return metric | {"difference": round(tuned - base, 6), "interval": interval} | more
